"""Parquet files as tapes use them: how they are packed, and how they are read without holding them whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from slackwater.errors import DataError

BATCH_ROWS = 1 << 18
COMPRESSION_LEVEL = 6  # of zstd: 4 % smaller than 3 at twice its time; 9 gains another 1 % and doubles it again
# Where packed differences are not the smallest, measured with benchmarks/data_throughput.py and kept readable by DuckDB. Sizes of a
# book come back to values seen before, which zstd finds in plain words; sizes of trades rarely do, and their upper bytes are alike.
ENCODING = {
    "bid_ticks": "BYTE_STREAM_SPLIT",
    "ask_ticks": "BYTE_STREAM_SPLIT",
    "bid_lots": "PLAIN",
    "ask_lots": "PLAIN",
    "lots": "BYTE_STREAM_SPLIT",
}


def open_parquet(path: Path) -> pq.ParquetFile:
    """A file to read batch by batch. Arrow's default is to fetch every row group ahead and keep it until the file is closed.

    Raises:
        pa.ArrowInvalid: it is none.
        OSError: it cannot be read.
    """
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except UnicodeDecodeError as error:
        raise pa.ArrowInvalid(f"names of columns that are no text: {error}") from error
    except pa.ArrowNotImplementedError as error:
        raise pa.ArrowInvalid(str(error)) from error  # a flipped bit of a type, or a type of tomorrow: no file of ours either way


def tape_batches(path: Path, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """The rows of a tape's file, some at a time; all of its columns or those named.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with open_parquet(path) as file:
            yield from file.iter_batches(rows, columns=None if columns is None else list(columns), use_threads=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(f"{path}: expected a tape file, found: {error}") from error


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of a whole file, read by this thread alone: what Arrow's own threads keep of memory is not given back.

    Raises:
        pa.ArrowInvalid, OSError: it is no Parquet file, or cannot be read.
    """
    with open_parquet(path) as file:
        table = file.read(columns=list(columns), use_threads=False)
    give_back()
    return table


def row_count(path: Path) -> int:
    """How many rows a file's footer tells of.

    Raises:
        DataError: the footer is damaged.
    """
    try:
        with open_parquet(path) as file:
            return int(file.metadata.num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a Parquet file, found: {error}") from error


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer as tapes want it: zstd, integers as packed differences or as `ENCODING` says, no dictionaries."""
    packed = {column.name: ENCODING.get(column.name, "DELTA_BINARY_PACKED") for column in schema if pa.types.is_integer(column.type)}
    return pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=COMPRESSION_LEVEL, use_dictionary=False, column_encoding=packed
    )


def give_back() -> None:
    """Give back to the system what Arrow keeps of memory it no longer uses: several times what a table takes, and more with each file."""
    pa.default_memory_pool().release_unused()
