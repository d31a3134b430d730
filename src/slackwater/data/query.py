"""Asking a tape in SQL: DuckDB over its Parquet files, through views in people's units. Nothing can be written, nothing else be read.

Views: `quotes`, `trades`, `klines`, `funding` with `venue`, `symbol`, `date` (and `timeframe`) before the tape's own columns and the
prices and sizes that its ticks and lots stand for, and `instruments`. A price of 0 ticks is a side that was not there: NULL.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from slackwater.data.layout import FUNDING, FUNDING_SCHEMA, KLINE_SCHEMA, QUOTE_SCHEMA, QUOTES, TRADE_SCHEMA, TRADES
from slackwater.data.tape import SymbolTape, find_symbol_folders, open_tape
from slackwater.errors import DataError, UsageError

FETCH_ROWS = 10_000
MEMORY_MB = 300
SQL_TYPES = {"int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}
# The columns that ticks and lots are told in besides: name, the tape's column, the step.
PRICED = {
    "quotes": (("bid", "bid_ticks", "tick"), ("bid_qty", "bid_lots", "lot"), ("ask", "ask_ticks", "tick"), ("ask_qty", "ask_lots", "lot")),
    "trades": (("price", "price_ticks", "tick"), ("qty", "lots", "lot")),
    "klines": (),
    "funding": (),
}
OF_THE_QUERY = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException)
SCHEMAS = {"quotes": QUOTE_SCHEMA, "trades": TRADE_SCHEMA, "klines": KLINE_SCHEMA, "funding": FUNDING_SCHEMA}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives: column names, their SQL types, and the rows, which come as they are asked for."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def answer(folder: Path, sql: str, memory_mb: int = MEMORY_MB) -> Iterator[Answer]:
    """The answer to one SELECT over a tape; what exceeds `memory_mb` is spilled to a temporary folder.

    Raises:
        DataError: there is no tape, or a file of it cannot be read.
        UsageError: the query is none, is not one SELECT, or fails. Rows raise it too.
    """
    entries = [open_tape(folder, [f"{path.parent.name}/{path.name}"]).symbols[0] for path in find_symbol_folders(folder.resolve())]
    if memory_mb <= 0:
        raise UsageError(f"--memory-mb: expected a positive number, found {memory_mb}")
    with tempfile.TemporaryDirectory(prefix="slackwater-sql-") as spill, duckdb.connect() as connection:
        # The order matters: once nothing outside may be reached, the settings cannot be changed any more.
        for name, value in (
            ("enable_progress_bar", "false"),
            ("memory_limit", f"'{memory_mb}MB'"),
            ("temp_directory", _text(spill)),
            ("allowed_directories", f"[{', '.join(_text(str(path)) for path in _folders(folder.resolve(), entries))}]"),
            ("autoinstall_known_extensions", "false"),
            ("autoload_known_extensions", "false"),
            ("enable_external_access", "false"),
        ):
            connection.execute(f"SET {name} = {value}")
        _make_views(connection, entries)
        connection.execute("SET lock_configuration = true")
        yield _run(connection, sql, folder.resolve())


def _folders(folder: Path, entries: Sequence[SymbolTape]) -> list[Path]:
    """Where the tape's files really lie: its folder, and what links in it lead to."""
    homes = {path.resolve().parent for entry in entries for path in entry.files}
    return [folder, *sorted(home for home in homes if not home.is_relative_to(folder))]


def _run(connection: duckdb.DuckDBPyConnection, sql: str, folder: Path) -> Answer:
    try:
        statements = connection.extract_statements(sql)
        kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
        if kinds != ["SELECT"]:
            raise UsageError(f"expected one SELECT, found {', '.join(kinds) or 'no statement'}; a tape is only read")
        connection.execute(statements[0])
    except duckdb.Error as error:
        raise _told(error, folder) from error
    described = connection.description or []
    return Answer(tuple(str(column[0]) for column in described), tuple(str(column[1]) for column in described), _rows(connection, folder))


