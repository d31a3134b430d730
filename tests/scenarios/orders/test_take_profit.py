"""The resting take-profit: placed at the first fill, kept in step, throttled, retried; and what it owes to our own sells."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.desk import check

OPEN = """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
"""
PARTLY = """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        0.030 ack 2
"""

IN_STEP = {
    "grows with the position, at the end of its throttle": """
        0.100 fill 1 100.00x1
        0.200 fill 1 100.00x1               -> @0.520 amend 2 99.75x4 step
        0.530 amended 2
        1.100 fill 1 100.00x1               -> end 1 filled 5/5 entry; amend 2 99.75x5 step
    """,
    "its own fills cause no amend, and are part of the total of the next": """
        0.600 fill 2 99.75x1
        1.200 book 99.80x50 100.00x50
        1.300 fill 1 100.00x1               -> amend 2 99.75x3 step
        1.310 amended 2
        1.900 wait
    """,
    "a fill of the old order while its amend travels is in the total already": """
        0.600 fill 1 100.00x1               -> amend 2 99.75x3 step
        0.601 fill 2 99.75x1
        0.610 amended 2
        1.500 show                          -> short 2 entry working close idle
    """,
    "placed only once its first answer is there": """
        0.600 fill 1 100.00x1               -> amend 2 99.75x3 step
        0.700 fill 1 100.00x1
        1.300 amended 2                     -> amend 2 99.75x4 step
    """,
}

PRICE = {
    "never nearer to the ask than a tick": """
        0.600 book 99.45x50 99.75x50        -> amend 2 99.74x5 step
        0.610 amended 2
        0.700 book 99.60x50 99.90x50        -> @1.100 amend 2 99.75x5 step
        1.110 amended 2
        1.700 book 99.60x50 99.90x50
    """,
    "a refused amend is tried again, not sooner than half a second": """
        0.600 book 99.45x50 99.75x50        -> amend 2 99.74x5 step
        0.610 amend_reject 2 reduce_only    -> @1.100 amend 2 99.74x5 step
        1.200 wait
    """,
    "what the venue expires is placed anew at once": """
        0.600 expired 2 reduce_only         -> end 2 expired 0/5 reduce_only; place 3 99.75x5 take_profit
    """,
}

REFUSED = {
    "a refused one waits for another ask": """
        0.040 reject 2 would_cross          -> end 2 rejected 0/2 would_cross
        0.700 book 99.80x50 100.00x50
        0.800 book 99.80x50 100.01x50       -> amend 1 100.01x5 chase; place 3 99.75x2 take_profit
    """,
    "and for half a second": """
        0.040 reject 2 would_cross          -> end 2 rejected 0/2 would_cross
        0.100 book 99.81x50 100.01x50       -> @0.500 amend 1 100.01x5 chase; @0.540 place 3 99.75x2 take_profit
        0.600 wait
    """,
    "one cancelled by its own amend likewise": """
        0.100 ack 2
        0.600 fill 1 100.00x1               -> amend 2 99.75x3 step
        0.610 canceled 2 amend_cross        -> end 2 canceled 0/2 amend_cross
        1.200 book 99.80x50 100.00x50
        1.300 book 99.80x50 100.01x50       -> amend 1 100.01x5 chase; place 3 99.75x3 take_profit
    """,
    "a buy does not go up to our own sell, which is reaped first": """
        set execution.max_chase_bps 100
        0.040 reject 2 would_cross          -> end 2 rejected 0/2 would_cross
        0.600 book 99.40x50 99.70x50        -> amend 1 99.70x5 chase; place 3 99.69x2 take_profit
        0.610 amended 1
        0.620 ack 3
        0.700 book 99.40x50 99.90x50        -> cancel 1 self_trade
        0.710 canceled 1                    -> end 1 canceled 2/5 self_trade; @1.100 amend 3 99.75x2 step
        1.200 wait
    """,
}

FLAT = {
    "flat by the take-profit: one close, nothing left to do": """
        1.000 fill 2 99.75x2
        1.100 fill 2 99.75x3                -> end 2 filled 5/5 take_profit; close tp_rest 5
        1.200 show                          -> short 0 entry idle close idle
        1.300 fill 2 99.75x3 cum 5
        1.400 show                          -> short 0 entry idle close idle stray 1
    """,
}

FLAT_PARTLY = {
    "flat by the take-profit cancels the working entry": """
        0.300 fill 2 99.75x2                -> end 2 filled 2/2 take_profit; close tp_rest 2; cancel 1 reap_flat
        0.310 canceled 1                    -> end 1 canceled 2/5 reap_flat
        0.400 show                          -> short 0 entry idle close idle
    """,
    "what that still fills is a position like any other": """
        0.300 fill 2 99.75x2                -> end 2 filled 2/2 take_profit; close tp_rest 2; cancel 1 reap_flat
        0.301 fill 1 100.00x1               -> place 3 99.75x1 take_profit
        0.310 canceled 1                    -> end 1 canceled 3/5 reap_flat
        0.320 ack 3
        0.900 fill 3 99.75x1                -> end 3 filled 1/1 take_profit; close tp_rest 1
    """,
}

OWN_SIDES = {
    "an entry is not chased down to our own buy": """
        set execution.max_chase_bps 100
        0.600 book 99.45x50 99.75x50        -> cancel 1 self_trade; amend 2 99.74x2 step
        0.610 canceled 1                    -> end 1 canceled 2/5 self_trade
        0.620 amended 2
    """,
}


def named(*groups: dict[str, str]) -> list[object]:
    return [pytest.param(table, id=name) for group in groups for name, table in group.items()]


def after(opening: str, table: str) -> str:
    """A scenario that begins with an opening; its settings go before that."""
    lines = table.splitlines()
    return "\n".join([*(line for line in lines if "set " in line), opening, *(line for line in lines if "set " not in line)])


@pytest.mark.parametrize("table", named(PRICE, FLAT))
def test_over_a_whole_position(table: str) -> None:
    check(after(OPEN, table))


@pytest.mark.parametrize("table", named(IN_STEP, FLAT_PARTLY, OWN_SIDES))
def test_while_the_entry_works(table: str) -> None:
    check(after(PARTLY, table))


@pytest.mark.parametrize("table", named(REFUSED))
def test_refused(table: str) -> None:
    check(after(PARTLY.replace("0.030 ack 2", ""), table))


def test_a_refusal_is_forgotten_with_its_position() -> None:
    check("""
        set grid.cooldown_sec 0.1
        set exit.max_age_sec 1
        set risk.cooldown_steps_sec [0]
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 reject 2 would_cross          -> end 2 rejected 0/5 would_cross
        1.100 book 99.80x50 100.00x50       -> place 3 100.00x5 close_ioc
        1.110 fill 3 100.00x5 taker         -> end 3 filled 5/5 close_ioc; close timeout 5
        1.200 book 99.80x50 100.00x50       -> place 4 100.00x5 entry
        1.210 ack 4
        1.220 fill 4 100.00x5               -> end 4 filled 5/5 entry; place 5 99.75x5 take_profit
    """)
