"""Ranking symbols by a snapshot of 24 hours, as the venue's `ticker/24hr` gives it. What it does not tell is named as unknown."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from slackwater.config import Config
from slackwater.data.archive.download import fetch_bytes
from slackwater.data.scan.ranking import DAY_HOURS, Candidate, ranking, refusals_by_figures, refusals_by_name, ticker_parts
from slackwater.errors import DataError, UsageError

UNKNOWN = ("spread_share", "pumps_per_hour", "depth_usd")
DOLLARS = ("USDT", "USDC", "FDUSD", "BUSD", "USD1", "USD")  # of other quote currencies the turnover is no dollars
PLACES = 3


def scan_tickers(place: str, config: Config, top: int | None = None) -> dict[str, Any]:
    """Rank the symbols of a snapshot in a file or at a URL.

    Returns `ranked`, `more`, `refused` as `scan.ranking` has them, `unknown` (figures that only a tape has), and of entries that make no
    sense `quarantined` by kind with the first `places`. Figures: `change_pct`, `range_pct` (high over low), `usd_per_hour`,
    `trades_per_min`, all of 24 hours.

    Raises:
        DataError: the snapshot cannot be had, or holds no tickers.
        UsageError: `top` is not positive.
    """
    if top is not None and top <= 0:
        raise UsageError(f"--top: expected a positive number, found {top}")
    entries = _read(place)
    quarantined: Counter[str] = Counter()
    places: dict[str, list[str]] = {}
    found: dict[str, Candidate] = {}
    for number, entry in enumerate(entries, 1):
        kind = _fault(entry) or ("symbol_twice" if entry["symbol"] in found else None)
        if kind is not None:
            quarantined[kind] += 1
            places.setdefault(kind, [])
            places[kind] += [f"entry {number}"][: PLACES - len(places[kind])]
        else:
            found[entry["symbol"]] = _candidate(entry, config)
    if not found:
        raise DataError(
            f"{place}: expected tickers with symbol, priceChangePercent and quoteVolume, found none among {len(entries)} entries"
        )
    return {
        "source": place,
        "kind": "tickers",
        "unknown": list(UNKNOWN),
        "quarantined": dict(quarantined),
        "places": places,
        **ranking(list(found.values()), top or config.scanner.top_n),
    }


def _read(place: str) -> list[Any]:
    if place.startswith(("http://", "https://")):
        content = fetch_bytes(place)
    else:
        try:
            content = Path(place).read_bytes()
        except OSError as error:
            raise DataError(f"{place}: expected a snapshot of tickers in a file, found: {error.strerror}") from error
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise DataError(f"{place}: expected a snapshot of tickers as JSON, found: {error}") from error
    return found if isinstance(found, list) else [found]


def _fault(entry: Any) -> str | None:
    """What is wrong with an entry; None for nothing."""
    if not isinstance(entry, dict):
        return "no_object"
    if not isinstance(entry.get("symbol"), str) or not entry["symbol"]:
        return "no_symbol"
    change, volume = _number(entry, "priceChangePercent"), _number(entry, "quoteVolume")
    if change is None or change < -100:
        return "no_change"
    return "no_volume" if volume is None or volume < 0 else None


def _candidate(entry: dict[str, Any], config: Config) -> Candidate:
    symbol: str = entry["symbol"]
    high, low, count = _number(entry, "highPrice"), _number(entry, "lowPrice"), _number(entry, "count")
    volume = _number(entry, "quoteVolume")
    measured: dict[str, float | None] = {
        "change_pct": _number(entry, "priceChangePercent"),
        "range_pct": (high / low - 1.0) * 100.0 if high is not None and low is not None and 0 < low <= high else None,
        "usd_per_hour": None if volume is None else volume / DAY_HOURS,
        "trades_per_min": None if count is None or count < 0 else count / (DAY_HOURS * 60.0),
    }
    refused = refusals_by_name(symbol, config) or refusals_by_figures(measured, config)
    if not symbol.partition("_")[0].endswith(DOLLARS):
        refused = [*refused, f"quoted in none of {', '.join(DOLLARS)}"]
    return Candidate(symbol, symbol, measured, ticker_parts(measured, config), refused)


def _number(entry: dict[str, Any], name: str) -> float | None:
    """A finite number, as JSON has it or as text, which is how the venue sends it."""
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
