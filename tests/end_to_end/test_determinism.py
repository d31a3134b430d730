"""Same tape, configuration and seed: same orders, in any process, beside any symbols, compiled or not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from slackwater.config import Config
from slackwater.config.loading import from_mapping
from slackwater.runtime.backtest import Request, run_backtest
from slackwater.schema.enums import OrderEvent, OrderReason
from tests.end_to_end.check_run import check_run
from tests.end_to_end.command import answer

MINUTE = 60_000_000_000
NO_CAP: dict[str, Any] = {"portfolio": {"max_total_notional": 1e6}, "account": {"balance": 1e6}}


def test_the_shared_run_holds_together(run: Path) -> None:
    document = check_run(run)
    assert document["summary"]["total"]["closes"] > 20


def test_again_in_one_process_and_in_another(run: Path, tape: Path, tmp_path: Path) -> None:
    first = check_run(run)["orders_sha256"]
    assert run_backtest(Request(tape, tmp_path / "again", Config()))["orders_sha256"] == first
    assert answer("backtest", "--data", tape, "--out", tmp_path / "other", "--no-report")["orders_sha256"] == first
    for stem in ("fills", "closes", "edge", "decisions", "equity"):
        assert (tmp_path / "other" / f"{stem}.parquet").read_bytes() == (run / f"{stem}.parquet").read_bytes(), stem


def test_alone_or_beside_others(tape: Path, tmp_path: Path) -> None:
    config = from_mapping(NO_CAP)
    both = run_backtest(Request(tape, tmp_path / "both", config))["summary"]["symbols"]
    for symbol in ("SYNA", "SYNB"):  # one of them ends later than the other, with orders at rest
        document = run_backtest(Request(tape, tmp_path / symbol, config, (symbol,)))
        alone = document["summary"]["symbols"][symbol]
        assert alone["orders_sha256"] == document["orders_sha256"]
        assert alone["orders_sha256"] == both[symbol]["orders_sha256"]
        assert alone["closes"] > 5
    assert both["SYNA"]["orders_sha256"] != both["SYNB"]["orders_sha256"]


def test_without_compilation(run: Path, tape: Path, tmp_path: Path) -> None:
    first_ns = pq.read_table(run / "decisions.parquet")["ts_ns"][0].as_py()
    words = ["backtest", "--data", tape, "--symbol", "SYNA", "--end", first_ns + 4 * MINUTE, "--one-model", "--no-report", "--out"]
    compiled = answer(*words, tmp_path / "compiled")
    plain = answer(*words, tmp_path / "plain", environment={"NUMBA_DISABLE_JIT": "1"})
    check_run(tmp_path / "plain")
    assert plain["orders_sha256"] == compiled["orders_sha256"]
    for stem in ("fills", "closes", "edge", "decisions", "equity"):
        found, expected = ((tmp_path / name / f"{stem}.parquet").read_bytes() for name in ("plain", "compiled"))
        assert found == expected, stem
    assert pq.read_metadata(tmp_path / "compiled" / "fills.parquet").num_rows > 0


def test_caps_hold_when_they_bind(tape: Path, tmp_path: Path) -> None:
    config = from_mapping({"portfolio": {"max_total_notional": 200.0}, "grid": {"max_symbol_notional": 150.0}})
    run_backtest(Request(tape, tmp_path / "run", config))
    document = check_run(tmp_path / "run")
    reasons = set(pq.read_table(tmp_path / "run" / "gates.parquet")["reason"].to_pylist())
    assert {"portfolio_cap", "symbol_cap"} <= reasons
    assert document["summary"]["total"]["max_notional_usd"] <= 200.0 * (1 + 1e-9)


def test_stops_timeouts_and_slow_answers_hold_together(tape: Path, tmp_path: Path) -> None:
    settings = {"exit": {"stop_loss_bps": 40.0, "max_age_sec": 120.0}, "sim": {"entry_latency_ms": 80.0, "response_latency_ms": 40.0}}
    run_backtest(Request(tape, tmp_path / "run", from_mapping(settings)))
    check_run(tmp_path / "run")
    reasons = set(pq.read_table(tmp_path / "run" / "closes.parquet")["reason"].cast("string").to_pylist())
    assert {"stop", "timeout"} <= reasons


def test_the_runs_hash_is_over_events_by_time_and_symbol(run: Path) -> None:
    document = check_run(run)
    events = pq.read_table(run / "order_events.parquet").to_pylist()
    kinds = {event.name.lower(): int(event) for event in OrderEvent}
    reasons = {reason.name.lower(): int(reason) for reason in OrderReason}
    steps = {"SYNA": (0.01, 0.1), "SYNB": (0.0002, 1.0)}
    digest = hashlib.sha256()
    for row in sorted(events, key=lambda row: (row["ts_ns"], row["symbol"])):
        _, group, part, number = row["client_order_id"].removeprefix("sw0-").split("-")
        tick, lot = steps[row["symbol"]]
        fields = [row["ts_ns"], int(number), int(group), int(part), round(row["price"] / tick), round(row["qty"] / lot)]
        digest.update(hashlib.sha256(row["symbol"].encode()).digest()[:8])
        digest.update(np.array([*fields, kinds[row["event"]], reasons[row["reason"]]], "<i8").tobytes())
    assert digest.hexdigest() == document["orders_sha256"]
