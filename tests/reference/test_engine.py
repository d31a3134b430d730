"""Whole runs of the compiled engine against the reference, fed with the orders and fills that the runs report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reference.replay import compare_closes, compare_decisions, compare_edge, compare_realisations, facts_of_run, replay
from tests.reference.settings import MINUTE, Settings
from tests.reference.tapes import SHARED, events

TAPE = "gemini_spot_20210702__ETHUSD"
STEPS = Settings(tick_den=100, lot_den=100_000_000)
# Gates wide open, a grid that fills and a short time limit: many closes of every kind on one day.
OPEN_CONFIG = """
grid: {max_layers: 6, base_spacing_bps: 8.0, spacing_growth: 1.2}
signals: {min_spread_bps: 2.0, pump_threshold: -0.5, exhaust_threshold: -0.5, max_trend_30s_bps: 0.0, waterfall_vol_threshold: 1000000.0}
exit: {max_age_sec: 900}
risk: {max_loss_bps: 1000.0}
edge: {signal_slope_bps: 20.0}
recovery:
  {paydown_ratio: 0.002, avg_min_unrealized_bps: 5.0,
   avg_cooldown_sec: 0.0, avg_max_adds_per_hour: 0, debt_cap_usd: 1.0, lookback_hours: 0.5}
"""
OPEN = Settings(
    tick_den=100,
    lot_den=100_000_000,
    max_layers=6,
    base_spacing_bps=8.0,
    spacing_growth=1.2,
    min_spread_bps=2.0,
    pump_threshold=-0.5,
    exhaust_threshold=-0.5,
    max_trend_30s_bps=0.0,
    waterfall_vol_threshold=1e6,
    max_age_ns=15 * MINUTE,
    max_loss_bps=1000.0,
    signal_slope_bps=20.0,
    paydown_ratio=0.002,
    avg_min_unrealized_bps=5.0,
    avg_cooldown_ns=0,
    avg_max_adds_per_hour=0,
    debt_cap_usd=1.0,
    debt_lookback_ns=30 * MINUTE,
)

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the shared data is not beside the project"),
]


def slackwater(*words: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "slackwater", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tape")
    files = ("--quotes", SHARED / "data" / f"{TAPE}__quotes.parquet", "--trades", SHARED / "data" / f"{TAPE}__trades.parquet")
    slackwater("data", "import", "--venue", "gemini", "--symbol", "ETHUSD", "--tick", "0.01", "--lot", "0.00000001", *files, "--to", folder)
    return folder


@pytest.mark.parametrize(("config", "settings"), [("", STEPS), (OPEN_CONFIG, OPEN)], ids=["defaults", "open"])
def test_the_engine_decides_and_books_as_the_reference_does(config: str, settings: Settings, tape: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(config or "{}\n")
    run = tmp_path / "run"
    slackwater("backtest", "--data", tape, "--config", tmp_path / "config.yaml", "--out", run, "--no-report")
    result = replay(settings, events(TAPE, settings), facts_of_run(run, "ETHUSD", settings))
    assert len(result.strategy.ledger.closes) >= 5
    assert compare_closes(run, "ETHUSD", result) == []
    assert compare_realisations(run, "ETHUSD", result) == []
    assert compare_edge(run, "ETHUSD", result) == []
    assert compare_decisions(run, "ETHUSD", result) == []
