"""The hftbacktest side of the cross-check, in its own virtual environment: plays legs and writes down every fill.

Takes a folder with `events.bin` and `legs.json`, prints one JSON object. Its clock is the venue's: what arrives at `t` there is sent at
`t` less the latency here.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.types import event_dtype
from numba import njit

NEVER_NS = 1 << 62
MARGIN_TICKS = 1000
FILLS_PER_LEG = 512
PLACE, CANCEL = 0, 1
RESPONSE, TIMEOUT, FEED = 3, 0, 2  # what waiting returns


@njit
def play(hbt: Any, actions: Any, legs: Any, fills: Any, shaved_lots: float) -> tuple[int, int]:
    """Send every action at its time; fills are rows of leg, venue time, lots. Returns their number and a code, 0 when all went well.

    An order whose last lot is filled exactly by what a trade left over stays in their partial-fill exchange as filled, and the next trade
    there ends the back-test with error 14. Orders are therefore sent some thousandth of a lot smaller, which changes nothing else.
    """
    open_lots = np.zeros(len(legs))
    live = np.zeros(len(legs), np.int64)
    live_count, count, refused = 0, 0, 0
    hbt.elapse(1)
    for number in range(len(actions) + 1):
        until = actions[number, 0] if number < len(actions) else NEVER_NS
        while hbt.current_timestamp < until:
            code = hbt.wait_next_feed(True, until - hbt.current_timestamp)
            if code == 1:
                return count, refused
            if code != RESPONSE and code != TIMEOUT and code != FEED:
                return count, -code
            kept = 0
            for k in range(live_count):
                leg = live[k]
                order = hbt.orders(0).get(leg)
                left = 0.0 if order is None else round(order.leaves_qty)
                if order is not None and left < open_lots[leg]:
                    fills[count, 0], fills[count, 1], fills[count, 2] = leg, order.exch_timestamp, open_lots[leg] - left
                    open_lots[leg] = left
                    count += 1
                is_over = order is None or (order.req == 0 and order.status != 1 and order.status != 5)
                if not is_over:
                    live[kept] = leg
                    kept += 1
            live_count = kept
        if number == len(actions):
            return count, refused
        leg = actions[number, 2]
        if actions[number, 1] == PLACE:
            price, lots = float(legs[leg, 1]), legs[leg, 2] - shaved_lots
            if legs[leg, 0] > 0:
                refused += hbt.submit_buy_order(0, leg, price, lots, GTX, LIMIT, False) != 0
            else:
                refused += hbt.submit_sell_order(0, leg, price, lots, GTX, LIMIT, False) != 0
            open_lots[leg] = legs[leg, 2]
            live[live_count] = leg
            live_count += 1
        else:
            refused += hbt.cancel(0, leg, False) != 0
    return count, refused


def backtest(events: np.ndarray[Any, Any], queue: str, has_partial: bool, latency_ns: int) -> Any:
    """One asset whose tick and lot are one."""
    asset = BacktestAsset().data(events).linear_asset(1.0).constant_order_latency(latency_ns, latency_ns)
    asset = asset.risk_adverse_queue_model() if queue == "risk_averse" else asset.power_prob_queue_model(1.0)
    asset = asset.partial_fill_exchange() if has_partial else asset.no_partial_fill_exchange()
    asset = asset.trading_value_fee_model(0.0, 0.0).tick_size(1.0).lot_size(1.0).last_trades_capacity(0)
    low, high = float(events["px"].min()), float(events["px"].max())
    return ROIVectorMarketDepthBacktest([asset.roi_lb(max(low - MARGIN_TICKS, 0.0)).roi_ub(high + MARGIN_TICKS)])


def main(folder: Path) -> None:
    """Play the legs and print the fills."""
    events = np.fromfile(folder / "events.bin", event_dtype)
    asked = json.loads((folder / "legs.json").read_text())
    columns, latency_ns = asked["legs"], asked["latency_ns"]
    legs = np.array([columns["side"], columns["price_ticks"], columns["lots"]], np.int64).T.copy()
    actions = []
    for number, (arrival, end) in enumerate(zip(columns["arrival_ns"], columns["end_ns"], strict=True)):
        actions.append((arrival - latency_ns, PLACE, number))
        if end < NEVER_NS:
            actions.append((end - latency_ns, CANCEL, number))
    # Of a modify the cancel leaves first: its leg has the smaller number.
    actions.sort(key=lambda action: (action[0], action[2]))
    hbt = backtest(events, asked["queue"], asked["has_partial"], latency_ns)
    fills = np.zeros((len(legs) * FILLS_PER_LEG, 3), np.int64)
    count, code = play(hbt, np.array(actions, np.int64), legs, fills, asked["shaved_lots"])
    hbt.close()
    if code < 0:
        sys.exit(f"it stopped with error {-code} after {count} fills")
    print(json.dumps({"version": version("hftbacktest"), "fills": fills[:count].tolist(), "refused_requests": code}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
