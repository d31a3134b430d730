"""Where the tapes of a run stand: for each symbol the next row to reach the strategy and the next to happen at the venue."""

from __future__ import annotations

from slackwater.kernel.gather import row_of
from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
from slackwater.kernel.record import Record, i64
from slackwater.schema.events import TapeRow, TapeZone
from slackwater.schema.units import NEVER_NS
from slackwater.sim.faults import after_window_ns


class OrderIndex(Record):
    """One entry of a venue-time order."""

    row: i64


row_at = row_of(TapeRow)
order_at = row_of(OrderIndex)
zone_at = row_of(TapeZone)


class Cursor(Record):
    """Where one symbol's tape stands."""

    rows_address: i64
    row_count: i64
    order_address: i64  # of the venue-time order; 0 when it is the rows' own
    zones_address: i64  # of the rows' zones; 0 when there are none
    first: i64  # rows of this run: first, and one past the last
    stop: i64
    stall_every_ns: i64  # the feed stalls so often; 0 never
    stall_ns: i64  # for so long
    stall_phase_ns: i64  # when, within its period, a stall begins
    local: i64  # next row to reach the strategy
    recv_ns: i64  # when it does
    heard_ns: i64  # when anything last reached the strategy
    phase: i64  # Phase: how far the symbol is
    limit_ns: i64  # when its shutdown ends whatever is left
    venue: i64  # next entry of the venue-time order that may matter to the venue
    venue_ns: i64  # when that happens there; NEVER_NS while the venue need not be followed
    shown: i64  # first entry of that order which the venue's book does not know of
    due_ns: i64  # the next arrival, report or timer of this symbol


cursor_at = row_of(Cursor)


@jit_inline
def recv_ns(c: Cursor) -> int:
    """When the next row of a tape reaches the strategy: when the tape says, or at the end of a stall of the feed."""
    if rare(c.local >= c.stop):
        return NEVER_NS
    at_ns = row_at(c.rows_address, c.local).ts_recv
    if rare(c.stall_every_ns > 0):
        return after_window_ns(at_ns, c.stall_phase_ns, c.stall_every_ns, c.stall_ns)
    return at_ns


@jit
def venue_row(c: Cursor, k: int) -> int:
    """Row number of the k-th event in venue time."""
    if c.order_address == 0:
        return k
    return order_at(c.order_address, k).row
