"""What was seen of a symbol's streams: ids and candles that come twice, that come late, and that are missing."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

RESTART_MS = 1000  # a lower id this much later than the last one is a new count: repeats are as old as what they repeat
FRESH_MS = 15_000  # the estimate of a funding rate comes every second, and moves little in its last ones
NEVER_ID = 2**63


@dataclass(slots=True)
class TradeSequence:
    """Aggregate trade ids, which grow by one, over any number of sockets and back-fills.

    `missing` holds inclusive ranges of ids, smallest first.
    """

    first_id: int | None = None
    last_id: int | None = None
    last_ms: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)
    repeated_count: int = 0
    restart_count: int = 0

    def is_new(self, trade_id: int, event_ms: int = 0) -> bool:
        """Take in an id, live or back-filled; false for one that was taken before, or that lies before the first."""
        if self.last_id is None or trade_id > self.last_id:
            if self.last_id is None:
                self.first_id = trade_id
            elif trade_id > self.last_id + 1:
                self.missing.append((self.last_id + 1, trade_id - 1))
            self.last_id, self.last_ms = trade_id, max(event_ms, self.last_ms)
            return True
        place = self._gap_of(trade_id)
        if place is not None:
            first, last = self.missing[place]
            rest = [(first, trade_id - 1), (trade_id + 1, last)]
            self.missing[place : place + 1] = [part for part in rest if part[0] <= part[1]]
            return True
        if event_ms > self.last_ms + RESTART_MS:
            self.first_id = self.last_id = trade_id
            self.last_ms = event_ms
            self.missing.clear()
            self.restart_count += 1
            return True
        self.repeated_count += 1
        return False

    def is_missing(self, trade_id: int) -> bool:
        """Whether an id lies in a gap."""
        return self._gap_of(trade_id) is not None

    def first_gap(self, first: int, last: int) -> tuple[int, int] | None:
        """The first ids missing between two, both included."""
        place = max(0, bisect_right(self.missing, (first, NEVER_ID)) - 1)
        for gap in self.missing[place : place + 2]:
            if gap[1] >= first and gap[0] <= last:
                return max(gap[0], first), min(gap[1], last)
        return None

    def continue_from(self, trade_id: int, event_ms: int = 0) -> None:
        """Say which id an earlier recording ended with: what lies between it and the first of this one is missing."""
        if self.first_id is None:
            self.first_id = self.last_id = trade_id
            self.last_ms = event_ms
        elif self.first_id > trade_id + 1:
            self.missing.insert(0, (trade_id + 1, self.first_id - 1))
            self.first_id = trade_id

    def add_missing(self, gaps: list[tuple[int, int]]) -> None:
        """Say which ids an earlier recording lacked."""
        self.missing = sorted({*self.missing, *gaps})

    def _gap_of(self, trade_id: int) -> int | None:
        place = bisect_right(self.missing, (trade_id, NEVER_ID)) - 1
        return place if place >= 0 and self.missing[place][1] >= trade_id else None


@dataclass(slots=True)
class QuoteSequence:
    """Update ids of books, which grow with holes: where connections overlap, what came before is told by them."""

    last_id: int = -1
    last_ms: int = 0
    repeated_count: int = 0

    def is_new(self, update_id: int, event_ms: int) -> bool:
        """Take in an update; false for one that is not after the last, unless the venue's count began anew or it gives none (0)."""
        if 0 < update_id <= self.last_id and event_ms <= self.last_ms + RESTART_MS:
            self.repeated_count += 1
            return False
        self.last_id, self.last_ms = update_id, event_ms
        return True


@dataclass(slots=True)
class CandleSequence:
    """Finished candles of one time frame by their start, ns."""

    frame_ns: int
    first_ns: int | None = None
    last_ns: int | None = None
    missing: list[tuple[int, int]] = field(default_factory=list)  # first and last start, inclusive

    def is_new(self, start_ns: int) -> bool:
        """Take in a finished candle that came live; false for one that is not after the last."""
        if self.last_ns is not None:
            if start_ns <= self.last_ns:
                return False
            if start_ns > self.last_ns + self.frame_ns:
                self.missing.append((self.last_ns + self.frame_ns, start_ns - self.frame_ns))
        self.first_ns = self.first_ns or start_ns
        self.last_ns = start_ns
        return True

    def continue_from(self, start_ns: int) -> None:
        """Say which candle is the last of those asked for: what lies between it and the first that came live is missing."""
        if self.first_ns is None:
            self.first_ns = self.last_ns = start_ns
        elif self.first_ns > start_ns + self.frame_ns:
            self.missing.append((start_ns + self.frame_ns, self.first_ns - self.frame_ns))


@dataclass(slots=True)
class FundingSequence:
    """The funding rate as it is estimated, and what was paid once its time has passed."""

    time_ms: int = 0
    rate: float = 0.0
    seen_ms: int = 0
    missing: list[int] = field(default_factory=list)  # payment times of which the last estimate is too old

    def see(self, seen_ms: int, time_ms: int, rate: float) -> tuple[int, float] | None:
        """Take in an estimate; time and rate of the payment that it shows to have happened, if the last estimate for that was fresh.

        A time of payment that changes before it has come was put off or brought forward: nothing was paid then.
        """
        if seen_ms < self.seen_ms:
            return None
        paid = None
        if self.time_ms and time_ms != self.time_ms and seen_ms >= self.time_ms:
            if self.time_ms - self.seen_ms <= FRESH_MS:
                paid = self.time_ms, self.rate
            else:
                self.missing.append(self.time_ms)
        self.time_ms, self.rate, self.seen_ms = time_ms, rate, seen_ms
        return paid
