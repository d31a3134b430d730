"""The entry group: where it is placed, how it chases, when it is reaped, and what refusals and races do to it."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.desk import check

PLACED = "0.000 book 99.80x50 100.00x50 -> place 1 100.00x5 entry\n0.010 ack 1\n"

CHASE = {
    "placed at the ask, and followed at once when half a second has passed": """
        0.700 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.710 amended 1
    """,
    "not within half a second of the placement, then by the timer exactly at its end": """
        0.499 book 99.80x50 100.02x50       -> @0.500 amend 1 100.02x5 chase
        0.600 wait
    """,
    "the timer finds the ask of that moment": """
        0.100 book 99.80x50 100.02x50
        0.200 book 99.80x50 100.04x50
        0.400 book 99.80x50 100.03x50       -> @0.500 amend 1 100.03x5 chase
        0.600 wait
    """,
    "an ask that is back in time asks for nothing": """
        0.100 book 99.80x50 100.02x50
        0.400 book 99.80x50 100.00x50
        0.900 wait
    """,
    "half a second counts from the last amend's sending": """
        0.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.510 amended 1
        0.600 book 99.80x50 100.04x50       -> @1.000 amend 1 100.04x5 chase
        1.100 wait
    """,
    "one amend at a time: a late answer lets the next one go": """
        0.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        1.100 book 99.80x50 100.04x50
        1.300 amended 1                     -> amend 1 100.04x5 chase
    """,
    "downwards as well, up to the limit": """
        0.700 book 99.80x50 99.95x50        -> amend 1 99.95x5 chase
        0.710 amended 1
        1.500 show                          -> short 0 entry working close idle
    """,
    "further down than max_chase_bps from the ask at placement it is reaped, throttle or not": """
        0.100 book 99.80x50 99.94x50        -> cancel 1 reap_chase
        0.110 canceled 1                    -> end 1 canceled 0/5 reap_chase
        0.120 show                          -> short 0 entry idle close idle
    """,
    "the limit counts from the placement, not from the last amend": """
        0.700 book 99.80x50 99.97x50        -> amend 1 99.97x5 chase
        0.710 amended 1
        1.300 book 99.80x50 99.94x50        -> cancel 1 reap_chase
    """,
    "an amend below the venue's minimum is not sent: the order stays, and follows again where it clears it": """
        set instrument.min_notional_usd 499.9
        0.700 book 99.80x50 99.97x50
        1.300 book 99.80x50 99.98x50        -> amend 1 99.98x5 chase
        1.310 amended 1
        2.000 book 99.80x50 99.96x50
        7.000 book 99.80x50 99.97x50        -> @8.000 cancel 1 reap_age
        8.100 wait
    """,
    "what it is below the minimum at is not its own price: it fills where it stayed": """
        set instrument.min_notional_usd 499.9
        0.700 book 99.80x50 99.97x50
        0.800 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
    """,
    "an invalid book moves nothing": """
        0.700 book 100.10x50 100.02x50
        0.800 book 99.80x50 100.00x50
    """,
}

REAP = {
    "eight seconds after the placement, amends do not count": """
        7.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        7.510 amended 1                     -> @8.000 cancel 1 reap_age
        8.010 canceled 1                    -> end 1 canceled 0/5 reap_age
    """,
    "a reap while an amend is on its way waits for its answer": """
        7.900 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        8.300 amended 1                     -> cancel 1 reap_age
        8.310 canceled 1                    -> end 1 canceled 0/5 reap_age
    """,
    "two seconds after the placement without its signal": """
        set execution.entry_keep_pump 100
        1.900 book 99.80x50 100.00x50       -> @2.000 cancel 1 reap_signal
        2.100 wait
    """,
    "at once when the signal goes later": """
        set signals.max_trend_bps 3
        3.000 book 99.82x50 100.02x50       -> amend 1 100.02x5 chase
        3.010 amended 1
        4.000 book 99.86x50 100.06x50       -> cancel 1 reap_signal
    """,
    "what filled stays, and what fills during the reap": """
        1.000 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        1.010 ack 2
        8.000 wait                          -> cancel 1 reap_age
        8.001 fill 1 100.00x1               -> amend 2 99.75x3 step
        8.002 canceled 1                    -> end 1 canceled 3/5 reap_age
        8.010 amended 2
        8.100 show                          -> short 3 entry idle close idle
    """,
    "a fill of everything wins over the cancel": """
        8.000 wait                          -> cancel 1 reap_age
        8.001 fill 1 100.00x5               -> end 1 filled 5/5 reap_age; place 2 99.75x5 take_profit
        8.002 cancel_reject 1 unknown_order
        8.010 ack 2
        8.100 show                          -> short 5 entry idle close idle stray 1
    """,
    "a cancel the venue refuses waits for the fill that explains it": """
        8.000 wait                          -> cancel 1 reap_age
        8.001 cancel_reject 1 unknown_order
        8.002 show                          -> short 0 entry reaping close idle
        8.003 fill 1 100.00x5               -> end 1 filled 5/5 reap_age; place 2 99.75x5 take_profit
    """,
}

RACES = {
    "a fill of the old order while its amend travels": """
        0.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.501 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        0.502 amended 1
        0.510 ack 2
        1.600 fill 1 100.02x3               -> end 1 filled 5/5 entry; amend 2 99.77x5 step
    """,
    "filled while the amend travelled: the amend's refusal is not news": """
        0.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.501 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.502 amend_reject 1 unknown_order
        0.600 show                          -> short 5 entry idle close idle stray 1
    """,
    "a refused amend leaves the order as it was, and is tried again": """
        0.500 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.510 amend_reject 1 no_change      -> @1.000 amend 1 100.02x5 chase
        1.100 wait
    """,
    "the acknowledgement after the fill": """
        0.500 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        0.600 ack 1
        0.700 fill 1 100.00x1 cum 3
        0.710 ack 2                         -> @1.000 amend 2 99.75x3 step
        1.100 wait
    """,
    "a fill reported twice, and one out of order, count once": """
        0.500 fill 1 100.00x1 cum 1         -> place 2 99.75x1 take_profit
        0.510 ack 2
        0.520 fill 1 100.00x1 cum 1
        0.530 fill 1 100.00x1 cum 3
        0.540 fill 1 100.00x1 cum 2         -> @1.000 amend 2 99.75x3 step
        1.010 amended 2
        1.100 show                          -> short 3 entry working close idle
    """,
    "late words about an order that has ended change nothing": """
        0.500 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.510 ack 2
        0.600 fill 1 100.00x5 cum 5
        0.700 ack 1
        0.800 canceled 1
        0.900 show                          -> short 5 entry idle close idle stray 3
    """,
}

REFUSALS = {
    "refused as crossing: sent again at the next valid book, at the ask of that book": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 reject 1 would_cross          -> end 1 rejected 0/5 would_cross
        0.020 trade 100.00x1 buy
        0.030 book 100.10x50 100.00x50
        0.040 book 99.80x50 100.03x50       -> place 2 100.03x5 retry
        0.050 ack 2
    """,
    "three times, then given up": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 reject 1 would_cross          -> end 1 rejected 0/5 would_cross
        0.100 book 99.80x50 100.00x50       -> place 2 100.00x5 retry
        0.110 reject 2 would_cross          -> end 2 rejected 0/5 would_cross
        0.200 book 99.80x50 100.00x50       -> place 3 100.00x5 retry
        0.210 reject 3 would_cross          -> end 3 rejected 0/5 would_cross
        0.300 book 99.80x50 100.00x50       -> place 4 100.00x5 retry
        0.310 reject 4 would_cross          -> end 4 rejected 0/5 post_only
        0.400 book 99.80x50 100.00x50
        0.500 show                          -> short 0 entry idle close idle
    """,
    "a refusal for another reason is final": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 reject 1 below_min_notional   -> end 1 rejected 0/5 below_min_notional
        0.020 show                          -> short 0 entry idle close idle
    """,
    "cancelled by its own amend: what is left is sent again": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        0.030 ack 2
        0.500 book 99.80x50 99.99x50        -> amend 1 99.99x5 chase
        0.510 canceled 1 amend_cross        -> end 1 canceled 2/5 would_cross
        0.600 book 99.80x50 99.98x50        -> place 3 99.98x3 retry
    """,
    "what is left is below the venue's minimum at the lowest price it may be sent at: given up": """
        set instrument.min_notional_usd 200
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x3               -> place 2 99.75x3 take_profit
        0.030 ack 2
        0.500 book 99.80x50 99.99x50        -> amend 1 99.99x5 chase
        0.510 canceled 1 amend_cross        -> end 1 canceled 3/5 too_small
        0.520 show                          -> short 3 entry idle close idle
        0.600 book 99.80x50 100.00x50
    """,
    "what is left just clears it there, and is sent again at that price": """
        set instrument.min_notional_usd 199.9
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x3               -> place 2 99.75x3 take_profit
        0.030 ack 2
        0.500 book 99.80x50 99.99x50        -> amend 1 99.99x5 chase
        0.510 canceled 1 amend_cross        -> end 1 canceled 3/5 would_cross
        0.600 book 99.80x50 99.95x50        -> place 3 99.95x2 retry
    """,
    "what waits to be sent again keeps the age of its group": """
        set execution.answer_timeout_ms 10000
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        7.900 reject 1 would_cross          -> end 1 rejected 0/5 would_cross
        8.100 book 99.80x50 100.00x50
        8.200 show                          -> short 0 entry idle close idle
    """,
    "not sent again below the chase limit": """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 reject 1 would_cross          -> end 1 rejected 0/5 would_cross
        0.100 book 99.80x50 99.90x50
        0.110 show                          -> short 0 entry idle close idle
        0.200 book 99.80x50 100.00x50
    """,
}

CAPS = {
    "an amend that would break the symbol's cap is not sent, one that fits is": """
        set grid.max_symbol_notional 500.21
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.600 book 99.80x50 100.06x50
        0.700 book 99.80x50 100.04x50       -> amend 1 100.04x5 chase
        0.710 amended 1
        1.300 book 99.80x50 100.05x50
        1.400 book 99.80x50 99.99x50        -> amend 1 99.99x5 chase
        1.410 amended 1
        2.000 book 99.80x50 100.04x50       -> amend 1 100.04x5 chase
    """,
    "nor one that would break the portfolio's": """
        set portfolio.max_total_notional 500.21
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.600 book 99.80x50 100.06x50
        0.700 book 99.80x50 100.04x50       -> amend 1 100.04x5 chase
    """,
    "what fits no longer is not sent again": """
        set grid.max_symbol_notional 500.21
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 reject 1 would_cross          -> end 1 rejected 0/5 would_cross
        0.100 book 99.80x50 100.06x50
        0.200 show                          -> short 0 entry working close idle
        0.300 book 99.80x50 100.04x50       -> place 2 100.04x5 retry
    """,
}

# The first entry fills at 100.00; adds need the ask 20 bps above the average, and 8 s and 2 s are counted from their own placement.
ADD = """
        set grid.max_layers 3
        set grid.cooldown_sec 0.1
        set grid.base_spacing_bps 20
        set execution.entry_keep_pump 100
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 100.00x50 100.30x50      -> place 3 100.30x5 average
        1.010 ack 3
