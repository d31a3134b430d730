"""A symbol's steps and minimums from the venue's `exchangeInfo`, as it was saved or as it is served."""

from __future__ import annotations

import difflib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from slackwater.data.archive.download import fetch_bytes
from slackwater.data.instrument import DEFAULT_MIN_NOTIONAL, InstrumentSpec, parse_step
from slackwater.errors import DataError, UsageError


def read_exchange_info(place: str, symbol: str) -> InstrumentSpec:
    """What the `exchangeInfo` in a file or at a URL says of a symbol.

    Raises:
        DataError: it cannot be had, or as for `spec_from_exchange_info`.
    """
    return spec_from_exchange_info(place, _content(place), symbol)


def read_listing(place: str) -> dict[str, dict[str, Any]]:
    """The entries of the `exchangeInfo` in a file or at a URL, by symbol.

    Raises:
        DataError: it cannot be had, or is no exchangeInfo.
    """
    return _listing(place, _content(place))


def listing_of(place: str, found: object) -> dict[str, dict[str, Any]]:
    """The entries of a decoded `exchangeInfo`, by symbol. `place` is its file or URL, for messages.

    Raises:
        DataError: it is no exchangeInfo.
    """
    listed = found.get("symbols") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise DataError(f"{place}: expected exchangeInfo with a list of symbols, found none")
    return {entry["symbol"]: entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("symbol"), str)}


def spec_from_exchange_info(place: str, content: bytes, symbol: str) -> InstrumentSpec:
    """What `exchangeInfo` says of a symbol. `place` is its file or URL, for messages.

    Raises:
        DataError: it is no exchangeInfo, or as for `spec_of`.
    """
    return spec_of(place, _listing(place, content), symbol)


def spec_of(place: str, listing: dict[str, dict[str, Any]], symbol: str) -> InstrumentSpec:
    """What a listing says of a symbol.

    Tick from PRICE_FILTER, lot and minimum size from LOT_SIZE, minimum value from MIN_NOTIONAL, or NOTIONAL as spot has it.

    Raises:
        DataError: it lacks the symbol, or a filter is missing or no positive decimal.
    """
    if symbol not in listing:
        near = difflib.get_close_matches(symbol, listing, n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "is it of the right venue and day?"
        raise DataError(f"{place}: expected the symbol {symbol}, found {len(listing)} others; {hint}")
    return _spec(place, symbol, listing[symbol])


def _content(place: str) -> bytes:
    if place.startswith(("http://", "https://")):
        return fetch_bytes(place)
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise DataError(f"{place}: expected exchangeInfo in a file, found: {error.strerror}") from error


def _listing(place: str, content: bytes) -> dict[str, dict[str, Any]]:
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise DataError(f"{place}: expected exchangeInfo as JSON, found: {error}") from error
    return listing_of(place, found)


def _spec(place: str, symbol: str, entry: dict[str, Any]) -> InstrumentSpec:
    listed = entry.get("filters")
    filters = {item.get("filterType"): item for item in listed if isinstance(item, dict)} if isinstance(listed, list) else {}
    tick = _decimal(f"{place}: {symbol}", filters, "PRICE_FILTER", "tickSize")
    lot = _decimal(f"{place}: {symbol}", filters, "LOT_SIZE", "stepSize")
    min_qty = _decimal(f"{place}: {symbol}", filters, "LOT_SIZE", "minQty")
    minimum = filters.get("MIN_NOTIONAL") or filters.get("NOTIONAL") or {}
    least = str(minimum.get("notional") or minimum.get("minNotional") or DEFAULT_MIN_NOTIONAL)
    try:
        min_notional = parse_step("minimum notional", least)
    except UsageError as error:
        raise DataError(f"{place}: {symbol}: {error}") from error
    margin, quote = entry.get("marginAsset"), entry.get("quoteAsset")
    is_inverse = margin is not None and margin == entry.get("baseAsset") and margin != quote
    if is_inverse:
        raise DataError(f"{place}: {symbol}: expected a linear contract, found one that settles in {margin}")
    return InstrumentSpec(tick, lot, min_qty, min_notional)


def _decimal(place: str, filters: dict[Any, dict[str, Any]], kind: str, name: str) -> Decimal:
    text = filters.get(kind, {}).get(name)
    if text is None:
        raise DataError(f"{place}: expected {name} in the filter {kind}, found none")
    try:
        return parse_step(name, str(text))
    except UsageError as error:
        raise DataError(f"{place}: {error}") from error
