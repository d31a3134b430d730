"""A slackwater tape as events of hftbacktest, in two ways.

`both`: a quote row becomes an event for the bid and one for the ask, as quote feeds are usually converted. `changed`: only for the sides
that differ from the row before, the fewest events that keep the book right. Where a side's price moved, its old level is set to nothing
after the new one stands: in that order no update makes hftbacktest search its book for the next level. A trade row becomes one trade
event. Candles are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.config.model import Config
from slackwater.data.cache import load_rows
from slackwater.data.tape import open_tape
from slackwater.errors import DataError
from slackwater.schema.events import RowKind

# The layout and the flags of hftbacktest 2's events, as its documentation lists them.
EVENT = np.dtype([(name, kind) for name, kind in zip(
    ("ev", "exch_ts", "local_ts", "px", "qty", "order_id", "ival", "fval"), ("u8", "i8", "i8", "f8", "f8", "u8", "i8", "f8"), strict=True
)])  # fmt: skip
DEPTH, TRADE = 1, 2
AT_BOTH = 1 << 31 | 1 << 30  # seen by the exchange at exch_ts and by the strategy at local_ts
BUY, SELL = 1 << 29, 1 << 28
CHUNK_ROWS = 1 << 18
MARGIN = 0.05  # of the price, between the tape's extremes and the ends of the book

Array = NDArray[Any]


def convert(tape: Path, target: Path, way: str) -> dict[str, Any]:
    """Write the events of a one-symbol tape to `target` and what is to be known about them beside it; returns the latter.

    Args:
        way: `both` or `changed`.

    Raises:
        DataError: venue time runs backwards over the rows, which hftbacktest would want sorted differently.
    """
    (entry,) = open_tape(tape).symbols
    loaded = load_rows(entry, int(Config().to_params()[0].feed_latency_ns))
    if loaded.venue_order is not None:
        raise DataError(f"{tape}: expected rows in venue-time order, found steps back in time")
    tick, lot = float(entry.instrument.tick), float(entry.instrument.lot)
    count, low, high = 0, np.inf, -np.inf
    book = np.zeros(4, np.int64)
    with target.open("wb") as file:
        for start in range(0, len(loaded.rows), CHUNK_ROWS):
            rows = np.asarray(loaded.rows[start : start + CHUNK_ROWS])
            rows = rows[(rows["kind"] == RowKind.BOOK) | (rows["kind"] == RowKind.TRADE)]
            if not len(rows):
                continue
            events, book = events_of(rows, book, way == "both")
            events["px"] *= tick
            events["qty"] *= lot
            events.tofile(file)
            count += len(events)
            low, high = min(low, float(events["px"].min())), max(high, float(events["px"].max()))
    facts = {"events": count, "tick": tick, "lot": lot, "low": low * (1 - MARGIN), "high": high * (1 + MARGIN)}
    target.with_suffix(".json").write_text(json.dumps(facts))
    return facts


def events_of(rows: Array, before: Array, says_both: bool) -> tuple[Array, Array]:
    """Events of quote and trade rows in ticks and lots, and the book after them as bid ticks, bid lots, ask ticks, ask lots.

    `before` is the book before the first row, zeros when there is none.
    """
    is_book = rows["kind"] == RowKind.BOOK
    quotes = rows[is_book]
    books = np.stack([quotes[name].astype(np.int64) for name in ("price_ticks", "lots", "ask_ticks", "ask_lots")], axis=1)
    previous = np.concatenate([before[None, :], books])[:-1]
    # The side that gives way moves first, so that bid and ask never cross in between: the ask when the market rises.
    is_rising = books[:, 0] > previous[:, 0]
    slots = np.zeros((len(rows), 4), EVENT)
    wanted = np.zeros((len(rows), 4), np.bool_)
    slots["exch_ts"], slots["local_ts"] = rows["ts_event"][:, None], rows["ts_recv"][:, None]
    places = np.flatnonzero(is_book)
    for column, flag, first in ((0, BUY, np.where(is_rising, 2, 0)), (2, SELL, np.where(is_rising, 0, 2))):
        fill_side(slots, wanted, (places, first), (books[:, column : column + 2], previous[:, column : column + 2], flag))
    # A row that changes nothing still is a row that the strategy gets to see.
    is_silent = ~wanted[places].any(axis=1)
    wanted[places, 0] |= is_silent | says_both
    wanted[places, 2] |= says_both
    trades = np.flatnonzero(~is_book)
    slots["ev"][trades, 0] = AT_BOTH | TRADE | np.where(rows["buyer_maker"][trades], SELL, BUY)
    slots["px"][trades, 0], slots["qty"][trades, 0] = rows["price_ticks"][trades], rows["lots"][trades]
    wanted[trades, 0] = True
    return slots[wanted], books[-1] if len(books) else before


def fill_side(slots: Array, wanted: Array, where: tuple[Array, Array], side: tuple[Array, Array, int]) -> None:
    """Put one side's events into two slots of each quote row: the level now, and the level before when its price is another."""
    (places, first), (now, before, flag) = where, side
    for offset, levels, lots in ((0, now, now[:, 1]), (1, before, np.zeros(len(now), np.int64))):
        slots["ev"][places, first + offset] = AT_BOTH | DEPTH | flag
        slots["px"][places, first + offset] = levels[:, 0]
        slots["qty"][places, first + offset] = lots
    wanted[places, first] = (now != before).any(axis=1)
    wanted[places, first + 1] = (now[:, 0] != before[:, 0]) & (before[:, 0] > 0)


if __name__ == "__main__":
    print(json.dumps(convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
