"""Volatility regime: how lively the market is now against its own candles."""

from __future__ import annotations

import math

from slackwater.kernel.hints import rare, usual
from slackwater.kernel.jit import jit, jit_inline
from slackwater.market.candles import candle_vol_bps, close_candles
from slackwater.market.trades import rv_1s_bps
from slackwater.schema.market import MarketState
from slackwater.schema.params import SignalParams, VolUnits

SQRT_MINUTE = math.sqrt(60.0)  # from one second to one minute
MIN_BASELINE_BPS = 8.0  # stands in until there are candles
V7_LIVE_GAIN = 0.25
SMALL = 0.03  # below it six terms of the series of 1-exp(-x) are right to 1e-12, and quicker
THIRD = 1.0 / 3.0
FIFTH = 1.0 / 5.0
SIXTH = 1.0 / 6.0
SURE = 1.0 - 1e-9  # below this share of a threshold rounding cannot matter


@jit
def observe_candles(m: MarketState, sp: SignalParams, now_ns: int) -> None:
    """Before a book is taken in: close what ends with it and look at the candles again when their time has come."""
    if now_ns >= m.next_candle_ns or m.n_books == 0:
        close_candles(m, sp, now_ns)
    if m.n_books == 0 or now_ns - m.volatility_ns >= sp.refresh_ns:
        m.volatility_ns = now_ns
        vol = candle_vol_bps(m, sp, now_ns)
        if vol > 0.0:
            m.candle_vol_bps = vol


@jit_inline
def live_gain(x: float) -> float:
    """`1-exp(-x)`, short steps by a series: unlike a score, an average forgets a rounding."""
    if rare(x > SMALL):
        return 1.0 - math.exp(-x)
    return x * (1.0 - x * 0.5 * (1.0 - x * THIRD * (1.0 - x * 0.25 * (1.0 - x * FIFTH * (1.0 - x * SIXTH)))))


@jit_inline
def move_live(m: MarketState, sp: SignalParams, now_ns: int, dt_ns: int) -> None:
    """Move the live volatility towards what the last second showed."""
    if sp.vol_units == VolUnits.MINUTE:
        live_in = m.rv_mid_1s * SQRT_MINUTE
        if usual(m.live_ema > 0.0):
            m.live_ema += live_gain(dt_ns * m.live_rate) * (live_in - m.live_ema)
        else:
            m.live_ema = live_in
    else:
        live_in = rv_1s_bps(m, now_ns)
        if live_in > 0.0:
            m.live_ema += (V7_LIVE_GAIN if m.live_ema > 0.0 else 1.0) * (live_in - m.live_ema)


@jit_inline
def observe_regime(m: MarketState, sp: SignalParams, now_ns: int, dt_ns: int) -> None:
    """After a book's signals: baseline, live and blended volatility, and for how long the drift multiplier was at a limit.

    `dt_ns` is the time since the book before; what held at that book is counted for it.
    """
    m.regime_ns += dt_ns
    if rare(m.drift_clamped):
        m.clamped_ns += dt_ns
    move_live(m, sp, now_ns, dt_ns)
    base = m.candle_vol_bps if m.candle_vol_bps > 0.0 else max(m.live_ema, MIN_BASELINE_BPS)
    live = m.live_ema if m.live_ema > 0.0 else base
    blended = (1.0 - sp.live_weight) * base + sp.live_weight * live
    m.baseline_bps = base
    m.live_bps = live
    m.blended_bps = blended
    m.drift_clamped = blended < sp.drift_min * base or blended > sp.drift_max * base


@jit
def drift_mult(m: MarketState, sp: SignalParams) -> float:
    """Blended over baseline volatility, within its limits; 1 before the first book."""
    if m.n_books == 0:
        return 1.0
    return min(max(m.blended_bps / m.baseline_bps, sp.drift_min), sp.drift_max)


@jit
def tail_ratio(m: MarketState, sp: SignalParams) -> float:
    """The larger of live and blended volatility over the baseline; 1 before the first book."""
    if m.n_books == 0:
        return 1.0
    return max(m.live_bps, m.blended_bps) / m.baseline_bps


@jit
def is_heavy_tail(m: MarketState, sp: SignalParams) -> bool:
    """Whether the market moves so much more than usual that no layer should follow soon."""
    if max(m.live_bps, m.blended_bps) < sp.tail_mult * SURE * m.baseline_bps:
        return False
    return tail_ratio(m, sp) >= sp.tail_mult


@jit
def is_from_candles(m: MarketState) -> bool:
    """Whether the baseline rests on candles (`mtf+live`) or on live volatility alone (`live_only`)."""
    return m.candle_vol_bps > 0.0
