"""Exits: which reason closes the position now, and how much of it stays. Forced exits ask nothing; profits must clear their floor."""

from __future__ import annotations

from slackwater.decision.adapt import min_fast_tp_bps, min_tp_profit_bps
from slackwater.decision.inverse import current_zone, give_up_if_lost, is_timed_out, is_unwinding, passed_lots, zone_price
from slackwater.decision.targets import exit_floor_bps, rest_bps, resting_ticks
from slackwater.kernel.jit import jit
from slackwater.ledger.pnl import cost_usd, net_bps, rise_bps
from slackwater.market.trades import ti_500ms
from slackwater.schema.enums import ExitReason
from slackwater.schema.params import Params, TpMode
from slackwater.schema.state import SymbolState
from slackwater.schema.units import BPS, MS

REFIRE_NS = 500 * MS  # a reason that was dropped waits this long


@jit
def forced_exit(s: SymbolState, p: Params, now_ns: int) -> int:
    """A reason to leave whatever it costs, or NONE."""
    if p.stop_loss_bps > 0.0 and net_bps(s.ledger, s.ins, s.market.ask, p.taker_fee) < -p.stop_loss_bps:
        return ExitReason.STOP.value
    if p.max_age_ns > 0 and now_ns - s.ledger.opened_ns > p.max_age_ns:
        return ExitReason.TIMEOUT.value
    if is_drawn_down(s, p):
        return ExitReason.DRAWDOWN.value
    if s.risk.is_shutdown:
        return ExitReason.SHUTDOWN.value
    return ExitReason.NONE.value


@jit
def is_drawn_down(s: SymbolState, p: Params) -> bool:
    """Whether the symbol's equity is `max_drawdown_usd` below its peak: a reason to leave, and to enter no more."""
    return p.max_drawdown_usd > 0.0 and s.ledger.equity_peak_usd - s.ledger.equity_usd >= p.max_drawdown_usd


@jit
def can_fire(s: SymbolState, p: Params, now_ns: int, reason: int) -> bool:
    """Whether a profit exit clears its floor and was not dropped a moment ago."""
    if now_ns - s.close.dropped_ns[reason] < REFIRE_NS:
        return False
    return net_bps(s.ledger, s.ins, s.market.ask, p.taker_fee) >= exit_floor_bps(s, p, now_ns, reason)


@jit
def is_fast_mode(s: SymbolState, p: Params) -> bool:
    """Whether a turning flow may take the profit: not for large positions, which wait for the volatility's target."""
    if p.tp_mode != TpMode.AUTO:
        return p.tp_mode == TpMode.FAST
    limit = p.tp_mode_notional_usd if p.tp_mode_notional_usd > 0.0 else p.max_notional_usd
    return cost_usd(s.ledger, s.ins) <= limit


@jit
def profit_exit(s: SymbolState, p: Params, now_ns: int) -> int:
    """A profit worth taking actively now, or NONE."""
    if s.market.ask > s.ledger.avg_entry:
        return ExitReason.NONE.value
    ret = rise_bps(s.ledger, s.market.ask)
    target = max(p.tp_spread_mult * s.market.spread_bps, min_tp_profit_bps(s, p))
    if ret <= -target and can_fire(s, p, now_ns, ExitReason.TP.value):
        return ExitReason.TP.value
    if ret <= min_fast_tp_bps(s, p) and is_fast_mode(s, p) and ti_500ms(s.market, now_ns) < p.fast_tp_ti:
        if can_fire(s, p, now_ns, ExitReason.FAST_TP.value):
            return ExitReason.FAST_TP.value
    return ExitReason.NONE.value


@jit
def zone_exit(s: SymbolState, p: Params, now_ns: int) -> int:
    """What inverse mode asks for now: everything after its time, the zones passed, or nothing."""
    if is_timed_out(s, p, now_ns):
        return ExitReason.INVERSE_TP_TIMEOUT.value
    if passed_lots(s) > 0 and can_fire(s, p, now_ns, ExitReason.INVERSE_TP.value):
        return ExitReason.INVERSE_TP.value
    give_up_if_lost(s, p)
    return ExitReason.NONE.value


@jit
def target_lots(s: SymbolState, reason: int) -> int:
    """What of the position stays after an exit for this reason."""
    if reason != ExitReason.INVERSE_TP:
        return 0
    return s.ledger.short_lots - sendable_lots(s, passed_lots(s))


@jit
def resting_lots(s: SymbolState) -> int:
    """What the take-profit should cover: the position, or the rest of the current zone."""
    if not is_unwinding(s):
        return s.ledger.short_lots
    zone = s.inverse.zones[current_zone(s)]
    return sendable_lots(s, zone.lots - zone.filled_lots)


@jit
def sendable_lots(s: SymbolState, lots: int) -> int:
    """A part of the position that the venue takes: at least its minimum quantity, at most everything."""
    return min(max(lots, s.ins.min_lots), s.ledger.short_lots)


@jit
def resting_price_ticks(s: SymbolState, p: Params, now_ns: int) -> int:
    """Where the take-profit should rest."""
    if is_unwinding(s):
        return resting_ticks(s, zone_price(s, current_zone(s)))
    return resting_ticks(s, s.ledger.avg_entry * (1.0 - rest_bps(s, p, now_ns) / BPS))


@jit
def resting_reason(s: SymbolState) -> int:
    """The reason of a take-profit fill now."""
    return ExitReason.INVERSE_TP.value if is_unwinding(s) else ExitReason.TP_REST.value
