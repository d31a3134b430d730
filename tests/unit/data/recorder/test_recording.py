"""Whole recordings of a local venue: what it sent is on the tape, once, whatever happened to connections, answers and the disk."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from slackwater.data.formats import FormatRequest, import_raw
from slackwater.data.importer import ImportRequest
from slackwater.data.recorder.keeper import KeeperTiming
from slackwater.data.recorder.log import LogWriter
from slackwater.data.recorder.record import RecordRequest, record
from slackwater.data.recorder.sockets import SocketTiming
from slackwater.data.verify import verify_tape
from slackwater.errors import DataError, SafetyError, UsageError
from tests.unit.data.recorder.venue_server import MARKET, PUBLIC, Venue, serving

QUICK = SocketTiming(silent_s=1.0, overlap_s=2.0, back_off_s=0.05, connect_s=2.0)
DISK = KeeperTiming(write_s=0.1, sync_s=0.2)
ETH = "ETHUSDT"


def run(venue: Venue, to: Path, **other: Any) -> tuple[dict[str, Any], list[str]]:
    told: list[str] = []
    options: dict[str, Any] = {"symbols": (ETH,), "seconds": 40.0, "sockets": QUICK, "keeper": DISK, "fill_every_s": 0.2} | other
    done = record(RecordRequest(to, stream_url=venue.ws_url, rest_url=venue.url, **options), told.append)
    return done, told


def rows(to: Path, name: str, symbol: str = ETH) -> list[dict[str, Any]]:
    paths = sorted((to / "binance-um" / symbol).glob(f"*/{name}.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def assert_all_trades(venue: Venue, to: Path, symbol: str = ETH) -> None:
    sent = [(trade["a"], trade["T"] * 1_000_000, trade["m"]) for trade in venue.trades[symbol]]
    assert sorted((row["trade_id"], row["ts_event"], row["buyer_maker"]) for row in rows(to, "trades", symbol)) == sent


async def market(venue: Venue, count: int, pause_s: float = 0.002, symbol: str = ETH) -> None:
    for k in range(count):
        await venue.quote(symbol, ask=f"100.{10 + k % 80}")
        await venue.trade(symbol)
        await asyncio.sleep(pause_s)


def test_what_was_sent_is_on_the_tape(tmp_path: Path):
    minute = int(time.time()) // 60 * 60_000

    async def scenario(venue: Venue) -> None:
        await market(venue, 50)
        await venue.candle(ETH, "1m", minute, is_over=False)
        await venue.candle(ETH, "1m", minute - 60_000, is_over=True, close="100.25")
        await venue.mark(ETH, "0.0003", minute, minute - 1000)
        await venue.mark(ETH, "0.0009", minute + 28_800_000, minute + 10)
        await venue.until(lambda: sum(what == "klines" for what, _ in venue.asked) >= 3)
        await asyncio.sleep(0.3)

    with serving(scenario) as venue:
        venue.candles[ETH, "1m"] = [[minute - k * 60_000, "1", "2", "0.5", f"1.{k}", "8", 0] for k in range(5, 1, -1)]
        venue.candles[ETH, "5m"] = [[minute - minute % 300_000 - 300_000, "1", "2", "0.5", "1.5", "8", 0]]
        done, _ = run(venue, tmp_path)
    assert done["ok"] and done["odd"] == {} and done["repeated"] == 0
    quotes = rows(tmp_path, "quotes")
    assert [row["ask_ticks"] for row in quotes] == [round(float(quote["a"]) * 100) for quote in venue.quotes[ETH]]
    assert [row["ts_event"] for row in quotes] == [quote["T"] * 1_000_000 for quote in venue.quotes[ETH]]
    assert all(0 <= row["ts_recv"] - row["ts_event"] < 2_000_000_000 for row in quotes)
    assert_all_trades(venue, tmp_path)
    assert [row["close"] for row in rows(tmp_path, "klines_1m")] == [1.5, 1.4, 1.3, 1.2, 100.25]
    assert len(rows(tmp_path, "klines_5m")) == 1
    assert [(row["ts_event"], row["rate"]) for row in rows(tmp_path, "funding")] == [(minute * 1_000_000, 0.0003)]
    found = verify_tape(tmp_path)
    assert found["ok"], found
    assert {query["symbol"] for what, query in venue.asked if what == "klines"} == {ETH}
    assert not list((tmp_path / ".recording").rglob("*.log"))


def test_dropped_connections_cost_no_trade_and_no_trade_comes_twice(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        for k in range(4):
            await market(venue, 30)
            await venue.drop(MARKET if k % 2 else PUBLIC)
            await market(venue, 30)
            await venue.until(venue.is_subscribed)
        await market(venue, 10)
        await asyncio.sleep(1.0)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, sockets=SocketTiming(silent_s=20.0, back_off_s=0.05))
    assert done["ok"] and done["backfilled_trades"][ETH] > 0 and done["missing_trade_ids"] == {}
    assert_all_trades(venue, tmp_path)
    sent = [(quote["T"] * 1_000_000, round(float(quote["a"]) * 100)) for quote in venue.quotes[ETH]]
    kept = [(row["ts_event"], row["ask_ticks"]) for row in rows(tmp_path, "quotes")]
    assert len(set(kept)) > 150 and set(kept) <= set(sent)
    assert done["sockets"]["/market 1"]["drops"] == 2 == done["sockets"]["/public 2"]["drops"]
    assert [entry["path"] for entry in done["outages"]] == [PUBLIC, MARKET, PUBLIC, MARKET]
    assert all(entry["from"] < entry["to"] for entry in done["outages"])
    assert any("trades that no stream brought" in line for line in told)
    late = [row for row in rows(tmp_path, "trades") if row["ts_recv"] is None]
    assert len(late) == done["backfilled_trades"][ETH]
    assert verify_tape(tmp_path)["ok"]


def test_an_old_connection_hands_over_without_loss_or_repeat(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 1200)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=0.7, overlap_s=2.0))
    assert done["ok"] and done["backfilled_trades"] == {}
    assert done["sockets"]["/public 2"]["rotations"] >= 1 and done["sockets"]["/market 1"]["rotations"] >= 1
    assert done["sockets"]["/public 2"]["drops"] == 0 == done["sockets"]["/market 1"]["drops"]
    assert done["repeated"] > 0
    assert_all_trades(venue, tmp_path)
    assert [row["ts_event"] for row in rows(tmp_path, "quotes")] == [quote["T"] * 1_000_000 for quote in venue.quotes[ETH]]


def test_a_path_that_stays_silent_is_noticed_and_does_not_hold_up_the_other(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 30)
        await asyncio.sleep(1.5)

    with serving(scenario) as venue:
        wrong = tmp_path / "wrong.toml"
        wrong.write_text('bookTicker = "/elsewhere"\naggTrade = "/market"\n"markPrice@1s" = "/market"\nkline_1m = "/market"\n')
        wrong.write_text(wrong.read_text() + 'kline_5m = "/market"\nkline_15m = "/market"\n')
        done, told = run(venue, tmp_path / "tape", channels=wrong)
    assert done["sockets"]["/elsewhere 1"]["silences"] >= 1
    assert any("/elsewhere: no message for 1 s; does this path carry these streams?" in line for line in told)
    assert "ethusdt@bookTicker" in done["silent_streams"]
    assert any("streams have not spoken yet: " in line for line in told)
    assert_all_trades(venue, tmp_path / "tape")


def test_a_stall_is_ended_and_what_it_cost_is_asked_for(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 20)
        venue.muted.add(MARKET)
        await market(venue, 20)
        await venue.until(lambda: venue.connects[MARKET] == 2)
        venue.muted.clear()
        await venue.until(venue.is_subscribed)
        await market(venue, 20)
        await asyncio.sleep(0.6)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path)
    assert done["sockets"]["/market 1"]["silences"] == 1 and done["backfilled_trades"] == {ETH: 20}
    assert_all_trades(venue, tmp_path)


def test_a_burst_loses_none(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 10_000, 0.0)
        await asyncio.sleep(0.5)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path)
    assert done["lost_messages"] == 0 and done["backfilled_trades"] == {}
    assert len(rows(tmp_path, "quotes")) == 10_000
    assert_all_trades(venue, tmp_path)


def test_odd_messages_and_refusals_are_told_and_never_fatal(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 10)
        for text in ("{", '{"e":"newEvent"}', "[]", '{"stream":"x","data":{"e":"aggTrade","s":1}}'):
            await venue.send("ethusdt@aggTrade", text)
        await venue.send("ethusdt@aggTrade", '{"error":{"code":2,"msg":"Invalid request: unknown"},"id":9}')
        await market(venue, 10)
        await asyncio.sleep(1.2)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0))
    assert done["odd"] == {"malformed_line": 1, "unknown_message": 2, "wrong_type": 1} and done["ok"]
    assert all(len(places) == done["odd"][kind] and " /market " in places[0] for kind, places in done["places"].items())
    assert any("refused a subscription" in line and "Invalid request" in line for line in told)
    assert_all_trades(venue, tmp_path)


def test_answers_that_fail_are_tried_again(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        venue.faults["aggTrades"] = [429, 500, 200]
        await market(venue, 10)
        await venue.trade(ETH, is_sent=False)
        await market(venue, 10)
        await venue.until(lambda: sum(what == "aggTrades" for what, _ in venue.asked) >= 4)
        await asyncio.sleep(0.5)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=20.0))
    assert done["backfilled_trades"] == {ETH: 1} and done["ok"]
    assert_all_trades(venue, tmp_path)


def test_what_the_venue_does_not_give_is_told_as_missing(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 10)
        lost = [venue.trades[ETH][-1]["a"] + 1, venue.trades[ETH][-1]["a"] + 2]
        for _ in lost:
            await venue.trade(ETH, is_sent=False)
        await market(venue, 5)
        venue.trades[ETH] = [trade for trade in venue.trades[ETH] if trade["a"] not in lost]
        await venue.until(lambda: sum(what == "aggTrades" for what, _ in venue.asked) >= 3)
        await asyncio.sleep(0.5)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, sockets=SocketTiming(silent_s=20.0))
    assert not done["ok"] and done["missing_trade_ids"] == {ETH: [[510, 511]]}
    assert len(done["not_filled"]) == 1 and any("could not be filled" in line for line in told)
    assert_all_trades(venue, tmp_path)


def test_a_venue_that_refuses_connections_is_tried_again(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 20)
        venue.refuse_connects[MARKET] = 3
        await venue.drop(MARKET)
        await venue.until(venue.is_subscribed)
        await market(venue, 20)
        await asyncio.sleep(0.5)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path)
    assert done["sockets"]["/market 1"]["connects"] == 5 and any("no connection: 503" in line for line in told)
    assert_all_trades(venue, tmp_path)


def test_logs_are_finished_while_the_recording_goes_on(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        for _ in range(8):
            await market(venue, 100, 0.005)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, keeper=KeeperTiming(write_s=0.1, sync_s=0.2, log_ns=1_500_000_000))
    assert done["logs"] >= 3 and done["ok"], told
    assert_all_trades(venue, tmp_path)
    assert len(rows(tmp_path, "quotes")) == 800
    assert verify_tape(tmp_path)["ok"]


def test_a_full_disk_holds_rows_in_memory_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real, is_full = LogWriter.append, False

    def append(log: LogWriter, content: bytes) -> None:
        if is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(log, content)

    async def scenario(venue: Venue) -> None:
        nonlocal is_full
        await market(venue, 50)
        is_full = True
        await market(venue, 200)
        await asyncio.sleep(0.3)
        is_full = False
        await market(venue, 50)
        await asyncio.sleep(0.3)

    monkeypatch.setattr(LogWriter, "append", append)
    with serving(scenario) as venue:
        done, told = run(venue, tmp_path)
    assert done["ok"] and done["lost_messages"] == 0 and done["disk_failures"] > 1
    assert sum("No space left on device" in line for line in told) == 1 and any("writing again" in line for line in told)
    assert_all_trades(venue, tmp_path)
    assert len(rows(tmp_path, "quotes")) == 300


def test_a_disk_that_stays_full_costs_what_does_not_fit_and_trades_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real, is_full = LogWriter.append, False

    def append(log: LogWriter, content: bytes) -> None:
        if is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(log, content)

    async def scenario(venue: Venue) -> None:
        nonlocal is_full
        await market(venue, 50)
        is_full = True
        await market(venue, 300)
        await asyncio.sleep(0.3)
        is_full = False
        await asyncio.sleep(0.3)
        await market(venue, 50)
        await asyncio.sleep(0.8)

    monkeypatch.setattr(LogWriter, "append", append)
    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, keeper=KeeperTiming(write_s=0.1, sync_s=0.2, most_waiting_bytes=72 * 100))
    assert not done["ok"] and done["lost_messages"] >= 400 and done["lost_ns"][0] < done["lost_ns"][1]
    assert any("messages were lost while the disk could not take them" in line for line in told)
    assert_all_trades(venue, tmp_path)
    assert 100 <= len(rows(tmp_path, "quotes")) < 300


def test_an_earlier_recording_is_continued_with_the_trades_in_between(tmp_path: Path):
    async def first(venue: Venue) -> None:
        await market(venue, 20)
        await asyncio.sleep(0.3)

    with serving(first) as venue:
        run(venue, tmp_path)
        earlier = venue.trades[ETH]

    async def second(venue: Venue) -> None:
        venue.trades[ETH] = list(earlier)
        for _ in range(7):
            await venue.trade(ETH, is_sent=False)
        await market(venue, 10)
        await venue.until(lambda: any(what == "aggTrades" for what, _ in venue.asked))
        await asyncio.sleep(0.5)

    with serving(second) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=20.0))
    assert done["backfilled_trades"] == {ETH: 7}
    assert_all_trades(venue, tmp_path)


def test_the_most_traded_are_chosen(tmp_path: Path):
    names = ("AUSDT", "BUSDT", "CUSDT")

    async def scenario(venue: Venue) -> None:
        for name in names:
            await market(venue, 5, symbol=name)
        await asyncio.sleep(0.3)

    with serving(scenario, names, wanted_streams=12) as venue:
        done, told = run(venue, tmp_path, symbols=(), top=2)
    assert done["symbols"] == ["AUSDT", "BUSDT"] and set(done["rows"]) == {"AUSDT", "BUSDT"}, told
    assert_all_trades(venue, tmp_path, "BUSDT")


CAPTURES = Path(__file__).parents[4].parent / "shared" / "messages" / "wire_captures"


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures of real streams are not on this machine")
def test_captured_streams_are_played_and_kept(tmp_path: Path):
    files = [CAPTURES / f"binance_usdm_2021_alts__{kind}.jsonl" for kind in ("bookTicker", "aggTrade", "kline")]
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    lines.sort(key=lambda line: float(line["recv"]))
    names = tuple(sorted({line["msg"]["data"]["s"] for line in lines}))
    listing = CAPTURES / "binance_usdm_2021__rest_exchangeInfo.json"

    async def scenario(venue: Venue) -> None:
        for line in lines:
            await venue.send(line["msg"]["stream"], json.dumps(line["msg"]))
        await asyncio.sleep(0.5)

    with serving(scenario, names) as venue:
        done, _ = run(venue, tmp_path, symbols=names, exchange_info=str(listing), sockets=SocketTiming(silent_s=30.0))
    sent = [line["msg"]["data"] for line in lines]
    assert done["messages"] == len(lines) + sum(socket["connects"] for socket in done["sockets"].values())
    assert done["odd"] == {}
    specs = {entry["symbol"]: entry for entry in json.loads(listing.read_text())["symbols"]}
    for name in names:
        tick = float(next(item["tickSize"] for item in specs[name]["filters"] if item["filterType"] == "PRICE_FILTER"))
        books = [data for data in sent if data["e"] == "bookTicker" and data["s"] == name]
        found = rows(tmp_path, "quotes", name) if books else []
        assert [(row["ts_event"], row["bid_ticks"]) for row in found] == [
            (data["T"] * 1_000_000, round(float(data["b"]) / tick)) for data in books
        ]
        trades = [data for data in sent if data["e"] == "aggTrade" and data["s"] == name]
        assert [row["trade_id"] for row in (rows(tmp_path, "trades", name) if trades else [])] == [data["a"] for data in trades]


FINE_FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.00001"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]
RAW = Path(__file__).parents[4].parent / "shared" / "data" / "raw_wire"


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw logs of real streams are not on this machine")
@pytest.mark.parametrize("name", ["binance_usdm_alts_20210722.ws.txt", "binance_usdm_btcusdt_20230405.jsonl.gz"])
def test_a_raw_log_played_is_the_tape_that_its_import_makes(tmp_path: Path, name: str):
    done = import_raw(FormatRequest("binance-raw", ImportRequest("raw", "", Path(), Path(), tmp_path / "import"), inputs=(RAW / name,)))
    imported = {entry["symbol"]: entry for entry in done["symbols"]}
    with (gzip.open if name.endswith(".gz") else open)(RAW / name, "rb") as file:
        texts = [line[line.index(b"{") :].decode() for line in file if b"{" in line]

    async def scenario(venue: Venue) -> None:
        for text in texts:
            # Depth and single trades come where nobody asked for them.
            await venue.send_to(PUBLIC if '"bookTicker"' in text else MARKET, text)
        await asyncio.sleep(0.5)

    names = tuple(imported)
    with serving(scenario, names, filters=FINE_FILTERS) as venue:
        recorded, _ = run(venue, tmp_path / "live", symbols=names, sockets=SocketTiming(silent_s=60.0))
    used = {kind: sum(f'"e":"{kind}"' in text for text in texts) for kind in ("depthUpdate", "trade")}
    assert recorded["odd"] == {f"unused_{kind}": count for kind, count in used.items() if count}
    for symbol in names:
        tick = Decimal(imported[symbol]["instrument"]["tick_size"]) / Decimal("0.00001")
        theirs = pq.read_table(next((tmp_path / "import" / "raw" / symbol).glob("*/quotes.parquet")))
        ours = pq.read_table(next((tmp_path / "live" / "binance-um" / symbol).glob("*/quotes.parquet")))
        assert ours["ts_event"] == theirs["ts_event"] and ours["bid_lots"].length() == theirs.num_rows
        assert ours["ask_ticks"].to_pylist() == [int(ticks * tick) for ticks in theirs["ask_ticks"].to_pylist()]
        if "aggTrade" in done["log"]["messages"]:
            path = next((tmp_path / "import" / "raw" / symbol).glob("*/trades.parquet"), None)
            expected = pq.read_table(path)["trade_id"].to_pylist() if path else []
            assert [row["trade_id"] for row in rows(tmp_path / "live", "trades", symbol)] == expected


def test_what_makes_no_sense_is_refused(tmp_path: Path):
    async def nothing(venue: Venue) -> None: ...

    with serving(nothing, ends_recorder=False) as venue:
        for options, error, text in (
            ({"symbols": ()}, UsageError, "--symbols or --top: expected one of them, found neither"),
            ({"top": 3}, UsageError, "found both"),
            ({"symbols": (), "top": 0}, UsageError, "--top: expected 1 to 1000, found 0"),
            ({"symbols": ("ETHUSD",)}, DataError, "did you mean ETHUSDT"),
            ({"seconds": 0}, UsageError, "--seconds: expected more than 0"),
            ({"symbols": ("..",)}, UsageError, "--symbols: expected letters"),
        ):
            with pytest.raises(error, match=text):
                run(venue, tmp_path, **options)
        with pytest.raises(UsageError, match="--stream-url: expected a URL with ws or wss"):
            record(RecordRequest(tmp_path, symbols=(ETH,), stream_url=venue.url, rest_url=venue.url), print)
    assert not list(tmp_path.iterdir())


def test_a_day_from_elsewhere_is_not_recorded_into(tmp_path: Path):
    async def nothing(venue: Venue) -> None: ...

    day = tmp_path / "binance-um" / ETH / time.strftime("%Y-%m-%d", time.gmtime())
    day.mkdir(parents=True)
    (day / "manifest.json").write_text('{"source": [{"kind": "quotes", "name": "q.parquet"}]}')
    with serving(nothing, ends_recorder=False) as venue, pytest.raises(SafetyError, match="record into another folder"):
        run(venue, tmp_path)
