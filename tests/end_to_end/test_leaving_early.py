"""A program that is told to stop: nothing half-written stays, and the exit code says what happened."""

from __future__ import annotations

import signal
import subprocess
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
