"""The tape as it happens at a venue: rows that can touch nothing of ours are passed over, and the book of a moment is looked up when asked.

The cursor's `venue` is the next entry that may matter; its `shown` is the first entry that the venue's book does not know of yet.
"""

from __future__ import annotations

from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.events import ZONE_BITS, ZONE_ROWS, RowKind
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.schema.units import NEVER_NS
from slackwater.sim import exchange
from slackwater.sim.cursors import Cursor, row_at, venue_row, zone_at
from slackwater.sim.matching import is_valid_book
from slackwater.sim.records import VenueState

LOOK_AHEAD = 1024  # rows passed over at once: those beyond an order's arrival are looked at again


@jit
def seek(v: VenueState, c: Cursor) -> None:
    """Find the next row that may matter and when it happens; NEVER_NS when none is left or none can matter."""
    c.venue_ns = NEVER_NS
    if not exchange.needs_rows(v):
        return
    if c.order_address == 0:
        _pass_over(v, c)
    end = _end(c)
    while c.venue < end:
        index = venue_row(c, c.venue)
        if c.first <= index < c.stop:
            c.venue_ns = row_at(c.rows_address, index).ts_event
            return
        c.venue += 1


@jit
def _pass_over(v: VenueState, c: Cursor) -> None:
    """Leave out rows that cannot matter, where they lie in venue time as they are."""
    if exchange.is_owed_size(v):
        return
    k = max(c.venue, c.first)
    end = min(k + LOOK_AHEAD, c.stop)
    highest_buy_ticks = v.highest_buy_ticks
    ask_reach_ticks = v.ask_reach_ticks
    while k < end:
        if _is_zone_start(c, k) and exchange.is_zone_between(zone_at(c.zones_address, k >> ZONE_BITS), highest_buy_ticks, ask_reach_ticks):
            k += ZONE_ROWS
        elif exchange.is_between(row_at(c.rows_address, k), highest_buy_ticks, ask_reach_ticks):
            k += 1
        else:
            break
    c.venue = min(k, c.stop)


@jit_inline
def _is_zone_start(c: Cursor, k: int) -> bool:
    return c.zones_address > 0 and k & (ZONE_ROWS - 1) == 0


@jit
def happen(v: VenueState, c: Cursor, ins: Instrument, p: Params) -> None:
    """The row that may matter happens, or is found not to; then find the next one."""
    row = row_at(c.rows_address, venue_row(c, c.venue))
    if not exchange.is_out_of_reach(v, row):
        _show_last_book(v, c, c.venue)
        exchange.on_row(v, ins, p, row)
        c.shown = c.venue + 1
    c.venue += 1
    seek(v, c)


@jit
def show_until(v: VenueState, c: Cursor, moment_ns: int) -> None:
    """Bring the venue's book to what the tape shows at a moment, by which everything that mattered has happened."""
    step = 1
    low = c.shown
    end = _end(c)
    while low + step <= end and _is_until(c, low + step - 1, moment_ns):
        low += step
        step *= 2
    high = min(low + step - 1, end)
    while low < high:
        middle = (low + high) // 2
        if _is_until(c, middle, moment_ns):
            low = middle + 1
        else:
            high = middle
    _show_last_book(v, c, low)
    c.shown = max(c.shown, low)
    c.venue = c.shown


@jit
def _end(c: Cursor) -> int:
    """One past the last entry that can be of this run: in another order its last row may be anywhere."""
    return c.stop if c.order_address == 0 else c.row_count


@jit
def _is_until(c: Cursor, k: int, moment_ns: int) -> bool:
    return row_at(c.rows_address, venue_row(c, k)).ts_event <= moment_ns


@jit
def _show_last_book(v: VenueState, c: Cursor, end: int) -> None:
    """Set the last valid book of this run before an entry, if the venue does not know it yet."""
    for k in range(end - 1, c.shown - 1, -1):
        index = venue_row(c, k)
        row = row_at(c.rows_address, index)
        if c.first <= index < c.stop and row.kind == RowKind.BOOK and is_valid_book(row):
            exchange.set_book(v, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots)
            return
