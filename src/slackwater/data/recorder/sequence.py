"""What was seen of a symbol's streams: ids and candles that come twice, that come late, and that are missing."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TradeSequence:
    """Aggregate trade ids, which grow by one, over any number of sockets and back-fills.

    `missing` holds inclusive ranges of ids, oldest first.
    """

    first_id: int | None = None
    last_id: int | None = None
    missing: list[tuple[int, int]] = field(default_factory=list)
    repeated_count: int = 0

    def is_new(self, trade_id: int) -> bool:
        """Take in an id, live or back-filled; false for one that was taken before, or that lies before the first."""
        if self.last_id is None or trade_id > self.last_id:
            if self.last_id is None:
                self.first_id = trade_id
            elif trade_id > self.last_id + 1:
                self.missing.append((self.last_id + 1, trade_id - 1))
            self.last_id = trade_id
            return True
        for place, (first, last) in enumerate(self.missing):
            if first <= trade_id <= last:
                rest = [(first, trade_id - 1), (trade_id + 1, last)]
                self.missing[place : place + 1] = [part for part in rest if part[0] <= part[1]]
                return True
        self.repeated_count += 1
        return False

    def continue_from(self, trade_id: int) -> None:
        """Say which id an earlier recording ended with: what lies between it and the first of this one is missing."""
        if self.first_id is None:
            self.first_id = self.last_id = trade_id
        elif self.first_id > trade_id + 1:
            self.missing.insert(0, (trade_id + 1, self.first_id - 1))
            self.first_id = trade_id


@dataclass(slots=True)
class QuoteSequence:
    """Update ids of books, which grow with holes: where sockets overlap, what came before is told by them."""

    last_id: int = -1
    last_ms: int = 0
    repeated_count: int = 0

    def is_new(self, update_id: int, event_ms: int) -> bool:
        """Take in an update; false for one that is not after the last, unless the venue's count began anew."""
        if update_id <= self.last_id and event_ms <= self.last_ms + RESTART_MS:
            self.repeated_count += 1
            return False
        self.last_id, self.last_ms = update_id, event_ms
        return True


RESTART_MS = 1000  # lower ids on books this much later are a new count, not repeats: a repeat is as old as its original


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
        """Take in an estimate; time and rate of the payment that it shows to have happened, if the last estimate for that was fresh."""
        paid = None
        if self.time_ms and time_ms > self.time_ms:
            if self.time_ms - self.seen_ms <= FRESH_MS:
                paid = self.time_ms, self.rate
            else:
                self.missing.append(self.time_ms)
        if seen_ms >= self.seen_ms and time_ms >= self.time_ms:
            self.time_ms, self.rate, self.seen_ms = time_ms, rate, seen_ms
        return paid


FRESH_MS = 15_000  # the estimate still moves in its last seconds by little, and comes every second
