"""Formats that an import takes, and which options each needs: every format ends in sources of our columns and one way to import them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slackwater.data.formats.column_plan import UNITS, ColumnPlan, parse_map
from slackwater.data.formats.event_files import event_sources
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.raw_log import AGG_KIND, TRADE_KIND, RawLog
from slackwater.data.formats.source import NEEDED, OPTIONAL, Source, open_source
from slackwater.data.formats.take_in import Advance
from slackwater.data.placing import told
from slackwater.errors import DataError, UsageError

GENERIC, TARDIS, EVENTS, RAW = "generic", "tardis", "hftbacktest", "binance-raw"
FORMATS = (GENERIC, TARDIS, EVENTS, RAW)
TARDIS_NAMES = {
    "ts_event": "timestamp",
    "ts_recv": "local_timestamp",
    "bid": "bid_price",
    "bid_qty": "bid_amount",
    "ask": "ask_price",
    "ask_qty": "ask_amount",
    "qty": "amount",
    "buyer_maker": "side",
    "trade_id": "id",
}


@dataclass(frozen=True, slots=True)
class FormatRequest:
    """What to import and as what. Of `base` the symbol and the files of quotes and trades are filled in here.

    `quotes` and `trades` belong to the formats with a file for each, `inputs` to those with files of both.
    """

    format: str
    base: ImportRequest
    symbols: tuple[str, ...] = ()
    quotes: Path | None = None
    trades: Path | None = None
    inputs: tuple[Path, ...] = ()
    column_map: tuple[str, ...] = ()
    time_unit: str | None = None


def open_format(request: FormatRequest) -> tuple[ImportRequest, tuple[Source, ...]]:
    """The sources of a format with one symbol, and the request completed with what its files say of themselves.

    Raises:
        UsageError: an option is missing or does not belong to the format.
        DataError: a file is missing or not what it should be.
    """
    _check_options(request)
    base = replace(request.base, symbol=request.symbols[0])
    if request.format == EVENTS:
        sources, sidecar = event_sources(request.inputs)
        told = sidecar["instrument"] if sidecar else {}
        steps: dict[str, Any] = {
            ours: getattr(base, ours) or told.get(theirs)
            for ours, theirs in (("tick", "tick_size"), ("lot", "lot_size"), ("min_qty", "min_qty"), ("min_notional", "min_notional"))
        }
        return replace(base, **steps), sources
    if request.format == TARDIS:
        plan = ColumnPlan(TARDIS_NAMES, UNITS["us"], has_sides=True, symbol=base.symbol, one_sided=True)
    else:
        names = parse_map(request.column_map)
        plan = ColumnPlan(names, UNITS[request.time_unit or "ns"], has_sides="buyer_maker" in names)
    files = [("quotes", request.quotes, plan), ("trades", request.trades, plan)]
    # Funding rates are always ours: Tardis has no file of them.
    files.append(("funding", base.funding, plan if request.format == GENERIC else ColumnPlan()))
    opened = tuple(open_source(path, kind, way) for kind, path, way in files if path is not None)
    if request.format == GENERIC:
        _check_map(plan.names, opened)
    return base, opened


def import_raw(request: FormatRequest, advance: Advance = lambda amount: None) -> dict[str, Any]:
    """Import the symbols of a raw log, all or those named; each symbol is put in place as a whole.

    Returns `symbols`, one entry of `import_tape` each, `skipped`: name and reason of those that could not be, and `log`: its lines,
    the messages by kind, what was refused (`quarantined`) with the first `places`, and how many `trade` messages gave way to `aggTrade`.

    Raises:
        UsageError: an option is missing or does not belong to the format.
        DataError: the log is missing, unreadable or without a message of use, lacks a symbol that was named, or no symbol can be imported.
    """
    _check_options(request)
    base = request.base
    with told(base.to), _room_in(base.to) as name:
        log = RawLog(request.inputs[0], Path(name), frozenset(request.symbols))
        log.read(advance)
        absent = sorted(set(request.symbols) - set(log.symbols()))
        if absent:
            raise DataError(f"{log.path}: expected messages of {', '.join(absent)}, found {', '.join(log.symbols())}")
        done, skipped = [], []
        for symbol in log.symbols():
            try:
                done.append(import_tape(replace(base, symbol=symbol), sources=log.sources(symbol)))
            except DataError as error:
                skipped.append({"name": symbol, "reason": str(error)})
        if not done:
            raise DataError("\n".join(entry["reason"] for entry in skipped))
        beside = sum(count for (symbol, kind), count in log.rows.items() if kind == TRADE_KIND and log.rows[symbol, AGG_KIND])
    return {
        "format": RAW,
        "symbols": done,
        "skipped": skipped,
        "log": {
            "lines": log.lines,
            "messages": dict(sorted(log.messages.items())),
            "quarantined": dict(sorted(log.tally.items())),
            "places": log.tally.places,
            "trades_beside_agg_trades": beside,
        },
    }


@contextmanager
def _room_in(folder: Path) -> Iterator[str]:
    """A temporary folder within one that is made when missing, and that goes again when nothing came of it."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".log-", dir=folder) as name:
            yield name
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _check_map(names: Mapping[str, str], sources: tuple[Source, ...]) -> None:
    """Refuse a column that none of the files has which could use it; a file without it keeps our name where another one has it.

    Raises:
        DataError: there is such a column.
    """
    for ours, theirs in names.items():
        users = [source for source in sources if ours in NEEDED[source.kind] + OPTIONAL[source.kind]]
        if users and not any(theirs in source.names for source in users):
            there = "; ".join(f"{source.path.name} has {', '.join(source.names)}" for source in users)
            raise DataError(f"--map {ours}={theirs}: expected the column {theirs} in {users[0].path}, found none of that name; {there}")


def _check_options(request: FormatRequest) -> None:
    if request.format not in FORMATS:
        raise UsageError(f"--format: expected one of {', '.join(FORMATS)}, found {request.format!r}")
    has_pair = request.format in (GENERIC, TARDIS)
    if has_pair and (request.quotes is None or request.trades is None or request.inputs):
        raise UsageError(f"--format {request.format}: expected --quotes FILE and --trades FILE, and no --input")
    if not has_pair and (not request.inputs or request.quotes or request.trades):
        raise UsageError(f"--format {request.format}: expected --input FILE, and neither --quotes nor --trades")
    if request.format == RAW and len(request.inputs) != 1:
        raise UsageError(f"--format {RAW}: expected one --input, found {len(request.inputs)}; import one log after the other")
    if request.format != RAW and len(request.symbols) != 1:
        raise UsageError(f"--symbol: expected one for --format {request.format}, found {len(request.symbols)}")
    if request.format != GENERIC and (request.column_map or request.time_unit):
        raise UsageError(f"--map, --time-unit: expected with --format {GENERIC} only, found --format {request.format}")
    if request.time_unit is not None and request.time_unit not in UNITS:
        raise UsageError(f"--time-unit: expected one of {', '.join(UNITS)}, found {request.time_unit!r}")
    if request.base.funding and not has_pair:
        raise UsageError(f"--funding: expected with --format {GENERIC} or {TARDIS}, found --format {request.format}")
