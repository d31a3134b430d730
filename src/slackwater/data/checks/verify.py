"""Checking a tape: that files are what their manifests say, and that rows make sense.

`damage` is what makes a tape unfit: a file missing, unreadable, changed or lacking a column or values, times that run backwards, values
that mean nothing. All else that stands out (`findings.ODD_KINDS`, gaps, clocks that drift, steps that change) is a fact of a market or of
its recording: reported with its places, not damage. Files are read in batches, so memory does not grow with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.checks.findings import ODD_KINDS, PLACES, DayFindings
from slackwater.data.checks.outliers import BookBand, SpikeWatch
from slackwater.data.checks.row_checks import RecentIds, check_clocks, check_funding, check_quotes, check_trades, int_column
from slackwater.data.instrument import plain
from slackwater.data.layout import (
    FUNDING,
    FUNDING_SCHEMA,
    MANIFEST,
    MAY_BE_NULL,
    QUOTE_SCHEMA,
    QUOTES,
    TRADE_SCHEMA,
    TRADES,
    data_files,
    date_folders,
    read_manifest,
    sha256_of,
    time_text,
)
from slackwater.data.parquet import BATCH_ROWS, open_parquet, tape_batches
from slackwater.data.tape import SymbolTape, find_remains, open_symbol, select_folder
from slackwater.data.writer import GAP_NS, order_keys
from slackwater.errors import DataError
from slackwater.schema.units import DAY, SEC

Advance = Callable[[float], None]

SCHEMAS = {QUOTES: QUOTE_SCHEMA, TRADES: TRADE_SCHEMA, FUNDING: FUNDING_SCHEMA}


@dataclass(slots=True)
class SymbolCheck:
    """What is carried from one day of a symbol to the next, and what was found so far as plain values."""

    damage: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ODD_KINDS, 0)))
    places: dict[str, list[str]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    ids: RecentIds = field(default_factory=RecentIds)
    span_ns: tuple[int, int] | None = None  # when funding belongs to the tape: a gap before the first quote to one after the last
    paid_ns: set[int] = field(default_factory=set)  # times of funding; a few a day
    first_ns: int | None = None
    last_quote_ns: int | None = None  # so that a gap at midnight is seen
    last_trade_ns: int | None = None
    last_ns: dict[str, int] = field(default_factory=dict)  # the last time of each file's name
    steps: dict[tuple[str, str], int] = field(default_factory=dict)  # the last known of each file and column
    step_changes: list[dict[str, Any]] = field(default_factory=list)

    def take(self, day: DayFindings) -> None:
        """Take in a day that is done; its histograms are not kept."""
        self.damage += day.damage
        self.counts.update(day.counts)
        for kind, places in day.places.items():
            kept = self.places.setdefault(kind, [])
            kept += places[: PLACES - len(kept)]
        self.rows.update(day.rows)
        self.gaps += day.gaps
        self.days.append(day.as_json())


def verify_tape(folder: Path, symbols: Sequence[str] | None = None, advance: Advance = lambda amount: None) -> dict[str, Any]:
    """Check the symbols of a tape, all without names. `advance` is told shares of a symbol, 1 for each.

    Returns `ok`, and per symbol `damage` (sentences), `counts` and `places` by kind (`findings.ODD_KINDS`), rows by file, gaps,
    `coverage` (the share of the span, first to last quote, that lies outside gaps), `missing_days` between the first and the last,
    `step_changes`, and `days`: the same of each day, with hours covered, latencies and steps of each file; a day's `coverage` is the share
    of its 24 hours with quotes. A symbol whose files are all gone, or whose `instrument.json` is damaged, is damaged.

    Raises:
        DataError: there is no tape.
        UsageError: a named symbol is not on the tape.
    """
    found = find_remains(folder)
    wanted = [select_folder(folder, name, found) for name in symbols] if symbols else found
    checked = [_verify_symbol(path, advance) for path in dict.fromkeys(wanted)]
    return {"ok": not any(entry["damage"] for entry in checked), "folder": str(folder), "symbols": checked}


def _verify_symbol(folder: Path, advance: Advance) -> dict[str, Any]:
    check = SymbolCheck()
    entry: SymbolTape | None = None
    dates: list[str] = []
    try:
        # A day whose files are all gone has a folder still, and the tape no longer knows it.
        dates = [path.name for path in date_folders(folder)]
        entry = open_symbol(folder)
    except OSError as error:
        check.damage.append(f"{folder}: expected a folder that can be read, found: {error.strerror}")
    except DataError as error:
        check.damage.append(str(error))
    if not dates:
        check.damage.append(f"{folder}: expected days, found none")
    check.span_ns = _quote_span(folder, dates)
    for name in dates:
        day = DayFindings(name)
        _verify_day(folder / name, day, check)
        if entry is not None:
            _compare_steps(entry, day, check)
        check.take(day)
        advance(1.0 / len(dates))
    span_ns = (check.last_quote_ns or 0) - (check.first_ns or 0)
    numbers = {date.fromisoformat(name).toordinal() for name in dates}
    return {
        "venue": folder.parent.name,
        "symbol": folder.name,
        "sha256": None if entry is None else _hash_of(entry, check),
        "step_history": [] if entry is None else list(entry.instrument.history),
        "damage": check.damage,
        "counts": dict(check.counts),
        "places": check.places,
        "rows": dict(sorted(check.rows.items())),
        "gaps": check.gaps,
        "coverage": 1.0 - sum(gap["seconds"] for gap in check.gaps) * SEC / span_ns if span_ns > 0 else 1.0,
        "missing_days": [
            date.fromordinal(n).isoformat() for n in range(min(numbers, default=0), max(numbers, default=0)) if n not in numbers
        ],
        "step_changes": check.step_changes,
        "days": check.days,
    }


def _quote_span(folder: Path, dates: Sequence[str]) -> tuple[int, int] | None:
    """From a gap's length before the first quote to one after the last; None without quotes that can be read."""
    paths = [path for name in dates if (path := folder / name / QUOTES).exists()]
    found: list[int] = []
    try:
        for path in paths[:1] + paths[-1:]:
            for batch in tape_batches(path, ("ts_event", "ts_recv")):
                keys = order_keys(batch)
                found += [int(keys.min()), int(keys.max())]
    except DataError:
        return None
    return (min(found) - GAP_NS, max(found) + GAP_NS) if found else None


