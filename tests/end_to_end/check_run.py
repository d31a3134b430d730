"""What must hold of every run, whatever the tape and the configuration: `check_run` reads the run directory and its tape and asserts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Row = dict[str, Any]
ENDS = {"filled", "canceled", "rejected", "expired"}
USD_SLACK = 1e-9


def table(run: Path, stem: str) -> list[Row]:
    """The rows of a table of the run."""
    return pq.read_table(run / f"{stem}.parquet").to_pylist()


class SymbolTapeData:
    """A symbol's quotes, trades and funding by venue time."""

    def __init__(self, folder: Path) -> None:
        instrument = json.loads((folder / "instrument.json").read_text())
        self.tick, self.lot = float(instrument["tick_size"]), float(instrument["lot_size"])
        days = sorted(path for path in folder.iterdir() if path.is_dir())
        self.quotes = self._sorted([day / "quotes.parquet" for day in days])
        self.trades = self._sorted([day / "trades.parquet" for day in days])
        paid = [path for day in days if (path := day / "funding.parquet").exists()]
        self.funding = self._sorted(paid) if paid else None

    @staticmethod
    def _sorted(paths: list[Path]) -> dict[str, NDArray[Any]]:
        rows = pa.concat_tables([pq.read_table(path) for path in paths if path.exists()])
        order = np.argsort(rows["ts_event"].to_numpy(), kind="stable")
        return {name: rows[name].to_numpy()[order] for name in rows.column_names if name not in ("ts_recv", "trade_id")}

    def ticks(self, price: float) -> int:
        found = round(price / self.tick)
        assert abs(price / self.tick - found) < 1e-6, f"{price} is off the tick {self.tick}"
        return found

    def lots(self, qty: float) -> int:
        found = round(qty / self.lot)
        assert abs(qty / self.lot - found) < 1e-6, f"{qty} is off the lot {self.lot}"
        return found

    def at(self, rows: dict[str, NDArray[Any]], ts_ns: int) -> slice:
        return self.between(rows, ts_ns, ts_ns)

    def between(self, rows: dict[str, NDArray[Any]], first_ns: int, last_ns: int) -> slice:
        times = rows["ts_event"]
        return slice(int(np.searchsorted(times, first_ns, "left")), int(np.searchsorted(times, last_ns, "right")))


def check_run(run: Path) -> Row:
    """Assert everything that must hold of a run; returns what `run.json` holds.

    Args:
        run: its tape must still be where the run read it.
    """
    document = json.loads((run / "run.json").read_text())
    fills, orders, events = table(run, "fills"), table(run, "orders"), table(run, "order_events")
    assert not document["overflows"]
    check_orders(orders, events, fills)
    for symbol in document["symbols"]:
        data = SymbolTapeData(Path(document["tape"]["path"]) / document["tape"]["venues"][symbol] / symbol)
        own = [row for row in fills if row["symbol"] == symbol]
        check_position(data, own, document["summary"]["symbols"][symbol])
        check_results(data, symbol, table(run, "closes"), table(run, "realisations"), own)
        check_closing_is_single([row for row in orders if row["symbol"] == symbol])
        check_trades_are_named(own)
        for fill in own:
            if fill["cause"] != "learned":
                check_fill_is_explained(data, fill)
        check_volume_is_given_once(data, own)
        check_learned_is_possible(data, own, events)
        check_funding(data, own, [row for row in table(run, "equity") if row["symbol"] == symbol], document["last_ns"])
    check_equity(table(run, "equity"))
    check_fees(fills, document["config"]["fees"])
    check_caps(fills, document["config"])
    return document


def check_orders(orders: list[Row], events: list[Row], fills: list[Row]) -> None:
    """Every order placed has ended, once, with what its fills say."""
    placed = [row["client_order_id"] for row in events if row["event"] == "place"]
    ended = {row["client_order_id"]: row for row in orders}
    assert len(placed) == len(set(placed)) == len(orders) == len(ended)
    assert set(placed) == set(ended)
    filled: dict[str, float] = dict.fromkeys(placed, 0.0)
    for fill in fills:
        filled[fill["client_order_id"]] += fill["qty"]
    for name, order in ended.items():
        assert order["status"] in ENDS, order
        assert order["created_ns"] <= order["final_ns"], order
        assert abs(filled[name] - order["filled_qty"]) < 1e-9, order
        assert order["filled_qty"] <= order["qty"] * (1 + 1e-12), order
        assert (order["side"], order["reduce_only"]) == (("sell", False) if order["purpose"] == "entry" else ("buy", True)), order
        if order["status"] == "filled":
            assert abs(order["filled_qty"] - order["qty"]) < 1e-9, order


