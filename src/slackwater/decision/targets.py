"""Targets: where the take-profit rests, and what an active exit must clear."""

from __future__ import annotations

import math

from slackwater.decision.adapt import fee_floor_bps, min_tp_profit_bps
from slackwater.kernel.jit import jit
from slackwater.ledger.recovery import debt_usd, hurdle_bps
from slackwater.market.spreads import median_spread_bps
from slackwater.schema.enums import ExitReason
from slackwater.schema.instrument import floor_ticks
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState
from slackwater.schema.units import BPS, MINUTE

UNKNOWN_MEDIAN_TARGET_BPS = 5.0
SURELY_OLD = 1.0 + 1e-9  # of the half-life: from here on rounding cannot lift the decay above its floor


@jit
def fresh_target_bps(s: SymbolState, p: Params) -> float:
    """The take-profit distance of a position just opened: from the usual spread or from the live volatility."""
    median = median_spread_bps(s.market)
    by_spread = median * p.tp_spread_mult if median > 0.0 else UNKNOWN_MEDIAN_TARGET_BPS
    return max(by_spread, min(s.market.live_bps * p.tp_vol_capture_ratio, p.tp_vol_scale_cap))


@jit
def decay(s: SymbolState, p: Params, now_ns: int) -> float:
    """How much of the target is left at the position's age: 1 when fresh, `tp_decay_floor` when old."""
    if p.tp_decay_half_life_min <= 0.0:
        return 1.0
    age_ns = now_ns - s.ledger.opened_ns
    if age_ns > SURELY_OLD * p.tp_decay_half_life_min * MINUTE:
        return float(p.tp_decay_floor)
    return max(p.tp_decay_floor, 1.0 - (1.0 - p.tp_decay_floor) * (age_ns / MINUTE) / p.tp_decay_half_life_min)


@jit
def exit_hurdle_bps(s: SymbolState, p: Params, now_ns: int) -> float:
    """The recovery hurdle on the largest cost since flat, so that a partial fill does not push its own rest away."""
    return hurdle_bps(p, debt_usd(s.recovery, p, now_ns), s.ledger.episode.max_cost_usd)


@jit
def rest_bps(s: SymbolState, p: Params, now_ns: int) -> float:
    """Distance of the resting take-profit below the average entry: never below both maker fees and the hurdle."""
    return rest_of_bps(s, p, now_ns, decay(s, p, now_ns))


@jit
def rest_of_bps(s: SymbolState, p: Params, now_ns: int, left: float) -> float:
    """That distance when what is left by age is known already."""
    return rest_above_bps(s, p, left, min_tp_profit_bps(s, p), rest_floor_bps(s, p, now_ns))


@jit
def rest_floor_bps(s: SymbolState, p: Params, now_ns: int) -> float:
    """What the resting take-profit asks at any age: both maker fees and the hurdle."""
    return 2.0 * p.maker_fee * BPS + max(exit_hurdle_bps(s, p, now_ns), 1.0)


@jit
def rest_above_bps(s: SymbolState, p: Params, left: float, min_tp_bps: float, floor_bps: float) -> float:
    """The resting take-profit's distance when `min_tp_profit_bps` and `rest_floor_bps` are known too."""
    return max(fresh_target_bps(s, p) * left, min_tp_bps * left, floor_bps)


@jit
def resting_ticks(s: SymbolState, price: float) -> int:
    """A resting buy at a price: floored to the tick and below the ask."""
    return min(floor_ticks(s.ins, price), s.market.ask_ticks - 1)


@jit
def exit_floor_bps(s: SymbolState, p: Params, now_ns: int, reason: int) -> float:
    """The net result that an active exit must clear; minus infinity for exits that do not ask."""
    if reason == ExitReason.TP:
        return exit_hurdle_bps(s, p, now_ns)
    if reason == ExitReason.FAST_TP:
        return max(exit_hurdle_bps(s, p, now_ns), max(1.0, 0.2 * fee_floor_bps(p)))
    if reason == ExitReason.INVERSE_TP:
        return max(exit_hurdle_bps(s, p, now_ns), 1.0)
    return -math.inf


@jit
def is_unconditional(reason: int) -> bool:
    """Whether an exit goes through whatever it costs, without the maker step."""
    return reason == ExitReason.STOP or reason == ExitReason.TIMEOUT or reason == ExitReason.DRAWDOWN or reason == ExitReason.SHUTDOWN
