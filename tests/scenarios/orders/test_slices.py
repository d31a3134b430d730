"""Groups of several slices: how they are sent, chased, refused and kept in step. What is drawn is the desk's seed's."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.desk import check

THREE = """
        set stealth.always_split true
        set stealth.min_slices 3
        set stealth.max_slices 3
        set grid.min_notional 5003.0
        set grid.max_notional 5003.0
"""
FAR = "set execution.max_chase_bps 100"
PLACED = """
        0.000 book 99.80x500 100.00x500     -> place 1 100.01x12 entry; place 2 100.02x16 entry; place 3 100.00x22 entry
        0.010 ack 1
        0.010 ack 2
        0.010 ack 3
"""

ENTRY = {
    "all slices are one layer": """
        0.020 fill 3 100.00x22              ->
            end 3 filled 22/22 entry; place 4 99.74x6 take_profit; place 5 99.75x6 take_profit; place 6 99.73x10 take_profit
        0.030 fill 2 100.02x16              -> end 2 filled 16/16 entry
        0.040 fill 1 100.01x12              -> end 1 filled 12/12 entry
        0.050 show                          -> short 50 entry idle close idle
    """,
    "each follows the ask from its own distance": """
        0.700 book 99.80x500 100.03x500     -> amend 1 100.04x12 chase; amend 2 100.05x16 chase; amend 3 100.03x22 chase
        0.710 amended 1
        0.720 amended 2
        0.730 amended 3
        1.000 book 99.80x500 100.02x500     ->
            @1.200 amend 1 100.03x12 chase; @1.200 amend 2 100.04x16 chase; @1.200 amend 3 100.02x22 chase
        1.300 wait
    """,
    "one that has filled is not amended, one that is being amended waits for its answer": """
        0.700 book 99.80x500 100.03x500     -> amend 1 100.04x12 chase; amend 2 100.05x16 chase; amend 3 100.03x22 chase
        0.710 amended 1
        1.300 book 99.80x500 100.04x500     -> amend 1 100.05x12 chase
        1.310 amended 2                     -> amend 2 100.06x16 chase
    """,
    "the reap takes them all": """
        8.000 wait                          -> cancel 1 reap_age; cancel 2 reap_age; cancel 3 reap_age
        8.010 canceled 2                    -> end 2 canceled 0/16 reap_age
        8.020 canceled 1                    -> end 1 canceled 0/12 reap_age
        8.030 show                          -> short 0 entry reaping close idle
        8.040 canceled 3                    -> end 3 canceled 0/22 reap_age
        8.050 show                          -> short 0 entry idle close idle
    """,
}

REFUSED = {
    "a refused slice is sent again from its own distance while the others work": """
        0.000 book 99.80x500 100.00x500     -> place 1 100.01x12 entry; place 2 100.02x16 entry; place 3 100.00x22 entry
        0.010 ack 1
        0.010 reject 2 would_cross          -> end 2 rejected 0/16 would_cross
        0.010 ack 3
        0.100 book 99.80x500 99.98x500      -> place 4 100.00x16 retry; @0.500 amend 1 99.99x12 chase; @0.500 amend 3 99.98x22 chase
        0.600 wait
    """,
    "all refused, all sent again": """
        0.000 book 99.80x500 100.00x500     -> place 1 100.01x12 entry; place 2 100.02x16 entry; place 3 100.00x22 entry
        0.010 reject 1 would_cross          -> end 1 rejected 0/12 would_cross
        0.010 reject 2 would_cross          -> end 2 rejected 0/16 would_cross
        0.010 reject 3 would_cross          -> end 3 rejected 0/22 would_cross
        0.020 show                          -> short 0 entry working close idle
        0.100 book 99.80x500 99.98x500      -> place 4 99.99x12 retry; place 5 100.00x16 retry; place 6 99.98x22 retry
    """,
}

# 50 lots at 100.00, chased down to 99.95 at the lowest.
MINIMUMS = {
    "three of 16 lots would not clear the minimum at 99.95, two of 17 and more do": """
        set instrument.min_notional_usd 1600
        0.000 book 99.80x500 100.00x500     -> place 1 100.01x22 entry; place 2 100.00x28 entry
        0.010 ack 1
        0.010 ack 2
        0.600 book 99.80x500 99.95x500      -> amend 1 99.96x22 chase; amend 2 99.95x28 chase
    """,
    "nor would two of 25: it stays whole": """
        set instrument.min_notional_usd 2500
        0.000 book 99.80x500 100.00x500     -> place 1 100.00x50 entry
        0.010 ack 1
        0.600 book 99.80x500 99.95x500      -> amend 1 99.95x50 chase
    """,
}

OWN_BUY = {
    "only the slice that would come down to our own buy goes": """
        0.020 fill 1 100.01x1               -> place 4 99.76x1 take_profit
        0.030 ack 4
        0.700 book 99.40x500 99.76x500      ->
            amend 1 99.77x12 chase; amend 2 99.78x16 chase; cancel 3 self_trade; amend 4 99.75x1 step
        0.710 amended 1
        0.710 amended 2
        0.710 amended 4
        0.720 canceled 3                    -> end 3 canceled 0/22 self_trade
        0.730 show                          -> short 1 entry working close idle
        0.740 fill 1 99.77x11               -> end 1 filled 12/12 entry
        0.750 fill 2 99.78x16               -> end 2 filled 16/16 entry
        0.760 show                          -> short 28 entry idle close idle
    """,
    "only those go that a take-profit on its way up would reach, and it waits for their end": """
        0.020 fill 1 100.01x1               -> place 4 99.76x1 take_profit
        0.030 reject 4 would_cross          -> end 4 rejected 0/1 would_cross
        0.600 book 99.40x500 99.75x500      ->
            amend 1 99.76x12 chase; amend 2 99.77x16 chase; amend 3 99.75x22 chase; place 5 99.74x1 take_profit
        0.610 amended 1
        0.610 amended 2
        0.610 amended 3
        0.620 ack 5
        0.700 book 99.40x500 99.90x500      -> cancel 1 self_trade; cancel 3 self_trade
        0.710 canceled 3                    -> end 3 canceled 0/22 self_trade; @1.100 amend 2 99.92x16 chase
        1.110 canceled 1                    -> end 1 canceled 1/12 self_trade; amend 5 99.76x1 step
        1.120 show                          -> short 1 entry working close idle
    """,
    "one that is to go is not sent again when its amend is refused": """
        0.020 fill 1 100.01x1               -> place 4 99.76x1 take_profit
        0.030 reject 4 would_cross          -> end 4 rejected 0/1 would_cross
        0.600 book 99.40x500 99.75x500      ->
            amend 1 99.76x12 chase; amend 2 99.77x16 chase; amend 3 99.75x22 chase; place 5 99.74x1 take_profit
        0.620 ack 5
        0.700 book 99.40x500 99.90x500
        0.710 canceled 3 amend_cross        -> end 3 canceled 0/22 would_cross
        0.720 book 99.40x500 99.90x500
        0.730 amended 1                     -> cancel 1 self_trade
    """,
}

WAITING = {
    "one that waits is given up if it would stand at our own buy, the others are sent": """
        0.000 book 99.80x500 100.00x500     -> place 1 100.01x12 entry; place 2 100.02x16 entry; place 3 100.00x22 entry
        0.010 ack 1
        0.010 reject 2 would_cross          -> end 2 rejected 0/16 would_cross
        0.010 reject 3 would_cross          -> end 3 rejected 0/22 would_cross
        0.020 fill 1 100.01x12              ->
            end 1 filled 12/12 entry; place 4 99.75x3 take_profit; place 5 99.76x3 take_profit; place 6 99.74x6 take_profit
        0.030 ack 4
        0.030 ack 5
        0.030 ack 6
        0.700 book 99.40x500 99.76x500      ->
            place 7 99.78x16 retry; amend 4 99.74x3 step; amend 5 99.75x3 step; amend 6 99.73x6 step
        0.710 ack 7
        0.800 book 99.40x500 99.80x500
        0.810 fill 7 99.78x16               -> end 7 filled 16/16 retry
        0.820 show                          -> short 28 entry idle close idle
    """,
}

TAKE_PROFIT = {
    "growth goes to the slice nearest to the market": """
        0.020 fill 3 100.00x22              ->
            end 3 filled 22/22 entry; place 4 99.74x6 take_profit; place 5 99.75x6 take_profit; place 6 99.73x10 take_profit
        0.030 ack 4
        0.030 ack 5
        0.030 ack 6
        0.700 fill 1 100.01x12              ->
            end 1 filled 12/12 entry; amend 4 99.75x6 step; amend 5 99.76x18 step; amend 6 99.74x10 step
        0.710 amended 4
        0.710 amended 5
        0.710 amended 6
    """,
    "its own fills cause no amend, in whatever slice": """
        0.020 fill 3 100.00x22              ->
            end 3 filled 22/22 entry; place 4 99.74x6 take_profit; place 5 99.75x6 take_profit; place 6 99.73x10 take_profit
        0.030 ack 4
        0.030 ack 5
        0.030 ack 6
        0.700 fill 5 99.75x6                -> end 5 filled 6/6 take_profit
        0.800 fill 6 99.73x4
        1.500 show                          -> short 12 entry working close idle
    """,
    "what a refused slice was to cover goes to the nearest one, when the ask is another and half a second has passed": """
        0.020 fill 3 100.00x22              ->
            end 3 filled 22/22 entry; place 4 99.74x6 take_profit; place 5 99.75x6 take_profit; place 6 99.73x10 take_profit
        0.030 reject 4 would_cross          -> end 4 rejected 0/6 would_cross
        0.030 ack 5
        0.030 ack 6
        0.800 trade 100.00x1 buy
        0.900 book 99.80x500 100.01x500     -> amend 1 100.02x12 chase; amend 2 100.03x16 chase; amend 5 99.75x12 step
    """,
    "a slice too many whose cancel is refused is asked for again, though the others are in step": """
        0.020 fill 3 100.00x22              ->
            end 3 filled 22/22 entry; place 4 99.74x6 take_profit; place 5 99.75x6 take_profit; place 6 99.73x10 take_profit
        0.030 ack 4
        0.030 ack 5
        0.030 ack 6
        0.100 canceled 1                    -> end 1 canceled 0/12 entry
        0.100 canceled 2                    -> end 2 canceled 0/16 entry
        1.000 fill 6 99.73x5
        1.100 expired 5 reduce_only         -> end 5 expired 0/6 reduce_only; amend 4 99.74x12 step
        1.110 amended 4
        2.000 fill 5 99.75x6                -> cancel 6 step; amend 4 99.74x11 step
        2.010 cancel_reject 6 outage
        2.010 amended 4
        2.100 book 99.80x500 100.00x500     -> @2.500 cancel 6 step
        2.510 canceled 6                    -> end 6 canceled 5/10 step
    """,
    "an exit clears the book of every slice, and waits for each": """
        set exit.stop_loss_bps 20
        0.020 fill 3 100.00x22              ->
            end 3 filled 22/22 entry; place 4 99.74x6 take_profit; place 5 99.75x6 take_profit; place 6 99.73x10 take_profit
        0.030 ack 4
        0.030 ack 5
        0.030 ack 6
        0.100 book 100.10x500 100.30x500    ->
            cancel 1 reap_close; cancel 2 reap_close; cancel 4 clearing; cancel 5 clearing; cancel 6 clearing
        0.110 canceled 4                    -> end 4 canceled 0/6 clearing
        0.110 canceled 5                    -> end 5 canceled 0/6 clearing
        0.110 canceled 1                    -> end 1 canceled 0/12 reap_close
        0.110 canceled 2                    -> end 2 canceled 0/16 reap_close
        0.120 show                          -> short 22 entry idle close clearing stop leaves 0
        0.130 canceled 6                    -> end 6 canceled 0/10 clearing; place 7 100.30x22 close_ioc
    """,
}


def named(*groups: dict[str, str]) -> list[object]:
    return [pytest.param(table, id=name) for group in groups for name, table in group.items()]


def settings(table: str) -> tuple[str, str]:
    lines = table.splitlines()
    return "\n".join(line for line in lines if "set " in line), "\n".join(line for line in lines if "set " not in line)


@pytest.mark.parametrize("table", named(ENTRY, TAKE_PROFIT))
def test_three_slices(table: str) -> None:
    own, lines = settings(table)
    check("\n".join([THREE, own, PLACED, lines]))


@pytest.mark.parametrize("table", named(REFUSED))
def test_refused_slices(table: str) -> None:
    check(THREE + table)


@pytest.mark.parametrize("table", named(MINIMUMS))
def test_slices_near_the_minimum(table: str) -> None:
    check(THREE + table)


@pytest.mark.parametrize("table", named(OWN_BUY))
def test_our_own_buy_in_the_way(table: str) -> None:
    check("\n".join([THREE, FAR, PLACED, table]))


@pytest.mark.parametrize("table", named(WAITING))
def test_our_own_buy_in_the_way_of_what_waits(table: str) -> None:
    check("\n".join([THREE, FAR, table]))


def test_one_layer_at_the_volume_weighted_price() -> None:
    desk = check(THREE + PLACED + ENTRY["all slices are one layer"])
    layer = desk.state.ledger.layers[0]
    assert (desk.state.ledger.layers_opened, layer.lots) == (1, 50)
    assert layer.price == pytest.approx((100.00 * 22 + 100.02 * 16 + 100.01 * 12) / 50)
