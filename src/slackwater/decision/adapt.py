"""Adaptive modifiers: what the record of the last closes and entries does to cooldown, gaps, depth, targets and the spread asked."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit, jit_inline
from slackwater.market.spreads import median_spread_bps
from slackwater.market.volatility_regime import drift_mult
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState
from slackwater.schema.units import BPS, SEC

MIN_COOLDOWN_SEC = 0.1
MAX_COOLDOWN_FACTOR = 8.0
MIN_COOLDOWN_DRIFT = 0.5  # a market quieter than this stretches no cooldown further
KNIFE_FRAC = 0.6  # more falling steps than this among the last closes' bids is a falling knife
MIN_DEEP_CLOSES = 8
RELIEF_STRENGTH = 0.85
RELIEF_EXPONENT = 0.3


@jit
def fee_floor_bps(p: Params) -> float:
    """A maker entry and a taker exit."""
    return (p.maker_fee + p.taker_fee) * BPS


@jit
def entry_cooldown_ns(s: SymbolState, p: Params) -> int:
    """Time between entries: longer after repeated fills, near-zero closes and falling bids, shorter in a lively market."""
    return cooldown_at_ns(s, p, max(drift_mult(s.market, p.signals), MIN_COOLDOWN_DRIFT))


@jit
def cooldown_at_ns(s: SymbolState, p: Params, drift: float) -> int:
    """What that time is at some drift multiplier."""
    base = max(p.cooldown_sec, MIN_COOLDOWN_SEC)
    if not p.dynamic_enabled:
        return int(base * SEC)
    beh = s.behaviour
    knife = 1.0 + 4.0 * beh.falling_frac if beh.falling_frac > KNIFE_FRAC else 1.0
    stretched = base * (1.0 + (3.0 * beh.dup + 2.0 * beh.near) / drift) * knife
    return int(min(max(stretched, base), MAX_COOLDOWN_FACTOR * base) * SEC)


@jit_inline
def is_cooling(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether the entry cooldown since the last placement or entry fill still runs."""
    if has_cooled(s, p, now_ns):
        return False
    return now_ns - last_entry_ns(s) < entry_cooldown_ns(s, p)


@jit
def last_entry_ns(s: SymbolState) -> int:
    """The last placement or fill of an entry."""
    return max(s.ledger.last_entry_placed_ns, s.ledger.last_entry_fill_ns)


@jit
def has_cooled(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether more time has gone by since than any entry cooldown takes."""
    return now_ns - last_entry_ns(s) >= int(MAX_COOLDOWN_FACTOR * max(p.cooldown_sec, MIN_COOLDOWN_SEC) * SEC)


@jit
def shortest_cooldown_ns(p: Params) -> int:
    """What an entry cooldown takes at least, whatever the market does."""
    return int(max(p.cooldown_sec, MIN_COOLDOWN_SEC) * SEC)


@jit
def longest_cooldown_ns(s: SymbolState, p: Params) -> int:
    """What the entry cooldown takes at most, whatever the market does until the record of entries and closes changes."""
    return cooldown_at_ns(s, p, MIN_COOLDOWN_DRIFT)


@jit
def layer_gap_bps(s: SymbolState, p: Params) -> float:
    """The least distance between layers."""
    return layer_gap_at_bps(s, p, median_spread_bps(s.market))


@jit
def layer_gap_at_bps(s: SymbolState, p: Params, median_spread_bps: float) -> float:
    """What that distance is at some median spread: no less when that is larger."""
    gap = max(p.min_spread_bps, median_spread_bps, 0.5 * fee_floor_bps(p))
    return gap * (1.0 + 2.0 * s.behaviour.dup) if p.dynamic_enabled else gap


@jit
def max_layers(s: SymbolState, p: Params) -> int:
    """How deep the grid may go: shallow when deep closes have not paid."""
    beh = s.behaviour
    if not p.dynamic_enabled or beh.deep_count < MIN_DEEP_CLOSES:
        return p.max_layers
    if beh.deep_mean_bps < 0.0:
        return min(2, p.max_layers)
    if beh.deep_mean_bps < fee_floor_bps(p):
        return min(3, p.max_layers)
    return p.max_layers


@jit
def min_tp_profit_bps(s: SymbolState, p: Params) -> float:
    """The least gross profit a take-profit asks."""
    floor = fee_floor_bps(p)
    if not p.dynamic_enabled:
        return max(p.min_tp_profit_bps, 1.1 * floor)
    return max(p.min_tp_profit_bps, floor * (1.1 + s.behaviour.near)) * (1.0 + 0.5 * s.behaviour.loss)


@jit
def min_fast_tp_bps(s: SymbolState, p: Params) -> float:
    """The return (negative is profit) at which a turning flow takes the profit."""
    if not p.dynamic_enabled:
        return p.min_fast_tp_bps
    return min(p.min_fast_tp_bps - fee_floor_bps(p) * (0.3 + s.behaviour.near), -1.0)


@jit
def relieved_min_spread_bps(p: Params, unrealised_bps: float) -> float:
    """The spread an add asks: the minimum near the average, less the deeper the position is under water."""
    depth = max(-unrealised_bps, 0.0)
    if not p.dynamic_enabled or depth < p.relief_start_bps:
        return p.min_spread_bps
    t = min((depth - p.relief_start_bps) / (p.relief_full_bps - p.relief_start_bps), 1.0)
    return p.min_spread_bps * max(p.relief_floor, 1.0 - RELIEF_STRENGTH * math.pow(t, RELIEF_EXPONENT))
