"""Orders, fills and books written by hand, in the columns that execution figures are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from slackwater.kernel.record import rows as record_rows
from slackwater.runtime.tape_books import TapeBooks
from slackwater.runtime.trade_columns import NEEDED, TradeTables
from slackwater.schema.events import RowKind, TapeRow

SEC = 1_000_000_000
T0 = 1_700_000_000 * SEC
SYMBOL = "AAAUSDT"
Row = dict[str, Any]
KINDS = {"price": pa.float64(), "qty": pa.float64(), "fee_usd": pa.float64(), "maker": pa.bool_(), "amend_count": pa.int64()}
KINDS |= {"group_id": pa.int64(), "position_qty_after": pa.float64(), "queue_ahead_qty": pa.float64()}
KINDS |= {"queue_unknown_on_arrival": pa.bool_(), "reference_ask": pa.float64(), "amends_refused": pa.int64()}


def at(seconds: float) -> int:
    return T0 + round(seconds * SEC)


def order(name: str, purpose: str = "entry", **changes: Any) -> Row:
    """A post-only limit order of group 1, sent at 10 s, filled."""
    usual = {"symbol": SYMBOL, "client_order_id": name, "group_id": 1, "purpose": purpose, "type": "limit", "tif": "gtx"}
    usual |= {"created_ns": at(10), "status": "filled", "amend_count": 0, "amends_refused": 0, "reason": purpose}
    return usual | changes


def fill(name: str, seconds: float, price: float, qty: float = 1.0, **changes: Any) -> Row:
    """A maker sell from the queue, learned of 5 ms after it happened at the venue."""
    usual = {"ts_ns": at(seconds) + 5_000_000, "ts_venue_ns": at(seconds), "symbol": SYMBOL, "client_order_id": name, "side": "sell"}
    usual |= {"price": price, "qty": qty, "maker": True, "fee_usd": 0.01, "position_qty_after": -qty, "queue_ahead_qty": 2.0}
    usual |= {"queue_unknown_on_arrival": False, "cause": "queue", "reference_ask": float("nan")}
    return usual | changes


def tables(orders: list[Row], fills: list[Row]) -> TradeTables:
    """The tables with their columns, even without rows."""
    return TradeTables(*(pa.Table.from_pylist(rows, _schema(names)) for rows, names in zip((orders, fills), NEEDED.values(), strict=True)))


def _schema(names: str) -> pa.Schema:
    return pa.schema([(name, KINDS.get(name, pa.int64() if name.endswith("_ns") else pa.string())) for name in names.split()])


def tape_rows(books: list[tuple[float, int, int]]) -> Any:
    """Rows of books (seconds, bid and ask in ticks) in the order given, each received 2 ms after it happened."""
    found = record_rows(TapeRow, len(books))
    for row, (seconds, bid, ask) in zip(found, books, strict=True):
        row.ts_event, row.ts_recv, row.kind = at(seconds), at(seconds) + 2_000_000, int(RowKind.BOOK)
        row.price_ticks, row.ask_ticks, row.lots, row.ask_lots = bid, ask, 1, 1
    return found


def tape_books(books: list[tuple[float, int, int]]) -> TapeBooks:
    """Looking up books that come in venue order."""
    return TapeBooks(tape_rows(books), None)


def venue_order(found: Any) -> Any:
    return np.argsort(found["ts_event"], kind="stable").astype(np.int64)
