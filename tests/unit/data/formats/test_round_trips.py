"""A tape that goes out and comes back is the same tape, row by row, for every shared set and for what real data has too little of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.data.formats import hftbacktest as hft
from slackwater.data.formats.exports import ExportRequest, export_tape
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.imports import FormatRequest, open_format
from slackwater.data.formats.touch import BUY, KIND_MASK, SELL
from slackwater.errors import DataError, UsageError
from tests.market_kit import SHARED
from tests.unit.data.tables import SEC, T0, make_tape, random_rows

DATA = SHARED / "data"
SETS = sorted(path.name.removesuffix("__quotes.parquet") for path in DATA.glob("*__quotes.parquet")) or ["none"]
BOTH_WAYS = ("hftbacktest", "csv")


def rows(tape: Path, kind: str) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in sorted(tape.rglob(f"{kind}.parquet")))


def back_again(tape: Path, symbol: str, way: str, folder: Path) -> Path:
    """Export, and import what came out."""
    done = export_tape(ExportRequest(tape, symbol, way, folder / "out"))
    steps = done["instrument"]
    base = ImportRequest(done["venue"], symbol, Path(), Path(), folder / "again")
    if way == "hftbacktest":
        request = FormatRequest(way, base, (symbol,), inputs=(folder / "out" / f"{symbol}.npz",))
    else:
        base = ImportRequest(done["venue"], symbol, Path(), Path(), folder / "again", steps["tick_size"], steps["lot_size"])
        quotes, trades = (folder / "out" / f"{symbol}_{kind}.csv" for kind in ("quotes", "trades"))
        request = FormatRequest("generic", base, (symbol,), quotes, trades)
    completed, sources = open_format(request)
    imported = import_tape(completed, sources=sources)
    assert imported["quarantined"] == {}
    return folder / "again"


def check_same(one: Path, two: Path) -> None:
    for kind in ("quotes", "trades"):
        assert rows(one, kind).equals(rows(two, kind)), kind
    one_steps, two_steps = (json.loads(next(tape.rglob("instrument.json")).read_text()) for tape in (one, two))
    assert one_steps == two_steps


@pytest.mark.parametrize("name", SETS)
def test_every_shared_set_is_imported_whole_and_comes_back_the_same(tmp_path: Path, name: str) -> None:
    if not DATA.is_dir():
        pytest.skip("no shared data beside the project")
    venue, _, symbol = name.partition("__")
    quotes, trades = (DATA / f"{name}__{kind}.parquet" for kind in ("quotes", "trades"))
    done = import_tape(ImportRequest(venue, symbol, quotes, trades, tmp_path / "tape"))
    source = pq.read_table(quotes)
    assert (
        done["rows"]["quotes.parquet"] + sum(done["quarantined"].values())
        == source.num_rows + pq.read_metadata(trades).num_rows - (done["rows"]["trades.parquet"])
    )
    if not done["quarantined"]:
        tick = float(done["instrument"]["tick_size"])
        order = np.argsort(source["ts_event"].to_numpy(), kind="stable")
        bids = rows(tmp_path / "tape", "quotes")["bid_ticks"].to_numpy() * tick
        assert np.allclose(bids, source["bid"].to_numpy()[order], rtol=0, atol=tick * 1e-3)
    for way in BOTH_WAYS:
        check_same(tmp_path / "tape", back_again(tmp_path / "tape", symbol, way, tmp_path / way))


def odd_tables(draw: np.random.Generator, count: int) -> tuple[pa.Table, pa.Table]:
    """Books with missing sides, sizes of nothing, crossed prices, repeats; receive times missing here and there and venue times running
    backwards against them; identifiers missing here and there."""
    times = T0 + np.cumsum(draw.integers(0, 3, count)) * 1_000_000
    received = times + draw.integers(0, 20_000_000, count)
    bid = draw.integers(0, 6, count) * 0.5
    ask = draw.integers(0, 6, count) * 0.5
    quotes = pa.table(
        {
            "ts_event": times,
            "bid": bid,
            "bid_qty": draw.integers(0, 3, count) * 0.001,
            "ask": ask,
            "ask_qty": draw.integers(0, 3, count) * 0.001,
            "ts_recv": pa.array(received, mask=draw.random(count) < 0.3),
        }
    )
    trades = pa.table(
        {
            "ts_event": times,
            "price": draw.integers(1, 6, count) * 0.5,
            "qty": draw.integers(1, 5, count) * 0.001,
            "buyer_maker": draw.random(count) < 0.5,
            "ts_recv": pa.array(received + draw.integers(0, 5_000_000, count), mask=draw.random(count) < 0.3),
            "trade_id": pa.array(draw.integers(-5, 2**62, count), mask=draw.random(count) < 0.3),
        }
    )
    return quotes, trades


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", BOTH_WAYS)
def test_odd_rows_come_back_the_same(tmp_path: Path, way: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Chunks far smaller than the tape, of sizes that fit each other badly.
    monkeypatch.setattr("slackwater.data.formats.hftbacktest.CHUNK_EVENTS", 97)
    monkeypatch.setattr("slackwater.data.streams.CHUNK_ROWS", 31)
    monkeypatch.setattr("slackwater.data.formats.exports.BATCH_ROWS", 53)
    make_tape(tmp_path, *odd_tables(np.random.default_rng(seed), 2000), tick="0.1", lot="0.001", min_notional="0")
    again = back_again(tmp_path / "tape", "AAAUSDT", way, tmp_path / way)
    for kind in ("quotes", "trades"):
        assert rows(tmp_path / "tape", kind).equals(rows(again, kind))


def test_the_events_are_in_order_for_the_exchange_and_for_the_strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.streams.CHUNK_ROWS", 31)
    make_tape(tmp_path, *odd_tables(np.random.default_rng(9), 2000), tick="0.1", lot="0.001")
    export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "hftbacktest", tmp_path / "out"))
    events = np.load(tmp_path / "out/AAAUSDT.npz")["data"]
    assert events.dtype == hft.EVENT
    at_exchange, at_us = (events[events["ev"] & np.uint64(flag) != 0] for flag in (hft.EXCHANGE, hft.LOCAL))
    assert (np.diff(at_exchange["exch_ts"]) >= 0).all()
    assert (np.diff(at_us["local_ts"]) >= 0).all()
    assert len(at_exchange) == len(at_us) < len(events), "every event is seen by both, some in two places"
    names = ["exch_ts", "local_ts", "px", "qty", "ival"]
    assert sorted(at_exchange[names].tolist()) == sorted(at_us[names].tolist())


def test_events_replayed_in_a_plain_book_give_every_quote(tmp_path: Path) -> None:
    quotes, trades = random_rows(400)
    make_tape(tmp_path, quotes, trades, tick="0.1", lot="1")
    export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "hftbacktest", tmp_path / "out"))
    book: dict[int, dict[float, float]] = {BUY: {}, SELL: {}}
    found: dict[int, tuple[float, float, float, float]] = {}
    for event in np.load(tmp_path / "out/AAAUSDT.npz")["data"]:
        flags = int(event["ev"])
        if flags & KIND_MASK == hft.TRADE:
            continue
        side = book[flags & (BUY | SELL)]
        side[event["px"]] = event["qty"]
        if event["qty"] == 0:
            del side[event["px"]]
        if book[BUY] and book[SELL]:
            bid, ask = max(book[BUY]), min(book[SELL])
            assert bid < ask, "not even between two events of one row"
            found[int(event["exch_ts"])] = (bid, book[BUY][bid], ask, book[SELL][ask])
    assert list(found.values()) == [row[1:] for row in quotes]


def test_without_its_sidecar_the_book_is_rebuilt_to_the_same_quotes(tmp_path: Path) -> None:
    make_tape(tmp_path, *random_rows(3000), tick="0.1", lot="1")
    export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "hftbacktest", tmp_path / "out"))
    (tmp_path / "out/AAAUSDT.json").unlink()
    base = ImportRequest("binance", "AAAUSDT", Path(), Path(), tmp_path / "again", "0.1", "1")
    completed, sources = open_format(FormatRequest("hftbacktest", base, ("AAAUSDT",), inputs=(tmp_path / "out/AAAUSDT.npz",)))
    import_tape(completed, sources=sources)
    before, after = rows(tmp_path / "tape", "quotes"), rows(tmp_path / "again", "quotes")
    assert before.drop_columns(["ts_recv"]).equals(after.drop_columns(["ts_recv"]))
    assert after["ts_recv"].equals(after["ts_event"]), "nobody told that it was not known"


def test_a_sidecar_of_another_file_is_refused(tmp_path: Path) -> None:
    make_tape(tmp_path, *random_rows(50), tick="0.1", lot="1")
    export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "hftbacktest", tmp_path / "out"))
    np.savez(tmp_path / "out/AAAUSDT.npz", data=np.zeros(3, hft.EVENT))
    base = ImportRequest("binance", "AAAUSDT", Path(), Path(), tmp_path / "again")
    with pytest.raises(DataError, match="expected version 1 and AAAUSDT.npz's events"):
        open_format(FormatRequest("hftbacktest", base, ("AAAUSDT",), inputs=(tmp_path / "out/AAAUSDT.npz",)))


def test_a_sidecar_of_an_inverse_contract_is_refused(tmp_path: Path) -> None:
    make_tape(tmp_path, *random_rows(50), tick="0.1", lot="1")
    export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "hftbacktest", tmp_path / "out"))
    sidecar = tmp_path / "out/AAAUSDT.json"
    sidecar.write_text(sidecar.read_text().replace('"linear"', '"inverse"'))
    base = ImportRequest("binance", "AAAUSDT", Path(), Path(), tmp_path / "again")
    with pytest.raises(DataError, match=r"AAAUSDT\.json: expected a linear contract, found contract 'inverse'"):
        open_format(FormatRequest("hftbacktest", base, ("AAAUSDT",), inputs=(tmp_path / "out/AAAUSDT.npz",)))


def test_the_same_tape_is_the_same_file(tmp_path: Path) -> None:
    make_tape(tmp_path, *random_rows(50), tick="0.1", lot="1")
    for out in ("one", "two"):
        export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "hftbacktest", tmp_path / out))
    assert (tmp_path / "one/AAAUSDT.npz").read_bytes() == (tmp_path / "two/AAAUSDT.npz").read_bytes()


@pytest.mark.parametrize("way", ["hftbacktest", "csv", "nautilus"])
def test_a_span_takes_its_start_and_not_its_end(tmp_path: Path, way: str) -> None:
    quotes = [(float(k), 99.9, 1.0, 100.1, 1.0) for k in range(10)]
    make_tape(tmp_path, quotes, [(float(k), 100.0, 1.0, True) for k in range(10)], tick="0.1", lot="1")
    span = (T0 + 3 * SEC, T0 + 7 * SEC)
    done = export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", way, tmp_path / "out", *span))
    assert done["rows"] == {"quotes": 4, "trades": 4}


def test_nautilus_columns(tmp_path: Path) -> None:
    quotes, trades = odd_tables(np.random.default_rng(1), 500)
    make_tape(tmp_path, quotes, trades, tick="0.1", lot="0.001")
    export_tape(ExportRequest(tmp_path / "tape", "AAAUSDT", "nautilus", tmp_path / "out"))
    found = pq.read_table(tmp_path / "out/AAAUSDT_quotes.parquet")
    assert found.column_names == ["ts_event", "ts_init", "bid_price", "ask_price", "bid_size", "ask_size"]
    tape = rows(tmp_path / "tape", "quotes")
    assert found["bid_price"].to_pylist() == [ticks / 10 for ticks in tape["bid_ticks"].to_pylist()]
    assert found["ts_init"].to_pylist() == [
        r if r is not None else e for r, e in zip(*tape.select([1, 0]).to_pydict().values(), strict=True)
    ]
    found, tape = pq.read_table(tmp_path / "out/AAAUSDT_trades.parquet"), rows(tmp_path / "tape", "trades")
    assert found.column_names == ["ts_event", "ts_init", "price", "size", "aggressor_side", "side", "trade_id"]
    assert found["aggressor_side"].to_pylist() == [not maker for maker in tape["buyer_maker"].to_pylist()]
    assert found["side"].to_pylist() == ["SELL" if maker else "BUY" for maker in tape["buyer_maker"].to_pylist()]
    ids = [str(k) if k is not None else f"row-{n}" for n, k in enumerate(tape["trade_id"].to_pylist(), 1)]
    assert found["trade_id"].to_pylist() == ids


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"format": "xls"}, UsageError, "--format: expected one of hftbacktest, nautilus, csv, found 'xls'"),
        ({"start_ns": T0, "end_ns": T0}, UsageError, "expected a start before the end"),
        ({"start_ns": T0 + 10**15}, DataError, "expected rows of AAAUSDT within the span, found none"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused_and_leaves_nothing(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    make_tape(tmp_path, *random_rows(10), tick="0.1", lot="1")
    with pytest.raises(error, match=text):
        export_tape(ExportRequest(**{"data": tmp_path / "tape", "symbol": "AAAUSDT", "format": "csv", "out": tmp_path / "out"} | options))
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True
    assert not list((tmp_path / "out").glob(".*")) if (tmp_path / "out").exists() else True
