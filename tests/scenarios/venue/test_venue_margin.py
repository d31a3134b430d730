"""Margin, for both sides, and liquidation, which only a short can meet. A lot is worth about 100 usd here."""

from __future__ import annotations

import pytest

from tests.scenarios.venue.venue_table import check, mirrored

MARGIN = {
    "position, resting entries and the new order count together": """
        set balance_usd 1000
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 place 2 sell 100.2x7          -> reject 2 margin
        0.003 place 3 sell 100.2x5          -> ack 3 100.2x5 ahead ?
        0.004 trade 100.1x14 buy            -> fill 1 100.1x4 queue ahead 10
        0.005 place 4 sell 100.2x2          -> reject 4 margin
        0.006 cancel 3                      -> cancel_ack 3 cum 0
        0.007 place 5 sell 100.2x5          -> ack 5 100.2x5 ahead ?
    """,
    "a refused order is remembered": """
        set balance_usd 300
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> reject 1 margin
        0.002 query 1                       -> reject 1 margin
    """,
    "a modify counts instead of the order it changes, and only what is not executed": """
        set balance_usd 1000
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x6          -> ack 1 100.2x6 ahead 0
        0.002 amend 1 100.2x11              -> amend_reject 1 margin
        0.003 amend 1 100.2x8               -> amend_ack 1 100.2x8 ahead 0
        0.004 trade 100.2x5 buy             -> fill 1 100.2x5 queue ahead 0
        0.005 amend 1 100.2x9               -> amend_ack 1 100.2x9 ahead 0 cum 5
        0.006 amend 1 100.2x11              -> amend_reject 1 margin
    """,
    "leverage multiplies what the balance carries": """
        set balance_usd 100
        set leverage 10
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.2x9          -> ack 1 100.2x9 ahead ?
        0.002 place 2 sell 100.2x2          -> reject 2 margin
    """,
    "reduce-only and the other side need none of the position's": """
        set balance_usd 400
        set position -6 100.0
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x1          -> reject 1 margin
        0.002 place 2 buy 99.0x6 reduce     -> ack 2 99.0x6 ahead ?
        0.003 place 3 buy 99.9x3            -> ack 3 99.9x3 ahead ?
    """,
    "what takes is held against the touch": """
        set balance_usd 1000
        0.000 book 100.0x20 100.1x20
        0.001 place 1 sell 0.0x11 market    -> reject 1 margin
        0.002 place 2 sell 0.0x8 market     -> ack 2 0.0x8 ahead 0; fill 2 100.0x8 taker
        0.003 place 3 sell 100.0x3 ioc      -> reject 3 margin
    """,
    "margin is asked before post-only": """
        set balance_usd 100
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.0x4          -> reject 1 margin
    """,
}

# Ten to one: an average of 100.0 is liquidated from 1000 ticks * 1.1 / 1.01 = 1089.1 on, so at an ask of 109.0.
LIQUIDATION = {
    "at the first book that uses the margin up: orders end, the short is bought back through the assumed book": """
        set leverage 10
        set position -10 100.0
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 99.0x10 reduce    -> ack 1 99.0x10 ahead ?
        0.002 place 2 sell 112.0x1          -> ack 2 112.0x1 ahead ?
        0.003 book 108.8x5 108.9x8
        0.004 book 108.9x5 109.0x8          -> expire 1 cum 0 liquidation;
                                               expire 2 cum 0 liquidation;
                                               fill 0 109.0x8 taker liquidation;
                                               fill 0 109.1x2 taker liquidation
        0.005 book 111.9x5 112.1x8
        0.006 cancel 2                      -> cancel_reject 2 unknown_order
        0.007 query 2                       -> expire 2 cum 0 liquidation
        0.008 place 3 buy 111.0x1 reduce    -> reject 3 reduce_only
    """,
    "what the assumed book does not hold is bought at its last price": """
        set leverage 10
        set position -20 100.0
        0.000 book 108.9x5 109.0x8          -> fill 0 109.0x8 taker liquidation;
                                               fill 0 109.1x4 taker liquidation;
                                               fill 0 109.2x2 taker liquidation;
                                               fill 0 109.3x1 taker liquidation;
                                               fill 0 109.3x5 taker liquidation
    """,
    "an ask without size still has a price": """
        set leverage 10
        set position -3 100.0
        0.000 book 108.9x5 109.5x0          -> fill 0 109.5x3 taker liquidation
    """,
    "no slippage limit holds": """
        set leverage 10
        set depth_decay 1.0
        set max_slippage_bps 0
        set position -3 100.0
        0.000 book 108.9x5 109.0x1          -> fill 0 109.0x1 taker liquidation;
                                               fill 0 109.1x1 taker liquidation;
                                               fill 0 109.2x1 taker liquidation
    """,
    "trades, crossed books and asks below it do not liquidate": """
        set leverage 10
        set position -10 100.0
        0.000 book 100.0x5 100.1x10
        0.001 trade 120.0x5 buy
        0.002 book 130.0x5 120.0x5
        0.003 book 108.8x5 108.9x8
        0.004 book 100.0x5 100.1x10
    """,
    "at one to one the price has to double, nearly": """
        set position -10 100.0
        0.000 book 198.0x5 198.0x10
        0.001 book 198.0x5 198.1x10         -> fill 0 198.1x10 taker liquidation
    """,
    "an entry that the book runs through fills first, and its price raises the threshold": """
        set leverage 10
        set position -10 100.0
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 109.0x10         -> ack 1 109.0x10 ahead ?
        0.002 book 109.0x10 109.1x8         -> fill 1 109.0x10 book_through ahead ?
        0.003 book 113.7x10 113.8x20
        0.004 book 113.8x10 113.9x20        -> fill 0 113.9x20 taker liquidation
    """,
    "an exit leaves the average, and with it the threshold": """
        set leverage 10
        set position -10 100.0
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 100.1x7 ioc       -> ack 1 100.1x7 ahead 0; fill 1 100.1x7 taker
        0.002 book 108.8x5 108.9x8
        0.003 book 108.9x5 109.0x8          -> fill 0 109.0x3 taker liquidation
    """,
    "a long has none": """
        set leverage 10
        set position 10 100.0
        0.000 book 50.0x5 50.1x10
        0.001 book 150.0x5 150.1x10
    """,
}


@pytest.mark.parametrize("name", MARGIN)
def test_margin(name: str) -> None:
    check(MARGIN[name])


@pytest.mark.parametrize("name", MARGIN)
def test_mirrored_margin(name: str) -> None:
    check(mirrored(MARGIN[name]))


@pytest.mark.parametrize("name", LIQUIDATION)
def test_liquidation(name: str) -> None:
    venue = check(LIQUIDATION[name])
    ended = "fill 0" in LIQUIDATION[name]
    assert venue.state.liquidation_count == int(ended)
    assert not ended or (venue.state.position_lots, venue.state.held_ticklots, venue.state.resting_count) == (0, 0, 0)
