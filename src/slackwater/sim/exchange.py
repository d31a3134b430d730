"""The venue's front: what arrives is checked, answered and carried out against the book at arrival."""

from __future__ import annotations

from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.commands import CommandKind, OrderType, Tif
from slackwater.schema.events import ReportKind, RowKind, TapeRow, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim.fees import funding_usd, notional_usd
from slackwater.sim.in_flight import (
    answer_request,
    copy_report,
    find_end,
    next_arrival_ns,
    next_report_ns,
    pop_report,
    post_report,
    remember_end,
    report_order,
    submit,
)
from slackwater.sim.latency import receive_ns
from slackwater.sim.matching import is_valid_book, on_book, on_trade, set_book, take
from slackwater.sim.records import ASK, BID, MAX_REQUESTS, MAX_RESTING, OrderState, QueuePlace, Request, VenueState
from slackwater.sim.resting import (
    NO_SLOT,
    crosses_own,
    end_with_report,
    expire_all,
    far_index,
    find_live,
    free_slot,
    reduce_only_budget,
    remove_ended,
    rest_order,
    withdraw_order,
)

__all__ = [
    "expire_all",
    "has_resting",
    "is_out_of_reach",
    "needs_rows",
    "next_arrival_ns",
    "next_report_ns",
    "on_arrival",
    "on_row",
    "pop_report",
    "set_book",
    "submit",
]


@jit
def has_resting(v: VenueState) -> bool:
    """Whether any of our orders rests."""
    return v.resting_count > 0


@jit
def needs_rows(v: VenueState) -> bool:
    """Whether the next tape row can matter: an order rests, or what we took from the book has to come back with an update.

    While this is false, rows may be skipped and the book be set by `set_book` before the next arrival.
    """
    return v.resting_count > 0 or v.taken_lots[BID] > 0 or v.taken_lots[ASK] > 0


@jit_inline
def is_out_of_reach(v: VenueState, row: TapeRow) -> bool:
    """Whether a row can neither fill our orders nor tell anything about their queues: of a book only the picture is new then."""
    if v.taken_lots[BID] > 0 or v.taken_lots[ASK] > 0:
        return False
    if row.kind == RowKind.BOOK:
        return (
            row.price_ticks > v.highest_buy_ticks
            and row.ask_ticks < v.lowest_sell_ticks
            and row.ask_ticks >= row.price_ticks
            and row.lots >= 0
            and row.ask_lots >= 0
        )
    if row.kind == RowKind.TRADE:
        return row.price_ticks > v.highest_buy_ticks and row.price_ticks < v.lowest_sell_ticks and row.lots > 0
    return row.kind != RowKind.FUNDING


@jit
def on_row(v: VenueState, ins: Instrument, p: Params, row: TapeRow) -> None:
    """Work off a tape row that happens at the venue at `row.ts_event`. Rows that make no sense change nothing and are counted."""
    v.event_ns = row.ts_event
    if row.kind == RowKind.BOOK:
        if is_valid_book(row):
            on_book(v, ins, p, row)
        else:
            v.rejected_input_count += 1
    elif row.kind == RowKind.TRADE:
        if row.price_ticks > 0 and row.lots > 0:
            on_trade(v, ins, p, row)
        else:
            v.rejected_input_count += 1
    elif row.kind == RowKind.FUNDING:
        mid = (v.touch_ticks[BID] + v.touch_ticks[ASK]) * ins.tick_num / (2.0 * ins.tick_den)
        v.funding_usd += funding_usd(ins, -v.position_lots, mid, row.value)


@jit
def on_arrival(v: VenueState, ins: Instrument, p: Params) -> None:
    """Work off the earliest request at its arrival time. There must be one."""
    request = v.requests[v.request_head]
    v.event_ns = request.arrival_ns
    if request.kind == CommandKind.PLACE:
        _place(v, ins, p, request)
    elif request.kind == CommandKind.AMEND:
        _amend(v, ins, p, request)
    elif request.kind == CommandKind.CANCEL:
        _cancel(v, p, request)
    else:
        _query(v, p, request)
    remove_ended(v)
    v.request_head = (v.request_head + 1) % MAX_REQUESTS
    v.request_count -= 1


