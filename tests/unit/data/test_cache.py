"""The rows that runs read: their order, their kinds, the venue's order, and when they are built anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from slackwater.data import cache, streams
from slackwater.data.cache import TapeRows, load_rows, zones_of
from slackwater.data.layout import FUNDING_SCHEMA, KLINE_SCHEMA
from slackwater.data.tape import open_tape
from slackwater.errors import DataError
from slackwater.kernel.record import rows as rows_of
from slackwater.schema.events import ZONE_ROWS, RowKind, TapeRow
from slackwater.schema.units import NEVER_NS
from tests.unit.data.tables import QUOTES, SEC, T0, TRADES, make_tape, quote_table, random_rows, trade_table

LATENCY = 2_000_000
DAY = "tape/binance/AAAUSDT/2023-11-14"


def load(folder: Path, latency: int = LATENCY) -> TapeRows:
    return load_rows(open_tape(folder / "tape").symbols[0], latency)


def test_trades_come_before_quotes_at_equal_times(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES, tick="0.1", lot="0.05")
    found = load(tmp_path)
    assert found.rows["kind"].tolist() == [1, 2, 2, 2, 1, 1]
    assert (found.rows["ts_recv"] - found.rows["ts_event"]).tolist() == [LATENCY] * 6
    book, trade = found.rows[0], found.rows[1]
    assert (book.price_ticks, book.lots, book.ask_ticks, book.ask_lots) == (999, 20, 1001, 40)
    assert (trade.price_ticks, trade.lots, bool(trade.buyer_maker), trade.ts_event) == (1001, 10, False, T0 + SEC // 2)
    assert found.venue_order is None


def test_candles_and_funding_are_rows(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    candle = {"ts_open": T0 - 59 * SEC, "ts_close": T0 + SEC, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    pq.write_table(pa.Table.from_pylist([candle], KLINE_SCHEMA), tmp_path / DAY / "klines_5m.parquet")
    rate = {"ts_event": T0 + 2 * SEC, "ts_recv": None, "rate": 0.0001}
    pq.write_table(pa.Table.from_pylist([rate], FUNDING_SCHEMA), tmp_path / DAY / "funding.parquet")
    found = load(tmp_path)
    assert found.rows["kind"].tolist() == [1, 2, 3, 2, 2, 1, 4, 1]
    row = found.rows[3 - 1]
    assert (row.kind, row.value, row.price_ticks, row.ask_ticks, row.ts_recv) == (RowKind.CANDLE, 1.5, 1, T0 + SEC, T0 + SEC)
    assert (found.rows[6].value, found.rows[6].ts_recv) == (0.0001, T0 + 2 * SEC + LATENCY)
    assert found.venue_order is None, "a candle alone does not make the venue's order differ"


def test_zones_hold_the_prices_of_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes, trades = random_rows(400)
    make_tape(tmp_path, quotes, trades)
    monkeypatch.setattr(cache, "BLOCK_ROWS", 2 * ZONE_ROWS)
    found = load(tmp_path)
    assert found.zones is not None
    assert len(found.zones) == -(-len(found.rows) // ZONE_ROWS) > 3
    for k, zone in enumerate(found.zones):
        rows = found.rows[k * ZONE_ROWS : (k + 1) * ZONE_ROWS]
        assert (zone.low_ticks, zone.high_ticks) == (rows.price_ticks.min(), max(rows.price_ticks.max(), rows.ask_ticks.max()))


def test_rows_end_with_the_last_quote_or_trade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BLOCK_ROWS", ZONE_ROWS)
    make_tape(tmp_path, QUOTES, TRADES)
    rates = [{"ts_event": T0 + k * SEC, "ts_recv": None, "rate": 0.0001} for k in range(1, 200)]
    pq.write_table(pa.Table.from_pylist(rates, FUNDING_SCHEMA), tmp_path / DAY / "funding.parquet")
    found = load(tmp_path)
    assert (len(found.rows), found.rows[-1].kind) == (8, RowKind.BOOK)
    late = [*rates[1:], rates[0] | {"ts_recv": T0 + 3600 * SEC}]
    pq.write_table(pa.Table.from_pylist(late, FUNDING_SCHEMA), tmp_path / DAY / "funding.parquet")
    found = load(tmp_path)
    assert found.venue_order is not None
    assert sorted(found.venue_order.tolist()) == list(range(len(found.rows)))


def test_zones_know_candles_from_prices_and_are_never_clear_of_funding() -> None:
    tape = rows_of(TapeRow, 3 * ZONE_ROWS)
    tape.kind, tape.price_ticks, tape.ask_ticks = RowKind.BOOK, 100, 101
    tape[0].kind, tape[0].price_ticks, tape[0].ask_ticks = RowKind.CANDLE, 1, T0
    tape[2 * ZONE_ROWS - 1].kind, tape[2 * ZONE_ROWS - 1].price_ticks = RowKind.FUNDING, 100
    tape.kind[2 * ZONE_ROWS :] = RowKind.CANDLE
    found = [(int(zone["low_ticks"]), int(zone["high_ticks"])) for zone in zones_of(tape)]
    assert found == [(100, 101), (-NEVER_NS, NEVER_NS), (NEVER_NS, -NEVER_NS)]


def test_the_merge_does_not_depend_on_the_size_of_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes, trades = random_rows(400)
    same = [(quotes[200][0], 100.0, float(k), True) for k in range(1, 40)]  # more equal times than a chunk holds
    make_tape(tmp_path, quotes, sorted([*trades, *same]))
    whole = load(tmp_path).rows.tobytes()
    for size in (1, 7, 64):
        monkeypatch.setattr(streams, "CHUNK_ROWS", size)
        monkeypatch.setenv("SLACKWATER_CACHE", str(tmp_path / f"cache{size}"))
        assert load(tmp_path).rows.tobytes() == whole


def test_venue_order_is_stable_and_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BLOCK_ROWS", 64)
    quotes, trades = random_rows(500)
    late = np.random.default_rng(3).integers(0, 300_000_000, len(quotes))
    table = quote_table(quotes)
    received = np.maximum.accumulate(table["ts_event"].to_numpy() + late)
    make_tape(tmp_path, table.append_column("ts_recv", pa.array(received)), trades)
    found = load(tmp_path)
    assert found.venue_order is not None
    assert found.zones is None
    assert found.venue_order.tolist() == np.argsort(found.rows["ts_event"], kind="stable").tolist()
    assert bool((np.diff(found.rows["ts_recv"]) >= 0).all())


def test_a_file_out_of_order_is_refused_and_leaves_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHUNK_ROWS", 64)
    quotes, trades = random_rows(300)
    make_tape(tmp_path, quotes, trades)
    path = tmp_path / DAY / "quotes.parquet"
    table = pq.read_table(path)
    for order in (np.roll(np.arange(300), 64), np.r_[0:10, 11, 10, 12:300]):
        pq.write_table(table.take(pa.array(order)), path)
        with pytest.raises(
            DataError, match=r"quotes.parquet: expected times in order, found 2023-11-14T.*Z, .* s before the row ahead of it"
        ):
            load(tmp_path)
    assert not list((tmp_path / "cache/rows").glob("*/*"))


def test_a_day_that_goes_back_behind_the_one_before_is_refused(tmp_path: Path) -> None:
    make_tape(tmp_path, [*QUOTES, (86_400.0, 99.9, 1.0, 100.1, 1.0)], TRADES)
    other = tmp_path / "tape/binance/AAAUSDT/2023-11-15/quotes.parquet"
    pq.write_table(pq.read_table(tmp_path / DAY / "quotes.parquet"), other)
    with pytest.raises(
        DataError, match=r"2023-11-15/quotes.parquet: expected times in order, found 2023-11-14T22:13:20.000Z, 2.5 s before"
    ):
        load(tmp_path)
    assert not list((tmp_path / "cache/rows").glob("*/*"))


def test_modelled_receive_times_are_put_in_order_with_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BLOCK_ROWS", 64)
    quotes, trades = random_rows(300)
    table = quote_table(quotes)
    known = pa.array(np.arange(300) % 2 == 0)
    times = table["ts_event"].combine_chunks()
    make_tape(tmp_path, table.append_column("ts_recv", pc.if_else(known, times, None)), trades)
    found = load(tmp_path, SEC).rows
    assert len(found) == 400
    assert bool((np.diff(found["ts_recv"]) >= 0).all())


def test_a_build_is_used_again_until_its_source_or_the_latency_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    write = cache._write

    def counting(*arguments: object) -> None:
        built.append(1)
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "_write", counting)
    make_tape(tmp_path, QUOTES, TRADES)
    for latency, count in ((LATENCY, 1), (LATENCY, 1), (5, 2), (LATENCY, 2)):
        load(tmp_path, latency)
        assert len(built) == count
    make_tape(tmp_path, QUOTES[:2], TRADES)
    assert len(load(tmp_path).rows) == 5
    assert len(built) == 3
    for latency in range(10):
        load(tmp_path, latency)
    (home,) = (tmp_path / "cache/rows").iterdir()
    assert len(list(home.iterdir())) == cache.KEPT_BUILDS


def test_writing_to_the_rows_does_not_reach_the_file(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    load(tmp_path).rows[0].price_ticks = 1
    assert load(tmp_path).rows[0].price_ticks == 9990 // 10


@pytest.mark.parametrize("damage", ["cut", "column", "null"])
def test_a_damaged_file_is_refused_and_leaves_no_build(tmp_path: Path, damage: str) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    path = tmp_path / DAY / "trades.parquet"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == "column":
        pq.write_table(trade_table(TRADES), path)
    else:
        table = pq.read_table(path)
        pq.write_table(table.set_column(2, "price_ticks", pa.nulls(3, pa.int64())), path)
    with pytest.raises(DataError, match=r"trades.parquet: expected (a tape file|price_ticks in every row)"):
        load(tmp_path)
    (home,) = (tmp_path / "cache/rows").iterdir()
    assert list(home.iterdir()) == []


def test_a_cache_that_may_not_be_written_is_read_and_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes, trades = random_rows(400)
    make_tape(tmp_path, quotes, trades)
    monkeypatch.setenv("SLACKWATER_CACHE", str(tmp_path / "cache"))
    kept = load(tmp_path)
    held = sorted((tmp_path / "cache").rglob("*"))
    monkeypatch.setattr(cache.os, "access", lambda path, mode: False)  # whoever runs the tests may write everywhere
    assert np.array_equal(load(tmp_path).rows, kept.rows)
    other = load(tmp_path, 3 * LATENCY)
    assert np.array_equal(other.rows["ts_recv"], kept.rows["ts_recv"] + 2 * LATENCY)
    assert other.zones is not None
    assert sorted((tmp_path / "cache").rglob("*")) == held


@pytest.mark.parametrize(
    ("name", "column"),
    [("quotes", "bid_ticks"), ("quotes", "ts_event"), ("trades", "buyer_maker"), ("funding", "rate"), ("klines_5m", "close")],
)
def test_a_row_without_a_value_is_told_by_its_column(tmp_path: Path, name: str, column: str) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    candle = {"ts_open": T0 - 59 * SEC, "ts_close": T0 + SEC, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    pq.write_table(pa.Table.from_pylist([candle], KLINE_SCHEMA), tmp_path / DAY / "klines_5m.parquet")
    pq.write_table(pa.Table.from_pylist([{"ts_event": T0, "ts_recv": T0, "rate": 0.1}], FUNDING_SCHEMA), tmp_path / DAY / "funding.parquet")
    path = tmp_path / DAY / f"{name}.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0][column] = None
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(path)), path)
    with pytest.raises(DataError, match=rf"{name}.parquet: expected {column} in every row, found 1 without; import"):
        load(tmp_path)
