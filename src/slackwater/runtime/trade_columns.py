"""The columns of a run's tables that its execution is judged by, as arrays: orders and fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.runtime.tables import VENUES_OWN, name_of
from slackwater.schema.events import FillCause

Words = NDArray[np.object_]
Whole = NDArray[np.int64]
Real = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What is read of each table.
NEEDED = {
    "orders": "symbol client_order_id group_id purpose type tif created_ns status amend_count amends_refused reason",
    "fills": (
        "ts_ns ts_venue_ns symbol client_order_id side price qty maker fee_usd position_qty_after cause queue_unknown_on_arrival "
        "reference_ask"
    ),
}
PURPOSES = ("entry", "take_profit", "close")
LEARNED = name_of(FillCause.LEARNED)  # of a fill whose own report was missing
LIQUIDATION = "liquidation"  # no order of ours: the venue's
FILL_PURPOSES = (*PURPOSES, LIQUIDATION)
NO_ORDER = -1


@dataclass(frozen=True)
class TradeTables:
    """The tables as they are in the files: `orders` and `fills`, with at least the columns of `NEEDED`."""

    orders: pa.Table
    fills: pa.Table

    def of(self, symbol: str) -> TradeTables:
        """The rows of one symbol."""
        return TradeTables(_of(self.orders, symbol), _of(self.fills, symbol))


def _of(table: pa.Table, symbol: str) -> pa.Table:
    return table.filter(pc.equal(table["symbol"].cast("string"), symbol))


@dataclass(frozen=True)
class OrderColumns:
    """Finished orders."""

    ids: pa.ChunkedArray
    group_id: Whole
    purpose: Words
    type: Words
    tif: Words
    created_ns: Whole
    status: Words
    amend_count: Whole
    amends_refused: Whole
    reason: Words

    def __len__(self) -> int:
        return len(self.status)


@dataclass(frozen=True)
class FillColumns:
    """Fills. `order` is the row of the fill's order, `NO_ORDER` when that has not ended."""

    order: Whole
    purpose: Words
    ts_ns: Whole
    ts_venue_ns: Whole
    is_sell: Mask
    price: Real
    qty: Real
    is_maker: Mask
    fee_usd: Real
    position_qty_after: Real
    is_queue_unknown: Mask
    cause: Words
    reference_ask: Real

    def __len__(self) -> int:
        return len(self.order)

    @property
    def notional_usd(self) -> Real:
        """Price times quantity of each."""
        return np.asarray(self.price * self.qty)


def order_columns(table: pa.Table) -> OrderColumns:
    """The columns of `orders`."""
    return OrderColumns(
        ids=table["client_order_id"],
        group_id=_numbers(table, "group_id"),
        purpose=_words(table, "purpose"),
        type=_words(table, "type"),
        tif=_words(table, "tif"),
        created_ns=_numbers(table, "created_ns"),
        status=_words(table, "status"),
        amend_count=_numbers(table, "amend_count"),
        amends_refused=_numbers(table, "amends_refused"),
        reason=_words(table, "reason"),
    )


def fill_columns(table: pa.Table, orders: OrderColumns) -> FillColumns:
    """The columns of `fills`, each fill with its order's row and purpose."""
    order = _order_rows(table, orders)
    is_sell = _words(table, "side") == "sell"
    # An order that still works is in no table yet; its side tells enough.
    purpose = np.where(is_sell, "entry", "close").astype(object)
    has_order = order != NO_ORDER
    purpose[has_order] = orders.purpose[order[has_order]]
    purpose[np.asarray(pc.ends_with(table["client_order_id"].cast("string"), VENUES_OWN).to_numpy(), np.bool_)] = LIQUIDATION
    is_maker = np.asarray(table["maker"].to_numpy(), np.bool_)
    return FillColumns(
        order=order,
        purpose=purpose,
        ts_ns=_numbers(table, "ts_ns"),
        ts_venue_ns=_numbers(table, "ts_venue_ns"),
        is_sell=np.asarray(is_sell, np.bool_),
        price=_numbers(table, "price"),
        qty=_numbers(table, "qty"),
        is_maker=is_maker,
        fee_usd=_numbers(table, "fee_usd"),
        position_qty_after=_numbers(table, "position_qty_after"),
        # What takes has no queue, whatever its column says.
        is_queue_unknown=np.asarray(table["queue_unknown_on_arrival"].to_numpy(), np.bool_) & is_maker,
        cause=_words(table, "cause"),
        reference_ask=_numbers(table, "reference_ask"),
    )


def _order_rows(table: pa.Table, orders: OrderColumns) -> Whole:
    """For every row of a table the row of its order, `NO_ORDER` where that has not ended."""
    found = pc.index_in(table["client_order_id"].cast("string"), value_set=orders.ids.cast("string").combine_chunks())
    return np.asarray(pc.fill_null(found, NO_ORDER).to_numpy(), np.int64)


def _numbers(table: pa.Table, name: str) -> Any:
    return np.asarray(table[name].to_numpy())


def _words(table: pa.Table, name: str) -> Words:
    """A column of words, equal ones as one object."""
    column = table[name].cast("string").combine_chunks().dictionary_encode()
    words = np.array(column.dictionary.to_pylist(), object)
    found: Words = words[column.indices.to_numpy()]
    return found
