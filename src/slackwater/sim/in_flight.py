"""What is under way: requests to the venue in the order sent, reports to us by receive time. Equal times keep their order."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.commands import Command, CommandKind
from slackwater.schema.events import UNKNOWN_AHEAD, FillCause, Report, ReportKind, VenueReason
from slackwater.schema.params import Params
from slackwater.schema.units import NEVER_NS
from slackwater.sim.faults import can_be_lost, draw_answer_faults, has_answer_faults
from slackwater.sim.latency import arrival_ns, receive_ns, response_delay_ns
from slackwater.sim.queue import reported_ahead
from slackwater.sim.records import MAX_FINISHED, MAX_REPORTS, MAX_REQUESTS, VENUES_OWN, Request, VenueOrder, VenueState


@jit
def copy_report(source: Report, dest: Report) -> None:
    """Copy every field."""
    dest.ts_venue_ns = source.ts_venue_ns
    dest.ts_recv_ns = source.ts_recv_ns
    dest.order_id = source.order_id
    dest.price_ticks = source.price_ticks
    dest.lots = source.lots
    dest.cum_lots = source.cum_lots
    dest.cum_cost_ticklots = source.cum_cost_ticklots
    dest.trade_id = source.trade_id
    dest.sequence = source.sequence
    dest.queue_ahead_lots = source.queue_ahead_lots
    dest.arrived_unknown = source.arrived_unknown
    dest.fee_usd = source.fee_usd
    dest.cum_fee_usd = source.cum_fee_usd
    dest.funding_usd = source.funding_usd
    dest.symbol = source.symbol
    dest.kind = source.kind
    dest.cause = source.cause
    dest.reason = source.reason
    dest.maker = source.maker


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
    """Send a command; it arrives after the entry latency, and after all that were sent before it.

    With the ring full it is counted and refused by a report (`TOO_MANY`); a query is only counted, since it is asked again.
    """
    v.symbol = cmd.symbol
    arrives_ns = arrival_ns(v, p, cmd.ts_ns)
    if v.request_count == MAX_REQUESTS:
        v.refused_request_count += 1
        _refuse_unsent(v, p, cmd, arrives_ns)
        return
    request = v.requests[(v.request_head + v.request_count) % MAX_REQUESTS]
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
def refusal_of(kind: int) -> int:
    """The ReportKind that refuses a command; 0 for a query, which is not answered and asked again."""
    if kind == CommandKind.PLACE:
        return ReportKind.REJECT.value
    if kind == CommandKind.AMEND:
        return ReportKind.AMEND_REJECT.value
    if kind == CommandKind.CANCEL:
        return ReportKind.CANCEL_REJECT.value
    return 0


@jit
def _refuse_unsent(v: VenueState, p: Params, cmd: Command, venue_ns: int) -> None:
    kind = refusal_of(cmd.kind)
    if kind == 0:
        return
    draft = v.draft
    draft.ts_venue_ns = venue_ns
    draft.order_id = cmd.order_id
    draft.price_ticks = cmd.price_ticks
    draft.lots = cmd.lots
    draft.kind = kind
    draft.reason = VenueReason.TOO_MANY
    _clear_fill(v)
    # Its way back starts in the future: what the venue writes until then is not held up by it.
    post_report(v, venue_ns + response_delay_ns(v, p))


@jit
def _clear_fill(v: VenueState) -> None:
    v.draft.cum_lots = 0
    v.draft.cum_cost_ticklots = 0
    v.draft.trade_id = 0
    v.draft.queue_ahead_lots = UNKNOWN_AHEAD
    v.draft.fee_usd = 0.0
    v.draft.cum_fee_usd = 0.0
    v.draft.funding_usd = 0.0
    v.draft.cause = FillCause.NONE
    v.draft.maker = False
    v.draft.arrived_unknown = False


@jit
def _number_draft(v: VenueState) -> None:
    v.last_sequence += 1
    v.draft.sequence = v.last_sequence
    v.draft.symbol = v.symbol


@jit
def _put_under_way(v: VenueState, recv_ns: int) -> None:
    """Copy the draft into the ring by its receive time. A full ring loses it and counts."""
    v.draft.ts_recv_ns = recv_ns
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
    copy_report(v.draft, v.reports[(v.report_head + k) % MAX_REPORTS])
    v.report_count += 1


@jit
def post_report(v: VenueState, recv_ns: int) -> None:
    """Number the draft and put it under way, to be received at `recv_ns`."""
    _number_draft(v)
    _put_under_way(v, recv_ns)


@jit
def send_report(v: VenueState, p: Params) -> None:
    """Send the draft, written now: it is received after the response latency and in the order written, unless a fault is drawn for it.

    What the venue does of its own accord is always told once and in time: no query could find it out.
    """
    recv_ns = receive_ns(v, p, v.event_ns)
    if not has_answer_faults(p) or v.draft.order_id == VENUES_OWN:
        post_report(v, recv_ns)
        return
    is_lost, is_late, is_twice = draw_answer_faults(v, p)
    _number_draft(v)
    v.draft.ts_recv_ns = recv_ns
    if is_lost and can_be_lost(v.draft.kind):
        v.lost_answer_count += 1
        return
    if is_late:
        recv_ns += p.late_answer_ns
    _put_under_way(v, recv_ns)
    if is_twice:
        _put_under_way(v, recv_ns)


@jit
def report_funding(v: VenueState, p: Params, usd: float) -> None:
    """Report what the position received at a funding time; negative when it paid."""
    draft_bare(v, VENUES_OWN, 0, 0, ReportKind.FUNDING.value, VenueReason.NONE)
    v.draft.funding_usd = usd
    send_report(v, p)


@jit
def send_query_answer(v: VenueState, p: Params) -> None:
    """Send the draft as the answer to a query, which no fault touches."""
    post_report(v, receive_ns(v, p, v.event_ns))


@jit
def draft_bare(v: VenueState, order_id: int, price_ticks: int, lots: int, kind: int, reason: VenueReason) -> None:
    """Write into the draft what tells of no execution: that there is no such order, that a request changed none, or funding."""
    draft = v.draft
    draft.ts_venue_ns = v.event_ns
    draft.order_id = order_id
    draft.price_ticks = price_ticks
    draft.lots = lots
    draft.kind = kind
    draft.reason = reason
    _clear_fill(v)


@jit
def refuse_request(v: VenueState, p: Params, request: Request, kind: int, reason: VenueReason) -> None:
    """Report that a request changed no order."""
    draft_bare(v, request.order_id, request.price_ticks, request.lots, kind, reason)
    send_report(v, p)


@jit
def draft_order(v: VenueState, order: VenueOrder, kind: int, reason: VenueReason) -> None:
    """Write what there is to say about an order now, with its place in the queue, into the draft."""
    draft = v.draft
    draft.ts_venue_ns = v.event_ns
    draft.order_id = order.order_id
    draft.price_ticks = order.price_ticks
    draft.lots = order.total_lots
    draft.kind = kind
    draft.reason = reason
    _clear_fill(v)
    draft.cum_lots = order.cum_lots
    draft.cum_cost_ticklots = order.cost_ticklots
    draft.cum_fee_usd = order.fee_usd
    draft.queue_ahead_lots = reported_ahead(order)
    draft.arrived_unknown = order.arrived_unknown


@jit
def report_order(v: VenueState, p: Params, order: VenueOrder, kind: int, reason: VenueReason) -> None:
    """Report an order as it stands now."""
    draft_order(v, order, kind, reason)
    send_report(v, p)


@jit
def remember_end(v: VenueState) -> None:
    """Keep the draft, which ended an order, for later queries."""
    copy_report(v.draft, v.finished[v.finished_count % MAX_FINISHED])
    v.finished_count += 1


@jit
def draft_end(v: VenueState, k: int) -> None:
    """Write the report that ended an order, at its place in `finished`, into the draft once more: of one that was filled as a STATUS."""
    copy_report(v.finished[k], v.draft)
    if v.draft.kind == ReportKind.FILL:
        v.draft.kind = ReportKind.STATUS
        v.draft.lots = v.draft.cum_lots


@jit
def find_end(v: VenueState, order_id: int) -> int:
    """The place in `finished` of an order's last report, -1 when it is not (or no longer) there."""
    for back in range(min(v.finished_count, MAX_FINISHED)):
        k = (v.finished_count - 1 - back) % MAX_FINISHED
        if v.finished[k].order_id == order_id:
            return k
    return -1
