"""The page: whole, offline, the same each time, and open about what is open."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from slackwater.cli.app import main
from slackwater.errors import DataError
from slackwater.research.read_run import open_run
from slackwater.research.report import body, write_report
from slackwater.research.tables import MAX_ROWS
from tests.unit.research.run_kit import SYMBOL, at, closes, equity, make_run, write_table

DATA = re.compile(r'<script type="application/json" id="([^"]+)-data">(.*?)</script>', re.S)


def written(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


def text_of(run: Path) -> str:
    """What a reader reads: the page without charts and tags."""
    return re.sub(r"<[^>]+>", " ", DATA.sub("", "\n".join(body(open_run(run)))))


def charts_of(run: Path) -> dict[str, Any]:
    return {name: json.loads(data) for name, data in DATA.findall("\n".join(body(open_run(run))))}


def test_page_needs_nothing_else(tmp_path: Path) -> None:
    page = written(make_run(tmp_path / "run"))
    assert page.count(get_plotlyjs()) == 1
    own = page.replace(get_plotlyjs(), "")
    assert re.findall(r"https?://|\bsrc=|\bhref=|@import|url\(", own) == []
    assert "showSendToCloud: false" in own


def test_same_run_is_the_same_page(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", symbols=("AAAUSDT", "BBBUSDT"))
    assert written(run) == written(run)
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_charts_are_what_plotly_knows(tmp_path: Path) -> None:
    found = charts_of(make_run(tmp_path / "run", symbols=("AAAUSDT", "BBBUSDT")))
    assert set(found) == {"equity-all"} | {f"{name}-{k}" for k in (0, 1) for name in ("time", "gates-entry", "gates-average", "forecast")}
    for figure in found.values():
        # Raises on a property or value that plotly lacks.
        assert len(go.Figure(figure).data) == len(figure["data"]) > 0


def test_open_position_stands_beside_the_closes(tmp_path: Path) -> None:
    text = text_of(make_run(tmp_path / "run"))
    assert "1 close, won: net +1.0000 usd" in text
    assert f"Still open: {SYMBOL} −1 from 103, −0.5000 usd at the ask. With that, equity +0.4700 usd" in text
    assert "Neither a stop nor an age limit is set" in text


def test_assumptions_are_said(tmp_path: Path) -> None:
    text = text_of(make_run(tmp_path / "run"))
    assert "queue model proportional" in text
    assert "answers come back after 5 ms" in text
    assert "one slice per group" in text
    assert "The tape has no funding rates" in text
    assert "limits for 10.0% of the time" in text
    assert "No input was left out" in text


def test_what_went_wrong_is_said(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "run",
        overflows={SYMBOL: {"market_rings": 3}},
        quarantined={SYMBOL: {"crossed": 7, "time_backwards": 3}},
        time_backwards={SYMBOL: {"quotes": 1200}},
        late_reports={SYMBOL: 2},
        drift_clamped_frac={SYMBOL: 0.8},
        has_funding={SYMBOL: True},
    )
    text = text_of(run)
    assert "the figures are not exact (market rings 3)" in text
    assert f"{SYMBOL}: input that made no sense was left out (crossed 7, time backwards 3)." in text
    assert f"{SYMBOL}: rows were put into the order of their times (steps back: quotes 1,200)." in text
    assert f"changed nothing: {SYMBOL} 2" in text
    assert "limits for 80.0% of the time. That much means" in text
    assert "they were paid and received" in text
    assert "No input was left out" not in text


def test_stop_is_said_when_there_is_one(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    document = json.loads((run / "run.json").read_text())
    document["config"]["exit"] |= {"stop_loss_bps": 80.0, "max_age_sec": 7200.0}
    (run / "run.json").write_text(json.dumps(document | {"has_stop": True}))
    text = text_of(run)
    assert "Positions have a stop at 80 bps and an age limit of 2 h 0 min." in text
    assert "Neither a stop" not in text
    assert "80 (default 0)" in text


def test_run_without_trades(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", has_trades=False)
    text = text_of(run)
    assert "The run made no trade. Nothing is open at the end" in text
    assert "No position went back to flat." in text
    assert "No order was placed. There were no fills." in text
    assert list(charts_of(run)) == ["time-0", "gates-entry-0", "gates-average-0"]


def test_every_symbol_has_its_section(tmp_path: Path) -> None:
    page = "\n".join(body(open_run(make_run(tmp_path / "run", symbols=("AAAUSDT", "BBBUSDT")))))
    assert re.findall(r'<section data-symbol="(\w+)"( hidden)?>', page) == [("AAAUSDT", ""), ("BBBUSDT", " hidden")]
    assert "<option selected>AAAUSDT</option><option>BBBUSDT</option>" in page


def test_fills_are_marked_by_purpose_and_cause(tmp_path: Path) -> None:
    figure = charts_of(make_run(tmp_path / "run"))["time-0"]
    marks = {trace["name"]: trace["customdata"] for trace in figure["data"] if trace["mode"] == "markers"}
    assert list(marks) == ["Entry sell, queue", "Entry sell, trade through", "Entry sell, book through", "Take-profit buy, taker"]
    assert marks["Entry sell, trade through"] == [["e2", 0.5, 0.01, "unknown", -1.5, 100.6666666]]


def test_debt_has_a_row_only_when_there_was_any(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    assert charts_of(folder)["time-0"]["layout"]["yaxis5"]["title"]["text"] == "Debt, usd"
    write_table(folder, "equity", [row | {"debt_usd": 0.0} for row in equity(SYMBOL)])
    assert "yaxis5" not in charts_of(folder)["time-0"]["layout"]
    assert "No recovery debt arose." in text_of(folder)


def test_too_many_fills_are_thinned_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.research.timeline.MARKS_PER_POINT", 0)
    assert "2 of 5 fills are marked" in text_of(make_run(tmp_path / "run"))


def test_long_tables_are_cut_and_say_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    row = closes(SYMBOL)[0]
    write_table(run, "closes", [row | {"close_ns": at(60 + k)} for k in range(MAX_ROWS + 5)])
    assert f"The last {MAX_ROWS:,} of {MAX_ROWS + 5:,} closes" in text_of(run)
    assert "\n".join(body(open_run(run))).count("tp rest</td>") == MAX_ROWS


def test_words_of_a_run_are_text_and_nothing_else(tmp_path: Path) -> None:
    page = written(make_run(tmp_path / "run", slicing="</script><b>one</b>"))
    assert "<b>one</b>" not in page
    assert "&lt;/script&gt;&lt;b&gt;one" in page


def break_run(run: Path, how: str) -> None:
    if how == "no run.json":
        (run / "run.json").unlink()
    elif how == "bad json":
        (run / "run.json").write_text("{")
    elif how == "bad keys":
        (run / "run.json").write_text("{}")
    elif how == "no fills":
        (run / "fills.parquet").unlink()
    elif how == "bad fills":
        (run / "fills.parquet").write_bytes(b"PAR1 and nothing more")
    else:
        write_table(run, "gates", [])
        (run / "gates.parquet").replace(run / "fills.parquet")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no run.json", "run: expected a run directory, found no run.json"),
        ("bad json", "run.json: expected a JSON object"),
        ("bad keys", "run.json: expected the keys symbols"),
        ("no fills", "fills.parquet: expected this table of the run, found nothing"),
        ("bad fills", "fills.parquet: expected a readable Parquet table"),
        ("other columns", "fills.parquet: expected the columns ts_ns"),
    ],
)
def test_damage_is_named(tmp_path: Path, how: str, message: str) -> None:
    run = make_run(tmp_path / "run")
    break_run(run, how)
    with pytest.raises(DataError, match=re.escape(message)):
        write_report(run)
    assert not (run / "report.html").exists()


def test_command_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run")
    assert main(["report", str(run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"run": str(run), "report": str(run / "report.html"), "bytes": (run / "report.html").stat().st_size} | {
        "fill_models": None,
        "execution": None,
    }
    assert main(["report", str(tmp_path / "none")]) == 4
    assert "expected a run directory, found nothing" in capsys.readouterr().err
