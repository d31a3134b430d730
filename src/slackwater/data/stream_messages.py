"""Messages of Binance USD-M public streams as far as a tape needs them, decoded strictly; everything else is told apart by kind only.

Fields that are not named here are skipped, as the venue adds some every year. A number where text belongs, or a time that can be none, is
a wrong type.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

# Milliseconds between 1973 and 2255: what fits nanoseconds and was not written in another unit.
Milliseconds = Annotated[int, Meta(ge=10**11, le=9 * 10**12)]
Identifier = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class BookTicker(Struct, tag_field="e", tag="bookTicker"):
    """The best bid and ask after a change of either."""

    s: str
    b: str
    B: str
    a: str
    A: str
    T: Milliseconds
    u: Identifier = 0  # grows, with holes


class AggTrade(Struct, tag_field="e", tag="aggTrade"):
    """Fills of one taker order at one price."""

    s: str
    a: Identifier
    p: str
    q: str
    T: Milliseconds
    m: bool


class SingleTrade(Struct, tag_field="e", tag="trade"):
    """One fill; `X` says MARKET for what the market did and something else for what the venue did by itself."""

    s: str
    t: Identifier
    p: str
    q: str
    T: Milliseconds
    m: bool
    X: str = "MARKET"


class Candle(Struct):
    """What a kline message says of its candle: `t` is its start, `x` whether it is over."""

    t: Milliseconds
    i: str
    o: str
    h: str
    l: str  # noqa: E741  (the venue's name)
    c: str
    v: str
    x: bool


class Kline(Struct, tag_field="e", tag="kline"):
    """A candle as it stands, or as it ended."""

    s: str
    k: Candle


class MarkPrice(Struct, tag_field="e", tag="markPriceUpdate"):
    """The funding rate `r` as estimated at `E` and the time `T` at which it is paid; empty and 0 where a contract has none."""

    s: str
    E: Milliseconds
    r: str = ""
    T: Annotated[int, Meta(ge=0, le=9 * 10**12)] = 0


def _ignored(name: str) -> type[Struct]:
    return msgspec.defstruct(f"Ignored_{name}", [], tag_field="e", tag=name)


UNUSED = {
    _ignored(name): name
    for name in (
        *("depthUpdate", "continuous_kline", "indexPriceUpdate", "forceOrder", "24hrTicker", "24hrMiniTicker"),
        *("compositeIndex", "contractInfo", "assetIndexUpdate"),
    )
}
NAMES: dict[type, str] = {
    BookTicker: "bookTicker",
    AggTrade: "aggTrade",
    SingleTrade: "trade",
    Kline: "kline",
    MarkPrice: "markPriceUpdate",
} | UNUSED
KNOWN = frozenset(NAMES.values())
_any_message: Any = BookTicker | AggTrade | SingleTrade | Kline | MarkPrice
for _kind in UNUSED:
    _any_message = _any_message | _kind
_combined: Any = msgspec.json.Decoder(msgspec.defstruct("Combined", [("data", _any_message)]))
_bare = msgspec.json.Decoder(_any_message)


def decode(text: bytes) -> Any:
    """The message in a text, which is of a combined stream or bare: a struct of this file, or a text: the kind of what is wrong with it.

    `malformed_line` is no JSON, `wrong_type` a known message with a field missing or of a wrong type, `unknown_message` all else.
    """
    try:
        return _combined.decode(text).data
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "malformed_line"
    try:
        return _bare.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _kind_of_wrong(text)


def _kind_of_wrong(text: bytes) -> str:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "malformed_line"
    inner = found.get("data", found) if isinstance(found, dict) else None
    event = inner.get("e") if isinstance(inner, dict) else None
    return "wrong_type" if isinstance(event, str) and event in KNOWN else "unknown_message"
