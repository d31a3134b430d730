"""Counting what an input holds that cannot be used, by kind, with the places of the first of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_PLACES = 5  # kept of each kind: enough to look at, whatever the size of the input


@dataclass(slots=True)
class Tally:
    """Counts by kind, and the first places of each: rows or lines of the file, from 1."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, places: Iterable[int], count: int) -> None:
        """Count some of a kind; of their places only as many are looked at as are still wanted."""
        if not count:
            return
        self.counts[kind] += count
        kept = self.places.setdefault(kind, [])
        for place in places:
            if len(kept) >= MOST_PLACES:
                return
            kept.append(int(place))

    def take(self, other: Tally) -> None:
        """Add what another has counted."""
        for kind, count in other.counts.items():
            self.add(kind, other.places.get(kind, ()), count)
