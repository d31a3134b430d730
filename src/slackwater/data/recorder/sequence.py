"""Aggregate trade ids of one symbol, which grow by one: what is new, what came before, and which ids are missing."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TradeSequence:
    """Follows one symbol over any number of sockets and back-fills. `missing` holds inclusive ranges of ids, oldest first."""

    last_id: int | None = None
    missing: list[tuple[int, int]] = field(default_factory=list)
    repeated_count: int = 0

    def is_new(self, trade_id: int) -> bool:
        """Take in an id, live or back-filled; false for one that was taken before, or that lies before the first."""
        if self.last_id is None or trade_id > self.last_id:
            if self.last_id is not None and trade_id > self.last_id + 1:
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
