"""Fetch against a local archive: what becomes a row, and what is said of files that are missing, damaged or odd."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.archive import download as download_module
from slackwater.data.archive import fetch as fetch_module
from slackwater.data.archive.fetch import FetchRequest, common_step, fetch_tape
from slackwater.data.archive.files import BASE_URL
from slackwater.data.checks.verify import verify_tape
from slackwater.data.tape import open_tape
from slackwater.errors import DataError, UsageError
from tests.unit.data.archive.archive_server import DAY_MS, HEADERS, START_MS, Archive, book_lines, date, fill, serving, trade_lines
from tests.unit.data.tables import QUOTES, quote_table, trade_table, write_inputs
from tests.unit.data.tables import TRADES as TRADE_ROWS

BOOKS = "data/futures/um/daily/bookTicker/BTCUSDT/BTCUSDT-bookTicker-{}.zip"
TRADES = "data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-{}.zip"
INFO = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
                {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002"},
                {"filterType": "MIN_NOTIONAL", "notional": "100"},
            ],
        }
    ]
}


@pytest.fixture
def archive() -> Iterator[Archive]:
    with serving() as served:
        yield served


def request(archive: Archive, folder: Path, **changes: Any) -> FetchRequest:
    plain = FetchRequest(
        "binance-um", "BTCUSDT", date(0), date(0), folder / "tape", base_url=archive.url, cache=folder / "dl", back_off_s=0.0
    )
    return replace(plain, **changes)


def rows(folder: Path, name: str, day: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"tape/binance-um/BTCUSDT/{date(day)}/{name}.parquet").to_pylist()
    return found


def statuses(done: dict[str, Any]) -> dict[str, str]:
    return {file["name"]: file["status"] for file in done["files"]}


@pytest.mark.parametrize("with_header", [True, False])
def test_a_day_is_a_good_tape(archive: Archive, tmp_path: Path, with_header: bool) -> None:
    fill(archive, with_header=with_header)
    done = fetch_tape(request(archive, tmp_path))
    assert done["ok"] and done["missing"] == [] and done["quarantined"] == {}
    assert done["days"] == [date(0)] and done["look_back_days"] == [date(k) for k in range(-7, 0)]
    quotes = rows(tmp_path, "quotes")
    assert len(quotes) == 50
    first = {
        "ts_event": START_MS * 1_000_000,
        "ts_recv": None,
        "bid_ticks": 700_000,
        "bid_lots": 1001,
        "ask_ticks": 700_010,
        "ask_lots": 2500,
    }
    assert quotes[0] == first
    assert rows(tmp_path, "trades")[1] == {
        "ts_event": (START_MS + 2000) * 1_000_000,
        "ts_recv": None,
        "price_ticks": 700_015,
        "lots": 2,
        "buyer_maker": True,
        "trade_id": 501,
    }
    candle = rows(tmp_path, "klines_5m")[0]
    assert (candle["ts_open"], candle["ts_close"]) == (START_MS * 1_000_000, (START_MS + 300_000) * 1_000_000)
    assert (candle["close"], candle["volume"]) == (70005.25, 12.5)
    assert [row["rate"] for row in rows(tmp_path, "funding")] == [0.0001, 0.0002, 0.0003], "the month is cut to the day"
    assert [len(rows(tmp_path, name, -1)) for name in ("klines_1m", "klines_5m", "klines_15m")] == [1440, 288, 96]
    assert not (tmp_path / f"tape/binance-um/BTCUSDT/{date(-3)}/klines_1m.parquet").exists()
    assert len(rows(tmp_path, "klines_15m", -7)) == 96
    assert verify_tape(tmp_path / "tape")["ok"]


def test_rows_out_of_order_and_repeated_are_put_right(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.archive.csv_file.BLOCK_BYTES", 512)
    fill(archive)
    straight = fetch_tape(request(archive, tmp_path))
    expected = rows(tmp_path, "quotes"), rows(tmp_path, "trades")
    books, trades = book_lines(0), trade_lines(0)
    archive.put(BOOKS.format(date(0)), books[30:] + books[:35] + [books[-1]])
    archive.put(TRADES.format(date(0)), [HEADERS["aggTrades"], *reversed(trades)])
    done = fetch_tape(request(archive, tmp_path))
    assert (rows(tmp_path, "quotes"), rows(tmp_path, "trades")) == expected
    assert done["quarantined"] == {"repeated_id": 6}
    assert statuses(done)[f"BTCUSDT-bookTicker-{date(0)}.zip"] == "replaced"
    assert set(statuses(straight).values()) == {"downloaded"}
    assert statuses(done)[f"BTCUSDT-1m-{date(0)}.zip"] == "reused"


def test_bad_lines_are_counted_with_their_place(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    books = book_lines(0)
    bad = ["1,2,3", "2001,abc,1,70001.1,1,1711670400000,1", "2002,,1,70001.1,1,1711670400000,1", "2003,-1.5,1,70001.1,1,1711670400000,1"]
    other_day = f"2004,70000.1,1,70001.1,1,{START_MS + DAY_MS},1"
    archive.put(BOOKS.format(date(0)), [HEADERS["bookTicker"], *books, *bad, other_day, "2005,7"])
    done = fetch_tape(request(archive, tmp_path))
    assert done["ok"] and len(rows(tmp_path, "quotes")) == 50
    assert done["quarantined"] == {"malformed_line": 2, "malformed_value": 2, "negative_price": 1, "other_day": 1}
    assert done["places"]["malformed_value"] == [f"BTCUSDT-bookTicker-{date(0)}.zip: row 51"]
    assert done["places"]["negative_price"] == [f"BTCUSDT-bookTicker-{date(0)}.zip: row 53"]
    assert done["places"]["other_day"] == [f"BTCUSDT-bookTicker-{date(0)}.zip: {date(1)}T00:00:00.000Z"]


def test_a_line_with_bytes_that_are_no_text_is_counted(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        lines = [HEADERS["bookTicker"].encode(), *(line.encode() for line in book_lines(0))]
        packed.writestr("x.csv", b"\n".join([*lines[:10], b"\xac\xff,1", *lines[10:], b"\0" * 3_000_000, b""]))
    archive.put_bytes(BOOKS.format(date(0)), content.getvalue())
    done = fetch_tape(request(archive, tmp_path))
    assert done["quarantined"] == {"malformed_line": 2} and len(rows(tmp_path, "quotes")) == 50
    assert done["places"]["malformed_line"] == [f"BTCUSDT-bookTicker-{date(0)}.zip:{line}" for line in (11, 52 + 1)]


def test_rows_of_another_day_are_said_to_be_left_out(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(archive)
    other_day = f"2004,70000.1,1,70001.1,1,{START_MS + DAY_MS},1"
    archive.put(BOOKS.format(date(0)), [HEADERS["bookTicker"], *book_lines(0), other_day])
    words = ["data", "fetch", "--symbol", "BTCUSDT", "--from", date(0), "--out", str(tmp_path / "tape")]
    assert main([*words, "--base-url", archive.url, "--cache", str(tmp_path / "dl")]) == 0
    out = capsys.readouterr().out
    assert f"dropped: 1 other_day (BTCUSDT-bookTicker-{date(0)}.zip: {date(1)}T00:00:00.000Z)" in out
    assert "other_day: rows whose time lies outside their file's day" in out


def test_files_are_looked_through_while_others_are_on_their_way(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(archive)
    happened: list[str] = []
    have, look = download_module._have, fetch_module.survey

    async def had(session: Any, file: Any, options: Any) -> Any:
        outcome = await have(session, file, options)
        happened.append("had")
        return outcome

    monkeypatch.setattr(download_module, "_have", had)
    monkeypatch.setattr(fetch_module, "survey", lambda *given: happened.append("looked") or look(*given))
    done = fetch_tape(request(archive, tmp_path, parallel=1))
    assert done["ok"] and happened.count("had") == happened.count("looked") == 16
    assert happened.index("looked") < 16, "not all were there when the first was looked through"
    assert [file["name"] for file in done["files"]][:2] == [f"BTCUSDT-{kind}-{date(0)}.zip" for kind in ("bookTicker", "aggTrades")]


def test_microseconds_are_told_from_milliseconds(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    lines = trade_lines(0)
    fine = [line.replace(",17116", ",17116", 1) for line in lines]
    for k, line in enumerate(fine):
        fields = line.split(",")
        fields[5] += "007"
        fine[k] = ",".join(fields)
    archive.put(TRADES.format(date(0)), fine)
    fetch_tape(request(archive, tmp_path))
    assert rows(tmp_path, "trades")[0]["ts_event"] == START_MS * 1_000_000 + 7000


def test_a_missing_day_is_one_sentence_and_others_stay(archive: Archive, tmp_path: Path) -> None:
    fill(archive, days=(0, 1))
    del archive.content[TRADES.format(date(1))], archive.content[TRADES.format(date(1)) + ".CHECKSUM"]
    done = fetch_tape(request(archive, tmp_path, last=date(1)))
    home = tmp_path / "tape/binance-um/BTCUSDT"
    assert not done["ok"] and len(done["missing"]) == 1
    assert TRADES.format(date(1)) in done["missing"][0] and "HTTP 404" in done["missing"][0]
    assert done["skipped"] == {date(1): [f"BTCUSDT-aggTrades-{date(1)}.zip"]}
    assert date(0) in done["days"] and not (home / date(1)).exists()
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []
    assert verify_tape(tmp_path / "tape")["ok"]


@pytest.mark.parametrize("content", [b"no zip at all", b""])
def test_a_file_that_is_no_zip_is_damaged(archive: Archive, tmp_path: Path, content: bytes) -> None:
    fill(archive)
    archive.put_bytes(BOOKS.format(date(0)), content)
    done = fetch_tape(request(archive, tmp_path))
    assert statuses(done)[f"BTCUSDT-bookTicker-{date(0)}.zip"] == "damaged"
    assert date(0) in done["skipped"] and "expected a zip of bookTicker" in done["missing"][0]


def test_missing_columns_name_themselves(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    archive.put(BOOKS.format(date(0)), ["update_id,best_bid_price", "1,2"])
    assert (
        "expected the columns best_bid_qty, best_ask_price, best_ask_qty, transaction_time too, found update_id"
        in fetch_tape(request(archive, tmp_path))["missing"][0]
    )


def test_missing_look_back_and_funding_keep_the_day(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    for path in [path for path in archive.content if "fundingRate" in path or f"15m-{date(-7)}" in path]:
        del archive.content[path]
    done = fetch_tape(request(archive, tmp_path))
    assert date(0) in done["days"] and len(done["missing"]) == 1 and "fundingRate" in done["missing"][0]
    assert any(f"15m-{date(-7)}" in line for line in done["notes"])


def test_fewer_types_keep_the_files_there(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    fetch_tape(request(archive, tmp_path, types="bookTicker,aggTrades"))
    before = rows(tmp_path, "quotes")
    archive.put(TRADES.format(date(0)), trade_lines(0, 7))
    fetch_tape(request(archive, tmp_path, types="aggTrades,klines"))
    assert rows(tmp_path, "quotes") == before and len(rows(tmp_path, "trades")) == 7
    manifest = json.loads((tmp_path / f"tape/binance-um/BTCUSDT/{date(0)}/manifest.json").read_text())
    assert sorted(entry["kind"] for entry in manifest["source"]) == ["15m", "1m", "5m", "aggTrades", "bookTicker"]
    assert verify_tape(tmp_path / "tape")["ok"]


def test_the_next_day_s_look_back_leaves_this_day_s_counts(archive: Archive, tmp_path: Path) -> None:
    fill(archive, days=(0, 1))
    archive.put(BOOKS.format(date(0)), [*book_lines(0), "2001,abc,1,70001.1,1,1711670400000,1"])
    fetch_tape(request(archive, tmp_path))
    quotes = rows(tmp_path, "quotes")
    second = fetch_tape(request(archive, tmp_path, first=date(1), last=date(1)))
    assert second["ok"] and second["quarantined"] == {}
    manifest = json.loads((tmp_path / f"tape/binance-um/BTCUSDT/{date(0)}/manifest.json").read_text())
    assert manifest["quarantined"] == {"malformed_value": 1}
    assert rows(tmp_path, "quotes") == quotes and len(rows(tmp_path, "funding")) == 3
    assert open_tape(tmp_path / "tape").symbols[0].quarantined == {"malformed_value": 1}
    assert verify_tape(tmp_path / "tape")["ok"]


def test_an_interrupt_leaves_no_half_written_day(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(archive)
    fetch_tape(request(archive, tmp_path))
    before = rows(tmp_path, "quotes")
    archive.put(BOOKS.format(date(0)), book_lines(0, 10))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("slackwater.data.archive.day_build._keep_others", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_tape(request(archive, tmp_path))
    assert rows(tmp_path, "quotes") == before
    assert [path.name for path in (tmp_path / "tape/binance-um/BTCUSDT").iterdir() if path.name.startswith(".")] == []


def test_steps_come_from_exchange_info(archive: Archive, tmp_path: Path) -> None:
    fill(archive)
    archive.content["info"] = json.dumps(INFO).encode()
    done = fetch_tape(request(archive, tmp_path, exchange_info=f"{archive.url}/info"))
    assert done["inferred"] == [] and done["notes"] == []
    assert done["instrument"] == {"tick_size": "0.1", "lot_size": "0.001", "min_qty": "0.002", "min_notional": "100", "contract": "linear"}
    with pytest.raises(DataError, match="expected the symbol ETHUSDT, found 1 others"):
        fetch_tape(request(archive, tmp_path, symbol="ETHUSDT", exchange_info=f"{archive.url}/info"))


def test_a_tick_that_changes_keeps_the_finest_and_its_history(archive: Archive, tmp_path: Path) -> None:
    fill(archive, days=(0, 1))
    fine = [line.replace(".0,", ".05,", 1) for line in book_lines(0, 2000)]
    archive.put(BOOKS.format(date(0)), fine)
    archive.put(BOOKS.format(date(1)), book_lines(1, 2000))
    archive.content["info"] = json.dumps(INFO).encode()
    done = fetch_tape(request(archive, tmp_path, last=date(1), exchange_info=f"{archive.url}/info"))
    assert done["instrument"]["tick_size"] == "0.05" and "the finer one is the tape's" in done["notes"][0]
    history = [{"from": date(0), "tick_size": "0.05", "lot_size": "0.001"}, {"from": date(1), "tick_size": "0.1", "lot_size": "0.001"}]
    assert done["instrument"]["history"] == history
    assert rows(tmp_path, "quotes", 1)[0]["bid_ticks"] == 70_000 * 20
    assert verify_tape(tmp_path / "tape")["symbols"][0]["step_history"] == history


def test_a_finer_day_does_not_fit_a_coarser_tape(archive: Archive, tmp_path: Path) -> None:
    fill(archive, days=(0, 1))
    fetch_tape(request(archive, tmp_path))
    archive.put(BOOKS.format(date(1)), [line.replace(".0,", ".05,", 1) for line in book_lines(1)])
    with pytest.raises(DataError, match=r"fit the tick of 0\.1 on the tape, found 0\.05"):
        fetch_tape(request(archive, tmp_path, first=date(1), last=date(1)))
    assert verify_tape(tmp_path / "tape")["ok"]


def test_the_end_of_book_ticker_is_said_without_asking(tmp_path: Path) -> None:
    done = fetch_tape(
        FetchRequest("binance-um", "BTCUSDT", "2024-03-31", "2024-04-01", tmp_path / "tape", base_url=BASE_URL, cache=tmp_path)
    )
    assert done["files"] == [] and done["days"] == [] and len(done["missing"]) == 2
    assert "ends on 2024-03-30" in done["notes"][0] and "Tardis CSV" in done["notes"][0]
    assert not (tmp_path / "tape").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"venue": "nowhere"}, "--venue: expected binance-um"),
        ({"first": "yesterday"}, "--from: expected a date"),
        ({"last": "2024-03-01"}, "--to: expected a day not before"),
        ({"types": "bookTicker,depth"}, "--types: expected some of bookTicker, aggTrades, klines, fundingRate, found depth"),
        ({"base_url": "somewhere"}, "--base-url: expected a URL"),
        ({"parallel": 0}, "--parallel: expected 1 to 16"),
    ],
)
def test_usage_is_checked(archive: Archive, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fetch_tape(request(archive, tmp_path, **changes))
    assert archive.asked == []


def test_command_says_it_as_json_and_by_its_exit_code(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(archive)
    words = ["data", "fetch", "--symbol", "BTC/USDT:USDT", "--from", date(0), "--out", str(tmp_path / "tape")]
    words += ["--base-url", archive.url, "--cache", str(tmp_path / "dl"), "--json"]
    assert main(words) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["symbol"] == "BTCUSDT" and done["rows"]["quotes.parquet"] == 50 and len(done["files"]) == 16
    for path in [path for path in archive.content if "bookTicker" in path]:
        del archive.content[path]
    assert main(words) == 4
    shown = capsys.readouterr()
    assert json.loads(shown.out)["skipped"] == {date(0): [f"BTCUSDT-bookTicker-{date(0)}.zip"]}
    assert shown.err.count("bookTicker-") == 1


def test_import_takes_exchange_info_and_any_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quotes, trades = write_inputs(tmp_path / "in", quote_table(QUOTES), trade_table(TRADE_ROWS))
    (tmp_path / "info.json").write_text(json.dumps(INFO))
    words = ["data", "import", "--venue", "binance", "--symbol", "BTC/USDT:USDT", "--quotes", str(quotes), "--trades", str(trades)]
    words += ["--to", str(tmp_path / "tape"), "--exchange-info", str(tmp_path / "info.json"), "--min-notional", "7", "--json"]
    assert main(words) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["symbol"], done["inferred"]) == ("BTCUSDT", [])
    assert done["instrument"] == {"tick_size": "0.1", "lot_size": "0.001", "min_qty": "0.002", "min_notional": "7", "contract": "linear"}
    assert (tmp_path / "tape/binance/BTCUSDT/instrument.json").exists()


def test_common_steps() -> None:

    assert common_step([Decimal("0.5"), Decimal("0.2")]) == Decimal("0.1")
    assert common_step([Decimal("10"), Decimal("25")]) == Decimal("5")
