"""A tape's rows as events of hftbacktest's exchange, with every level kept as it was last shown.

`tape_for_hftbacktest` forgets a level when a better one hides it, which is right for a race and wrong for queues: there an order behind
the touch would stand before nobody. Here a level goes only when the touch has moved past it. Prices are ticks and sizes lots.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tape_for_hftbacktest import BUY, DEPTH, EVENT, SELL, TRADE

from slackwater.kernel.record import Box
from slackwater.schema.events import RowKind

AT_EXCHANGE = 1 << 31  # nobody needs to see the feed, because the orders are given


def events_of(tape: Box) -> NDArray[Any]:
    """Events in the order of the rows, which are valid books and trades by venue time.

    Of the two sides of a book the one that gives way comes first, so that the book is never crossed in between. A side's new touch comes
    before the levels that it passed are emptied, the farthest first: so the best price never jumps to a level that is about to go.
    """
    made: list[tuple[int, int, int, int]] = []
    shown: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
    last_bid = 0
    for row in np.asarray(tape):
        ts, price, lots = int(row["ts_event"]), int(row["price_ticks"]), int(row["lots"])
        if row["kind"] == RowKind.TRADE:
            made.append((TRADE | (SELL if row["buyer_maker"] else BUY), ts, price, lots))
            continue
        sides = [(BUY, 1, price, lots), (SELL, -1, int(row["ask_ticks"]), int(row["ask_lots"]))]
        for flag, sign, touch, size in reversed(sides) if price > last_bid else sides:
            levels = shown[flag]
            # An unchanged size is an event too: it tells the queue models that the trades since are behind them.
            made.append((DEPTH | flag, ts, touch, size))
            for passed in sorted((level for level in levels if sign * (level - touch) > 0), key=lambda level: sign * level):
                made.append((DEPTH | flag, ts, passed, 0))
                del levels[passed]
            levels[touch] = size
        last_bid = price
    events = np.zeros(len(made), EVENT)
    columns = list(zip(*made, strict=True))
    events["ev"] = np.array(columns[0], np.uint64) | np.uint64(AT_EXCHANGE)
    events["exch_ts"] = events["local_ts"] = columns[1]
    events["px"], events["qty"] = columns[2], columns[3]
    return events
