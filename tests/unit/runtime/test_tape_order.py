"""Input that was out of order is told of in the run."""

from __future__ import annotations

import json
from pathlib import Path

from slackwater.config import Config
from slackwater.data.tape import open_tape
from slackwater.runtime.backtest import Request, run_backtest
from tests.unit.data.tables import QUOTES, TRADES, make_tape


def test_a_run_tells_of_rows_that_were_put_into_order(tmp_path: Path) -> None:
    day = 86_400.0
    quotes = [QUOTES[2], QUOTES[0], QUOTES[1], (day, 99.9, 1.0, 100.1, 1.0), (day - 1.0, 99.9, 1.0, 100.1, 1.0)]
    make_tape(tmp_path, quotes, [*TRADES, TRADES[0]])
    (entry,) = open_tape(tmp_path / "tape").symbols
    assert (entry.time_backwards, entry.quarantined) == ({"quotes": 2, "trades": 1}, {})
    run_backtest(Request(tmp_path / "tape", tmp_path / "run", Config()))
    assert json.loads((tmp_path / "run/run.json").read_text())["time_backwards"] == {"AAAUSDT": {"quotes": 2, "trades": 1}}
