"""Liquidations from the tables of a run: which realised parts each of them brought."""

from __future__ import annotations

import pyarrow as pa
import pytest

from slackwater.runtime.halts import liquidations


def fill(symbol: str, ts_ns: int, venue_ns: int, order: str = "-0-0-0") -> dict[str, object]:
    return {
        "ts_ns": ts_ns,
        "ts_venue_ns": venue_ns,
        "symbol": symbol,
        "client_order_id": f"sw{order}",
        "price": 2.0,
        "qty": 3.0,
        "fee_usd": 0.5,
    }


def part(symbol: str, ts_ns: int, net_usd: float, reason: str = "external") -> dict[str, object]:
    return {"ts_ns": ts_ns, "symbol": symbol, "net_usd": net_usd, "reason": reason}


def test_each_liquidation_brought_the_parts_told_since_up_to_the_next_one() -> None:
    fills = [fill("A", 10, 5), fill("A", 12, 5), fill("B", 11, 6), fill("A", 30, 20), fill("A", 40, 20, "-1-0-7")]
    parts = [part("A", 10, -1.0), part("B", 11, -64.0), part("A", 12, -2.0), part("A", 15, -4.0), part("A", 30, -8.0), part("A", 41, -16.0)]
    parts.append(part("A", 42, 100.0, "tp"))
    found = liquidations(pa.Table.from_pylist(fills), pa.Table.from_pylist(parts))
    assert [(entry["symbol"], entry["ts_venue_ns"], entry["ts_ns"], entry["net_usd"]) for entry in found] == [
        ("A", 5, 12, pytest.approx(-7.0)),
        ("B", 6, 11, pytest.approx(-64.0)),
        ("A", 20, 30, pytest.approx(-24.0)),
    ]
    assert [(entry["qty"], entry["fees_usd"]) for entry in found] == [(6.0, 1.0), (3.0, 0.5), (3.0, 0.5)]
