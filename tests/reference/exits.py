"""Exits: what stops, times out, takes profit or unwinds in zones, and where the take-profit rests."""

from __future__ import annotations

from tests.reference import formulas as f
from tests.reference.decisions import Behaviour, Exit, State
from tests.reference.gates import behaviour_of
from tests.reference.inverse import ZoneInputs
from tests.reference.settings import SEC
from tests.reference.signals import Row

UPGRADING = ("stop", "timeout", "drawdown", "shutdown")
DROP_PAUSE_NS = SEC // 2
FAST_TP_LIMIT_NS = 1200 * SEC // 1000


def zone_inputs(st: State, now: int, row: Row, min_tp_bps: float) -> ZoneInputs:
    """Target, spacing and growth that zones and the resting price follow."""
    s, position = st.settings, st.ledger.position
    assert position is not None
    decay = f.tp_decay(now - position.open_ns, s)
    fresh = f.fresh_target(row["median_spread_bps"], row["live_bps"], s)
    exit_hurdle = f.hurdle(st.ledger.debt.read(now), position.max_cost_usd, s)
    rest = f.rest_bps(fresh, decay, min_tp_bps, exit_hurdle, s)
    spacing = f.base_spacing(row["median_spread_bps"], row["blended_bps"], s)
    return ZoneInputs(rest, spacing, decay, f.effective_growth(row["drift_mult"], s))


def follow_zones(st: State, now: int) -> None:
    """Arm or move the zones between books, after an entry filled."""
    row = st.market.row
    if st.ledger.position is not None and row:
        st.inverse.follow(st.ledger.position, zone_inputs(st, now, row, behaviour_of(st, now, row).min_tp_profit_bps))


def leave(st: State, now: int, row: Row, behaviour: Behaviour) -> Exit:
    """Section 7 in its order."""
    s, ledger = st.settings, st.ledger
    position = ledger.position
    assert position is not None
    inputs = zone_inputs(st, now, row, behaviour.min_tp_profit_bps)
    st.inverse.follow(position, inputs)
    ret = f.rise(ledger.ask, position.avg_entry)
    net = f.exit_net_bps(position.avg_entry, ledger.ask, ledger.quantity(position.held_lots), position.costs_usd, s)
    exit_hurdle = f.hurdle(ledger.debt.read(now), position.max_cost_usd, s)
    reason, target = guard_reason(st, now, net), 0
    if reason == "none" and not st.is_closing:
        if st.inverse.mode in ("armed", "active"):
            reason, target = inverse_reason(st, now, ret, net, exit_hurdle)
        else:
            reason = profit_reason(st, now, row, behaviour, ret, net)
    rest_ticks, rest_lots = resting(st, inputs.rest_bps)
    return Exit(
        reason=reason,
        target_lots=target,
        ret_bps=ret,
        net_bps=net,
        exit_hurdle_bps=exit_hurdle,
        fresh_target_bps=f.fresh_target(row["median_spread_bps"], row["live_bps"], s),
        decay=inputs.decay,
        rest_bps=inputs.rest_bps,
        rest_price_ticks=rest_ticks,
        rest_lots=rest_lots,
        inverse_mode=st.inverse.mode,
        zones_bps=tuple(st.inverse.zones_bps),
        zone_price_ticks=tuple(st.inverse.price_ticks),
        zone_shares=tuple(st.inverse.shares),
    )


def guard_reason(st: State, now: int, net_bps: float) -> str:
    """Rule 1: what also upgrades a close under way. A close that is one of these already is not replaced."""
    s, position = st.settings, st.ledger.position
    assert position is not None
    if st.is_closing and st.close is not None and st.close.reason in UPGRADING:
        return "none"
    fall = st.peak_equity_usd - st.ledger.equity_usd
    guards = (
        ("stop", s.stop_loss_bps > 0.0 and net_bps < -s.stop_loss_bps),
        ("timeout", s.max_age_ns > 0 and now - position.open_ns > s.max_age_ns),
        ("drawdown", s.max_drawdown_usd > 0.0 and fall >= s.max_drawdown_usd),
        ("shutdown", st.is_shutdown),
    )
    return next((name for name, holds in guards if holds), "none")


