"""Funding from the venue to the account: what is held there at its time counts, whatever we know of it when its row reaches us."""

from __future__ import annotations

import pytest

from tests.scenarios.orders.desk import SEC, T0, check, play
from tests.scenarios.orders.tape_play import check as check_tape

MID = 99.90
# Rows take 2 ms to us unless another time is set, reports 5 ms.
IN_FLIGHT = {
    "an entry's fill is on its way when the row comes": (
        """
        set sim.feed_latency_ms 2
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x5 buy
        0.101 funding 0.001                 -> @0.103 fill 1 100.00x5; @0.103 end 1 filled 5/5 entry; @0.103 place 2 99.75x5 take_profit
        0.200 wait
        end -> @0.200 end 2 canceled 0/5 end_of_tape
        """,
        5,
    ),
    "part of an entry is known of, part is on its way": (
        """
        set sim.feed_latency_ms 2
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.090 trade 100.01x2 buy            -> @0.093 fill 1 100.00x2; @0.093 place 2 99.75x2 take_profit
        0.100 trade 100.01x3 buy
        0.101 funding -0.002                -> @0.103 fill 1 100.00x3; @0.103 end 1 filled 5/5 entry
        0.200 wait
        end -> @0.200 end 2 canceled 0/2 end_of_tape
        """,
        -10,
    ),
    "an exit's fill is on its way": (
        """
        set sim.feed_latency_ms 2
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x5 buy            -> @0.103 fill 1 100.00x5; @0.103 end 1 filled 5/5 entry; @0.103 place 2 99.75x5 take_profit
        0.200 trade 99.74x9 sell
        0.201 funding 0.001                 -> @0.203 fill 2 99.75x5; @0.203 end 2 filled 5/5 take_profit; @0.203 close tp_rest 5
        0.300 wait
        end
        """,
        0,
    ),
    "a fill after it is known of before the row comes": (
        """
        set sim.feed_latency_ms 20
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry; @0.086 fill 1 100.00x5; @0.086 end 1 filled 5/5 entry;
                                               @0.086 place 2 99.75x5 take_profit
        0.100 funding 0.001
        0.101 trade 100.01x5 buy
        0.200 wait
        end -> @0.200 end 2 canceled 0/5 end_of_tape
        """,
        0,
    ),
    "the take-profit fills after it, and its fill's report follows that of the funding": (
        """
        set sim.feed_latency_ms 2
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x5 buy            -> @0.103 fill 1 100.00x5; @0.103 end 1 filled 5/5 entry; @0.103 place 2 99.75x5 take_profit
        0.200 funding 0.001
        0.201 trade 99.74x9 sell            -> @0.204 fill 2 99.75x5; @0.204 end 2 filled 5/5 take_profit; @0.204 close tp_rest 5
        0.300 wait
        end
        """,
        5,
    ),
    "it is told of after the last row": (
        """
        set sim.feed_latency_ms 2
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.100 trade 100.01x5 buy            -> @0.103 fill 1 100.00x5; @0.103 end 1 filled 5/5 entry; @0.103 place 2 99.75x5 take_profit
        0.200 funding 0.001
        end -> @0.203 end 2 canceled 0/5 end_of_tape
        """,
        5,
    ),
}


@pytest.mark.parametrize("name", IN_FLIGHT)
def test_our_money_is_the_venues(name: str) -> None:
    table, rate_lots = IN_FLIGHT[name]
    session = check_tape(table)
    ledger, venue = session.states[0].ledger, session.venues[0]
    assert ledger.funding_usd == venue.funding_usd == pytest.approx(rate_lots * 0.001 * MID, abs=1e-12)
    assert ledger.episode.funding_usd == ledger.funding_usd
    assert ledger.funding_open_usd == (ledger.funding_usd if ledger.short_lots > 0 else 0.0)


HELD = """
    0.000 book 99.80x50 100.00x50           -> place 1 100.00x5 entry
    0.010 ack 1
    0.100 fill 1 100.00x5                   -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
    0.110 ack 2
"""


def test_a_payment_that_is_told_again_is_booked_once() -> None:
    desk = check(
        HELD
        + """
        0.200 funded 0.25 7
        0.300 funded 0.25 7
        0.400 funded -0.05 9
        0.500 funded 0.25 7
        0.600 show -> short 5 entry idle close idle
        """
    )
    ledger = desk.state.ledger
    assert ledger.funding_usd == ledger.funding_open_usd == ledger.episode.funding_usd == pytest.approx(0.2)


def test_the_account_is_noted_with_it() -> None:
    desk = check(HELD + "0.200 funded 0.25 7")
    row = desk.out[0].equities[0]
    assert (row.ts_ns, row.funding_usd, row.short_lots) == (T0 + SEC // 5, 0.25, 5)
    assert row.equity_usd == pytest.approx(row.realised_usd + row.unrealised_usd - row.fees_usd + 0.25, abs=1e-12)
    assert desk.state.ledger.equity_usd == row.equity_usd
    assert desk.state.wake_ns == T0 + SEC // 5 + SEC


def test_a_row_of_the_tape_books_nothing() -> None:
    desk = check(HELD)
    desk.market(T0 + SEC // 5, (0.001,))
    assert desk.state.ledger.funding_usd == 0.0


def test_a_fill_that_comes_after_it_takes_it_over() -> None:
    desk = check(
        """
        0.000 book 99.80x50 100.00x50       -> place 1 100.00x5 entry
        0.010 ack 1
        0.100 funded 0.25 7
        0.200 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.210 ack 2
        0.300 fill 2 99.75x2
        0.400 fill 2 99.75x3                -> end 2 filled 5/5 take_profit; close tp_rest 5
        """
    )
    ledger = desk.state.ledger
    close, parts = desk.out[0].closes[0], desk.out[0].realisations[0]
    assert (ledger.funding_usd, ledger.funding_open_usd, close.funding_usd) == (0.25, 0.0, 0.25)
    assert close.net_usd == pytest.approx(close.gross_usd - close.fees_usd + 0.25, abs=1e-12)
    assert parts.net_usd == pytest.approx(0.6 * close.net_usd, abs=1e-9)  # the last part: 3 of 5
    assert ledger.equity_usd == pytest.approx(close.net_usd, abs=1e-12)


@pytest.mark.parametrize(("usd", "is_stopped"), [(-0.2, False), (-3.0, True)])
def test_the_next_book_decides_with_it(usd: float, is_stopped: bool) -> None:
    same = "book 99.80x50 100.00x50"
    after = f"""
    1.000 {same}
    1.100 {same}
    1.200 funded {usd} 7
    1.300 {same}
    """
    told, desk = play("set exit.stop_loss_bps 40" + HELD + after)
    assert [" -> " in line for line in told[-4:-1]] == [False] * 3  # nothing is done because of the report itself
    assert ("cancel 2 clearing" in told[-1]) == is_stopped
    assert desk.state.ledger.short_lots == 5
