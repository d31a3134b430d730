"""The active close: clearing, maker, IOC, market, sweep; what drops it, what takes it over, and what a partial one leaves."""

from __future__ import annotations

import pytest

from slackwater.schema.enums import ExitReason, InverseMode
from slackwater.schema.units import MS
from tests.scenarios.orders.desk import T0, check
from tests.scenarios.orders.test_take_profit import OPEN, PARTLY, after, named

LADDER = {
    "maker, after 200 ms IOC, then market": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3                         -> @1.210 cancel 3 maker_timeout
        1.220 canceled 3                    -> end 3 canceled 0/5 maker_timeout; place 4 99.88x5 close_ioc
        1.230 ack 4
        1.230 fill 4 99.88x3 taker
        1.230 expired 4 no_liquidity        -> end 4 expired 3/5 no_liquidity; place 5 0.00x2 close_market
        1.240 ack 5
        1.240 fill 5 99.89x2 taker          -> end 5 filled 2/2 close_market; close tp 5
        1.300 show                          -> short 0 entry idle close idle
    """,
    "a maker stays below the ask where the spread is one tick": """
        1.000 book 99.87x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.87x5 close_maker
    """,
    "a maker that fills is the end": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3
        1.100 fill 3 99.85x5                -> end 3 filled 5/5 close_maker; close tp 5
        2.000 show                          -> short 0 entry idle close idle
    """,
    "each step is for what the last one left": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3
        1.100 fill 3 99.85x2                -> @1.210 cancel 3 maker_timeout
        1.215 fill 3 99.85x1
        1.220 canceled 3                    -> end 3 canceled 3/5 maker_timeout; place 4 99.88x2 close_ioc
        1.230 fill 4 99.88x2 taker          -> end 4 filled 2/2 close_ioc; close tp 5
    """,
    "a refused maker goes on at once": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 reject 3 would_cross          -> end 3 rejected 0/5 would_cross; place 4 99.88x5 close_ioc
    """,
    "a maker that is answered late is cancelled at its answer": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.300 ack 3                         -> cancel 3 maker_timeout
    """,
    "the IOC is at the ask of its own moment": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3
        1.100 book 99.84x50 99.90x50        -> @1.210 cancel 3 maker_timeout
        1.220 canceled 3                    -> end 3 canceled 0/5 maker_timeout; place 4 99.90x5 close_ioc
    """,
    "the take-profit fills while it is being cancelled": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.005 fill 2 99.75x2
        1.010 canceled 2                    -> end 2 canceled 2/5 clearing; place 3 99.85x3 close_maker
    """,
    "or closes the position itself": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.005 fill 2 99.75x5                -> end 2 filled 5/5 clearing; close tp_rest 5
        1.010 show                          -> short 0 entry idle close idle
    """,
    "an amend on its way delays the clearing": """
        0.900 book 99.45x50 99.75x50        -> amend 2 99.74x5 step
        1.000 book 99.70x50 99.74x50
        1.010 amended 2                     -> cancel 2 clearing
        1.020 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.71x5 close_maker
    """,
}

