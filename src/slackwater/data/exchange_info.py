"""A symbol's steps and minimums from the venue's `exchangeInfo`, as it was saved or as it is served."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from slackwater.data.download import fetch_bytes
from slackwater.data.instrument import DEFAULT_MIN_NOTIONAL, InstrumentSpec, parse_step
from slackwater.errors import DataError, UsageError


def read_exchange_info(place: str, symbol: str) -> InstrumentSpec:
    """What the `exchangeInfo` in a file or at a URL says of a symbol.

    Raises:
        DataError: it cannot be had, or as for `spec_from_exchange_info`.
    """
    if place.startswith(("http://", "https://")):
        return spec_from_exchange_info(place, fetch_bytes(place), symbol)
    try:
        content = Path(place).read_bytes()
    except OSError as error:
        raise DataError(f"{place}: expected exchangeInfo in a file, found: {error.strerror}") from error
    return spec_from_exchange_info(place, content, symbol)


def spec_from_exchange_info(place: str, content: bytes, symbol: str) -> InstrumentSpec:
    """What `exchangeInfo` says of a symbol. `place` is its file or URL, for messages.

    Tick from PRICE_FILTER, lot and minimum size from LOT_SIZE, minimum value from MIN_NOTIONAL, or NOTIONAL as spot has it.

    Raises:
        DataError: it is no exchangeInfo, lacks the symbol, or a filter is missing or no positive decimal.
    """
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise DataError(f"{place}: expected exchangeInfo as JSON, found: {error}") from error
    listed = found.get("symbols") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise DataError(f"{place}: expected exchangeInfo with a list of symbols, found none")
    known = {entry["symbol"]: entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("symbol"), str)}
    if symbol not in known:
        raise DataError(f"{place}: expected the symbol {symbol}, found {len(known)} others; is it of the right venue and day?")
    return _spec(place, symbol, known[symbol])


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
