"""Rows of a tape as events of hftbacktest, in an order that both its exchange and its strategy can follow.

A quote row is an event for each side, and one that empties the level before where a side's price moved; a trade row is one event. The
file is in local order. A row whose venue time lies before that of a row ahead of it is split, as hftbacktest wants it: the strategy's
event stays, a copy for the exchange goes where venue time puts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.formats.event_files import HAS_TRADE_ID, NO_RECEIVE_TIME, ROW_SHIFT
from slackwater.data.formats.hftbacktest import DEPTH, EVENT, EXCHANGE, LOCAL, TRADE, Events
from slackwater.data.formats.touch import BUY, SELL
from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import QUOTES, TRADES
from slackwater.data.streams import Rows, Stream, ints, merged, receive_times
from slackwater.data.tape import SymbolTape
from slackwater.schema.events import RowKind

Array = NDArray[Any]
SIDES = ((BUY, 0), (SELL, 2))  # a side's flag and the first of its columns in a book


def tape_rows(entry: SymbolTape, dates: Sequence[str], span: tuple[int, int]) -> Iterator[Rows]:
    """Quotes and trades received within the span, merged. `ts_recv` is `ts_event` where the tape has none, which bit
    `NO_RECEIVE_TIME` of `value` tells; a trade's identifier is in `ask_ticks` where `HAS_TRADE_ID` says so."""

    def stream(name: str, kind: RowKind, columns: tuple[str, ...]) -> Stream:
        def fill(batch: pa.RecordBatch, rows: Rows) -> None:
            rows["ts_event"] = ints(batch, "ts_event")
            rows["ts_recv"] = receive_times(batch, rows["ts_event"], 0)
            rows["value"] = batch.column("ts_recv").is_null().to_numpy(zero_copy_only=False) * float(NO_RECEIVE_TIME)
            rows["kind"] = kind
            for ours, theirs in zip(("price_ticks", "lots", "ask_ticks", "ask_lots"), columns, strict=False):
                rows[ours] = batch.column(theirs).fill_null(0).to_numpy()
            if kind == RowKind.TRADE:
                rows["buyer_maker"] = batch.column("buyer_maker").to_numpy(zero_copy_only=False)
                rows["value"] += batch.column("trade_id").is_valid().to_numpy(zero_copy_only=False) * float(HAS_TRADE_ID)

        paths = [path for date in dates if (path := entry.folder / date / name).exists()]
        named = ("ts_event", "ts_recv", *columns, *(("buyer_maker",) if kind == RowKind.TRADE else ()))
        return Stream(paths, named, fill)

    streams = [
        stream(TRADES, RowKind.TRADE, ("price_ticks", "lots", "trade_id")),
        stream(QUOTES, RowKind.BOOK, ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")),
    ]
    for rows in merged(streams):
        is_within = (rows["ts_recv"] >= span[0]) & (rows["ts_recv"] < span[1])
        if is_within.any():
            yield rows if is_within.all() else rows[is_within]


class EventMaker:
    """Turns rows into events; keeps the book between chunks and numbers the rows."""

    def __init__(self, spec: InstrumentSpec) -> None:
        self.steps = [(float(part.numerator), float(part.denominator)) for part in (spec.tick, spec.lot)]
        self.book: Array = np.zeros(4, np.int64)
        self.row = 1

    def events(self, rows: Rows) -> Events:
        """The events of a chunk, those of one row together."""
        is_book = rows["kind"] == RowKind.BOOK
        slots = np.zeros((len(rows), 4), EVENT)
        wanted = np.zeros((len(rows), 4), np.bool_)
        slots["exch_ts"], slots["local_ts"] = rows["ts_event"][:, None], rows["ts_recv"][:, None]
        numbers = np.arange(self.row, self.row + len(rows), dtype=np.int64)
        slots["ival"] = ((numbers << ROW_SHIFT) | rows["value"].astype(np.int64))[:, None]
        self.row += len(rows)
        self._put_books(slots, wanted, rows, np.flatnonzero(is_book))
        trades = np.flatnonzero(~is_book)
        slots["ev"][trades, 0] = TRADE | np.where(rows["buyer_maker"][trades] != 0, SELL, BUY)
        slots["order_id"][trades, 0] = rows["ask_ticks"][trades].astype(np.uint64)
        slots["px"][trades, 0], slots["qty"][trades, 0] = self._real(rows["price_ticks"][trades], 0), self._real(rows["lots"][trades], 1)
        wanted[trades, 0] = True
        slots["ev"] |= np.uint64(LOCAL | EXCHANGE)
        return slots[wanted]

    def _put_books(self, slots: Events, wanted: Array, rows: Rows, places: Array) -> None:
        quotes = rows[places]
        books = np.stack([quotes[name] for name in ("price_ticks", "lots", "ask_ticks", "ask_lots")], axis=1)
        before = np.concatenate([self.book[None, :], books])[:-1]
        # The side that gives way moves first, so that bid and ask do not cross in between: the ask when the market rises.
        is_rising = books[:, 0] > before[:, 0]
        for (flag, column), slot in zip(SIDES, (np.where(is_rising, 2, 0), np.where(is_rising, 0, 2)), strict=True):
            for offset in (0, 1):
                slots["ev"][places, slot + offset] = DEPTH | flag
            slots["px"][places, slot] = self._real(books[:, column], 0)
            slots["qty"][places, slot] = self._real(books[:, column + 1], 1)
            slots["px"][places, slot + 1] = self._real(before[:, column], 0)
            wanted[places, slot] = True
            wanted[places, slot + 1] = (books[:, column] != before[:, column]) & (before[:, column] > 0)
        if len(books):
            self.book = books[-1]

    def _real(self, steps: Array, which: int) -> Array:
        numerator, denominator = self.steps[which]
        found: Array = steps * numerator / denominator
        return found


def earliest_later(chunks: Iterable[Rows]) -> Array:
    """For each chunk the earliest venue time of all chunks after it."""
    earliest = [int(rows["ts_event"].min()) for rows in chunks]
    found: Array = np.minimum.accumulate(np.array([*earliest, 2**63 - 1], np.int64)[::-1])[::-1][1:]
    return found


def in_both_orders(chunks: Iterable[Events], later: Array) -> Iterator[Events]:
    """Events in local order made such that the exchange's are in venue order too.

    `later` is what `earliest_later` says of the chunks. Events wait only until no later one can come before them, so memory grows with how
    far venue order and local order differ, not with the tape.
    """
    peak = -(2**63)
    waiting, waiting_keys = np.zeros(0, EVENT), np.zeros(0, np.int64)
    for events, horizon in zip(chunks, later, strict=True):
        keys = np.maximum(np.maximum.accumulate(events["exch_ts"]), peak)
        peak = int(keys[-1])
        is_late = events["exch_ts"] < keys
        copies = events[is_late]
        if len(copies):
            events["ev"][is_late] &= ~np.uint64(EXCHANGE)
            copies["ev"] &= ~np.uint64(LOCAL)
        waiting = np.concatenate([waiting, events, copies])
        waiting_keys = np.concatenate([waiting_keys, keys, copies["exch_ts"]])
        if len(copies):
            order = np.argsort(waiting_keys, kind="stable")
            waiting, waiting_keys = waiting[order], waiting_keys[order]
        ready = int(np.searchsorted(waiting_keys, horizon, side="right"))
        if ready:
            yield waiting[:ready]
        waiting, waiting_keys = waiting[ready:], waiting_keys[ready:]
