"""A liquidation is told plainly by what speaks of a run: how many, when, what it cost, and that the symbol is halted since."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.research.execution import figures_of
from slackwater.research.prices import price_source
from slackwater.research.read_run import open_run

MOMENT = r" at 2025-01-06T\d\d:\d\d:\d\d\.\d{3}Z"
SAID = r"SYNA was LIQUIDATED by the venue at 2025-01-06T00:00:54\.968Z: 0\.3 bought back at 100\.04, net -0\.3988 usd with 0\.3852 of fees"


@pytest.fixture(scope="module")
def run_folder(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both symbols at a leverage of 100, where the first position of each is liquidated."""
    folder = tmp_path_factory.mktemp("liquidated")
    (folder / "config.yaml").write_text("account: {balance: 20, leverage: 100}\n")
    words = ["backtest", "--data", str(tape), "--out", str(folder / "run"), "--config", str(folder / "config.yaml"), "--one-model"]
    assert main(words) == 0
    return folder / "run"


def test_the_run_knows_each_liquidation(run_folder: Path) -> None:
    document = json.loads((run_folder / "run.json").read_text())
    assert document["liquidations"] == {"SYNA": 1, "SYNB": 1}
    assert document["halted"] == {"SYNA": ["liquidation"], "SYNB": ["liquidation"]}
    closes = {row["symbol"]: row for row in pq.read_table(run_folder / "closes.parquet").to_pylist() if row["reason"] == "external"}
    for entry in document["liquidated"]:
        close = closes[entry["symbol"]]
        assert (entry["ts_ns"], entry["qty"]) == (close["close_ns"], close["qty"])
        assert entry["net_usd"] == pytest.approx(close["net_usd"])
        assert entry["avg_price"] == pytest.approx(close["avg_exit"])
        notional = entry["qty"] * entry["avg_price"]
        rate = document["config"]["fees"]["taker"] + document["config"]["sim"]["liquidation_fee"]
        assert entry["fees_usd"] == pytest.approx(notional * rate)
        assert entry["ts_ns"] - entry["ts_venue_ns"] == 5_000_000


def test_the_summary_of_a_backtest_says_it(tape: Path, run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(run_folder / "config.yaml")
    words = ["backtest", "--data", str(tape), "--config", config, "--one-model", "--no-report"]
    capsys.readouterr()
    assert main([*words, "--out", str(run_folder.parent / "again")]) == 0
    said = capsys.readouterr().out
    assert re.search(rf"^{SAID}; halted since, neither entries nor adds$", said, re.MULTILINE)
    assert re.search(r"^2 positions were LIQUIDATED by the venue, net -0\.4972 usd in all with 0\.4812 of fees$", said, re.MULTILINE)


def test_explain_blames_the_liquidation_and_no_setting(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["explain", str(run_folder), "--symbol", "SYNA"]) == 0
    said = capsys.readouterr().out
    assert re.search(SAID, said)
    (blamed,) = [line for line in said.splitlines() if "entry_disabled refused most" in line]
    assert blamed.endswith("(halted since the liquidation at 2025-01-06T00:00:54.973Z)")
    assert "max_drawdown_usd" not in said
    assert "recovery_only" not in said
    for moment, causes in (("2025-01-06T00:00:54", []), ("2025-01-06T01:00:00", ["liquidation"])):
        assert main(["explain", str(run_folder), "--symbol", "SYNA", "--at", moment, "--json"]) == 0
        (part,) = json.loads(capsys.readouterr().out)["symbols"]
        assert (part["halted"], len(part["liquidated"])) == (causes, len(causes))
    assert main(["explain", str(run_folder), "--symbol", "SYNA", "--at", "2025-01-06T01:00:00"]) == 0
    said = capsys.readouterr().out
    assert re.search(SAID, said)
    assert "entries are off: halted since the liquidation at 2025-01-06T00:00:54.973Z" in said


def test_other_causes_are_told_by_their_setting(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text, cause, since in (
        ("only", "orphans: {recovery_only: true}", "orphans.recovery_only: true", ""),
        ("fall", "risk: {max_drawdown_usd: 0.05}", "halted since a drawdown of more than risk.max_drawdown_usd: 0.05", MOMENT),
    ):
        (tmp_path / f"{name}.yaml").write_text(text)
        words = ["backtest", "--data", str(tape), "--symbol", "SYNA", "--config", str(tmp_path / f"{name}.yaml")]
        assert main([*words, "--out", str(tmp_path / name), "--no-report", "--one-model"]) == 0
        capsys.readouterr()
        assert main(["explain", str(tmp_path / name)]) == 0
        (blamed,) = [line for line in capsys.readouterr().out.splitlines() if "entry: entry_disabled refused most" in line]
        assert re.search(rf"\({re.escape(cause)}{since}\)$", blamed)


def test_the_report_says_it_first(run_folder: Path) -> None:
    page = (run_folder / "report.html").read_text()
    assert re.search(rf'<li class="bad">2 positions were LIQUIDATED by the venue[^<]*{SAID}', page)
    assert re.search(r'<p class="result">[^<]*2 liquidations by the venue brought [^<]*0\.4972 usd, and SYNA, SYNB opened nothing', page)
    assert ">liquidated<" in page, "the close's reason"
    assert '"Liquidation, taker"' in page, "the mark in the chart"


def test_its_fees_are_not_those_of_closes(run_folder: Path) -> None:
    run = open_run(run_folder)
    together, singles = figures_of(run, price_source(run))
    for figures, fees in ((together, 0.4812), (singles["SYNA"], 0.3852)):
        assert figures["orders"]["liquidation"]["fees_usd"] == pytest.approx(fees, abs=1e-4)
        assert figures["orders"]["close"]["fills"] == 0
        assert "liquidation" in figures["markouts"]


def test_a_run_without_the_figures_has_them_from_its_tables(run_folder: Path) -> None:
    path = run_folder / "run.json"
    known = json.loads(path.read_text())
    older = {key: value for key, value in known.items() if key not in ("liquidated", "halted")}
    path.write_text(json.dumps(older))
    found = open_run(run_folder).document
    path.write_text(json.dumps(known))
    assert (found["liquidated"], found["halted"]) == (known["liquidated"], known["halted"])
