"""What a symbol held and asked for over time: its layers, its average entry and its resting take-profits, as horizontal pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.research.read_run import Run, numbers, words
from slackwater.research.thinning import KEPT, MAX_POINTS, Times, Values, even_edges, extremes

LEVEL_EVENTS = ("place", "amend_ack")  # after which an order rests at that row's price
EMPTY_QTY_FRAC = 1e-9  # of a layer; less is the rounding of quantities that were lots


@dataclass(frozen=True)
class Pieces:
    """Horizontal pieces: each lies at `value` from `start` to `end` (nanoseconds)."""

    start: Times
    end: Times
    value: Values

    def __len__(self) -> int:
        return len(self.start)

    def as_line(self) -> tuple[Times, Values]:
        """One line with gaps: the two ends of each piece and a NaN behind them."""
        times = np.stack((self.start, self.end, self.end), axis=1).reshape(-1)
        values = np.stack((self.value, self.value, np.full(len(self), np.nan)), axis=1).reshape(-1)
        return times, values


def thinned(pieces: Pieces, points: int = MAX_POINTS) -> Pieces:
    """The lowest and highest piece of every stretch of time, when there are too many to draw; each costs three points."""
    if len(pieces) * 3 <= points:
        return pieces
    edges = even_edges(int(pieces.start[0]), int(pieces.start[-1]), max(points // (3 * KEPT), 1))
    chosen = extremes(pieces.start, pieces.value, edges)
    return Pieces(pieces.start[chosen], pieces.end[chosen], pieces.value[chosen])


def orders_by_id(run: Run, symbol: str) -> dict[str, tuple[str, int, int, int]]:
    """Purpose, group, time of sending and time of its end, by client order id."""
    orders = run.table("orders", symbol)
    ids, purposes = words(orders, "client_order_id"), words(orders, "purpose")
    rest = (numbers(orders, name).tolist() for name in ("group_id", "created_ns", "final_ns"))
    return {key: (purpose, group, sent, ended) for key, purpose, group, sent, ended in zip(ids, purposes, *rest, strict=True)}


def take_profit_levels(run: Run, symbol: str) -> Pieces:
    """Where take-profits rested: from the placement or the answered amend until the next one or the order's end."""
    ends = {key: ended for key, (purpose, _, _, ended) in orders_by_id(run, symbol).items() if purpose == "take_profit"}
    table = run.table("order_events", symbol)
    table = table.filter(pc.is_in(table["event"], pa.array(LEVEL_EVENTS)))
    ids = words(table, "client_order_id")
    rows = zip(numbers(table, "ts_ns").tolist(), ids, numbers(table, "price").tolist(), strict=True)
    open_at: dict[str, tuple[int, float]] = {}
    found: list[tuple[int, int, float]] = []
    for ts_ns, key, price in rows:
        if key not in ends:
            continue
        if key in open_at:
            found.append((open_at[key][0], ts_ns, open_at[key][1]))
        open_at[key] = (ts_ns, price)
    found += [(start, max(ends[key], start), price) for key, (start, price) in open_at.items()]
    return _pieces(found)


def layers(run: Run, symbol: str) -> Pieces:
    """Every layer at its volume-weighted price, from its first fill until exits have used it up (oldest first) or the run ends."""
    groups = {key: group for key, (_, group, _, _) in orders_by_id(run, symbol).items()}
    table = run.table("fills", symbol)
    last_ns = int(run.document["last_ns"])
    held: dict[int, _Layer] = {}  # by entry group, the oldest first
    found: list[tuple[int, int, float]] = []
    columns = (numbers(table, name).tolist() for name in ("ts_ns", "price", "qty"))
    for key, side, ts_ns, price, qty in zip(words(table, "client_order_id"), words(table, "side"), *columns, strict=True):
        if side == "sell":
            held.setdefault(groups.get(key, -1), _Layer(ts_ns)).enter(price, qty)
            continue
        left = qty
        while held and left > 0.0:
            group, layer = next(iter(held.items()))
            left -= layer.take(left)
            if layer.is_empty:
                del held[group]
                found.append((layer.start_ns, ts_ns, layer.price))
    found += [(layer.start_ns, last_ns, layer.price) for layer in held.values()]
    return _pieces(found)


@dataclass
class _Layer:
    """What one entry group sold: since when, how much in all, at what cost, and what exits have left of it."""

    start_ns: int
    entered: float = 0.0
    cost: float = 0.0
    left: float = 0.0

    def enter(self, price: float, qty: float) -> None:
        self.entered += qty
        self.cost += price * qty
        self.left += qty

    def take(self, qty: float) -> float:
        taken = min(self.left, qty)
        self.left -= taken
        return taken

    @property
    def is_empty(self) -> bool:
        return self.left <= EMPTY_QTY_FRAC * self.entered

    @property
    def price(self) -> float:
        return self.cost / self.entered


def average_entries(fills: pa.Table, last_ns: int) -> Pieces:
    """The average entry between fills while something is held."""
    times, average = numbers(fills, "ts_ns"), numbers(fills, "avg_entry_after")
    is_held = numbers(fills, "position_qty_after") != 0.0
    ends: NDArray[np.int64] = np.append(times[1:], last_ns)
    is_held &= ends > times
    return Pieces(times[is_held], ends[is_held], average[is_held])


def _pieces(found: list[tuple[int, int, float]]) -> Pieces:
    found.sort()
    start, end, value = zip(*found, strict=True) if found else ((), (), ())
    return Pieces(np.array(start, np.int64), np.array(end, np.int64), np.array(value, np.float64))
