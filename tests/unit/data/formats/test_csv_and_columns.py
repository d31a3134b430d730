"""CSV and foreign columns: bad lines cost themselves and are counted with their place; names, units and sides are converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import build
from slackwater.data.formats.column_plan import ColumnPlan, parse_map
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.imports import FormatRequest, open_format
from slackwater.data.formats.source import Source, check_unit, open_source
from slackwater.data.tally import Tally
from slackwater.errors import DataError, UsageError
from tests.unit.data.tables import SEC, T0

QUOTE_HEAD = "ts_event,bid,bid_qty,ask,ask_qty"
TRADE_LINES = ["ts_event,price,qty,buyer_maker", f"{T0},100.0,1,true"]


def quote_line(second: float, bid: float = 99.9) -> str:
    return f"{T0 + round(second * SEC)},{bid},1,100.1,2"


def imported(folder: Path, quotes: list[str], trades: list[str] = TRADE_LINES) -> dict[str, Any]:
    (folder / "q.csv").write_text("\n".join(quotes) + "\n")
    (folder / "t.csv").write_text("\n".join(trades) + "\n")
    return import_tape(ImportRequest("v", "S", folder / "q.csv", folder / "t.csv", folder / "tape"))


def test_bad_lines_are_counted_with_their_place_and_nothing_else_is_lost(tmp_path: Path) -> None:
    lines = [QUOTE_HEAD, quote_line(1), "1,2", quote_line(2), f"{T0},abc,1,100.1,2", quote_line(3), "x,1,1,1,1", quote_line(4) + ",9"]
    done = imported(tmp_path, lines)
    assert done["rows"]["quotes.parquet"] == 3
    assert done["quarantined"] == {"malformed_line": 2, "wrong_type": 2}
    assert done["places"] == {"q.csv": {"malformed_line": [3, 8], "wrong_type": [5, 7]}}


def test_a_bad_cell_far_into_the_file_loses_no_row_before_or_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.formats.csv_rows.BLOCK_BYTES", 2048)
    lines = [QUOTE_HEAD, *(quote_line(k / 10, 99.9 - k % 7) for k in range(1000))]
    lines[100] = "only,three,cells"
    lines[700] = lines[700].replace(",1,", ",one,", 1)
    lines[900] = "only,three,cells"
    done = imported(tmp_path, lines)
    assert done["rows"]["quotes.parquet"] == 997
    assert done["places"] == {"q.csv": {"malformed_line": [101, 901], "wrong_type": [701]}}
    found = pq.read_table(tmp_path / "tape/v/S/2023-11-14/quotes.parquet").column("ts_event").to_pylist()
    assert found == [T0 + round(k / 10 * SEC) for k in range(1000) if k + 1 not in (100, 700, 900)]


def test_a_dropped_row_of_a_csv_is_placed_by_its_line(tmp_path: Path) -> None:
    done = imported(tmp_path, [QUOTE_HEAD, quote_line(1), "too,few", quote_line(2, -5.0), f"{T0},,1,100.1,2"])
    assert done["places"]["q.csv"] == {"malformed_line": [3], "negative_price": [4], "not_finite": [5]}


def test_whole_numbers_first_and_fractions_in_a_later_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.formats.csv_rows.BLOCK_BYTES", 1024)
    lines = [QUOTE_HEAD + ",ts_recv"]
    lines += [f"{T0 + k},100,1,101,1," for k in range(100)] + [f"{T0 + k},100.5,1,101,1,{T0 + k + 5}" for k in range(100, 200)]
    done = imported(tmp_path, lines)
    assert done["rows"]["quotes.parquet"] == 200
    assert done["quarantined"] == {}
    table = pq.read_table(tmp_path / "tape/v/S/2023-11-14/quotes.parquet")
    assert table.column("ts_recv").null_count == 100


def test_text_throughout_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected bid as a float64, found string"):
        imported(tmp_path, [QUOTE_HEAD, f"{T0},abc,1,100,1", f"{T0},def,1,100,1"])


def test_a_file_with_a_header_alone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"q.csv: expected quotes, found a file without rows"):
        imported(tmp_path, [QUOTE_HEAD])


def test_flags_as_0_and_1_and_a_time_that_is_none_in_the_first_lines(tmp_path: Path) -> None:
    trades = ["ts_event,price,qty,buyer_maker", f"{T0}.5,100,1,0", f"{T0},100,1,1", f"{T0 + 1},100,1,0"]
    done = imported(tmp_path, [QUOTE_HEAD, quote_line(1)], trades)
    assert done["places"]["t.csv"] == {"wrong_type": [2]}
    assert pq.read_table(tmp_path / "tape/v/S/2023-11-14/trades.parquet")["buyer_maker"].to_pylist() == [True, False]


def test_an_identifier_that_is_no_whole_number_is_left_out(tmp_path: Path) -> None:
    trades = [
        "ts_event,price,qty,buyer_maker,trade_id",
        *(f"{T0 + k},100,1,true,{name}" for k, name in enumerate(("7", "1e999", "2.5", ""))),
    ]
    assert imported(tmp_path, [QUOTE_HEAD, quote_line(1)], trades)["quarantined"] == {}
    assert pq.read_table(tmp_path / "tape/v/S/2023-11-14/trades.parquet")["trade_id"].to_pylist() == [7, None, None, None]


def test_times_of_another_unit_that_overflow_are_told_with_a_hint(tmp_path: Path) -> None:
    for name, text in (("q.csv", "\n".join([QUOTE_HEAD, quote_line(1)])), ("t.csv", "\n".join(TRADE_LINES))):
        (tmp_path / name).write_text(text + "\n")
    words = ["data", "import", "--venue", "v", "--symbol", "S", "--to", str(tmp_path / "tape"), "--time-unit", "ms"]
    with pytest.raises(DataError, match=r"only 2 no_time; look at the unit of its times \(--time-unit\)"):
        build()([*words, "--quotes", str(tmp_path / "q.csv"), "--trades", str(tmp_path / "t.csv")])


@pytest.mark.parametrize(("unit_ns", "divisor"), [(1, 1), (1_000, 1_000), (1_000_000, 1_000_000), (1_000_000_000, 1_000_000_000)])
def test_names_are_mapped_and_times_scaled(tmp_path: Path, unit_ns: int, divisor: int) -> None:
    table = pa.table({"time": [T0 // divisor], "px": [100.0], "size": [1.0], "side": ["Sell"], "trade_id": [7]})
    pq.write_table(table, tmp_path / "t.parquet")
    plan = ColumnPlan(parse_map(["ts_event=time,price=px", "qty=size,buyer_maker=side"]), unit_ns, has_sides=True)
    (batch,) = open_source(tmp_path / "t.parquet", "trades", plan).batches()
    expected = {"ts_event": T0 // divisor * divisor, "price": 100.0, "qty": 1.0, "buyer_maker": True, "trade_id": 7}
    assert batch.to_pylist() == [expected]


def test_a_time_that_overflows_its_unit_becomes_no_time(tmp_path: Path) -> None:
    table = pa.table({"ts_event": [2**62, T0 // 1000], "rate": [0.1, 0.2]})
    pq.write_table(table, tmp_path / "f.parquet")
    (batch,) = open_source(tmp_path / "f.parquet", "funding", ColumnPlan(unit_ns=1000)).batches()
    assert batch.column("ts_event").to_pylist() == [None, T0]


def test_only_the_rows_of_a_symbol_are_taken_and_the_others_counted(tmp_path: Path) -> None:
    table = pa.table({"symbol": ["A", "B", "A"], "ts_event": [T0, T0 + 1, T0 + 2], "rate": [0.1, 0.2, 0.3]})
    pq.write_table(table, tmp_path / "f.parquet")
    tally = Tally()
    (batch,) = open_source(tmp_path / "f.parquet", "funding", ColumnPlan(symbol="A")).batches(tally=tally)
    assert batch.column("rate").to_pylist() == [0.1, 0.3]
    assert tally == {"other_symbol": 1}


@pytest.mark.parametrize("text", ["time", "when=time", "bid="])
def test_a_map_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--map: expected OURS=THEIRS"):
        parse_map([text])


def test_a_mapped_column_that_is_missing_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"time": [T0], "rate": [0.1]}), tmp_path / "f.parquet")
    with pytest.raises(DataError, match="expected funding with the column when, found time, rate"):
        open_source(tmp_path / "f.parquet", "funding", ColumnPlan({"ts_event": "when"}))


def map_of(folder: Path, *pairs: str) -> tuple[Source, ...]:
    """What quotes with a column `time` and trades with `ts_event` are opened as."""
    pq.write_table(pa.table({"time": [T0], "bid": [1.0], "bid_qty": [1.0], "ask": [2.0], "ask_qty": [1.0]}), folder / "q.parquet")
    pq.write_table(pa.table({"ts_event": [T0], "price": [1.0], "qty": [1.0], "buyer_maker": [True]}), folder / "t.parquet")
    base = ImportRequest("v", "", Path(), Path(), folder / "tape")
    request = FormatRequest("generic", base, ("S",), folder / "q.parquet", folder / "t.parquet", column_map=pairs)
    return open_format(request)[1]


def test_a_mapped_column_that_no_file_has_is_refused_and_not_replaced_by_ours(tmp_path: Path) -> None:
    assert len(map_of(tmp_path, "ts_event=time")) == 2, "trades keep our name for what quotes call otherwise"
    there = "q.parquet has time, bid, bid_qty, ask, ask_qty"
    with pytest.raises(DataError, match=rf"--map bid=xx: expected the column xx in .*q.parquet, found none of that name; {there}$"):
        map_of(tmp_path, "ts_event=time", "bid=xx")
    with pytest.raises(DataError, match=rf"--map ts_recv=yy: .*; {there}; t.parquet has ts_event, price, qty, buyer_maker$"):
        map_of(tmp_path, "ts_event=time,ts_recv=yy")


@pytest.mark.parametrize("name", ["f.parquet", "f.csv", "f.CSV"])
def test_a_column_that_is_there_twice_is_named_where_it_is_used(tmp_path: Path, name: str) -> None:
    def opened(*names: str) -> tuple[str, ...]:
        table = pa.Table.from_arrays([pa.array([T0]) for _ in names], names=list(names))
        if name.endswith("parquet"):
            pq.write_table(table, tmp_path / name)
        else:
            (tmp_path / name).write_text(",".join(names) + "\n" + ",".join(str(T0) for _ in names) + "\n")
        source = open_source(tmp_path / name, "funding", ColumnPlan({"rate": "r"}))
        assert [batch.num_rows for batch in source.batches()] == [1]
        return source.columns

    with pytest.raises(DataError, match=rf"{name}: expected one column ts_event, found 2 of that name; rename or remove"):
        opened("ts_event", "r", "ts_event")
    with pytest.raises(DataError, match="expected one column r, found 3"):
        opened("ts_event", "r", "r", "r")
    with pytest.raises(DataError, match="expected one column ts_recv, found 2"):
        opened("ts_event", "ts_recv", "r", "ts_recv")
    assert opened("ts_event", "x", "r", "x", "rate", "rate") == ("ts_event", "rate"), "what is not used may be there as often as it likes"


def test_times_written_as_floats_are_whole_nanoseconds_in_csv_as_in_parquet(tmp_path: Path) -> None:
    (tmp_path / "f.CSV").write_text("ts_event,ts_recv,rate\n1.7e18,1700000000000000256.0,0.1\n1.700000000000000256e+18,,0.2\nx,,0.3\n")
    tally = Tally()
    (batch,) = open_source(tmp_path / "f.CSV", "funding").batches(tally=tally)
    assert batch.select(["ts_event", "ts_recv"]).to_pydict() == {"ts_event": [T0, T0 + 256], "ts_recv": [T0 + 256, None]}
    pq.write_table(pa.table({"ts_event": [float(T0), float(T0 + 256)], "rate": [0.1, 0.2]}), tmp_path / "f.parquet")
    (batch,) = open_source(tmp_path / "f.parquet", "funding").batches()
    assert batch.column("ts_event").to_pylist() == [T0, T0 + 256]


@pytest.mark.parametrize(("given_ns", "unit", "divisor"), [(1, "us", 10**3), (1, "ms", 10**6), (10**3, "ms", 10**6), (10**6, "s", 10**9)])
def test_times_of_a_longer_unit_are_told_which(tmp_path: Path, given_ns: int, unit: str, divisor: int) -> None:
    pq.write_table(pa.table({"ts_event": [T0 // divisor], "rate": [0.1]}), tmp_path / "f.parquet")
    source = open_source(tmp_path / "f.parquet", "funding", ColumnPlan(unit_ns=given_ns))
    (batch,) = source.batches()
    with pytest.raises(DataError, match=rf"which is before 1973; they look like {unit}: give --time-unit {unit}$"):
        check_unit(source.path, "ts_event", batch.column("ts_event"), source.unit_ns)
    with pytest.raises(DataError, match="convert its unit$"):
        check_unit(source.path, "ts_event", pa.array([5]))
