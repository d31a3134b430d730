"""The strategy's formulas as pure functions of plain numbers. No state, no time except where it is an argument.

Lengths are basis points, money is USD, quantities are lots. Where a formula needs many constants it takes `Settings`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference.settings import Settings
from tests.reference.signals import clamp, deviation

STEP_SLACK = 1e-9  # of a step: what is on the grid but for rounding stays there when floored


def lerp(a: float, b: float, t: float) -> float:
    """From `a` at `t <= 0` to `b` at `t >= 1`."""
    return a + (b - a) * clamp(t, 0.0, 1.0)


def fee_floor_bps(s: Settings) -> float:
    """One maker and one taker fee."""
    return (s.maker_fee + s.taker_fee) * 1e4


# --- size and geometry ---------------------------------------------------------------------------------------------------------


def base_notional(spread_bps: float, s: Settings) -> float:
    """Order value by the width of the spread: the minimum at the narrowest allowed, the maximum at three times that."""
    lo = max(s.min_spread_bps, 1.0)
    hi = 3.0 * lo
    return lerp(s.min_notional_usd, s.max_notional_usd, (spread_bps - lo) / max(hi - lo, 1.0))


def entry_notional(spread_bps: float, signal_strength: float, rv_1s_bps: float, s: Settings) -> float:
    """Order value of a first entry: stronger signals buy more, wilder trading buys less."""
    base = base_notional(spread_bps, s)
    if s.vol_normalize and rv_1s_bps >= s.vol_floor_bps:
        return clamp(max(signal_strength, 0.5) / rv_1s_bps * base, s.min_notional_usd, s.max_notional_usd)
    return base


def layer_notional(spread_bps: float, layers: int, s: Settings) -> float:
    """Order value of an add when `layers` were opened since flat."""
    return min(base_notional(spread_bps, s) * s.size_growth**layers, s.max_notional_usd)


def order_lots(notional_usd: float, price: float, s: Settings) -> int:
    """The value in lots, rounded down."""
    return math.floor(notional_usd / price * s.lot_den / s.lot_num + STEP_SLACK)


def base_spacing(median_spread_bps: float, blended_bps: float, s: Settings) -> float:
    """Distance of the second layer from the average."""
    if s.base_spacing_bps > 0.0:
        return s.base_spacing_bps
    return max(median_spread_bps, blended_bps, 5.0)


def effective_growth(drift_mult: float, s: Settings) -> float:
    """Factor from one layer's distance to the next."""
    return clamp(s.spacing_growth * drift_mult, 1.05, 8.0)


def required_spacing(spacing: float, growth: float, layers: int, layer_gap_bps: float, rise_bps: float, s: Settings) -> float:
    """How far the ask must stand above the average before the next add."""
    required = max(spacing * growth ** (layers - 1), layer_gap_bps)
    if s.trend_spacing_scale > 0.0 and rise_bps > 0.0:
        required *= 1.0 + rise_bps / s.trend_spacing_scale
    return required


def rise(ask: float, reference_price: float) -> float:
    """How far the ask stands above a price."""
    return (ask - reference_price) / reference_price * 1e4


def layer_cooldown_until(until_ns: int, now_ns: int, tail_ratio: float, s: Settings) -> int:
    """End of the pause for adds after a book with a heavy tail, in whole nanoseconds: a time does not fit into a float."""
    return max(until_ns, now_ns + int(s.tail_cooldown_ns * clamp(tail_ratio / s.tail_mult, 1.0, 3.0)))


# --- modifiers by behaviour ----------------------------------------------------------------------------------------------------


def share(flags: Sequence[bool]) -> float:
    """Share of true flags; 0 below ten samples."""
    return sum(flags) / len(flags) if len(flags) >= 10 else 0.0


def is_near_zero(net_bps: float, s: Settings) -> bool:
    """A close that was for nothing."""
    return abs(net_bps) <= max(1.0, 0.5 * fee_floor_bps(s))


def is_duplicate(gap_ns: int, price: float, previous_price: float, median_spread_bps: float, s: Settings) -> bool:
    """A group's first fill close in time and price to that of the group before."""
    distance = abs(price - previous_price) / previous_price * 1e4
    return gap_ns <= s.dup_gap_ns and distance <= max(0.5, s.dup_gap_spread_frac * median_spread_bps)


