"""What we ask of the venue."""

from __future__ import annotations

from enum import IntEnum

from slackwater.kernel.record import Record, flag, i8, i32, i64, u8


class CommandKind(IntEnum):
    """What is asked."""

    PLACE = 1
    AMEND = 2
    CANCEL = 3
    QUERY = 4


class OrderType(IntEnum):
    """How an order is priced."""

    LIMIT = 1
    MARKET = 2


class Tif(IntEnum):
    """How long an order lives: GTX rests or is refused, IOC takes what there is."""

    GTX = 1
    IOC = 2
    GTC = 3


class Side(IntEnum):
    """The sign of a trade's effect on the position."""

    SELL = -1
    BUY = 1


class Purpose(IntEnum):
    """What an order group is for."""

    ENTRY = 0
    TAKE_PROFIT = 1
    CLOSE = 2


class Command(Record):
    """One request to the venue about one order."""

    ts_ns: i64  # when it leaves us
    order_id: i64  # per symbol, grows by one
    price_ticks: i64  # limit price; 0 for a market order
    lots: i64  # total quantity, executed part included
    symbol: i32
    kind: u8  # CommandKind
    purpose: u8  # Purpose
    side: i8  # Side
    type: u8  # OrderType
    tif: u8  # Tif
    reduce_only: flag
