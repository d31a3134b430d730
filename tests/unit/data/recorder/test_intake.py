"""Texts become rows; what is odd is counted with its place; what comes twice counts once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.recorder.log import CANDLE, FUNDING, LOG_ROW, QUOTE, TRADE

MS = 1_000_000
NOW_MS = 1_700_006_400_000
RECV = NOW_MS * MS + 123


def enveloped(data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": f"{data.get('s', '').lower()}@x", "data": data}).encode()


def book(update_id: int, time_ms: int = NOW_MS, **other: Any) -> dict[str, Any]:
    return {
        "e": "bookTicker",
        "u": update_id,
        "s": "ETHUSDT",
        "b": "100.1",
        "B": "1",
        "a": "100.2",
        "A": "2",
        "T": time_ms,
        "st": 1,
    } | other


def trade(trade_id: int, **other: Any) -> dict[str, Any]:
    return {"e": "aggTrade", "s": "ETHUSDT", "a": trade_id, "p": "100.1", "q": "3", "T": NOW_MS, "m": True, "nq": "3"} | other


def kline(start_ms: int, is_over: bool = True, **other: Any) -> dict[str, Any]:
    candle = {"t": start_ms, "i": "1m", "o": "1", "h": "4", "l": "0.5", "c": "2", "v": "9", "x": is_over} | other
    return {"e": "kline", "s": "ETHUSDT", "k": candle}


def mark(seen_ms: int, next_ms: int, rate: str = "0.0001") -> dict[str, Any]:
    return {"e": "markPriceUpdate", "s": "ETHUSDT", "E": seen_ms, "r": rate, "T": next_ms}


@pytest.fixture
def intake() -> RecorderIntake:
    return RecorderIntake(("ETHUSDT", "SUSHIUSDT"), 72_000)


def rows(intake: RecorderIntake) -> Any:
    found = np.frombuffer(intake.swap(), LOG_ROW)
    intake.let_go()
    return found


def test_each_kind_becomes_its_row(intake: RecorderIntake):
    for data in (book(7), trade(9), kline(NOW_MS - 60_000), mark(NOW_MS - 1, NOW_MS), mark(NOW_MS + 5, NOW_MS + 1000, "0.2")):
        assert intake.take(enveloped(data), RECV, "/x")
    found = rows(intake)
    assert found["kind"].tolist() == [QUOTE, TRADE, CANDLE, FUNDING]
    assert found[["a", "b", "c", "d"]][0].tolist() == (100.1, 1.0, 100.2, 2.0)
    assert found[["ts_event", "ts_recv", "number"]][0].tolist() == (NOW_MS * MS, RECV, 7)
    assert found[["flag", "number", "a", "b"]][1].tolist() == (1, 9, 100.1, 3.0)
    assert found[["flag", "number", "a", "b", "c", "d", "e"]][2].tolist() == (0, (NOW_MS - 60_000) * MS, 1.0, 4.0, 0.5, 2.0, 9.0)
    assert found[["ts_event", "a"]][3].tolist() == (NOW_MS * MS, 0.0001)


def test_bare_messages_are_taken_too(intake: RecorderIntake):
    assert intake.take(json.dumps(book(7)).encode(), RECV, "/x")
    assert len(rows(intake)) == 1


def test_repeats_count_once(intake: RecorderIntake):
    for data in (book(7), book(9), book(7), book(9), book(8), trade(1), trade(2), trade(1), kline(NOW_MS), kline(NOW_MS)):
        intake.take(enveloped(data), RECV, "/x")
    assert rows(intake)["number"].tolist() == [7, 9, 1, 2, NOW_MS * MS]
    assert intake.states["ETHUSDT"].quotes.repeated_count == 3 and intake.states["ETHUSDT"].trades.repeated_count == 1


def test_a_venue_that_counts_anew_is_followed(intake: RecorderIntake):
    for data in (book(900), book(5, NOW_MS + 60_000), book(6, NOW_MS + 60_001)):
        intake.take(enveloped(data), RECV, "/x")
    assert rows(intake)["number"].tolist() == [900, 5, 6]


ODD = {
    "not json": ("malformed_line", b"{"),
    "no utf-8": ("malformed_line", b'{"e":"aggTrade","s":"\xff"}'),
    "a list": ("unknown_message", b"[1]"),
    "a new event": ("unknown_message", b'{"e":"newEvent","s":"ETHUSDT"}'),
    "an event of no use": ("unused_24hrTicker", b'{"e":"24hrTicker","s":"ETHUSDT"}'),
    "an id as text": ("wrong_type", enveloped(book("x"))),  # type: ignore[arg-type]
    "a price as number": ("wrong_type", enveloped(book(1, b=100.1))),
    "a price that is none": ("wrong_type", enveloped(book(1, b="hundred"))),
    "a trade's size that is none": ("wrong_type", enveloped(trade(1, q=""))),
    "a candle's close that is none": ("wrong_type", enveloped(kline(NOW_MS, c="?"))),
    "a rate that is none": ("wrong_type", enveloped(mark(NOW_MS, NOW_MS, "?"))),
    "another symbol": ("other_symbol", enveloped(book(1, s="BTCUSDT"))),
    "another time frame": ("unused_kline", enveloped(kline(NOW_MS, i="3m"))),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_messages_are_counted_with_their_place_and_the_rest_goes_on(intake: RecorderIntake, case: str):
    kind, text = ODD[case]
    for _ in range(7):
        intake.take(text, RECV, "/market")
    intake.take(enveloped(trade(5)), RECV, "/market")
    assert dict(intake.odd) == {kind: 7}
    assert len(intake.places[kind]) == 5 and intake.places[kind][0].startswith("2023-11-15T00:00:00.000Z /market ")
    assert len(rows(intake)) == 1


def test_answers_to_subscriptions_are_no_messages_and_refusals_are_kept(intake: RecorderIntake):
    assert not intake.take(b'{"result":null,"id":1}', RECV, "/x")
    assert not intake.take(b'{"error":{"code":2,"msg":"Invalid request"},"id":2}', RECV, "/x")
    assert not intake.odd and len(intake.answers) == 1 and "Invalid request" in intake.answers[0]


def test_a_contract_without_funding_pays_none(intake: RecorderIntake):
    for data in (mark(NOW_MS, 0, ""), {"e": "markPriceUpdate", "s": "ETHUSDT", "E": NOW_MS}):
        assert intake.take(enveloped(data), RECV, "/x")
    assert not len(rows(intake)) and not intake.odd


def test_an_old_estimate_is_no_payment_and_is_asked_for(intake: RecorderIntake):
    intake.take(enveloped(mark(NOW_MS - 60_000, NOW_MS)), RECV, "/x")
    intake.take(enveloped(mark(NOW_MS + 5, NOW_MS + 1000)), RECV, "/x")
    assert not len(rows(intake)) and intake.states["ETHUSDT"].funding.missing == [NOW_MS]


def test_what_finds_no_room_is_lost_and_counted_and_its_trades_are_asked_for_later(intake: RecorderIntake):
    for k in range(1005):
        intake.take(enveloped(trade(k)), RECV + k, "/x")
    assert intake.lost_count == 5 and intake.lost_from_ns == RECV + 1000 and intake.lost_until_ns == RECV + 1004
    assert len(rows(intake)) == 1000
    intake.take(enveloped(trade(1005)), RECV, "/x")
    assert intake.states["ETHUSDT"].trades.missing == [(1000, 1004)]


def test_rows_that_could_not_be_written_come_first_again(intake: RecorderIntake):
    intake.take(enveloped(trade(1)), RECV, "/x")
    taken = intake.swap()
    intake.take(enveloped(trade(2)), RECV, "/x")
    intake.put_back(taken)
    assert rows(intake)["number"].tolist() == [1, 2]
