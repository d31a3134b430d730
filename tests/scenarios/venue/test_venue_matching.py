"""A scripted tape for every line of the matching table, for both sides."""

from __future__ import annotations

import pytest

from tests.scenarios.venue.venue_table import check, mirrored

QUEUE_ON_ARRIVAL = {
    "new best is alone": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x3 buy             -> fill 1 100.2x3 queue ahead 0
        0.003 trade 100.2x3 buy             -> fill 1 100.2x1 queue ahead 0
        0.004 trade 100.2x3 buy
    """,
    "at the touch behind the displayed size": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x7 buy
        0.003 trade 100.1x5 buy             -> fill 1 100.1x2 queue ahead 3
        0.004 trade 100.1x9 buy             -> fill 1 100.1x2 queue ahead 0
    """,
    "deeper, unknown until a book shows the price": """
        set model pessimistic
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead ?
        0.002 trade 100.2x50 buy
        0.003 book 100.0x5 100.2x8
        0.004 trade 100.2x9 buy             -> fill 1 100.2x1 queue ahead 8
    """,
    "deeper, proportional counts half": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead ?
        0.003 book 100.0x5 100.2x8
        0.004 trade 100.2x5 buy             -> fill 1 100.2x1 queue ahead 4
    """,
    "deeper, optimistic counts nothing": """
        set model optimistic
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead ?
        0.003 book 100.0x5 100.2x8
        0.004 trade 100.2x1 buy             -> fill 1 100.2x1 queue ahead 0
    """,
    "the arrival book is the last one before or at the arrival": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4
        0.004 book 100.0x5 100.1x7
        0.006 book 100.0x5 100.1x6          -> ack 1 100.1x4 ahead 6
        0.007 book 100.0x5 100.1x5
    """,
}

