"""What commands print: one JSON object or a text on stdout, a bar only on a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from slackwater.cli.console import emit, note, progress
from tests.unit.data.tables import QUOTES, TRADES, make_tape


def test_json_is_one_object_of_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    payload = {"rows": np.int64(3), "mean": np.float64(0.5), "none": float("nan"), "path": Path("a/b"), "list": np.array([1, 2])}
    emit(True, payload, lambda: "never")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"rows": 3, "mean": 0.5, "none": None, "path": "a/b", "list": [1, 2]}
    assert captured.out.count("\n") == 1
    assert captured.err == ""


def test_text_ends_with_one_newline(capsys: pytest.CaptureFixture[str]) -> None:
    emit(False, {}, lambda: "two\nlines\n")
    assert capsys.readouterr().out == "two\nlines\n"


def test_what_json_lacks_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no JSON for object"):
        emit(True, {"what": object()}, str)


def test_notes_and_progress_leave_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("working", 3) as advance:
        advance(1)
        note("something to know")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "slackwater: something to know\n"


def test_letters_that_stdout_lacks_are_replaced_and_in_json_escaped(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES, symbol="\u5e01\u5b89USDT")
    words = [sys.executable, "-m", "slackwater", "data", "ls", "--data", str(tmp_path / "tape")]
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    text = subprocess.run(words, env=env, capture_output=True, check=False)
    assert (text.returncode, text.stderr) == (0, b"")
    assert b"??USDT" in text.stdout
    found = subprocess.run([*words, "--json"], env=env, capture_output=True, check=True)
    assert "\u5e01\u5b89USDT" in json.dumps(json.loads(found.stdout), ensure_ascii=False)


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_bar_that_waits_comes_when_it_is_first_moved(monkeypatch: pytest.MonkeyPatch, is_shown: bool) -> None:
    seen = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(Progress, "start", lambda bar: seen.append("start"))
    monkeypatch.setattr(Progress, "stop", lambda bar: seen.append("stop"))
    with progress("working", is_shown=is_shown) as advance:
        assert seen == ["start"] * is_shown
        advance(0)
        assert seen == ["start"] * (1 + is_shown)
    assert seen[-1] == "stop"