def is_free(st: State, now: int, reason: str) -> bool:
    """Whether the reason was not dropped just now."""
    return reason not in st.dropped_ns or now - st.dropped_ns[reason] >= DROP_PAUSE_NS


def profit_reason(st: State, now: int, row: Row, behaviour: Behaviour, ret_bps: float, net_bps: float) -> str:
    """Rule 4: active take-profits."""
    s, ledger = st.settings, st.ledger
    assert ledger.position is not None
    exit_hurdle = f.hurdle(ledger.debt.read(now), ledger.position.max_cost_usd, s)
    tp_at = -max(s.tp_spread_mult * row["spread_bps"], behaviour.min_tp_profit_bps)
    if ret_bps <= tp_at and net_bps >= exit_hurdle and is_free(st, now, "tp"):
        return "tp"
    is_fast = row["ti_500ms"] < s.fast_tp_ti and ret_bps <= behaviour.min_fast_tp_bps and not f.is_vol_mode(ledger.cost_usd, s)
    if is_fast and net_bps >= max(exit_hurdle, 1.0, 0.2 * f.fee_floor_bps(s)) and is_free(st, now, "fast_tp"):
        return "fast_tp"
    return "none"


def inverse_reason(st: State, now: int, ret_bps: float, net_bps: float, exit_hurdle_bps: float) -> tuple[str, int]:
    """Reason of a close in inverse mode and the position it leaves."""
    s, inverse, position = st.settings, st.inverse, st.ledger.position
    assert position is not None
    if inverse.mode == "active" and now - inverse.since_ns >= s.inverse_time_cap_ns:
        return "inverse_tp_timeout", 0
    passed = inverse.passed_lots(st.ask_ticks)
    if passed > 0 and net_bps >= max(exit_hurdle_bps, 1.0) and is_free(st, now, "inverse_tp"):
        return "inverse_tp", position.held_lots - sendable(st, passed)
    if inverse.mode == "active" and ret_bps > s.inverse_give_up_bps:
        inverse.give_up()
    return "none", 0


def sendable(st: State, lots: int) -> int:
    """A part of the position that the venue takes: reduce-only orders are not exempt from the minimum quantity."""
    position = st.ledger.position
    assert position is not None
    return min(max(lots, st.settings.min_lots), position.held_lots)


def resting(st: State, rest_bps: float) -> tuple[int, int]:
    """Price and lots of the resting take-profit."""
    position = st.ledger.position
    assert position is not None
    if st.inverse.mode in ("armed", "active"):
        zone = st.inverse.current
        return min(st.inverse.price_ticks[zone], st.ask_ticks - 1), sendable(st, st.inverse.rest_of(zone))
    ticks = f.price_ticks_below(position.avg_entry, rest_bps, st.settings)
    return min(ticks, st.ask_ticks - 1), position.held_lots


def resting_now(st: State, now: int) -> tuple[int, int]:
    """Price and lots of the resting take-profit between books: the market as it was, the position and its age as they are."""
    assert st.ledger.position is not None
    inputs = zone_inputs(st, now, st.market.row, behaviour_of(st, now, st.market.row).min_tp_profit_bps)
    return resting(st, inputs.rest_bps)


def net_now(st: State) -> float:
    """What leaving at the last ask would net, in basis points of the cost."""
    position = st.ledger.position
    assert position is not None
    return f.exit_net_bps(position.avg_entry, st.ledger.ask, st.ledger.quantity(position.held_lots), position.costs_usd, st.settings)


def guard_now(st: State, now: int) -> str:
    """Rule 1 at the last book; none when flat."""
    return "none" if st.ledger.position is None else guard_reason(st, now, net_now(st))


def still_pays(st: State, now: int) -> bool:
    """The drop rules: whether a close under way may send its next order."""
    position, close = st.ledger.position, st.close
    if position is None or close is None or close.reason not in ("tp", "fast_tp", "inverse_tp"):
        return True
    if close.reason == "fast_tp" and now - close.decided_ns > FAST_TP_LIMIT_NS:
        return False
    hurdle = f.hurdle(st.ledger.debt.read(now), position.max_cost_usd, st.settings)
    least = {"tp": hurdle, "fast_tp": max(hurdle, 1.0, 0.2 * f.fee_floor_bps(st.settings)), "inverse_tp": max(hurdle, 1.0)}
    return net_now(st) >= least[close.reason]
