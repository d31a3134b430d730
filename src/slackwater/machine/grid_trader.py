"""The strategy as a state machine: observe, account, decide, carry out. Whoever drives it brings the events and takes the commands."""

from __future__ import annotations

from slackwater.decision import averaging, caps, entry, exits, inverse
from slackwater.decision.adapt import fee_floor_bps
from slackwater.decision.journal import note_gate
from slackwater.decision.targets import exit_floor_bps, is_unconditional
from slackwater.kernel.hints import usual
from slackwater.kernel.jit import jit, jit_inline
from slackwater.ledger.behaviour import refresh
from slackwater.ledger.booking import mark
from slackwater.ledger.pnl import net_bps, unrealised_usd
from slackwater.ledger.recovery import debt_usd
from slackwater.machine import quiet
from slackwater.machine.quiet import EQUITY_INTERVAL_NS
from slackwater.machine.reports import account, account_funding
from slackwater.market.mids import ret_2s_bps
from slackwater.market.signals import is_warm, on_book, on_candle, on_trade, pump_score
from slackwater.orders import answers, close_ladder, entry_group, take_profit
from slackwater.orders.asks import note_ask
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, Out
from slackwater.schema.enums import Context, ExitReason, Gate, GroupStatus, InverseMode, Occasion, OrderReason
from slackwater.schema.events import Report, ReportKind, RowKind, TapeRow
from slackwater.schema.params import Params
from slackwater.schema.state import Portfolio, SymbolState
from slackwater.schema.units import MINUTE, NEVER_NS

HOLE_NS = MINUTE  # without a book for so long


@jit_inline
def is_idle(s: SymbolState) -> bool:
    """Whether there is no position and nothing working: only an entry can happen."""
    return s.live_orders == 0 and s.ledger.short_lots == 0 and s.entry.status == GroupStatus.IDLE


@jit_inline
def on_row(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, row: TapeRow, now_ns: int) -> bool:
    """One row of the tape, seen at `now_ns`. Returns whether commands, timers and logs surely are as before.

    A funding row changes nothing: what it brought us is told by a report.
    """
    if row.kind == RowKind.BOOK:
        if on_book(s.market, s.ins, p.signals, now_ns, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots):
            s.event_ns = row.ts_event
            return _at_book(portfolio, s, p, out, now_ns)
    elif usual(row.kind == RowKind.TRADE):
        on_trade(s.market, s.ins, p.signals, now_ns, row.price_ticks, row.lots, row.buyer_maker)
    elif row.kind == RowKind.CANDLE:
        on_candle(s.market, p.signals, row.price_ticks, row.value, row.ask_ticks)
    return True


