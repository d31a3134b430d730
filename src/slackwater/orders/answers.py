"""Answers that stay out: what nobody knows blocks its symbol, and is asked after until it is known; refused cancels."""

from __future__ import annotations

from slackwater.kernel.jit import jit, jit_inline
from slackwater.orders.emit import cancel_order, emit_query
from slackwater.schema.audit import Out
from slackwater.schema.commands import Tif
from slackwater.schema.enums import OrderStatus
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ORDERS, Order, SymbolState
from slackwater.schema.units import SEC

QUERY_INTERVAL_NS = SEC


@jit_inline
def is_blocked(s: SymbolState, now_ns: int) -> bool:
    """Whether an answer is overdue: what the venue did with an order is not known, so nothing new is decided."""
    return 0 < s.answer_due_ns <= now_ns


@jit
def is_awaited(o: Order) -> bool:
    """Whether a request about an order has not been answered. Of one that may not rest the answer is its end, not that it came."""
    if o.status == OrderStatus.CANCELING:
        return not o.cancel_refused
    if o.status == OrderStatus.LIVE:
        return o.tif == Tif.IOC
    return o.status == OrderStatus.PENDING or o.status == OrderStatus.AMENDING


@jit
def _query_due_ns(o: Order, p: Params) -> int:
    """When an awaited order is next asked after."""
    return o.asked_ns + p.answer_timeout_ns if o.queried_ns == 0 else o.queried_ns + QUERY_INTERVAL_NS


@jit
def note_awaited(s: SymbolState, p: Params) -> None:
    """Find out when the first missing answer is overdue, when one is next asked after, and when a cancel is asked again."""
    s.has_asked = False
    s.answer_due_ns = 0
    s.query_ns = 0
    s.recancel_ns = 0
    if s.live_orders == 0:
        return
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if not is_awaited(o):
            if o.status == OrderStatus.CANCELING:
                again_ns = o.asked_ns + p.amend_interval_ns
                s.recancel_ns = again_ns if s.recancel_ns == 0 else min(s.recancel_ns, again_ns)
            continue
        due_ns = o.asked_ns + p.answer_timeout_ns
        query_ns = _query_due_ns(o, p)
        s.answer_due_ns = due_ns if s.answer_due_ns == 0 else min(s.answer_due_ns, due_ns)
        s.query_ns = query_ns if s.query_ns == 0 else min(s.query_ns, query_ns)


@jit
def ask(s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    """Query every order whose answer is overdue, each once a second."""
    if s.query_ns == 0 or now_ns < s.query_ns:
        return
    for k in range(MAX_ORDERS):
        if is_awaited(s.orders[k]) and now_ns >= _query_due_ns(s.orders[k], p):
            emit_query(s, out, now_ns, k)


@jit
def cancel_again(s: SymbolState, p: Params, out: Out, now_ns: int) -> None:
    """Ask once more for every cancel that was refused though nothing was wrong with it, each at most every `amend_interval`."""
    if s.recancel_ns == 0 or now_ns < s.recancel_ns:
        return
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.CANCELING and o.cancel_refused and now_ns - o.asked_ns >= p.amend_interval_ns:
            o.status = OrderStatus.LIVE
            cancel_order(s, out, now_ns, k, o.reason)