def knife_factor(bids: Sequence[float]) -> float:
    """Longer cooldowns when the bids at the last five closes mostly fell."""
    recent = bids[-5:]
    if len(recent) < 2:
        return 1.0
    falling = sum(b < a for a, b in zip(recent, recent[1:], strict=False)) / (len(recent) - 1)
    return 1.0 + 4.0 * falling if falling > 0.6 else 1.0


def entry_cooldown_sec(dup: float, near: float, drift_mult: float, knife: float, s: Settings) -> float:
    """Pause after an entry's placement or last fill."""
    base = max(s.cooldown_sec, 0.1)
    if not s.dynamic_enabled:
        return base
    return clamp(base * (1.0 + (3.0 * dup + 2.0 * near) / max(drift_mult, 0.5)) * knife, base, 8.0 * base)


def layer_gap(median_spread_bps: float, dup: float, s: Settings) -> float:
    """Least distance between two layers. Without modifiers `dup` counts as 0."""
    factor = 1.0 + 2.0 * dup if s.dynamic_enabled else 1.0
    return max(s.min_spread_bps, median_spread_bps, 0.5 * fee_floor_bps(s)) * factor


def max_layers(deep_nets_bps: Sequence[float], s: Settings) -> int:
    """Layer limit; `deep_nets_bps` are the nets of the closes that had three layers or more."""
    if not s.dynamic_enabled or len(deep_nets_bps) < 8:
        return s.max_layers
    mean = math.fsum(deep_nets_bps) / len(deep_nets_bps)
    if mean < 0.0:
        return min(s.max_layers, 2)
    if mean < fee_floor_bps(s):
        return min(s.max_layers, 3)
    return s.max_layers


def min_tp_profit(near: float, loss: float, s: Settings) -> float:
    """Least profit of a take-profit."""
    if not s.dynamic_enabled:
        return max(s.min_tp_profit_bps, 1.1 * fee_floor_bps(s))
    return max(s.min_tp_profit_bps, fee_floor_bps(s) * (1.1 + near)) * (1.0 + 0.5 * loss)


def min_fast_tp(near: float, s: Settings) -> float:
    """Return (negative: below the average) at which a fast take-profit may fire."""
    if not s.dynamic_enabled:
        return s.min_fast_tp_bps
    return min(s.min_fast_tp_bps - fee_floor_bps(s) * (0.3 + near), -1.0)


def spread_relief(unrealised_bps: float, s: Settings) -> float:
    """Least spread for an add: lower, the deeper the position is under water."""
    depth = max(-unrealised_bps, 0.0)
    if not s.dynamic_enabled or depth < s.relief_start_bps:
        return s.min_spread_bps
    t = min((depth - s.relief_start_bps) / (s.relief_full_bps - s.relief_start_bps), 1.0)
    return s.min_spread_bps * max(s.relief_floor, 1.0 - 0.85 * math.pow(t, 0.3))


# --- debt and edge -------------------------------------------------------------------------------------------------------------


def raw_hurdle(debt_usd: float, notional_usd: float, s: Settings) -> float:
    """What the debt asks of a notional, without limit."""
    if not s.recovery_enabled or debt_usd <= 0.0 or notional_usd <= 0.0:
        return 0.0
    return debt_usd * s.paydown_ratio / notional_usd * 1e4


def hurdle(debt_usd: float, notional_usd: float, s: Settings) -> float:
    """What the debt asks of a notional."""
    return clamp(raw_hurdle(debt_usd, notional_usd, s), 0.0, s.max_paydown_bps)


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear between the order statistics, at rank `(n-1)*percent/100`."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100.0
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def slippage_estimate(slippages_bps: Sequence[float], s: Settings) -> float:
    """What an exit is expected to lose against the ask at its decision."""
    if len(slippages_bps) < s.min_samples:
        return s.default_slippage_bps
    return percentile([max(x, 0.0) for x in slippages_bps], s.slippage_percentile)


