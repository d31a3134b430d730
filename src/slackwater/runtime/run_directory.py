"""Writing a run directory: rows are taken from the machine's buffers as it goes, and the folder appears when it is whole."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.data.parquet import give_back
from slackwater.data.placing import BUILDING, building_in
from slackwater.errors import UsageError
from slackwater.kernel.record import Box, dtype_of
from slackwater.runtime.tables import TABLES, Names
from slackwater.schema.audit import LOG_ROWS, OrderEventRow, Out

BATCH_ROWS = 1 << 14  # rows of a kind gathered before they are written; four times as many held 60 MB more
NEEDS_MOST = "order_events"  # the table whose writing takes most memory: long, and every row spells out an order's id
RUN_FILE = "run.json"
NEEDED_KEYS = ("symbols", "first_ns", "last_ns", "config", "summary", "tape", "seed")  # of `run.json`, by whatever reads it
OWN_FILES = frozenset({RUN_FILE, "config.yaml", "report.html", "gates.parquet", *(f"{stem}.parquet" for stem in TABLES)})
MOST_NAMED = 5
HASHED_FIELDS = ("ts_ns", "order_id", "group_id", "slice_index", "price_ticks", "lots", "event", "reason")
SYMBOL, TIME = 0, 1  # columns of the matrix that is hashed


def check_place(target: Path) -> None:
    """Refuse a place that a run directory must not take: it would take what is not a run's away.

    Raises:
        UsageError: below a file, something that is not a run directory, or one with files in it that no run writes.
    """
    above = next((path for path in target.parents if path.exists()), None)
    if above is not None and not above.is_dir():
        raise UsageError(f"{target}: expected a place within folders, found the file {above}; name another folder")
    if not target.exists():
        return
    if not (target.is_dir() and ((target / RUN_FILE).exists() or not any(target.iterdir()))):
        raise UsageError(f"{target}: expected an earlier run directory or nothing, found something else; name another folder")
    others = sorted(path.name for path in target.iterdir() if path.name not in OWN_FILES or not path.is_file())
    if others:
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        raise UsageError(
            f"{target}: expected nothing but an earlier run, which is replaced, found {', '.join(others[:MOST_NAMED])}{more}; "
            "move what is yours away, or name another folder"
        )


@contextmanager
def new_run_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that takes its place when the block ends well, and is gone when it does not.

    What killed runs to the same place left is cleared away first.

    Raises:
        UsageError: the place is not free for a run, as `check_place` says.
    """
    check_place(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with building_in(target.parent, f".{target.name}{BUILDING}") as folder:
        yield folder
        if target.exists():
            shutil.rmtree(target)
        folder.chmod(0o755)
        folder.rename(target)


def _as_numbers(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Order events as a matrix: the symbol, then the hashed fields."""
    numbers = np.empty((len(rows), 1 + len(HASHED_FIELDS)), "<i8")
    numbers[:, SYMBOL] = rows["symbol"]
    for k, field in enumerate(HASHED_FIELDS):
        numbers[:, TIME + k] = rows[field]
    return numbers


class OrdersDigest:
    """The hashes of all order events: one over everything, one a symbol.

    The hash of the run runs over all rows by time, then symbol, then as they came, each as nine little-endian int64: the first eight bytes
    of the SHA-256 of the symbol's name, then `HASHED_FIELDS`. A symbol's hash runs over its own rows, and so is that of a run of it alone.

    Args:
        first_end_ns: when the first symbol's tape ends. What the end of its tape takes back comes after rows of others that are later, so
            from then on all rows wait for the end of the run; 0 makes all wait.
    """

    def __init__(self, symbols: list[str], first_end_ns: int = 0) -> None:
        self._first_end_ns = first_end_ns
        self._total = hashlib.sha256()
        self._single = [hashlib.sha256() for _ in symbols]
        self._names = np.array([int.from_bytes(hashlib.sha256(s.encode()).digest()[:8], "little", signed=True) for s in symbols], "<i8")
        self._held = _as_numbers(np.zeros(0, dtype_of(OrderEventRow)))

    def add(self, rows: NDArray[Any]) -> None:
        """Take in further rows. Those of the last moment wait: other symbols may still have rows at it."""
        numbers = np.concatenate([self._held, _as_numbers(rows)])
        if len(numbers) == 0:
            return
        ready = numbers[:, TIME] < min(int(numbers[-1, TIME]), self._first_end_ns)
        self._held = numbers[~ready]
        self._hash(numbers[ready])

    def _hash(self, numbers: NDArray[np.int64]) -> None:
        if len(self._single) > 1 or np.any(numbers[1:, TIME] < numbers[:-1, TIME]):
            numbers = numbers[np.lexsort((numbers[:, SYMBOL], numbers[:, TIME]))]
        symbols = numbers[:, SYMBOL].copy()
        numbers[:, SYMBOL] = self._names[symbols]
        self._total.update(numbers.data)
        if len(self._single) > 1:
            for k in np.unique(symbols).tolist():
                self._single[k].update(numbers[symbols == k].tobytes())

    def finish(self) -> tuple[str, list[str]]:
        """The hash of the run and the hash of each symbol."""
        self._hash(self._held)
        self._held = self._held[:0]
        total = self._total.hexdigest()
        return total, [single.hexdigest() for single in self._single] if len(self._single) > 1 else [total]


class RunWriter:
    """Takes rows out of the machine's buffers and writes the Parquet files of one run."""

    def __init__(self, folder: Path, names: Names, first_end_ns: int = 0) -> None:
        self.folder = folder
        self.names = names
        self.digest = OrdersDigest(names.symbols, first_end_ns)
        self._gathered = {stem: np.empty(BATCH_ROWS + LOG_ROWS, _row_dtype(field)) for stem, (field, _, _) in TABLES.items()}
        for rows in self._gathered.values():
            rows.view(np.uint8)[:] = 0  # taken from the system now, so that memory is the same however long the tape
        self._counts = dict.fromkeys(TABLES, 0)
        self._writers: dict[str, pq.ParquetWriter] = {}

    def drain(self, out_box: Box) -> None:
        """Empty the buffers. Row groups are all of one size, whose memory the next one of the same table takes again."""
        out = out_box[0]
        self.digest.add(out.order_events[: int(out.order_event_count)])
        for stem, (field, counter, _) in TABLES.items():
            held, count = self._counts[stem], int(out[counter])
            # As bytes, because rows would be copied field by field.
            self._gathered[stem][held : held + count].view(np.uint8)[:] = out[field][:count].view(np.uint8)
            self._counts[stem] = held + count
            out[counter] = 0
            if held + count >= BATCH_ROWS:
                self._write(stem, BATCH_ROWS)
        out["is_nearly_full"] = False

    def _write(self, stem: str, count: int) -> None:
        """Write the first rows of what is gathered; the rest moves to the front.

        Arrow gives memory back just before and after the table that needs most. So the peak is that table's alone, not one that grows with
        the chance of a long run that other tables are written shortly before; giving back at every table costs time.
        """
        if stem == NEEDS_MOST:
            give_back()
        columns = TABLES[stem][2]
        gathered, left = self._gathered[stem], self._counts[stem] - count
        rows = gathered[:count]
        table = _without_nulls(columns(rows, self.names))
        if stem not in self._writers:
            # Numbers hardly repeat, so only words are worth a dictionary; times and counts differ little from row to row. Snappy takes
            # three fifths of the time of zstd, and two fifths more room. The system's allocator keeps less than Arrow's own between tables.
            spelled = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
            packed = {field.name: "DELTA_BINARY_PACKED" for field in table.schema if pa.types.is_integer(field.type)}
            self._writers[stem] = pq.ParquetWriter(
                self.folder / f"{stem}.parquet",
                table.schema,
                compression="snappy",
                use_dictionary=spelled,
                column_encoding=packed,
                write_statistics=False,
                memory_pool=pa.system_memory_pool(),
            )
        self._writers[stem].write_table(table)
        del table
        gathered[:left].view(np.uint8)[:] = gathered[count : count + left].view(np.uint8)
        self._counts[stem] = left
        if stem == NEEDS_MOST:
            give_back()

    def close(self) -> None:
        """Write what is gathered and finish the files; a table without rows is a file without rows."""
        for stem in TABLES:
            if self._counts[stem] > 0 or stem not in self._writers:
                self._write(stem, self._counts[stem])
            self._writers.pop(stem).close()
            del self._gathered[stem]
        give_back()

    def abort(self) -> None:
        """Let go of the files of a run that failed."""
        for writer in self._writers.values():
            writer.close()


def _without_nulls(columns: dict[str, Any]) -> pa.Table:
    """A table of columns that hold no nulls and say so: to note of each value that it is there took a third of the time of writing."""
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    schema = pa.schema([pa.field(name, values.type, nullable=False) for name, values in arrays.items()])
    return pa.Table.from_arrays(list(arrays.values()), schema=schema)


def _row_dtype(field: str) -> np.dtype[Any]:
    return dtype_of(Out).fields[field][0].base  # type: ignore[index]