def _hash_of(entry: SymbolTape, check: SymbolCheck) -> str | None:
    try:
        return entry.sha256
    except DataError as error:
        check.damage.append(str(error))
        return None


def _verify_day(folder: Path, day: DayFindings, check: SymbolCheck) -> None:
    manifest = _read_manifest(folder, day)
    listed: dict[str, Any] = (manifest or {}).get("files", {})
    present = {path.name: path for path in data_files(folder)}
    day.damage += [f"{day.date}/{missing}: expected the file, found none" for missing in sorted(set(listed) - set(present))]
    if not listed and not present:
        day.damage.append(f"{day.date}: expected files, found none")
    band: BookBand | None = None
    for path in sorted(present.values(), key=lambda path: (path.name == TRADES, path.name)):  # trades are held against the day's books
        known = listed.get(path.name)
        if manifest is not None and known is None:
            day.damage.append(f"{day.date}/{path.name}: expected a line in the {MANIFEST}, found none")
        try:
            if known is not None and known.get("sha256") != sha256_of(path):
                day.damage.append(f"{day.date}/{path.name}: expected the content that the {MANIFEST} tells of, found another hash")
            if path.name == QUOTES:
                band = _verify_quotes(path, day, check)
            elif path.name == TRADES:
                _verify_trades(path, day, check, band)
            elif path.name == FUNDING:
                for batch, _, start in _ordered(path, day, check):
                    check_funding(day, batch, start, check.span_ns, check.paid_ns)
            else:
                for _ in _ordered(path, day, check):
                    pass
        except (pa.ArrowException, OSError, DataError) as error:
            day.damage.append(f"{day.date}/{path.name}: expected a readable tape file, found: {error}")


def _read_manifest(folder: Path, day: DayFindings) -> dict[str, Any] | None:
    if not (folder / MANIFEST).exists():
        day.damage.append(f"{day.date}: expected a {MANIFEST}, found none")
        return None
    try:
        return read_manifest(folder / MANIFEST)
    except DataError as error:
        day.damage.append(f"{day.date}: {error}")
        return None


def _verify_quotes(path: Path, day: DayFindings, check: SymbolCheck) -> BookBand:
    band, spikes = BookBand(_day_ns(day)), SpikeWatch()
    last: pa.RecordBatch | None = None
    last_event_ns: int | None = None
    for batch, keys, start in _ordered(path, day, check):
        bid, bid_lots, ask, ask_lots = (int_column(batch, name) for name in QUOTE_SCHEMA.names[2:])
        _refuse_negative(path, np.minimum.reduce([bid, bid_lots, ask, ask_lots]), day)
        check_quotes(day, batch, start, last)
        last_event_ns = check_clocks(day, "quotes", batch, start, last_event_ns)
        valid = np.flatnonzero((bid > 0) & (ask >= bid))
        spikes.see((bid[valid] + ask[valid]) / 2.0, valid + start)
        band.see(keys[valid], bid[valid], ask[valid])
        _see_gaps(keys, start, day, check)
        last = batch.slice(batch.num_rows - 1)
    spikes.finish(day)
    band.close()
    return band


