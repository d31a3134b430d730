"""Writers that meet each other, a full disk, a place that is taken, or an end by force: no day is lost and nothing half-written stays."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.checks.verify import verify_tape
from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import TRADE_SCHEMA, TRADES
from slackwater.data.writer import writing
from slackwater.errors import DataError
from tests.unit.data.tables import QUOTES, SEC, T0, make_tape, quote_table, random_rows, trade_table, write_inputs
from tests.unit.data.tables import TRADES as TRADE_ROWS

DAY = "2023-11-14"
HOME = "tape/binance/AAAUSDT"
LIMITED = """
import resource, sys
from slackwater.cli.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""
PLAIN = """
import sys
from slackwater.cli.app import main
sys.exit(main(sys.argv[1:]))
"""


def words(folder: Path, quotes: Path, trades: Path) -> list[str]:
    order = ["data", "import", "--venue", "binance", "--symbol", "AAAUSDT", "--quotes", str(quotes), "--trades", str(trades)]
    return [*order, "--to", str(folder / "tape")]


def limited(limit: int, order: list[str]) -> subprocess.CompletedProcess[str]:
    """A command that may write no file longer than the limit, as on a disk that is full."""
    return subprocess.run([sys.executable, "-c", LIMITED, str(limit), *order], capture_output=True, text=True, check=False)


def days(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / HOME).iterdir())


def test_a_full_disk_ends_an_import_with_a_sentence_and_leaves_the_day_that_was_there(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADE_ROWS)
    quotes, trades = random_rows(20_000)
    order = words(tmp_path, *write_inputs(tmp_path / "big", quote_table(quotes), trade_table(trades)))
    done = limited(30_000, order)
    assert done.returncode == 1
    assert done.stderr.count("expected a folder that can be written, found:") == 1 and "Traceback" not in done.stderr
    assert days(tmp_path) == [DAY, "instrument.json"]
    assert verify_tape(tmp_path / "tape")["symbols"][0]["rows"] == {"quotes": 3, "trades": 3}
    assert main([*words(tmp_path / "new", tmp_path / "big/q.parquet", tmp_path / "big/t.parquet")]) == 0
    assert limited(30_000, words(tmp_path / "none", tmp_path / "big/q.parquet", tmp_path / "big/t.parquet")).returncode == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("form", ["csv", "nautilus", "hftbacktest"])
