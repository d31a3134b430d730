"""Files given to an import: Parquet or CSV, streamed in batches, their columns checked before the first row is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.errors import DataError

BATCH_ROWS = 1 << 18
NEEDED = {
    "quotes": ("ts_event", "bid", "bid_qty", "ask", "ask_qty"),
    "trades": ("ts_event", "price", "qty", "buyer_maker"),
    "funding": ("ts_event", "rate"),
}
OPTIONAL = {"quotes": ("ts_recv",), "trades": ("ts_recv", "trade_id"), "funding": ("ts_recv",)}
TIMES = ("ts_event", "ts_recv")
FLAGS = ("buyer_maker",)
NUMBERS = ("trade_id",)
OLDEST_NS = 100_000_000_000_000_000  # 1973; a smaller time was written in another unit


@dataclass(frozen=True, slots=True)
class Source:
    """One input file that has been looked at: `kind` is `quotes`, `trades` or `funding`, `row_count` is None where only reading tells."""

    path: Path
    kind: str
    columns: tuple[str, ...]
    row_count: int | None

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Its rows in file order, with the named columns only.

        Raises:
            DataError: the file is damaged.
        """
        names = list(columns or self.columns)
        try:
            if _is_csv(self.path):
                yield from (batch.select(names) for batch in _open_csv(self.path))
            else:
                with pq.ParquetFile(self.path) as file:
                    yield from file.iter_batches(BATCH_ROWS, columns=names, use_threads=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise DataError(f"{self.path}: expected readable {self.kind}, found: {_first_line(error)}") from error


def open_source(path: Path, kind: str) -> Source:
    """Look at a file: that it is there, has the columns of its kind and has them as numbers.

    Raises:
        DataError: it is missing, unreadable, empty, or a column is missing or of a wrong type.
    """
    if not path.is_file():
        raise DataError(f"{path}: expected a file of {kind}, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        if _is_csv(path):
            schema, row_count = _open_csv(path).schema, None
        else:
            with pq.ParquetFile(path) as file:
                schema, row_count = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a Parquet or .csv file of {kind}, found: {_first_line(error)}") from error
    missing = [name for name in NEEDED[kind] if name not in schema.names]
    if missing:
        raise DataError(
            f"{path}: expected the columns {', '.join(NEEDED[kind])}, {', '.join(missing)} missing, found {', '.join(schema.names)}"
        )
    if row_count == 0:
        raise DataError(f"{path}: expected {kind}, found a file without rows")
    columns = NEEDED[kind] + tuple(name for name in OPTIONAL[kind] if name in schema.names)
    for name in columns:
        _check_type(path, name, schema.field(name).type)
    return Source(path, kind, columns, row_count)


def _is_csv(path: Path) -> bool:
    return path.suffix == ".csv" or path.name.endswith(".csv.gz")


def _open_csv(path: Path) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(path, read_options=pacsv.ReadOptions(block_size=1 << 24))


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _check_type(path: Path, name: str, found: pa.DataType) -> None:
    if name in TIMES:
        fits, wanted = (
            pa.types.is_int64(found) or pa.types.is_timestamp(found) or (name == "ts_recv" and pa.types.is_null(found)),
            "int64 nanoseconds",
        )
    elif name in FLAGS:
        fits, wanted = pa.types.is_boolean(found), "a boolean"
    elif name in NUMBERS:
        fits, wanted = pa.types.is_integer(found) or pa.types.is_null(found), "an integer"
    else:
        # A float32 holds seven digits: a price that went through one is no longer the price.
        fits, wanted = pa.types.is_float64(found) or pa.types.is_integer(found) or pa.types.is_decimal(found), "a float64"
    if not fits:
        raise DataError(f"{path}: expected {name} as {wanted}, found {found}")


def floats(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """A column of prices or sizes; nulls are NaN."""
    column = batch.column(name)
    if not pa.types.is_float64(column.type):
        column = column.cast(pa.float64())
    found: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    return found


def times(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column of times as int64 nanoseconds; nulls stay."""
    column = batch.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", tz=column.type.tz))
    return column.cast(pa.int64())


def check_unit(path: Path, name: str, column: pa.Array) -> None:
    """Refuse times in another unit than nanoseconds.

    Raises:
        DataError: the latest of them lies before 1973, as seconds to microseconds read as nanoseconds do.
    """
    latest = pc.max(column).as_py()
    if latest is not None and latest < OLDEST_NS:
        raise DataError(f"{path}: expected {name} in nanoseconds since 1970, found {latest}, which is before 1973; convert its unit")
