"""Checking a tape: that files are what their manifests say, and that rows make sense.

`damage` is what makes a tape unfit: a file missing, unreadable, changed or lacking a column, times that run backwards, values that no
import writes. Gaps, crossed books and duplicates are facts of a market or its recording: counted, not damage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.data.layout import MANIFEST, QUOTE_SCHEMA, QUOTES, TRADE_SCHEMA, TRADES, data_files, sha256_of, time_text
from slackwater.data.tape import SymbolTape, find_symbol_folders, open_tape
from slackwater.data.writer import BATCH_ROWS, GAP_NS, order_keys
from slackwater.errors import DataError
from slackwater.schema.units import SEC

Advance = Callable[[float], None]


@dataclass(slots=True)
class Findings:
    """What was found in one symbol's files."""

    damage: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    first_ns: int | None = None
    last_quote_ns: int | None = None  # across days, so that a gap at midnight is seen
    quiet_ns: int = 0  # the sum of the gaps


def verify_tape(folder: Path, symbols: Sequence[str] | None = None, advance: Advance = lambda amount: None) -> dict[str, Any]:
    """Check the symbols of a tape, all without names. `advance` is told shares of a symbol, 1 for each.

    Returns `ok`, and per symbol `damage` (sentences), `counts` (crossed_book, one_sided_book, repeated_quote, repeated_trade,
    repeated_trade_id), rows by file, gaps, and `coverage`: the share of the span, first to last quote, that lies outside gaps.

    Raises:
        DataError: there is no tape, or an `instrument.json` is missing or damaged.
        UsageError: a named symbol is not on the tape.
    """
    names = list(symbols) if symbols else [f"{path.parent.name}/{path.name}" for path in find_symbol_folders(folder)]
    checked = [_verify_symbol(open_tape(folder, [name]).symbols[0], advance) for name in names]
    return {"ok": not any(entry["damage"] for entry in checked), "folder": str(folder), "symbols": checked}


def _verify_symbol(entry: SymbolTape, advance: Advance) -> dict[str, Any]:
    found = Findings()
    for date in entry.dates:
        _verify_day(entry.folder / date, entry.manifest.get(date), found)
        advance(1.0 / len(entry.dates))
    span = (found.last_quote_ns or 0) - (found.first_ns or 0)
    return {
        "venue": entry.venue,
        "symbol": entry.symbol,
        "sha256": entry.sha256,
        "step_history": list(entry.instrument.history),
        "damage": found.damage,
        "counts": dict(sorted(found.counts.items())),
        "rows": dict(sorted(found.rows.items())),
        "gaps": found.gaps,
        "coverage": 1.0 - found.quiet_ns / span if span > 0 else 1.0,
    }


def _verify_day(folder: Path, manifest: dict[str, Any] | None, found: Findings) -> None:
    name = folder.name
    if manifest is None:
        found.damage.append(f"{name}: expected a {MANIFEST}, found none")
    listed: dict[str, Any] = (manifest or {}).get("files", {})
    present = {path.name: path for path in data_files(folder)}
    found.damage += [f"{name}/{missing}: expected the file, found none" for missing in sorted(set(listed) - set(present))]
    for path in present.values():
        known = listed.get(path.name)
        if manifest is not None and known is None:
            found.damage.append(f"{name}/{path.name}: expected a line in the {MANIFEST}, found none")
        elif known is not None and known.get("sha256") != sha256_of(path):
            found.damage.append(f"{name}/{path.name}: expected the content that the {MANIFEST} tells of, found another hash")
        try:
            _verify_file(path, found)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, DataError) as error:
            found.damage.append(f"{name}/{path.name}: expected a readable tape file, found: {error}")


def _verify_file(path: Path, found: Findings) -> None:
    schema = {QUOTES: QUOTE_SCHEMA, TRADES: TRADE_SCHEMA}.get(path.name)
    previous: int | None = None
    for batch in _batches(path, schema):
        found.rows[path.stem] += batch.num_rows
        if not batch.num_rows:
            continue
        keys = order_keys(batch)
        backwards = int(np.count_nonzero(keys[1:] < keys[:-1])) + int(previous is not None and keys[0] < previous)
        if backwards:
            found.damage.append(f"{path.parent.name}/{path.name}: expected times in order, found {backwards} steps back")
        previous = int(keys[-1])
        if path.name == QUOTES:
            _check_quotes(path, batch, keys, found)
        elif path.name == TRADES:
            _check_trades(path, batch, found)


def _batches(path: Path, schema: pa.Schema | None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        if schema is not None:
            wrong = (
                [column.name for column in schema if file.schema_arrow.field(column.name).type != column.type]
                if _has(file, schema)
                else schema.names
            )
            if wrong:
                raise DataError(f"the columns {', '.join(file.schema_arrow.names)}, not {', '.join(schema.names)} in the tape's types")
        yield from file.iter_batches(BATCH_ROWS, use_threads=False)


def _has(file: pq.ParquetFile, schema: pa.Schema) -> bool:
    return set(schema.names) <= set(file.schema_arrow.names)


def _check_quotes(path: Path, batch: pa.RecordBatch, keys: NDArray[np.int64], found: Findings) -> None:
    bid, bid_lots, ask, ask_lots = (batch.column(name).to_numpy() for name in QUOTE_SCHEMA.names[2:])
    _refuse_negative(path, np.minimum.reduce([bid, bid_lots, ask, ask_lots]), found)
    found.counts["crossed_book"] += int(np.count_nonzero((ask < bid) & (ask > 0)))
    found.counts["one_sided_book"] += int(np.count_nonzero((bid == 0) | (ask == 0)))
    found.counts["repeated_quote"] += _repeats(batch, QUOTE_SCHEMA.names)
    if found.last_quote_ns is not None:
        keys = np.concatenate(([found.last_quote_ns], keys))
    found.first_ns = int(keys[0]) if found.first_ns is None else found.first_ns
    for k in np.flatnonzero(np.diff(keys) > GAP_NS):
        length = int(keys[k + 1] - keys[k])
        found.quiet_ns += length
        found.gaps.append({"from": time_text(int(keys[k])), "to": time_text(int(keys[k + 1])), "seconds": length / SEC})
    found.last_quote_ns = int(keys[-1])


def _check_trades(path: Path, batch: pa.RecordBatch, found: Findings) -> None:
    price, lots = batch.column("price_ticks").to_numpy(), batch.column("lots").to_numpy()
    _refuse_negative(path, np.minimum(price, lots) - 1, found)
    found.counts["repeated_trade"] += _repeats(batch, ["ts_event", "price_ticks", "lots", "buyer_maker"])
    known = batch.column("trade_id").drop_null()
    found.counts["repeated_trade_id"] += len(known) - len(known.unique())


def _refuse_negative(path: Path, least: NDArray[np.int64], found: Findings) -> None:
    count = int(np.count_nonzero(least < 0))
    if count:
        found.damage.append(f"{path.parent.name}/{path.name}: expected prices and sizes that make sense, found {count} rows without")


def _repeats(batch: pa.RecordBatch, names: Sequence[str]) -> int:
    """Rows equal to the row before them. Equal trades may well be two trades."""
    same = np.ones(max(batch.num_rows - 1, 0), np.bool_)
    for name in names:
        column = batch.column(name)
        if column.null_count == len(column):
            continue
        values = column.fill_null(0).to_numpy() if pa.types.is_integer(column.type) else column.to_numpy(zero_copy_only=False)
        same &= values[1:] == values[:-1]
    return int(np.count_nonzero(same))
