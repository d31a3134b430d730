"""`slackwater backtest` as a command: what it is asked for is what it writes down, and what makes no sense is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.config import load

SHORT = ("--end", "2025-01-06T00:20:00", "--no-report", "--one-model")


def document(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
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


def test_recorded_delays_belong_to_the_run(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    delays = home / "delays.csv"
    delays.write_text("entry_ms,response_ms\n30,40\n50,60\n")
    (home / "c.yaml").write_text("sim: {latency_model: recorded, latency_file: delays.csv}\n")
    run = tmp_path / "run"
    words = ["backtest", "--data", str(tape), "--symbol", "SYNB", *SHORT]
    assert main([*words, "--config", str(home / "c.yaml"), "--out", str(run)]) == 0
    known = document(run)
    assert load(run / "config.yaml").sim.latency_file == known["config"]["sim"]["latency_file"] == str(delays)
    assert known["latencies"] == {"path": str(delays), "sha256": hashlib.sha256(delays.read_bytes()).hexdigest()}
    assert main([*words, "--config", str(run / "config.yaml"), "--out", str(tmp_path / "again")]) == 0
    assert document(tmp_path / "again")["orders_sha256"] == known["orders_sha256"]
    at = ["explain", str(run), "--at", "2025-01-06T00:10:00"]
    assert main(at) == 0
    delays.write_text("entry_ms,response_ms\n31,40\n50,60\n")
    capsys.readouterr()
    assert main(at) == 4
    assert "expected the measured delays of the run, sha256" in capsys.readouterr().err
    delays.unlink()
    assert main(at) == 4
    assert "delays.csv: expected a table of measured delays, found no such file" in capsys.readouterr().err


def test_a_check_reads_the_file_of_delays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("sim: {latency_model: recorded, latency_file: delays.csv}\n")
    assert main(["config", "check", str(config)]) == 2
    said = capsys.readouterr()
    assert said.err == f"slackwater: sim.latency_file: {tmp_path / 'delays.csv'}: expected a table of measured delays, found no such file\n"
    assert "valid" not in said.out
    (tmp_path / "delays.csv").write_text("entry_ms,response_ms\n30,40\n")
    assert main(["config", "check", str(config)]) == 0


def test_the_maker_share_is_the_same_wherever_it_stands(tape: Path, tmp_path: Path) -> None:
    # With answers lost, fills are learned from later reports and queries; a stop makes some of them takers.
    config = tmp_path / "c.yaml"
    faults = "{lost_answer_prob: 0.2, duplicate_prob: 0.1, late_answer_prob: 0.1, latency_model: lognormal, response_latency_sigma: 2}"
    config.write_text(f"sim: {faults}\nexit: {{stop_loss_bps: 30}}\n")
    out = tmp_path / "run"
    assert main(["backtest", "--data", str(tape), "--config", str(config), "--out", str(out), "--no-report", "--one-model"]) == 0
    summary = document(out)["summary"]
    rows = pq.read_table(out / "fills.parquet").to_pylist()
    for part, own in (
        (summary["total"], rows),
        *((summary["symbols"][s], [r for r in rows if r["symbol"] == s]) for s in ("SYNA", "SYNB")),
    ):
        maker = sum(row["price"] * row["qty"] for row in own if row["maker"])
        share = maker / sum(row["price"] * row["qty"] for row in own)
        assert 0.0 < share <= 1.0
        assert part["maker_share"] == part["execution"]["orders"]["all"]["maker_share"] == pytest.approx(share)


def test_days_without_a_manifest_are_told(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(tape, tmp_path / "tape")
    words = ["backtest", "--data", str(tmp_path / "tape"), "--out", str(tmp_path / "run"), *SHORT]
    assert main(words) == 0
    assert "manifest.json" not in capsys.readouterr().err
    manifest = max((tmp_path / "tape").glob("*/SYNB/*/manifest.json"))
    manifest.unlink()
    assert main(words) == 0
    day = manifest.parent
    told = f"slackwater: {day.parents[1].name}/SYNB: 1 day(s) without manifest.json, {day.name} the first, were used as they are; "
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", ["backtest", "signals"])
def test_a_contract_that_is_not_linear_is_refused(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    shutil.copytree(tape, tmp_path / "tape")
    path = tmp_path / "tape/synth/SYNB/instrument.json"
    path.write_text(path.read_text().replace('"linear"', '"inverse"'))
    assert main([command, "--data", str(tmp_path / "tape"), "--symbol", "SYNB", "--out", str(tmp_path / "out")]) == 4
    assert "expected a linear contract, found contract 'inverse'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
