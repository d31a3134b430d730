"""Closing orders that say nothing of their end, or that the venue has nothing for."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.desk import check
from tests.scenarios.orders.test_races import PLACED, opened
from tests.scenarios.orders.test_take_profit import OPEN, after, named

UNENDED = {
    "an IOC is answered by its end: acknowledged, it is asked after as well, and blocks until then": """
        set exit.stop_loss_bps 30
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 ack 3                         -> @3.010 query 3 unanswered; @4.010 query 3 unanswered
        4.020 status 3 100.40x5 cum 5       -> end 3 filled 5/5 close_ioc; close stop 5
        4.030 show                          -> short 0 entry idle close idle
    """,
    "its end is told again: what it left goes on at market, and that is asked after likewise": """
        set exit.stop_loss_bps 30
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.015 ack 3
        1.020 fill 3 100.40x2 taker         -> @3.010 query 3 unanswered
        3.020 expired 3 no_liquidity        -> end 3 expired 2/5 no_liquidity; place 4 0.00x3 close_market
        3.030 ack 4                         -> @5.020 query 4 unanswered
        5.030 status 4 0.00x3 cum 3         -> end 4 filled 3/3 close_market; close stop 5
    """,
    "a stop comes up while a profit's IOC is out: it is remembered, and takes what is left": """
        set exit.stop_loss_bps 30
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 reject 3 would_cross          -> end 3 rejected 0/5 would_cross; place 4 99.88x5 close_ioc
        1.030 ack 4                         -> @3.020 query 4 unanswered
        3.100 book 100.30x50 100.40x50
        3.200 expired 4 no_liquidity        -> end 4 expired 0/5 no_liquidity; place 5 0.00x5 close_market
        3.210 show                          -> short 5 entry idle close market stop leaves 0
    """,
    "a shutdown does not wait for ever for it": """
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 shutdown                      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.00x5 close_ioc
        1.020 ack 3                         -> @3.010 query 3 unanswered
        3.020 status 3 100.00x5 cum 5       -> end 3 filled 5/5 close_ioc; close shutdown 5
    """,
    "a maker of a close rests: nothing of it is overdue until its cancel is": """
        set execution.maker_exit_wait_ms 5000
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3                         -> @6.010 cancel 3 maker_timeout; @8.010 query 3 unanswered
        8.100 show                          -> short 5 entry idle close maker tp leaves 0
    """,
}

GONE = {
    "what the venue does not hold is not swept for ever: the wait doubles with each refusal in a row": """
        set exit.stop_loss_bps 30
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 reject 3 reduce_only          -> end 3 rejected 0/5 reduce_only; place 4 0.00x5 close_market
        1.030 reject 4 reduce_only          -> end 4 rejected 0/5 reduce_only
        1.100 book 100.30x50 100.40x50      -> place 5 0.00x5 sweep
        1.110 reject 5 reduce_only          -> end 5 rejected 0/5 reduce_only
        5.099 book 100.30x50 100.40x50
        5.100 book 100.30x50 100.40x50      -> place 6 0.00x5 sweep
        5.110 reject 6 busy                 -> end 6 rejected 0/5 busy
        9.099 book 100.30x50 100.40x50
        9.100 book 100.30x50 100.40x50      -> place 7 0.00x5 sweep
        9.110 ack 7
        9.110 expired 7 no_liquidity        -> end 7 expired 0/5 no_liquidity
        9.599 book 100.30x50 100.40x50
        9.600 book 100.30x50 100.40x50      -> place 8 0.00x5 sweep
    """,
    "at most about a minute": """
        set exit.stop_loss_bps 30
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 reject 3 reduce_only          -> end 3 rejected 0/5 reduce_only; place 4 0.00x5 close_market
        1.030 reject 4 reduce_only          -> end 4 rejected 0/5 reduce_only
        100.000 book 100.30x50 100.40x50    -> place 5 0.00x5 sweep
        100.010 reject 5 reduce_only        -> end 5 rejected 0/5 reduce_only
        200.000 book 100.30x50 100.40x50    -> place 6 0.00x5 sweep
        200.010 reject 6 reduce_only        -> end 6 rejected 0/5 reduce_only
        300.000 book 100.30x50 100.40x50    -> place 7 0.00x5 sweep
        300.010 reject 7 reduce_only        -> end 7 rejected 0/5 reduce_only
        400.000 book 100.30x50 100.40x50    -> place 8 0.00x5 sweep
        400.010 reject 8 reduce_only        -> end 8 rejected 0/5 reduce_only
        500.000 book 100.30x50 100.40x50    -> place 9 0.00x5 sweep
        500.010 reject 9 reduce_only        -> end 9 rejected 0/5 reduce_only
        600.000 book 100.30x50 100.40x50    -> place 10 0.00x5 sweep
        600.010 reject 10 reduce_only       -> end 10 rejected 0/5 reduce_only
        663.999 book 100.30x50 100.40x50
        664.000 book 100.30x50 100.40x50    -> place 11 0.00x5 sweep
    """,
}


@pytest.mark.parametrize("table", named(UNENDED))
def test_an_end_that_is_not_told(table: str) -> None:
    check(opened(PLACED, table))


@pytest.mark.parametrize("table", named(GONE))
def test_nothing_to_close(table: str) -> None:
    check(after(OPEN, table))
