"""Whole recordings of a local venue: what it sent is on the tape, once, whatever happened to connections, answers and the disk."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest

from slackwater.data.checks.verify import verify_tape
from slackwater.data.recorder.keeper import KeeperTiming
from slackwater.data.recorder.record import RecordRequest, record
from slackwater.data.recorder.sockets import SocketTiming
from slackwater.data.tape import open_tape
from slackwater.errors import DataError, SafetyError, UsageError
from tests.unit.data.recorder.recording import ETH, assert_all_trades, market, rows, run
from tests.unit.data.recorder.venue_server import FILTERS, MARKET, PUBLIC, Venue, serving


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
        venue.candles[ETH, "5m"] = [[minute - minute % 300_000 - 600_000, "1", "2", "0.5", "1.5", "8", 0]]
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


def test_steps_that_the_venue_changes_begin_another_log_and_are_noted(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        await market(venue, 100)
        venue.filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}, *FILTERS[1:]]
        asked = sum(what == "exchangeInfo" for what, _ in venue.asked)
        await venue.until(lambda: sum(what == "exchangeInfo" for what, _ in venue.asked) >= asked + 2)
        for _ in range(20):
            await venue.quote(ETH, "100.00", "100.10")
        await asyncio.sleep(0.3)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, steps_every_s=0.3, sockets=SocketTiming(silent_s=20.0))
    assert done["ok"] and done["logs"] == 2 and any("the venue changed its steps" in line for line in told)
    found = open_tape(tmp_path).symbols[0].instrument
    assert found.tick_size == Decimal("0.01")
    assert [entry["tick_size"] for entry in found.history] == ["0.01", "0.1"]
    assert len(rows(tmp_path, "quotes")) == 120


def test_the_most_traded_are_chosen_whatever_their_script(tmp_path: Path):
    names, first = ("AUSDT", "BUSDT"), "币USDT"

    async def scenario(venue: Venue) -> None:
        for name in (first, *names):
            await market(venue, 5, symbol=name)
        await asyncio.sleep(0.3)

    with serving(scenario, names, wanted_streams=12) as venue:
        done, told = run(venue, tmp_path, symbols=(), top=2)
    assert done["symbols"] == [first, "AUSDT"] and set(done["rows"]) == {first, "AUSDT"}, told
    assert_all_trades(venue, tmp_path, first)


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
