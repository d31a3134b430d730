"""Real market data, where it is present: the strategy trades where spreads are wide and says why it does not where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from slackwater.config import Config
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.runtime.backtest import Request, run_backtest
from slackwater.runtime.explain import explain_run
from tests.end_to_end.check_run import check_run

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def real_run(stem: str, folder: Path) -> Path:
    """The default configuration on a pair of files."""
    if not DATA.is_dir():
        pytest.skip("no real market data beside the project")
    venue, _, symbol = stem.partition("__")
    quotes, trades = (DATA / f"{stem}__{kind}.parquet" for kind in ("quotes", "trades"))
    import_tape(ImportRequest(venue, symbol, quotes, trades, folder / "tape"))
    run_backtest(Request(folder / "tape", folder / "run", Config()))
    return folder / "run"


def test_a_day_of_wide_spreads_is_traded(tmp_path: Path) -> None:
    run = real_run("gemini_spot_20210702__ETHUSD", tmp_path)
    document = check_run(run)
    assert document["summary"]["total"]["closes"] >= 5
    entries = document["summary"]["total"]["execution"]["orders"]["entry"]
    assert (entries["amends"] > 1000, entries["amends_refused"]) == (True, 0)
    (part,) = explain_run(run)["symbols"]
    assert part["contexts"][0]["shots"] > 50
    assert part["reading"][0].startswith("entry: spread_low refused most: the spread was below 7 bps")


def test_a_tight_market_is_left_alone_and_says_so(tmp_path: Path) -> None:
    run = real_run("binance_usdm_20240718__BTCUSDT", tmp_path)
    document = check_run(run)
    assert document["summary"]["total"]["closes"] == 0
    (part,) = explain_run(run)["symbols"]
    entry = part["contexts"][0]
    assert entry["shots"] == 0
    stopped = {row["gate"]: row["stopped"] for row in entry["gates"]}
    assert stopped["spread_low"] / (entry["evaluations"] - stopped["warmup"]) > 0.95
    assert "signals.min_spread_bps: 7.0" in part["reading"][0]
    assert "the tape's median spread is 0.0" in part["reading"][0]
