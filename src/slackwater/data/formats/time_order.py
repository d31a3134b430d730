"""Whether rows of a file stand more than a second out of their place, and which, in memory that does not grow with the file (ADR 0014)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from slackwater.data.formats.longest_run import ASIDE, JITTER_NS, Times, mark_rows
from slackwater.errors import DataError

TIME_BACKWARDS = "time_backwards"  # the kind under which such rows are counted
ZEROS = bytes(1 << 20)
T = TypeVar("T", bound=np.integer[Any])

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
