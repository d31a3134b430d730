"""The benchmark measures a run that is the back-test's own, and its processes and medians do what they say. No figure is asserted."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from slackwater.cli.app import main
from slackwater.config.model import Config
from slackwater.errors import SlackwaterError
from slackwater.runtime.backtest import Request, open_session, run_backtest
from slackwater.runtime.bench import WATCH_SEC, bench_tape, measure, medians
from slackwater.runtime.bench_round import timed_loop


def test_a_round_places_the_orders_of_the_backtest(tape: Path, tmp_path: Path) -> None:
    document = run_backtest(Request(tape, tmp_path / "run", Config()))
    (tmp_path / "round").mkdir()
    session, _ = open_session(Request(tape, tmp_path / "unused", Config()))
    answer = timed_loop(session, tmp_path / "round")
    assert answer["orders_sha256"] == document["orders_sha256"]
    assert answer["rows"] == document["events"]
    assert answer["closes"] == document["summary"]["total"]["closes"]
    written = {path.name for path in (tmp_path / "round").iterdir()}
    assert written == {path.name for path in (tmp_path / "run").glob("*.parquet")} - {"gates.parquet"}


def test_a_measured_process_gives_what_it_printed_and_its_memory() -> None:
    done = measure([sys.executable, "-c", f"import time; held = b'x' * 50_000_000; time.sleep({20 * WATCH_SEC}); print('done')"])
    assert done.printed == "done\n"
    assert done.wall_sec > 20 * WATCH_SEC
    assert done.peak_anon_mb is None or done.peak_anon_mb > 50.0


def test_a_process_that_fails_is_an_error_with_its_last_words() -> None:
    with pytest.raises(SlackwaterError, match=r"expected exit code 0, found 3: no luck$"):
        measure([sys.executable, "-c", "import sys; print('first', file=sys.stderr); print('no luck', file=sys.stderr); sys.exit(3)"])


def test_medians_leave_out_what_could_not_be_had() -> None:
    found = medians([{"ns_per_event": 3.0, "peak_anon_mb": None}, {"ns_per_event": 1.0, "peak_anon_mb": 5.0}, {"ns_per_event": 2.0}])
    assert (found["ns_per_event"], found["peak_anon_mb"], found["command_sec"]) == (2.0, 5.0, None)


def test_a_tape_is_made_once_and_again_when_its_recipe_is_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLACKWATER_CACHE", str(tmp_path))
    tape = bench_tape("calm", 2000)
    of_no_file = hashlib.sha256().hexdigest()[:16]
    assert of_no_file not in (tape.parent / "recipe.txt").read_text()
    left = tape / "left-here"
    left.touch()
    assert bench_tape("calm", 2000) == tape
    assert left.exists()
    (tape.parent / "recipe.txt").write_text("another generator")
    assert bench_tape("calm", 2000) == tape
    assert not left.exists()
    assert [path.name for path in tape.parent.parent.iterdir()] == ["calm-2000"]


@pytest.mark.parametrize("words", [["--events", "10"], ["--rounds", "0"], ["--profile", "wild"]], ids=" ".join)
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words]) == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.deep
def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--events", "20000", "--rounds", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["profiles"]) == {"calm", "alt", "pumps"}
    for measured in document["profiles"].values():
        rounds = measured["rounds"]
        assert len(rounds) == 2
        assert rounds[0]["orders_sha256"] == rounds[1]["orders_sha256"]
        assert measured["median"]["ns_per_event"] > 0.0
    assert [entry["fills"] for entry in document["profiles"]["calm"]["rounds"]] == [0, 0]
