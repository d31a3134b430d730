"""Queue position of a resting order: what the tape's books and trades say about the quantity in front of it.

An order of side `s` at price `q` stands `s * (q - touch)` ticks before the touch of its own side: positive is the new best,
zero joins the touch, negative rests deeper. Quantity in front is a float, because a share of a cancelled quantity need not be
whole; fills are whole lots, rounded down.
"""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.schema.events import UNKNOWN_AHEAD
from slackwater.schema.params import QueueModel
from slackwater.sim.records import QueuePlace, VenueOrder

LOT_DUST = 1e-6  # far below a lot, far above the rounding of a few hundred shares


@jit
def deep_queue(model: int) -> float:
    """The share of the displayed size that counts as in front of us when the touch first comes to our deeper price."""
    if model == QueueModel.PESSIMISTIC:
        return 1.0
    if model == QueueModel.PROPORTIONAL:
        return 0.5
    return 0.0


@jit
def cancelled_ahead(model: int, cancelled: int, ahead: float, behind_trades: int) -> float:
    """How many of `cancelled` lots stood in front of us, out of `behind_trades` displayed after the trades."""
    if model == QueueModel.PESSIMISTIC:
        return 0.0
    if model == QueueModel.PROPORTIONAL:
        # The share passes one only when own orders ahead took trades that the tape gave to others.
        return cancelled * min(ahead / behind_trades, 1.0)
    return min(float(cancelled), ahead)


@jit
def reported_ahead(order: VenueOrder) -> int:
    """The quantity in front of an order in whole lots, rounded up; `UNKNOWN_AHEAD` while nobody knows."""
    if order.place == QueuePlace.UNKNOWN:
        return UNKNOWN_AHEAD
    return int(math.ceil(order.ahead_lots - LOT_DUST))


@jit
def join_queue(order: VenueOrder, touch_ticks: int, touch_lots: int) -> None:
    """Line up at arrival or after a modify, behind everything displayed at the price."""
    ahead_of_touch = order.side * (order.price_ticks - touch_ticks)
    order.place = QueuePlace.UNKNOWN if ahead_of_touch < 0 else QueuePlace.KNOWN
    order.arrived_unknown = ahead_of_touch < 0
    order.shown_lots = touch_lots if ahead_of_touch == 0 else 0
    order.ahead_lots = float(order.shown_lots)
    order.traded_lots = 0


@jit
def apply_book(order: VenueOrder, touch_ticks: int, touch_lots: int, model: int) -> None:
    """Learn from a book: the touch on the order's own side is now `touch_lots` at `touch_ticks`.

    What vanished from our price beyond the trades since the last book that showed it was cancelled. A touch that is better than
    our price hides our level, so that nothing is learned.
    """
    ahead_of_touch = order.side * (order.price_ticks - touch_ticks)
    if ahead_of_touch < 0:
        return
    if ahead_of_touch > 0:
        order.ahead_lots = 0.0
        order.shown_lots = 0
    elif order.place == QueuePlace.UNKNOWN:
        order.ahead_lots = touch_lots * deep_queue(model)
        order.shown_lots = touch_lots
    else:
        behind_trades = order.shown_lots - order.traded_lots
        cancelled = behind_trades - touch_lots
        if cancelled > 0:
            order.ahead_lots = max(order.ahead_lots - cancelled_ahead(model, cancelled, order.ahead_lots, behind_trades), 0.0)
        order.shown_lots = touch_lots
    order.place = QueuePlace.KNOWN
    order.traded_lots = 0


@jit
def apply_trade(order: VenueOrder, trade_lots: int, left_lots: int) -> int:
    """Learn from a trade at the order's price; returns the lots that reach us.

    Args:
        order: a resting order of the side that the trade hit.
        trade_lots: the whole trade, which the next book will show as gone.
        left_lots: the part not given to own orders in front of this one.
    """
    if order.place == QueuePlace.UNKNOWN:
        return 0
    order.traded_lots += trade_lots
    reached = int(math.floor(left_lots - order.ahead_lots + LOT_DUST))
    order.ahead_lots = max(order.ahead_lots - left_lots, 0.0)
    return max(min(reached, order.leaves_lots), 0)
