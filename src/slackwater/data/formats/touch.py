"""The touch of a book rebuilt from depth events: levels kept by price, and the best of both sides after each batch of events.

A side is an array of levels, the best at its end, ordered by key: the price for bids, its negative for asks. So both sides are one code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit, jit_loop

# The flags of hftbacktest's events that a book is made from; a kernel's file imports nothing that is not part of a kernel.
KIND_MASK = 0xFF
DEPTH_CLEAR, DEPTH_BBO = 3, 5
BUY, SELL = 1 << 29, 1 << 28
FIRST_LEVELS = 1 << 10
Array = NDArray[Any]


class TouchBook:
    """A book between two chunks of events. `levels` is side by place by (key, size), `counts` how many levels a side has."""

    def __init__(self) -> None:
        self.levels: Array = np.zeros((2, FIRST_LEVELS, 2), np.float64)
        self.counts: Array = np.zeros(2, np.int64)
        self.last: Array = np.full(4, -1.0)  # the touch that was given last: bid, its size, ask, its size; negative before the first

    def apply(self, events: Array, ends: Array) -> tuple[Array, Array]:
        """Apply events in order; return the touch after each batch that changed it, and the number of that batch's last event.

        `ends` marks the last event of each batch. Nothing is given before both sides have been there, and a side that empties later is 0.
        """
        room = int(self.counts.max()) + len(events)
        if room > self.levels.shape[1]:
            grown = np.zeros((2, 2 * room, 2), np.float64)
            grown[:, : self.levels.shape[1]] = self.levels
            self.levels = grown
        touches, places = np.zeros((len(events), 4), np.float64), np.zeros(len(events), np.int64)
        flags = events["ev"].astype(np.int64)
        count = apply_events(
            (self.levels, self.counts, self.last),
            flags,
            np.ascontiguousarray(events["px"]),
            np.ascontiguousarray(events["qty"]),
            ends,
            (touches, places),
        )
        return touches[:count], places[:count]


@jit_loop
def apply_events(book: Any, flags: Array, prices: Array, sizes: Array, ends: Array, out: Any) -> int:
    """Apply a chunk to (levels, counts, last) and write to (touches, places); returns how many touches."""
    levels, counts, last = book
    touches, places = out
    given = 0
    for k in range(len(flags)):
        is_everything = flags[k] & KIND_MASK == DEPTH_CLEAR and not flags[k] & (BUY | SELL)
        for side in range(2):
            if is_everything:
                counts[side] = 0
            elif flags[k] & (BUY if side == 0 else SELL):
                apply_event(levels, counts, side, (flags[k] & KIND_MASK, prices[k], sizes[k]))
        if ends[k] and give_touch(levels, counts, last, touches[given]):
            places[given] = k
            given += 1
    return given


@jit
def apply_event(levels: Array, counts: Array, side: int, event: Any) -> None:
    """Apply one event (kind, price, size) to its side."""
    kind, price, size = event
    key = price if side == 0 else -price
    if kind == DEPTH_CLEAR:
        drop_from(levels, counts, side, key if np.isfinite(price) else -np.inf)
        return
    if kind == DEPTH_BBO:
        drop_from(levels, counts, side, key)
    set_level(levels, counts, side, key, size)
    if size > 0.0:
        # The newer update is right: what it crosses on the other side is gone and was not told.
        drop_from(levels, counts, 1 - side, -key)


@jit
def give_touch(levels: Array, counts: Array, last: Array, row: Array) -> bool:
    """Write the touch into the row; returns whether it is another than the last one."""
    if last[1] < 0.0 and (counts[0] == 0 or counts[1] == 0):
        return False
    is_changed = False
    for side in range(2):
        n = counts[side]
        price = 0.0 if n == 0 else abs(levels[side, n - 1, 0])
        size = 0.0 if n == 0 else levels[side, n - 1, 1]
        is_changed = is_changed or price != last[2 * side] or size != last[2 * side + 1]
        row[2 * side], row[2 * side + 1] = price, size
    if is_changed:
        last[:] = row
    return is_changed


@jit
def drop_from(levels: Array, counts: Array, side: int, key: float) -> None:
    """Drop a side's levels of this key and better."""
    n = counts[side]
    while n > 0 and levels[side, n - 1, 0] >= key:
        n -= 1
    counts[side] = n


@jit
def set_level(levels: Array, counts: Array, side: int, key: float, size: float) -> None:
    """Set a level's size; none removes it."""
    n = counts[side]
    place = n
    while place > 0 and levels[side, place - 1, 0] > key:
        place -= 1
    is_there = place > 0 and levels[side, place - 1, 0] == key
    if is_there and size > 0.0:
        levels[side, place - 1, 1] = size
    elif is_there:
        for k in range(place, n):
            levels[side, k - 1, 0], levels[side, k - 1, 1] = levels[side, k, 0], levels[side, k, 1]
        counts[side] = n - 1
    elif size > 0.0:
        for k in range(n, place, -1):
            levels[side, k, 0], levels[side, k, 1] = levels[side, k - 1, 0], levels[side, k - 1, 1]
        levels[side, place, 0], levels[side, place, 1] = key, size
        counts[side] = n + 1