@jit
def crosses_touch(v: VenueState, side: int, price_ticks: int) -> bool:
    """Whether a limit order would take from the book."""
    return side * (price_ticks - v.touch_ticks[far_index(side)]) >= 0


@jit
def crosses_anything(v: VenueState, side: int, price_ticks: int) -> bool:
    """Whether a limit order would meet the book or one of our own orders, which post-only refuses alike."""
    return crosses_touch(v, side, price_ticks) or crosses_own(v, side, price_ticks)


@jit
def _filter_reason(v: VenueState, ins: Instrument, price_ticks: int, lots: int, open_lots: int, reduce_only: bool) -> VenueReason:
    """Steps and minimums, the same for a new order and a modify: `lots` in all, `open_lots` of them not executed."""
    if price_ticks <= 0:
        return VenueReason.OFF_TICK
    if lots <= 0:
        return VenueReason.BELOW_MIN_QTY
    # A rest of a position below the minimum could not be closed otherwise.
    is_whole_position = reduce_only and open_lots == abs(v.position_lots)
    if lots < ins.min_lots and not is_whole_position:
        return VenueReason.BELOW_MIN_QTY
    if not reduce_only and notional_usd(ins, price_ticks, lots) < ins.min_notional_usd:
        return VenueReason.BELOW_MIN_NOTIONAL
    return VenueReason.NONE


@jit
def _place_refusal(v: VenueState, ins: Instrument, request: Request) -> VenueReason:
    """Why a new order is refused, `NONE` when it is not."""
    if v.touch_ticks[ASK] <= 0:
        return VenueReason.NO_BOOK
    is_limit = request.type == OrderType.LIMIT
    price_ticks = request.price_ticks if is_limit else v.touch_ticks[far_index(request.side)]
    reason = _filter_reason(v, ins, price_ticks, request.lots, request.lots, request.reduce_only)
    if reason != VenueReason.NONE:
        return reason
    if request.reduce_only and request.lots > reduce_only_budget(v, request.side, NO_SLOT):
        return VenueReason.REDUCE_ONLY
    if not is_limit or request.tif == Tif.IOC:
        return VenueReason.NONE
    if request.tif == Tif.GTX and crosses_anything(v, request.side, price_ticks):
        return VenueReason.WOULD_CROSS
    if v.resting_count == MAX_RESTING:
        return VenueReason.TOO_MANY
    return VenueReason.NONE


@jit
def _place(v: VenueState, ins: Instrument, p: Params, request: Request) -> None:
    reason = _place_refusal(v, ins, request)
    if reason != VenueReason.NONE:
        answer_request(v, p, request, ReportKind.REJECT, reason)
        remember_end(v)
        return
    slot = free_slot(v)
    order = v.orders[slot]
    order.order_id = request.order_id
    order.side = request.side
    order.price_ticks = request.price_ticks if request.type == OrderType.LIMIT else 0
    order.total_lots = request.lots
    order.cum_lots = 0
    order.leaves_lots = request.lots
    order.ahead_lots = 0.0
    order.state = OrderState.LIVE
    order.place = QueuePlace.KNOWN
    order.type = request.type
    order.tif = request.tif
    order.reduce_only = request.reduce_only
    can_rest = request.type == OrderType.LIMIT and request.tif != Tif.IOC
    if can_rest and not crosses_touch(v, order.side, order.price_ticks):
        rest_order(v, slot)
        report_order(v, p, order, ReportKind.ACK, VenueReason.NONE)
        return
    report_order(v, p, order, ReportKind.ACK, VenueReason.NONE)
    _take_and_rest(v, ins, p, slot)


