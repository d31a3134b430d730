"""Input that was out of order is told of in the run."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.cli.backtest import summary_text
from slackwater.config import Config
from slackwater.data.tape import open_tape
from slackwater.runtime.backtest import Request, run_backtest
from tests.unit.data.tables import QUOTES, TRADES, make_tape


def test_a_run_tells_of_rows_that_were_put_into_order_and_of_those_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = 86_400.0
    quotes = [*QUOTES[:2], (0.5, 99.9, 1.0, 100.1, 1.0), QUOTES[2], *((day + k / 2, 99.9, 1.0, 100.1, 1.0) for k in (0, 2, 1, 0, 9))]
    make_tape(tmp_path, quotes, [*TRADES, TRADES[0]])
    (entry,) = open_tape(tmp_path / "tape").symbols
    assert (entry.time_backwards, entry.quarantined) == ({"quotes": 3, "trades": 1}, {})
    make_tape(tmp_path, [*quotes[:4], (9e8, 99.9, 1.0, 100.1, 1.0), *quotes[4:]], [*TRADES, TRADES[0]])
    (entry,) = open_tape(tmp_path / "tape").symbols
    assert (entry.time_backwards, entry.quarantined) == ({"quotes": 3, "trades": 1}, {"time_backwards": 1})
    document = run_backtest(Request(tmp_path / "tape", tmp_path / "run", Config()))
    written = json.loads((tmp_path / "run/run.json").read_text())
    assert written["time_backwards"] == {"AAAUSDT": {"quotes": 3, "trades": 1}}
    assert written["quarantined"] == {"AAAUSDT": {"time_backwards": 1}}
    said = (
        "AAAUSDT: input that made no sense was left out (time backwards 1)\n"
        "AAAUSDT: rows were put into the order of their times (steps back: quotes 3, trades 1)"
    )
    assert said in summary_text(tmp_path / "run", document)
    assert main(["explain", str(tmp_path / "run")]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("command", ["backtest", "signals"])
def test_a_tape_whose_file_is_out_of_order_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    path = tmp_path / "tape/binance/AAAUSDT/2023-11-14/quotes.parquet"
    pq.write_table(pq.read_table(path).take(pa.array([1, 0, 2])), path)
    out = tmp_path / ("run" if command == "backtest" else "signals.parquet")
    assert (
        main([command, "--data", str(tmp_path / "tape"), *(["--symbol", "AAAUSDT"] if command == "signals" else []), "--out", str(out)])
        == 4
    )
    assert f"{path}: expected times in order, found 2023-11-14T22:13:20.000Z, 1 s before the row ahead" in capsys.readouterr().err
    assert not out.exists()
