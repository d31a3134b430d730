"""From two files to an answer, as somebody who has just installed the program goes about it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.check_run import check_run
from tests.end_to_end.command import answer, slackwater

SPAN_NS = 30 * 60 * 1_000_000_000


def prices(table: pa.Table, name: str, places: int) -> pa.Array:
    return pc.round(pc.divide(pc.cast(table[name], pa.float64()), 10.0**places), places)


@pytest.fixture(scope="session")
def files(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Half an hour of a market with a tick of 0.01 and a lot of 0.1, as the user's own files of quotes and trades."""
    folder = tmp_path_factory.mktemp("files")
    day = next((tape / "synth" / "SYNA").glob("*/quotes.parquet")).parent
    quotes, trades = (pq.read_table(day / f"{name}.parquet") for name in ("quotes", "trades"))
    until = pc.add(pc.min(quotes["ts_event"]), SPAN_NS)
    quotes, trades = (rows.filter(pc.less(rows["ts_event"], until)) for rows in (quotes, trades))
    sides = {side: prices(quotes, f"{side}_ticks", 2) for side in ("bid", "ask")}
    sizes = {f"{side}_qty": prices(quotes, f"{side}_lots", 1) for side in ("bid", "ask")}
    pq.write_table(pa.table({"ts_event": quotes["ts_event"], **sides, **sizes}), folder / "quotes.parquet")
    dealt = {"price": prices(trades, "price_ticks", 2), "qty": prices(trades, "lots", 1), "buyer_maker": trades["buyer_maker"]}
    pq.write_table(pa.table({"ts_event": trades["ts_event"], **dealt}), folder / "trades.parquet")
    return folder / "quotes.parquet", folder / "trades.parquet"


def import_words(files: tuple[Path, Path], to: Path) -> list[object]:
    return ["data", "import", "--venue", "binance", "--symbol", "AAAUSDT", "--quotes", files[0], "--trades", files[1], "--to", to]


