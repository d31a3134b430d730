"""Signals: what each valid book and trade changes, and the scores made of it.

`on_*` return false for input that makes no sense, which is counted and changes nothing else. Times must not run backwards. Scores and
windows that few events need are computed when asked; asking changes no later answer.
"""

from __future__ import annotations

import math

from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
from slackwater.market.book import is_valid_book, set_prices, set_sizes
from slackwater.market.candles import apply_candle
from slackwater.market.depth import depth_min_ask_lots, depth_min_bid_lots, push_depth
from slackwater.market.mids import LONGEST_NS as HIGH_NS
from slackwater.market.mids import RUN_MASK, highest_mid, highest_run, observe_mid, refresh_windows, ret_2s_bps, ret_30s_bps, rv_mid_1s_bps
from slackwater.market.spreads import push_spread, start_spread_run
from slackwater.market.trades import first_trade, flow_since, imbalance, push_trade, rv_1s_bps, ti_300ms, ti_500ms, volume_since
from slackwater.market.volatility_regime import drift_mult, is_heavy_tail, observe_candles, observe_regime, tail_ratio
from slackwater.market.zscore import LN2, UPDATE_SEC, apply_value, gain_of, gain_since, z_of
from slackwater.schema.instrument import Instrument
from slackwater.schema.market import MarketState
from slackwater.schema.params import MdNorm, SignalParams, ZClock
from slackwater.schema.units import BPS, NEVER_NS, SEC

__all__ = [
    "buy_ratio_2s",
    "calm_from_bps",
    "depth_min_ask_lots",
    "depth_min_bid_lots",
    "drift_mult",
    "exhaust_score",
    "is_heavy_tail",
    "is_warm",
    "is_waterfall",
    "on_book",
    "on_candle",
    "on_trade",
    "pump_score",
    "ret_2s_bps",
    "ret_30s_bps",
    "rv_1s_bps",
    "rv_mid_1s_bps",
    "signal_strength",
    "tail_ratio",
    "ti_2s",
    "ti_300ms",
    "ti_500ms",
    "waterfall_score",
]

WARM_TRADES = 20  # more than these
WARM_BOOKS = 50
MIN_BLENDED_BPS = 1.0  # a dead market makes no waterfall
SURE = 1.0 - 1e-9  # below this share of the threshold rounding cannot matter


@jit_inline
def on_book(
    m: MarketState, ins: Instrument, sp: SignalParams, now_ns: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int
) -> bool:
    """Take in a book that reached us at `now_ns`."""
    if rare(not is_valid_book(bid_ticks, bid_lots, ask_ticks, ask_lots)):
        m.rejected_books += 1
        return False
    if rare(now_ns >= m.due_ns):
        observe_due(m, sp, now_ns)
    if bid_ticks != m.bid_ticks or ask_ticks != m.ask_ticks:
        observe_prices(m, ins, now_ns, bid_ticks, ask_ticks)
    if rare(now_ns > m.mids_due_ns):
        refresh_windows(m, now_ns, False)
    set_sizes(m, ins, bid_lots, ask_lots)
    observe_flow(m, now_ns)
    push_depth(m, now_ns, bid_lots, ask_lots)
    m.md = displacement(m, sp)
    update_trackers(m, sp, now_ns)
    dt_ns = now_ns - m.book_ns
    m.book_ns = now_ns
    m.n_books += 1
    push_spread(m, now_ns)
    observe_regime(m, sp, now_ns, dt_ns)
    return True


@jit
def observe_due(m: MarketState, sp: SignalParams, now_ns: int) -> None:
    """What few books bring: the first one begins everything, others end candles or are due for a look at the volatility."""
    if not m.started:
        start(m, sp, now_ns)
    if m.n_books == 0:
        m.book_ns = now_ns
    m.due_ns = NEVER_NS
    if sp.drift_enabled:
        observe_candles(m, sp, now_ns)
        m.due_ns = min(m.next_candle_ns, m.volatility_ns + sp.refresh_ns)


@jit
def observe_prices(m: MarketState, ins: Instrument, now_ns: int, bid_ticks: int, ask_ticks: int) -> None:
    """What other prices bring: eight books of nine have those of the one before."""
    mid, spread_bps = m.mid, m.spread_bps
    set_prices(m, ins, bid_ticks, ask_ticks)
    if rare(m.n_books == 0) or m.spread_bps != spread_bps:
        start_spread_run(m)
    if rare(m.n_books == 0) or m.mid != mid:
        observe_mid(m, now_ns)


