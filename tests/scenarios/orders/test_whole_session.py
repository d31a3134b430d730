"""Whole sessions over scripted tapes: a round trip through the venue, refusals and races that latency makes, and the end of a tape."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.tape_play import check, play

SESSIONS = {
    "a round trip at rest": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.00x52 buy           -> @0.105 fill 1 100.00x2; @0.105 place 2 99.75x2 take_profit
        0.200 trade 100.00x90 buy           -> @0.205 fill 1 100.00x3; @0.205 end 1 filled 5/5 entry; @0.605 amend 2 99.75x5 step
        0.700 trade 99.74x9 sell            -> @0.705 fill 2 99.75x5; @0.705 end 2 filled 5/5 take_profit; @0.705 close tp_rest 5
        0.800 wait
        end
    """,
    "the ask comes down while the order travels: refused, and sent again at the next book": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.004 book 100.00x50 100.02x50      -> @0.010 end 1 rejected 0/5 would_cross
        0.100 book 99.80x50 100.01x50       -> place 2 100.01x5 retry
        0.200 wait
        end -> @0.200 end 2 canceled 0/5 end_of_tape
    """,
    "an amend that would cross cancels its order, and the rest is sent again": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.600 book 99.80x50 99.99x50        -> amend 1 99.99x5 chase
        0.603 book 99.99x50 100.05x50       -> @0.610 end 1 canceled 0/5 would_cross
        0.700 book 99.80x50 100.01x50       -> place 2 100.01x5 retry
        0.800 wait
        end -> @0.800 end 2 canceled 0/5 end_of_tape
    """,
    "a fill while the amend travels": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.603 trade 100.00x2 buy            -> @0.608 fill 1 100.00x2; @0.608 place 2 99.75x2 take_profit
        0.700 trade 100.03x9 buy            -> @0.705 fill 1 100.02x3; @0.705 end 1 filled 5/5 entry; @1.108 amend 2 99.77x5 step
        1.200 wait
        end -> @1.200 end 2 canceled 0/5 end_of_tape
    """,
    "a fill while the cancel travels": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        7.999 wait                          -> @8.000 cancel 1 reap_age
        8.004 trade 100.01x2 buy            -> @8.009 fill 1 100.00x2; @8.009 place 2 99.75x2 take_profit;
                                               @8.010 end 1 canceled 2/5 reap_age
        8.100 wait
        end -> @8.100 end 2 canceled 0/2 end_of_tape
    """,
    "an active close through the ladder": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x9 buy            -> @0.105 fill 1 100.00x5; @0.105 end 1 filled 5/5 entry; @0.105 place 2 99.75x5 take_profit
        1.000 book 99.84x50 99.88x3         -> cancel 2 clearing; @1.010 end 2 canceled 0/5 clearing; @1.010 place 3 99.85x5 close_maker;
                                               @1.210 cancel 3 maker_timeout; @1.220 end 3 canceled 0/5 maker_timeout;
                                               @1.220 place 4 99.88x5 close_ioc; @1.230 fill 4 99.88x3;
                                               @1.230 end 4 expired 3/5 no_liquidity; @1.230 place 5 0.00x2 close_market;
                                               @1.240 fill 5 99.89x1; @1.240 end 5 expired 1/2 no_liquidity
        1.300 book 99.84x50 99.89x50        -> place 6 0.00x1 sweep; @1.310 fill 6 99.89x1; @1.310 end 6 filled 1/1 sweep; @1.310 close tp 5
        1.400 wait
        end
    """,
}

ENDS = {
    "an open position stays open, live orders end": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy            -> @0.105 fill 1 100.00x2; @0.105 place 2 99.75x2 take_profit
        0.200 wait
        end -> @0.200 end 2 canceled 0/2 end_of_tape; @0.200 end 1 canceled 2/5 end_of_tape
    """,
    "what is in flight is delivered, and decides nothing": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy
        end -> @0.105 fill 1 100.00x2; @0.105 end 1 canceled 2/5 end_of_tape
    """,
    "positions that are not kept are closed at the last book": """
        set session.keep_positions false
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x9 buy            -> @0.105 fill 1 100.00x5; @0.105 end 1 filled 5/5 entry; @0.105 place 2 99.75x5 take_profit
        0.200 wait
        end -> @0.200 cancel 2 clearing; @0.210 end 2 canceled 0/5 clearing; @0.210 place 3 100.00x5 close_ioc;
               @0.220 fill 3 100.00x5; @0.220 end 3 filled 5/5 close_ioc; @0.220 close shutdown 5
    """,
    "nor is one whose fill was still on its way": """
        set session.keep_positions false
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy
        end -> @0.100 cancel 1 reap_close; @0.105 fill 1 100.00x2; @0.110 end 1 canceled 2/5 reap_close; @0.110 place 2 100.00x2 close_ioc;
               @0.120 fill 2 100.00x2; @0.120 end 2 filled 2/2 close_ioc; @0.120 close shutdown 2
    """,
    "an entry that nothing filled just ends": """
        set session.keep_positions false
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 wait
        end -> @0.100 cancel 1 reap_close; @0.110 end 1 canceled 0/5 reap_close
    """,
}


@pytest.mark.parametrize("table", [pytest.param(table, id=name) for group in (SESSIONS, ENDS) for name, table in group.items()])
def test_session(table: str) -> None:
    session = check(table)
    assert session.states[0].live_orders == 0
    assert session.states[0].ledger.short_lots == -session.venues[0].position_lots


FALLING = """
        set sim.feed_latency_ms 2.0
        set sim.response_latency_ms {response_ms}
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        2.000 book 99.70x50 99.85x50
        3.000 book 99.50x50 99.60x50
        4.000 book 99.50x50 99.60x50
"""


@pytest.mark.parametrize("response_ms", [1.0, 5.0], ids=["told before the book that filled", "told after it"])
def test_what_a_take_profit_slipped_is_told_by_the_ask_before_its_fill(response_ms: float) -> None:
    _, session = play(FALLING.format(response_ms=response_ms))
    behaviour = session.states[0].behaviour
    assert behaviour.close_head == 1
    assert behaviour.closes[0].slippage_bps == pytest.approx((99.75 / 99.85 - 1.0) * 10_000.0)
