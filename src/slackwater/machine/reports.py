"""Accounting: a report changes its order, and a fill changes the ledger, the zones and the targets of what is under way."""

from __future__ import annotations

import math

from slackwater.decision.exits import resting_reason
from slackwater.decision.inverse import is_unwinding, on_entry_fill, on_exit_fill
from slackwater.kernel.jit import jit
from slackwater.ledger.booking import apply_entry_fill, apply_exit_fill, apply_funding, net_excess
from slackwater.market.spreads import median_spread_bps
from slackwater.orders import entry_group, take_profit
from slackwater.orders.close_ladder import is_closing, note_answer
from slackwater.orders.emit import cancel_order, find_ended, find_order, free_if_ended, log_event
from slackwater.orders.lifecycle import apply_report, count_fill, own_lots
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, FillRow, Out
from slackwater.schema.commands import Purpose, Side, Tif
from slackwater.schema.enums import ExitReason, OrderEvent, OrderReason, OrderStatus
from slackwater.schema.events import UNKNOWN_AHEAD, FillCause, Report, ReportKind
from slackwater.schema.instrument import price_of, qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ENDED, EndedOrder, EntryGroup, Order, SymbolState

VENUES_OWN = 0  # the order id of what the venue does to us


@jit
def account(s: SymbolState, p: Params, out: Out, r: Report) -> None:
    """Apply one report to its order, the ledger and the groups."""
    s.has_asked = True
    s.order_changes += 1
    slot = find_order(s, r.order_id)
    if slot < 0:
        _account_unknown(s, p, out, r)
        return
    _account_own(s, p, out, r, slot)


@jit
def account_funding(s: SymbolState, r: Report) -> bool:
    """Book what the venue paid for the position, or took; false when it is told again."""
    if r.sequence <= s.ledger.funding_sequence:
        return False
    s.ledger.funding_sequence = r.sequence
    apply_funding(s.ledger, r.funding_usd)
    return True


@jit
def _on_flat(s: SymbolState, out: Out, now_ns: int) -> None:
    """An exit, in time or late, has bought all back: what works beside goes, and what was refused was another position's."""
    take_profit.forget_refusal(s)
    if not s.risk.is_draining:
        entry_group.reap(s, out, now_ns, OrderReason.REAP_FLAT.value)


@jit
def _account_own(s: SymbolState, p: Params, out: Out, r: Report, slot: int) -> None:
    """A report about an order that has not ended."""
    o = s.orders[slot]
    cost_before = o.cost_ticklots
    fee_before = o.fee_usd
    new_lots = apply_report(o, r)
    if new_lots < 0:
        s.stray_reports += 1
        return
    if r.kind != ReportKind.FILL:
        log_event(s, out, r.ts_recv_ns, o, event_of(r.kind, r.reason), r.reason, r.price_ticks, r.lots)
    if new_lots > 0:  # a fill that is told again is no news
        told = OrderReason.NONE.value
        _book_news(s, p, out, r, o, s.entry, new_lots, cost_before, fee_before, told, s.close.reason, s.close.reference_ask)
    reason = _end_reason(s, p, o, r)
    if free_if_ended(s, out, r.ts_recv_ns, slot, reason):
        entry_group.settle(s)
    elif o.wants_cancel and o.status == OrderStatus.LIVE and not s.risk.is_draining:
        cancel_order(s, out, r.ts_recv_ns, slot, o.reason)
    if s.ledger.short_lots == 0 and new_lots > 0 and o.purpose != Purpose.ENTRY:
        _on_flat(s, out, r.ts_recv_ns)


@jit
def _account_unknown(s: SymbolState, p: Params, out: Out, r: Report) -> None:
    """A report about an order that has ended, or about the venue's own: only a fill that is news changes anything."""
    if r.order_id == VENUES_OWN:
        if r.kind == ReportKind.FILL:
            _account_external(s, p, out, r)
        return
    k = find_ended(s, r.order_id)
    if k < 0 or r.cum_lots <= s.ended[k].cum_lots:
        s.stray_reports += 1
        return
    was_held = s.ledger.short_lots > 0
    _account_late(s, p, out, r, s.ended[k])
    if was_held and s.ledger.short_lots == 0:
        _on_flat(s, out, r.ts_recv_ns)


@jit
def _account_late(s: SymbolState, p: Params, out: Out, r: Report, e: EndedOrder) -> None:
    """Fills of an order that came after its end."""
    o = s.late_order
    o.order_id = e.order_id
    o.group_id = e.group_id
    o.slice_index = e.slice_index
    o.cum_lots = e.cum_lots
    o.cost_ticklots = e.cost_ticklots
    o.fee_usd = e.fee_usd
    o.purpose = e.purpose
    o.side = e.side
    o.tif = e.tif
    new_lots = count_fill(o, r)
    cost_before = e.cost_ticklots
    fee_before = e.fee_usd
    e.cum_lots = o.cum_lots
    e.cost_ticklots = o.cost_ticklots
    e.fee_usd = o.fee_usd
    told = OrderReason.LATE.value
    if o.group_id == s.entry.group_id or o.purpose != Purpose.ENTRY:
        _book_news(s, p, out, r, o, s.entry, new_lots, cost_before, fee_before, told, e.reason, e.reference_ask)
    else:
        _recall_group(s, e.group_id)
        _book_news(s, p, out, r, o, s.late_entry, new_lots, cost_before, fee_before, told, e.reason, e.reference_ask)
        e.layer = s.late_entry.layer
        e.layer_episode = s.late_entry.layer_episode
        e.first_fill_ns = s.late_entry.first_fill_ns


