"""The clock of a run starts when everything is compiled and loaded."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slackwater.config import Config
from slackwater.kernel.jit import PACKAGE
from slackwater.runtime.backtest import Request, run_backtest
from slackwater.runtime.session import Session
from slackwater.schema.units import SEC

COMPILE_SEC = 2.0
END_NS = 1_736_121_900 * SEC  # five minutes of the tape
# Whatever is still to be compiled or loaded then is an error.
LOADED_FIRST = """
import sys
from pathlib import Path
from slackwater.config import Config
from slackwater.runtime.backtest import Request, open_session
from slackwater.runtime.fill_models import run_dry
from slackwater.sim import loop

session, _ = open_session(Request(Path(sys.argv[1]), Path(), Config(), end_ns=int(sys.argv[2])))
session.load_kernels()
for kernel in (loop.preload, loop.run, loop.expire):
    kernel.disable_compile()
run_dry(session, lambda rows: None)
print(session.rows_done)
"""


def test_the_clock_and_the_bar_start_when_everything_is_compiled(tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def compile_all(session: Session) -> None:
        time.sleep(COMPILE_SEC)
        told.append("compiled")

    monkeypatch.setattr(Session, "load_kernels", compile_all)
    document = run_backtest(Request(tape, tmp_path / "run", Config(), ("SYNB",), end_ns=END_NS, is_one_model=True), told.append)
    assert told[:2] == ["compiled", 0]
    assert sum(float(rows) for rows in told[1:] if isinstance(rows, int | float)) == document["events"] > 0
    assert 0.0 < document["wall_sec"] < COMPILE_SEC
    assert document["events_per_sec"] == document["events"] / document["wall_sec"]


def test_after_loading_a_run_compiles_nothing(tape: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    words = [sys.executable, "-c", LOADED_FIRST, str(tape), str(END_NS)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