def _rows(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[tuple[Any, ...]]:
    while True:
        try:
            found = connection.fetchmany(FETCH_ROWS)
        except duckdb.Error as error:
            raise _told(error, folder) from error
        if not found:
            return
        yield from found


def _told(error: duckdb.Error, folder: Path) -> DataError | UsageError:
    """DuckDB's message as one sentence: its first line, and the hint that it may end with."""
    if isinstance(error, duckdb.InterruptException):
        raise KeyboardInterrupt from error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hints = [line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))]
    message = "; ".join([lines[0].rstrip("."), *hints[:1]])
    # What is wrong with a file is told with its name, or as an error of no class by what takes a footer apart.
    is_damage = str(folder) in str(error) or type(error) is duckdb.Error or "Parquet" in lines[0]
    if is_damage and not isinstance(error, (duckdb.PermissionException, duckdb.OutOfMemoryException, *OF_THE_QUERY)):
        return DataError(f"expected a readable tape, found: {message}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return UsageError(f"expected a query that does with its memory, found: {message}; give more with --memory-mb")
    return UsageError(f"expected a query that DuckDB can answer, found: {message}")


def _make_views(connection: duckdb.DuckDBPyConnection, entries: Sequence[SymbolTape]) -> None:
    for view, schema in SCHEMAS.items():
        parts = [part for entry in entries for part in _parts(view, schema, entry)]
        try:
            connection.execute(f"CREATE VIEW {view} AS " + (" UNION ALL ".join(parts) or _empty(view, schema)))
        except duckdb.Error as error:
            raise DataError(f"expected a readable tape, found: {str(error).splitlines()[0]}") from error
    rows = []
    for entry in entries:
        spec = entry.instrument
        steps = ", ".join(f"{float(value)!r}::DOUBLE" for value in (spec.tick_size, spec.lot_size, spec.min_qty, spec.min_notional))
        rows.append(f"({_text(entry.venue)}, {_text(entry.symbol)}, {steps}, {_text(spec.contract)})")
    names = "venue, symbol, tick_size, lot_size, min_qty, min_notional, contract"
    connection.execute(f"CREATE VIEW instruments AS SELECT * FROM (VALUES {', '.join(rows)}) AS t({names})")


def _parts(view: str, schema: pa.Schema, entry: SymbolTape) -> Iterator[str]:
    """A SELECT for a symbol's files of one kind, of candles one for each time frame."""
    groups: dict[str, list[Path]] = {}
    for path in entry.files:
        kind, _, frame = path.stem.partition("_")
        if kind == view and (view == "klines" or path.name in (QUOTES, TRADES, FUNDING)):
            groups.setdefault(frame, []).append(path.resolve())
    steps = {"tick": entry.instrument.tick, "lot": entry.instrument.lot}
    for frame, paths in sorted(groups.items()):
        columns = [f"{_text(entry.venue)} AS venue", f"{_text(entry.symbol)} AS symbol"]
        columns.append(r"CAST(regexp_extract(filename, '(\d{4}-\d{2}-\d{2})[/\\][^/\\]*$', 1) AS DATE) AS date")
        columns += [f"{_text(frame)} AS timeframe"] if view == "klines" else []
        columns += schema.names
        columns += [f"{_scaled(source, steps[step], step)} AS {name}" for name, source, step in PRICED[view]]
        files = ", ".join(_text(str(path)) for path in paths)
        yield f"SELECT {', '.join(columns)} FROM read_parquet([{files}], filename = true, hive_partitioning = false)"


def _scaled(column: str, step: Fraction, kind: str) -> str:
    """Steps as a float by the one rounded operation that runs use."""
    value = f"NULLIF({column}, 0)" if kind == "tick" else column
    return f"CAST({value} AS DOUBLE) * {step.numerator}::DOUBLE / {step.denominator}::DOUBLE"


def _empty(view: str, schema: pa.Schema) -> str:
    texts = ["NULL::VARCHAR AS venue", "NULL::VARCHAR AS symbol", "NULL::DATE AS date"]
    texts += ["NULL::VARCHAR AS timeframe"] if view == "klines" else []
    texts += [f"NULL::{SQL_TYPES[str(column.type)]} AS {column.name}" for column in schema]
    texts += [f"NULL::DOUBLE AS {name}" for name, _, _ in PRICED[view]]
    return f"SELECT {', '.join(texts)} WHERE false"


def _text(value: str) -> str:
    """A value as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"