def raw_uncertainty(nets_bps: Sequence[float], s: Settings) -> float:
    """Spread of past results, outliers cut."""
    if len(nets_bps) < s.min_samples:
        return s.exec_buffer_bps
    cut = [clamp(x, -s.uncertainty_winsor_bps, s.uncertainty_winsor_bps) for x in nets_bps]
    return min(s.uncertainty_z * deviation(cut), s.uncertainty_max_bps)


def uncertainty(raw_bps: float, expected_edge_bps: float, s: Settings) -> float:
    """The spread of past results, at most a share of an edge that is there."""
    return min(raw_bps, s.uncertainty_cap_frac * expected_edge_bps) if expected_edge_bps > 0.0 else raw_bps


def lcb(expected_edge_bps: float, raw_uncertainty_bps: float, s: Settings) -> float:
    """The edge that is left at the cautious end."""
    return expected_edge_bps - uncertainty(raw_uncertainty_bps, expected_edge_bps, s)


# --- exits ---------------------------------------------------------------------------------------------------------------------


def fresh_target(median_spread_bps: float, live_bps: float, s: Settings) -> float:
    """Profit target of a position without age."""
    by_spread = median_spread_bps * s.tp_spread_mult if median_spread_bps > 0.0 else 5.0
    return max(by_spread, min(live_bps * s.tp_vol_capture_ratio, s.tp_vol_scale_cap))


def tp_decay(age_ns: float, s: Settings) -> float:
    """What age leaves of the target."""
    if s.tp_decay_half_life_min <= 0.0:
        return 1.0
    return max(s.tp_decay_floor, 1.0 - (1.0 - s.tp_decay_floor) * (age_ns / 60e9) / s.tp_decay_half_life_min)


def rest_bps(fresh_bps: float, decay: float, min_tp_bps: float, exit_hurdle_bps: float, s: Settings) -> float:
    """Distance of the resting take-profit below the average."""
    return max(fresh_bps * decay, min_tp_bps * decay, 2.0 * s.maker_fee * 1e4 + max(exit_hurdle_bps, 1.0))


def price_ticks_below(avg_entry: float, distance_bps: float, s: Settings) -> int:
    """A price below the average, floored to the tick."""
    return math.floor(avg_entry * (1.0 - distance_bps / 1e4) * s.tick_den / s.tick_num + STEP_SLACK)


def exit_net_bps(avg_entry: float, ask: float, qty: float, unrealised_costs_usd: float, s: Settings) -> float:
    """What leaving at the ask as a taker would net; costs are entry fees less funding received, not yet realised."""
    return ((avg_entry - ask) * qty - unrealised_costs_usd - s.taker_fee * ask * qty) / (avg_entry * qty) * 1e4


def is_vol_mode(cost_usd: float, s: Settings) -> bool:
    """Whether fast take-profits are off."""
    limit = s.tp_mode_notional_usd if s.tp_mode_notional_usd > 0.0 else s.max_notional_usd
    return s.tp_mode == 2 or (s.tp_mode == 0 and cost_usd > limit)


def zones_bps(first_bps: float, growth: float, layers: int, s: Settings) -> list[float]:
    """Distances of the zones below the average, equal ones merged."""
    zones: list[float] = []
    for i in range(min(layers, s.inverse_max_zones)):
        zone = min(first_bps * growth**i, s.inverse_max_zone_bps)
        if not zones or zone != zones[-1]:
            zones.append(zone)
    return zones


def zone_shares(layer_lots: Sequence[int], zone_count: int) -> list[int]:
    """Lots of each zone: whole layers, oldest first, the last zone takes what is left."""
    shares: list[int] = []
    start = 0
    for i in range(zone_count):
        left = len(layer_lots) - start
        count = left if i == zone_count - 1 else max(1, left // (zone_count - i))
        shares.append(sum(layer_lots[start : start + count]))
        start += count
    return shares


def close_cooldown_ns(losses_in_a_row: int, is_harsh_loss: bool, s: Settings) -> int:
    """Pause after a close; a losing stop or drawdown makes it half as long again."""
    step = s.cooldown_step_ns[min(max(losses_in_a_row - 1, 0), len(s.cooldown_step_ns) - 1)]
    return int(step * 1.5) if is_harsh_loss else step
