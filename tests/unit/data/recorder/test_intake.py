"""Texts become rows; what is odd is counted with its place; what comes twice counts once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.recorder.log import (
    CANDLE,
    FUNDING,
    LOG_ROW,
    QUOTE,
    TRADE,
)
from tests.unit.data.recorder.messages import (
    MS,
    NOW_MS,
    RECV,
    book,
    enveloped,
    intake_of,
    kline,
    mark,
    rows_of,
    see,
    trade_message,
)
from tests.unit.data.recorder.recording import ETH


@pytest.fixture
def intake() -> RecorderIntake:
    return RecorderIntake(("ETHUSDT", "SUSHIUSDT"), 72_000)


def rows(intake: RecorderIntake) -> Any:
    found = np.frombuffer(intake.swap(), LOG_ROW)
    intake.let_go()
    return found


def test_each_kind_becomes_its_row(intake: RecorderIntake):
    for data in (book(7), trade_message(9), kline(NOW_MS - 60_000), mark(NOW_MS - 1, NOW_MS), mark(NOW_MS + 5, NOW_MS + 1000, "0.2")):
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
    for data in (
        book(7),
        book(9),
        book(7),
        book(9),
        book(8),
        trade_message(1),
        trade_message(2),
        trade_message(1),
        kline(NOW_MS),
        kline(NOW_MS),
    ):
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
    "a trade's size that is none": ("wrong_type", enveloped(trade_message(1, q=""))),
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
    intake.take(enveloped(trade_message(5)), RECV, "/market")
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
        intake.take(enveloped(trade_message(k)), RECV + k, "/x")
    assert intake.lost_count == 5 and intake.lost_from_ns == RECV + 1000 and intake.lost_until_ns == RECV + 1004
    assert len(rows(intake)) == 1000
    intake.take(enveloped(trade_message(1005)), RECV, "/x")
    assert intake.states["ETHUSDT"].trades.missing == [(1000, 1004)]


def test_rows_that_could_not_be_written_come_first_again(intake: RecorderIntake):
    intake.take(enveloped(trade_message(1)), RECV, "/x")
    taken = intake.swap()
    intake.take(enveloped(trade_message(2)), RECV, "/x")
    intake.put_back(taken)
    assert rows(intake)["number"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        b'{"e":[]}',
        b'{"stream":"x","data":{"e":{}}}',
        b'{"stream":"x","data":{"e":"bookTicker","zz":' + b"[" * 5000 + b"]" * 5000 + b"}}",
        b'{"x":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=["event is a list", "event is an object", "deep unknown field", "deep object"],
)
def test_no_message_ends_a_recording(text: bytes):
    intake = intake_of()
    intake.take(text, RECV, "/market")
    assert sum(intake.odd.values()) == 1


def test_books_without_an_update_id_are_kept():
    intake = intake_of()
    for k in range(20):
        data = book(0, NOW_MS + k * 10, b=f"100.{k}")
        del data["u"]
        intake.take(enveloped(data), RECV + k, "/public")
    assert len(rows_of(intake)) == 20


def test_trade_ids_that_begin_anew_are_followed():
    """A venue that counts anew, as a testnet does when it is reset: quotes follow, trades are dropped as repeats for ever."""
    intake = intake_of()
    for k in (900, 901):
        intake.take(enveloped(trade_message(k)), RECV, "/market")
    for k in range(5, 55):
        intake.take(enveloped(trade_message(k, T=NOW_MS + 60_000 + k)), RECV + k, "/market")
    assert len(rows_of(intake)) == 52


def test_a_tape_whose_ids_are_higher_does_not_silence_the_trades():
    intake = intake_of()
    intake.states[ETH].trades.continue_from(10**9)
    for k in range(5, 55):
        intake.take(enveloped(trade_message(k, T=NOW_MS + k)), RECV + k, "/market")
    assert len(rows_of(intake)) == 50


def test_one_absurd_id_does_not_end_the_trades_of_the_next_recording():
    """The largest id goes on the tape; the next recording continues from it."""
    first = intake_of()
    for k in (10, 2**62, 11, 12):
        first.take(enveloped(trade_message(k)), RECV, "/market")
    second = intake_of()
    second.states[ETH].trades.continue_from(int(rows_of(first)["number"].max()))
    for k in range(13, 60):
        second.take(enveloped(trade_message(k)), RECV, "/market")
    assert len(rows_of(second)) == 47


def test_funding_goes_on_when_the_interval_is_shortened():
    """The next payment is at 8:00, then the venue says 4:00: what is paid at 4:00 must be a row, or be asked for."""
    intake, hour = intake_of(), 3_600_000
    for seen, paid_at in ((0, 8), (1, 4)):
        see(intake, NOW_MS + seen * hour, NOW_MS + paid_at * hour)
    for second in range(-5, 1):
        see(intake, NOW_MS + 4 * hour + second * 1000 - 1, NOW_MS + 4 * hour, "0.0007")
    see(intake, NOW_MS + 4 * hour + 1000, NOW_MS + 8 * hour, "0.0001")
    found = rows_of(intake)
    assert len(found) == 1 or intake.states[ETH].funding.missing == [NOW_MS + 4 * hour]


def test_one_absurd_funding_time_does_not_end_funding():
    intake, hour = intake_of(), 3_600_000
    see(intake, NOW_MS, 9 * 10**12)
    for k in (1, 2, 3):
        at = NOW_MS + k * 8 * hour
        see(intake, at - 1000, at, "0.0003")
        see(intake, at + 1000, at + 8 * hour, "0.0003")
    assert len(rows_of(intake)) == 3


def test_no_payment_is_made_up_before_its_time():
    """The time of the next payment moves from 12:00 to 16:00 a moment before 12:00: nothing was paid at 12:00."""
    intake, hour = intake_of(), 3_600_000
    intake.take(enveloped(mark(NOW_MS - 10_000, NOW_MS)), RECV, "/market")
    intake.take(enveloped(mark(NOW_MS - 9_000, NOW_MS + 4 * hour)), RECV, "/market")
    assert len(rows_of(intake)) == 0


def test_one_absurd_candle_does_not_end_candles():
    intake = intake_of()
    intake.take(enveloped(kline(9 * 10**12)), RECV, "/market")
    for k in range(5):
        intake.take(enveloped(kline(NOW_MS + k * 60_000)), RECV, "/market")
    assert len(rows_of(intake)) >= 5


def test_one_estimate_from_the_future_is_not_paid_every_second():
    intake, hour = intake_of(), 3_600_000
    intake.take(enveloped(mark(NOW_MS - 2000, NOW_MS)), RECV, "/market")
    intake.take(enveloped(mark(9 * 10**12, NOW_MS)), RECV, "/market")
    for k in range(100):
        intake.take(enveloped(mark(NOW_MS + k * 1000, NOW_MS + 8 * hour)), RECV, "/market")
    assert len(rows_of(intake)) == 1
