"""What a recording records: its symbols as asked for or the most traded ones, and what the venue says of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from slackwater.data.archive.download import fetch_bytes
from slackwater.data.exchange_info import read_listing, spec_of
from slackwater.data.instrument import InstrumentSpec, read_instrument
from slackwater.data.layout import INSTRUMENT, MANIFEST, TRADES, check_name, date_folders, is_name, read_json
from slackwater.data.parquet import open_parquet
from slackwater.data.recorder.backfill import MOST_MISSING
from slackwater.data.recorder.merge import RECORDING, steps_that_do_not_fit
from slackwater.data.symbols import canonical_symbol
from slackwater.errors import DataError, SafetyError, UsageError
from slackwater.schema.units import HOUR, MS

MOST_SYMBOLS = 1000
RESUMED_NS = HOUR  # a tape that ended longer ago is not continued by asking for all trades since


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """Symbols with their steps and minimums, and what the user should know of them."""

    symbols: tuple[str, ...]
    specs: tuple[InstrumentSpec, ...]
    notes: tuple[str, ...]


def plan_recording(symbols: Sequence[str], top: int | None, rest_url: str, exchange_info: str | None) -> RecordingPlan:
    """Ask the venue what there is. Either symbols are named, or `top` says how many of the most traded ones are meant.

    Raises:
        UsageError: neither or both are given, or `top` is out of range.
        DataError: the venue does not answer, or does not know a symbol.
    """
    names = list(dict.fromkeys(check_name("--symbols", canonical_symbol(name).upper()) for name in symbols))
    if bool(names) == (top is not None):
        raise UsageError(f"--symbols or --top: expected one of them, found {'both' if names else 'neither'}")
    if top is not None and not 1 <= top <= MOST_SYMBOLS:
        raise UsageError(f"--top: expected 1 to {MOST_SYMBOLS}, found {top}")
    place = exchange_info or f"{rest_url.rstrip('/')}/fapi/v1/exchangeInfo"
    listing = read_listing(place)
    if top is not None:
        names = most_traded(rest_url, listing, top)
    specs = tuple(spec_of(place, listing, name) for name in names)
    idle = [f"{name}: the venue says {status}" for name in names if (status := listing[name].get("status", "TRADING")) != "TRADING"]
    return RecordingPlan(tuple(names), specs, tuple(idle))


def most_traded(rest_url: str, listing: dict[str, dict[str, Any]], count: int) -> list[str]:
    """The perpetuals in USDT that trade now, by the value traded in 24 hours, largest first.

    Raises:
        DataError: the venue does not answer, or with something else.
    """
    url = f"{rest_url.rstrip('/')}/fapi/v1/ticker/24hr"
    try:
        tickers = msgspec.json.decode(fetch_bytes(url), type=list[dict[str, Any]])
        values = {ticker["symbol"]: float(ticker["quoteVolume"]) for ticker in tickers}
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{url}: expected a list of tickers with symbol and quoteVolume, found: {error}") from error
    fitting = [name for name in values if is_name(name) and _is_traded_perpetual(listing.get(name, {}))]
    if not fitting:
        raise DataError(f"{url}: expected tickers of perpetuals in USDT, found none among {len(values)}")
    return sorted(fitting, key=lambda name: (-values[name], name))[:count]


def _is_traded_perpetual(entry: dict[str, Any]) -> bool:
    wanted = {"status": "TRADING", "contractType": "PERPETUAL", "quoteAsset": "USDT"}
    return all(entry.get(name) == value for name, value in wanted.items())


def check_tape(home: Path, plan: RecordingPlan) -> None:
    """Refuse a tape that could not take the recording: a day of today that came from elsewhere, or steps that the venue's do not fit.

    `home` is the venue's folder.

    Raises:
        SafetyError: that is so for a symbol.
    """
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for symbol, told in zip(plan.symbols, plan.specs, strict=True):
        manifest, instrument = home / symbol / today / MANIFEST, home / symbol / INSTRUMENT
        kinds = {source.get("kind") for source in read_json(manifest).get("source", [])} if manifest.exists() else set()
        if kinds - {RECORDING}:
            raise SafetyError(f"{manifest.parent}: expected a day of a recording, found one from elsewhere; record into another folder")
        misfit = steps_that_do_not_fit(told, read_instrument(instrument)) if instrument.exists() else None
        if misfit:
            raise SafetyError(f"{instrument}: {misfit}; record into another folder")


@dataclass(frozen=True, slots=True)
class EarlierTrades:
    """Trades of the last hour on a tape: the last one, and the ids that are missing between them."""

    last_id: int
    last_ms: int
    missing: list[tuple[int, int]]


def earlier_trades(home: Path, symbols: Sequence[str]) -> dict[str, EarlierTrades]:
    """What the tape has of the last hour, by symbol: from there on trades can be asked for. `home` is the venue's folder.

    Raises:
        pyarrow.ArrowInvalid, OSError: a file is damaged.
    """
    found: dict[str, EarlierTrades] = {}
    oldest = time.time_ns() - RESUMED_NS
    for symbol in symbols:
        folders = date_folders(home / symbol) if (home / symbol).is_dir() else []
        parts = [part for folder in folders[-2:] if (folder / TRADES).exists() for part in _ids_since(folder / TRADES, oldest)]
        if parts:
            times, ids = (np.concatenate(column) for column in zip(*parts, strict=True))
            known = np.unique(ids)
            holes = np.flatnonzero((np.diff(known) > 1) & (np.diff(known) <= MOST_MISSING))
            missing = [(int(known[k]) + 1, int(known[k + 1]) - 1) for k in holes]
            found[symbol] = EarlierTrades(int(ids[np.argmax(times)]), int(times.max()) // MS, missing)
    return found


def _ids_since(path: Path, oldest_ns: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Times and ids of the trades since a time, from the file's end on as far as needed."""
    found = []
    with open_parquet(path) as file:
        for group in reversed(range(file.num_row_groups)):
            rows = file.read_row_group(group, columns=["ts_event", "trade_id"])
            times = rows.column("ts_event").to_numpy()
            is_late = (times >= oldest_ns) & rows.column("trade_id").is_valid().to_numpy()
            if not is_late.any():
                break
            found.append((times[is_late], rows.column("trade_id").fill_null(0).to_numpy()[is_late]))
    return found
