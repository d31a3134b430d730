"""Raw logs: real ones whole, and every way in which a line can be wrong, counted with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.formats.importer import ImportRequest
from slackwater.data.formats.imports import FormatRequest, import_raw
from slackwater.data.formats.raw_log import receive_time
from slackwater.errors import DataError
from tests.market_kit import SHARED

WIRE = SHARED / "data" / "raw_wire"
T_MS = 1_700_000_000_000
RECEIVED_US = T_MS * 1000 + 5_000

needs_wire = pytest.mark.skipif(not WIRE.is_dir(), reason="the shared data is not beside the project")


def imported(log: Path, to: Path, *symbols: str, **options: Any) -> dict[str, Any]:
    base = ImportRequest("binance", "", Path(), Path(), to, **options)
    return import_raw(FormatRequest("binance-raw", base, symbols, inputs=(log,)))


def rows(tape: Path, symbol: str, kind: str) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in sorted((tape / "binance" / symbol).rglob(f"{kind}.parquet")))


def book(symbol: str = "AUSDT", ms: int = T_MS, **changes: Any) -> dict[str, Any]:
    fields = {"e": "bookTicker", "u": 1, "s": symbol, "b": "99.9", "B": "1.5", "a": "100.1", "A": "2", "T": ms, "E": ms + 1}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def agg(symbol: str = "AUSDT", ms: int = T_MS, **changes: Any) -> dict[str, Any]:
    return {"e": "aggTrade", "E": ms, "s": symbol, "a": 7, "p": "100.1", "q": "0.5", "f": 1, "l": 2, "T": ms, "m": False} | changes


def single(symbol: str = "AUSDT", ms: int = T_MS, **changes: Any) -> dict[str, Any]:
    return {"e": "trade", "E": ms, "T": ms, "s": symbol, "t": 70, "p": "100.1", "q": "0.5", "X": "MARKET", "m": True} | changes


def line(message: Any, received_us: int = RECEIVED_US) -> str:
    return f"{received_us} " + json.dumps({"stream": "x", "data": message} if isinstance(message, dict) else message)


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@needs_wire
def test_the_log_of_four_symbols_is_what_the_shared_sets_hold(tmp_path: Path) -> None:
    done = imported(WIRE / "binance_usdm_alts_20210722.ws.txt", tmp_path / "tape")
    assert [entry["symbol"] for entry in done["symbols"]] == ["AKROUSDT", "CTKUSDT", "KEEPUSDT", "SUSHIUSDT"]
    assert done["log"]["messages"] == {"aggTrade": 91, "bookTicker": 613, "depthUpdate": 764, "header": 1, "kline": 67}
    assert done["log"]["quarantined"] == {}
    assert done["log"]["lines"] == sum(done["log"]["messages"].values())
    for entry in done["symbols"]:
        symbol, tick = entry["symbol"], float(entry["instrument"]["tick_size"])
        shared = pq.read_table(SHARED / "data" / f"binance_usdm_alts_20210722__{symbol}__quotes.parquet")
        found = rows(tmp_path / "tape", symbol, "quotes")
        assert found.num_rows == shared.num_rows
        assert [round(bid / tick) for bid in sorted(shared["bid"].to_pylist())] == sorted(found["bid_ticks"].to_pylist())
        assert found["ts_recv"].null_count == 0
    first = rows(tmp_path / "tape", "SUSHIUSDT", "quotes").slice(0, 1).to_pylist()[0]
    assert (first["ts_event"], first["ts_recv"]) == (1626992741012_000_000, 1626992741_062170000)
    assert (first["bid_ticks"], first["bid_lots"], first["ask_ticks"], first["ask_lots"]) == (7611, 2, 7612, 297)


@needs_wire
def test_the_log_of_one_symbol_has_its_single_trades(tmp_path: Path) -> None:
    done = imported(WIRE / "binance_usdm_btcusdt_20230405.jsonl.gz", tmp_path / "tape")
    messages = done["log"]["messages"]
    assert (messages["bookTicker"], messages["trade"] + messages["trade_not_of_the_market"]) == (37440, 10738)
    assert (messages["depthUpdate"], messages["markPriceUpdate"]) == (11788, 415)
    assert done["symbols"][0]["rows"] == {"quotes.parquet": 37440, "trades.parquet": messages["trade"]}
    first = rows(tmp_path / "tape", "BTCUSDT", "quotes").slice(0, 1).to_pylist()[0]
    assert (first["ts_event"], first["ts_recv"]) == (1680652800089_000_000, 1680652800070436_000)


def test_aggregated_trades_win_where_a_symbol_has_both_and_never_both(tmp_path: Path) -> None:
    messages = [book("AUSDT"), agg("AUSDT"), single("AUSDT"), single("AUSDT", t=71), book("BUSDT"), single("BUSDT", t=5)]
    done = imported(write(tmp_path / "log", [line(message) for message in messages]), tmp_path / "tape")
    assert rows(tmp_path / "tape", "AUSDT", "trades")["trade_id"].to_pylist() == [7]
    assert rows(tmp_path / "tape", "BUSDT", "trades")["trade_id"].to_pylist() == [5]
    assert done["log"]["trades_beside_agg_trades"] == 2


def test_every_kind_of_bad_line_is_counted_with_its_place_and_costs_only_itself(tmp_path: Path) -> None:
    lines = [
        "wss://somewhere <-> 1700000000.5",
        line(book()),
        "no time at all",
        f"{RECEIVED_US} {{broken",
        line(book(b=99.9)),  # a number where text belongs
        line(book(b="abc")),
        line(book(T=None)),
        line(book(T=12)),  # seconds of 1970
        line(agg(m="yes")),
        line(agg(a=2**70)),
        line({"e": "somethingNew", "s": "AUSDT"}),
        line({"result": None, "id": 1}),
        line([1, 2]),
        "12345 " + json.dumps(book()),
        "",
        line(book(s="../AUSDT")),
        line(agg(unheard_of=[1])),
        line(single(X="ADL")),
        line(book(ms=T_MS + 1), RECEIVED_US + 9),
    ]
    done = imported(write(tmp_path / "log", lines), tmp_path / "tape")
    log = done["log"]
    assert log["quarantined"] == {"malformed_line": 3, "unknown_message": 3, "wrong_type": 7}
    assert log["places"]["malformed_line"] == [3, 4, 14]
    assert log["places"]["unknown_message"] == [11, 12, 13]
    assert set(log["places"]["wrong_type"]) <= {5, 6, 7, 8, 9, 10, 16}
    assert log["messages"] == {"aggTrade": 1, "bookTicker": 2, "header": 1, "trade_not_of_the_market": 1}
    assert done["symbols"][0]["rows"] == {"quotes.parquet": 2, "trades.parquet": 1}
    assert not list((tmp_path / "tape").glob(".log-*"))


def test_a_row_that_makes_no_sense_is_placed_by_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [line(book()), line({"e": "depthUpdate"}), line(book(B="-1")), line(agg())])
    (entry,) = imported(path, tmp_path / "tape")["symbols"]
    assert entry["places"] == {"log": {"negative_size": [3]}}


def test_a_clock_that_was_wrong_for_a_line_costs_the_line_and_one_symbol_s_disorder_is_its_own(tmp_path: Path) -> None:
    lines = [line(book(ms=T_MS + 1000 * k), RECEIVED_US + 1_000_000 * k) for k in range(20)]
    lines[7] = line(book(ms=T_MS + 7000), RECEIVED_US + 10**13)
    lines[9], lines[10] = lines[10], lines[9]
    lines += [line(book("BUSDT", ms=T_MS - 9000 * k), RECEIVED_US - 9_000_000 * k) for k in range(20)]
    done = imported(write(tmp_path / "log", lines), tmp_path / "tape")
    (entry,) = done["symbols"]
    assert (entry["symbol"], entry["quarantined"], entry["time_backwards"]) == ("AUSDT", {"time_backwards": 1}, {"quotes": 1})
    assert entry["places"] == {"log": {"time_backwards": [8]}}
    (skipped,) = done["skipped"]
    assert "found 19 of 20 rows more than a second out of their place; --sort" in skipped["reason"]
    assert len(imported(tmp_path / "log", tmp_path / "tape", "BUSDT", sort=True)["symbols"]) == 1


def test_a_log_that_was_cut_off_keeps_what_is_whole(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(line(book(ms=T_MS + k, u=k)) for k in range(20_000)).encode())
    (tmp_path / "log.gz").write_bytes(whole[:-1000])
    done = imported(tmp_path / "log.gz", tmp_path / "tape")
    count = done["symbols"][0]["rows"]["quotes.parquet"]
    assert 10_000 < count < 20_000
    assert done["log"]["quarantined"]["cut_off"] == 1


def test_named_symbols_only_and_one_that_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [line(book(symbol)) for symbol in ("AUSDT", "BUSDT", "CUSDT")])
    done = imported(path, tmp_path / "tape", "AUSDT", "CUSDT")
    assert [entry["symbol"] for entry in done["symbols"]] == ["AUSDT", "CUSDT"]
    assert done["log"]["messages"]["of_other_symbols"] == 1
    with pytest.raises(DataError, match="expected messages of XUSDT, found AUSDT"):
        imported(path, tmp_path / "other", "AUSDT", "XUSDT")


def test_messages_outside_a_combined_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [f"{RECEIVED_US} {json.dumps(book())}"])
    assert imported(path, tmp_path / "tape")["log"]["messages"] == {"bookTicker": 1}


def test_nothing_of_use_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected lines of a time and a bookTicker.*found 1 depthUpdate, 1 malformed_line"):
        imported(write(tmp_path / "log", [line({"e": "depthUpdate"}), "junk"]), tmp_path / "tape")


def test_many_flushes_keep_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.formats.raw_log.BUFFERED_ROWS", 7)
    messages = [book(f"{'ABC'[k % 3]}USDT", T_MS + k) for k in range(100)]
    imported(write(tmp_path / "log", [line(message, RECEIVED_US) for message in messages]), tmp_path / "tape")
    found = rows(tmp_path / "tape", "BUSDT", "quotes")["ts_event"].to_pylist()
    assert found == [(T_MS + k) * 1_000_000 for k in range(100) if k % 3 == 1]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (b"1680652800005184", 1680652800005184_000),
        (b"1626992741.06217:", 1626992741062170000),
        (b"1626992741:", 1626992741_000000000),
        (b"1626992741.1234567891", 1626992741_123456789),
        (b"1626992741012", 1626992741012_000_000),
        (b"1626992741012000000", 1626992741012000000),
        (b"12345", None),
        (b"-1626992741", None),
        (b"1626992741.5e3", None),
        (b"0000000000", None),
        (b"", None),
    ],
)
def test_receive_times(stamp: bytes, expected: int | None) -> None:
    assert receive_time(stamp) == expected


def test_a_symbol_that_cannot_be_imported_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line(book("AUSDT")), line(book("BUSDT", b="-1")), line(book("C" * 300)), line(book("DUSDT"))]
    log = write(tmp_path / "log", lines)
    words = [
        "data",
        "import",
        "--venue",
        "binance",
        "--format",
        "binance-raw",
        "--input",
        str(log),
        "--to",
        str(tmp_path / "tape"),
        "--json",
    ]
    assert main(words) == 4
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert [entry["symbol"] for entry in found["symbols"]] == ["AUSDT", "DUSDT"]
    assert found["log"]["quarantined"] == {"wrong_type": 1} and found["log"]["places"] == {"wrong_type": [3]}
    assert [entry["name"] for entry in found["skipped"]] == ["BUSDT"] and "1 negative_price" in found["skipped"][0]["reason"]
    assert "BUSDT: not imported: " in shown.err
