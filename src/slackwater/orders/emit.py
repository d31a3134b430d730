"""Emitting: commands to the venue, the order slots behind them, and the rows of an order's history. The only writer of order slots."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.orders.lifecycle import is_terminal
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, Out
from slackwater.schema.commands import CommandKind, Purpose
from slackwater.schema.enums import OrderEvent, OrderReason, OrderStatus
from slackwater.schema.state import MAX_ENDED, MAX_ORDERS, Order, SymbolState


@jit
def log_event(s: SymbolState, out: Out, now_ns: int, o: Order, event: int, reason: int, price_ticks: int, lots: int) -> None:
    """Write one step of an order's history."""
    row = out.order_events[out.order_event_count]
    row.ts_ns = now_ns
    row.order_id = o.order_id
    row.group_id = o.group_id
    row.slice_index = o.slice_index
    row.price_ticks = price_ticks
    row.lots = lots
    row.symbol = s.symbol
    row.event = event
    row.reason = reason
    out.order_event_count += 1
    if out.order_event_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True


@jit
def _emit(s: SymbolState, out: Out, now_ns: int, o: Order, kind: int, price_ticks: int, lots: int) -> None:
    cmd = out.commands[out.command_count]
    cmd.ts_ns = now_ns
    cmd.order_id = o.order_id
    cmd.price_ticks = price_ticks
    cmd.lots = lots
    cmd.symbol = s.symbol
    cmd.kind = kind
    cmd.purpose = o.purpose
    cmd.side = o.side
    cmd.type = o.type
    cmd.tif = o.tif
    cmd.reduce_only = o.reduce_only
    out.command_count += 1
    if kind != CommandKind.QUERY:
        o.asked_ns = now_ns
        o.queried_ns = 0
        o.stale_queries = o.open_queries
        o.cancel_refused = False
    s.has_asked = True
    s.order_changes += 1


@jit
def new_group(s: SymbolState) -> int:
    """The next group's id."""
    s.group_count += 1
    return s.group_count


@jit
def take_slot(s: SymbolState, purpose: int, side: int, group_id: int, slice_index: int) -> int:
    """An empty order slot with a fresh id, or -1 when all are taken."""
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.FREE:
            s.order_count += 1
            s.live_orders += 1
            o.order_id = s.order_count
            o.group_id = group_id
            o.slice_index = slice_index
            o.purpose = purpose
            o.side = side
            o.cum_lots = 0
            o.cost_ticklots = 0
            o.fee_usd = 0.0
            o.tick_offset = 0
            o.ack_ns = 0
            o.answer_sequence = 0
            o.open_queries = 0
            o.amend_count = 0
            o.amends_refused = 0
            o.retries = 0
            o.wants_cancel = False
            o.reduce_only = purpose != Purpose.ENTRY
            return k
    return -1


@jit
def emit_place(s: SymbolState, out: Out, now_ns: int, slot: int, price_ticks: int, lots: int, type_: int, tif: int, reason: int) -> None:
    """Send a new order from its slot."""
    o = s.orders[slot]
    o.status = OrderStatus.PENDING
    o.price_ticks = price_ticks
    o.sent_price_ticks = price_ticks
    o.highest_ticks = price_ticks
    o.lots = lots
    o.sent_lots = lots
    o.type = type_
    o.tif = tif
    o.created_ns = now_ns
    o.changed_ns = now_ns
    o.reason = reason
    log_event(s, out, now_ns, o, OrderEvent.PLACE.value, reason, price_ticks, lots)
    _emit(s, out, now_ns, o, CommandKind.PLACE.value, price_ticks, lots)


@jit
def emit_amend(s: SymbolState, out: Out, now_ns: int, slot: int, price_ticks: int, lots: int, reason: int) -> None:
    """Ask for another price and total quantity of a live order."""
    o = s.orders[slot]
    o.status = OrderStatus.AMENDING
    o.sent_price_ticks = price_ticks
    o.sent_lots = lots
    o.highest_ticks = max(o.highest_ticks, price_ticks)
    o.changed_ns = now_ns
    o.amend_count += 1
    log_event(s, out, now_ns, o, OrderEvent.AMEND.value, reason, price_ticks, lots)
    _emit(s, out, now_ns, o, CommandKind.AMEND.value, price_ticks, lots)