def test_a_full_disk_ends_an_export_with_a_sentence_and_leaves_nothing(tmp_path: Path, form: str) -> None:
    make_tape(tmp_path, *random_rows(20_000))
    done = limited(
        20_000, ["data", "export", "--data", str(tmp_path / "tape"), "--symbol", "AAAUSDT", "--format", form, "--out", str(tmp_path / "o")]
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and f"{tmp_path}/o: expected a folder that can be written, found:" in done.stderr
    assert not (tmp_path / "o").exists()


def test_a_long_answer_without_room_prints_nothing_but_why(tmp_path: Path) -> None:
    make_tape(tmp_path, *random_rows(10))
    sql = "SELECT i, repeat('x', 1000) AS filler FROM range(30000) t(i)"
    done = limited(20_000, ["data", "sql", sql, "--data", str(tmp_path / "tape"), "--json"])
    assert (done.returncode, done.stdout) == (1, "")
    assert "expected room for the answer, found:" in done.stderr and done.stderr.count("\n") == 1


def test_places_that_are_taken_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = words(tmp_path, *write_inputs(tmp_path, quote_table(QUOTES), trade_table(TRADE_ROWS)))
    (tmp_path / "tape").write_text("a file")
    assert main(order) == 1
    assert f"{tmp_path}/tape: expected a folder that can be written, found: Not a directory" in capsys.readouterr().err
    assert main(["data", "synth", "--to", str(tmp_path / "tape"), "--events", "100"]) == 1
    (tmp_path / "tape").unlink()
    assert main(order) == 0
    export = ["data", "export", "--data", str(tmp_path / "tape"), "--symbol", "AAAUSDT", "--format", "csv", "--out"]
    (tmp_path / "file").write_text("")
    assert main([*export, str(tmp_path / "file")]) == 1
    (tmp_path / "out/AAAUSDT_trades.csv").mkdir(parents=True)
    capsys.readouterr()
    assert main([*export, str(tmp_path / "out")]) == 1
    assert "AAAUSDT_trades.csv: expected a name for a file, found a folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["AAAUSDT_trades.csv"], "the other file is not written either"
    assert main([*export, str(tmp_path / "never"), "--start", "2030-01-01"]) == 4
    assert not (tmp_path / "never").exists()


def test_what_a_killed_import_left_is_cleared_away_and_its_day_comes_back(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADE_ROWS)
    left, busy = tmp_path / HOME / ".incoming-left", tmp_path / HOME / ".incoming-busy"
    left.mkdir()
    busy.mkdir()
    (tmp_path / HOME / DAY).rename(left / f"replaced-{DAY}")  # killed between taking the old day away and putting the new one there
    number = os.open(busy, os.O_RDONLY)
    fcntl.flock(number, fcntl.LOCK_EX)
    make_tape(tmp_path, [(86_400.0, 99.9, 1.0, 100.1, 2.0)], [(86_400.0, 100.0, 0.25, True)], lot="0.01")
    assert days(tmp_path) == [".incoming-busy", DAY, "2023-11-15", "instrument.json"]
    os.close(number)
    assert verify_tape(tmp_path / "tape")["ok"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_import_that_is_ended_leaves_the_day_that_was_there(tmp_path: Path, number: signal.Signals) -> None:
    make_tape(tmp_path, QUOTES, TRADE_ROWS)
    before = (tmp_path / HOME / DAY / "quotes.parquet").read_bytes()
    quotes, trades = random_rows(200_000)
    order = words(tmp_path, *write_inputs(tmp_path / "big", quote_table(quotes), trade_table(trades)))
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + PLAIN
    process = subprocess.Popen([sys.executable, "-c", program, *order], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list((tmp_path / HOME).glob(".incoming-*/*/quotes.parquet")):
        time.sleep(0.001)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number is signal.SIGINT else 143 if number is signal.SIGTERM else -number)
    assert (tmp_path / HOME / DAY / "quotes.parquet").read_bytes() == before
    left = [name for name in days(tmp_path) if name.startswith(".")]
    assert len(left) == (1 if number is signal.SIGKILL else 0)
    make_tape(tmp_path, QUOTES, TRADE_ROWS)
    assert days(tmp_path) == [DAY, "instrument.json"]


def test_writers_of_one_symbol_with_other_steps_cannot_mix_their_days(tmp_path: Path) -> None:
    def trade(day: int) -> pa.RecordBatch:
        columns = [[T0 + day * 86_400 * SEC], [None], [1000], [1], [True], [None]]
        return pa.RecordBatch.from_arrays(
            [pa.array(values, column.type) for values, column in zip(columns, TRADE_SCHEMA, strict=True)], schema=TRADE_SCHEMA
        )

    coarse, fine = (InstrumentSpec(Decimal(tick), Decimal(1), Decimal(1), Decimal(5)) for tick in ("0.1", "0.01"))
    with pytest.raises(DataError, match="expected tick 0.01 and lot 1 as on 2023-11-15, found tick 0.1"):
        with writing(tmp_path / "tape", "binance", "AAAUSDT", coarse) as first:
            first.append(TRADES, trade(0))
            first.finish({})
            with writing(tmp_path / "tape", "binance", "AAAUSDT", fine) as second:
                second.append(TRADES, trade(1))
                second.finish({})
    assert days(tmp_path) == ["2023-11-15", "instrument.json"]
    assert json.loads((tmp_path / HOME / "instrument.json").read_text())["tick_size"] == "0.01"


def test_several_imports_at_once_leave_one_whole_day(tmp_path: Path) -> None:
    quotes, trades = random_rows(20_000)
    order = words(tmp_path, *write_inputs(tmp_path / "big", quote_table(quotes), trade_table(trades)))
    running = [
        subprocess.Popen([sys.executable, "-c", PLAIN, *order, "--tick", tick], stderr=subprocess.PIPE) for tick in ("0.1", "0.05", "0.01")
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert days(tmp_path) == [DAY, "instrument.json"]
    assert verify_tape(tmp_path / "tape")["symbols"][0]["damage"] == []
    tick = Decimal(json.loads((tmp_path / HOME / "instrument.json").read_text())["tick_size"])
    assert float(pq.read_table(tmp_path / HOME / DAY / "quotes.parquet")["bid_ticks"][0].as_py() * tick) == quotes[0][1]
