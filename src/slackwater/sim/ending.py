"""The end of a symbol's tape: what is not to be kept is closed, what is in flight is delivered, and no order stays without an end.

A symbol ends with its own tape, so that it does the same alone and beside others.
"""

from __future__ import annotations

from enum import IntEnum

from slackwater.kernel.jit import jit
from slackwater.machine import grid_trader
from slackwater.orders.close_ladder import is_closing
from slackwater.orders.emit import find_order
from slackwater.orders.entry_group import is_working
from slackwater.schema.audit import Out
from slackwater.schema.enums import OrderStatus
from slackwater.schema.events import ReportKind, VenueReason
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ORDERS, Portfolio, SymbolState
from slackwater.schema.units import NEVER_NS, SEC
from slackwater.sim.cursors import Cursor
from slackwater.sim.in_flight import draft_bare, draft_end, find_end, post_report
from slackwater.sim.records import MAX_FINISHED, VenueState
from slackwater.sim.resting import NO_SLOT, expire_all, find_live

SHUTDOWN_LIMIT_NS = 60 * SEC  # the ladder takes less than a second; what is left then found nothing to trade against


class Phase(IntEnum):
    """What still happens to a symbol."""

    TAPE = 0
    SHUTDOWN = 1  # no more rows; timers and reports go on until nothing is left to close
    DRAIN = 2  # what is in flight is delivered without new decisions
    OVER = 3  # nothing was left in flight, and what is open has been marked


@jit
def end_tape(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, c: Cursor) -> None:
    """The last row has reached the strategy: it closes what is not to be kept, or decides no more."""
    if p.keep_positions:
        drain(s, c)
        return
    c.phase = Phase.SHUTDOWN
    c.limit_ns = c.heard_ns + SHUTDOWN_LIMIT_NS
    grid_trader.request_shutdown(portfolio, s, p, out, c.heard_ns)


@jit
def drain(s: SymbolState, c: Cursor) -> None:
    """No more decisions, no more timers."""
    c.phase = Phase.DRAIN
    s.risk.is_draining = True
    s.wake_ns = NEVER_NS


@jit
def is_shut_down(s: SymbolState) -> bool:
    """Whether nothing is left to close: no position, which an answer may hold up, no close, and no entry group, which may still fill."""
    return s.ledger.short_lots == 0 and not is_closing(s) and not is_working(s)


@jit
def tell_ends(s: SymbolState, v: VenueState, now_ns: int) -> None:
    """Nothing is in flight any more: the venue tells how our orders ended whose end we do not know, as it would answer a query, and
    takes back what still rests."""
    v.event_ns = now_ns
    for back in range(min(v.finished_count, MAX_FINISHED), 0, -1):
        k = (v.finished_count - back) % MAX_FINISHED
        if find_order(s, v.finished[k].order_id) >= 0:
            draft_end(v, k)
            post_report(v, now_ns)
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status != OrderStatus.FREE and find_end(v, o.order_id) < 0 and find_live(v, o.order_id) == NO_SLOT:
            draft_bare(v, o.order_id, o.price_ticks, o.lots, ReportKind.EXPIRE.value, VenueReason.END_OF_TAPE)
            post_report(v, now_ns)
    expire_all(v, now_ns, VenueReason.END_OF_TAPE)
