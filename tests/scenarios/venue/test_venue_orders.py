"""Arrival checks, modifies, cancels, queries and the reduce-only budget, for both sides."""

from __future__ import annotations

import pytest

from tests.scenarios.venue.venue_table import check, mirrored

ARRIVAL = {
    "nothing to trade against yet": """
        0.001 place 1 sell 100.1x4          -> reject 1 no_book
        0.002 place 2 sell 0.0x4 market     -> reject 2 no_book
    """,
    "post-only at the other touch is refused and nothing else happens": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.0x4          -> reject 1 would_cross
        0.002 trade 100.1x99 buy
    """,
    "post-only against our own order is refused, unless that one has gone": """
        0.000 book 100.0x5 100.4x10
        0.001 place 1 buy 100.2x4           -> ack 1 100.2x4 ahead 0
        0.002 place 2 sell 100.2x4          -> reject 2 would_cross
        0.003 place 3 sell 100.3x4          -> ack 3 100.3x4 ahead 0
        0.004 cancel 1                      -> cancel_ack 1 cum 0
        0.005 place 4 sell 100.2x4          -> ack 4 100.2x4 ahead 0
    """,
    "the book at arrival decides, not the one at sending": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.2x10
        0.001 place 1 sell 100.1x4
        0.003 book 100.1x5 100.2x10
        0.007 wait                          -> reject 1 would_cross
    """,
    "at equal times the tape comes before the order": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4
        0.006 trade 100.1x50 buy            -> ack 1 100.1x4 ahead 10
    """,
    "filters": """
        set min_lots 3
        set min_notional 400
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 0.0x4            -> reject 1 off_tick
        0.002 place 2 sell 100.1x2          -> reject 2 below_min_qty
        0.003 place 3 sell 100.1x0          -> reject 3 below_min_qty
        0.004 place 4 sell 100.1x3          -> reject 4 below_min_notional
        0.005 place 5 sell 0.0x3 market     -> reject 5 below_min_notional
        0.006 place 6 sell 100.1x4          -> ack 6 100.1x4 ahead 10
    """,
    "requests keep their order": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4
        0.001 amend 1 100.2x4
        0.001 cancel 1
        0.006 wait                          -> ack 1 100.1x4 ahead 10; amend_ack 1 100.2x4 ahead ?; cancel_ack 1 cum 0
    """,
}