def _verify_trades(path: Path, day: DayFindings, check: SymbolCheck, band: BookBand | None) -> None:
    last: pa.RecordBatch | None = None
    last_event_ns: int | None = None
    for batch, keys, start in _ordered(path, day, check):
        price, lots = int_column(batch, "price_ticks"), int_column(batch, "lots")
        _refuse_negative(path, np.minimum(price - 1, lots), day)
        check_trades(day, batch, start, last, check.ids)
        last_event_ns = check_clocks(day, "trades", batch, start, last_event_ns)
        if band is not None:
            band.check(day, keys, price, start)
        _note_long_gaps("trades", keys, start, day, check.last_trade_ns)
        check.last_trade_ns = int(keys[-1])
        last = batch.slice(batch.num_rows - 1)


def _ordered(path: Path, day: DayFindings, check: SymbolCheck) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64], int]]:
    """A file's batches with the times that order them and the number of their first row; steps back in time and nulls are damage."""
    where, stem = f"{day.date}/{path.name}", path.stem
    schema = SCHEMAS.get(path.name)
    required = [name for name in schema.names if name not in MAY_BE_NULL] if schema else []
    day_ns, previous, backwards, start = _day_ns(day), None, 0, 0
    nulls: dict[str, int] = {}
    for batch in _batches(path, schema):
        day.rows[stem] += batch.num_rows
        if not batch.num_rows:
            continue
        for name in required:
            nulls[name] = nulls.get(name, 0) + batch.column(name).null_count
        keys = order_keys(batch)
        if previous is None and keys[0] < check.last_ns.get(path.name, keys[0]):
            day.damage.append(f"{where}: expected times after those of the days before, found {time_text(int(keys[0]))}")
        backwards += int(np.count_nonzero(keys[1:] < keys[:-1])) + int(previous is not None and keys[0] < previous)
        previous = int(keys[-1])
        day.see_times(stem, keys)
        if schema is not None:
            day.note("other_day", stem, np.flatnonzero((keys < day_ns) | (keys >= day_ns + DAY)) + start)
        yield batch, keys, start
        start += batch.num_rows
    if previous is not None:
        check.last_ns[path.name] = previous
    if backwards:
        day.damage.append(f"{where}: expected times in order, found {backwards} steps back")
    day.damage += [f"{where}: expected {name} in every row, found {count} without" for name, count in nulls.items() if count]


def _batches(path: Path, schema: pa.Schema | None) -> Iterator[pa.RecordBatch]:
    with open_parquet(path) as file:
        if schema is not None:
            present = {column.name: column.type for column in file.schema_arrow}
            if any(present.get(column.name) != column.type for column in schema):
                raise DataError(f"the columns {', '.join(present)}, not {', '.join(schema.names)} in the tape's types")
        yield from file.iter_batches(BATCH_ROWS, use_threads=False)


def _day_ns(day: DayFindings) -> int:
    return (date.fromisoformat(day.date).toordinal() - date(1970, 1, 1).toordinal()) * DAY


def _note_long_gaps(stem: str, keys: NDArray[np.int64], start: int, day: DayFindings, before_ns: int | None) -> None:
    before = keys[:1] if before_ns is None else np.array([before_ns])
    day.note("long_gap", stem, np.flatnonzero(np.diff(np.concatenate((before, keys))) > DAY) + start)


def _see_gaps(keys: NDArray[np.int64], start: int, day: DayFindings, check: SymbolCheck) -> None:
    day.see_quotes(keys)
    _note_long_gaps("quotes", keys, start, day, check.last_quote_ns)
    if check.last_quote_ns is not None:
        keys = np.concatenate(([check.last_quote_ns], keys))
    check.first_ns = int(keys[0]) if check.first_ns is None else check.first_ns
    for k in np.flatnonzero(np.diff(keys) > GAP_NS):
        length_ns = int(keys[k + 1] - keys[k])
        day.gaps.append({"from": time_text(int(keys[k])), "to": time_text(int(keys[k + 1])), "seconds": length_ns / SEC})
    check.last_quote_ns = int(keys[-1])


def _refuse_negative(path: Path, least: NDArray[np.int64], day: DayFindings) -> None:
    count = int(np.count_nonzero(least < 0))
    if count:
        day.damage.append(f"{day.date}/{path.name}: expected prices and sizes that make sense, found {count} rows without")


def _compare_steps(entry: SymbolTape, day: DayFindings, check: SymbolCheck) -> None:
    """Hold the day's steps against the instrument's and those of the day before."""
    units = {"price": entry.instrument.tick_size, "size": entry.instrument.lot_size}
    for key, gauge in day.steps.items():
        stem, what = key
        if gauge.step is None:
            continue
        if gauge.step > 1:
            day.counts["coarse_step"] += 1
            day.places.setdefault("coarse_step", []).append(f"{day.date}/{stem} {what} {plain(units[what] * gauge.step)}")
        before = check.steps.get(key)
        if before is not None and before != gauge.step:
            day.counts["step_change"] += 1
            old, new = plain(units[what] * before), plain(units[what] * gauge.step)
            day.places.setdefault("step_change", []).append(f"{day.date}/{stem} {what} {old} to {new}")
            check.step_changes.append({"date": day.date, "file": stem, "what": what, "from": old, "to": new})
        check.steps[key] = gauge.step
