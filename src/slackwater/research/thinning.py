"""Drawing less without hiding anything: of each stretch of time the lowest, the highest and the last value stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]
MAX_POINTS = 5_000  # of one line; a screen is narrower
KEPT = 3  # values of a stretch
NEAR_NS = 30_000_000_000  # around a fill the line is drawn finer


def even_edges(first_ns: int, last_ns: int, bins: int) -> Times:
    """Starts of `bins` equal stretches of time."""
    return np.linspace(first_ns, max(last_ns, first_ns + 1), bins, endpoint=False).astype(np.int64)


def edges_around(first_ns: int, last_ns: int, moments: Times, bins: int) -> Times:
    """Starts of about `bins` stretches of time: half of them even, half within 30 s of the moments.

    A reader zooms in on fills, and there the line should still be the market's.
    """
    if len(moments) == 0:
        return even_edges(first_ns, last_ns, bins)
    ordered = np.sort(moments)
    begins, ends = np.maximum(ordered - NEAR_NS, first_ns), np.minimum(ordered + NEAR_NS, last_ns)
    # Overlapping neighbourhoods count once.
    begins[1:] = np.maximum(begins[1:], ends[:-1])
    lengths = np.maximum(ends - begins, 0)
    total = int(lengths.sum())
    if total == 0:
        return even_edges(first_ns, last_ns, bins)
    done = np.concatenate(([0], np.cumsum(lengths)))
    places = np.linspace(0, total, bins // 2, endpoint=False).astype(np.int64)
    which = np.searchsorted(done, places, side="right") - 1
    fine = begins[which] + (places - done[which])
    return np.unique(np.concatenate((even_edges(first_ns, last_ns, bins - bins // 2), fine)))


def extremes(times: Times, values: Values, edges: Times) -> NDArray[np.int64]:
    """Row numbers, ascending, of the lowest, the highest and the last value of every stretch; the first row of all stays too.

    With the last value a line of steps still holds the right level until the next stretch begins.

    Args:
        times: ascending.
        values: finite, one for each time.
        edges: ascending starts of the stretches; what lies before the first belongs to it.
    """
    if len(times) <= 2:
        return np.arange(len(times))
    stretch = np.searchsorted(edges, times, side="right")
    starts = np.flatnonzero(np.diff(stretch, prepend=-1))
    order = np.lexsort((values, stretch))
    ends = np.append(starts[1:], len(times)) - 1
    return np.unique(np.concatenate((order[starts], order[ends], ends, [0])))


def thin(times: Times, values: Values, points: int = MAX_POINTS) -> NDArray[np.int64]:
    """Row numbers that draw the same picture with at most about `points` rows."""
    if len(times) <= points:
        return np.arange(len(times))
    return extremes(times, values, even_edges(int(times[0]), int(times[-1]) + 1, points // KEPT))
