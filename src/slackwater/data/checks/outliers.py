"""Values that stand out and mean nothing: mids that jump and come straight back, trades far off the book.

A jump that stays is the market's and is left alone. Both limits are stated in `findings.ODD_KINDS`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slackwater.data.checks.findings import PLACES, DayFindings
from slackwater.data.checks.log_histogram import LogHistogram, bins_of, value_of
from slackwater.schema.units import BPS, DAY, SEC

LEAST_JUMP_BPS = 50.0
JUMP_MEDIANS = 30.0  # of the median move, so that a coarse tick is not taken for spikes
LEAST_MOVES = 20  # fewer have no median worth the name
BACK_ROWS = 5
BACK_SHARE = 0.25  # of the jump: closer to where it came from is back
OFF_BOOK_BPS = 50.0
STALE_SECONDS = 60  # a book older than this says nothing of a trade
DAY_SECONDS = DAY // SEC
PARTS = 1_000_000  # of a bps: moves are counted as whole numbers of them


@dataclass(slots=True)
class SpikeWatch:
    """Looks for spikes in the mids of one day's valid books.

    The last few rows wait until it is known whether they return, and all spikes until the day's median move is known: by size, how
    many and where the first ones are.
    """

    mids: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    moves: LogHistogram = field(default_factory=LogHistogram)
    spikes: dict[int, list[int]] = field(default_factory=dict)  # the first rows, by the size's bin
    counts: Counter[int] = field(default_factory=Counter)

    def see(self, mids: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Take in mids (in ticks) and the numbers of their rows."""
        moves = np.abs(np.diff(np.concatenate((self.mids[-1:], mids))))
        before = np.concatenate((self.mids[-1:], mids))[:-1]
        self.moves.see(np.rint(moves[moves > 0] / before[moves > 0] * BPS * PARTS).astype(np.int64))
        self.mids, self.rows = np.concatenate((self.mids, mids)), np.concatenate((self.rows, rows))
        judged = len(self.mids) - BACK_ROWS
        if judged > 1:
            after = self._judge(judged)
            self.mids, self.rows = self.mids[after - 1 :], self.rows[after - 1 :]

    def finish(self, day: DayFindings) -> None:
        """Judge the rows held back, and note the spikes that are large for this day."""
        self._judge(len(self.mids))
        enough = int(self.moves.bins.sum()) >= LEAST_MOVES
        median = (self.moves.quantile(0.5) or 0.0) / PARTS if enough else 0.0
        large = [place for place in self.spikes if value_of(place) / PARTS > max(LEAST_JUMP_BPS, JUMP_MEDIANS * median)]
        rows = sorted(row for place in large for row in self.spikes[place])
        day.note_some("mid_spike", "quotes", sum(self.counts[place] for place in large), rows)

    def _judge(self, stop: int) -> int:
        """Judge the mids after the first and before `stop`; returns the number of the first one that is not judged yet."""
        moves = np.abs(np.diff(self.mids)) / self.mids[:-1] * BPS
        jumps = np.flatnonzero(moves > LEAST_JUMP_BPS) + 1
        jumps = jumps[jumps < stop]
        after = np.minimum(jumps[:, None] + np.arange(BACK_ROWS + 1), len(self.mids) - 1)
        away = np.abs(self.mids[after] - self.mids[jumps - 1][:, None])
        is_back = away <= BACK_SHARE * away[:, :1]
        free = 1
        for k, jump in enumerate(jumps.tolist()):
            if jump < free or not is_back[k].any():
                continue
            back = int(np.argmax(is_back[k]))
            size = float(away[k, :back].max() / self.mids[jump - 1]) * BPS
            place = int(bins_of(np.array([round(size * PARTS)]))[0])
            self.counts[place] += 1
            kept = self.spikes.setdefault(place, [])
            kept += [int(self.rows[jump])][: PLACES - len(kept)]
            free = jump + back + 1  # the way back is no second spike
        return max(stop, free)


@dataclass(slots=True)
class BookBand:
    """The lowest bid and highest ask of every second of one day, in ticks; fixed memory, whatever the number of books."""

    day_ns: int
    low: NDArray[np.int64] = field(default_factory=lambda: np.full(DAY_SECONDS, 2**62, np.int64))
    high: NDArray[np.int64] = field(default_factory=lambda: np.zeros(DAY_SECONDS, np.int64))
    last_bid: NDArray[np.int64] = field(default_factory=lambda: np.zeros(DAY_SECONDS, np.int64))
    last_ask: NDArray[np.int64] = field(default_factory=lambda: np.zeros(DAY_SECONDS, np.int64))

    def see(self, keys: NDArray[np.int64], bid: NDArray[np.int64], ask: NDArray[np.int64]) -> None:
        """Take in valid books in order of time."""
        seconds = (keys - self.day_ns) // SEC
        inside = (seconds >= 0) & (seconds < DAY_SECONDS)
        seconds, bid, ask = seconds[inside], bid[inside], ask[inside]
        np.minimum.at(self.low, seconds, bid)
        np.maximum.at(self.high, seconds, ask)
        self.last_bid[seconds], self.last_ask[seconds] = bid, ask  # of equal seconds the last assignment stays

    def close(self) -> None:
        """Make each second's band that of the second before, itself and the next, with the books in force when they began."""
        numbers = np.arange(DAY_SECONDS)
        latest = np.maximum.accumulate(np.where(self.last_ask > 0, numbers, -1))
        known = (latest >= 0) & (numbers - latest <= STALE_SECONDS)
        low, high = self.low.copy(), self.high.copy()
        low[1:] = np.minimum(low[1:], np.where(known, self.last_bid[latest], 2**62)[:-1])
        high[1:] = np.maximum(high[1:], np.where(known, self.last_ask[latest], 0)[:-1])
        self.low, self.high = low.copy(), high.copy()
        for here, there in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            self.low[here] = np.minimum(self.low[here], low[there])
            self.high[here] = np.maximum(self.high[here], high[there])

    def check(self, day: DayFindings, keys: NDArray[np.int64], price: NDArray[np.int64], start: int) -> None:
        """Count trades outside the band by more than 50 bps and by more than its width. `start` is the first one's row in the file."""
        seconds = np.clip((keys - self.day_ns) // SEC, 0, DAY_SECONDS - 1)
        low, high = self.low[seconds], self.high[seconds]
        away = np.maximum(low - price, price - high)
        limit = np.maximum(high - low, high * (OFF_BOOK_BPS / BPS))
        day.note("trade_off_book", "trades", np.flatnonzero((high > 0) & (away > limit)) + start)
