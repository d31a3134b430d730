"""What is under way: requests to the venue by arrival time, reports to us by receive time. Both rings are sorted, ties keep their order."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.commands import Command, CommandKind
from slackwater.schema.events import FillCause, Report, ReportKind, VenueReason
from slackwater.schema.params import Params
from slackwater.schema.units import NEVER_NS
from slackwater.sim.latency import arrival_ns, receive_ns
from slackwater.sim.queue import UNKNOWN_AHEAD, reported_ahead
from slackwater.sim.records import MAX_FINISHED, MAX_REPORTS, MAX_REQUESTS, Request, VenueOrder, VenueState


@jit
def copy_report(source: Report, dest: Report) -> None:
    """Copy every field."""
    dest.ts_venue_ns = source.ts_venue_ns
    dest.ts_recv_ns = source.ts_recv_ns
    dest.order_id = source.order_id
    dest.price_ticks = source.price_ticks
    dest.lots = source.lots
    dest.cum_lots = source.cum_lots
    dest.trade_id = source.trade_id
    dest.sequence = source.sequence
    dest.queue_ahead_lots = source.queue_ahead_lots
    dest.fee_usd = source.fee_usd
    dest.symbol = source.symbol
    dest.kind = source.kind
    dest.cause = source.cause
    dest.reason = source.reason
    dest.maker = source.maker


@jit
def copy_request(source: Request, dest: Request) -> None:
    """Copy every field."""
    dest.arrival_ns = source.arrival_ns
    dest.order_id = source.order_id
    dest.price_ticks = source.price_ticks
    dest.lots = source.lots
    dest.side = source.side
    dest.kind = source.kind
    dest.type = source.type
    dest.tif = source.tif
    dest.reduce_only = source.reduce_only


@jit
def next_arrival_ns(v: VenueState) -> int:
    """When the earliest request arrives, `NEVER_NS` when none is under way."""
    if v.request_count == 0:
        return NEVER_NS
    return v.requests[v.request_head].arrival_ns


@jit
def next_report_ns(v: VenueState) -> int:
    """When the earliest report reaches us, `NEVER_NS` when none is under way."""
    if v.report_count == 0:
        return NEVER_NS
    return v.reports[v.report_head].ts_recv_ns


@jit
def pop_report(v: VenueState, dest: Report) -> bool:
    """Move the earliest report, by receive time and then sequence, into `dest`; false when there is none."""
    if v.report_count == 0:
        return False
    copy_report(v.reports[v.report_head], dest)
    v.report_head = (v.report_head + 1) % MAX_REPORTS
    v.report_count -= 1
    return True


@jit
def submit(v: VenueState, p: Params, cmd: Command) -> None:
    """Send a command; it arrives at `cmd.ts_ns` plus the entry latency.

    With the ring full it is counted and refused by a report (`TOO_MANY`); a query is only counted, since it is asked again.
    """
    v.symbol = cmd.symbol
    arrives_ns = arrival_ns(p, cmd.ts_ns)
    if v.request_count == MAX_REQUESTS:
        v.refused_request_count += 1
        _refuse_unsent(v, p, cmd, arrives_ns)
        return
    k = v.request_count
    while k > 0:
        earlier = v.requests[(v.request_head + k - 1) % MAX_REQUESTS]
        if earlier.arrival_ns <= arrives_ns:
            break
        copy_request(earlier, v.requests[(v.request_head + k) % MAX_REQUESTS])
        k -= 1
    request = v.requests[(v.request_head + k) % MAX_REQUESTS]
    request.arrival_ns = arrives_ns
    request.order_id = cmd.order_id
    request.price_ticks = cmd.price_ticks
    request.lots = cmd.lots
    request.side = cmd.side
    request.kind = cmd.kind
    request.type = cmd.type
    request.tif = cmd.tif
    request.reduce_only = cmd.reduce_only
    v.request_count += 1


@jit
def _refuse_unsent(v: VenueState, p: Params, cmd: Command, venue_ns: int) -> None:
    draft = v.draft
    if cmd.kind == CommandKind.PLACE:
        draft.kind = ReportKind.REJECT
    elif cmd.kind == CommandKind.AMEND:
        draft.kind = ReportKind.AMEND_REJECT
    elif cmd.kind == CommandKind.CANCEL:
        draft.kind = ReportKind.CANCEL_REJECT
    else:
        return
    draft.order_id = cmd.order_id
    draft.price_ticks = cmd.price_ticks
    draft.lots = cmd.lots
    draft.cum_lots = 0
    draft.reason = VenueReason.TOO_MANY
    _clear_fill(v)
    draft.ts_venue_ns = venue_ns
    post_report(v, receive_ns(p, venue_ns))


@jit
def _clear_fill(v: VenueState) -> None:
    v.draft.trade_id = 0
    v.draft.queue_ahead_lots = UNKNOWN_AHEAD
    v.draft.fee_usd = 0.0
    v.draft.cause = FillCause.NONE
    v.draft.maker = False


@jit
def post_report(v: VenueState, recv_ns: int) -> None:
    """Put the draft under way, to be received at `recv_ns`. A full ring loses it and counts."""
    draft = v.draft
    v.last_sequence += 1
    draft.sequence = v.last_sequence
    draft.ts_recv_ns = recv_ns
    draft.symbol = v.symbol
    if v.report_count == MAX_REPORTS:
        v.lost_report_count += 1
        return
    k = v.report_count
    while k > 0:
        earlier = v.reports[(v.report_head + k - 1) % MAX_REPORTS]
        if earlier.ts_recv_ns <= recv_ns:
            break
        copy_report(earlier, v.reports[(v.report_head + k) % MAX_REPORTS])
        k -= 1
    copy_report(draft, v.reports[(v.report_head + k) % MAX_REPORTS])
    v.report_count += 1


@jit
def answer_request(v: VenueState, p: Params, request: Request, kind: ReportKind, reason: VenueReason) -> None:
    """Report on a request that changed no order."""
    draft = v.draft
    draft.ts_venue_ns = v.event_ns
    draft.order_id = request.order_id
    draft.price_ticks = request.price_ticks
    draft.lots = request.lots
    draft.cum_lots = 0
    draft.kind = kind
    draft.reason = reason
    _clear_fill(v)
    post_report(v, receive_ns(p, v.event_ns))


@jit
def draft_order(v: VenueState, order: VenueOrder, kind: ReportKind, reason: VenueReason) -> None:
    """Write what there is to say about an order now, with its place in the queue, into the draft."""
    draft = v.draft
    draft.ts_venue_ns = v.event_ns
    draft.order_id = order.order_id
    draft.price_ticks = order.price_ticks
    draft.lots = order.total_lots
    draft.cum_lots = order.cum_lots
    draft.kind = kind
    draft.reason = reason
    _clear_fill(v)
    draft.queue_ahead_lots = reported_ahead(order)


@jit
def report_order(v: VenueState, p: Params, order: VenueOrder, kind: ReportKind, reason: VenueReason) -> None:
    """Report an order as it stands now."""
    draft_order(v, order, kind, reason)
    post_report(v, receive_ns(p, v.event_ns))


@jit
def remember_end(v: VenueState) -> None:
    """Keep the draft, which ended an order, for later queries."""
    copy_report(v.draft, v.finished[v.finished_count % MAX_FINISHED])
    v.finished_count += 1


@jit
def find_end(v: VenueState, order_id: int) -> int:
    """The place in `finished` of an order's last report, -1 when it is not (or no longer) there."""
    for back in range(min(v.finished_count, MAX_FINISHED)):
        k = (v.finished_count - 1 - back) % MAX_FINISHED
        if v.finished[k].order_id == order_id:
            return k
    return -1