@jit
def _recall_group(s: SymbolState, group_id: int) -> None:
    """What is known of an entry group that another one has followed: the layer that its fills made, where they made one."""
    g = s.late_entry
    g.group_id = group_id
    g.layer = 0
    g.layer_episode = 0
    g.first_fill_ns = 0
    for k in range(min(s.ended_count, MAX_ENDED)):
        e = s.ended[k]
        if e.purpose == Purpose.ENTRY and e.group_id == group_id and e.layer_episode > g.layer_episode:
            g.layer = e.layer
            g.layer_episode = e.layer_episode
            g.first_fill_ns = e.first_fill_ns


@jit
def _account_external(s: SymbolState, p: Params, out: Out, r: Report) -> None:
    """The venue closed of its own accord: that is booked as it came, and nothing is opened until an operator has looked."""
    o = s.late_order
    o.order_id = VENUES_OWN
    o.group_id = 0
    o.slice_index = 0
    o.purpose = Purpose.CLOSE
    o.side = Side.BUY
    s.risk.is_halted = True
    notional = price_of(s.ins, r.price_ticks) * qty_of(s.ins, r.lots)
    s.ledger.taker_notional_usd += notional
    row = out.fills[out.fill_count]
    out.fill_count += 1
    s.inverse.has_new_fills = True
    log_event(s, out, r.ts_recv_ns, o, OrderEvent.FILL.value, r.reason, r.price_ticks, r.lots)
    price = price_of(s.ins, r.price_ticks)
    apply_exit_fill(s, p, out, r.ts_recv_ns, price, r.lots, r.fee_usd, ExitReason.EXTERNAL.value, s.market.ask)
    _write_fill(s, out, row, r, o, r.lots, float(r.price_ticks), r.fee_usd)
    if s.ledger.short_lots == 0:
        take_profit.forget_refusal(s)
    if not s.risk.is_draining:
        entry_group.reap(s, out, r.ts_recv_ns, OrderReason.REAP_CLOSE.value)


@jit
def event_of(kind: int, reason: int) -> int:
    """The row of an order's history that a report becomes; what the end of a tape takes back is a cancel."""
    if kind == ReportKind.ACK:
        return OrderEvent.ACK.value
    if kind == ReportKind.REJECT:
        return OrderEvent.REJECT.value
    if kind == ReportKind.FILL:
        return OrderEvent.FILL.value
    if kind == ReportKind.AMEND_ACK:
        return OrderEvent.AMEND_ACK.value
    if kind == ReportKind.AMEND_REJECT:
        return OrderEvent.AMEND_REJECT.value
    if kind == ReportKind.CANCEL_ACK or (kind == ReportKind.EXPIRE and reason == OrderReason.END_OF_TAPE):
        return OrderEvent.CANCEL_ACK.value
    if kind == ReportKind.CANCEL_REJECT:
        return OrderEvent.CANCEL_REJECT.value
    if kind == ReportKind.STATUS:
        return OrderEvent.STATUS.value
    return OrderEvent.EXPIRE.value


@jit
def _end_reason(s: SymbolState, p: Params, o: Order, r: Report) -> int:
    """What a refusal or an end means for the order's group; returns the reason to write with the finished order."""
    crossed = (r.kind == ReportKind.REJECT and r.reason == OrderReason.WOULD_CROSS) or (
        r.kind == ReportKind.CANCEL_ACK and r.reason == OrderReason.AMEND_CROSS
    )
    if crossed:
        s.ledger.post_only_rejects += 1
    if o.purpose == Purpose.TAKE_PROFIT and (r.kind == ReportKind.REJECT or crossed):
        take_profit.on_refused(s, r.ts_recv_ns)
    if o.purpose == Purpose.CLOSE:
        note_answer(s, r)
    if o.purpose == Purpose.ENTRY and crossed:
        return entry_group.on_refused(s, p, o)
    if r.kind == ReportKind.EXPIRE and r.reason == OrderReason.END_OF_TAPE:
        o.status = OrderStatus.CANCELED
    return int(r.reason)


