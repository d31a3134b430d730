"""The last row ends a run: what is in flight is delivered, what rests is taken back, and what is open stays open."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.config import Config
from slackwater.config.loading import from_mapping
from slackwater.runtime.backtest import Request, run_backtest


@pytest.fixture(scope="module")
def held_ns(run: Path) -> int:
    """A moment soon after the first entry fill: the position is open and its take-profit rests."""
    fills = pq.read_table(run / "fills.parquet", columns=["ts_ns"])
    return int(fills["ts_ns"][0].as_py()) + 1_000_000_000


def test_an_open_position_ends_with_the_tape(run: Path, tape: Path, held_ns: int, tmp_path: Path) -> None:
    document = run_backtest(Request(tape, tmp_path / "cut", Config(), end_ns=held_ns))
    assert document["summary"]["total"]["closes"] == 0
    assert len(document["summary"]["total"]["open_symbols"]) == 1
    assert document["last_ns"] <= held_ns + 20_000_000  # answers under way come within both latencies
    ends = pq.read_table(tmp_path / "cut" / "orders.parquet").to_pylist()
    assert "end_of_tape" in {row["reason"] for row in ends}
    assert {row["status"] for row in ends} <= {"filled", "canceled", "rejected", "expired"}


def test_positions_that_are_not_kept_are_closed_at_the_last_book(tape: Path, held_ns: int, tmp_path: Path) -> None:
    config = from_mapping({"session": {"keep_positions": False}})
    document = run_backtest(Request(tape, tmp_path / "shut", config, end_ns=held_ns))
    assert document["summary"]["total"]["open_symbols"] == []
    closes = pq.read_table(tmp_path / "shut" / "closes.parquet").to_pylist()
    assert [row["reason"] for row in closes] == ["shutdown"]
