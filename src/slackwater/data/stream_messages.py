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


def _ignored(name: str) -> type[Struct]:
    return msgspec.defstruct(f"Ignored_{name}", [], tag_field="e", tag=name)


IGNORED = {
    _ignored(name): name
    for name in (
        *("depthUpdate", "kline", "continuous_kline", "markPriceUpdate", "indexPriceUpdate", "forceOrder", "24hrTicker", "24hrMiniTicker"),
        *("compositeIndex", "contractInfo", "assetIndexUpdate"),
    )
}
WANTED = {BookTicker: "bookTicker", AggTrade: "aggTrade", SingleTrade: "trade"}
KNOWN = frozenset((*WANTED.values(), *IGNORED.values()))
_any_message: Any = BookTicker | AggTrade | SingleTrade
for _kind in IGNORED:
    _any_message = _any_message | _kind
_combined: Any = msgspec.json.Decoder(msgspec.defstruct("Combined", [("data", _any_message)]))
_bare = msgspec.json.Decoder(_any_message)


def decode(text: bytes) -> Any:
    """The message in a text, which is of a combined stream or bare: a struct of this file, or as text the kind of what is wrong with it.

    `malformed_line` is no JSON, `wrong_type` a known message with a field missing or of a wrong type, `unknown_message` all else.
    """
    try:
        return _combined.decode(text).data
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "malformed_line"
    try:
        return _bare.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _kind_of_wrong(text)


def _kind_of_wrong(text: bytes) -> str:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "malformed_line"
    inner = found.get("data", found) if isinstance(found, dict) else None
    return "wrong_type" if isinstance(inner, dict) and inner.get("e") in KNOWN else "unknown_message"
