"""Races and silence: fills after the end, ends that tell more than was reported, answers that never come."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.desk import check

SENT = "0.000 book 99.80x50 100.00x50 -> place 1 100.00x5 entry; @2.000 query 1 unanswered\n"
PLACED = "0.000 book 99.80x50 100.00x50 -> place 1 100.00x5 entry\n0.010 ack 1\n"

LATE = {
    "a fill after the cancel's answer is a position like any other": """
        8.000 wait                          -> cancel 1 reap_age
        8.001 canceled 1                    -> end 1 canceled 0/5 reap_age
        8.002 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        8.003 fill 1 100.00x2 cum 2
        8.100 show                          -> short 2 entry idle close idle stray 1
    """,
    "an end that tells of more fills than were reported books them; reported later they are old": """
        8.000 wait                          -> cancel 1 reap_age
        8.001 canceled 1 cum 2              -> end 1 canceled 2/5 reap_age; place 2 99.75x2 take_profit
        8.002 fill 1 100.00x2 cum 2
        8.100 show                          -> short 2 entry idle close idle stray 1
    """,
    "so does the answer to an amend": """
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.610 amended 1 cum 5               -> end 1 filled 5/5 entry; place 2 99.77x5 take_profit
        0.620 fill 1 100.02x5 cum 5
        0.700 show                          -> short 5 entry idle close idle stray 1
    """,
    "a take-profit's fill after its end leaves the position exact": """
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 expired 2 reduce_only         -> end 2 expired 0/5 reduce_only; place 3 99.75x5 take_profit
        1.010 fill 2 99.75x2
        1.020 ack 3                         -> @1.500 amend 3 99.75x3 step
        1.510 amended 3
        1.600 show                          -> short 3 entry idle close idle
    """,
}

LATE_AND_FLAT = {
    "a take-profit's fill after its end that closes the position cancels the working add": """
        set grid.max_layers 4
        set grid.cooldown_sec 0.1
        set grid.base_spacing_bps 5
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 expired 2 reduce_only         -> end 2 expired 0/5 reduce_only; place 3 99.75x5 take_profit
        1.010 ack 3
        3.000 book 100.30x50 100.50x50      -> place 4 100.50x5 average
        3.010 ack 4
        3.020 fill 2 99.75x5                -> close tp_rest 5; cancel 4 reap_flat; cancel 3 step
        3.030 canceled 3                    -> end 3 canceled 0/5 step
        3.040 canceled 4                    -> end 4 canceled 0/5 reap_flat
        3.050 show                          -> short 0 entry idle close idle
    """,
    "what is refused when the position is gone already holds nothing of the next one back": """
        set grid.cooldown_sec 0.1
        set risk.cooldown_steps_sec [0]
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 expired 2 reduce_only         -> end 2 expired 0/5 reduce_only; place 3 99.75x5 take_profit
        1.005 fill 2 99.75x5                -> close tp_rest 5
        1.010 reject 3 reduce_only          -> end 3 rejected 0/5 reduce_only
        3.000 book 99.80x50 100.00x50       -> place 4 100.00x5 entry
        3.010 ack 4
        3.020 fill 4 100.00x5               -> end 4 filled 5/5 entry; place 5 99.75x5 take_profit
    """,
}

LATE_CLOSE = {
    "a fill of a close that was dropped since is for that close's reason": """
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3                         -> @1.210 cancel 3 maker_timeout
        1.215 book 99.80x50 100.00x50
        1.220 canceled 3                    -> end 3 canceled 0/5 maker_timeout; place 4 99.75x5 take_profit
        1.225 fill 3 99.85x5                -> close tp 5
        1.230 ack 4                         -> cancel 4 step
        1.240 canceled 4                    -> end 4 canceled 0/5 step
        1.300 show                          -> short 0 entry idle close idle
    """,
}

TWO_CLOSES = """
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3                         -> @1.210 cancel 3 maker_timeout
        1.215 book 99.80x50 100.00x50
        1.220 canceled 3                    -> end 3 canceled 0/5 maker_timeout; place 4 99.75x5 take_profit
        1.230 ack 4
        2.000 book 99.80x50 99.84x50        -> cancel 4 clearing
        2.005 fill 3 99.85x5                -> close tp 5
"""

TWO_TAKE_PROFITS = """
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 expired 2 reduce_only         -> end 2 expired 0/5 reduce_only; place 3 99.75x5 take_profit
        1.010 ack 3
        1.500 book 99.80x50 99.95x50
        1.600 fill 2 99.75x2                -> amend 3 99.75x3 step
        1.610 amended 3
        1.700 book 99.80x50 100.02x50
        1.800 fill 3 99.75x3                -> end 3 filled 3/3 take_profit; close tp_rest 5
