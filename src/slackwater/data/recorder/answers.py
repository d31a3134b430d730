"""What the venue answers to requests, as far as a recording uses it, decoded strictly; fields that are not named here are skipped."""

from __future__ import annotations

from msgspec import Struct

from slackwater.data.stream_messages import Identifier, Milliseconds


class RestTrade(Struct):
    """Fills of one taker order at one price."""

    a: Identifier
    p: str
    q: str
    T: Milliseconds
    m: bool


class RestCandle(Struct, array_like=True):
    """A candle: its start, prices and volume, and more that is not used."""

    t: Milliseconds
    o: str
    h: str
    l: str  # noqa: E741  (as the streams name it)
    c: str
    v: str


class RestFunding(Struct):
    """A payment of funding."""

    fundingTime: Milliseconds
    fundingRate: str