TRADES = {
    "a trade of the other direction does nothing": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x9 sell
        0.003 trade 100.4x9 sell
    """,
    "a trade short of the price does nothing": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.3x4          -> ack 1 100.3x4 ahead 10
        0.002 trade 100.2x99 buy
    """,
    "a trade beyond the price fills up to its quantity": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.2x3 buy             -> fill 1 100.1x3 trade_through ahead 10
        0.003 trade 100.3x3 buy             -> fill 1 100.1x1 trade_through ahead 10
    """,
    "a trade beyond an unknown place fills": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead ?
        0.002 trade 100.3x3 buy             -> fill 1 100.2x3 trade_through ahead ?
    """,
    "own orders at one price are served in order, each lot once": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 place 2 sell 100.1x4          -> ack 2 100.1x4 ahead 10
        0.003 trade 100.1x12 buy            -> fill 1 100.1x2 queue ahead 10
        0.004 trade 100.1x3 buy             -> fill 1 100.1x2 queue ahead 0; fill 2 100.1x1 queue ahead 0
    """,
    "own orders at several prices, the best first, each lot once": """
        0.000 book 100.0x5 100.4x10
        0.001 place 1 sell 100.3x4          -> ack 1 100.3x4 ahead 0
        0.002 place 2 sell 100.2x4          -> ack 2 100.2x4 ahead 0
        0.003 place 3 sell 100.4x4          -> ack 3 100.4x4 ahead 10
        0.004 trade 100.3x6 buy             -> fill 2 100.2x4 trade_through ahead 0; fill 1 100.3x2 queue ahead 0
        0.005 trade 100.4x20 buy            -> fill 1 100.3x2 trade_through ahead 0; fill 3 100.4x4 queue ahead 10
    """,
}

BOOKS = {
    "the bid reaches the price: filled up to the size displayed": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x9          -> ack 1 100.1x9 ahead 10
        0.002 book 100.1x4 100.2x3          -> fill 1 100.1x4 book_through ahead 10
        0.003 book 100.1x4 100.2x2
        0.004 book 100.2x3 100.3x3          -> fill 1 100.1x3 book_through ahead 0
        0.005 book 100.2x9 100.3x3          -> fill 1 100.1x2 book_through ahead 0
    """,
    "one book update is given out once across own orders": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x9          -> ack 1 100.2x9 ahead ?
        0.002 place 2 sell 100.1x3          -> ack 2 100.1x3 ahead 10
        0.003 book 100.3x5 100.4x3          -> fill 2 100.1x3 book_through ahead 10; fill 1 100.2x2 book_through ahead ?
    """,
    "what a resting order took is not there for a taking one": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x3          -> ack 1 100.1x3 ahead 10
        0.002 book 100.1x4 100.2x3          -> fill 1 100.1x3 book_through ahead 10
        0.003 place 2 sell 100.1x3 ioc      -> ack 2 100.1x3 ahead 0; fill 2 100.1x1 taker; expire 2 cum 1 no_liquidity
    """,
    "the touch moves away: alone, and those who return are behind": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 book 100.0x5 100.2x10
        0.003 book 100.0x5 100.1x30
        0.004 trade 100.1x3 buy             -> fill 1 100.1x3 queue ahead 0
    """,
    "the touch passes over an unknown place: alone": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead ?
        0.002 book 100.0x5 100.3x10
        0.004 trade 100.2x3 buy             -> fill 1 100.2x3 queue ahead 0
    """,
    "a better touch in front keeps the place": """
        set model pessimistic
        0.000 book 100.0x5 100.2x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 10
        0.002 trade 100.2x4 buy
        0.003 book 100.0x5 100.1x7
        0.004 book 100.0x5 100.2x20
        0.005 trade 100.2x8 buy             -> fill 1 100.2x2 queue ahead 6
    """,
    "crossed, empty and negative books change nothing": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 book 100.3x5 100.2x5
        0.003 book 0.0x5 100.2x5
        0.004 book 100.2x-5 100.3x5
        0.005 trade 100.1x11 buy            -> fill 1 100.1x1 queue ahead 10
    """,
}


def cancelled(model: str, ahead: int, fill: int) -> str:
    """Twelve lots displayed, ten of them in front of us; three trade, six more vanish."""
    return f"""
        set model {model}
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x9          -> ack 1 100.1x9 ahead 10
        0.002 book 100.0x5 100.1x15
        0.003 trade 100.1x3 buy
        0.004 book 100.0x5 100.1x6
        0.005 trade 100.1x8 buy             -> fill 1 100.1x{fill} queue ahead {ahead}
    """


CANCELLATIONS = {
    "pessimistic: none was in front": cancelled("pessimistic", 7, 1),
    "proportional: 6 * 7 / 12 were in front": cancelled("proportional", 4, 4),
    "optimistic: all were in front": cancelled("optimistic", 1, 7),
    "a trade and the book that shows it count once": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x4 buy
        0.003 book 100.0x5 100.1x6
        0.004 trade 100.1x7 buy             -> fill 1 100.1x1 queue ahead 6
    """,
    "what vanished while a better touch hid the price counts when it shows again": """
        set model optimistic
        0.000 book 100.0x5 100.2x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 10
        0.003 book 100.0x5 100.1x7
        0.004 book 100.0x5 100.2x4
        0.005 trade 100.2x5 buy             -> fill 1 100.2x1 queue ahead 4
    """,
    "shares of lots are kept, fills are whole lots": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 book 100.0x5 100.1x13
        0.003 book 100.0x5 100.1x10
        0.004 trade 100.1x8 buy
        0.005 trade 100.1x1 buy             -> fill 1 100.1x1 queue ahead 0
    """,
}

TAKING = {
    "ioc takes the touch and half of it a tick further, and stops at its price": """
        0.000 book 100.0x5 100.1x8
        0.001 place 1 buy 100.3x20 ioc      -> ack 1 100.3x20 ahead 0;
                                               fill 1 100.1x8 taker;
                                               fill 1 100.2x4 taker;
                                               fill 1 100.3x2 taker;
                                               expire 1 cum 14 no_liquidity
    """,
    "ioc that is filled whole says no more": """
        0.000 book 100.0x5 100.1x8
        0.001 place 1 buy 100.3x9 ioc       -> ack 1 100.3x9 ahead 0; fill 1 100.1x8 taker; fill 1 100.2x1 taker
    """,
    "ioc short of the touch finds nothing": """
        0.000 book 100.0x5 100.2x8
        0.001 place 1 buy 100.1x9 ioc       -> ack 1 100.1x9 ahead 0; expire 1 cum 0 no_liquidity
    """,
    "market stops at the slippage limit of 50 bps": """
        set depth_decay 1.0
        0.000 book 100.0x5 100.1x1
        0.001 place 1 buy 0.0x9 market      -> ack 1 0.0x9 ahead 0;
                                               fill 1 100.1x1 taker;
                                               fill 1 100.2x1 taker;
                                               fill 1 100.3x1 taker;
                                               fill 1 100.4x1 taker;
                                               fill 1 100.5x1 taker;
                                               fill 1 100.6x1 taker;
                                               expire 1 cum 6 no_liquidity
    """,
    "market ends where the assumed book does": """
        0.000 book 100.0x5 100.1x4
        0.001 place 1 buy 0.0x9 market      -> ack 1 0.0x9 ahead 0;
                                               fill 1 100.1x4 taker;
                                               fill 1 100.2x2 taker;
                                               fill 1 100.3x1 taker;
                                               expire 1 cum 7 no_liquidity
    """,
    "what was taken stays taken until that side of the book changes": """
        0.000 book 100.0x5 100.1x8
        0.001 place 1 buy 100.2x10 ioc      -> ack 1 100.2x10 ahead 0; fill 1 100.1x8 taker; fill 1 100.2x2 taker
        0.002 place 2 buy 100.2x3 ioc       -> ack 2 100.2x3 ahead 0; fill 2 100.2x2 taker; expire 2 cum 2 no_liquidity
        0.003 book 100.0x6 100.1x8
        0.004 place 3 buy 100.1x3 ioc       -> ack 3 100.1x3 ahead 0; expire 3 cum 0 no_liquidity
        0.005 book 100.0x6 100.1x7
        0.006 place 4 buy 100.1x3 ioc       -> ack 4 100.1x3 ahead 0; fill 4 100.1x3 taker
    """,
    "taking passes over our own orders": """
        0.000 book 100.0x5 100.2x8
        0.001 place 1 sell 100.1x5          -> ack 1 100.1x5 ahead 0
        0.002 place 2 buy 100.2x9 ioc       -> ack 2 100.2x9 ahead 0; fill 2 100.2x8 taker; expire 2 cum 8 no_liquidity
    """,
    "gtc takes what crosses and rests with the remainder": """
        0.000 book 100.0x5 100.1x8
        0.001 place 1 buy 100.1x10 gtc      -> ack 1 100.1x10 ahead 0; fill 1 100.1x8 taker
        0.002 trade 100.1x1 sell            -> fill 1 100.1x1 queue ahead 0
    """,
}

ALL = {**QUEUE_ON_ARRIVAL, **TRADES, **BOOKS, **CANCELLATIONS, **TAKING}


@pytest.mark.parametrize("name", ALL)
def test_scenario(name: str) -> None:
    check(ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_mirrored_scenario(name: str) -> None:
    check(mirrored(ALL[name]))
