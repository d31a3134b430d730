"""How long positions stood: in all, as a share of the run, and by close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slackwater.runtime.activity import ratio
from slackwater.runtime.trade_columns import FillColumns, Whole
from slackwater.schema.units import SEC

# Upper ends of the stretches that closes are counted by; the last has none.
UP_TO_SEC = {"10s": 10, "1min": 60, "10min": 600, "1h": 3_600, "6h": 21_600, "1d": 86_400}
LONGER = "longer"


@dataclass(frozen=True)
class Holdings:
    """The positions of a symbol from flat to flat in nanoseconds; the last one may still be open, at the end of the run."""

    start_ns: Whole
    end_ns: Whole
    is_open: bool


def holdings(fills: FillColumns, last_ns: int) -> Holdings:
    """The positions of one symbol, from its fills in their order."""
    after = fills.position_qty_after
    before = np.concatenate(([0.0], after[:-1])) if len(after) else after
    start_ns = fills.ts_ns[(before == 0.0) & (after != 0.0)]
    end_ns = fills.ts_ns[(before != 0.0) & (after == 0.0)]
    is_open = len(start_ns) > len(end_ns)
    return Holdings(start_ns, np.append(end_ns, max(last_ns, int(start_ns[-1]))) if is_open else end_ns, is_open)


def holding_figures(parts: list[Holdings], run_ns: int) -> dict[str, Any]:
    """Time in position over the symbols; where several were held at once, that time counts once.

    Longest covers open positions too; median and counts are of those that were closed.
    """
    lengths = [(part.end_ns - part.start_ns) / SEC for part in parts]
    closed = np.concatenate([np.zeros(0), *(length[:-1] if part.is_open else length for part, length in zip(parts, lengths, strict=True))])
    everything = np.concatenate([np.zeros(0), *lengths])
    total_ns = _covered_ns(parts)
    places = np.searchsorted(list(UP_TO_SEC.values()), closed, side="left")
    counted = np.bincount(places, minlength=len(UP_TO_SEC) + 1).tolist()
    return {
        "total_sec": total_ns / SEC,
        "share": ratio(total_ns, run_ns),
        "longest_sec": float(everything.max()) if len(everything) else None,
        "median_sec": float(np.median(closed)) if len(closed) else None,
        "open_sec": max((float(length[-1]) for part, length in zip(parts, lengths, strict=True) if part.is_open), default=None),
        "closes_up_to": dict(zip((*UP_TO_SEC, LONGER), counted, strict=True)),
    }


def _covered_ns(parts: list[Holdings]) -> int:
    """Length of the union of all positions."""
    if not parts:
        return 0
    start, end = (np.concatenate([getattr(part, name) for part in parts]) for name in ("start_ns", "end_ns"))
    order = np.argsort(start, kind="stable")
    covered, until = 0, -(2**63)
    for first_ns, last_ns in zip(start[order].tolist(), end[order].tolist(), strict=True):
        covered += max(last_ns - max(first_ns, until), 0)
        until = max(until, last_ns)
    return covered
