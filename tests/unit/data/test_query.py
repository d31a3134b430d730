"""SQL over a tape: what the views hold, what is refused, and how answers are printed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli import data_query
from slackwater.cli.app import main
from slackwater.cli.data_tables import PIPE_WIDTH
from slackwater.data import query
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.layout import FUNDING_SCHEMA
from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.errors import DataError, UsageError
from tests.unit.data.odd_tapes import COUNT, OddTape, write
from tests.unit.data.tables import TRADES, make_tape

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def ask(tape: Path, sql: str) -> list[tuple[Any, ...]]:
    with query.answer(tape, sql) as found:
        return list(found.rows)


def said(capsys: pytest.CaptureFixture[str], tape: Path, sql: str, *options: str) -> str:
    capsys.readouterr()
    assert main(["data", "sql", sql, "--data", str(tape), *options]) == 0
    return capsys.readouterr().out


def test_quotes_and_trades_have_steps_and_what_they_stand_for(tmp_path: Path) -> None:
    folder = tmp_path / "o'neil"  # a name that has to be quoted
    odd = [(0.0, 99.9, 1.0, 100.1, 2.0), (1.0, 0.0, 0.0, 100.3, 0.75)]
    make_tape(folder, odd, TRADES, tick="0.1", lot="0.25")
    names = "venue, symbol, date::VARCHAR, ts_recv, bid_ticks, bid, bid_qty, ask, ask_lots, ask_qty"
    assert ask(folder / "tape", f"SELECT {names} FROM quotes ORDER BY ts_event") == [
        ("binance", "AAAUSDT", "2023-11-14", None, 999, 999 * 1.0 / 10.0, 1.0, 1001 * 1.0 / 10.0, 8, 2.0),
        ("binance", "AAAUSDT", "2023-11-14", None, 0, None, 0.0, 1003 * 1.0 / 10.0, 3, 0.75),
    ]
    assert ask(folder / "tape", "SELECT price, qty, lots, buyer_maker FROM trades ORDER BY ts_event") == [
        (100.1, 0.5, 2, False),
        (100.0, 0.75, 3, False),
        (100.0, 0.75, 3, False),
    ]
    assert ask(folder / "tape", "FROM klines") == ask(folder / "tape", "FROM funding") == []
    assert ask(folder / "tape", "SELECT symbol, tick_size, lot_size FROM instruments") == [("AAAUSDT", 0.1, 0.25)]


def test_every_symbol_day_candle_and_funding_is_there(tmp_path: Path) -> None:
    synthesise(SynthRequest(tmp_path, ("A", "B"), None, 0.2, 1, "pumps"))
    for view, stems in (("quotes", ["quotes"]), ("trades", ["trades"]), ("klines", ["klines_1m", "klines_5m", "klines_15m"])):
        rows = sum(pq.read_metadata(path).num_rows for stem in stems for path in tmp_path.glob(f"synth/*/*/{stem}.parquet"))
        assert ask(tmp_path, f"SELECT count(*), count(DISTINCT symbol) FROM {view}") == [(rows, 2)]
    days = sorted({path.parent.name for path in tmp_path.glob("synth/A/*/klines_1m.parquet")})
    assert [row[0] for row in ask(tmp_path, "SELECT DISTINCT date::VARCHAR FROM klines WHERE timeframe = '1m' ORDER BY 1")] == days
    assert ask(tmp_path, "SELECT count(DISTINCT timeframe), bool_and(timeframe IN ('1m', '5m', '15m')) FROM klines") == [(3, True)]
    rates = pa.table({"ts_event": pa.array([5], pa.int64()), "ts_recv": pa.nulls(1, pa.int64()), "rate": [0.0001]}, schema=FUNDING_SCHEMA)
    pq.write_table(rates, tmp_path / "synth/B" / days[0] / "funding.parquet")
    assert ask(tmp_path, "SELECT symbol, date::VARCHAR, ts_event, ts_recv, rate FROM funding") == [("B", days[0], 5, None, 0.0001)]


REFUSED = {
    "SELEC 1": "syntax error",
    "": "found no statement",
    "SELECT 1; SELECT 2": "found SELECT, SELECT",
    "SELECT nothing FROM quotes": 'Referenced column "nothing" not found',
    "FROM quote": 'Did you mean "quotes"',
    "COPY (SELECT 1) TO '{tape}/x.csv'": "found COPY; a tape is only read",
    "ATTACH '{tape}/x.db'": "found ATTACH",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{tape}/x.csv'": "found EXPLAIN",
    "SET memory_limit = '100GB'": "found SET",
    "SELECT * FROM read_csv('{outside}')": "Permission Error",
    "SELECT CAST(symbol AS INT) FROM quotes": "Could not convert string",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused_is_one_sentence_with_2_and_writes_nothing(
    tmp_path: Path, sql: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = write(tmp_path, OddTape())
    outside = tmp_path / "secret.csv"
    outside.write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["data", "sql", sql.format(tape=tape, outside=outside), "--data", str(tape), "--json"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert REFUSED[sql] in printed.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_symbol_that_is_a_link_is_asked_like_any_other(tmp_path: Path) -> None:
    tape = write(tmp_path / "there", OddTape())
    (tmp_path / "here/v").mkdir(parents=True)
    (tmp_path / "here/v/S").symlink_to(tape / "v/S")
    assert ask(tmp_path / "here", "SELECT count(bid) FROM quotes") == [(COUNT,)]
    (tape / "v/other.csv").write_text("a\n1\n")
    with pytest.raises(UsageError, match="Permission Error"):
        ask(tmp_path / "here", f"SELECT * FROM read_csv('{tape}/v/other.csv')")


def test_memory_is_limited_and_options_checked(tmp_path: Path) -> None:
    tape = write(tmp_path, OddTape())
    heavy = "SELECT count(DISTINCT md5(i::VARCHAR)) FROM range(3000000) t(i)"
    with pytest.raises(UsageError, match="give more with --memory-mb"):
        ask_with(tape, heavy, 20)
    assert ask(tape, "SELECT current_setting('memory_limit') LIKE '%MiB'") == [(True,)]
    for options in (["--memory-mb", "0"], ["--rows", "0"], ["--format", "xml"]):
        assert main(["data", "sql", "SELECT 1", "--data", str(tape), *options]) == 2


def ask_with(tape: Path, sql: str, memory_mb: int) -> list[tuple[Any, ...]]:
    with query.answer(tape, sql, memory_mb) as found:
        return list(found.rows)


def test_no_tape_and_a_damaged_one_end_with_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "sql", "SELECT 1", "--data", str(tmp_path / "none")]) == 4
    tape = write(tmp_path, OddTape(0), OddTape(1))
    (tape / "v/S/2023-11-16/quotes.parquet").write_bytes(b"PAR1")
    assert main(["data", "sql", "SELECT count(bid) FROM quotes", "--data", str(tape)]) == 4
    assert "expected a readable tape, found:" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--json"], ["--format", "csv"], ["--format", "json"], []])
def test_a_query_that_fails_midway_prints_nothing_but_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    tape = write(tmp_path, OddTape())
    sql = f"SELECT CASE WHEN i < {120_000 if options else 20} THEN i::VARCHAR ELSE 'x' END::INT AS a FROM range(200000) t(i)"
    assert main(["data", "sql", sql, "--data", str(tape), *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1 and "Could not convert string 'x' to INT32" in printed.err


@pytest.mark.parametrize("place", [-5, -60, -100, -200, -300, -400, -500])
def test_a_damaged_footer_is_no_fault_of_the_query(tmp_path: Path, place: int) -> None:
    tape = write(tmp_path, OddTape())
    path = tape / "v/S/2023-11-15/quotes.parquet"
    content = bytearray(path.read_bytes())
    for bit in range(8):
        content[place] ^= 1 << bit
        path.write_bytes(bytes(content))
        try:
            ask(tape, "SELECT count(bid), sum(ask_qty) FROM quotes")
        except DataError as error:
            assert "expected a readable tape, found:" in str(error)


def test_json_and_csv_have_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    tape = write(tmp_path, OddTape())
    monkeypatch.setattr(data_query, "MOST_IN_MEMORY", 7)
    monkeypatch.setattr(query, "FETCH_ROWS", 11)
    sql = "SELECT ts_event, bid, ts_event::HUGEINT * 1000000 AS big, NULL AS nothing FROM quotes ORDER BY ts_event"
    found = json.loads(said(capsys, tape, sql, "--json"))
    assert (found["columns"], found["types"][:3]) == (["ts_event", "bid", "big", "nothing"], ["BIGINT", "DOUBLE", "HUGEINT"])
    times = OddTape().quotes["ts_event"].tolist()
    assert [row[0] for row in found["rows"]] == times
    assert found["rows"][0][2:] == [str(times[0] * 1_000_000), None]
    lines = list(csv.reader(io.StringIO(said(capsys, tape, sql, "--format", "csv"))))
    assert len(lines) == COUNT + 1
    assert lines[1] == [str(times[0]), str(found["rows"][0][1]), str(times[0] * 1_000_000), ""]
    assert json.loads(said(capsys, tape, "SELECT 1 AS a WHERE false", "--format", "json")) == {
        "columns": ["a"],
        "types": ["INTEGER"],
        "rows": [],
    }


def test_a_table_is_capped_with_a_note_and_wide_rows_become_blocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = write(tmp_path, OddTape())
    assert main(["data", "sql", "SELECT symbol, bid FROM quotes", "--data", str(tape), "--rows", "3"]) == 0
    printed = capsys.readouterr()
    assert (len(printed.out.splitlines()), "the first 3 rows" in printed.err) == (5, True)
    out = said(capsys, tape, "FROM quotes", "--rows", "2")
    assert "row 2\nvenue      v\n" in out
    assert max(map(len, out.splitlines())) <= PIPE_WIDTH
    assert main(["data", "sql", "SELECT 1 AS a", "--data", str(tape)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not DATA.is_dir(), reason="no real market data beside the project")
@pytest.mark.parametrize("stem", ["binance_usdm_20240718__ETHUSDT", "gemini_spot_20210702__ETHUSD", "hyperliquid_20250903__SOL"])
def test_real_sets_are_what_was_imported(tmp_path: Path, stem: str) -> None:
    quotes, trades = (DATA / f"{stem}__{kind}.parquet" for kind in ("quotes", "trades"))
    import_tape(ImportRequest("v", "S", quotes, trades, tmp_path / "tape"))
    for view, source, columns in (("quotes", quotes, ("bid", "bid_qty", "ask", "ask_qty")), ("trades", trades, ("price", "qty"))):
        table = pq.read_table(source)
        sums = ask(tmp_path / "tape", f"SELECT count(*), {', '.join(f'sum({name})' for name in columns)} FROM {view}")[0]
        assert sums[0] == table.num_rows
        for name, total in zip(columns, sums[1:], strict=True):
            assert total == pytest.approx(table[name].to_numpy().sum(), rel=1e-9), name
