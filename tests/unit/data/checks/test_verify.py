"""Listing and checking tapes: what is damage, what is only counted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.catalog import list_tape
from slackwater.data.checks.verify import verify_tape
from tests.unit.data.tables import QUOTES, SEC, T0, TRADES, make_tape, quote_table, trade_table, write_inputs

DAY = "tape/binance/AAAUSDT/2023-11-14"


def check(folder: Path) -> dict[str, object]:
    found: dict[str, object] = verify_tape(folder / "tape")["symbols"][0]
    return found


def test_a_good_tape_is_good(tmp_path: Path) -> None:
    make_tape(tmp_path, [*QUOTES, QUOTES[-1], (3.0, 100.2, 1.0, 100.1, 1.0), (86_400.0, 99.9, 1.0, 100.1, 1.0)], TRADES)
    found = check(tmp_path)
    assert found["damage"] == []
    assert {kind: count for kind, count in found["counts"].items() if count} == {"crossed_book": 1, "repeated_quote": 1}  # type: ignore[attr-defined]
    assert found["rows"] == {"quotes": 6, "trades": 3}
    assert found["coverage"] == pytest.approx(3.0 / 86_400.0), "the silence over midnight is a gap"
    assert verify_tape(tmp_path / "tape", ["AAAUSDT"])["ok"]


def damage_hash(day: Path) -> None:
    pq.write_table(pq.read_table(day / "trades.parquet").slice(1), day / "trades.parquet")


def damage_file(day: Path) -> None:
    (day / "quotes.parquet").write_bytes(b"PAR1")


def damage_gone(day: Path) -> None:
    (day / "quotes.parquet").unlink()


def damage_order(day: Path) -> None:
    table = pq.read_table(day / "quotes.parquet")
    pq.write_table(table.take(pa.array([1, 0, 2])), day / "quotes.parquet")


def damage_value(day: Path) -> None:
    table = pq.read_table(day / "trades.parquet")
    pq.write_table(table.set_column(3, "lots", pa.array([1, -1, 1])), day / "trades.parquet")


def damage_column(day: Path) -> None:
    pq.write_table(pq.read_table(day / "trades.parquet").drop_columns("lots"), day / "trades.parquet")


def damage_manifest(day: Path) -> None:
    (day / "manifest.json").unlink()


DAMAGES = {
    damage_hash: "found another hash",
    damage_file: "quotes.parquet: expected a readable tape file",
    damage_gone: "quotes.parquet: expected the file, found none",
    damage_order: "expected times in order, found 1 steps back",
    damage_value: "found 1 rows without",
    damage_column: "found: the columns ts_event",
    damage_manifest: "expected a manifest.json, found none",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_found_and_ends_with_4(tmp_path: Path, damage: object, capsys: pytest.CaptureFixture[str]) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    damage(tmp_path / DAY)  # type: ignore[operator]
    assert any(DAMAGES[damage] in sentence for sentence in check(tmp_path)["damage"])  # type: ignore[index, attr-defined]
    assert main(["data", "verify", "--data", str(tmp_path / "tape"), "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_listing_tells_span_rows_and_sources(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    make_tape(tmp_path, QUOTES, TRADES, venue="bybit")
    first, second = list_tape(tmp_path / "tape")["symbols"]
    assert (first["venue"], second["venue"]) == ("binance", "bybit")
    assert (first["first"], first["last"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:22.500Z")
    size = sum(path.stat().st_size for path in (tmp_path / DAY).glob("*.parquet"))
    assert (first["bytes"], first["bytes_per_row"], first["files"]) == (size, size / 6, 2)
    assert (first["rows"], first["days"], first["source"]) == ({"quotes": 3, "trades": 3}, 1, ["q.parquet", "t.parquet"])


def test_a_listing_goes_on_past_a_damaged_symbol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for symbol in ("AAAUSDT", "BBBUSDT", "CCCUSDT"):
        make_tape(tmp_path, QUOTES, TRADES, symbol=symbol)
    (tmp_path / DAY / "quotes.parquet").write_bytes(b"PAR1")
    (tmp_path / "tape/binance/BBBUSDT/instrument.json").unlink()
    assert main(["data", "ls", "--data", str(tmp_path / "tape"), "--json"]) == 4
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert [entry["symbol"] for entry in found["symbols"]] == ["CCCUSDT"]
    assert [entry["name"] for entry in found["damaged"]] == ["binance/AAAUSDT", "binance/BBBUSDT"]
    assert shown.err.count(": damaged: ") == 2


def test_the_commands_speak_text_and_json_and_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quotes, trades = write_inputs(tmp_path, quote_table(QUOTES), trade_table(TRADES))
    tape = str(tmp_path / "tape")
    order = ["data", "import", "--venue", "v", "--symbol", "S", "--quotes", str(quotes), "--trades", str(trades), "--to", tape]
    assert main([*order, "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["rows"] == {"quotes.parquet": 3, "trades.parquet": 3}
    assert "tick_size 0.1, inferred from the data" in out.err
    assert main(["data", "ls", "--data", tape]) == 0
    assert "2023-11-14 22:13:20" in capsys.readouterr().out
    assert main(["data", "verify", "--data", tape]) == 0
    assert capsys.readouterr().out.startswith("v/S: good; 3 quotes, 3 trades; 0 gap(s), coverage 100.00%")
    assert main([*order, "--tick", "0.25"]) == 4
    assert main(["data", "import", "--venue", "v"]) == 2
    assert main(["data", "synth", "--to", tape, "--profile", "wild"]) == 2
    assert main(["data", "synth", "--to", tape, "--events", "500"]) == 0
    assert "synth/SYNA" in capsys.readouterr().out


def test_listing_and_checking_agree_on_gaps_over_midnight_and_on_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night = 6400.0  # seconds after which the next day begins
    times = [night - 300, night - 240, night - 100, night - 50, night + 30, night + 86_400]
    received = pa.array([None if k == 2 else T0 + round(second * SEC) + 1 for k, second in enumerate(times)], pa.int64())
    quotes = quote_table([(second, 99.9, 1.0, 100.1, 1.0) for second in times]).append_column("ts_recv", received)
    done = make_tape(tmp_path, quotes, [*TRADES, (2 * 86_400.0 + night, 100.0, 1.0, True)])
    found = check(tmp_path)
    (listed,) = list_tape(tmp_path / "tape")["symbols"]
    assert len(found["gaps"]) == listed["gaps"] == done["gaps"] == 3  # type: ignore[arg-type]
    assert listed["days"] == len(found["days"]) == 4  # type: ignore[arg-type]


def test_rows_that_come_more_than_a_day_later_are_odd_with_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    late = 20 * 365 * 86_400.0
    make_tape(
        tmp_path, [*QUOTES, (late, 99.9, 1.0, 100.1, 1.0), (late + 1, 99.9, 1.0, 100.1, 1.0)], [*TRADES, (late + 1, 100.0, 1.0, True)]
    )
    assert check(tmp_path)["places"] == {"long_gap": ["2043-11-09/quotes row 1", "2043-11-09/trades row 1"]}
    assert main(["data", "verify", "--data", str(tmp_path / "tape")]) == 0
    said = capsys.readouterr().out
    assert "binance/AAAUSDT: odd but usable" in said and "good" not in said.splitlines()[0]


def test_a_day_that_goes_back_behind_the_one_before_is_damaged(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    shutil.copytree(tmp_path / DAY, tmp_path / "tape/binance/AAAUSDT/2023-11-15")
    assert check(tmp_path)["damage"] == [
        f"2023-11-15/{name}.parquet: expected times after those of the days before, found 2023-11-14T22:13:20.{ms}Z"
        for name, ms in (("quotes", "000"), ("trades", "500"))
    ]
