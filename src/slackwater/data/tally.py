"""Counting what an input holds that cannot be used, by kind, with the places of the first of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MOST_PLACES = 5  # kept of each kind: enough to look at, whatever the size of the input


class Tally(Counter[str]):
    """Counts by kind; `places` holds the first places of each: rows or lines of the file, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, list[int]] = {}

    def add(self, kind: str, places: Iterable[int], count: int) -> None:
        """Count some of a kind; of their places only as many are looked at as are still wanted."""
        if not count:
            return
        self[kind] += count
        kept = self.places.setdefault(kind, [])
        for place in places:
            if len(kept) >= MOST_PLACES:
                return
            kept.append(int(place))
