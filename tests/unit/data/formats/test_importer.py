"""Import: what becomes a row, what is dropped and counted, what is refused, and that a failure leaves nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from slackwater.data.formats import importer
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.errors import DataError, UsageError
from tests.unit.data.tables import QUOTES, SEC, T0, TRADES, Trade, make_tape, quote_table, trade_table, write_inputs

DAY = "2023-11-14"


def read(folder: Path, name: str, day: str = DAY) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(folder / "tape/binance/AAAUSDT" / day / f"{name}.parquet").to_pylist()
    return rows


def test_rows_are_ticks_and_lots(tmp_path: Path) -> None:
    done = make_tape(tmp_path, QUOTES, TRADES, tick="0.1", lot="0.05")
    assert read(tmp_path, "quotes")[0] == {
        "ts_event": T0,
        "ts_recv": None,
        "bid_ticks": 999,
        "bid_lots": 20,
        "ask_ticks": 1001,
        "ask_lots": 40,
    }
    first = {"ts_event": T0 + SEC // 2, "ts_recv": None, "price_ticks": 1001, "lots": 10, "buyer_maker": False, "trade_id": None}
    assert read(tmp_path, "trades")[0] == first
    assert done["rows"] == {"quotes.parquet": 3, "trades.parquet": 3}, "two equal trades are two trades"
    assert done["inferred"] == []


def test_steps_are_inferred_exactly_and_written_as_decimals(tmp_path: Path) -> None:
    done = make_tape(tmp_path, QUOTES, TRADES)
    assert done["inferred"] == ["tick_size", "lot_size"]
    found = json.loads((tmp_path / "tape/binance/AAAUSDT/instrument.json").read_text())
    assert found == {"tick_size": "0.1", "lot_size": "0.01", "min_qty": "0.01", "min_notional": "5", "contract": "linear"}


def test_trades_finer_than_the_book_are_said(tmp_path: Path) -> None:
    done = make_tape(tmp_path, QUOTES, [*TRADES, (2.0, 100.05, 1.0, True)])
    assert done["instrument"]["tick_size"] == "0.01"
    assert "books are in steps of 0.1" in done["notes"][0]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((3.0, math.nan, 1.0, 100.0, 1.0), "not_finite"),
        ((3.0, 99.9, math.inf, 100.0, 1.0), "not_finite"),
        ((3.0, 99.9, 1.0, 100.0, -1.0), "negative_size"),
        ((3.0, -99.9, 1.0, 100.0, 1.0), "negative_price"),
        ((3.0, 99.9, 1.0, 1e17, 1.0), "out_of_range"),
        ((-T0 / SEC, 99.9, 1.0, 100.0, 1.0), "no_time"),
    ],
)
def test_a_quote_that_cannot_be_a_row_is_dropped_and_counted(tmp_path: Path, row: tuple[float, ...], kind: str) -> None:
    done = make_tape(tmp_path, [*QUOTES, row], TRADES)
    assert done["quarantined"] == {kind: 1}
    assert done["rows"]["quotes.parquet"] == 3
    manifest = json.loads((tmp_path / f"tape/binance/AAAUSDT/{DAY}/manifest.json").read_text())
    assert manifest["quarantined"] == {kind: 1}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((3.0, math.nan, 1.0, True), "not_finite"),
        ((3.0, 0.0, 1.0, True), "not_positive_price"),
        ((3.0, 100.0, -1.0, True), "negative_size"),
        ((3.0, 100.0, 0.0, True), "zero_size"),
        ((3.0, 100.0, 1.0, None), "no_side"),
    ],
)
def test_a_trade_that_cannot_be_a_row_is_dropped_and_counted(tmp_path: Path, row: tuple[float, ...], kind: str) -> None:
    done = make_tape(tmp_path, QUOTES, [*TRADES, row])
    assert done["quarantined"] == {kind: 1}
    assert done["rows"]["trades.parquet"] == 3


def test_crossed_and_one_sided_books_stay_and_are_counted(tmp_path: Path) -> None:
    done = make_tape(tmp_path, [*QUOTES, (3.0, 100.2, 1.0, 100.1, 1.0), (4.0, 0.0, 0.0, 100.1, 1.0)], TRADES)
    assert done["rows"]["quotes.parquet"] == 5
    assert done["kept_odd"] == {"crossed_book": 1, "one_sided_book": 1}
    assert done["quarantined"] == {}


def test_all_rows_are_sorted_and_counted_where_that_is_asked_for(tmp_path: Path) -> None:
    done = make_tape(tmp_path, [QUOTES[2], QUOTES[0], QUOTES[1]], TRADES, sort=True)
    assert [row["ts_event"] for row in read(tmp_path, "quotes")] == [T0, T0 + SEC, T0 + 5 * SEC // 2]
    assert (done["time_backwards"], done["quarantined"]) == ({"quotes": 1}, {})


def test_days_are_utc_and_a_return_to_a_closed_day_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.writer.MOST_OPEN", 1)
    day = 86_400.0
    days = [0.0, day, 2 * day, 1.0, 3 * day, day + 1]
    done = make_tape(tmp_path, [(second, 99.9, 1.0, 100.1, 1.0) for second in days], TRADES, sort=True)
    assert done["days"] == [DAY, "2023-11-15", "2023-11-16", "2023-11-17"]
    assert done["rows"]["quotes.parquet"] == 6
    assert [row["ts_event"] for row in read(tmp_path, "quotes")] == [T0, T0 + SEC]
    names = [sorted(path.name for path in folder.iterdir()) for folder in sorted((tmp_path / "tape/binance/AAAUSDT").glob("2*"))]
    assert names == [["manifest.json", "quotes.parquet", "trades.parquet"], *[["manifest.json", "quotes.parquet"]] * 3]


def test_a_day_that_is_come_back_to_again_and_again_is_whole_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.writer.MOST_OPEN", 1)
    quotes = [((k % 3) * 86_400.0 + 60 - k, 99.9, float(k + 1), 100.1, 1.0) for k in range(30)]
    done = make_tape(tmp_path, quotes, TRADES, lot="0.25", sort=True)
    assert done["rows"]["quotes.parquet"] == 30
    sizes = [row["bid_lots"] for row in read(tmp_path, "quotes")]
    assert sizes == [4 * (k + 1) for k in range(27, -1, -3)]


def test_gaps_of_more_than_a_minute_are_listed(tmp_path: Path) -> None:
    make_tape(tmp_path, [*QUOTES, (62.5, 99.9, 1.0, 100.1, 1.0), (122.6, 99.9, 1.0, 100.1, 1.0)], TRADES)
    manifest = json.loads((tmp_path / f"tape/binance/AAAUSDT/{DAY}/manifest.json").read_text())
    assert [gap["seconds"] for gap in manifest["gaps"]] == [60.1]


def test_a_gap_longer_than_a_day_is_told_and_nothing_dropped_for_it(tmp_path: Path) -> None:
    far = 7300 * 86_400.0
    done = make_tape(tmp_path, [*QUOTES, (far, 99.9, 1.0, 100.1, 1.0)], [*TRADES, (86_000.0, 100.0, 1.0, True)])
    assert done["rows"]["quotes.parquet"] == 4
    (told,) = done["notes"]
    assert told.startswith(
        "quotes: 1 gap(s) longer than a day, the longest 7,300.0 days from 2023-11-14T22:13:22.500Z to 2043-11-09T22:13:20"
    )
    assert done["gaps"] == 1, "one over midnight is one"


def test_receive_times_and_trade_ids_are_kept(tmp_path: Path) -> None:
    quotes = quote_table(QUOTES).append_column("ts_recv", pa.array([T0 + 5, None, T0 + 3 * SEC], pa.int64()))
    trades = trade_table(TRADES).append_column("trade_id", pa.array([7, 8, 9], pa.int64()))
    make_tape(tmp_path, quotes, trades)
    assert [row["ts_recv"] for row in read(tmp_path, "quotes")] == [T0 + 5, None, T0 + 3 * SEC]
    assert [row["trade_id"] for row in read(tmp_path, "trades")] == [7, 8, 9]


def test_csv_and_timestamps_are_read(tmp_path: Path) -> None:
    quotes = quote_table(QUOTES)
    stamped = quotes.set_column(0, "ts_event", quotes["ts_event"].cast(pa.timestamp("ns")))
    quote_path, _ = write_inputs(tmp_path / "in", stamped, trade_table(TRADES))
    trade_path = tmp_path / "t.csv"
    pacsv.write_csv(trade_table(TRADES), trade_path)
    done = import_tape(ImportRequest("binance", "AAAUSDT", quote_path, trade_path, tmp_path / "tape"))
    assert (done["rows"]["trades.parquet"], done["first_ns"]) == (3, T0)


REFUSALS = {
    "off_tick": ({"tick": "0.25"}, QUOTES, TRADES, r"row 1: expected bid in whole ticks of 0.25, found 99.9"),
    "off_lot": ({"lot": "0.5"}, QUOTES, TRADES, r"row 3: expected ask_qty in whole lots of 0.5, found 0.25"),
    "no_rows": ({}, [], TRADES, r"expected quotes, found a file without rows"),
    "noise": ({}, [(0.0, 99.9, 0.1 + 0.2, 100.0, 1.0)], TRADES, r"at most 12 decimals, found 0.30000000000000004"),
    "wrong_unit": ({}, [(1.0 - T0 / SEC, 99.9, 1.0, 100.0, 1.0)], TRADES, r"expected ts_event in nanoseconds"),
    "nothing_usable": ({}, [(0.0, math.nan, 1.0, 1.0, 1.0)], [(0.0, math.nan, 1.0, True)], r"found none that make sense"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_what_was_expected_and_leave_nothing(tmp_path: Path, name: str) -> None:
    options, quotes, trades, message = REFUSALS[name]
    with pytest.raises(DataError, match=message):
        make_tape(tmp_path, quotes, trades, **options)
    assert not (tmp_path / "tape").exists()


def test_one_value_off_the_steps_refuses_and_says_how_to_leave_it_out(tmp_path: Path) -> None:
    quotes = [(k / 10, 99.9, 1.0, 100.1, 2.0) for k in range(4000)]
    quotes[1000] = (100.0, 99.93, 1.0, 100.1, 2.0)
    words = r"q.parquet: row 1001: expected bid in whole ticks of 0.1, found 99.93, the first of 1 such rows in 4,000; give .*"
    with pytest.raises(DataError, match=rf"{words}; --off-step drop leaves out so few$"):
        make_tape(tmp_path, quotes, TRADES, tick="0.1", lot="0.01")
    assert not (tmp_path / "tape").exists()
    quotes[1000] = (100.0, 99.9, 1 / 3, 100.1, 2.0)
    with pytest.raises(
        DataError, match=r"row 1001: expected bid_qty in whole lots of 0.01, found 0.333.*; that lot is the one of nearly all"
    ):
        make_tape(tmp_path, quotes, TRADES)
    quotes[1000] = (100.0, 99.9, 0.1 + 0.2, 100.1, 2.0)
    assert make_tape(tmp_path, quotes, TRADES)["quarantined"] == {}, "the noise of arithmetic is on the step"


def test_a_few_values_off_the_steps_cost_their_rows_where_that_is_asked_for(tmp_path: Path) -> None:
    quotes = [(k / 10, 99.9, 1.0, 100.1, 2.0) for k in range(4000)]
    quotes[1000] = (100.0, 99.93, 1.0, 100.1, 2.0)
    quotes[2000] = (200.0, 99.97, 1.0005, 100.1, 2.0)
    quotes[3000] = (300.0, 99.9, 1.0005, 100.1, 2.0)
    done = make_tape(tmp_path, quotes, TRADES, tick="0.1", lot="0.01", few_off=True)
    assert done["quarantined"] == {"off_lot": 1, "off_tick": 2}
    assert done["places"]["q.parquet"] == {"off_tick": [1001, 2001], "off_lot": [3001]}
    assert len(read(tmp_path, "quotes")) == 3997


def test_one_row_of_a_hundred_may_be_off_and_none_of_fewer(tmp_path: Path) -> None:
    quotes = [(k / 10, 99.9, 1.0, 100.1, 2.0) for k in range(99)] + [(20.0, 99.93, 1.0, 100.1, 2.0)]
    assert make_tape(tmp_path, quotes, TRADES, tick="0.1", lot="0.01", few_off=True)["quarantined"] == {"off_tick": 1}
    with pytest.raises(DataError, match="row 99: .* the first of 1 such rows in 99"):
        make_tape(tmp_path, quotes[1:], TRADES, tick="0.1", lot="0.01", few_off=True)


def test_many_values_off_the_steps_say_that_the_steps_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes = [(k / 10, 99.9, 1.0, 100.1, 2.0) for k in range(4000)]
    quotes[7::700] = [(second, 99.93, *rest) for second, _, *rest in quotes[7::700]]
    with pytest.raises(DataError, match=r"row 8: expected bid in whole ticks of 0.1, found 99.93, the first of 6 such rows in 4,000; give"):
        make_tape(tmp_path, quotes, TRADES, tick="0.1", lot="0.01", few_off=True)
    monkeypatch.setattr("slackwater.data.steps.MOST_OFF_SHARE", 0.5)
    assert make_tape(tmp_path, quotes, TRADES, tick="0.1", lot="0.01", few_off=True)["quarantined"] == {"off_tick": 6}
    monkeypatch.setattr("slackwater.data.formats.quarantine.MOST_OFF", 5)
    with pytest.raises(DataError, match="the first of 6 such rows"):
        make_tape(tmp_path, quotes, TRADES, tick="0.1", lot="0.01", few_off=True)


def test_the_noise_of_a_few_values_does_not_stop_an_inference(tmp_path: Path) -> None:
    quotes = [(k / 10, 99.9, 1.0, 100.1, 2.0) for k in range(4000)]
    quotes[1000] = (100.0, 99.9, 0.1 + 0.2, 100.1, 2.0)  # 0.30000000000000004
    quotes[2000] = (200.0, 99.9, 1 / 3, 100.1, 2.0)
    done = make_tape(tmp_path, quotes, TRADES, few_off=True)
    assert (done["instrument"]["tick_size"], done["instrument"]["lot_size"]) == ("0.1", "0.01")
    assert read(tmp_path, "quotes")[1000]["bid_lots"] == 30
    assert done["quarantined"] == {"off_lot": 1}
    assert done["places"]["q.parquet"] == {"off_lot": [2001]}


def test_a_file_of_which_no_row_is_usable_is_refused_with_what_its_rows_are(tmp_path: Path) -> None:
    quotes = [(0.0, math.nan, 1.0, 1.0, 1.0), (1.0, 99.9, -1.0, 100.1, 1.0), (2.0, math.inf, 1.0, 1.0, 1.0)]
    with pytest.raises(DataError, match=r"q.parquet: expected quotes, found none that make sense, only 1 negative_size, 2 not_finite$"):
        make_tape(tmp_path, quotes, TRADES)
    trades: list[Trade] = [(second, 100.0, 0.0, True) for second in (0.0, 1.0)]
    with pytest.raises(DataError, match=r"t.parquet: expected trades, found none that make sense, only 2 zero_size$"):
        make_tape(tmp_path, QUOTES, trades)
    assert not (tmp_path / "tape").exists()
    (tmp_path / "f.csv").write_text(f"ts_event,rate\n{T0},nan\n{T0},inf\n")
    done = make_tape(tmp_path, QUOTES, TRADES, funding=tmp_path / "f.csv")
    assert done["notes"][-1] == "f.csv: none of its rows could be used", "a tape is one without funding"


@pytest.mark.parametrize("rows_at_once", [64, 150, 4096])
def test_a_row_group_that_cannot_be_read_costs_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    monkeypatch.setattr("slackwater.data.formats.source.BATCH_ROWS", rows_at_once)
    rows = [(k / 10, 99.9, float(k + 1), 100.1, 2.0) for k in range(400)]
    rows[350] = (35.0, -1.0, 1.0, 100.1, 2.0)
    quotes, trades = write_inputs(tmp_path, quote_table(rows), trade_table(TRADES))
    pq.write_table(quote_table(rows), quotes, row_group_size=100, compression="zstd", use_dictionary=False)
    column = pq.read_metadata(quotes).row_group(1).column(2)
    content = bytearray(quotes.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    content[middle - 40 : middle + 40] = b"\xff" * 80
    quotes.write_bytes(content)
    done = import_tape(ImportRequest("binance", "AAAUSDT", quotes, trades, tmp_path / "tape", lot="0.25"))
    lost = done["quarantined"]["unreadable"]
    assert done["quarantined"] == {"negative_price": 1, "unreadable": lost}
    assert done["places"]["q.parquet"] == {"unreadable": [201 - lost], "negative_price": [351]}
    assert 36 <= lost <= 100
    sizes = [row["bid_lots"] for row in read(tmp_path, "quotes")]
    kept = [k for k in range(400) if k != 350 and not 200 - lost <= k < 200]
    assert sizes == [4 * (k + 1) for k in kept]


def test_missing_files_columns_and_types_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected quotes with the column ask_qty, found ts_event, bid, bid_qty, ask$"):
        make_tape(tmp_path, quote_table(QUOTES).drop_columns("ask_qty"), TRADES)
    narrow = quote_table(QUOTES).set_column(1, "bid", pa.array([99.9, 99.9, 99.8], pa.float32()))
    with pytest.raises(DataError, match="expected bid as a float64, found float"):
        make_tape(tmp_path, narrow, TRADES)
    quotes, _ = write_inputs(tmp_path, quote_table(QUOTES), trade_table(TRADES))
    with pytest.raises(DataError, match=r"nowhere.parquet: expected a file of trades, found nothing"):
        import_tape(ImportRequest("v", "S", quotes, tmp_path / "nowhere.parquet", tmp_path / "tape"))
    (tmp_path / "junk.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"junk.parquet: expected a Parquet or .csv file"):
        import_tape(ImportRequest("v", "S", quotes, tmp_path / "junk.parquet", tmp_path / "tape"))


@pytest.mark.parametrize(
    "options", [{"tick": "0"}, {"tick": "x"}, {"lot": "-1"}, {"symbol": "../up"}, {"venue": ".x"}, {"min_qty": "0.015"}]
)
def test_options_that_make_no_sense_are_usage_errors(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        make_tape(tmp_path, QUOTES, TRADES, **options)


def test_importing_again_replaces_the_day_and_keeps_the_others(tmp_path: Path) -> None:
    make_tape(tmp_path, [*QUOTES, (86_400.0, 99.9, 1.0, 100.1, 1.0)], TRADES)
    make_tape(tmp_path, QUOTES[:1], TRADES)
    assert len(read(tmp_path, "quotes")) == 1
    assert len(read(tmp_path, "quotes", "2023-11-15")) == 1
    with pytest.raises(DataError, match=r"expected tick 0.1 and lot 0.01 as on 2023-11-15, found tick 0.05"):
        make_tape(tmp_path, QUOTES, TRADES, tick="0.05")
    assert len(read(tmp_path, "quotes")) == 1, "a refused import changes nothing"


def test_days_of_files_are_not_put_beside_generated_ones(tmp_path: Path) -> None:
    synthesise(SynthRequest(tmp_path / "tape", hours=0.01, history_days=2))
    before = sorted(tmp_path.rglob("tape/**/*"))
    words = r"tape/synth/SYNA: expected days of a market only, found 3 that `slackwater data synth` made .*, the first 2025-01-04"
    with pytest.raises(DataError, match=words):
        make_tape(tmp_path, QUOTES, TRADES, venue="synth", symbol="SYNA", tick="0.01", lot="0.05")
    assert sorted(tmp_path.rglob("tape/**/*")) == before


def test_an_interrupted_import_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importer, "sha256_of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_tape(tmp_path, QUOTES, TRADES)
    assert not (tmp_path / "tape").exists()


def test_funding_is_imported_beside_quotes_and_trades(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts_event": [T0, T0 + SEC, T0 + 2 * SEC], "rate": [0.0001, math.nan, -0.0002]}), tmp_path / "f.parquet")
    done = make_tape(tmp_path, QUOTES, TRADES, funding=tmp_path / "f.parquet")
    assert [(row["ts_event"], row["rate"]) for row in read(tmp_path, "funding")] == [(T0, 0.0001), (T0 + 2 * SEC, -0.0002)]
    assert done["quarantined"] == {"not_finite": 1}
    with pytest.raises(DataError, match="expected funding with the column rate, found ts_event, bid"):
        make_tape(tmp_path, QUOTES, TRADES, funding=tmp_path / "in/q.parquet")


def test_funding_told_twice_is_paid_once(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(f"ts_event,rate\n{T0},0.0001\n{T0},0.0001\n{T0 + SEC},x\n{T0 + SEC},0.0002\n{T0},0.0003\n")
    done = make_tape(tmp_path, QUOTES, TRADES, funding=tmp_path / "f.csv")
    assert [(row["ts_event"], row["rate"]) for row in read(tmp_path, "funding")] == [(T0, 0.0001), (T0 + SEC, 0.0002)]
    assert done["quarantined"] == {"repeated_funding": 2, "wrong_type": 1}
    assert done["places"]["f.csv"]["repeated_funding"] == [3, 6]
