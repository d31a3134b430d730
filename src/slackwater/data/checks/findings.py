"""What is found in the days of a tape: counts with the first places of each kind, spans, gaps; and how that becomes plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.data.checks.clocks import ClockGauge
from slackwater.data.checks.step_sizes import StepGauge
from slackwater.data.layout import time_text
from slackwater.data.writer import GAP_NS
from slackwater.schema.units import DAY, HOUR

PLACES = 3  # rows named for each kind of finding; the count says how many there are

# What can be odd and still be usable, in the order it is shown.
ODD_KINDS = {
    "crossed_book": "bid above ask; a run rejects the row",
    "locked_book": "bid equal to ask",
    "one_sided_book": "no bid or no ask; a run rejects the row",
    "zero_size_quote": "a price with nothing behind it",
    "zero_size_trade": "a trade of nothing",
    "repeated_quote": "the row before once more, both clocks and all values",
    "repeated_trade": "the row before once more, both clocks, id and all values",
    "repeated_trade_id": "a trade id that was among the last million before; an older one is not noticed",
    "mid_spike": "the mid jumped by more than 50 bps and 30 median moves, and was back within 5 books",
    "trade_off_book": "a price outside the books of the seconds around it, by more than 50 bps and their width",
    "venue_time_back": "ts_event runs backwards although ts_recv does not",
    "negative_latency": "received before it happened: clocks that disagree",
    "long_gap": "the first row after more than a day without any: days that are not there, or a time that is wrong",
    "other_day": "a row in the folder of another date",
    "repeated_funding": "a time of funding that was there before; a run pays it again",
    "funding_outside": "funding more than a minute before the first or after the last quote of the tape",
    "large_funding": "a rate beyond 5 % either way: perhaps in percent, or of a year",
    "coarse_step": "a whole day in steps coarser than the instrument's",
    "step_change": "steps differ from the day before",
}


@dataclass(slots=True)
class DayFindings:
    """What was found in one day of one symbol. Files go by their stem, such as `quotes`."""

    date: str
    damage: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    spans_ns: dict[str, tuple[int, int]] = field(default_factory=dict)
    hours: dict[str, set[int]] = field(default_factory=dict)
    clocks: dict[str, ClockGauge] = field(default_factory=dict)
    steps: dict[tuple[str, str], StepGauge] = field(default_factory=dict)  # by file and `price` or `size`
    covered_ns: int = 0  # between quotes at most a minute apart
    last_quote_ns: int | None = None

    def note(self, kind: str, stem: str, rows: NDArray[np.int64]) -> None:
        """Count rows of a file (numbers from 0) under a kind, and keep the first places."""
        self.note_some(kind, stem, len(rows), rows[:PLACES].tolist())

    def note_some(self, kind: str, stem: str, count: int, rows: Sequence[int]) -> None:
        """Count rows of a file of which only the first ones are named."""
        if not count:
            return
        self.counts[kind] += count
        kept = self.places.setdefault(kind, [])
        kept += [f"{self.date}/{stem} row {row + 1}" for row in rows[: PLACES - len(kept)]]

    def see_quotes(self, keys: NDArray[np.int64]) -> None:
        """Take in the times of some quotes in order, for the share of the day that has any."""
        steps = np.diff(keys if self.last_quote_ns is None else np.concatenate(([self.last_quote_ns], keys)))
        self.covered_ns += int(steps[(steps >= 0) & (steps <= GAP_NS)].sum())
        self.last_quote_ns = int(keys[-1])

    def see_times(self, stem: str, keys: NDArray[np.int64]) -> None:
        """Take in the times of some rows of a file, for its span and the hours it covers."""
        first, last = self.spans_ns.get(stem, (int(keys.min()), int(keys.max())))
        self.spans_ns[stem] = min(first, int(keys.min())), max(last, int(keys.max()))
        self.hours.setdefault(stem, set()).update((np.unique(keys // HOUR) % 24).tolist())

    def as_json(self) -> dict[str, Any]:
        """The day as plain values: times as ISO 8601, latencies in ms, steps in whole ticks and lots (null: too few moves to tell)."""
        return {
            "date": self.date,
            "damage": self.damage,
            "counts": {kind: count for kind, count in self.counts.items() if count},
            "places": self.places,
            "gaps": len(self.gaps),
            "coverage": self.covered_ns / DAY,
            "gap_seconds": sum(gap["seconds"] for gap in self.gaps),
            "files": {
                stem: {
                    "rows": count,
                    "first": time_text(self.spans_ns[stem][0]) if stem in self.spans_ns else None,
                    "last": time_text(self.spans_ns[stem][1]) if stem in self.spans_ns else None,
                    "hours": len(self.hours.get(stem, ())),
                    "hour_share": len(self.hours.get(stem, ())) / 24,
                    "latency": self.clocks[stem].as_json() if stem in self.clocks else None,
                    "steps": {what: gauge.step for (name, what), gauge in self.steps.items() if name == stem},
                }
                for stem, count in sorted(self.rows.items())
            },
        }