@jit
def _take_and_rest(v: VenueState, ins: Instrument, p: Params, slot: int) -> None:
    """Take what there is with an order that is not ranked; what is left rests if it may, else it ends."""
    order = v.orders[slot]
    take(v, ins, p, order)
    if order.leaves_lots > 0:
        if order.type == OrderType.LIMIT and order.tif != Tif.IOC:
            rest_order(v, slot)
            return
        end_with_report(v, p, order, ReportKind.EXPIRE, VenueReason.NO_LIQUIDITY)
    # It was never ranked, so that nobody else gives its slot back.
    order.state = OrderState.FREE


@jit
def _amend_refusal(v: VenueState, ins: Instrument, request: Request, slot: int) -> VenueReason:
    """Why a modify of a resting order is refused and leaves it as it was, `NONE` when it is not."""
    order = v.orders[slot]
    if request.price_ticks == order.price_ticks and request.lots == order.total_lots:
        return VenueReason.NO_CHANGE
    if 0 < request.lots <= order.cum_lots:
        return VenueReason.NONE
    leaves_lots = request.lots - order.cum_lots
    reason = _filter_reason(v, ins, request.price_ticks, request.lots, leaves_lots, order.reduce_only)
    if reason != VenueReason.NONE:
        return reason
    if order.reduce_only and leaves_lots > reduce_only_budget(v, order.side, slot):
        return VenueReason.REDUCE_ONLY
    return VenueReason.NONE


@jit
def _amend(v: VenueState, ins: Instrument, p: Params, request: Request) -> None:
    slot = find_live(v, request.order_id)
    if slot == NO_SLOT:
        answer_request(v, p, request, ReportKind.AMEND_REJECT, VenueReason.UNKNOWN_ORDER)
        return
    order = v.orders[slot]
    reason = _amend_refusal(v, ins, request, slot)
    if reason != VenueReason.NONE:
        report_order(v, p, order, ReportKind.AMEND_REJECT, reason)
        return
    if request.lots <= order.cum_lots:
        end_with_report(v, p, order, ReportKind.CANCEL_ACK, VenueReason.AMEND_FILLED)
        return
    if order.tif == Tif.GTX and crosses_anything(v, order.side, request.price_ticks):
        end_with_report(v, p, order, ReportKind.CANCEL_ACK, VenueReason.AMEND_CROSS)
        return
    withdraw_order(v, slot)
    order.price_ticks = request.price_ticks
    order.total_lots = request.lots
    order.leaves_lots = request.lots - order.cum_lots
    if crosses_touch(v, order.side, order.price_ticks):
        order.place = QueuePlace.KNOWN  # nobody stands before an order that takes
        order.ahead_lots = 0.0
        report_order(v, p, order, ReportKind.AMEND_ACK, VenueReason.NONE)
        _take_and_rest(v, ins, p, slot)
        return
    rest_order(v, slot)
    report_order(v, p, order, ReportKind.AMEND_ACK, VenueReason.NONE)


@jit
def _cancel(v: VenueState, p: Params, request: Request) -> None:
    slot = find_live(v, request.order_id)
    if slot == NO_SLOT:
        answer_request(v, p, request, ReportKind.CANCEL_REJECT, VenueReason.UNKNOWN_ORDER)
        return
    end_with_report(v, p, v.orders[slot], ReportKind.CANCEL_ACK, VenueReason.NONE)


@jit
def _query(v: VenueState, p: Params, request: Request) -> None:
    """Answer with the order as it is: a STATUS while it lives, else the report that ended it once more, else a REJECT as unknown."""
    slot = find_live(v, request.order_id)
    if slot != NO_SLOT:
        report_order(v, p, v.orders[slot], ReportKind.STATUS, VenueReason.NONE)
        return
    k = find_end(v, request.order_id)
    if k < 0:
        answer_request(v, p, request, ReportKind.REJECT, VenueReason.UNKNOWN_ORDER)
        return
    copy_report(v.finished[k], v.draft)
    post_report(v, receive_ns(p, v.event_ns))
