"""A program that is told to stop: nothing half-written stays, and the exit code says what happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.command import LIMIT_SEC, PROGRAM

LONG = 5_000_000  # rows, far more than are made before the signal comes


@pytest.mark.parametrize(("asked", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_nothing_half_written_stays(asked: signal.Signals, code: int, tmp_path: Path) -> None:
    words = [PROGRAM, "data", "synth", "--to", tmp_path / "tape", "--events", str(LONG)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + LIMIT_SEC
        while not any(tmp_path.rglob("*")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(asked)
        _, said = process.communicate(timeout=LIMIT_SEC)
    assert process.returncode == code, said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert "Traceback" not in said


@pytest.mark.parametrize(("asked", "error"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, None)])
@pytest.mark.parametrize(("step_sec", "said"), [(0.0, "a step was finished\n"), (60.0, "")])
def test_work_is_left_between_two_steps_unless_one_takes_too_long(
    asked: signal.Signals, error: str | None, step_sec: float, said: str
) -> None:
    words = [sys.executable, Path(__file__).parent / "told_to_stop.py", str(int(asked)), str(step_sec)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_SEC, check=False)
    assert (done.stdout, "ignored" in done.stderr, done.returncode) == (said, False, 143 if error is None else -signal.SIGINT)
    assert error is None or error in done.stderr
