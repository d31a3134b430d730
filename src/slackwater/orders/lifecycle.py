"""Order life-cycle: every legal change of OrderStatus, and only that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit
from slackwater.schema.enums import OrderStatus
from slackwater.schema.events import Report, ReportKind, VenueReason
from slackwater.schema.state import Order

STATUSES = 9
REPORTS = 11

TRANSITIONS = {
    (OrderStatus.PENDING, ReportKind.ACK): OrderStatus.LIVE,
    (OrderStatus.PENDING, ReportKind.REJECT): OrderStatus.REJECTED,
    (OrderStatus.PENDING, ReportKind.FILL): OrderStatus.LIVE,  # the acknowledgement can arrive after the fill
    (OrderStatus.PENDING, ReportKind.EXPIRE): OrderStatus.EXPIRED,
    (OrderStatus.PENDING, ReportKind.CANCEL_ACK): OrderStatus.CANCELED,
    (OrderStatus.LIVE, ReportKind.ACK): OrderStatus.LIVE,  # late, after a fill
    (OrderStatus.LIVE, ReportKind.FILL): OrderStatus.LIVE,
    (OrderStatus.LIVE, ReportKind.EXPIRE): OrderStatus.EXPIRED,
    (OrderStatus.LIVE, ReportKind.CANCEL_ACK): OrderStatus.CANCELED,  # the venue's own
    (OrderStatus.AMENDING, ReportKind.ACK): OrderStatus.AMENDING,
    (OrderStatus.AMENDING, ReportKind.FILL): OrderStatus.AMENDING,  # the old order filled while its modify travelled
    (OrderStatus.AMENDING, ReportKind.AMEND_ACK): OrderStatus.LIVE,
    (OrderStatus.AMENDING, ReportKind.AMEND_REJECT): OrderStatus.LIVE,  # refused: it is as it was
    (OrderStatus.AMENDING, ReportKind.CANCEL_ACK): OrderStatus.CANCELED,  # its own modify cancelled it
    (OrderStatus.AMENDING, ReportKind.EXPIRE): OrderStatus.EXPIRED,
    (OrderStatus.CANCELING, ReportKind.ACK): OrderStatus.CANCELING,
    (OrderStatus.CANCELING, ReportKind.FILL): OrderStatus.CANCELING,  # the fill overtook the cancel
    (OrderStatus.CANCELING, ReportKind.AMEND_ACK): OrderStatus.CANCELING,
    (OrderStatus.CANCELING, ReportKind.AMEND_REJECT): OrderStatus.CANCELING,
    (OrderStatus.CANCELING, ReportKind.CANCEL_ACK): OrderStatus.CANCELED,
    (OrderStatus.CANCELING, ReportKind.CANCEL_REJECT): OrderStatus.CANCELING,  # gone already, and its end is on the way; or asked again
    (OrderStatus.CANCELING, ReportKind.EXPIRE): OrderStatus.EXPIRED,
    # Answers to a query. What was asked is either done by then, as the answer shows, or never came.
    (OrderStatus.PENDING, ReportKind.STATUS): OrderStatus.LIVE,
    (OrderStatus.LIVE, ReportKind.STATUS): OrderStatus.LIVE,
    (OrderStatus.AMENDING, ReportKind.STATUS): OrderStatus.LIVE,
    (OrderStatus.CANCELING, ReportKind.STATUS): OrderStatus.LIVE,
    (OrderStatus.LIVE, ReportKind.REJECT): OrderStatus.EXPIRED,  # the venue knows it no more
    (OrderStatus.AMENDING, ReportKind.REJECT): OrderStatus.EXPIRED,
    (OrderStatus.CANCELING, ReportKind.REJECT): OrderStatus.CANCELED,
}


def _as_array() -> NDArray[np.int64]:
    """The table as an array; FREE (0) marks what is not legal."""
    table = np.zeros((STATUSES, REPORTS), np.int64)
    for (status, report), after in TRANSITIONS.items():
        table[status, report] = after
    return table


TABLE = _as_array()


@jit
def is_terminal(status: int) -> bool:
    """Whether an order can change no more."""
    return status >= OrderStatus.FILLED


@jit
def next_status(status: int, report: int) -> int:
    """The status after a report; FREE when the report makes no sense there."""
    return int(TABLE[status, report])


@jit
def apply_report(o: Order, r: Report) -> int:
    """Change an order by one report and return the lots it newly filled. An illegal report changes nothing and returns -1.

    Fills count by cumulative quantity, whatever report tells it: one that is reported twice or out of order changes nothing twice, and
    one that was never reported is learned from the next word about its order.
    """
    after = next_status(o.status, r.kind)
    if after == OrderStatus.FREE:
        return -1
    new_lots = count_fill(o, r)
    if o.cum_lots > o.lots:  # only under a modify that was taken, whose answer is late
        o.lots = max(o.sent_lots, o.cum_lots)
        o.price_ticks = o.sent_price_ticks
    if is_old_answer(o, r):
        after = o.status
    else:
        after = _take_answer(o, r, after)
    # Under a modify nothing is left only when that is so whatever becomes of it.
    total = max(o.lots, o.sent_lots) if after == OrderStatus.AMENDING else o.lots
    if not is_terminal(after) and o.cum_lots >= total:
        after = OrderStatus.FILLED.value
    o.status = after
    return new_lots


@jit
def is_old_answer(o: Order, r: Report) -> bool:
    """Whether a report answers a request before the one that is awaited, or a query about one: it came late, or twice."""
    is_answer = (
        r.kind == ReportKind.AMEND_ACK
        or r.kind == ReportKind.AMEND_REJECT
        or r.kind == ReportKind.CANCEL_REJECT
        or r.kind == ReportKind.STATUS
    )
    if r.kind == ReportKind.STATUS and _answers_stale_query(o) and r.cum_lots < r.lots:
        return True
    if not is_answer or r.sequence == 0:
        return False
    if r.sequence <= o.answer_sequence:
        return True
    o.answer_sequence = r.sequence
    return False


@jit
def _answers_stale_query(o: Order) -> bool:
    """Count the answer to a query; whether that was sent before the request that is awaited, of which its answer then knows nothing."""
    o.open_queries = max(o.open_queries - 1, 0)
    is_stale = o.stale_queries > 0
    o.stale_queries = max(o.stale_queries - 1, 0)
    return is_stale


@jit
def _take_answer(o: Order, r: Report, after: int) -> int:
    """Take over what a report says beside fills; returns the status it leads to."""
    if r.kind == ReportKind.ACK and o.ack_ns == 0:
        o.ack_ns = r.ts_recv_ns
    elif r.kind == ReportKind.AMEND_ACK or r.kind == ReportKind.STATUS:
        if r.cum_lots < r.lots:
            o.price_ticks = r.price_ticks  # of one that is filled it may be the fill's
        o.sent_price_ticks = o.price_ticks
        o.lots = r.lots
        o.sent_lots = r.lots
        if o.status == OrderStatus.CANCELING and r.kind == ReportKind.STATUS:
            o.wants_cancel = True  # the cancel never came
    elif r.kind == ReportKind.AMEND_REJECT:
        o.amends_refused += 1
        if r.reason == VenueReason.UNKNOWN_ORDER and o.cum_lots < o.lots:
            after = OrderStatus.AMENDING.value  # it has ended: how is on the way, or is asked for
        o.sent_price_ticks = o.price_ticks  # no order of ours is at the price that was refused
        o.sent_lots = o.lots
    elif r.kind == ReportKind.CANCEL_REJECT:
        o.cancel_refused = is_left_undone(r.reason)
    return after


@jit
def is_left_undone(reason: int) -> bool:
    """Whether a refusal says nothing about the order: nothing was done, and later it may be."""
    return reason == VenueReason.OUTAGE or reason == VenueReason.BUSY or reason == VenueReason.TOO_MANY


@jit
def count_fill(o: Order, r: Report) -> int:
    """Bring an order's executed quantity, cost and fees up to a report; returns the lots that are new."""
    new_lots = max(r.cum_lots - o.cum_lots, 0)
    if new_lots == 0:
        return 0
    o.cum_lots += new_lots
    if own_lots(r, new_lots) == new_lots:
        o.cost_ticklots += new_lots * r.price_ticks
        o.fee_usd += r.fee_usd
    else:
        o.cost_ticklots = r.cum_cost_ticklots
        o.fee_usd = r.cum_fee_usd
    return new_lots


@jit
def own_lots(r: Report, new_lots: int) -> int:
    """How many of the lots that are new are this report's own fill; the reports of the others, which were filled before, are missing."""
    return int(r.lots) if r.kind == ReportKind.FILL and r.lots <= new_lots else 0
