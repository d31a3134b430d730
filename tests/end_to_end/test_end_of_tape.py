"""The last row ends a run: what is in flight is delivered, what rests is taken back, and what is open stays open or is closed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.config import Config
from slackwater.config.loading import from_mapping
from slackwater.data.synth.synth import DEFAULT_START_NS, SynthRequest, synthesise
from slackwater.runtime.backtest import Request, run_backtest
from slackwater.runtime.moment import explain_at
from slackwater.schema.units import SEC


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
    for before_ns, is_flat in ((1, False), (0, True)):  # the tape has no rows any more, but moments it has
        (part,) = explain_at(tmp_path / "shut", closes[0]["close_ns"] - before_ns, closes[0]["symbol"])["symbols"]
        assert (part["position"]["qty"] == 0, part["closing"] == "idle") == (is_flat, is_flat)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tape whose second symbol ends an hour before the first."""
    folder, short = tmp_path_factory.mktemp("uneven") / "tape", tmp_path_factory.mktemp("uneven") / "short"
    synthesise(SynthRequest(folder, ("SYNA",), None, 2.0, 1, "pumps"))
    synthesise(SynthRequest(short, ("SYNB",), None, 1.0, 1, "pumps"))
    shutil.copytree(short / "synth" / "SYNB", folder / "synth" / "SYNB")
    return folder


@pytest.mark.parametrize("minutes", [None, 28, 37])
def test_each_symbol_is_closed_at_its_own_end(uneven: Path, minutes: int | None, tmp_path: Path) -> None:
    settings = {"portfolio": {"max_total_notional": 1e6}, "account": {"balance": 1e6}, "session": {"keep_positions": False}}
    end_ns = None if minutes is None else DEFAULT_START_NS + minutes * 60 * SEC
    config = from_mapping(settings)
    document = run_backtest(Request(uneven, tmp_path / "both", config, end_ns=end_ns, is_one_model=True))
    assert document["summary"]["total"]["open_symbols"] == []
    found: dict[str, int] = {}
    for symbol in ("SYNA", "SYNB"):
        own = run_backtest(Request(uneven, tmp_path / symbol, config, (symbol,), end_ns=end_ns, is_one_model=True))
        assert document["summary"]["symbols"][symbol]["orders_sha256"] == own["orders_sha256"]
        closes = pq.read_table(tmp_path / symbol / "closes.parquet").to_pylist()
        found |= {row["symbol"]: row["close_ns"] for row in closes if row["reason"] == "shutdown"}
    together = pq.read_table(tmp_path / "both" / "closes.parquet").to_pylist()
    assert {row["symbol"]: row["close_ns"] for row in together if row["reason"] == "shutdown"} == found
    assert len(found) == 2
