"""The checks of a run notice when it is not what happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.check_run import check_run

SEC = 1_000_000_000
Rows = list[dict[str, Any]]


def moved_price(rows: Rows) -> None:
    rows[3]["price"] += 3.0


def moved_time(rows: Rows) -> None:
    rows[2]["ts_venue_ns"] -= 1


def lost_fill(rows: Rows) -> None:
    del rows[4]


def learned_before_it_was_sent(rows: Rows) -> None:
    rows[0] |= {"cause": "learned", "trade_id": 0, "queue_ahead_qty": float("nan"), "ts_venue_ns": rows[0]["ts_venue_ns"] - 3600 * SEC}


def unpaid_fee(rows: Rows) -> None:
    rows[0]["fee_usd"] = 0.0


def better_close(rows: Rows) -> None:
    rows[1]["net_usd"] += 1e-6


def open_order(rows: Rows) -> None:
    rows[5]["status"] = "live"


def lost_order(rows: Rows) -> None:
    del rows[0]


def richer(rows: Rows) -> None:
    rows[7]["equity_usd"] += 1e-6


@pytest.mark.parametrize(
    ("stem", "spoil"),
    [
        ("fills", moved_price),
        ("fills", moved_time),
        ("fills", lost_fill),
        ("fills", learned_before_it_was_sent),
        ("fills", unpaid_fee),
        ("closes", better_close),
        ("orders", open_order),
        ("orders", lost_order),
        ("equity", richer),
    ],
)
def test_a_spoiled_run_is_noticed(run: Path, tmp_path: Path, stem: str, spoil: Callable[[Rows], None]) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / f"{stem}.parquet"
    rows = pq.read_table(path).to_pylist()
    spoil(rows)
    pq.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(AssertionError):
        check_run(tmp_path / "run")
