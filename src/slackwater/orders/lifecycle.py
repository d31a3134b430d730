"""Order life-cycle: every legal change of OrderStatus, and only that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit
from slackwater.schema.enums import OrderStatus
from slackwater.schema.events import Report, ReportKind
from slackwater.schema.state import Order

STATUSES = 9
REPORTS = 9

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
    (OrderStatus.CANCELING, ReportKind.CANCEL_REJECT): OrderStatus.CANCELING,  # gone already: its end is on the way
    (OrderStatus.CANCELING, ReportKind.EXPIRE): OrderStatus.EXPIRED,
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

    Fills count by cumulative quantity, so one that is reported twice or out of order changes nothing twice.
    """
    after = next_status(o.status, r.kind)
    if after == OrderStatus.FREE:
        return -1
    new_lots = 0
    if r.kind == ReportKind.FILL:
        new_lots = max(r.cum_lots - o.cum_lots, 0)
        o.cum_lots += new_lots
        o.cost_ticklots += new_lots * r.price_ticks
        if o.cum_lots >= o.lots and after != OrderStatus.AMENDING:
            after = OrderStatus.FILLED.value
        elif o.cum_lots >= max(o.lots, o.sent_lots):
            after = OrderStatus.FILLED.value  # whatever becomes of the modify, nothing is left
    elif r.kind == ReportKind.ACK and o.ack_ns == 0:
        o.ack_ns = r.ts_recv_ns
    elif r.kind == ReportKind.AMEND_ACK:
        o.price_ticks = r.price_ticks
        o.lots = r.lots
        if o.cum_lots >= o.lots:
            after = OrderStatus.FILLED.value
    elif r.kind == ReportKind.AMEND_REJECT:
        o.sent_price_ticks = o.price_ticks  # no order of ours is at the price that was refused
        if o.cum_lots >= o.lots:
            after = OrderStatus.FILLED.value
    o.status = after
    return new_lots