"""

ADDS = {
    "an add needs no signal to go on": """
        4.000 book 100.00x50 100.30x50
        8.900 show                          -> short 5 entry working close idle; @9.000 cancel 3 reap_age
        9.100 wait
    """,
    "slices of one add are one layer, whose take-profit is the new average's": """
        2.000 fill 3 100.30x2               -> amend 2 99.84x7 step
        2.010 amended 2
        2.600 fill 3 100.30x3               -> end 3 filled 5/5 average; amend 2 99.90x10 step
        2.610 amended 2
        2.700 show                          -> short 10 entry idle close idle
    """,
}


def named(*groups: dict[str, str]) -> list[object]:
    return [pytest.param(table, id=name) for group in groups for name, table in group.items()]


@pytest.mark.parametrize("table", named(CHASE, REAP, RACES))
def test_a_placed_entry(table: str) -> None:
    settings = "".join(f"{line}\n" for line in table.splitlines() if "set " in line)
    rest = "\n".join(line for line in table.splitlines() if "set " not in line)
    check(settings + PLACED + rest)


@pytest.mark.parametrize("table", named(REFUSALS, CAPS))
def test_refusals_and_caps(table: str) -> None:
    check(table)


@pytest.mark.parametrize("table", named(ADDS))
def test_adds(table: str) -> None:
    desk = check(ADD + table)
    assert desk.state.ledger.layers_opened == (2 if desk.state.ledger.short_lots == 10 else 1)


def test_every_refusal_as_crossing_is_counted() -> None:
    desk = check(REFUSALS["three times, then given up"])
    assert desk.state.ledger.post_only_rejects == 4