@jit_inline
def on_trade(m: MarketState, ins: Instrument, sp: SignalParams, now_ns: int, price_ticks: int, lots: int, buyer_maker: bool) -> bool:
    """Take in a trade that reached us at `now_ns`. `buyer_maker` means that the aggressor sold."""
    if rare(price_ticks <= 0 or lots < 0):
        m.rejected_trades += 1
        return False
    if rare(not m.started):
        start(m, sp, now_ns)
    push_trade(m, now_ns, price_ticks, lots, buyer_maker)
    sample_ti(m, sp, now_ns)
    return True


@jit
def on_candle(m: MarketState, sp: SignalParams, tf: int, close: float, end_ns: int) -> bool:
    """Take in a candle of the tape: frame 0, 1 or 2, its close in quote currency and the time it ends."""
    return apply_candle(m, tf, close, end_ns)


@jit
def start(m: MarketState, sp: SignalParams, now_ns: int) -> None:
    """Note the first event and what stays the same for the whole run: gains when the clock counts updates, and a rate."""
    m.started = True
    m.first_ns = now_ns
    m.gain = gain_of(UPDATE_SEC, sp.half_life_sec)
    m.gain_delta = gain_of(UPDATE_SEC, sp.delta_half_life_sec)
    m.live_rate = LN2 / (sp.live_half_life_sec * SEC)
    m.z_ret_2s.variance = m.z_ti_2s.variance = m.z_md.variance = m.z_neg_dti.variance = m.z_neg_dqi.variance = 1.0


@jit_inline
def observe_flow(m: MarketState, now_ns: int) -> None:
    """Bring the 2 s window of trades up to a book."""
    tail = first_trade(m, m.tail_2s, now_ns - 2 * SEC)
    m.tail_2s = tail
    m.flow_2s = flow_since(m, tail)
    m.volume_2s = volume_since(m, tail)
    m.ti_2s = imbalance(m.flow_2s, m.volume_2s)


@jit_inline
def displacement(m: MarketState, sp: SignalParams) -> float:
    """How far the microprice is from the mid: in spreads, or in bps of the mid."""
    # As the difference that it is, though half the quote imbalance is the same but for rounding: its score must be what others compute.
    if sp.md_norm == MdNorm.MID:
        return (m.micro_price - m.mid) / m.mid * BPS
    if rare(m.ask_ticks == m.bid_ticks):
        return 0.0
    return (m.micro_price - m.mid) / (m.ask - m.bid)


@jit_inline
def update_trackers(m: MarketState, sp: SignalParams, now_ns: int) -> None:
    """Update the three trackers of every book, and the two that sample when their time has come."""
    # The three are updated together, so that one gain serves them all.
    n = m.n_books
    gain = gain_since(n, now_ns - m.book_ns, sp.half_life_sec) if sp.z_clock == ZClock.TIME else m.gain
    apply_value(m.z_ret_2s, m.ret_2s, gain)
    apply_value(m.z_ti_2s, m.ti_2s, gain)
    apply_value(m.z_md, m.md, gain)
    sample_ti(m, sp, now_ns)
    dt_ns = now_ns - m.dqi_ns
    if dt_ns > sp.delta_spacing_ns:
        n = m.n_dqi
        gain = gain_since(n, dt_ns, sp.delta_half_life_sec) if sp.z_clock == ZClock.TIME else m.gain_delta
        apply_value(m.z_neg_dqi, -(m.qi - m.sampled_qi), gain)
        m.n_dqi = n + 1
        m.dqi_ns = now_ns
        m.sampled_qi = m.qi


@jit_inline
def sample_ti(m: MarketState, sp: SignalParams, now_ns: int) -> None:
    """Sample the fall of the 300 ms trade imbalance when the last sample is old enough."""
    dt_ns = now_ns - m.dti_ns
    if dt_ns > sp.delta_spacing_ns:
        n = m.n_dti
        ti = ti_300ms(m, now_ns)
        gain = gain_since(n, dt_ns, sp.delta_half_life_sec) if sp.z_clock == ZClock.TIME else m.gain_delta
        apply_value(m.z_neg_dti, -(ti - m.sampled_ti), gain)
        m.n_dti = n + 1
        m.dti_ns = now_ns
        m.sampled_ti = ti


