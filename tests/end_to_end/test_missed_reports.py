"""Runs whose reports come late, out of order or never: a fill that its own report told is exact, any other says that it was learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slackwater.config.loading import from_mapping
from slackwater.runtime.backtest import Request, run_backtest
from tests.end_to_end.check_run import check_run, table

SLOW: dict[str, Any] = {"entry_latency_ms": 80.0, "response_latency_ms": 80.0, "latency_model": "lognormal"}
FAULTS: dict[str, dict[str, Any]] = {
    "overtaken": {"late_answer_prob": 0.6, "late_answer_ms": 100.0},
    "lost": {"lost_answer_prob": 0.3},
    "all": {"late_answer_prob": 0.3, "late_answer_ms": 3000.0, "lost_answer_prob": 0.3, "duplicate_prob": 0.3},
}
TRADES_MUCH: dict[str, Any] = {
    "signals": {"min_spread_bps": 0.5, "pump_threshold": -1.0, "exhaust_threshold": -1.0, "max_trend_bps": 60.0, "max_trend_30s_bps": 0.0},
    "edge": {"min_edge_bps": -1000.0},
    "grid": {"base_spacing_bps": 6.0, "spacing_growth": 1.1},
    "portfolio": {"max_total_notional": 20_000.0},
    "exit": {"min_tp_profit_bps": 2.0},
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_fills_are_what_the_tape_explains_or_learned(tape: Path, tmp_path: Path, name: str, seed: int) -> None:
    config = from_mapping(TRADES_MUCH | {"sim": SLOW | FAULTS[name]})
    run_backtest(Request(tape, tmp_path / "run", config, ("SYNA",), seed=seed, is_one_model=True))
    document = check_run(tmp_path / "run")
    causes = [row["cause"] for row in table(tmp_path / "run", "fills")]
    assert set(causes) <= {"queue", "trade_through", "book_through", "taker", "learned"}
    assert 0 < causes.count("learned") < len(causes) / 2
    execution = document["summary"]["total"]["execution"]
    assert execution["orders"]["all"]["by_cause"]["learned"]["fills"] == causes.count("learned")
    assert execution["markouts"]["all"]["1s"]["fills"] <= len(causes) - causes.count("learned")
