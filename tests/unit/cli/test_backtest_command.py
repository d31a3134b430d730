"""`slackwater backtest` as a command: what it is asked for is what it writes down, and what makes no sense is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slackwater.cli.app import main
from slackwater.config import load

SHORT = ("--end", "2025-01-06T00:20:00", "--no-report", "--one-model")


def document(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "run.json").read_text())
    return found


def test_the_seed_that_counted_is_in_every_file(tape: Path, tmp_path: Path) -> None:
    scattered = tmp_path / "scattered.yaml"
    scattered.write_text("sim: {latency_model: lognormal}\n")
    words = ["backtest", "--data", str(tape), "--symbol", "SYNB", *SHORT]
    assert main([*words, "--config", str(scattered), "--seed", "7", "--out", str(tmp_path / "a")]) == 0
    assert main([*words, "--config", str(scattered), "--out", str(tmp_path / "other")]) == 0
    assert main([*words, "--config", str(tmp_path / "a" / "config.yaml"), "--out", str(tmp_path / "b")]) == 0
    first, second = document(tmp_path / "a"), document(tmp_path / "b")
    assert (first["seed"], first["config"]["session"]["seed"], load(tmp_path / "a" / "config.yaml").seed) == (7, 7, 7)
    assert first["orders_sha256"] == second["orders_sha256"] != document(tmp_path / "other")["orders_sha256"]
    assert second["seed"] == 7


@pytest.mark.parametrize("seed", [-1, 2**63])
@pytest.mark.parametrize("command", ["backtest", "demo"])
def test_a_seed_out_of_range_is_refused_before_anything_is_made(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int, command: str
) -> None:
    out = tmp_path / "out"
    words = ["demo", "--to", str(out)] if command == "demo" else ["backtest", "--data", str(tape), "--out", str(out)]
    assert main([*words, "--seed", str(seed)]) == 2
    assert f"--seed: expected 0..9223372036854775807, found {seed}" in capsys.readouterr().err
    assert not out.exists()