@jit
def z_ret_2s(m: MarketState, sp: SignalParams) -> float:
    """Score of `ret_2s_bps`."""
    return z_of(m.z_ret_2s, m.n_books, sp.z_clamp)


@jit
def z_ti_2s(m: MarketState, sp: SignalParams) -> float:
    """Score of `ti_2s`."""
    return z_of(m.z_ti_2s, m.n_books, sp.z_clamp)


@jit
def z_md(m: MarketState, sp: SignalParams) -> float:
    """Score of the microprice displacement."""
    return z_of(m.z_md, m.n_books, sp.z_clamp)


@jit
def z_neg_dti(m: MarketState, sp: SignalParams) -> float:
    """Score of the fall of `ti_300ms` between its last two samples."""
    return z_of(m.z_neg_dti, m.n_dti, sp.z_clamp)


@jit
def z_neg_dqi(m: MarketState, sp: SignalParams) -> float:
    """Score of the fall of `qi` between its last two samples."""
    return z_of(m.z_neg_dqi, m.n_dqi, sp.z_clamp)


@jit
def pump_score(m: MarketState, sp: SignalParams) -> float:
    """How much of a pump this is: return, aggressors' side and microprice against their own past."""
    return sp.weight_ret * z_ret_2s(m, sp) + sp.weight_ti * z_ti_2s(m, sp) + sp.weight_md * z_md(m, sp)


@jit
def exhaust_score(m: MarketState, sp: SignalParams) -> float:
    """How spent the pump is: buyers fading, and the ask the heavier side of the book (decided on integers)."""
    leans_down = 1.0 if m.bid_lots < m.ask_lots and m.ask_ticks > m.bid_ticks else 0.0
    return z_neg_dti(m, sp) + z_neg_dqi(m, sp) + leans_down


@jit
def signal_strength(m: MarketState, sp: SignalParams) -> float:
    """The mean of both scores."""
    return 0.5 * pump_score(m, sp) + 0.5 * exhaust_score(m, sp)


@jit
def is_warm(m: MarketState) -> bool:
    """Whether enough trades and books were seen for the scores to mean something."""
    return m.n_trades > WARM_TRADES and m.n_books > WARM_BOOKS


@jit
def ti_2s(m: MarketState) -> float:
    """Trade imbalance of the 2 s before the last book."""
    return m.ti_2s


@jit
def buy_ratio_2s(m: MarketState) -> float:
    """Share of aggressive buying in the 2 s before the last book; 0.5 when nothing was traded."""
    if m.volume_2s == 0:
        return 0.5
    return (m.volume_2s + m.flow_2s) // 2 / m.volume_2s


@jit
def waterfall_score(m: MarketState, sp: SignalParams, now_ns: int) -> float:
    """Fall of the mid from its 30 s high in units of blended volatility, halved for every `waterfall_decay_sec` since the high."""
    if m.n_runs == 0:
        return 0.0
    from_ns = now_ns - HIGH_NS
    run = m.runs[highest_run(m, from_ns) & RUN_MASK]
    fall_bps = (run.mid - m.mid) / run.mid * BPS
    age_sec = (now_ns - max(run.first_ns, from_ns)) / SEC
    return fall_bps / max(m.blended_bps, MIN_BLENDED_BPS) * math.exp(-LN2 * age_sec / sp.waterfall_decay_sec)


@jit_inline
def is_waterfall(m: MarketState, sp: SignalParams, now_ns: int, threshold: float) -> bool:
    """Whether the waterfall score exceeds a threshold (0 or more); the decay is left out while the fall alone is too small."""
    if m.n_runs == 0:
        return False
    high = highest_mid(m, now_ns - HIGH_NS)
    if (high - m.mid) * BPS <= threshold * SURE * max(m.blended_bps, MIN_BLENDED_BPS) * high:
        return False
    return waterfall_score(m, sp, now_ns) > threshold


@jit
def calm_from_bps(m: MarketState, now_ns: int, threshold: float) -> float:
    """Blended volatility from which on there is no waterfall, whatever the decay, while the mid stays; 0 when it takes none."""
    high = highest_mid(m, now_ns - HIGH_NS)
    least_bps = (high - m.mid) * BPS / (threshold * SURE * high) / SURE
    return 0.0 if least_bps <= MIN_BLENDED_BPS else least_bps