@jit
def emit_query(s: SymbolState, out: Out, now_ns: int, slot: int) -> None:
    """Ask what became of an order whose answer stays out."""
    o = s.orders[slot]
    o.queried_ns = now_ns
    o.open_queries += 1
    log_event(s, out, now_ns, o, OrderEvent.QUERY.value, OrderReason.UNANSWERED.value, o.price_ticks, o.lots)
    _emit(s, out, now_ns, o, CommandKind.QUERY.value, o.price_ticks, o.lots)


@jit
def cancel_order(s: SymbolState, out: Out, now_ns: int, slot: int, reason: int) -> None:
    """Cancel an order as soon as it can be: at once when live, on its answer when one is awaited."""
    o = s.orders[slot]
    if o.status == OrderStatus.LIVE:
        o.status = OrderStatus.CANCELING
        o.wants_cancel = False
        o.reason = reason
        log_event(s, out, now_ns, o, OrderEvent.CANCEL.value, reason, o.price_ticks, o.lots - o.cum_lots)
        _emit(s, out, now_ns, o, CommandKind.CANCEL.value, o.price_ticks, o.lots)
    elif o.status == OrderStatus.PENDING or o.status == OrderStatus.AMENDING:
        o.wants_cancel = True
        o.reason = reason


@jit
def cancel_purpose(s: SymbolState, out: Out, now_ns: int, purpose: int, reason: int) -> None:
    """Cancel every order of a purpose."""
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status != OrderStatus.FREE and o.purpose == purpose:
            cancel_order(s, out, now_ns, k, reason)


@jit
def count_purpose(s: SymbolState, purpose: int) -> int:
    """Orders of a purpose that have not ended."""
    if s.live_orders == 0:
        return 0
    count = 0
    for k in range(MAX_ORDERS):
        if s.orders[k].status != OrderStatus.FREE and s.orders[k].purpose == purpose:
            count += 1
    return count


@jit
def find_order(s: SymbolState, order_id: int) -> int:
    """The slot of an order, or -1."""
    for k in range(MAX_ORDERS):
        if s.orders[k].status != OrderStatus.FREE and s.orders[k].order_id == order_id:
            return k
    return -1


@jit
def free_if_ended(s: SymbolState, out: Out, now_ns: int, slot: int, reason: int) -> bool:
    """Write a finished order's row and empty its slot."""
    o = s.orders[slot]
    if not is_terminal(o.status):
        return False
    row = out.orders[out.order_count]
    row.order_id = o.order_id
    row.group_id = o.group_id
    row.price_ticks = o.price_ticks
    row.lots = o.lots
    row.cum_lots = o.cum_lots
    row.cost_ticklots = o.cost_ticklots
    row.created_ns = o.created_ns
    row.ack_ns = o.ack_ns
    row.final_ns = now_ns
    row.amend_count = o.amend_count
    row.amends_refused = o.amends_refused
    row.slice_index = o.slice_index
    row.symbol = s.symbol
    row.status = o.status
    row.purpose = o.purpose
    row.side = o.side
    row.type = o.type
    row.tif = o.tif
    row.reduce_only = o.reduce_only
    row.reason = reason if reason != 0 else o.reason
    out.order_count += 1
    if out.order_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
    _remember_end(s, o)
    o.status = OrderStatus.FREE
    s.live_orders -= 1
    return True


@jit
def _remember_end(s: SymbolState, o: Order) -> None:
    """Keep what a fill that comes later needs to be booked."""
    e = s.ended[s.ended_count % MAX_ENDED]
    e.order_id = o.order_id
    e.group_id = o.group_id
    e.slice_index = o.slice_index
    e.cum_lots = o.cum_lots
    e.cost_ticklots = o.cost_ticklots
    e.fee_usd = o.fee_usd
    e.purpose = o.purpose
    e.side = o.side
    e.tif = o.tif
    e.reason = s.close.reason
    e.reference_ask = s.close.reference_ask
    if o.purpose == Purpose.TAKE_PROFIT:
        e.reference_ask = s.take_profit.reference_ask if o.group_id == s.take_profit.group_id else 0.0
    e.layer_episode = 0
    e.first_fill_ns = 0
    if o.purpose == Purpose.ENTRY and o.group_id == s.entry.group_id:
        e.layer = s.entry.layer
        e.layer_episode = s.entry.layer_episode
        e.first_fill_ns = s.entry.first_fill_ns
    s.ended_count += 1


@jit
def find_ended(s: SymbolState, order_id: int) -> int:
    """The place of an order among those that have ended, or -1."""
    for back in range(1, min(s.ended_count, MAX_ENDED) + 1):
        k = (s.ended_count - back) % MAX_ENDED
        if s.ended[k].order_id == order_id:
            return k
    return -1