def check_position(data: SymbolTapeData, fills: list[Row], summary: Row) -> None:
    """Never long, no exit beyond the position, and what stands after each fill is the sum of the fills."""
    short = 0
    for fill in fills:
        lots = data.lots(fill["qty"])
        assert lots > 0, fill
        if fill["side"] == "buy":
            assert lots <= short, f"an exit of {lots} lots with {short} held: {fill}"
        short += lots if fill["side"] == "sell" else -lots
        assert data.lots(-fill["position_qty_after"]) == short, fill
        assert fill["ts_venue_ns"] <= fill["ts_ns"], fill
    assert data.lots(-summary["open_qty"]) == short


def check_results(data: SymbolTapeData, symbol: str, closes: list[Row], parts: list[Row], fills: list[Row]) -> None:
    """Each close is the sum of the parts realised since flat; the parts that no close has yet belong to the open position."""
    waiting = [row for row in parts if row["symbol"] == symbol]
    assert sum(data.lots(row["qty"]) for row in waiting) == sum(data.lots(row["qty"]) for row in fills if row["side"] == "buy")
    for close in (row for row in closes if row["symbol"] == symbol):
        lots, net = 0, 0.0
        while lots < data.lots(close["qty"]):
            part = waiting.pop(0)
            assert close["open_ns"] <= part["ts_ns"] <= close["close_ns"], (close, part)
            lots += data.lots(part["qty"])
            net += part["net_usd"]
        assert lots == data.lots(close["qty"]), close
        assert abs(net - close["net_usd"]) < USD_SLACK, (close, net)
        assert abs(close["gross_usd"] - close["fees_usd"] + close["funding_usd"] - close["net_usd"]) < USD_SLACK, close
    assert not waiting or fills[-1]["position_qty_after"] < 0.0


def check_closing_is_single(orders: list[Row]) -> None:
    """A close has one order at work at a time."""
    steps = sorted((row for row in orders if row["purpose"] == "close"), key=lambda row: row["created_ns"])
    for one, two in zip(steps, steps[1:], strict=False):
        assert one["final_ns"] <= two["created_ns"], (one, two)


def check_fill_is_explained(data: SymbolTapeData, fill: Row) -> None:
    """A row of the tape at the fill's venue time says why: a trade at or through its price, a book through it, or the touch it took."""
    ticks, sign = data.ticks(fill["price"]), 1 if fill["side"] == "sell" else -1
    assert fill["maker"] == (fill["cause"] != "taker"), fill
    if fill["cause"] in ("queue", "trade_through"):
        now = data.at(data.trades, fill["ts_venue_ns"])
        # Our sell is hit by buyers, at its price or above; our buy by sellers, at its price or below.
        meets = data.trades["buyer_maker"][now] == (sign < 0)
        beyond = sign * (data.trades["price_ticks"][now] - ticks)
        assert np.any(meets & ((beyond == 0) if fill["cause"] == "queue" else (beyond >= 0))), fill
    elif fill["cause"] == "book_through":
        now = data.at(data.quotes, fill["ts_venue_ns"])
        far = data.quotes["bid_ticks" if sign > 0 else "ask_ticks"][now]
        assert np.any(sign * (far - ticks) >= 0), fill
    else:
        last = data.at(data.quotes, fill["ts_venue_ns"]).stop - 1
        touch = data.quotes["bid_ticks" if sign > 0 else "ask_ticks"][last]
        assert sign * (touch - ticks) >= 0, fill


def check_volume_is_given_once(data: SymbolTapeData, fills: list[Row]) -> None:
    """No more is filled by the trades of a moment than was traded then."""
    given: dict[tuple[int, str], int] = {}
    for fill in fills:
        if fill["cause"] in ("queue", "trade_through"):
            key = (fill["ts_venue_ns"], fill["side"])
            given[key] = given.get(key, 0) + data.lots(fill["qty"])
    for (ts_ns, side), lots in given.items():
        now = data.at(data.trades, ts_ns)
        traded = data.trades["lots"][now][data.trades["buyer_maker"][now] == (side == "buy")]
        assert lots <= traded.sum(), (ts_ns, side, lots)


def check_trades_are_named(fills: list[Row]) -> None:
    """Every fill is a trade of its own at the venue, but for what was learned of some without their reports."""
    named = [fill["trade_id"] for fill in fills if fill["cause"] != "learned"]
    assert len(named) == len(set(named)) and all(trade_id > 0 for trade_id in named)
    assert all(fill["trade_id"] == 0 and np.isnan(fill["queue_ahead_qty"]) for fill in fills if fill["cause"] == "learned")


