"""One round of hftbacktest, in its own virtual environment: the compiled loop that does nothing but keep one resting order.

Takes the file of events that `tape_for_hftbacktest` made, prints one JSON object. Only the loop is timed: the events are in memory and
the loop is compiled before.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import GTX, LIMIT, NEW, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.types import event_dtype
from numba import njit

FOREVER_NS = 1 << 60
ORDER_ID = 1
REHEARSED_EVENTS = 1000
LATENCY_NS = 5_000_000  # each way, as slackwater's default


@njit
def keep_one_order(hbt: Any, price: float, qty: float) -> int:
    """Place one order after the first event, then wait for feed after feed; returns how often the strategy woke up."""
    wakes = 0
    if hbt.wait_next_feed(False, FOREVER_NS) == 2:
        wakes = 1
        hbt.submit_buy_order(0, ORDER_ID, price, qty, GTX, LIMIT, False)
    while hbt.wait_next_feed(False, FOREVER_NS) == 2:
        wakes += 1
    return wakes


def backtest(events: np.ndarray[Any, Any], facts: dict[str, Any]) -> Any:
    """The cheapest configuration that still is a back-test: constant latency, the risk-averse queue, no partial fills, no trades kept."""
    asset = (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0002, 0.0005)
        .tick_size(facts["tick"])
        .lot_size(facts["lot"])
        .roi_lb(facts["low"])
        .roi_ub(facts["high"])
        .last_trades_capacity(0)
    )
    return ROIVectorMarketDepthBacktest([asset])


def main(path: Path) -> None:
    """Run the round and print what it took."""
    facts = json.loads(path.with_suffix(".json").read_text())
    events = np.fromfile(path, event_dtype)
    # Between the lower end of the book and the lowest price of the tape: never filled.
    price = round((facts["low"] * 1.02) / facts["tick"]) * facts["tick"]
    # hftbacktest holds the address of an array and no reference: each one is kept here for as long as its back-test lives.
    beginning = events[:REHEARSED_EVENTS]
    rehearsal = backtest(beginning, facts)
    keep_one_order(rehearsal, price, facts["lot"])
    rehearsal.close()
    hbt = backtest(events, facts)
    begin_ns = time.perf_counter_ns()
    wakes = keep_one_order(hbt, price, facts["lot"])
    loop_sec = (time.perf_counter_ns() - begin_ns) / 1e9
    order = hbt.orders(0).get(ORDER_ID)
    if order is None or order.status != NEW:
        sys.exit("keep_one_order: expected the order to rest until the end, found it gone")
    depth = hbt.depth(0)
    print(
        json.dumps(
            {
                "loop_sec": loop_sec,
                "wakes": wakes,
                "events": len(events),
                "best_bid": depth.best_bid,
                "best_ask": depth.best_ask,
                "hftbacktest": version("hftbacktest"),
                "numba": version("numba"),
            }
        )
    )
    hbt.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
