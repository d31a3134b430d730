"""Which rows of a file stand more than a second out of their place: as few as must go for time to run forwards in the others (ADR 0014).

The rows to go by are a longest run of rows, neighbours or not, whose times never step back. One time far ahead costs one row that way,
not all that come after it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from slackwater.errors import DataError
from slackwater.kernel.jit import jit
from slackwater.schema.units import SEC

JITTER_NS = SEC  # streams and clocks mix within it; what is further out of its place is a fault
TIME_BACKWARDS = "time_backwards"  # the kind under which such rows are counted
KEPT, ASIDE = 1, 2  # marks of rows: gone by, left out; 0 is a row within the jitter of those that are gone by
ZEROS = bytes(1 << 20)
T = TypeVar("T", bound=np.integer[Any])

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]
Judge = Callable[[Times], Mask | None]  # told the times of a file's usable rows, batch after batch; says which must go


class Watch:
    """Sees whether any row comes more than a second before one ahead of it; while none does, none is out of its place."""

    def __init__(self) -> None:
        self.has_found = False
        self._latest: np.int64 | None = None

    def __call__(self, times: Times) -> None:
        """Look at the next rows."""
        if not len(times):
            return
        latest = np.maximum.accumulate(times)
        if self._latest is not None:
            np.maximum(latest, self._latest, out=latest)
        self._latest = latest[-1]
        # Differences as unsigned: those of any two times fit.
        self.has_found = self.has_found or bool(((latest - times).view(np.uint64) > JITTER_NS).any())


@dataclass(slots=True)
class Spool:
    """Keeps the times of a file's rows, on disk."""

    path: Path
    rows: int = 0

    def __call__(self, times: Times) -> None:
        """Keep the next rows'."""
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(times).data)
        self.rows += len(times)


@dataclass(slots=True)
class Verdict:
    """Says which rows of a file must go, `count` of them, to a pass over the file as the spool has seen it."""

    source: Path
    marks: NDArray[np.int8]
    count: int
    _told: int = 0

    def __call__(self, times: Times) -> Mask:
        """Which of the next rows must go.

        Raises:
            DataError: the file has become longer.
        """
        marks = self.marks[self._told : self._told + len(times)]
        if len(marks) != len(times):
            raise DataError(f"{self.source}: expected a file that nobody writes to, found it longer than when it was first read")
        self._told += len(times)
        must_go: Mask = marks == ASIDE
        return must_go


@contextmanager
def spooling(folder: Path) -> Iterator[Spool]:
    """An empty spool in a temporary folder within one that is there; it goes when the block ends, and so do the marks of `judged`."""
    with tempfile.TemporaryDirectory(prefix=".order-", dir=folder) as name:
        yield Spool(Path(name) / "times")


def judged(source: Path, spool: Spool) -> Verdict:
    """The verdict on a file whose times were spooled.

    Everything is mapped from files, so anonymous memory does not grow with the rows: 8 + 17 bytes of disk for each.

    Raises:
        OSError: the disk is full.
    """
    times = _mapped(spool.path, np.int64)
    before, tails = (_room(spool.path.with_name(name), spool.rows, np.int64) for name in ("before", "tails"))
    marks = _room(spool.path.with_name("marks"), spool.rows, np.int8)
    return Verdict(source, marks, int(mark_rows(times, before, tails, marks)))


def _room(path: Path, count: int, kind: type[T]) -> NDArray[T]:
    """Zeros, written as such: where a mapped file has holes, a disk that is full kills the process."""
    left = count * np.dtype(kind).itemsize
    with path.open("wb") as file:
        while left > 0:
            left -= file.write(ZEROS[:left])
    return _mapped(path, kind)


def _mapped(path: Path, kind: type[T]) -> NDArray[T]:
    return np.asarray(np.memmap(path, kind, "r+"))


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
