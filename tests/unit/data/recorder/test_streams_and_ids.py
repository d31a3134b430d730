"""The plan of sockets and the sequence of trade ids."""

import random

import pytest

from slackwater.data.recorder.channels import MOST_STREAMS, Socket, plan_sockets
from slackwater.data.recorder.sequence import CandleSequence, FundingSequence, TradeSequence
from slackwater.errors import UsageError


def test_books_and_trades_go_to_different_paths():
    public, market = sorted(plan_sockets(["ETHUSDT", "ethusdt"]), key=lambda socket: socket.path, reverse=True)
    assert (public.path, public.streams) == ("/public", ("ethusdt@bookTicker",))
    assert market.path == "/market" and "ethusdt@aggTrade" in market.streams and len(market.streams) == 5


def test_no_socket_carries_more_than_the_venue_takes_and_none_is_lost():
    sockets = plan_sockets([f"S{k}" for k in range(1025)])
    assert max(len(socket.streams) for socket in sockets) == MOST_STREAMS
    streams = [name for socket in sockets for name in socket.streams]
    assert len(streams) == len(set(streams)) == 6 * 1025


def test_no_symbol_is_refused():
    with pytest.raises(UsageError, match="found none"):
        plan_sockets([])


def test_a_gap_is_seen_and_filled_from_the_middle():
    ids = TradeSequence()
    assert [ids.is_new(k) for k in (10, 11, 11, 16)] == [True, True, False, True]
    assert ids.missing == [(12, 15)]
    assert ids.is_new(13) and ids.missing == [(12, 12), (14, 15)]
    assert not ids.is_new(13) and not ids.is_new(9) and ids.repeated_count == 3


def test_overlapping_sockets_give_each_trade_once():
    chance = random.Random(7)
    sent = [k for k in range(500) for _ in range(2)]
    sent = sent[:1] + sorted(sent[1:], key=lambda k: k + chance.uniform(0, 20))
    ids = TradeSequence()
    assert sorted(k for k in sent if ids.is_new(k)) == list(range(500))
    assert not ids.missing and ids.repeated_count == 500


def test_another_table_of_channels_is_used_and_one_that_is_none_refused(tmp_path):
    table = tmp_path / "channels.toml"
    table.write_text('bookTicker = ""\naggTrade = ""\n')
    assert plan_sockets(["ETHUSDT"], table) == [Socket("", ("ethusdt@bookTicker", "ethusdt@aggTrade"))]
    for content in ("bookTicker = 1", "bookTicker"):
        table.write_text(content)
        with pytest.raises(UsageError, match=r"channels\.toml: expected a"):
            plan_sockets(["ETHUSDT"], table)
    with pytest.raises(UsageError, match="expected a table"):
        plan_sockets(["ETHUSDT"], tmp_path / "none.toml")


def test_an_earlier_recording_is_continued():
    sequence = TradeSequence()
    for trade_id in (50, 51):
        sequence.is_new(trade_id)
    sequence.continue_from(40)
    assert sequence.missing == [(41, 49)]
    fresh = TradeSequence()
    fresh.continue_from(40)
    assert fresh.is_new(43) and fresh.missing == [(41, 42)]
    adjacent = TradeSequence()
    adjacent.is_new(41)
    adjacent.continue_from(40)
    assert adjacent.missing == []


def test_candles_that_are_missing_are_told():
    sequence = CandleSequence(60)
    assert sequence.is_new(600) and not sequence.is_new(600) and not sequence.is_new(540)
    assert sequence.is_new(660) and sequence.is_new(840) and sequence.missing == [(720, 780)]
    sequence.continue_from(420)
    assert sequence.missing == [(720, 780), (480, 540)]
    early = CandleSequence(60)
    early.continue_from(420)
    assert early.is_new(480) and early.missing == []


def test_funding_is_what_was_estimated_last_before_its_time():
    sequence = FundingSequence()
    assert sequence.see(900_000, 1_000_000, 0.1) is None
    assert sequence.see(999_000, 1_000_000, 0.2) is None
    assert sequence.see(1_000_010, 1_000_000, 0.3) is None
    assert sequence.see(1_001_000, 2_000_000, 0.4) == (1_000_000, 0.3)
    assert sequence.see(2_500_000, 3_000_000, 0.5) is None and sequence.missing == [2_000_000]