def check_learned_is_possible(data: SymbolTapeData, fills: list[Row], events: list[Row]) -> None:
    """From an order's sending to the latest that a learned fill can have happened, the market gave as much at the prices that were asked.

    What trades and books gave to other fills meanwhile is not there any more. Of one that took only the price is checked.
    """
    asked: dict[str, list[Row]] = {}
    for row in events:
        if row["event"] in ("place", "amend"):
            asked.setdefault(row["client_order_id"], []).append(row)
    for fill in (fill for fill in fills if fill["cause"] == "learned"):
        sign, sent = 1 if fill["side"] == "sell" else -1, asked[fill["client_order_id"]]
        first_ns, last_ns = sent[0]["ts_ns"], fill["ts_venue_ns"]
        assert first_ns <= last_ns, fill
        books = data.between(data.quotes, first_ns, last_ns)
        far, far_lots = ("bid_ticks", "bid_lots") if sign > 0 else ("ask_ticks", "ask_lots")
        if not fill["maker"]:
            touches = data.quotes[far][max(books.start - 1, 0) : books.stop]
            assert np.any(sign * (touches * data.tick - fill["price"]) >= -data.tick / 2), fill
            continue
        limit = sign * min(sign * data.ticks(row["price"]) for row in sent)
        trades = data.between(data.trades, first_ns, last_ns)
        meets = (data.trades["buyer_maker"][trades] == (sign < 0)) & (sign * (data.trades["price_ticks"][trades] - limit) >= 0)
        through = sign * (data.quotes[far][books] - limit) >= 0
        there = data.trades["lots"][trades][meets].sum() + data.quotes[far_lots][books][through].sum()
        given = sum(
            data.lots(row["qty"])
            for row in fills
            if row["maker"] and row["side"] == fill["side"] and first_ns <= row["ts_venue_ns"] <= last_ns
            if row["cause"] != "learned" or row["client_order_id"] == fill["client_order_id"]
            if sign * (row["price"] / data.tick - limit) >= -0.5
        )
        assert given <= there, (fill, given, there)


def check_equity(rows: list[Row]) -> None:
    """The account adds up at every row and is never long."""
    for row in rows:
        whole = row["realised_usd"] + row["unrealised_usd"] - row["fees_usd"] + row["funding_usd"]
        assert abs(row["equity_usd"] - whole) < USD_SLACK, row
        assert row["position_qty"] <= 0.0, row


def check_funding(data: SymbolTapeData, fills: list[Row], equity: list[Row], last_ns: int) -> None:
    """What the account received is what each rate brings on the position that the fills had made by its time, at the mid before it."""
    due = 0.0
    if data.funding is not None:
        valid = (data.quotes["bid_ticks"] > 0) & (data.quotes["ask_ticks"] >= data.quotes["bid_ticks"])
        times, mids = data.quotes["ts_event"][valid], (data.quotes["bid_ticks"] + data.quotes["ask_ticks"])[valid] / 2 * data.tick
        last_ns = min(last_ns, max(int(data.quotes["ts_event"][-1]), int(data.trades["ts_event"][-1])))
        for ts_ns, rate in zip(data.funding["ts_event"].tolist(), data.funding["rate"].tolist(), strict=True):
            held = sum(row["qty"] if row["side"] == "sell" else -row["qty"] for row in fills if row["ts_venue_ns"] < ts_ns <= last_ns)
            due += rate * held * mids[np.searchsorted(times, ts_ns) - 1]
    assert abs((equity[-1]["funding_usd"] if equity else 0.0) - due) < USD_SLACK, (equity[-1:], due)


def check_fees(fills: list[Row], fees: Row) -> None:
    """Every fill paid the rate of its kind."""
    for fill in fills:
        due = fill["price"] * fill["qty"] * fees["maker" if fill["maker"] else "taker"]
        assert abs(fill["fee_usd"] - due) < USD_SLACK, fill


def check_caps(fills: list[Row], config: Row) -> None:
    """Positions at cost stay within the caps."""
    total_cap, symbol_cap = config["portfolio"]["max_total_notional"], config["grid"]["max_symbol_notional"]
    cost: dict[str, float] = {}
    for fill in fills:
        cost[fill["symbol"]] = -fill["position_qty_after"] * fill["avg_entry_after"]
        if fill["side"] == "sell":
            assert total_cap <= 0 or sum(cost.values()) <= total_cap * (1 + 1e-9), (fill, cost)
            assert symbol_cap <= 0 or cost[fill["symbol"]] <= symbol_cap * (1 + 1e-9), (fill, cost)