@jit_inline
def _at_book(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> bool:
    """A book that changes nothing is counted for the gate that stopped us before; any other is looked at in full."""
    if usual(quiet.is_quiet(s, p, now_ns)):
        s.gate_counts[s.quiet.gate] += 1
        return True
    _look_at_book(portfolio, s, p, out, now_ns)
    return False


@jit
def _look_at_book(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    """Exits first; if nothing was sent, an entry or an add; then the working orders are kept up."""
    refresh(s.behaviour, p, now_ns, fee_floor_bps(p))
    s.quiet.gate = quiet.NO_GATE
    note_ask(s)
    was_idle = is_idle(s)
    if was_idle:
        _try_entry(portfolio, s, p, out, now_ns)
    else:
        _at_book_busy(portfolio, s, p, out, now_ns)
    if not was_idle or not is_idle(s):
        _keep_up(portfolio, s, p, out, now_ns, Occasion.BOOK.value)
    quiet.note(s, p, now_ns)


@jit
def _at_book_busy(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    if s.ledger.short_lots > 0:
        mark(s)
        inverse.follow(s, p, now_ns)
        averaging.extend_layer_cooldown(s, p, now_ns)
        if answers.is_blocked(s, now_ns):
            _remember_exit(s, p, now_ns)
            return
        if _try_exit(s, p, out, now_ns):
            return
    if entry_group.is_working(s) or close_ladder.is_closing(s) or answers.is_blocked(s, now_ns):
        return
    if s.ledger.short_lots > 0:
        _try_add(portfolio, s, p, out, now_ns)
    else:
        _try_entry(portfolio, s, p, out, now_ns)


@jit_inline
def _try_entry(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    gate = entry.entry_gate(portfolio, s, p, out, now_ns)
    note_gate(s, p, out, now_ns, Context.ENTRY.value, gate)
    if gate == Gate.PASS:
        entry_group.fire_limit_sell(s, p, out, now_ns, entry.entry_lots(s, p, now_ns), Context.ENTRY.value)


@jit
def _try_add(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    gate = averaging.averaging_gate(portfolio, s, p, out, now_ns)
    note_gate(s, p, out, now_ns, Context.AVERAGE.value, gate)
    if gate == Gate.PASS:
        entry_group.fire_limit_sell(s, p, out, now_ns, averaging.layer_lots(s, p), Context.AVERAGE.value)


@jit
def _try_exit(s: SymbolState, p: Params, out: Out, now_ns: int) -> bool:
    """Start or upgrade a close; true when one is under way."""
    _remember_exit(s, p, now_ns)
    forced = int(s.risk.remembered_exit)
    s.risk.remembered_exit = ExitReason.NONE
    if close_ladder.is_closing(s):
        if forced != ExitReason.NONE and not is_unconditional(s.close.reason):
            close_ladder.upgrade_close(s, out, now_ns, forced)
        return True
    reason = forced
    if reason == ExitReason.NONE:
        reason = exits.zone_exit(s, p, now_ns) if inverse.is_unwinding(s) else exits.profit_exit(s, p, now_ns)
    if reason == ExitReason.NONE:
        return False
    close_ladder.start_close(s, out, now_ns, reason, exits.target_lots(s, reason))
    return True


@jit
def _remember_exit(s: SymbolState, p: Params, now_ns: int) -> None:
    """Note a forced exit, which runs as soon as no answer is missing; the first one stays. A drawdown halts whatever the reason is."""
    if s.risk.drawdown_halt_ns == 0 and exits.is_drawn_down(s, p):
        s.risk.drawdown_halt_ns = now_ns
    if s.risk.remembered_exit == ExitReason.NONE:
        s.risk.remembered_exit = exits.forced_exit(s, p, now_ns)


@jit
def on_report(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, r: Report) -> None:
    """One report about our own order, or about funding. No new trade is decided here."""
    quiet.forget(s)
    inverse.catch_up(s, p)
    if r.kind == ReportKind.FUNDING:
        _on_funding(s, p, out, r)
        return
    fills = out.fill_count
    account(s, p, out, r)
    if out.fill_count != fills:
        mark(s)
        log_equity(s, p, out, r.ts_recv_ns)
    if not s.risk.is_draining:
        inverse.follow(s, p, r.ts_recv_ns)
        if s.has_asked:
            answers.note_awaited(s, p)
        if s.ledger.short_lots == 0:
            s.risk.remembered_exit = ExitReason.NONE
        elif not answers.is_blocked(s, r.ts_recv_ns):
            was_remembered = s.risk.remembered_exit != ExitReason.NONE
            if was_remembered or (s.risk.is_shutdown and not close_ladder.is_closing(s)):
                _try_exit(s, p, out, r.ts_recv_ns)  # there may be no further book to close at
        _keep_up(portfolio, s, p, out, r.ts_recv_ns, Occasion.OTHER.value)


@jit
def _on_funding(s: SymbolState, p: Params, out: Out, r: Report) -> None:
    """Money and no word of an order: the account is noted, and the next book is the first that may decide otherwise because of it."""
    if not account_funding(s, r):
        return
    mark(s)
    log_equity(s, p, out, r.ts_recv_ns)
    if not s.risk.is_draining:
        _set_wake(s)


@jit
def on_timer(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    """A moment that the state itself asked for: orders are kept up when one of theirs is due, the account is noted each second."""
    if now_ns >= s.upkeep_ns:
        quiet.forget(s)
        inverse.catch_up(s, p)
        _keep_up(portfolio, s, p, out, now_ns, Occasion.OTHER.value)
        return
    log_equity(s, p, out, now_ns)
    quiet.go_on(s)
    _set_wake(s)


@jit
def request_shutdown(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    """Close everything now and enter no more."""
    quiet.forget(s)
    inverse.catch_up(s, p)
    s.risk.is_shutdown = True
    if s.ledger.short_lots > 0:
        mark(s)
        if answers.is_blocked(s, now_ns):
            _remember_exit(s, p, now_ns)
        else:
            _try_exit(s, p, out, now_ns)
    else:
        entry_group.reap(s, out, now_ns, OrderReason.REAP_CLOSE.value)
    _keep_up(portfolio, s, p, out, now_ns, Occasion.OTHER.value)


@jit
def _keep_up(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int, occasion: int) -> None:
    """Working orders follow the market; a close takes its next step; missing answers are asked after; the next timer is set."""
    if _is_settled(s, p, now_ns):
        _note_second(s, p, out, now_ns)
        _set_wake(s)
        return
    if s.has_asked:
        answers.note_awaited(s, p)
    if answers.is_blocked(s, now_ns):
        answers.ask(s, p, out, now_ns)
        _note_second(s, p, out, now_ns)
        _set_timers(s, p, now_ns, now_ns)
        return
    answers.cancel_again(s, p, out, now_ns)
    if s.inverse.mode == InverseMode.ACTIVE and entry_group.is_working(s):
        entry_group.reap(s, out, now_ns, OrderReason.REAP_INVERSE.value)
    if entry_group.is_working(s):
        _keep_entry(portfolio, s, p, out, now_ns, occasion)
    if close_ladder.is_closing(s):
        pays = _still_pays(s, p, now_ns)
        close_ladder.advance(s, p, out, now_ns, pays, is_unconditional(s.close.reason), occasion)
    tp_wake_ns = NEVER_NS
    if not close_ladder.is_closing(s):
        tp_wake_ns = _keep_take_profit(s, p, out, now_ns)
    _note_second(s, p, out, now_ns)
    _set_timers(s, p, now_ns, tp_wake_ns)


@jit
def _is_settled(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether a position has its take-profit where it should rest, nothing else works, and nothing changed since the timers were set."""
    if s.ledger.short_lots == 0 or s.has_asked or s.recancel_ns > 0 or answers.is_blocked(s, now_ns):
        return False
    if entry_group.is_working(s) or close_ladder.is_closing(s):
        return False
    return take_profit.is_in_step(s, now_ns, exits.resting_price_ticks(s, p, now_ns), exits.resting_lots(s))


@jit
def _note_second(s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    if s.ledger.short_lots > 0 and now_ns - s.equity_logged_ns >= EQUITY_INTERVAL_NS:
        log_equity(s, p, out, now_ns)


@jit
def _keep_entry(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int, occasion: int) -> None:
    g = s.entry
    if now_ns - g.placed_ns >= p.entry_max_age_ns:
        entry_group.reap(s, out, now_ns, OrderReason.REAP_AGE.value)
    elif g.context == Context.ENTRY and now_ns - g.placed_ns >= p.entry_signal_grace_ns and not _is_signal_valid(s, p):
        entry_group.reap(s, out, now_ns, OrderReason.REAP_SIGNAL.value)
    if g.status != GroupStatus.WORKING:
        return
    highest_buy = take_profit.highest_buy_ticks(s)
    if occasion == Occasion.BOOK:
        entry_group.resend(s, p, out, now_ns, caps.room_usd(portfolio, s, p), highest_buy)
    entry_group.chase(s, p, out, now_ns, caps.room_usd(portfolio, s, p), highest_buy)


@jit
def _is_signal_valid(s: SymbolState, p: Params) -> bool:
    m = s.market
    return is_warm(m) and pump_score(m, p.signals) > p.entry_keep_pump and ret_2s_bps(m) <= p.max_trend_bps


@jit
def _still_pays(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether a close under way still clears what its reason asks."""
    if s.ledger.short_lots == 0 or is_unconditional(s.close.reason):
        return True
    if s.close.reason == ExitReason.FAST_TP and now_ns - s.close.decided_ns > p.fast_tp_max_age_ns:
        return False
    return net_bps(s.ledger, s.ins, s.market.ask, p.taker_fee) >= exit_floor_bps(s, p, now_ns, s.close.reason)


@jit
def _keep_take_profit(s: SymbolState, p: Params, out: Out, now_ns: int) -> int:
    if s.ledger.short_lots == 0:
        flat = s.ledger.short_lots
        return take_profit.keep_in_step(s, p, out, now_ns, flat, flat) if s.live_orders > 0 else NEVER_NS
    ticks = exits.resting_price_ticks(s, p, now_ns)
    if entry_group.is_working(s) and ticks >= take_profit.lowest_sell_ticks(s):
        entry_group.cancel_crossing(s, out, now_ns, ticks)
        return NEVER_NS
    return take_profit.keep_in_step(s, p, out, now_ns, ticks, exits.resting_lots(s))


@jit
def _set_timers(s: SymbolState, p: Params, now_ns: int, tp_wake_ns: int) -> None:
    if s.has_asked:
        answers.note_awaited(s, p)
    if answers.is_blocked(s, now_ns):
        s.upkeep_ns = s.query_ns
    else:
        s.upkeep_ns = min(entry_group.next_wake_ns(s, p, now_ns), close_ladder.next_wake_ns(s, p, now_ns))
        if tp_wake_ns > now_ns:
            s.upkeep_ns = min(s.upkeep_ns, tp_wake_ns)
        if s.query_ns > 0:
            s.upkeep_ns = min(s.upkeep_ns, s.query_ns)
        if s.recancel_ns > 0:
            s.upkeep_ns = min(s.upkeep_ns, s.recancel_ns)
    _set_wake(s)


@jit
def _set_wake(s: SymbolState) -> None:
    """Set the next moment the state asks for. In a hole of the tape the account stays as it is, and is noted again at the next book."""
    s.wake_ns = s.upkeep_ns
    if s.ledger.short_lots > 0 and s.equity_logged_ns - s.market.book_ns < HOLE_NS:
        s.wake_ns = min(s.wake_ns, s.equity_logged_ns + EQUITY_INTERVAL_NS)


@jit
def log_equity(s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    """Write the account as of now, at the last ask."""
    led = s.ledger
    row = out.equities[out.equity_count]
    row.ts_ns = now_ns
    row.symbol = s.symbol
    row.short_lots = led.short_lots
    row.unrealised_usd = unrealised_usd(led, s.ins, s.market.ask)
    row.realised_usd = led.realised_usd
    row.fees_usd = led.fees_usd
    row.funding_usd = led.funding_usd
    row.equity_usd = row.realised_usd + row.unrealised_usd - row.fees_usd + row.funding_usd
    row.debt_usd = debt_usd(s.recovery, p, now_ns)
    s.equity_logged_ns = now_ns
    out.equity_count += 1
    if out.equity_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
