"""Order schedules for the cross-check: that of a finished run, or a seeded random one of passive orders, amends and cancels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.config.model import Config
from slackwater.data.cache import load_rows
from slackwater.data.tape import open_tape
from slackwater.errors import UsageError
from slackwater.kernel.record import Box, as_box, rows
from slackwater.schema.commands import Command, CommandKind, OrderType, Side, Tif
from slackwater.schema.events import RowKind
from slackwater.schema.units import MS, SEC

LATENCY_NS = 5 * MS  # each way, the default of both
AT_ONCE = 12  # random orders that may be alive together: 32 may rest at the venue
LIVES = (60 * MS, 2 * SEC, 10 * SEC, 30 * SEC)

Array = NDArray[Any]


@dataclass(frozen=True)
class Market:
    """A one-symbol tape: rows that can be handed to kernels, and their order at the venue."""

    symbol: str
    rows: Box
    order: NDArray[np.int64]
    tick: float
    lot: float


def load_market(tape: Path, symbol: str | None) -> Market:
    """A tape's quotes and trades. Rows that the venue would reject are left out, since nothing is compared on them."""
    entries = open_tape(tape, [symbol] if symbol else None).symbols
    if len(entries) != 1:
        raise UsageError(f"--symbol: expected one of {', '.join(entry.symbol for entry in entries)}")
    loaded = load_rows(entries[0], int(Config().to_params()[0].feed_latency_ns))
    order = np.arange(len(loaded.rows), dtype=np.int64) if loaded.venue_order is None else loaded.venue_order
    taken = np.asarray(loaded.rows)[order]
    is_book = (taken["kind"] == RowKind.BOOK) & (taken["price_ticks"] > 0) & (taken["ask_ticks"] > taken["price_ticks"])
    is_book &= (taken["lots"] > 0) & (taken["ask_lots"] > 0)
    is_trade = (taken["kind"] == RowKind.TRADE) & (taken["price_ticks"] > 0) & (taken["lots"] > 0)
    kept = as_box(np.ascontiguousarray(taken[is_book | is_trade]))
    ins = entries[0].instrument
    return Market(entries[0].symbol, kept, np.arange(len(kept), dtype=np.int64), float(ins.tick), float(ins.lot))


def of_run(run: Path, market: Market) -> Box:
    """Every place, amend and cancel of a run's limit orders that rest, with the times at which they left."""
    orders = pq.read_table(run / "orders.parquet").to_pylist()
    events = pq.read_table(run / "order_events.parquet").to_pylist()
    resting = {order["client_order_id"]: order for order in orders if order["symbol"] == market.symbol and order["tif"] == "gtx"}
    kinds = {"place": CommandKind.PLACE, "amend": CommandKind.AMEND, "cancel": CommandKind.CANCEL}
    sent = [event for event in events if event["event"] in kinds and event["client_order_id"] in resting]
    numbers = {client_order_id: k for k, client_order_id in enumerate(resting, start=1)}
    commands = rows(Command, len(sent))
    for command, event in zip(commands, sent, strict=True):
        order = resting[event["client_order_id"]]
        command.ts_ns, command.kind = event["ts_ns"], kinds[event["event"]]
        command.order_id = numbers[event["client_order_id"]]
        command.price_ticks, command.lots = round(event["price"] / market.tick), round(event["qty"] / market.lot)
        command.side, command.type, command.tif = Side[order["side"].upper()], OrderType.LIMIT, Tif.GTX
    return by_time(commands)


def fills_of_run(run: Path, market: Market) -> dict[int, int]:
    """Lots by venue time of a run's fills as maker."""
    found: dict[int, int] = {}
    for fill in pq.read_table(run / "fills.parquet").to_pylist():
        if fill["symbol"] == market.symbol and fill["maker"]:
            found[fill["ts_venue_ns"]] = found.get(fill["ts_venue_ns"], 0) + round(fill["qty"] / market.lot)
    return found


def tape_of_run(run: Path) -> Path:
    """Where the tape of a run lies."""
    return Path(json.loads((run / "run.json").read_text())["tape"]["path"])


def at_random(market: Market, seed: int, orders: int) -> Box:
    """Passive orders of both sides about the touch: inside the spread, at it, and up to four ticks behind.

    Sizes go from a fifth to three times the displayed one, lives from some tens of milliseconds to most of a minute; two orders in five
    are amended before they are cancelled. Requests about one order are at least two latencies apart. A short tape gets fewer orders.
    """
    draw = np.random.default_rng(seed)
    books = np.flatnonzero(market.rows["kind"] == RowKind.BOOK)
    times = market.rows["ts_event"][books]
    first, last = int(times[0]), int(times[-1])
    mean_ns = (last - first) / orders
    now, made, ends = float(first + SEC), [], [0] * AT_ONCE
    for order_id in range(1, orders + 1):
        now = max(now + draw.exponential(mean_ns), float(min(ends)))
        if now > last:
            break
        book = market.rows[books[np.searchsorted(times, now, "right") - 1]]
        side = Side.BUY if draw.random() < 0.5 else Side.SELL
        fields = {"order_id": order_id, "side": side.value, "type": OrderType.LIMIT.value, "tif": Tif.GTX.value}
        price, lots = draw_level(draw, book, side)
        end = now + draw.choice(LIVES) * draw.uniform(0.5, 1.5)
        made.append((int(now), CommandKind.PLACE, price, lots, fields))
        if draw.random() < 0.4 and end - now > 8 * LATENCY_NS:
            middle = now + (end - now) * draw.uniform(0.3, 0.7)
            later = market.rows[books[np.searchsorted(times, middle, "right") - 1]]
            made.append((int(middle), CommandKind.AMEND, *draw_level(draw, later, side), fields))
        made.append((int(end), CommandKind.CANCEL, price, lots, fields))
        ends[ends.index(min(ends))] = int(end)
    return by_time(commands_of(made))


def commands_of(made: list[tuple[int, int, int, int, dict[str, int]]]) -> Box:
    """Commands from time, kind, price, lots and the order's own fields."""
    commands = rows(Command, len(made))
    for command, (ts_ns, kind, price, lots, fields) in zip(commands, made, strict=True):
        command.ts_ns, command.kind, command.price_ticks, command.lots = ts_ns, kind, price, lots
        for name, value in fields.items():
            command[name] = value
    return commands


def draw_level(draw: np.random.Generator, book: Any, side: int) -> tuple[int, int]:
    """A passive price about the touch of its own side and a size about the one displayed there."""
    touch, shown = (book.price_ticks, book.lots) if side > 0 else (book.ask_ticks, book.ask_lots)
    far = book.ask_ticks if side > 0 else book.price_ticks
    behind = int(draw.choice([-1, 0, 1, 2, 4], p=[0.2, 0.4, 0.2, 0.1, 0.1]))
    price = int(touch) - side * behind
    if side * (price - int(far)) >= 0:
        price = int(touch)
    return price, max(1, round(int(shown) * draw.choice([0.2, 0.5, 1.0, 3.0])))


def by_time(commands: Box) -> Box:
    """Commands by the time at which they leave, ties as they were."""
    return as_box(np.ascontiguousarray(commands[np.argsort(commands["ts_ns"], kind="stable")]))
