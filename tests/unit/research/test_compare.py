"""Runs side by side: what differs, and what must be minded when they are compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from slackwater.cli.app import main
from slackwater.config import Config
from slackwater.errors import UsageError
from slackwater.research.compare import compare_runs, short_names, write_comparison
from tests.unit.research.run_kit import at, document, make_run


def notes(*runs: Path) -> str:
    return " ".join(note.text for note in compare_runs(runs).notes)


def test_same_tape_and_orders_are_said(tmp_path: Path) -> None:
    text = notes(make_run(tmp_path / "a"), make_run(tmp_path / "b"))
    assert "All runs were made on the same tape (000000000000)." in text
    assert "All runs sent the same orders and got the same fills." in text
    assert "Neither a stop nor an age limit is set in any run" in text


def test_different_tapes_times_and_versions_are_said(tmp_path: Path) -> None:
    tape = document(("AAAUSDT",), True)["tape"] | {"sha256": "1" * 64}
    other = make_run(tmp_path / "b", tape=tape, last_ns=at(90), version="9.9", orders_sha256="b" * 64, has_stop=True)
    text = notes(make_run(tmp_path / "a"), other)
    assert "The runs were made on different tapes" in text
    assert "The runs span different times" in text
    assert "different versions: a 0.1.0, b 9.9" in text
    assert "same orders" not in text
    assert "is set in a:" in text


def test_only_differing_settings_are_listed(tmp_path: Path) -> None:
    changed = Config().to_mapping()
    changed["sim"]["queue_model"] = "pessimistic"
    found = compare_runs([make_run(tmp_path / "a"), make_run(tmp_path / "b", config=changed, seed=7)])
    assert found.differences == {
        "session.seed": {"a": 1, "b": 7},
        "sim.queue_model": {"a": "proportional", "b": "pessimistic"},
    }


def test_names_tell_runs_apart(tmp_path: Path) -> None:
    assert short_names([tmp_path / "x" / "run", tmp_path / "y" / "run"]) == ["x/run", "y/run"]
    assert short_names([tmp_path / "x" / "one", tmp_path / "x" / "two"]) == ["one", "two"]


def test_page_needs_nothing_else_and_repeats(tmp_path: Path) -> None:
    found = compare_runs([make_run(tmp_path / "a"), make_run(tmp_path / "b", has_trades=False)])
    first = write_comparison(found, tmp_path / "one.html").read_text(encoding="utf-8")
    assert first == write_comparison(found, tmp_path / "two.html").read_text(encoding="utf-8")
    assert re.findall(r"https?://|\bsrc=|\bhref=", first.replace(get_plotlyjs(), "")) == []
    assert "Largest drawdown, usd" in first


def test_liquidations_are_said(tmp_path: Path) -> None:
    entry = {"symbol": "AAAUSDT", "ts_ns": at(60), "ts_venue_ns": at(59), "qty": 1.0, "avg_price": 110.0, "fees_usd": 1.5, "net_usd": -9.0}
    other = make_run(tmp_path / "b", liquidated=[entry], halted={"AAAUSDT": ["liquidation"]})
    assert "Positions were liquidated by the venue, and their symbols halted after it: a 0, b 1." in notes(make_run(tmp_path / "a"), other)
    assert "liquidated" not in notes(tmp_path / "a", make_run(tmp_path / "c"))


def test_runs_of_other_days_lie_over_each_other(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", first_ns=at(0) - 1, last_ns=at(100))]
    page = write_comparison(compare_runs(runs), tmp_path / "c.html").read_text(encoding="utf-8")
    assert "hours since the start of the run" in page


@pytest.mark.parametrize(("names", "message"), [(["a"], "two run directories or more, found 1"), (["a", "a"], "one given twice")])
def test_one_run_is_no_comparison(tmp_path: Path, names: list[str], message: str) -> None:
    make_run(tmp_path / "a")
    with pytest.raises(UsageError, match=message):
        compare_runs([tmp_path / name for name in names])


def test_command_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(make_run(tmp_path / name)) for name in ("a", "b")]
    out = tmp_path / "c.html"
    assert main(["compare", *runs, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^Net of closes, usd +\+1\.0000 +\+1\.0000$", text, re.M)
    assert text.splitlines()[-1] == str(out)
    assert main(["compare", *runs, "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["same_tape"], said["same_orders"], said["differences"]) == (True, True, {})
    assert said["figures"]["b"]["equity_usd"] == 0.47
    assert out.exists()
