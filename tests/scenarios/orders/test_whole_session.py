"""Whole sessions over scripted tapes: round trips through the venue, refusals, races that latency makes, lost answers, a tape's end."""

from __future__ import annotations

import pytest

from slackwater.schema.units import SEC
from tests.scenarios.orders.desk import T0, market_event
from tests.scenarios.orders.tape_play import check, play, session_of

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
        0.200 wait                          -> cancel 2 clearing
        end -> @0.210 end 2 canceled 0/5 clearing; @0.210 place 3 100.00x5 close_ioc;
               @0.220 fill 3 100.00x5; @0.220 end 3 filled 5/5 close_ioc; @0.220 close shutdown 5
    """,
    "nor is one whose fill was still on its way": """
        set session.keep_positions false
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy            -> cancel 1 reap_close
        end -> @0.105 fill 1 100.00x2; @0.110 end 1 canceled 2/5 reap_close; @0.110 place 2 100.00x2 close_ioc;
               @0.120 fill 2 100.00x2; @0.120 end 2 filled 2/2 close_ioc; @0.120 close shutdown 2
    """,
    "an answer that is overdue at the end is waited for, and so is each one on the way out": """
        set session.keep_positions false
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x9 buy            -> @2.000 query 1 unanswered; @2.010 fill 1 100.00x5; @2.010 end 1 filled 5/5 entry;
                                               @2.010 place 2 99.75x5 take_profit; @4.010 query 2 unanswered
        4.015 wait
        end -> @4.020 cancel 2 clearing; @6.020 query 2 unanswered; @6.030 end 2 canceled 0/5 clearing; @6.030 place 3 100.00x5 close_ioc;
               @8.030 query 3 unanswered; @8.040 fill 3 100.00x5; @8.040 end 3 filled 5/5 close_ioc; @8.040 close shutdown 5
    """,
    "an entry whose answers were lost is asked after, and what it filled is closed": """
        set session.keep_positions false
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy
        end -> @2.000 query 1 unanswered; @2.010 fill 1 100.00x2; @2.010 cancel 1 reap_close; @4.010 query 1 unanswered;
               @4.020 end 1 canceled 2/5 reap_close; @4.020 place 2 100.00x2 close_ioc; @6.020 query 2 unanswered;
               @6.030 fill 2 100.00x2; @6.030 end 2 filled 2/2 close_ioc; @6.030 close shutdown 2
    """,
    "an entry that nothing filled just ends": """
        set session.keep_positions false
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 wait                          -> cancel 1 reap_close
        end -> @0.110 end 1 canceled 0/5 reap_close
    """,
}

LOST = {
    "what filled and was never told is told at the end": """
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x9 buy
        0.200 wait
        end -> @0.200 fill 1 100.00x5; @0.200 end 1 filled 5/5 entry
    """,
    "what still rests is taken back with what it filled": """
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy
        0.200 wait
        end -> @0.200 fill 1 100.00x2; @0.200 end 1 canceled 2/5 end_of_tape
    """,
    "a cancel that was carried out counts as ours": """
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry; @2.000 query 1 unanswered
        8.000 wait                          -> cancel 1 reap_age
        8.100 wait
        end -> @8.100 end 1 canceled 0/5 reap_age
    """,
    "a modify that nobody answered ends with its order": """
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry; @2.000 query 1 unanswered
        2.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        2.600 wait
        end -> @2.600 end 1 canceled 0/5 end_of_tape
    """,
    "fills are told in the order in which orders ended": """
        set sim.lost_answer_prob 1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x2 buy            -> @2.000 query 1 unanswered; @2.010 fill 1 100.00x2; @2.010 place 2 99.75x2 take_profit
        2.100 trade 100.01x9 buy
        2.200 trade 99.74x9 sell
        end -> @2.200 fill 1 100.00x3; @2.200 fill 2 99.75x2; @2.200 end 1 filled 5/5 entry; @2.200 end 2 filled 2/2 take_profit
    """,
}


@pytest.mark.parametrize("table", [pytest.param(table, id=name) for group in (SESSIONS, ENDS, LOST) for name, table in group.items()])
def test_session(table: str) -> None:
    session = check(table)
    assert session.states[0].live_orders == 0
    assert session.states[0].ledger.short_lots == -session.venues[0].position_lots


def test_the_account_is_noted_each_second_but_not_through_a_hole_of_the_tape() -> None:
    told = [
        "0.0 book 99.80x50 100.00x50",
        "0.1 trade 100.01x9 buy",
        "5.0 book 99.80x50 100.00x50",
        "90000.0 book 99.80x50 99.99x50",
        "90002.0 wait",
    ]
    events = [(T0 + round(float(at) * SEC), market_event(word, rest)) for at, word, *rest in (line.split() for line in told)]
    seconds = []
    for out in session_of(events, {}).run():
        seconds += [(int(at_ns) - T0) / SEC for at_ns in out[0].equities["ts_ns"][: out[0].equity_count]]
        out[0].equity_count = 0
    before = [at for at in seconds if at < 90_000]
    assert max(later - at for at, later in zip(before, before[1:], strict=False)) < 1.0 + 1e-6
    assert 65.0 <= before[-1] <= 66.0
    assert seconds[len(before)] == 90_000.0


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
