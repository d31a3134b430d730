"""What a recording records: its symbols as asked for or the most traded ones, and what the venue says of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from slackwater.data.archive.download import fetch_bytes
from slackwater.data.exchange_info import read_listing, spec_of
from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import MANIFEST, NAME_PATTERN, TRADES, check_name, date_folders, read_json
from slackwater.data.parquet import open_parquet
from slackwater.data.recorder.finish import recording_folder
from slackwater.data.recorder.log import symbols_being_recorded
from slackwater.data.symbols import canonical_symbol
from slackwater.errors import DataError, SafetyError, UsageError
from slackwater.schema.units import HOUR

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
    # Some contracts are named in other scripts; the names of a tape's folders are plain.
    fitting = [name for name in values if NAME_PATTERN.fullmatch(name) and _is_traded_perpetual(listing.get(name, {}))]
    if not fitting:
        raise DataError(f"{url}: expected tickers of perpetuals in USDT, found none among {len(values)}")
    return sorted(fitting, key=lambda name: (-values[name], name))[:count]


def _is_traded_perpetual(entry: dict[str, Any]) -> bool:
    wanted = {"status": "TRADING", "contractType": "PERPETUAL", "quoteAsset": "USDT"}
    return all(entry.get(name) == value for name, value in wanted.items())


def check_tape(to: Path, venue: str, symbols: Sequence[str]) -> None:
    """Refuse what would mix with another recording, or with a day that came from elsewhere.

    Raises:
        SafetyError: another process records one of the symbols into the same tape, or today's day there is not of a recording.
    """
    busy = symbols_being_recorded(recording_folder(to, venue)) & set(symbols)
    if busy:
        raise SafetyError(f"{to}: expected to be the only recorder of {', '.join(sorted(busy))}, found another process at it")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for symbol in symbols:
        manifest = to / venue / symbol / today / MANIFEST
        kinds = {source.get("kind") for source in read_json(manifest).get("source", [])} if manifest.exists() else set()
        if kinds - {"recording"}:
            raise SafetyError(f"{manifest.parent}: expected a day of a recording, found one from elsewhere; record into another folder")


def last_trade_ids(venue_folder: Path, symbols: Sequence[str]) -> dict[str, int]:
    """The last trade on the tape of each symbol that has one of the last hour: from there on trades can be asked for.

    Raises:
        pyarrow.ArrowInvalid, OSError: a file is damaged.
    """
    found: dict[str, int] = {}
    oldest = time.time_ns() - RESUMED_NS
    for symbol in symbols:
        home = venue_folder / symbol
        paths = [folder / TRADES for folder in date_folders(home)] if home.is_dir() else []
        for path in [path for path in paths if path.exists()][-1:]:
            with open_parquet(path) as file:
                last = file.read_row_group(file.num_row_groups - 1, columns=["ts_event", "trade_id"])
            recent = last.column("ts_event").to_numpy() >= oldest
            ids = last.column("trade_id").fill_null(-1).to_numpy()[recent]
            if len(ids) and int(ids.max()) >= 0:
                found[symbol] = int(ids.max())
    return found
