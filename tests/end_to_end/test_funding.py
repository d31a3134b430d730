"""Funding in a run directory: every payment is the venue's position at its time, at the mid and rate of the tape."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.config.loading import from_mapping
from slackwater.data.synth import synth
from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.runtime.backtest import Request, run_backtest
from slackwater.runtime.moment import explain_at
from slackwater.schema.units import SEC
from tests.end_to_end.check_run import check_run, table

NO_CAP = {"portfolio": {"max_total_notional": 1e6}, "account": {"balance": 1e6}}


@pytest.fixture(scope="module")
def funded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tape of two symbols whose funding is paid every ten seconds instead of every eight hours."""
    folder = tmp_path_factory.mktemp("funded") / "tape"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synth, "FUNDING_NS", 10 * SEC)
        synthesise(SynthRequest(folder, ("SYNA", "SYNB"), None, 1.0, 1, "pumps"))
    return folder


@pytest.mark.parametrize("response_ms", [5.0, 4000.0])
def test_the_account_receives_what_the_tape_says(funded: Path, tmp_path: Path, response_ms: float) -> None:
    config = from_mapping({**NO_CAP, "sim": {"response_latency_ms": response_ms}})
    run_backtest(Request(funded, tmp_path / "run", config, is_one_model=True))
    document = check_run(tmp_path / "run")
    total = document["summary"]["total"]
    assert total["closes"] > 3 and total["funding_usd"] != 0.0
    assert all(document["has_funding"].values())
    for symbol, summary in document["summary"]["symbols"].items():
        last = [row for row in table(tmp_path / "run", "equity") if row["symbol"] == symbol][-1]
        (part,) = explain_at(tmp_path / "run", document["last_ns"], symbol)["symbols"]
        assert part["position"]["funding_usd"] == last["funding_usd"] != 0.0
        assert summary["open_qty"] != 0.0 or abs(summary["funding_usd"] - last["funding_usd"]) < 1e-9


def test_alone_or_beside_others(funded: Path, tmp_path: Path) -> None:
    config = from_mapping(NO_CAP)
    both = run_backtest(Request(funded, tmp_path / "both", config, is_one_model=True))["summary"]["symbols"]
    for symbol in ("SYNA", "SYNB"):
        document = run_backtest(Request(funded, tmp_path / symbol, config, (symbol,), is_one_model=True))
        alone = document["summary"]["symbols"][symbol]
        for name in ("orders_sha256", "funding_usd", "equity_usd", "max_drawdown_usd"):
            assert alone[name] == both[symbol][name], name
        assert pq.read_metadata(tmp_path / symbol / "fills.parquet").num_rows > 10