AMEND = {
    "a modify loses the place": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 trade 100.1x9 buy
        0.003 book 100.0x5 100.1x12
        0.004 amend 1 100.1x3               -> amend_ack 1 100.1x3 ahead 12
        0.005 trade 100.1x11 buy
        0.006 trade 100.1x9 buy             -> fill 1 100.1x3 queue ahead 1
    """,
    "a modify goes behind our other order": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 place 2 sell 100.2x4          -> ack 2 100.2x4 ahead 0
        0.003 amend 1 100.2x5               -> amend_ack 1 100.2x5 ahead 0
        0.004 trade 100.2x5 buy             -> fill 2 100.2x4 queue ahead 0; fill 1 100.2x1 queue ahead 0
    """,
    "price and total change, what is executed counts": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x1 buy             -> fill 1 100.2x1 queue ahead 0
        0.003 amend 1 100.3x6               -> amend_ack 1 100.3x6 ahead 10 cum 1
        0.004 book 100.0x5 100.4x10
        0.005 trade 100.3x9 buy             -> fill 1 100.3x5 queue ahead 0
    """,
    "to a total at or below what is executed: cancelled": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x3 buy             -> fill 1 100.2x3 queue ahead 0
        0.003 amend 1 100.2x3               -> cancel_ack 1 cum 3 amend_filled
        0.004 trade 100.2x3 buy
    """,
    "a post-only order that would cross: cancelled": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 amend 1 100.0x4               -> cancel_ack 1 cum 0 amend_cross
    """,
    "a post-only order that would meet our own: cancelled": """
        0.000 book 100.0x5 100.5x10
        0.001 place 1 buy 100.2x4           -> ack 1 100.2x4 ahead 0
        0.002 place 2 sell 100.3x4          -> ack 2 100.3x4 ahead 0
        0.003 amend 2 100.2x4               -> cancel_ack 2 cum 0 amend_cross
    """,
    "any other order takes what crosses": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.3x7 gtc      -> ack 1 100.3x7 ahead 10
        0.002 amend 1 100.0x7               -> amend_ack 1 100.0x7 ahead 0; fill 1 100.0x5 taker
        0.003 trade 100.0x3 buy             -> fill 1 100.0x2 queue ahead 0
    """,
    "refused, the order stays as it was": """
        set min_lots 3
        set min_notional 400
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
        0.002 amend 1 100.1x4               -> amend_reject 1 no_change
        0.003 amend 1 100.2x2               -> amend_reject 1 below_min_qty
        0.004 amend 1 100.2x0               -> amend_reject 1 below_min_qty
        0.005 amend 1 100.2x3               -> amend_reject 1 below_min_notional
        0.006 amend 1 0.0x4                 -> amend_reject 1 off_tick
        0.007 trade 100.1x11 buy            -> fill 1 100.1x1 queue ahead 10
    """,
    "unknown or ended orders cannot be modified": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x4 buy             -> fill 1 100.2x4 queue ahead 0
        0.003 amend 1 100.2x9               -> amend_reject 1 unknown_order
        0.004 amend 7 100.2x9               -> amend_reject 7 unknown_order
    """,
}

CANCEL_AND_QUERY = {
    "a cancel ends the rest": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 trade 100.2x1 buy             -> fill 1 100.2x1 queue ahead 0
        0.003 cancel 1                      -> cancel_ack 1 cum 1
        0.004 cancel 1                      -> cancel_reject 1 unknown_order
        0.005 trade 100.2x9 buy
    """,
    "at equal times the fill wins the race against the cancel": """
        set entry_latency_ms 5
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4
        0.010 wait                          -> ack 1 100.2x4 ahead 0
        0.011 cancel 1
        0.016 trade 100.2x4 buy             -> fill 1 100.2x4 queue ahead 0; cancel_reject 1 unknown_order
    """,
    "a query is answered by the order, or by what ended it": """
        0.000 book 100.0x5 100.3x10
        0.001 query 1                       -> reject 1 unknown_order
        0.002 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.003 amend 1 100.3x6               -> amend_ack 1 100.3x6 ahead 10
        0.004 query 1                       -> status 1 100.3x6 ahead 10
        0.005 cancel 1                      -> cancel_ack 1 cum 0
        0.006 query 1                       -> cancel_ack 1 cum 0
        0.007 place 2 sell 100.0x4          -> reject 2 would_cross
        0.008 query 2                       -> reject 2 would_cross
        0.009 place 3 sell 100.2x4          -> ack 3 100.2x4 ahead 0
        0.010 trade 100.2x9 buy             -> fill 3 100.2x4 queue ahead 0
        0.011 query 3                       -> status 3 100.2x4 ahead 0 cum 4
    """,
    "the end of the tape": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        0.002 place 2 sell 100.4x4          -> ack 2 100.4x4 ahead ?
        0.003 trade 100.2x1 buy             -> fill 1 100.2x1 queue ahead 0
        0.004 expire_all                    -> expire 1 cum 1 end_of_tape; expire 2 cum 0 end_of_tape
        0.005 expire_all
    """,
}

REDUCE_ONLY = {
    "only against the position, and no more than it": """
        set position -5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 sell 100.1x1 reduce   -> reject 1 reduce_only
        0.002 place 2 buy 100.0x6 reduce    -> reject 2 reduce_only
        0.003 place 3 buy 100.0x5 reduce    -> ack 3 100.0x5 ahead 5
    """,
    "flat: nothing to reduce": """
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 100.0x1 reduce    -> reject 1 reduce_only
    """,
    "resting reduce-only orders count against the position": """
        set position -5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 100.0x3 reduce    -> ack 1 100.0x3 ahead 5
        0.002 place 2 buy 100.0x3 reduce    -> reject 2 reduce_only
        0.003 place 3 buy 0.0x5 market reduce -> reject 3 reduce_only
        0.004 place 4 buy 99.9x2 reduce     -> ack 4 99.9x2 ahead ?
        0.005 cancel 1                      -> cancel_ack 1 cum 0
        0.006 place 5 buy 0.0x3 market reduce -> ack 5 0.0x3 ahead 0; fill 5 100.1x3 taker
    """,
    "other orders do not count": """
        set position -5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 100.0x3           -> ack 1 100.0x3 ahead 5
        0.002 place 2 buy 100.0x5 reduce    -> ack 2 100.0x5 ahead 5
    """,
    "a modify obeys the same budget": """
        set position -5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 100.0x3 reduce    -> ack 1 100.0x3 ahead 5
        0.002 place 2 buy 99.9x2 reduce     -> ack 2 99.9x2 ahead ?
        0.003 amend 2 99.9x3                -> amend_reject 2 reduce_only
        0.004 amend 1 100.0x2               -> amend_ack 1 100.0x2 ahead 5
        0.005 amend 2 99.9x3                -> amend_ack 2 99.9x3 ahead ?
    """,
    "what is executed does not count again in a modify": """
        set position -5
        0.000 book 100.0x5 100.2x10
        0.001 place 1 buy 100.1x5 reduce    -> ack 1 100.1x5 ahead 0
        0.002 trade 100.1x2 sell            -> fill 1 100.1x2 queue ahead 0
        0.003 amend 1 100.0x6               -> amend_reject 1 reduce_only
        0.004 amend 1 100.0x5               -> amend_ack 1 100.0x5 ahead 5 cum 2
    """,
    "a position that shrinks cancels the surplus, newest first": """
        set position -5
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 99.9x2 reduce     -> ack 1 99.9x2 ahead ?
        0.002 place 2 buy 100.0x2 reduce    -> ack 2 100.0x2 ahead 5
        0.003 place 3 buy 99.8x1 reduce     -> ack 3 99.8x1 ahead ?
        0.004 place 4 buy 100.1x2 ioc       -> ack 4 100.1x2 ahead 0; fill 4 100.1x2 taker;
                                               expire 3 cum 0 reduce_only; expire 2 cum 0 reduce_only
        0.005 query 2                       -> expire 2 cum 0 reduce_only
    """,
    "the position never turns by a reduce-only order of the same trade": """
        set position -5
        0.000 book 99.9x5 100.3x10
        0.001 place 1 buy 100.1x5           -> ack 1 100.1x5 ahead 0
        0.002 place 2 buy 100.0x5 reduce    -> ack 2 100.0x5 ahead 0
        0.003 trade 99.8x20 sell            -> fill 1 100.1x5 trade_through ahead 0; expire 2 cum 0 reduce_only
    """,
    "own fills leave no surplus": """
        set position -5
        0.000 book 100.0x5 100.2x10
        0.001 place 1 buy 100.1x3 reduce    -> ack 1 100.1x3 ahead 0
        0.002 place 2 buy 100.1x2 reduce    -> ack 2 100.1x2 ahead 0
        0.003 trade 100.1x4 sell            -> fill 1 100.1x3 queue ahead 0; fill 2 100.1x1 queue ahead 0
        0.004 trade 100.1x4 sell            -> fill 2 100.1x1 queue ahead 0
    """,
    "exempt from the minimum notional, and below the minimum quantity only for the whole position": """
        set position -2
        set min_lots 3
        set min_notional 400
        0.000 book 100.0x5 100.1x10
        0.001 place 1 buy 100.0x1 reduce    -> reject 1 below_min_qty
        0.002 place 2 buy 100.0x2           -> reject 2 below_min_qty
        0.003 place 3 buy 100.0x2 reduce    -> ack 3 100.0x2 ahead 5
        0.004 amend 3 99.9x1                -> amend_reject 3 below_min_qty
        0.005 amend 3 99.9x2                -> amend_ack 3 99.9x2 ahead ?
    """,
}

ALL = {**ARRIVAL, **AMEND, **CANCEL_AND_QUERY, **REDUCE_ONLY}


@pytest.mark.parametrize("name", ALL)
def test_scenario(name: str) -> None:
    check(ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_mirrored_scenario(name: str) -> None:
    check(mirrored(ALL[name]))
