"""Which of a file's rows stand out of their place: as few as must go for time to run forwards in the others (ADR 0014).

The rows to go by are a longest run of rows, neighbours or not, whose times never step back. One time far ahead costs one row that way,
not all that come after it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit
from slackwater.schema.units import SEC

JITTER_NS = SEC  # streams and clocks mix within it; what is further out of its place is a fault
KEPT, ASIDE = 1, 2  # marks of rows: gone by, left out; 0 is a row within the jitter of those that are gone by

Times = NDArray[np.int64]


@jit
def mark_rows(times: Times, before: Times, tails: Times, marks: NDArray[np.int8]) -> int:
    """Mark the rows of a longest run without a step back as KEPT and those that stand too far from it as ASIDE; returns how many must go.

    A row must go that comes more than `JITTER_NS` before the latest kept one ahead of it, or after the earliest kept one behind it.
    `before` and `tails` are room for as many rows; `marks` are zero.
    """
    # `tails[n]` is the row that ends a run of n + 1 rows at the earliest time; `before[k]` the row ahead of row k in the longest run to it.
    length = 0
    for k in range(len(times)):
        place = length
        if length > 0 and times[tails[length - 1]] > times[k]:
            low, place = 0, length - 1
            while low < place:
                middle = (low + place) // 2
                if times[tails[middle]] > times[k]:
                    place = middle
                else:
                    low = middle + 1
        before[k] = tails[place - 1] if place > 0 else -1
        tails[place] = k
        if place == length:
            length += 1
    row = tails[length - 1]
    while row >= 0:
        marks[row] = KEPT
        row = before[row]
    return _set_aside(times, marks)


@jit
def _set_aside(times: Times, marks: NDArray[np.int8]) -> int:
    count = 0
    kept = -1
    for k in range(len(times)):
        if marks[k] == KEPT:
            kept = k
        elif kept >= 0 and times[k] < times[kept] and np.uint64(times[kept] - times[k]) > np.uint64(JITTER_NS):
            marks[k] = ASIDE
            count += 1
    kept = -1
    for k in range(len(times) - 1, -1, -1):
        if marks[k] == KEPT:
            kept = k
        elif marks[k] == 0 and kept >= 0 and times[k] > times[kept] and np.uint64(times[k] - times[kept]) > np.uint64(JITTER_NS):
            marks[k] = ASIDE
            count += 1
    return count
