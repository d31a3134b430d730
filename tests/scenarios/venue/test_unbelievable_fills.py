"""Fills that users of simulated venues did not believe, one scripted tape a kind of complaint: ours must not give them.

Each name is the complaint; the tape shows what happens here instead. All hold for buys too, by reflection.
"""

from __future__ import annotations

import pytest

from tests.scenarios.venue.venue_table import check, mirrored

NOBODY_TRADED = {
    "filled because the offers at my price were withdrawn": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 book 100.0x5 100.2x10
        0.003 book 99.9x5 100.2x10
    """,
    "filled because the spread closed up to my price, and not on it": """
        0.000 book 100.0x5 100.5x10
        0.001 place 1 sell 100.3x4          -> ack 1 100.3x4 ahead 0
        0.002 book 100.2x5 100.5x10
        0.003 book 100.2x5 100.4x10
    """,
    "filled whole because the other side showed one lot at my price": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x40         -> ack 1 100.1x40 ahead 10
        0.002 book 100.1x1 100.2x10         -> fill 1 100.1x1 book_through ahead 10
        0.003 book 100.0x5 100.2x10
    """,
    "filled again by the same display, shown twice": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x40         -> ack 1 100.1x40 ahead 10
        0.002 book 100.1x7 100.2x10         -> fill 1 100.1x7 book_through ahead 10
        0.003 book 100.1x7 100.2x11
        0.004 book 100.1x7 100.2x12
    """,
    "filled after the last row of the tape": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x10 buy
        0.003 expire_all                    -> expire 1 cum 0 end_of_tape
    """,
}

PRICE_NOT_THERE = {
    "sold dearer than anybody paid": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.4x4          -> ack 1 100.4x4 ahead ?
        0.002 trade 100.1x99 buy
        0.003 trade 100.3x99 buy
        0.004 book 100.2x5 100.3x10
    """,
    "sold to somebody who was selling": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x99 sell
        0.003 trade 100.0x99 sell
    """,
    "got a better price than my limit for resting": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.4x99 buy            -> fill 1 100.1x4 trade_through ahead 10
    """,
    "post-only, but it took": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 99.9x4           -> reject 1 would_cross
        0.002 book 99.8x5 100.1x10
    """,
}

TOO_MUCH = {
    "one lot beyond my price filled a thousand": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x1000       -> ack 1 100.1x1000 ahead 10
        0.002 trade 100.2x1 buy             -> fill 1 100.1x1 trade_through ahead 10
    """,
    "one lot over the queue filled the whole order": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x40         -> ack 1 100.1x40 ahead 10
        0.002 trade 100.1x11 buy            -> fill 1 100.1x1 queue ahead 10
    """,
    "one trade filled both of my orders": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x6          -> ack 1 100.2x6 ahead 0
        0.002 place 2 sell 100.2x6          -> ack 2 100.2x6 ahead 0
        0.003 trade 100.2x6 buy             -> fill 1 100.2x6 queue ahead 0
    """,
    "one trade filled my orders at every price up to its own": """
        0.000 book 100.0x5 100.5x10
        0.001 place 1 sell 100.2x6          -> ack 1 100.2x6 ahead 0
        0.002 place 2 sell 100.3x6          -> ack 2 100.3x6 ahead 0
        0.003 trade 100.4x8 buy             -> fill 1 100.2x6 trade_through ahead 0; fill 2 100.3x2 trade_through ahead 0
    """,
    "the dearer of my offers went first": """
        0.000 book 100.0x5 100.5x10
        0.001 place 1 sell 100.4x3          -> ack 1 100.4x3 ahead 0
        0.002 place 2 sell 100.2x3          -> ack 2 100.2x3 ahead 0
        0.003 trade 100.4x3 buy             -> fill 2 100.2x3 trade_through ahead 0
    """,
    "filled exactly, and then once more": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x14 buy            -> fill 1 100.1x4 queue ahead 10
        0.003 trade 100.1x14 buy
        0.004 trade 100.3x14 buy
        0.005 book 100.3x9 100.4x9
    """,
    "took any quantity at the best price": """
        0.000 book 100.0x5 100.1x4
        0.001 place 1 sell 100.0x500 ioc    -> ack 1 100.0x500 ahead 0; fill 1 100.0x5 taker; expire 1 cum 5 no_liquidity
    """,
    "took the same size again while nothing had changed": """
        0.000 book 100.0x5 100.1x4
        0.001 place 1 sell 100.0x5 ioc      -> ack 1 100.0x5 ahead 0; fill 1 100.0x5 taker
        0.002 place 2 sell 100.0x5 ioc      -> ack 2 100.0x5 ahead 0; expire 2 cum 0 no_liquidity
        0.003 book 100.0x5 100.1x7
        0.004 place 3 sell 100.0x5 ioc      -> ack 3 100.0x5 ahead 0; expire 3 cum 0 no_liquidity
    """,
}

