"""Execution figures of whole runs against what their files and tape say when they are read the slow way."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.config.loading import from_mapping
from slackwater.runtime.backtest import Request, open_session, run_backtest
from slackwater.runtime.fill_models import empty
from tests.end_to_end.check_run import SymbolTapeData, table
from tests.end_to_end.command import answer, slackwater

SEC = 1_000_000_000
STOPS: dict[str, Any] = {"exit": {"stop_loss_bps": 40.0, "max_age_sec": 120.0}, "execution": {"fast_tp_max_age_sec": 5.0}}
# Closes change their reason while the book is still being cleared, or a taking order is on its way.
SLOW_STOPS: dict[str, Any] = {
    "signals": {"min_spread_bps": 0.5, "pump_threshold": -1.0, "exhaust_threshold": -1.0, "max_trend_bps": 60.0, "max_trend_30s_bps": 0.0},
    "edge": {"min_edge_bps": -1000.0},
    "exit": {"min_tp_profit_bps": 2.0, "stop_loss_bps": 4.0},
    "fees": {"maker": 0.0, "taker": 0.00002},
    "inverse_tp": {"enabled": False},
    "sim": {"entry_latency_ms": 900.0, "response_latency_ms": 900.0},
}


@pytest.fixture(scope="module")
def stopped(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose positions are also left by force, on a copy of the tape that may be taken away."""
    home = tmp_path_factory.mktemp("stopped")
    shutil.copytree(tape, home / "tape")
    run_backtest(Request(home / "tape", home / "run", from_mapping(STOPS)))
    return home / "run"


def document_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def market_of(run: Path, symbol: str) -> SymbolTapeData:
    document = document_of(run)
    return SymbolTapeData(Path(document["tape"]["path"]) / document["tape"]["venues"][symbol] / symbol)


def test_orders_and_fills_are_those_of_the_files(stopped: Path) -> None:
    document = document_of(stopped)
    orders, fills, events = (table(stopped, stem) for stem in ("orders", "fills", "order_events"))
    found = document["summary"]["total"]["execution"]["orders"]
    assert found["all"]["placed"] == len(orders) == sum(found[purpose]["placed"] for purpose in ("entry", "take_profit", "close"))
    assert found["all"]["rejected"] == sum(row["event"] == "reject" for row in events)
    assert found["all"]["amends"] == sum(row["event"] == "amend" for row in events)
    assert found["all"]["amends_refused"] == sum(row["amends_refused"] for row in orders)
    assert found["all"]["amends_refused"] == sum(row["event"] == "amend_reject" for row in events)
    assert found["all"]["canceled"] == sum(row["event"] == "cancel_ack" for row in events)
    assert found["all"]["fills"] == len(fills) > 40
    assert {cause: entry["fills"] for cause, entry in found["all"]["by_cause"].items()} == {
        cause: sum(row["cause"] == cause for row in fills) for cause in sorted({row["cause"] for row in fills})
    }
    assert found["all"]["maker_share"] == pytest.approx(document["summary"]["total"]["maker_share"])
    assert found["all"]["fees_usd"] == pytest.approx(sum(row["fee_usd"] for row in fills))
    for symbol in document["symbols"]:
        own = document["summary"]["symbols"][symbol]["execution"]["orders"]["all"]
        assert own["qty"] == pytest.approx(sum(row["qty"] for row in fills if row["symbol"] == symbol))


def test_markouts_are_those_of_the_tape(stopped: Path) -> None:
    document = document_of(stopped)
    gathered: list[float] = []
    for symbol in document["symbols"]:
        data = market_of(stopped, symbol)
        mids = (data.quotes["bid_ticks"] + data.quotes["ask_ticks"]) / 2 * data.tick
        own: list[float] = []
        for row in table(stopped, "fills"):
            moment = row["ts_venue_ns"] + 5 * SEC
            if row["symbol"] != symbol or moment > data.quotes["ts_event"][-1]:
                continue
            mid = mids[np.searchsorted(data.quotes["ts_event"], moment, "right") - 1]
            own.append((row["price"] - mid if row["side"] == "sell" else mid - row["price"]) / row["price"] * 1e4)
        found = document["summary"]["symbols"][symbol]["execution"]["markouts"]["all"]["5s"]
        assert (found["fills"], found["mean_bps"]) == (len(own), pytest.approx(np.mean(own), abs=1e-9))
        gathered += own
    found = document["summary"]["total"]["execution"]["markouts"]["all"]["5s"]
    assert (found["fills"], found["median_bps"]) == (len(gathered), pytest.approx(np.median(gathered), abs=1e-9))


def test_every_close_by_force_is_on_the_ladder(stopped: Path) -> None:
    found = document_of(stopped)["summary"]["total"]["execution"]["close_steps"]
    orders = [row for row in table(stopped, "orders") if row["purpose"] == "close"]
    assert found["closes"] == len({(row["symbol"], row["group_id"]) for row in orders}) > 3
    assert sum(found[step]["orders"] for step in ("maker", "ioc", "market")) == len(orders)
    assert found["ioc"]["closes"] > 0
    assert abs(found["ioc"]["slippage_bps"]) < 20.0


