"""The plan of sockets and the sequence of trade ids."""

import random

import pytest

from slackwater.data.recorder.channels import MOST_STREAMS, plan_sockets
from slackwater.data.recorder.sequence import TradeSequence
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