@pytest.fixture(scope="session")
def imported(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's files as a tape."""
    folder = tmp_path_factory.mktemp("imported") / "tape"
    made = answer(*import_words(files, folder))
    assert made["instrument"]["tick_size"] == "0.01"
    return folder


@pytest.fixture(scope="session")
def user_run(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its back-test with the defaults."""
    folder = tmp_path_factory.mktemp("user") / "run"
    answer("backtest", "--data", imported, "--out", folder, "--no-report")
    return folder


def test_files_become_a_run_that_holds_together(user_run: Path) -> None:
    document = check_run(user_run)
    assert document["summary"]["total"]["closes"] >= 3
    assert document["symbols"] == ["AAAUSDT"]
    assert {path.name for path in user_run.iterdir()} >= {"run.json", "config.yaml", "fills.parquet", "gates.parquet"}


def test_explain_answers_in_words_and_in_json(user_run: Path) -> None:
    said = slackwater("explain", user_run)
    assert said.returncode == 0
    assert "AAAUSDT entry: asked at" in said.stdout
    assert "refused most" in said.stdout
    found = answer("explain", user_run)
    assert [part["context"] for part in found["symbols"][0]["contexts"]] == ["entry", "average"]


def test_explain_at_shows_where_it_stopped(user_run: Path) -> None:
    row = next(row for row in pq.read_table(user_run / "decisions.parquet").to_pylist() if row["reason"] == "pump")
    said = slackwater("explain", user_run, "--at", row["ts_ns"], "--symbol", "AAAUSDT")
    assert said.returncode == 0, said.stderr
    (stop,) = [line for line in said.stdout.splitlines() if "<- stops here" in line]
    assert stop.split()[:2] == ["FAIL", "pump"]
    assert "signal_bonus_bps" in said.stdout


def test_signals_are_written_for_every_book(imported: Path, files: tuple[Path, Path], tmp_path: Path) -> None:
    answer("signals", "--data", imported, "--symbol", "AAAUSDT", "--out", tmp_path / "signals.parquet")
    assert pq.read_metadata(tmp_path / "signals.parquet").num_rows == pq.read_metadata(files[0]).num_rows


def check_refused(code: int, message: str, *words: object) -> None:
    done = slackwater(*words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_make_no_tape_leave_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    quotes, trades = files
    pq.write_table(pq.read_table(quotes).drop_columns(["ask"]), tmp_path / "no_ask.parquet")
    pq.write_table(pq.read_table(quotes).slice(0, 0), tmp_path / "empty.parquet")
    before = set(tmp_path.iterdir())
    to = tmp_path / "tape"
    check_refused(4, "expected a file of quotes, found nothing", *import_words((tmp_path / "gone.parquet", trades), to))
    check_refused(
        4,
        "expected quotes with the column ask, found ts_event, bid, bid_qty, ask_qty",
        *import_words((tmp_path / "no_ask.parquet", trades), to),
    )
    check_refused(4, "found a file without rows", *import_words((tmp_path / "empty.parquet", trades), to))
    check_refused(2, "expected --quotes FILE and --trades FILE", *import_words(files, to)[:6], "--to", to)
    assert set(tmp_path.iterdir()) == before


def test_prices_off_the_tick_are_not_rounded_into_the_tape(files: tuple[Path, Path], tmp_path: Path) -> None:
    check_refused(4, "tick", *import_words(files, tmp_path / "tape"), "--tick", "0.05")
    assert list(tmp_path.iterdir()) == []


def test_a_backtest_that_cannot_run_leaves_nothing(imported: Path, tmp_path: Path) -> None:
    (tmp_path / "unknown.yaml").write_text("grid: {max_layer: 3}\n")
    (tmp_path / "range.yaml").write_text("grid:\n  max_layers: 0\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("not a run")
    before = set(tmp_path.iterdir())
    words = ["backtest", "--out", tmp_path / "run", "--data"]
    check_refused(4, "expected a tape's folder, found nothing", *words, tmp_path / "gone")
    check_refused(4, "expected a tape", *words, tmp_path / "other")
    check_refused(2, "expected one of AAAUSDT, found 'AAUSDT'; did you mean AAAUSDT?", *words, imported, "--symbol", "AAUSDT")
    check_refused(2, "max_layers", *words, imported, "--config", tmp_path / "unknown.yaml")
    check_refused(2, "grid.max_layers", *words, imported, "--config", tmp_path / "range.yaml")
    check_refused(2, "--start", *words, imported, "--start", "yesterday")
    check_refused(4, "expected rows in the time asked for", *words, imported, "--start", "2030-01-01")
    check_refused(2, "expected an earlier run directory or nothing", "backtest", "--data", imported, "--out", tmp_path / "other")
    assert set(tmp_path.iterdir()) == before
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_explain_refuses_what_it_cannot_answer(user_run: Path, tmp_path: Path) -> None:
    check_refused(4, "expected a run directory", "explain", tmp_path)
    check_refused(2, "expected one of AAAUSDT", "explain", user_run, "--symbol", "BBBUSDT")
    check_refused(2, "expected a moment of the run", "explain", user_run, "--at", "2020-01-01")


def test_every_verb_explains_itself() -> None:
    said = slackwater("--help")
    for verb in ("demo", "data", "backtest", "explain"):
        assert f"  {verb}" in said.stdout
        assert slackwater(verb, "--help").returncode == 0


def test_the_demo_ends_with_its_report(tmp_path: Path) -> None:
    done = slackwater("demo", "--to", tmp_path / "demo", "--hours", "0.5")
    assert done.returncode == 0, done.stderr
    report = Path(done.stdout.splitlines()[-1].removeprefix("report: "))
    assert report.is_file()
    document = json.loads((report.parent / "run.json").read_text())
    assert document["summary"]["total"]["closes"] > 0
    assert "refused most" in done.stdout