"""

TWO_GROUPS = """
        set grid.cooldown_sec 0.1
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        8.000 wait                          -> cancel 1 reap_age
        8.001 canceled 1                    -> end 1 canceled 0/5 reap_age
        8.100 book 99.80x50 100.02x50       -> place 2 100.02x5 entry
        8.110 ack 2
        8.120 fill 1 100.00x2               -> place 3 99.75x2 take_profit
        8.130 ack 3
        8.700 fill 2 100.02x5               -> end 2 filled 5/5 entry; amend 3 99.77x7 step
        8.710 amended 3
        8.720 fill 1 100.00x1               -> @9.200 amend 3 99.77x8 step
        9.300 show                          -> short 8 entry idle close idle
"""

SILENCE = {
    "asked after two seconds, then every second, until it is settled; then things go on": """
        3.500 status 1 100.00x5
        3.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
    """,
    "the venue never had it": """
        2.100 reject 1 unknown_order        -> end 1 rejected 0/5 unknown_order
        2.200 show                          -> short 0 entry idle close idle
    """,
    "fills that were never reported are in the answer": """
        2.100 status 1 100.00x5 cum 3       -> place 2 99.75x3 take_profit
        2.200 show                          -> short 3 entry working close idle
    """,
    "its end is told again": """
        2.100 fill 1 100.00x5 cum 5         -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        2.200 show                          -> short 5 entry idle close idle
    """,
}

SILENCE_LATER = {
    "an amend without an answer": """
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase; @2.600 query 1 unanswered
        2.650 book 99.80x50 100.04x50
        2.700 status 1 100.02x5             -> amend 1 100.04x5 chase
    """,
    "an amend that never came is sent again": """
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase; @2.600 query 1 unanswered
        2.700 status 1 100.00x5             -> amend 1 100.02x5 chase
    """,
    "a cancel that never came is sent again": """
        8.000 wait                          -> cancel 1 reap_age; @10.000 query 1 unanswered
        10.100 status 1 100.00x5            -> cancel 1 reap_age
        10.110 canceled 1                   -> end 1 canceled 0/5 reap_age
    """,
    "an amend refused because the order is gone: how it ended is asked for": """
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.610 amend_reject 1 unknown_order  -> @2.600 query 1 unanswered
        2.700 fill 1 100.00x5 cum 5         -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
    """,
    "an answer to a query that was sent before the amend says nothing about the amend": """
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase; @2.600 query 1 unanswered
        2.650 book 99.80x50 100.04x50
        2.700 amended 1                     -> amend 1 100.04x5 chase
        2.710 status 1 100.02x5             -> @4.700 query 1 unanswered
        4.710 status 1 100.04x5
        4.720 show                          -> short 0 entry working close idle
    """,
    "while it lasts nothing else is sent, and no timer but its own runs": """
        7.000 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase; @9.000 query 1 unanswered
        9.100 book 99.80x50 99.90x50        -> @10.000 query 1 unanswered
        10.100 amended 1                    -> cancel 1 reap_age
    """,
}

REFUSED_CANCEL = {
    "a cancel that the venue was not there for is asked again after half a second, and blocks nothing": """
        8.000 wait                          -> cancel 1 reap_age
        8.010 cancel_reject 1 outage        -> @8.500 cancel 1 reap_age
        8.510 cancel_reject 1 busy          -> @9.000 cancel 1 reap_age
        9.010 canceled 1                    -> end 1 canceled 0/5 reap_age
        12.000 show                         -> short 0 entry idle close idle
    """,
    "what fills meanwhile is a position like any other, with its take-profit": """
        8.000 wait                          -> cancel 1 reap_age
        8.010 cancel_reject 1 outage
        8.200 fill 1 100.00x2               -> place 2 99.75x2 take_profit
        8.210 ack 2                         -> @8.500 cancel 1 reap_age
        8.510 fill 1 100.00x3               -> end 1 filled 5/5 reap_age
        8.600 show                          -> short 5 entry idle close idle
    """,
    "a stop need not wait for two seconds: the clearing goes on as soon as the venue is back": """
        set exit.stop_loss_bps 30
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 cancel_reject 2 outage
        1.200 book 100.30x50 100.40x50      -> @1.500 cancel 2 clearing
        1.510 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
    """,
    "the second time it may stay without an answer": """
        8.000 wait                          -> cancel 1 reap_age
        8.010 cancel_reject 1 outage        -> @8.500 cancel 1 reap_age; @10.500 query 1 unanswered
        10.510 status 1 100.00x5            -> cancel 1 reap_age
    """,
    "an order that is gone is not asked for again": """
        8.000 wait                          -> cancel 1 reap_age
        8.010 cancel_reject 1 unknown_order -> @10.000 query 1 unanswered
        10.010 canceled 1                   -> end 1 canceled 0/5 reap_age
    """,
}

FORCED = {
    "a stop is remembered and runs first, though the price has come back": """
        set exit.stop_loss_bps 50
        0.020 fill 1 100.00x5               ->
            end 1 filled 5/5 entry; place 2 99.75x5 take_profit; @2.020 query 2 unanswered
        2.500 book 100.80x50 101.00x50
        2.600 book 99.80x50 100.00x50
        2.700 status 2 99.75x5              -> cancel 2 clearing
        2.710 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.00x5 close_ioc
        2.720 fill 3 100.00x5 taker         -> end 3 filled 5/5 close_ioc; close stop 5
    """,
    "remembered without need: the position was gone": """
        set exit.stop_loss_bps 50
        0.020 fill 1 100.00x5               ->
            end 1 filled 5/5 entry; place 2 99.75x5 take_profit; @2.020 query 2 unanswered
        2.500 book 100.80x50 101.00x50
        2.700 fill 2 99.75x5 cum 5          -> end 2 filled 5/5 take_profit; close tp_rest 5
        2.800 show                          -> short 0 entry idle close idle
    """,
}


def named(*groups: dict[str, str]) -> list[object]:
    return [pytest.param(table, id=name) for group in groups for name, table in group.items()]


def opened(opening: str, table: str) -> str:
    """A scenario that begins with an opening; its settings go before that."""
    lines = table.splitlines()
    return "\n".join([*(line for line in lines if "set " in line), opening, *(line for line in lines if "set " not in line)])


@pytest.mark.parametrize("table", named(LATE, LATE_AND_FLAT, LATE_CLOSE, SILENCE_LATER, REFUSED_CANCEL, FORCED))
def test_a_placed_entry(table: str) -> None:
    check(opened(PLACED, table))


@pytest.mark.parametrize("table", named(SILENCE))
def test_no_answer_to_an_entry(table: str) -> None:
    sent = SENT if "3.500" not in table else SENT.replace("query 1 unanswered", "query 1 unanswered; @3.000 query 1 unanswered")
    check(sent + table)


def test_a_fill_that_is_told_twice_is_one_row_of_its_orders_history() -> None:
    desk = check(opened(PLACED, "0.020 fill 1 100.00x2 -> place 2 99.75x2 take_profit\n0.021 fill 1 100.00x2 cum 2\n0.022 fill 1 100.00x1"))
    assert desk.fill_rows == [(1, 2), (1, 1)]
    assert desk.state.ledger.short_lots == 3


def test_late_fills_of_an_earlier_group_are_its_own_layer() -> None:
    desk = check(TWO_GROUPS)
    layers = [(int(layer.lots), float(layer.price)) for layer in desk.state.ledger.layers[:2]]
    assert desk.state.ledger.layers_opened == 2
    assert layers == [(3, 100.00), (5, pytest.approx(100.02))]


def test_a_late_fill_of_a_close_is_judged_by_the_ask_of_its_own_decision() -> None:
    desk = check(opened(PLACED, TWO_CLOSES))
    assert desk.state.behaviour.closes[0].slippage_bps == pytest.approx((99.85 / 99.88 - 1.0) * 10_000.0)


def test_a_late_fill_of_a_take_profit_leaves_the_ask_of_the_next_one_alone() -> None:
    desk = check(opened(PLACED, TWO_TAKE_PROFITS))
    slipped_bps = (2 * (99.75 / 99.95 - 1.0) + 3 * (99.75 / 100.02 - 1.0)) / 5 * 10_000.0
    assert desk.state.behaviour.closes[0].slippage_bps == pytest.approx(slipped_bps)


def test_a_fill_learned_from_another_report_is_a_makers_where_its_order_rested() -> None:
    desk = check("0.000 book 99.80x50 100.00x50 -> place 1 100.00x5 entry")
    desk.tell(desk.state.market.book_ns + 1_000_000_000, "status", ["1", "100.00x5", "cum", "3"])
    rows = [(int(row["lots"]), bool(row["maker"])) for row in desk.out[0].fills[:1]]
    assert rows == [(3, True)]
    assert desk.state.ledger.maker_notional_usd > 0.0
    assert desk.state.ledger.taker_notional_usd == 0.0