@jit
def _book_news(
    s: SymbolState,
    p: Params,
    out: Out,
    r: Report,
    o: Order,
    g: EntryGroup,
    new_lots: int,
    cost_before: int,
    fee_before: float,
    told: int,
    close_reason: int,
    exit_ask: float,
) -> None:
    """Book what a report brings: first what was filled before it and never told, as one fill, then its own fill with all that it says.

    `cost_before` and `fee_before` are the order's without the new lots, `told` is the OrderReason in the order's history; for the others
    see `_apply_fill`.
    """
    own = own_lots(r, new_lots)
    missed = new_lots - own
    if missed > 0:
        price_ticks = (o.cost_ticklots - cost_before - own * r.price_ticks) / missed
        fee_usd = o.fee_usd - fee_before - (r.fee_usd if own > 0 else 0.0)
        log_event(s, out, r.ts_recv_ns, o, OrderEvent.FILL.value, told, int(math.floor(price_ticks + 0.5)), missed)
        _apply_fill(s, p, out, r, o, g, missed, price_ticks, fee_usd, True, close_reason, exit_ask)
    if own > 0:
        log_event(s, out, r.ts_recv_ns, o, OrderEvent.FILL.value, told, r.price_ticks, own)
        _apply_fill(s, p, out, r, o, g, own, float(r.price_ticks), r.fee_usd, False, close_reason, exit_ask)


@jit
def _apply_fill(
    s: SymbolState,
    p: Params,
    out: Out,
    r: Report,
    o: Order,
    g: EntryGroup,
    lots: int,
    price_ticks: float,
    fee_usd: float,
    is_learned: bool,
    close_reason: int,
    exit_ask: float,
) -> None:
    """Book lots of an order: a fill as its report tells it, or what was learned of some, at their mean price, which may be off the tick.

    `g` is the group of an entry, `close_reason` what a close was for, `exit_ask` what it, or a take-profit that has ended, is judged by.
    """
    is_maker = r.maker if not is_learned else o.tif == Tif.GTX
    price = price_ticks * s.ins.tick_num / s.ins.tick_den
    notional = price * qty_of(s.ins, lots)
    if is_maker:
        s.ledger.maker_notional_usd += notional
    else:
        s.ledger.taker_notional_usd += notional
    row = out.fills[out.fill_count]  # written before the ledger moves on: a close in between must not reorder the rows
    out.fill_count += 1
    s.inverse.has_new_fills = True
    ask = 0.0
    if o.purpose == Purpose.ENTRY:
        apply_entry_fill(s, p, g, r.ts_recv_ns, price, lots, fee_usd, median_spread_bps(s.market))
        net_excess(s, p, out, r.ts_recv_ns, ExitReason.EXTERNAL.value)
        on_entry_fill(s, lots)
        if is_closing(s) and s.close.target_lots > 0:
            s.close.target_lots += lots
    elif o.purpose == Purpose.TAKE_PROFIT:
        reason = resting_reason(s)
        on_exit_fill(s, r.ts_recv_ns, lots)
        ask = take_profit.reference_ask(s, o.group_id, r.ts_venue_ns, exit_ask)
        apply_exit_fill(s, p, out, r.ts_recv_ns, price, lots, fee_usd, reason, ask)
    else:
        reason = _closing_reason(s, close_reason)
        if reason == ExitReason.INVERSE_TP:
            on_exit_fill(s, r.ts_recv_ns, lots)
        ask = exit_ask
        apply_exit_fill(s, p, out, r.ts_recv_ns, price, lots, fee_usd, reason, ask)
    _write_fill(s, out, row, r, o, lots, price_ticks, fee_usd)
    row.reference_ask = ask
    if is_learned:
        row.cause = FillCause.LEARNED
        row.maker = is_maker
        row.trade_id = 0
        row.queue_ahead_lots = UNKNOWN_AHEAD
        row.arrived_unknown = False


@jit
def _closing_reason(s: SymbolState, reason: int) -> int:
    """The reason of a close's fill now: a profit that is taken while the zones are laid is theirs, whatever it was decided as."""
    is_profit = reason == ExitReason.TP or reason == ExitReason.FAST_TP
    return ExitReason.INVERSE_TP.value if is_profit and is_unwinding(s) else reason


@jit
def _write_fill(s: SymbolState, out: Out, row: FillRow, r: Report, o: Order, lots: int, price_ticks: float, fee_usd: float) -> None:
    """Write a fill as its report tells it, measured against the ask as it is now."""
    row.ts_ns = r.ts_recv_ns
    row.ts_venue_ns = r.ts_venue_ns
    row.order_id = o.order_id
    row.group_id = o.group_id
    row.slice_index = o.slice_index
    row.trade_id = r.trade_id
    row.price_ticks = price_ticks
    row.lots = lots
    row.short_lots_after = s.ledger.short_lots
    row.avg_entry_after = s.ledger.avg_entry
    row.fee_usd = fee_usd
    row.reference_ask = s.market.ask
    row.queue_ahead_lots = r.queue_ahead_lots
    row.symbol = s.symbol
    row.side = o.side
    row.cause = r.cause
    row.maker = r.maker
    row.arrived_unknown = r.arrived_unknown
    if out.fill_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
