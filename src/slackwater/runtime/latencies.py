"""Recorded delays: a table of measured latencies, read once and checked whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from slackwater.config.model import Config
from slackwater.data.layout import sha256_of
from slackwater.errors import DataError
from slackwater.kernel.record import Box, rows
from slackwater.schema.units import MS
from slackwater.sim.latency import MAX_DELAY_NS, LatencySample

COLUMNS = ("entry_ms", "response_ms")


def latency_file(config: Config) -> Path | None:
    """The table that a configuration draws delays from; None where it draws from none."""
    return Path(config.sim.latency_file) if config.sim.latency_model == "recorded" else None


def fingerprint(config: Config) -> dict[str, str] | None:
    """Path and SHA-256 of the table that a configuration draws delays from; None where it draws from none.

    Raises:
        DataError: no such file.
    """
    path = latency_file(config)
    if path is None:
        return None
    _require_file(path)
    return {"path": str(path), "sha256": sha256_of(path)}


def load_latencies(path: Path) -> Box:
    """The delays of a Parquet or CSV file with the columns `entry_ms` and `response_ms`, as rows of LatencySample.

    Both columns come out sorted, each by itself: requests and reports draw independently, and a draw means a place in the distribution.

    Raises:
        DataError: no file, not a table, a column missing, no rows, or a delay that is missing, NaN, negative or over a minute.
    """
    table = _read(path)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise DataError(f"{path}: expected columns {' and '.join(COLUMNS)}, found no {missing[0]}")
    if table.num_rows == 0:
        raise DataError(f"{path}: expected measured delays, found a table without rows")
    delays = rows(LatencySample, table.num_rows)
    delays["entry_ns"], delays["response_ns"] = (_sorted_ns(table[name], f"{path}: {name}") for name in COLUMNS)
    return delays


def _read(path: Path) -> pa.Table:
    _require_file(path)
    try:
        return pa.csv.read_csv(path) if path.suffix.lower() == ".csv" else pa.parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected a Parquet or CSV table, but {str(error).splitlines()[0]}") from error


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path}: expected a table of measured delays, found no such file")


def _sorted_ns(column: pa.ChunkedArray, place: str) -> NDArray[np.int64]:
    try:
        values = column.cast(pa.float64()).to_numpy()
    except pa.ArrowException as error:
        raise DataError(f"{place}: expected milliseconds, found {column.type}") from error
    limit_ms = MAX_DELAY_NS / MS
    bad = np.flatnonzero(~((values >= 0.0) & (values <= limit_ms)))
    if len(bad):
        raise DataError(f"{place}: expected 0..{limit_ms:g} ms in every row, found {values[bad[0]]:g} in row {bad[0] + 1}")
    return np.sort(np.round(values * MS).astype(np.int64))
