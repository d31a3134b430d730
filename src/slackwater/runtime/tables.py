"""Tables of a run directory: how the machine's rows (ticks, lots, enums) become the columns people read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.schema.commands import OrderType, Purpose, Side, Tif
from slackwater.schema.enums import Context, ExitReason, Gate, OrderEvent, OrderReason, OrderStatus
from slackwater.schema.events import FillCause

Rows = NDArray[Any]
ID_PREFIX = "sw"
MOST_ORDERS_BITS = 40  # of a symbol in one run, as a power of two
VENUES_OWN = "-0-0-0"  # how the client order id of the venue's own order ends, a liquidation: no group, no slice, no number


def name_of(value: IntEnum) -> str:
    """The word that files use for an enum's member."""
    return value.name.lower()


class Names:
    """What turns numbers of the core into words and prices of the files, for the symbols of one run.

    Args:
        symbols: names in the order of the state array.
        tick, lot: numerator and denominator of each symbol's steps, shape (symbols, 2).
        epoch: what tells this run's order ids from another's.
    """

    def __init__(self, symbols: Sequence[str], tick: NDArray[np.float64], lot: NDArray[np.float64], epoch: int) -> None:
        self.symbols = list(symbols)
        self.tick = tick
        self.lot = lot
        self.epoch = epoch

    def symbol(self, rows: Rows) -> pa.Array:
        """Symbol names."""
        return pa.DictionaryArray.from_arrays(_whole(rows, "symbol"), pa.array(self.symbols, pa.string()))

    def price(self, rows: Rows, field: str = "price_ticks") -> NDArray[np.float64]:
        """Ticks as prices, by the one rounded operation of the core."""
        return _in_steps(rows[field], self.tick, rows)

    def qty(self, rows: Rows, field: str = "lots") -> NDArray[np.float64]:
        """Lots as quantities."""
        return _in_steps(rows[field], self.lot, rows)

    def client_order_id(self, rows: Rows) -> pa.Array:
        """Order ids that a venue accepts and a person can read: prefix and epoch, symbol, group, slice, number."""
        orders, places = _distinct_orders(rows)
        starts = pa.array([f"{ID_PREFIX}{self.epoch}-{symbol}" for symbol in self.symbols], pa.string())
        numbers = (_whole(orders, field).cast(pa.string()) for field in ("group_id", "slice_index", "order_id"))
        return pc.binary_join_element_wise(starts.take(_whole(orders, "symbol")), *numbers, "-").take(places)


def _in_steps(counts: NDArray[Any], steps: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
    """Ticks or lots times their symbol's step, a numerator by a denominator."""
    step = steps if len(steps) == 1 else steps[rows["symbol"]]
    return np.asarray(counts * step[:, 0] / step[:, 1])


def _distinct_orders(rows: Rows) -> tuple[Rows, pa.Array]:
    """One row of each order, and for every row which of these is its order's: spelling an id takes longer than all else of a row."""
    keys = pa.array(rows["symbol"] * np.int64(1 << MOST_ORDERS_BITS) + rows["order_id"]).dictionary_encode()
    places = keys.indices.to_numpy()
    one_of_each = np.empty(len(keys.dictionary), np.int64)
    one_of_each[places] = np.arange(len(rows))
    return rows[one_of_each], keys.indices


def _whole(rows: Rows, field: str) -> pa.Array:
    """A column of whole numbers, moved together first: arrow takes one that lies in rows ten times as slowly."""
    return pa.array(np.ascontiguousarray(rows[field]))


def words(rows: Rows, field: str, kind: type[IntEnum]) -> pa.Array:
    """An enum column as a dictionary of words."""
    members = list(kind)
    codes = np.zeros(int(max(members)) + 1, np.int32)
    for k, member in enumerate(members):
        codes[int(member)] = k
    return pa.DictionaryArray.from_arrays(
        pa.array(codes[rows[field].astype(np.int64)]), pa.array([name_of(m) for m in members], pa.string())
    )


def plain(rows: Rows, *fields: str) -> dict[str, Any]:
    """Columns that are written as they are."""
    return {field: np.ascontiguousarray(rows[field]) for field in fields}


def orders(rows: Rows, names: Names) -> dict[str, Any]:
    """Finished orders."""
    step = names.tick[rows["symbol"]]
    filled = np.maximum(rows["cum_lots"], 1)
    average = rows["cost_ticklots"] / filled * step[:, 0] / step[:, 1]
    return {
        "symbol": names.symbol(rows),
        "client_order_id": names.client_order_id(rows),
        **plain(rows, "group_id"),
        "purpose": words(rows, "purpose", Purpose),
        **plain(rows, "slice_index"),
        "side": sides(rows),
        "type": words(rows, "type", OrderType),
        "tif": words(rows, "tif", Tif),
        **plain(rows, "reduce_only"),
        "price": names.price(rows),
        "qty": names.qty(rows),
        **plain(rows, "created_ns", "ack_ns", "final_ns"),
        "status": words(rows, "status", OrderStatus),
        "filled_qty": names.qty(rows, "cum_lots"),
        "avg_price": np.where(rows["cum_lots"] > 0, average, np.nan),
        **plain(rows, "amend_count"),
        "reason": words(rows, "reason", OrderReason),
        **plain(rows, "amends_refused"),
    }


def sides(rows: Rows) -> pa.Array:
    """`buy` or `sell`."""
    codes = (rows["side"] == Side.BUY).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(["sell", "buy"]))


