"""Parquet columns of other types: every cell that can be is converted, every other one costs its row and is counted with it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.formats.column_plan import ColumnPlan
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.source import open_source
from slackwater.data.tally import Tally
from slackwater.errors import DataError
from tests.unit.data.tables import T0, write_inputs

SOUND = {
    "ts_event": pa.array([T0, T0 + 1, T0 + 2, T0 + 3]),
    "price": pa.array([100.5, 101.5, 102.5, 103.5]),
    "qty": pa.array([1.0, 1.0, 1.0, 1.0]),
    "buyer_maker": pa.array([True, False, True, False]),
    "trade_id": pa.array([1, 2, 3, 4]),
}
TEXTS = ["100.5", "1e2", "abc", None]
STAMPS = [f"2023-11-14T22:13:2{k}Z" for k in range(3)]


def read(folder: Path, plan: ColumnPlan | None = None, **columns: pa.Array) -> tuple[list[dict[str, Any]], Tally]:
    pq.write_table(pa.table(SOUND | columns), folder / "t.parquet")
    tally = Tally()
    source = open_source(folder / "t.parquet", "trades", plan or ColumnPlan())
    return [row for batch in source.batches(tally=tally) for row in batch.to_pylist()], tally


CONVERTED = {
    "text": ("price", pa.array(TEXTS), [100.5, 100.0, None], [3]),
    "large_text": ("price", pa.array(TEXTS, pa.large_string()), [100.5, 100.0, None], [3]),
    "dictionary": ("price", pa.array(TEXTS).dictionary_encode(), [100.5, 100.0, None], [3]),
    "bytes": ("price", pa.array([b"1", b"\xff", b" 2 ", b""]), [1.0, 2.0, None], [2]),
    "numbers_by_dictionary": ("price", pa.array([1.5, 2.5, 1.5, None]).dictionary_encode(), [1.5, 2.5, 1.5, None], []),
    "whole_prices": ("price", pa.array([1, 2, 3, 4], pa.int32()), [1, 2, 3, 4], []),
    "times_as_text": ("ts_event", pa.array([str(T0), "x", str(T0 + 2), str(T0 + 3)]), [T0, T0 + 2, T0 + 3], [2]),
    "times_as_dates": ("ts_event", pa.array([*STAMPS, "soon"]), [T0 + k * 10**9 for k in range(3)], [4]),
    "times_as_decimals": ("ts_event", pa.array([Decimal(T0 + k) for k in range(4)]), [T0 + k for k in range(4)], []),
    "times_unsigned": ("ts_event", pa.array([T0, T0, T0, 2**64 - 1], pa.uint64()), [T0, T0, T0], [4]),
    "times_as_floats": ("ts_event", pa.array([float(T0), None, float("nan"), float("inf")]), [T0, None, None], [4]),
    "times_beyond": ("ts_event", pa.array([T0 // 10**6, 2**55, 0, 0], pa.timestamp("ms")), [T0 // 10**6 * 10**6, None, 0, 0], []),
    "flags_as_text": ("buyer_maker", pa.array(["true", "False", "0", "maybe"]), [True, False, False], [4]),
    "flags_as_numbers": ("buyer_maker", pa.array([0, 1, 2, None]), [False, True, None], [3]),
    "flags_as_floats": ("buyer_maker", pa.array([0.0, 1.0, 0.5, None]), [False, True, None], [3]),
    "ids_as_text": ("trade_id", pa.array(["5", "a-b", None, str(2**70)]), [5, None, None, None], []),
    "ids_unsigned": ("trade_id", pa.array([1, 2, 3, 2**64 - 1], pa.uint64()), [1, 2, 3, None], []),
    "ids_as_floats": ("trade_id", pa.array([1.0, 2.5, None, 4.0]), [1, None, None, 4], []),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_cells_are_converted_or_counted(tmp_path: Path, name: str) -> None:
    column, cells, expected, places = CONVERTED[name]
    rows, tally = read(tmp_path, **{column: cells})
    assert [row[column] for row in rows] == expected
    assert (dict(tally), tally.places) == (({"wrong_type": len(places)}, {"wrong_type": places}) if places else ({}, {}))


def test_sides_as_large_text_and_seconds_as_decimals(tmp_path: Path) -> None:
    plan = ColumnPlan({"buyer_maker": "side"}, 10**9, has_sides=True)
    seconds = pa.array([Decimal("1700000000.25")] * 4)
    rows, tally = read(tmp_path, plan, ts_event=seconds, side=pa.array(["buy", "Sell", "?", None], pa.large_string()))
    assert [row["buyer_maker"] for row in rows] == [False, True, None, None]
    assert abs(rows[0]["ts_event"] - 1_700_000_000_250_000_000) < 250
    assert not tally


REFUSED = {
    "list": ("price", pa.array([[1.0]] * 4), r"expected price as a float64, found list"),
    "words": ("price", pa.array(["no", "number", "here", "x"]), r"expected price as a float64, found string such as 'no'"),
    "float32": (
        "price",
        pa.array([1.5] * 4, pa.float32()),
        r"expected price as a float64, found float32, which holds about 7 digits: give float64, decimals or text",
    ),
    "days": ("ts_event", pa.array([1, 2, 3, 4], pa.date32()), r"expected ts_event as int64 nanoseconds, found date32"),
    "sides": ("buyer_maker", pa.array(["buy", "sell", "buy", "sell"]), r"found string such as 'buy'; --map buyer_maker=COLUMN takes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_column_without_a_cell_of_its_type_is_refused(tmp_path: Path, name: str) -> None:
    column, cells, message = REFUSED[name]
    with pytest.raises(DataError, match=message):
        read(tmp_path, **{column: cells})


def test_rows_are_numbered_through_batches_and_symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.formats.source.BATCH_ROWS", 2)
    rows, tally = read(tmp_path, ColumnPlan(symbol="A"), price=pa.array(["1", "2", "x", "y"]), symbol=pa.array(["A", "B", "A", "A"]))
    assert [row["price"] for row in rows] == [1.0]
    assert tally == {"wrong_type": 2, "other_symbol": 1}
    assert tally.places["wrong_type"] == [3, 4]


def test_the_command_counts_them_and_a_list_ends_with_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quotes = pa.table({"ts_event": [T0, T0 + 1], "bid": ["99.9", "n/a?"], "bid_qty": [1, 2], "ask": [100.1, 100.1], "ask_qty": [1.0, 1.0]})
    quote_path, trade_path = write_inputs(tmp_path, quotes, pa.table(SOUND))
    words = ["data", "import", "--venue", "v", "--symbol", "S", "--quotes", str(quote_path), "--trades", str(trade_path), "--to"]
    assert main([*words, str(tmp_path / "tape")]) == 0
    assert "dropped: 1 wrong_type (q.parquet row 2)" in capsys.readouterr().out
    pq.write_table(pa.table(SOUND | {"qty": pa.array([[1.0]] * 4)}), trade_path)
    assert main([*words, str(tmp_path / "other")]) == 4
    assert "expected qty as a float64, found list" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_price_and_an_id_beyond_all_measure_stop_nothing(tmp_path: Path) -> None:
    trades = pa.table(SOUND | {"price": pa.array([100, 101, 2**62 + 1, 103]), "trade_id": pa.array([1, 2, 3, 4], pa.uint32())})
    quotes = pa.table({"ts_event": [T0], "bid": [99], "bid_qty": [1], "ask": [100], "ask_qty": [1]})
    quote_path, trade_path = write_inputs(tmp_path, quotes, trades)
    done = import_tape(ImportRequest("v", "S", quote_path, trade_path, tmp_path / "tape"))
    assert done["quarantined"] == {"out_of_range": 1}
    assert done["places"] == {"t.parquet": {"out_of_range": [3]}}


DECIMALS = {
    "plain": lambda cells: cells,
    "wide": lambda cells: cells.cast(pa.decimal256(40, 4)),
    "by_dictionary": lambda cells: cells.dictionary_encode(),
}


@pytest.mark.parametrize("way", DECIMALS)
def test_decimals_are_what_they_say_and_steps_are_inferred_from_them(tmp_path: Path, way: str) -> None:
    texts = [f"{99 + k / 10:.1f}" for k in range(200)]
    prices, sizes = (DECIMALS[way](pa.array(cells).cast(pa.decimal128(12, 4))) for cells in (texts, ["0.0003"] * 200))
    times = pa.array([T0 + k for k in range(200)], pa.uint64())
    quotes = pa.table({"ts_event": times, "bid": prices, "bid_qty": sizes, "ask": prices, "ask_qty": sizes})
    done = import_tape(ImportRequest("v", "S", *write_inputs(tmp_path, quotes, pa.table(SOUND)), tmp_path / "tape"))
    assert (done["instrument"]["tick_size"], done["instrument"]["lot_size"]) == ("0.1", "0.0001")
    assert done["quarantined"] == {}
    written = pq.read_table(tmp_path / "tape/v/S/2023-11-14/quotes.parquet")
    assert written["bid_ticks"].to_pylist() == [990 + k for k in range(200)]
    assert set(written["ask_lots"].to_pylist()) == {3}
