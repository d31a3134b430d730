"""Looking up the book of a tape at given moments, without reading more of the tape than the moments need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.record import Box
from slackwater.schema.events import RowKind

Times = NDArray[np.int64]
BLOCK_ROWS = 1 << 14  # read at a time: one megabyte


@dataclass(frozen=True)
class Touches:
    """Best bid and ask in ticks at some moments; both are 0 where no valid book had come yet."""

    bid_ticks: NDArray[np.int64]
    ask_ticks: NDArray[np.int64]


class TapeBooks:
    """The valid books of one symbol's rows by venue time.

    Args:
        rows: record array of TapeRow in receive order.
        venue_order: row numbers in venue-time order, or None when that is the rows' own.
    """

    def __init__(self, rows: Box, venue_order: NDArray[np.int64] | None) -> None:
        self._rows = rows
        self._venue_order = venue_order
        self._starts = np.arange(0, len(rows), BLOCK_ROWS)

    def at_venue(self, moments_ns: Times) -> Touches:
        """The last book that the venue had at or before each moment."""
        wanted, back = np.unique(moments_ns, return_inverse=True)
        bid, ask = np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64)
        for block, first, stop in self._parts(wanted):
            times, bids, asks = self._books(block)
            if not len(times) or times[0] > wanted[first]:
                before = self._last_before(block)
                times, bids, asks = (np.concatenate((old, new)) for old, new in zip(before, (times, bids, asks), strict=True))
            if not len(times):
                continue
            at = np.searchsorted(times, wanted[first:stop], side="right") - 1
            has_book = at >= 0
            bid[first:stop] = np.where(has_book, bids[at], 0)
            ask[first:stop] = np.where(has_book, asks[at], 0)
        return Touches(bid[back], ask[back])

    @property
    def last_venue_ns(self) -> int:
        """Venue time of the last valid book, or the lowest time there is when the tape has none."""
        for block in reversed(range(len(self._starts))):
            times = self._books(block)[0]
            if len(times):
                return int(times[-1])
        return -(2**63)

    def _parts(self, wanted: Times) -> Iterator[tuple[int, int, int]]:
        """The blocks that moments fall into, each with the first and the stop of its moments."""
        firsts = self._rows["ts_event"][self._starts if self._venue_order is None else self._venue_order[self._starts]]
        blocks = np.searchsorted(firsts, wanted, side="right") - 1
        for block in np.unique(blocks[blocks >= 0]).tolist():
            first, stop = np.searchsorted(blocks, (block, block + 1)).tolist()
            yield block, first, stop

    def _books(self, block: int) -> tuple[Times, Times, Times]:
        """Times, bids and asks of a block's valid books, as the machine and the venue judge them."""
        part = slice(int(self._starts[block]), int(self._starts[block]) + BLOCK_ROWS)
        rows = self._rows[part if self._venue_order is None else self._venue_order[part]]
        is_book = (rows["kind"] == RowKind.BOOK) & (rows["price_ticks"] > 0) & (rows["ask_ticks"] >= rows["price_ticks"])
        is_book &= (rows["lots"] >= 0) & (rows["ask_lots"] >= 0)
        return rows["ts_event"][is_book], rows["price_ticks"][is_book], rows["ask_ticks"][is_book]

    def _last_before(self, block: int) -> tuple[Times, Times, Times]:
        for earlier in reversed(range(block)):
            times, bids, asks = self._books(earlier)
            if len(times):
                return times[-1:], bids[-1:], asks[-1:]
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
