"""Putting batches of rows in order by a key, equal keys as they were, in memory that does not grow with their number.

Rows wait only until no later batch can hold a smaller key. When more wait than a window holds, as in a file that runs backwards, they go
to a temporary folder in sorted runs that are merged at the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

WINDOW_ROWS = 1 << 20  # 48 MB of quotes; also the length of a run
GATHERED_ROWS = 1 << 17  # looked at together: sorting what waits anew for each small batch takes its time
RUN_BATCH_ROWS = 1 << 14  # of each run at once: a hundred runs are a hundred million rows and 80 MB
NEVER = 2**63 - 1

Keys = Callable[[pa.Table | pa.RecordBatch], NDArray[np.int64]]


def in_order(batches: Iterator[pa.RecordBatch], keys_of: Keys, earliest: Sequence[int], folder: Path) -> Iterator[pa.Table]:
    """All rows by key.

    Args:
        batches: the rows.
        keys_of: the keys of some rows.
        earliest: the smallest key of each batch.
        folder: where a temporary folder may be made.

    Raises:
        OSError: the folder cannot be written.
    """
    later = np.minimum.accumulate(np.array([*earliest, NEVER])[::-1])[::-1]
    waiting: pa.Table | None = None
    runs: list[Path] = []
    with tempfile.TemporaryDirectory(prefix=".sorting-", dir=folder) as name:
        for count, table in _gathered(batches):
            waiting = table if waiting is None else pa.concat_tables([waiting, table])
            if not runs:
                ready, waiting = _split(waiting, keys_of, int(later[min(count, len(later) - 1)]))
                if ready.num_rows:
                    yield ready
            if waiting.num_rows >= WINDOW_ROWS:
                runs.append(_write_run(waiting, keys_of, Path(name) / f"{len(runs)}.arrow"))
                waiting = None
        if waiting is not None and waiting.num_rows:
            if not runs:
                yield _split(waiting, keys_of, NEVER)[0]
                return
            runs.append(_write_run(waiting, keys_of, Path(name) / f"{len(runs)}.arrow"))
            waiting = None
        yield from _merged([_Run(path, keys_of) for path in runs])


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.Table]]:
    """Small batches as larger tables, and how many batches there were up to the last one of each."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += 1
        if sum(part.num_rows for part in held) >= GATHERED_ROWS:
            yield count, pa.Table.from_batches(held)
            held = []
    if held:
        yield count, pa.Table.from_batches(held)


def _split(waiting: pa.Table, keys_of: Keys, horizon: int) -> tuple[pa.Table, pa.Table]:
    """The rows up to the horizon in order, and the others."""
    keys = keys_of(waiting)
    order = np.argsort(keys, kind="stable")
    ready = int(np.searchsorted(keys[order], horizon, side="right"))
    return waiting.take(pa.array(order[:ready])), waiting.take(pa.array(order[ready:])).combine_chunks()


def _write_run(rows: pa.Table, keys_of: Keys, path: Path) -> Path:
    rows = rows.take(pa.array(np.argsort(keys_of(rows), kind="stable")))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=RUN_BATCH_ROWS)
    return path


class _Run:
    """A sorted run, a batch of it at a time."""

    def __init__(self, path: Path, keys_of: Keys) -> None:
        self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
        self.keys_of = keys_of
        self._next = 0
        self._batch: pa.RecordBatch | None = None
        self.keys: NDArray[np.int64] = np.zeros(0, np.int64)
        self.load()

    def load(self) -> bool:
        """Go on to the next batch once this one is used up; whether there is one."""
        if self._next == self._reader.num_record_batches:
            return False
        self._batch = self._reader.get_batch(self._next)
        self.keys = self.keys_of(self._batch)
        self._next += 1
        return True

    def take(self, horizon: int, side: str) -> pa.RecordBatch | None:
        """Remove and return the rows before the horizon, those at it too with the side `right`."""
        stop = int(np.searchsorted(self.keys, horizon, side=side))  # type: ignore[call-overload]
        if not stop or self._batch is None:
            return None
        found, self._batch, self.keys = self._batch.slice(0, stop), self._batch.slice(stop), self.keys[stop:]
        return found


def _merged(runs: list[_Run]) -> Iterator[pa.Table]:
    while runs:
        horizon = min(int(run.keys[-1]) for run in runs)
        parts = [part for run in runs if (part := run.take(horizon, "left")) is not None]
        if parts:
            rows = pa.Table.from_batches(parts)
            keys = np.concatenate([runs[0].keys_of(part) for part in parts])
            yield rows.take(pa.array(np.argsort(keys, kind="stable")))
        # Equal keys stand in the order of the runs; one run may have many of them.
        for run in runs:
            while (part := run.take(horizon, "right")) is not None:
                yield pa.Table.from_batches([part])
                if len(run.keys) or not run.load():
                    break
        runs = [run for run in runs if len(run.keys)]
