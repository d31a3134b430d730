"""Run directories written by hand: two layers closed by a resting take-profit, then a layer that stays open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from slackwater.config import Config

T0 = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z
SEC = 1_000_000_000
SYMBOL = "AAAUSDT"
NAN = float("nan")


def at(seconds: float) -> int:
    return T0 + round(seconds * SEC)


Rows = list[dict[str, Any]]
STRINGS = ("symbol", "client_order_id", "purpose", "type", "tif", "status", "event", "side", "cause", "reason", "context")
WHOLE = ("layers", "group_id", "count", "amend_count", "amends_refused")
# Tables without rows still have their columns.
EMPTY = {
    "orders": "symbol client_order_id group_id purpose created_ns final_ns price type tif status amend_count amends_refused reason",
    "order_events": "ts_ns symbol client_order_id event price reason",
    "fills": (
        "ts_ns ts_venue_ns symbol client_order_id side price qty maker fee_usd position_qty_after avg_entry_after queue_ahead_qty cause "
        "queue_unknown_on_arrival reference_ask"
    ),
    "closes": (
        "symbol open_ns close_ns layers qty notional_usd avg_entry avg_exit gross_usd fees_usd funding_usd net_usd net_bps reason "
        "debt_before_usd debt_lapsed_usd debt_after_usd"
    ),
    "realisations": "ts_ns symbol qty net_usd debt_after_usd reason",
    "gates": "symbol context reason count",
    "edge": "ts_ns symbol context expected_edge_bps edge_lcb_bps required_edge_bps edge_ok",
    "decisions": "ts_ns symbol context reason price",
    "equity": "ts_ns symbol position_qty equity_usd debt_usd",
}


def rows_of(columns: str, *lines: tuple[Any, ...]) -> Rows:
    return [dict(zip(columns.split(), line, strict=True)) for line in lines]


def orders(symbol: str) -> Rows:
    return rows_of(
        EMPTY["orders"],
        (symbol, "e1", 1, "entry", at(10), at(11), 100.0, "limit", "gtx", "filled", 0, 0, "entry"),
        (symbol, "t1", 2, "take_profit", at(11), at(60), 99.0, "limit", "gtx", "filled", 1, 0, "take_profit"),
        (symbol, "e2", 3, "entry", at(20), at(22), 102.0, "limit", "gtx", "filled", 0, 0, "average"),
        (symbol, "e3", 4, "entry", at(80), at(81), 103.0, "limit", "gtx", "filled", 0, 0, "entry"),
    )


def order_events(symbol: str) -> Rows:
    return rows_of(
        EMPTY["order_events"],
        (at(10), symbol, "e1", "place", 100.0, "entry"),
        (at(11), symbol, "t1", "place", 99.0, "take_profit"),
        (at(30), symbol, "t1", "amend", 100.5, "step"),
        (at(31), symbol, "t1", "amend_ack", 100.5, "none"),
        (at(60), symbol, "t1", "fill", 100.5, "none"),
    )


def fills(symbol: str) -> Rows:
    return rows_of(
        EMPTY["fills"],
        (at(11), at(10.9), symbol, "e1", "sell", 100.0, 1.0, True, 0.03, -1.0, 100.0, 5.0, "queue", False, NAN),
        (at(21), at(20.9), symbol, "e2", "sell", 102.0, 0.5, True, 0.01, -1.5, 100.6666666, NAN, "trade_through", True, NAN),
        (at(22), at(21.9), symbol, "e2", "sell", 102.2, 0.5, True, 0.01, -2.0, 101.05, 0.0, "book_through", False, NAN),
        (at(60), at(59.9), symbol, "t1", "buy", 100.5, 2.0, False, 0.05, 0.0, 0.0, 0.0, "taker", False, 100.0),
        (at(81), at(80.9), symbol, "e3", "sell", 103.0, 1.0, True, 0.03, -1.0, 103.0, 0.0, "queue", False, NAN),
    )


def closes(symbol: str) -> Rows:
    return rows_of(
        EMPTY["closes"],
        (symbol, at(11), at(60), 2, 2.0, 202.1, 101.05, 100.5, 1.1, 0.1, 0.0, 1.0, 49.48, "tp_rest", 0.0, 0.0, 0.0),
    )


def gates(symbol: str) -> Rows:
    return rows_of(
        EMPTY["gates"],
        (symbol, "entry", "spread_low", 70),
        (symbol, "entry", "pump", 20),
        (symbol, "entry", "edge", 8),
        (symbol, "entry", "pass", 2),
        (symbol, "average", "spacing", 9),
        (symbol, "average", "pass", 1),
    )


def edge(symbol: str) -> Rows:
    return rows_of(
        EMPTY["edge"],
        (at(9), symbol, "entry", 1.0, 0.5, 2.0, False),
        (at(10), symbol, "entry", 30.0, 20.0, 2.0, True),
        (at(20), symbol, "average", 40.0, 35.0, 2.0, True),
        (at(80), symbol, "entry", 25.0, 15.0, 2.0, True),
    )


def equity(symbol: str) -> Rows:
    lines = ((11, -1.0, -0.03, 0.0), (22, -2.0, -2.0, 0.0), (60, 0.0, 1.0, 0.0), (81, -1.0, 0.97, 0.0), (90, -1.0, 0.47, 0.5))
    return [{"ts_ns": at(t), "symbol": symbol, "position_qty": q, "equity_usd": e, "debt_usd": d} for t, q, e, d in lines]


def decisions(symbol: str) -> Rows:
    return [{"ts_ns": at(t), "symbol": symbol, "context": "entry", "reason": "pump", "price": 100.0 + t / 50} for t in range(0, 100, 5)]


def realisations(symbol: str) -> Rows:
    return rows_of(EMPTY["realisations"], (at(60), symbol, 2.0, 1.0, 0.0, "tp_rest"))


TABLES = {
    "orders": orders,
    "order_events": order_events,
    "fills": fills,
    "closes": closes,
    "realisations": realisations,
    "gates": gates,
    "edge": edge,
    "decisions": decisions,
    "equity": equity,
}
QUIET = ("gates", "decisions")  # what a run without trades still has


def kind_of(name: str) -> pa.DataType:
    if name in STRINGS:
        return pa.dictionary(pa.int32(), pa.string())
    if name in ("maker", "edge_ok"):
        return pa.bool_()
    return pa.int64() if name.endswith("_ns") or name in WHOLE else pa.float64()


def write_table(folder: Path, stem: str, rows: Rows) -> None:
    schema = pa.schema([(name, kind_of(name)) for name in EMPTY[stem].split()])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{stem}.parquet")


def summary(has_trades: bool) -> dict[str, Any]:
    figures: dict[str, Any] = dict.fromkeys(("net_usd", "gross_usd", "fees_usd", "funding_usd", "unrealised_usd", "equity_usd"), 0.0)
    figures |= {"closes": 0, "win_rate": None, "net_bps_mean": None, "maker_share": None, "post_only_rejects": 0, "open_qty": 0.0}
    figures |= {"max_notional_usd": 0.0, "max_drawdown_usd": 0.0, "debt_peak_usd": 0.0, "open_avg_entry": None, "open_symbols": []}
    if has_trades:
        figures |= {"closes": 1, "win_rate": 1.0, "net_usd": 1.0, "gross_usd": 1.1, "fees_usd": 0.1, "net_bps_mean": 49.48}
        figures |= {"unrealised_usd": -0.5, "equity_usd": 0.47, "open_qty": -1.0, "open_avg_entry": 103.0, "max_drawdown_usd": 2.0}
    return figures


def document(symbols: tuple[str, ...], has_trades: bool) -> dict[str, Any]:
    per_symbol = {symbol: summary(has_trades) for symbol in symbols}
    return {
        "version": "0.1.0",
        "git_commit": None,
        "tape": {"path": "nowhere", "sha256": "0" * 64, "manifests": {}, "venues": dict.fromkeys(symbols, "binance")},
        "symbols": list(symbols),
        "first_ns": at(0),
        "last_ns": at(100),
        "seed": 1,
        "config": Config().to_mapping(),
        "events": 100,
        "wall_sec": 0.5,
        "quarantined": {symbol: {} for symbol in symbols},
        "drift_clamped_frac": dict.fromkeys(symbols, 0.1),
        "overflows": {},
        "late_reports": dict.fromkeys(symbols, 0),
        "slicing": "one slice per group",
        "fill_model": {"queue_model": "proportional", "feed_latency_ms": 2.0, "entry_latency_ms": 5.0, "response_latency_ms": 5.0},
        "has_funding": dict.fromkeys(symbols, False),
        "has_stop": False,
        "orders_sha256": "a" * 64,
        "summary": {"total": summary(has_trades) | {"open_symbols": list(symbols) if has_trades else []}, "symbols": per_symbol},
    }


def make_run(folder: Path, symbols: tuple[str, ...] = (SYMBOL,), has_trades: bool = True, **changes: Any) -> Path:
    """Write a run directory; `changes` replace parts of `run.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, rows in TABLES.items():
        found = [row for symbol in symbols for row in rows(symbol)] if has_trades or stem in QUIET else []
        write_table(folder, stem, sorted(found, key=lambda row: row.get("ts_ns", 0)))
    (folder / "run.json").write_text(json.dumps(document(symbols, has_trades) | changes))
    return folder