SWEEP = {
    "a remainder is swept at valid books, at most every half second, with no take-profit meanwhile": """
        set exit.stop_loss_bps 30
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 expired 3 no_liquidity        -> end 3 expired 0/5 no_liquidity; place 4 0.00x5 close_market
        1.030 fill 4 100.41x1 taker
        1.030 expired 4 no_liquidity        -> end 4 expired 1/5 no_liquidity
        1.040 show                          -> short 4 entry idle close sweep stop leaves 0
        1.100 trade 100.40x1 buy
        1.200 book 100.50x50 100.45x50
        1.300 book 100.30x50 100.40x50      -> place 5 0.00x4 sweep
        1.310 expired 5 no_liquidity        -> end 5 expired 0/4 no_liquidity
        1.400 book 100.30x50 100.40x50
        1.799 book 100.30x50 100.40x50
        1.800 book 100.30x50 100.40x50      -> place 6 0.00x4 sweep
        1.900 book 100.30x50 100.40x50
        1.910 fill 6 100.40x4 taker         -> end 6 filled 4/4 sweep; close stop 5
    """,
    "a profit that was not dropped before the market order is swept though it pays no more": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 reject 3 would_cross          -> end 3 rejected 0/5 would_cross; place 4 99.88x5 close_ioc
        1.030 expired 4 no_liquidity        -> end 4 expired 0/5 no_liquidity; place 5 0.00x5 close_market
        1.035 book 99.80x50 100.00x50
        1.040 expired 5 no_liquidity        -> end 5 expired 0/5 no_liquidity
        1.100 book 99.80x50 100.00x50       -> place 6 0.00x5 sweep
    """,
}

FORCED = {
    "a stop skips the maker": """
        set exit.stop_loss_bps 30
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 fill 3 100.40x5 taker         -> end 3 filled 5/5 close_ioc; close stop 5
    """,
    "so does a position that is too old": """
        set exit.max_age_sec 2
        2.020 book 99.80x50 100.00x50
        2.021 book 99.80x50 100.00x50       -> cancel 2 clearing
        2.030 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.00x5 close_ioc
        2.040 fill 3 100.00x5 taker         -> end 3 filled 5/5 close_ioc; close timeout 5
    """,
    "and a drawdown": """
        set risk.max_drawdown_usd 2
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 fill 3 100.40x5 taker         -> end 3 filled 5/5 close_ioc; close drawdown 5
    """,
    "and a shutdown": """
        1.000 shutdown                      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.00x5 close_ioc
        1.020 fill 3 100.00x5 taker         -> end 3 filled 5/5 close_ioc; close shutdown 5
    """,
    "a stop cuts a maker step short and replaces the reason": """
        set exit.stop_loss_bps 30
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3
        1.100 book 100.30x50 100.40x50      -> cancel 3 upgraded
        1.110 canceled 3                    -> end 3 canceled 0/5 upgraded; place 4 100.40x5 close_ioc
        1.120 fill 4 100.40x5 taker         -> end 4 filled 5/5 close_ioc; close stop 5
    """,
    "also while the maker is not answered": """
        set exit.stop_loss_bps 30
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.015 book 100.30x50 100.40x50
        1.020 ack 3                         -> cancel 3 upgraded
    """,
    "and skips it while the book is being cleared": """
        set exit.stop_loss_bps 30
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.005 book 100.30x50 100.40x50
        1.006 show                          -> short 5 entry idle close clearing stop leaves 0
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
    """,
}

DROPPED = {
    "before the maker": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.005 book 99.80x50 100.00x50
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.75x5 take_profit
        1.020 show                          -> short 5 entry idle close idle
    """,
    "before the IOC": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3
        1.100 book 99.80x50 100.00x50       -> @1.210 cancel 3 maker_timeout
        1.220 canceled 3                    -> end 3 canceled 0/5 maker_timeout; place 4 99.75x5 take_profit
    """,
    "before the market order, with what is left": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 reject 3 would_cross          -> end 3 rejected 0/5 would_cross; place 4 99.88x5 close_ioc
        1.025 book 99.80x50 100.00x50
        1.030 fill 4 99.88x2 taker
        1.030 expired 4 no_liquidity        -> end 4 expired 2/5 no_liquidity; place 5 99.75x3 take_profit
    """,
    "does not fire again within half a second, then it does": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.005 book 99.80x50 100.00x50
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.75x5 take_profit
        1.020 ack 3
        1.500 book 99.84x50 99.88x50
        1.510 book 99.84x50 99.88x50        -> cancel 3 clearing
    """,
    "another reason need not wait": """
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.005 book 99.80x50 100.00x50
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.75x5 take_profit
        1.020 ack 3
        1.100 trade 99.80x9 sell
        1.200 book 99.84x50 99.88x50        -> cancel 3 clearing
        1.210 show                          -> short 5 entry idle close clearing fast_tp leaves 0
    """,
}

FAST = {
    "a fast_tp is still sent 1.2 s after its decision": """
        0.900 trade 99.80x9 sell
        1.000 book 99.60x50 99.88x50        -> cancel 2 clearing
        2.200 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.61x5 close_maker
    """,
    "and dropped later": """
        0.900 trade 99.80x9 sell
        1.000 book 99.60x50 99.88x50        -> cancel 2 clearing
        2.201 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.75x5 take_profit
        2.210 show                          -> short 5 entry idle close idle
    """,
    "without sellers there is none": """
        0.900 trade 100.00x9 buy
        1.000 book 99.60x50 99.88x50
    """,
    "nor for a large position": """
        set exit.tp_mode_notional 499
        0.900 trade 99.80x9 sell
        1.000 book 99.60x50 99.88x50
    """,
}

WITH_ENTRY = {
    "the entry group is cleared as well, and what it fills is closed with the rest": """
        1.000 book 99.84x50 99.88x50        -> cancel 1 reap_close; cancel 2 clearing
        1.005 fill 1 100.00x1
        1.010 canceled 2                    -> end 2 canceled 0/2 clearing
        1.020 canceled 1                    -> end 1 canceled 3/5 reap_close; place 3 99.85x3 close_maker
    """,
    "a refused slice that waits to be sent again is forgotten": """
        0.600 book 99.80x50 100.02x50       -> amend 1 100.02x5 chase
        0.610 canceled 1 amend_cross        -> end 1 canceled 2/5 would_cross
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 show                          -> short 2 entry idle close clearing tp leaves 0
        1.020 canceled 2                    -> end 2 canceled 0/2 clearing; place 3 99.85x2 close_maker
    """,
}

# Two layers, five at 100.00 and three of five at 100.30, whose add still works: the first zone rests, the second is 48 bps below.
ZONES = """
        set inverse_tp.enabled true
        set inverse_tp.min_layers 2
        set grid.max_layers 2
        set grid.cooldown_sec 0.1
        set grid.base_spacing_bps 20
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 100.10x50 100.30x50      -> place 3 100.30x5 average
        1.010 ack 3
        2.000 fill 3 100.30x3               -> amend 2 99.87x5 step
        2.010 amended 2
"""

PARTIAL = {
    "zones that were passed are closed, the rest keeps its target when an entry fills meanwhile": """
        3.000 book 99.83x50 99.87x50        -> cancel 3 reap_close; cancel 2 clearing
        3.001 show                          -> short 8 entry reaping close clearing inverse_tp leaves 3
        3.005 fill 3 100.30x1
        3.006 show                          -> short 9 entry reaping close clearing inverse_tp leaves 4
        3.010 canceled 2                    -> end 2 canceled 0/5 clearing
        3.020 canceled 3                    -> end 3 canceled 4/5 reap_close; place 4 99.84x5 close_maker
        3.030 ack 4
        3.040 fill 4 99.84x5                -> end 4 filled 5/5 close_maker; place 5 99.65x4 take_profit
        3.050 show                          -> short 4 entry idle close idle
    """,
    "the take-profit's first fill makes it active: the add is reaped, the rest of the zone rests on": """
        2.500 fill 2 99.87x2                -> cancel 3 reap_inverse
        2.510 canceled 3                    -> end 3 canceled 3/5 reap_inverse
        2.600 fill 2 99.87x3                -> end 2 filled 5/5 take_profit; place 4 99.63x3 take_profit
    """,
    "a shutdown makes the partial close a whole one": """
        3.000 book 99.83x50 99.87x50        -> cancel 3 reap_close; cancel 2 clearing
        3.001 shutdown
        3.002 show                          -> short 8 entry reaping close clearing shutdown leaves 0
        3.010 canceled 2                    -> end 2 canceled 0/5 clearing
        3.020 canceled 3                    -> end 3 canceled 3/5 reap_close; place 4 99.87x8 close_ioc
    """,
}


# The add that makes the position deep fills while a profit is being taken already.
ARMED_MEANWHILE = """
        set inverse_tp.enabled true
        set inverse_tp.min_layers 2
        set grid.max_layers 2
        set grid.cooldown_sec 0.1
        set grid.base_spacing_bps 5
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        3.000 book 100.30x50 100.50x50      -> place 3 100.50x5 average
        3.010 ack 3
        3.100 book 99.70x50 99.80x50        -> cancel 3 reap_close; cancel 2 clearing
        3.110 fill 3 100.50x2
        3.112 canceled 3                    -> end 3 canceled 2/5 reap_close
        3.120 canceled 2                    -> end 2 canceled 0/5 clearing; place 4 99.71x7 close_maker
        3.130 ack 4
"""
PROFIT = """
        3.140 fill 4 99.71x3
        3.150 show                          -> short 4 entry idle close maker tp leaves 0
"""
FORCED_PROFIT = """
        3.140 shutdown                      -> cancel 4 upgraded
        3.150 fill 4 99.71x3
        3.160 show                          -> short 4 entry idle close maker shutdown leaves 0
"""


@pytest.mark.parametrize("table", named(LADDER, SWEEP, FORCED, DROPPED, FAST))
def test_a_whole_position(table: str) -> None:
    check(after(OPEN, table))


@pytest.mark.parametrize("table", named(WITH_ENTRY))
def test_with_an_entry_at_work(table: str) -> None:
    check(after(PARTLY, table))


@pytest.mark.parametrize("table", named(PARTIAL))
def test_zones(table: str) -> None:
    check(ZONES + table)


def test_a_profit_that_is_taken_while_the_zones_are_laid_is_theirs() -> None:
    desk = check(ARMED_MEANWHILE + PROFIT)
    inv = desk.state.inverse
    assert (inv.mode, [int(zone.filled_lots) for zone in inv.zones[: inv.zone_count]]) == (InverseMode.ACTIVE, [3, 0])
    check(ARMED_MEANWHILE + PROFIT + "3.160 fill 4 99.71x4 -> end 4 filled 7/7 close_maker; close inverse_tp 7")


def test_a_forced_exit_keeps_its_name_while_the_zones_are_laid() -> None:
    desk = check(ARMED_MEANWHILE + FORCED_PROFIT)
    assert desk.state.inverse.mode == InverseMode.ARMED
    check(ARMED_MEANWHILE + FORCED_PROFIT + "3.170 fill 4 99.71x4 -> end 4 filled 7/7 upgraded; close shutdown 7")


def test_each_reason_that_was_dropped_waits_its_own_half_second() -> None:
    desk = check("""
        set exit.min_fast_tp_bps -5
        set exit.fast_tp_ti 0.9
        set exit.tp_spread_mult 1.0
        set exit.tp_mode "fast"
        set fees.maker 0.0
        set fees.taker 0.0
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.79x5 take_profit
        0.030 ack 2
        1.000 book 99.80x50 99.89x50        -> cancel 2 clearing
        1.001 show                          -> short 5 entry idle close clearing tp leaves 0
        1.010 book 99.90x50 100.01x50
        1.020 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.79x5 take_profit
        1.030 ack 3
        1.040 book 99.80x50 99.90x50        -> cancel 3 clearing
        1.041 show                          -> short 5 entry idle close clearing fast_tp leaves 0
        1.045 book 99.90x50 100.01x50
        1.050 canceled 3                    -> end 3 canceled 0/5 clearing; place 4 99.79x5 take_profit
        1.060 ack 4
        1.070 book 99.80x50 99.89x50
        1.519 book 99.80x50 99.89x50
        1.520 book 99.80x50 99.89x50        -> cancel 4 clearing
        1.530 show                          -> short 5 entry idle close clearing tp leaves 0
    """)
    dropped_ns = desk.state.close.dropped_ns
    assert [(int(dropped_ns[reason]) - T0) // MS for reason in (ExitReason.TP, ExitReason.FAST_TP)] == [1_020, 1_050]


def test_a_drawdown_halts_entries() -> None:
    table = FORCED["and a drawdown"] + "5.000 book 99.80x50 100.00x50\n"
    settings = "set grid.cooldown_sec 0.1\nset risk.cooldown_steps_sec [0]\n"
    assert check(after(OPEN, settings + table)).state.risk.drawdown_halt_ns == T0 + 1_000 * MS


def test_a_drawdown_halts_entries_also_where_a_stop_closes() -> None:
    settings = "set risk.max_drawdown_usd 2\nset grid.cooldown_sec 0.1\nset risk.cooldown_steps_sec [0]\n"
    table = """
        set exit.stop_loss_bps 30
        1.000 book 100.30x50 100.40x50      -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 100.40x5 close_ioc
        1.020 fill 3 100.40x5 taker         -> end 3 filled 5/5 close_ioc; close stop 5
        5.000 book 99.80x50 100.00x50
    """
    assert check(after(OPEN, settings + table)).state.risk.drawdown_halt_ns == T0 + 1_000 * MS


def test_a_shutdown_while_flat_ends_the_entry_and_closes_what_it_still_fills() -> None:
    check("""
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        1.000 shutdown                      -> cancel 1 reap_close
        1.005 fill 1 100.00x2
        1.006 show                          -> short 2 entry reaping close clearing shutdown leaves 0
        1.010 canceled 1                    -> end 1 canceled 2/5 reap_close; place 2 100.00x2 close_ioc
        1.020 fill 2 100.00x2 taker         -> end 2 filled 2/2 close_ioc; close shutdown 2
    """)
