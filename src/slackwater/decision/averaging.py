"""Averaging: the gates between an open position and its next layer, in order; the first that fails is the reason."""

from __future__ import annotations

from slackwater.decision.adapt import is_cooling, layer_gap_bps, max_layers, relieved_min_spread_bps
from slackwater.decision.caps import breaks_portfolio_cap, breaks_symbol_cap, sent_usd
from slackwater.decision.edge import has_sufficient_edge
from slackwater.decision.entry import is_below_min, is_entry_disabled, is_rewarming
from slackwater.decision.geometry import is_too_near, layer_notional_usd
from slackwater.kernel.jit import jit
from slackwater.ledger.pnl import cost_usd, rise_bps
from slackwater.ledger.recovery import debt_usd, raw_hurdle_bps
from slackwater.market.volatility_regime import is_heavy_tail, tail_ratio
from slackwater.schema.audit import Out
from slackwater.schema.enums import Context, Gate, InverseMode
from slackwater.schema.instrument import floor_lots, qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ADDS, Portfolio, SymbolState
from slackwater.schema.units import BPS, HOUR

MIN_DEBT_USD = 0.10  # below it the debt asks nothing of an add
MAX_TAIL_STRETCH = 3.0


@jit
def extend_layer_cooldown(s: SymbolState, p: Params, now_ns: int) -> None:
    """A heavy tail while a position is open keeps further layers away."""
    if not is_heavy_tail(s.market, p.signals):
        return
    stretch = min(max(tail_ratio(s.market, p.signals) / p.signals.tail_mult, 1.0), MAX_TAIL_STRETCH)
    until_ns = now_ns + int(p.tail_cooldown_ns * stretch)
    s.risk.layer_cooldown_until_ns = max(s.risk.layer_cooldown_until_ns, until_ns)


@jit
def layer_lots(s: SymbolState, p: Params) -> int:
    """Lots of the next layer at the ask."""
    return floor_lots(s.ins, layer_notional_usd(s, p) / s.market.ask)


@jit
def is_position_too_small(s: SymbolState, p: Params) -> bool:
    """Whether the recovery guard asks for a larger position: the cost of this one is below the venue's minimum."""
    return bool(p.avg_enabled and s.ledger.short_lots > 0 and cost_usd(s.ledger, s.ins) < s.ins.min_notional_usd)


@jit
def averaging_gate(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> int:
    """The first gate that stops an add now; PASS when none does."""
    state_gate = _may_add(s, p, now_ns)
    if state_gate != Gate.PASS:
        return state_gate
    grid_gate = _grid_says(s, p)
    if grid_gate != Gate.PASS:
        return grid_gate
    lots = layer_lots(s, p)
    if is_below_min(s.ins, lots, s.market.ask) or is_position_too_small(s, p):
        return Gate.BELOW_MIN.value
    notional = s.market.ask * qty_of(s.ins, lots)
    if breaks_symbol_cap(s, p, sent_usd(s, p, lots)):
        return Gate.SYMBOL_CAP.value
    guard_gate = _recovery_allows(s, p, now_ns, notional)
    if guard_gate != Gate.PASS:
        return guard_gate
    projected = cost_usd(s.ledger, s.ins) + notional
    if not has_sufficient_edge(s, p, out, now_ns, Context.AVERAGE.value, projected):
        return Gate.EDGE.value
    if breaks_portfolio_cap(portfolio, p, sent_usd(s, p, lots)):
        return Gate.PORTFOLIO_CAP.value
    return Gate.PASS.value


@jit
def _may_add(s: SymbolState, p: Params, now_ns: int) -> int:
    if is_entry_disabled(s, p):
        return Gate.ENTRY_DISABLED.value
    if is_rewarming(s, p, now_ns):
        return Gate.REWARM.value
    if s.inverse.mode == InverseMode.ACTIVE:
        return Gate.INVERSE_MODE.value
    if s.ledger.layers_opened >= max_layers(s, p):
        return Gate.MAX_LAYERS.value
    if now_ns < s.risk.cooldown_until_ns:
        return Gate.CLOSE_COOLDOWN.value
    if now_ns < s.risk.breaker_until_ns:
        return Gate.BREAKER.value
    if now_ns < s.risk.layer_cooldown_until_ns:
        return Gate.LAYER_COOLDOWN.value
    if is_cooling(s, p, now_ns):
        return Gate.ENTRY_COOLDOWN.value
    return Gate.PASS.value


@jit
def _grid_says(s: SymbolState, p: Params) -> int:
    m = s.market
    if m.ask <= s.ledger.avg_entry:
        return Gate.SPACING.value
    rise = rise_bps(s.ledger, m.ask)
    if is_too_near(s, p, rise):
        return Gate.SPACING.value
    if m.spread_bps < relieved_min_spread_bps(p, -rise):
        return Gate.SPREAD_LOW.value
    last = s.ledger.last_entry_price
    if abs(m.ask - last) / last * BPS < layer_gap_bps(s, p):
        return Gate.BURST.value
    return Gate.PASS.value


@jit
def adds_last_hour(s: SymbolState, now_ns: int) -> int:
    """The symbol's adds within the last hour."""
    count = 0
    while count < min(s.ledger.adds, MAX_ADDS) and now_ns - s.ledger.add_ns[(s.ledger.adds - 1 - count) % MAX_ADDS] <= HOUR:
        count += 1
    return count


@jit
def hourly_until_ns(s: SymbolState, p: Params) -> int:
    """When the add that fills the hourly cap is an hour old. As many as the cap allows must have been made."""
    return int(s.ledger.add_ns[(s.ledger.adds - p.avg_max_adds_per_hour) % MAX_ADDS] + HOUR + 1)


@jit
def _recovery_allows(s: SymbolState, p: Params, now_ns: int, notional_usd: float) -> int:
    if not p.avg_enabled:
        return Gate.PASS.value
    led = s.ledger
    if -rise_bps(led, s.market.ask) > -p.avg_min_unrealized_bps:
        return Gate.RECOVERY_DRAWDOWN.value
    if p.avg_cooldown_ns > 0 and led.last_add_ns > 0 and now_ns - led.last_add_ns < p.avg_cooldown_ns:
        return Gate.RECOVERY_COOLDOWN.value
    if p.avg_max_adds_per_hour > 0 and adds_last_hour(s, now_ns) >= p.avg_max_adds_per_hour:
        return Gate.RECOVERY_HOURLY.value
    debt = debt_usd(s.recovery, p, now_ns)
    if p.recovery_enabled and debt > MIN_DEBT_USD:
        cost = cost_usd(led, s.ins)
        improved = raw_hurdle_bps(p, debt, cost) - raw_hurdle_bps(p, debt, cost + notional_usd)
        if improved < p.avg_min_hurdle_improve_bps:
            return Gate.RECOVERY_HURDLE.value
    return Gate.PASS.value
