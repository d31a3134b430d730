"""Accounting: a report changes its order, and a fill changes the ledger, the zones and the targets of what is under way."""

from __future__ import annotations

from slackwater.decision.exits import resting_reason
from slackwater.decision.inverse import on_entry_fill, on_exit_fill
from slackwater.kernel.jit import jit
from slackwater.ledger.booking import apply_entry_fill, apply_exit_fill
from slackwater.market.spreads import median_spread_bps
from slackwater.orders import entry_group, take_profit
from slackwater.orders.close_ladder import is_closing
from slackwater.orders.emit import cancel_order, find_order, free_if_ended, log_event
from slackwater.orders.lifecycle import apply_report
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, FillRow, Out
from slackwater.schema.commands import Purpose
from slackwater.schema.enums import ExitReason, OrderEvent, OrderReason, OrderStatus
from slackwater.schema.events import Report, ReportKind
from slackwater.schema.instrument import price_of, qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import Order, SymbolState


@jit
def account(s: SymbolState, p: Params, out: Out, r: Report) -> None:
    """Apply one report to its order, the ledger and the groups."""
    slot = find_order(s, r.order_id)
    if slot < 0:
        s.stray_reports += 1
        return
    o = s.orders[slot]
    new_lots = apply_report(o, r)
    if new_lots < 0:
        s.stray_reports += 1
        return
    lots = r.lots if r.kind != ReportKind.FILL else new_lots
    log_event(s, out, r.ts_recv_ns, o, event_of(r.kind, r.reason), r.reason, r.price_ticks, lots)
    if new_lots > 0:
        _apply_fill(s, p, out, r, o, new_lots)
    reason = _end_reason(s, p, o, r)
    if free_if_ended(s, out, r.ts_recv_ns, slot, reason):
        entry_group.settle(s)
    elif o.wants_cancel and o.status == OrderStatus.LIVE and not s.risk.is_draining:
        cancel_order(s, out, r.ts_recv_ns, slot, o.reason)
    if s.risk.is_draining:
        return
    if s.ledger.short_lots == 0 and new_lots > 0 and o.purpose != Purpose.ENTRY:
        take_profit.forget_refusal(s)
        entry_group.reap(s, out, r.ts_recv_ns, OrderReason.REAP_FLAT.value)


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
    if o.purpose == Purpose.ENTRY and crossed:
        return entry_group.on_refused(s, p, o)
    if r.kind == ReportKind.EXPIRE and r.reason == OrderReason.END_OF_TAPE:
        o.status = OrderStatus.CANCELED
    return int(r.reason)


@jit
def _apply_fill(s: SymbolState, p: Params, out: Out, r: Report, o: Order, lots: int) -> None:
    notional = price_of(s.ins, r.price_ticks) * qty_of(s.ins, lots)
    if r.maker:
        s.ledger.maker_notional_usd += notional
    else:
        s.ledger.taker_notional_usd += notional
    row = out.fills[out.fill_count]  # written before the ledger moves on: a close in between must not reorder the rows
    out.fill_count += 1
    s.inverse.has_new_fills = True
    if o.purpose == Purpose.ENTRY:
        apply_entry_fill(s, p, r.ts_recv_ns, r.price_ticks, lots, r.fee_usd, median_spread_bps(s.market))
        on_entry_fill(s, lots)
        if is_closing(s) and s.close.target_lots > 0:
            s.close.target_lots += lots
    elif o.purpose == Purpose.TAKE_PROFIT:
        reason = resting_reason(s)
        on_exit_fill(s, r.ts_recv_ns, lots)
        ask = take_profit.reference_ask(s)
        apply_exit_fill(s, p, out, r.ts_recv_ns, r.price_ticks, lots, r.fee_usd, reason, ask)
    else:
        if s.close.reason == ExitReason.INVERSE_TP:
            on_exit_fill(s, r.ts_recv_ns, lots)
        apply_exit_fill(s, p, out, r.ts_recv_ns, r.price_ticks, lots, r.fee_usd, int(s.close.reason), s.close.reference_ask)
    _write_fill(s, out, row, r, o, lots)


@jit
def _write_fill(s: SymbolState, out: Out, row: FillRow, r: Report, o: Order, lots: int) -> None:
    row.ts_ns = r.ts_recv_ns
    row.ts_venue_ns = r.ts_venue_ns
    row.order_id = o.order_id
    row.group_id = o.group_id
    row.slice_index = o.slice_index
    row.trade_id = r.trade_id
    row.price_ticks = r.price_ticks
    row.lots = lots
    row.short_lots_after = s.ledger.short_lots
    row.avg_entry_after = s.ledger.avg_entry
    row.fee_usd = r.fee_usd
    row.queue_ahead_lots = r.queue_ahead_lots
    row.symbol = s.symbol
    row.side = o.side
    row.cause = r.cause
    row.maker = r.maker
    if out.fill_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