@pytest.mark.parametrize("changes", [STOPS, SLOW_STOPS], ids=["at once", "upgraded under way"])
def test_slippage_is_what_the_strategy_noted_itself(tape: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    request = Request(tape, tmp_path / "run", from_mapping(changes), is_one_model=True)
    document = run_backtest(request)
    session, _ = open_session(request)
    for out in session.run():
        empty(out)
    purposes = {row["client_order_id"]: row["purpose"] for row in table(request.out, "orders")}
    steps = {row["client_order_id"]: step_of(row) for row in table(request.out, "orders")}
    compared = 0
    for source, state in zip(session.inputs, session.states, strict=True):
        noted = {int(close.close_ns): float(close.slippage_bps) for close in state.behaviour.closes if close.close_ns > 0}
        assert len(noted) == document["summary"]["symbols"][source.name]["closes"]
        part: list[tuple[float, float]] = []
        by_step: dict[str, list[tuple[float, float]]] = {step: [] for step in ("maker", "ioc", "market")}
        for row in (row for row in table(request.out, "fills") if row["symbol"] == source.name):
            if row["side"] == "sell":
                assert np.isnan(row["reference_ask"])
                continue
            part.append(((row["price"] / row["reference_ask"] - 1.0) * 1e4, row["qty"]))
            if purposes[row["client_order_id"]] == "close":
                by_step[steps[row["client_order_id"]]].append(part[-1])
            if row["position_qty_after"] == 0.0:
                assert mean_of(part) == pytest.approx(noted[row["ts_ns"]], abs=1e-6)
                compared += 1
                part = []
        found = document["summary"]["symbols"][source.name]["execution"]["close_steps"]
        for step, rows in by_step.items():
            assert found[step]["fills"] == len(rows)
            assert found[step]["slippage_bps"] == (pytest.approx(mean_of(rows), abs=1e-6) if rows else None)
    assert compared > 5


def step_of(order: dict[str, Any]) -> str:
    return "market" if order["type"] == "market" else "ioc" if order["tif"] == "ioc" else "maker"


def mean_of(rows: list[tuple[float, float]]) -> float:
    """The mean of figures by their quantities."""
    return float(np.average([slippage for slippage, _ in rows], weights=[qty for _, qty in rows]))


def test_time_in_position_is_that_of_the_closes(stopped: Path) -> None:
    document = document_of(stopped)
    for symbol in document["symbols"]:
        found = document["summary"]["symbols"][symbol]["execution"]["held"]
        lengths = [(row["close_ns"] - row["open_ns"]) / SEC for row in table(stopped, "closes") if row["symbol"] == symbol]
        assert sum(found["closes_up_to"].values()) == len(lengths) > 2
        assert found["median_sec"] == pytest.approx(np.median(lengths))
        assert found["total_sec"] == pytest.approx(sum(lengths) + (found["open_sec"] or 0.0))


def test_report_shows_it_all_and_says_it_as_json(stopped: Path) -> None:
    said = answer("report", stopped)
    document = document_of(stopped)
    assert said["execution"] == document["summary"]["total"]["execution"]
    assert list(said["fill_models"]) == ["pessimistic", "proportional", "optimistic"]
    page = re.sub(r"<script.*?</script>", "", (stopped / "report.html").read_text(encoding="utf-8"), flags=re.S)
    for text in ("Result by fill model", "proportional (this report)", "Fills by cause", "Reject rate", "What active closes paid"):
        assert text in page, text
    assert page.count("did the market run us over?") == 1 + len(document["symbols"])


def test_a_report_without_figures_in_run_json_counts_again_while_the_tape_is_there(stopped: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(stopped, older)
    document = document_of(stopped)
    for part in (document["summary"]["total"], *document["summary"]["symbols"].values()):
        del part["execution"]
    del document["fill_models"]
    (older / "run.json").write_text(json.dumps(document))
    answer("report", stopped)
    answer("report", older)
    pages = [re.sub(r"<script.*?</script>", "", (run / "report.html").read_text(encoding="utf-8"), flags=re.S) for run in (stopped, older)]
    parts = [page[page.index("Execution</h3>") :] for page in pages]
    assert parts[0] == parts[1]
    assert "Only one fill model was run" in pages[1]
    tape = Path(document["tape"]["path"])
    moved = tape.rename(tape.with_name("moved"))
    try:
        answer("report", older)
    finally:
        moved.rename(tape)
    page = (older / "report.html").read_text(encoding="utf-8")
    assert "Markouts are left out, because the tape is not where the run found it." in page


def test_one_model_is_one_entry_and_the_same_orders(tape: Path, run: Path, tmp_path: Path) -> None:
    said = answer("backtest", "--data", tape, "--out", tmp_path / "run", "--one-model", "--no-report")
    assert list(said["fill_models"]) == ["proportional"]
    assert said["orders_sha256"] == document_of(run)["orders_sha256"]
    done = slackwater("backtest", "--data", tape, "--out", tmp_path / "run", "--no-report")
    assert done.returncode == 0
    assert "under every fill model" in done.stdout or "depends on the fill model" in done.stdout
    assert pq.read_metadata(tmp_path / "run" / "fills.parquet").num_rows > 0
