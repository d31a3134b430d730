"""Bytes of a market stream as messages. What is unknown or malformed is counted by kind, its first texts kept, and never fatal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

KEPT_TEXTS = 5  # of what was not understood, the first ones
KEPT_BYTES = 200


class BookTicker(msgspec.Struct, tag_field="e", tag="bookTicker", gc=False):
    """Best bid and ask; prices and sizes are the venue's decimals, times milliseconds."""

    s: str
    u: int
    T: int
    b: str
    B: str
    a: str
    A: str


class AggTrade(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    """Trades of one taker at one price; `a` grows by one, `T` is in milliseconds."""

    s: str
    a: int
    T: int
    p: str
    q: str
    m: bool


class MarkPrice(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    """The funding rate `r` as of `E` and the next time it is paid, `T`, both milliseconds."""

    s: str
    E: int
    r: str
    T: int


Message = BookTicker | AggTrade | MarkPrice


@dataclass(slots=True)
class StreamDecoder:
    """Decodes a batch of texts at a time; unknown fields are ignored."""

    odd: Counter[str] = field(default_factory=Counter)  # malformed, other
    texts: list[bytes] = field(default_factory=list)
    _decoder: msgspec.json.Decoder[Message] = field(default_factory=lambda: msgspec.json.Decoder(Message))

    def decode(self, batch: Iterable[bytes]) -> Iterator[Message]:
        """The messages of a batch in order; texts of another shape or event type are counted as `other`, broken JSON as `malformed`."""
        for text in batch:
            try:
                yield self._decoder.decode(text)
            except msgspec.ValidationError:
                self._count("other", text)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._count("malformed", text)

    def _count(self, kind: str, text: bytes) -> None:
        self.odd[kind] += 1
        if len(self.texts) < KEPT_TEXTS:
            self.texts.append(text[:KEPT_BYTES])