QUEUE_JUMPS = {
    "first in line, because nobody knows the level behind the touch": """
        set model pessimistic
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead ?
        0.002 trade 100.2x3 buy
        0.003 book 100.0x5 100.2x50
        0.004 trade 100.2x50 buy
        0.005 trade 100.2x1 buy             -> fill 1 100.2x1 queue ahead 0
    """,
    "one stranger's cancel brought me to the front": """
        0.000 book 100.0x5 100.1x100
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 100
        0.002 book 100.0x5 100.1x200
        0.003 book 100.0x5 100.1x198
        0.004 trade 100.1x98 buy
        0.005 trade 100.1x2 buy             -> fill 1 100.1x1 queue ahead 1
    """,
    "cancels behind me brought me forward": """
        set model pessimistic
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 book 100.0x5 100.1x90
        0.003 book 100.0x5 100.1x12
        0.004 trade 100.1x10 buy
        0.005 trade 100.1x1 buy             -> fill 1 100.1x1 queue ahead 0
    """,
    "a better offer came and went, and I was at the front": """
        0.000 book 100.0x5 100.2x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 10
        0.002 book 100.0x5 100.1x3
        0.003 book 100.0x5 100.2x10
        0.004 trade 100.2x10 buy
        0.005 trade 100.2x1 buy             -> fill 1 100.2x1 queue ahead 0
    """,
    "the trade and the display without it both moved me forward": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x5 buy
        0.002 book 100.0x5 100.1x5
        0.003 trade 100.1x5 buy
        0.004 trade 100.1x1 buy             -> fill 1 100.1x1 queue ahead 0
    """,
    "made larger, it kept its place": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x1          -> ack 1 100.1x1 ahead 10
        0.002 book 100.0x5 100.1x30
        0.003 amend 1 100.1x9               -> amend_ack 1 100.1x9 ahead 30
        0.004 trade 100.1x30 buy
    """,
    "moved away and back, it kept its place": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x10 buy
        0.003 amend 1 100.2x4               -> amend_ack 1 100.2x4 ahead ?
        0.004 book 100.0x5 100.1x20
        0.005 amend 1 100.1x4               -> amend_ack 1 100.1x4 ahead 20
        0.006 trade 100.1x20 buy
    """,
    "a partial fill sent the rest to the back": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x11 buy            -> fill 1 100.1x1 queue ahead 10
        0.003 book 100.0x5 100.1x60
        0.004 trade 100.1x2 buy             -> fill 1 100.1x2 queue ahead 0
    """,
}

TIME = {
    "filled by a trade from before it arrived": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4
        0.003 trade 100.2x99 buy
        0.006 trade 100.2x99 buy            -> ack 1 100.2x4 ahead 0
    """,
    "the queue it joined was the one at sending": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.1x1
        0.001 place 1 sell 100.1x4
        0.004 book 100.0x5 100.1x80
        0.007 trade 100.1x5 buy             -> ack 1 100.1x4 ahead 80
    """,
    "an absurd latency made it better: it never paid for arriving late": """
        set entry_latency_ms 900000
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4
        0.002 trade 100.1x99 buy
        600.000 book 101.0x5 101.1x10
        900.002 wait                        -> reject 1 would_cross
    """,
    "a cancel saved it from the trade that came before the cancel did": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4
        0.010 cancel 1                      -> ack 1 100.2x4 ahead 0
        0.012 trade 100.3x2 buy             -> fill 1 100.2x2 trade_through ahead 0
        0.016 wait                          -> cancel_ack 1 cum 2
        0.017 trade 100.3x9 buy
    """,
    "modified just after it was filled, it filled again": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4
        0.010 amend 1 100.3x8               -> ack 1 100.2x4 ahead 0
        0.012 trade 100.2x4 buy             -> fill 1 100.2x4 queue ahead 0
        0.016 trade 100.4x9 buy             -> amend_reject 1 unknown_order
    """,
}

ALL = {**NOBODY_TRADED, **PRICE_NOT_THERE, **TOO_MUCH, **QUEUE_JUMPS, **TIME}


@pytest.mark.parametrize("complaint", ALL)
def test_it_does_not_happen_here(complaint: str) -> None:
    check(ALL[complaint])


@pytest.mark.parametrize("complaint", ALL)
def test_it_does_not_happen_to_buys(complaint: str) -> None:
    check(mirrored(ALL[complaint]))


def test_every_part_of_a_fill_reaches_the_position() -> None:
    """Elsewhere only the last part of an order filled in parts was booked."""
    venue = check("""
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x9          -> ack 1 100.1x9 ahead 10
        0.002 trade 100.1x12 buy            -> fill 1 100.1x2 queue ahead 10
        0.003 trade 100.2x3 buy             -> fill 1 100.1x3 trade_through ahead 0
        0.004 cancel 1                      -> cancel_ack 1 cum 5
    """)
    assert venue.state.position_lots == -5
