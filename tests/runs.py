"""Tapes and runs that tests of several folders share: made once a test session, in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from slackwater.config import Config
from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.runtime.backtest import Request, run_backtest


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic symbols with pumps, two hours."""
    folder = tmp_path_factory.mktemp("tapes") / "pumps"
    synthesise(SynthRequest(folder, ("SYNA", "SYNB"), None, 2.0, 1, "pumps"))
    return folder


@pytest.fixture(scope="session")
def run(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default configuration's run over both symbols."""
    folder = tmp_path_factory.mktemp("runs") / "both"
    run_backtest(Request(tape, folder, Config()))
    return folder