def order_events(rows: Rows, names: Names) -> dict[str, Any]:
    """Every step of every order."""
    return {
        **plain(rows, "ts_ns"),
        "symbol": names.symbol(rows),
        "client_order_id": names.client_order_id(rows),
        "event": words(rows, "event", OrderEvent),
        "price": names.price(rows),
        "qty": names.qty(rows),
        "reason": words(rows, "reason", OrderReason),
    }


def fills(rows: Rows, names: Names) -> dict[str, Any]:
    """Fills; a short position is negative, an unknown queue and the reference of an entry are NaN."""
    ahead = names.qty(rows, "queue_ahead_lots")
    return {
        **plain(rows, "ts_ns", "ts_venue_ns"),
        "symbol": names.symbol(rows),
        "client_order_id": names.client_order_id(rows),
        **plain(rows, "trade_id"),
        "side": sides(rows),
        "price": names.price(rows),
        "qty": names.qty(rows),
        **plain(rows, "maker", "fee_usd"),
        "position_qty_after": 0.0 - names.qty(rows, "short_lots_after"),
        **plain(rows, "avg_entry_after"),
        "queue_ahead_qty": np.where(rows["queue_ahead_lots"] < 0, np.nan, ahead),
        "cause": words(rows, "cause", FillCause),
        "queue_unknown_on_arrival": np.ascontiguousarray(rows["arrived_unknown"]),
        "reference_ask": np.where(rows["reference_ask"] > 0.0, rows["reference_ask"], np.nan),
    }


def closes(rows: Rows, names: Names) -> dict[str, Any]:
    """Flat to flat."""
    return {
        "symbol": names.symbol(rows),
        **plain(rows, "open_ns", "close_ns", "layers"),
        "qty": names.qty(rows),
        **plain(rows, "notional_usd", "avg_entry", "avg_exit", "gross_usd", "fees_usd", "funding_usd", "net_usd", "net_bps"),
        "reason": words(rows, "reason", ExitReason),
        **plain(rows, "debt_before_usd", "debt_lapsed_usd", "debt_after_usd"),
    }


def realisations(rows: Rows, names: Names) -> dict[str, Any]:
    """Realised parts."""
    return {
        **plain(rows, "ts_ns"),
        "symbol": names.symbol(rows),
        "qty": names.qty(rows),
        **plain(rows, "net_usd", "debt_after_usd"),
        "reason": words(rows, "reason", ExitReason),
    }


EDGE_FIELDS = (
    "tp_target_bps",
    "signal_strength",
    "signal_bonus_bps",
    "slippage_est_bps",
    "expected_cost_bps",
    "trend_penalty_bps",
    "spread_risk_bps",
    "expected_edge_bps",
    "uncertainty_raw_bps",
    "uncertainty_bps",
    "edge_lcb_bps",
    "required_edge_bps",
    "edge_ok",
    "projected_notional_usd",
    "recovery_debt_usd",
    "ret_2s_bps",
    "spread_bps",
    "median_spread_bps",
    "pump_score",
    "exhaust_score",
)


def edge(rows: Rows, names: Names) -> dict[str, Any]:
    """Evaluations of the edge gate."""
    return {
        **plain(rows, "ts_ns"),
        "symbol": names.symbol(rows),
        "context": words(rows, "context", Context),
        **plain(rows, *EDGE_FIELDS),
    }


def decisions(rows: Rows, names: Names) -> dict[str, Any]:
    """Changes of the reason, and shots."""
    numbers = ("required_spacing_bps", "rise_bps", "base_spacing_bps", "effective_growth", "notional_usd", "price", "drift_mult")
    return {
        **plain(rows, "ts_ns"),
        "symbol": names.symbol(rows),
        "context": words(rows, "context", Context),
        "reason": words(rows, "reason", Gate),
        **plain(rows, "layers", *numbers, "unrealised_bps"),
    }


def equity(rows: Rows, names: Names) -> dict[str, Any]:
    """The account over time."""
    return {
        **plain(rows, "ts_ns"),
        "symbol": names.symbol(rows),
        "position_qty": 0.0 - names.qty(rows, "short_lots"),
        **plain(rows, "unrealised_usd", "realised_usd", "fees_usd", "funding_usd", "equity_usd", "debt_usd"),
    }


TABLES: dict[str, tuple[str, str, Callable[[Rows, Names], dict[str, Any]]]] = {
    # file stem: (rows in Out, their counter, columns)
    "orders": ("orders", "order_count", orders),
    "order_events": ("order_events", "order_event_count", order_events),
    "fills": ("fills", "fill_count", fills),
    "closes": ("closes", "close_count", closes),
    "realisations": ("realisations", "realisation_count", realisations),
    "edge": ("edges", "edge_count", edge),
    "decisions": ("decisions", "decision_count", decisions),
    "equity": ("equities", "equity_count", equity),
}
