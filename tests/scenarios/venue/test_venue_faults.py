"""Injected faults: what is refused, lost or told twice, and what a query then finds out."""

from __future__ import annotations

import pytest

from tests.scenarios.venue.venue_table import check, mirrored

FAULTS = {
    "new orders and modifies are refused for nothing, cancels are not": """
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0
        set reject_prob 1
        0.002 place 2 sell 100.2x4          -> reject 2 busy
        0.003 query 2                       -> reject 2 busy
        0.004 amend 1 100.3x4               -> amend_reject 1 busy
        0.005 amend 9 100.3x4               -> amend_reject 9 unknown_order
        0.006 query 1                       -> status 1 100.2x4 ahead 0
        0.007 cancel 1                      -> cancel_ack 1 cum 0
    """,
    "lost answers: the order lives, and a query tells what was executed": """
        set lost_answer_prob 1
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4
        0.002 query 1                       -> status 1 100.2x4 ahead 0
        0.003 trade 100.2x3 buy
        0.004 query 1                       -> status 1 100.2x4 ahead 0 cum 3
        0.005 amend 1 100.3x6
        0.006 query 1                       -> status 1 100.3x6 ahead 10 cum 3
        0.007 trade 100.3x20 buy
        0.008 query 1                       -> status 1 100.3x6 ahead 10 cum 6
        0.009 place 2 sell 100.2x4
        0.010 cancel 2
        0.011 query 2                       -> cancel_ack 2 cum 0
    """,
    "refusals and expiries are never lost": """
        set lost_answer_prob 1
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.0x4          -> reject 1 would_cross
        0.002 place 2 sell 100.0x7 ioc      -> expire 2 cum 5 no_liquidity
        0.003 cancel 2                      -> cancel_reject 2 unknown_order
        0.004 amend 2 100.3x1               -> amend_reject 2 unknown_order
    """,
    "answers told twice; the answer to a query is not": """
        set duplicate_prob 1
        0.000 book 100.0x5 100.3x10
        0.001 place 1 sell 100.2x4          -> ack 1 100.2x4 ahead 0; ack 1 100.2x4 ahead 0
        0.002 trade 100.2x3 buy             -> fill 1 100.2x3 queue ahead 0; fill 1 100.2x3 queue ahead 0
        0.003 query 1                       -> status 1 100.2x4 ahead 0 cum 3
    """,
    "an outage refuses what arrives, resting orders stay and fill, and queries are not answered": """
        set outage_every_sec 1
        set outage_sec 0.1
        0.000 book 100.0x5 100.3x10
        0.050 place 1 sell 100.2x4          -> reject 1 outage
        0.060 query 1
        0.100 query 1                       -> reject 1 outage
        0.101 place 2 sell 100.2x4          -> ack 2 100.2x4 ahead 0
        1.010 amend 2 100.3x4               -> amend_reject 2 outage
        1.020 cancel 2                      -> cancel_reject 2 outage
        1.030 query 2
        1.040 trade 100.2x1 buy             -> fill 2 100.2x1 queue ahead 0
        1.050 cancel 7                      -> cancel_reject 7 outage
        1.100 cancel 2                      -> cancel_ack 2 cum 1
    """,
    "the moment of arrival decides whether an outage is met": """
        set outage_every_sec 1
        set outage_sec 0.1
        set entry_latency_ms 5
        0.500 book 100.0x5 100.3x10
        0.997 place 1 sell 100.2x4
        1.097 place 2 sell 100.2x4          -> reject 1 outage
        1.200 wait                          -> ack 2 100.2x4 ahead 0
    """,
}
LIQUIDATION_IS_TOLD = """
    set leverage 10
    set lost_answer_prob 1
    set duplicate_prob 1
    set late_answer_prob 1
    set position -3 100.0
    0.000 book 108.9x5 109.0x8              -> fill 0 109.0x3 taker liquidation
"""


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name: str) -> None:
    check(FAULTS[name])


@pytest.mark.parametrize("name", FAULTS)
def test_mirrored_fault(name: str) -> None:
    check(mirrored(FAULTS[name]))


def test_a_liquidation_is_told_once_whatever_faults_there_are() -> None:
    assert check(LIQUIDATION_IS_TOLD).state.lost_answer_count == 0
