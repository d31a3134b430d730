"""Reading a run directory: `run.json` and the tables beside it, checked before anything is drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.errors import DataError
from slackwater.runtime.halts import with_halts
from slackwater.runtime.run_directory import NEEDED_KEYS, RUN_FILE

Numbers = NDArray[Any]
HINT = "write one with `slackwater backtest --out RUN`"
# What is read of each table. A table with more columns is welcome, one with fewer is damaged.
COLUMNS = {
    "orders": "symbol client_order_id group_id purpose type tif price created_ns final_ns status amend_count amends_refused reason",
    "order_events": "ts_ns symbol client_order_id event price reason",
    "fills": (
        "ts_ns ts_venue_ns symbol client_order_id side price qty maker fee_usd position_qty_after avg_entry_after queue_ahead_qty cause"
    ),
    "closes": "symbol open_ns close_ns layers net_usd net_bps reason debt_after_usd",
    "realisations": "ts_ns symbol net_usd debt_after_usd reason",
    "gates": "symbol context reason count",
    "edge": "ts_ns symbol context expected_edge_bps edge_lcb_bps required_edge_bps edge_ok",
    "decisions": "ts_ns symbol price",
    "equity": "ts_ns symbol position_qty equity_usd debt_usd",
}


@dataclass(frozen=True)
class Run:
    """A run directory that has been opened: `document` is what `run.json` holds, tables are read when first asked for."""

    folder: Path
    document: dict[str, Any]
    _tables: dict[str, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def symbols(self) -> list[str]:
        """The symbols of the run, in its order."""
        return list(self.document["symbols"])

    @cached_property
    def total(self) -> dict[str, Any]:
        """The summary over all symbols."""
        return dict(self.document["summary"]["total"])

    def figures(self, symbol: str) -> dict[str, Any]:
        """The summary of one symbol."""
        return dict(self.document["summary"]["symbols"].get(symbol, {}))

    def table(self, stem: str, symbol: str | None = None) -> pa.Table:
        """A table with its words as plain strings, all of it or the rows of one symbol.

        Raises:
            DataError: the file is missing, unreadable, or lacks a column.
        """
        if stem not in self._tables:
            self._tables[stem] = _read(self.folder / f"{stem}.parquet", COLUMNS[stem].split())
        table = self._tables[stem]
        return table if symbol is None else table.filter(pc.equal(table["symbol"], symbol))


def open_run(folder: Path) -> Run:
    """Open a run directory.

    Raises:
        DataError: it is not one, or its `run.json` is damaged.
    """
    path = folder / RUN_FILE
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a run directory, found {'a file' if folder.exists() else 'nothing'}; {HINT}")
    if not path.is_file():
        raise DataError(f"{folder}: expected a run directory, found no {RUN_FILE} in it; {HINT}")
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, OSError) as error:
        raise DataError(f"{path}: expected a JSON object, found: {error}") from error
    missing = [key for key in NEEDED_KEYS if key not in document]
    if missing:
        raise DataError(f"{path}: expected the keys {', '.join(NEEDED_KEYS)}, {', '.join(missing)} missing; run the back-test again")
    run = Run(folder, document)
    run.document.update(with_halts(document, lambda stem, columns: run.table(stem)))
    return run


def _read(path: Path, needed: list[str]) -> pa.Table:
    if not path.is_file():
        raise DataError(f"{path}: expected this table of the run, found nothing; run the back-test again")
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(f"{path}: expected a readable Parquet table, found: {str(error).splitlines()[0]}") from error
    check_columns(path, table, needed)
    for k, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(k, column.name, table[column.name].cast(pa.string()))
    return table


def check_columns(path: Path, table: pa.Table, needed: list[str]) -> None:
    """Refuse a table that lacks columns.

    Raises:
        DataError: naming them.
    """
    missing = [name for name in needed if name not in table.schema.names]
    if missing:
        raise DataError(f"{path}: expected the columns {', '.join(needed)}, {', '.join(missing)} missing; run the back-test again")


def numbers(table: pa.Table, name: str) -> Numbers:
    """A column as an array."""
    return np.asarray(table[name].to_numpy())


def words(table: pa.Table, name: str) -> list[str]:
    """A column of strings as a list."""
    return list(table[name].to_pylist())
