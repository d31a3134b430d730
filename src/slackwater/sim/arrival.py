"""Arrivals: a request is checked against the venue's book and our orders at that moment, carried out, and answered."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.commands import CommandKind, OrderType, Tif
from slackwater.schema.events import ReportKind, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim.faults import is_outage, is_refused
from slackwater.sim.fees import notional_usd
from slackwater.sim.in_flight import (
    draft_bare,
    draft_end,
    draft_order,
    find_end,
    refusal_of,
    refuse_request,
    remember_end,
    report_order,
    send_query_answer,
)
from slackwater.sim.margin import exceeds_margin
from slackwater.sim.records import ASK, MAX_REQUESTS, MAX_RESTING, OrderState, QueuePlace, Request, VenueState
from slackwater.sim.resting import (
    NO_SLOT,
    crosses_own,
    end_with_report,
    far_index,
    find_live,
    free_slot,
    open_order,
    reduce_only_budget,
    remove_ended,
    rest_order,
    withdraw_order,
)
from slackwater.sim.taking import take, take_limit_ticks

MAX_AMENDS = 10_000  # Binance USD-M modifies one order no more often


@jit
def on_arrival(v: VenueState, ins: Instrument, p: Params) -> None:
    """Work off the earliest request at its arrival time. There must be one."""
    request = v.requests[v.request_head]
    v.event_ns = request.arrival_ns
    if is_outage(v, p):
        _turn_away(v, p, request)
    elif request.kind == CommandKind.PLACE:
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
def _turn_away(v: VenueState, p: Params, request: Request) -> None:
    """Refuse whatever comes during an outage. A query is not answered: any answer would say something about its order."""
    kind = refusal_of(request.kind)
    if kind == 0:
        return
    slot = find_live(v, request.order_id)
    if slot != NO_SLOT and request.kind != CommandKind.PLACE:
        report_order(v, p, v.orders[slot], kind, VenueReason.OUTAGE)
        return
    refuse_request(v, p, request, kind, VenueReason.OUTAGE)
    if request.kind == CommandKind.PLACE:
        remember_end(v)


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
def _place_refusal(v: VenueState, ins: Instrument, p: Params, request: Request) -> VenueReason:
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
    if not request.reduce_only and exceeds_margin(v, ins, p, request.side, price_ticks, request.lots, NO_SLOT):
        return VenueReason.MARGIN
    if not is_limit or request.tif == Tif.IOC:
        return VenueReason.NONE
    if request.tif == Tif.GTX and crosses_anything(v, request.side, price_ticks):
        return VenueReason.WOULD_CROSS
    if v.resting_count == MAX_RESTING:
        return VenueReason.TOO_MANY
    return VenueReason.NONE


@jit
def _place(v: VenueState, ins: Instrument, p: Params, request: Request) -> None:
    reason = VenueReason.BUSY if is_refused(v, p) else _place_refusal(v, ins, p, request)
    if reason != VenueReason.NONE:
        refuse_request(v, p, request, ReportKind.REJECT.value, reason)
        remember_end(v)
        return
    slot = free_slot(v)
    order = v.orders[slot]
    is_limit = request.type == OrderType.LIMIT
    open_order(order, request.order_id, request.side, request.price_ticks if is_limit else 0, request.lots)
    order.type = request.type
    order.tif = request.tif
    order.reduce_only = request.reduce_only
    if is_limit and request.tif != Tif.IOC and not crosses_touch(v, order.side, order.price_ticks):
        rest_order(v, slot)
        report_order(v, p, order, ReportKind.ACK.value, VenueReason.NONE)
        return
    report_order(v, p, order, ReportKind.ACK.value, VenueReason.NONE)
    _take_and_rest(v, ins, p, slot)


@jit
def _take_and_rest(v: VenueState, ins: Instrument, p: Params, slot: int) -> None:
    """Take what there is with an order that is not ranked; what is left rests if it may, else it ends."""
    order = v.orders[slot]
    take(v, ins, p, order, take_limit_ticks(p, order, v.touch_ticks[far_index(order.side)]))
    if order.leaves_lots > 0:
        if order.type == OrderType.LIMIT and order.tif != Tif.IOC:
            rest_order(v, slot)
            return
        end_with_report(v, p, order, ReportKind.EXPIRE.value, VenueReason.NO_LIQUIDITY)
    # It was never ranked, so that nobody else gives its slot back.
    order.state = OrderState.FREE


@jit
def _amend_refusal(v: VenueState, ins: Instrument, p: Params, request: Request, slot: int) -> VenueReason:
    """Why a modify of a resting order is refused and leaves it as it was, `NONE` when it is not."""
    order = v.orders[slot]
    if request.price_ticks == order.price_ticks and request.lots == order.total_lots:
        return VenueReason.NO_CHANGE
    if order.amend_count >= MAX_AMENDS:
        return VenueReason.AMEND_LIMIT
    if 0 < request.lots <= order.cum_lots:
        return VenueReason.NONE
    leaves_lots = request.lots - order.cum_lots
    reason = _filter_reason(v, ins, request.price_ticks, request.lots, leaves_lots, order.reduce_only)
    if reason != VenueReason.NONE:
        return reason
    if order.reduce_only and leaves_lots > reduce_only_budget(v, order.side, slot):
        return VenueReason.REDUCE_ONLY
    if not order.reduce_only and exceeds_margin(v, ins, p, order.side, request.price_ticks, leaves_lots, slot):
        return VenueReason.MARGIN
    return VenueReason.NONE


@jit
def _amend(v: VenueState, ins: Instrument, p: Params, request: Request) -> None:
    is_busy = is_refused(v, p)
    slot = find_live(v, request.order_id)
    if slot == NO_SLOT:
        refuse_request(v, p, request, ReportKind.AMEND_REJECT.value, VenueReason.UNKNOWN_ORDER)
        return
    order = v.orders[slot]
    reason = VenueReason.BUSY if is_busy else _amend_refusal(v, ins, p, request, slot)
    if reason != VenueReason.NONE:
        report_order(v, p, order, ReportKind.AMEND_REJECT.value, reason)
        return
    if request.lots <= order.cum_lots:
        end_with_report(v, p, order, ReportKind.CANCEL_ACK.value, VenueReason.AMEND_FILLED)
        return
    if order.tif == Tif.GTX and crosses_anything(v, order.side, request.price_ticks):
        end_with_report(v, p, order, ReportKind.CANCEL_ACK.value, VenueReason.AMEND_CROSS)
        return
    withdraw_order(v, slot)
    order.price_ticks = request.price_ticks
    order.total_lots = request.lots
    order.leaves_lots = request.lots - order.cum_lots
    order.amend_count += 1
    if crosses_touch(v, order.side, order.price_ticks):
        order.place = QueuePlace.KNOWN  # nobody stands before an order that takes
        order.ahead_lots = 0.0
        report_order(v, p, order, ReportKind.AMEND_ACK.value, VenueReason.NONE)
        _take_and_rest(v, ins, p, slot)
        return
    rest_order(v, slot)
    report_order(v, p, order, ReportKind.AMEND_ACK.value, VenueReason.NONE)


@jit
def _cancel(v: VenueState, p: Params, request: Request) -> None:
    slot = find_live(v, request.order_id)
    if slot == NO_SLOT:
        refuse_request(v, p, request, ReportKind.CANCEL_REJECT.value, VenueReason.UNKNOWN_ORDER)
        return
    end_with_report(v, p, v.orders[slot], ReportKind.CANCEL_ACK.value, VenueReason.NONE)


@jit
def _query(v: VenueState, p: Params, request: Request) -> None:
    """Answer with the order as it is: a STATUS while it lives or when it was filled, else the report that ended it once more, else a REJECT
    as unknown."""
    slot = find_live(v, request.order_id)
    k = find_end(v, request.order_id)
    if slot != NO_SLOT:
        draft_order(v, v.orders[slot], ReportKind.STATUS.value, VenueReason.NONE)
    elif k >= 0:
        draft_end(v, k)
    else:
        draft_bare(v, request.order_id, request.price_ticks, request.lots, ReportKind.REJECT.value, VenueReason.UNKNOWN_ORDER)
    send_query_answer(v, p)
