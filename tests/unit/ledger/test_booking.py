"""Booking: what a fill does to average, fees, funding, debt and, at flat, to the close's row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackwater.schema.enums import ExitReason
from slackwater.schema.units import HOUR, SEC
from tests.unit.ledger.account import Account

EXACT = 1e-9


def worked_example() -> Account:
    """Two layers, 4 at 100.0075 and 6 at 101, average 100.603; 0.25 of entry fees, 0.1005 of funding."""
    account = Account()
    account.start_group()
    account.sell(1 * SEC, 10_000, 2, 0.05)
    account.sell(2 * SEC, 10_001, 1, 0.025)
    account.sell(3 * SEC, 10_002, 1, 0.025)
    account.sell_layer(60 * SEC, 10_100, 6, 0.15)
    account.fund(0.1005)
    return account


def test_entries_accrue() -> None:
    account = worked_example()
    led = account.ledger
    assert led.short_lots == 10
    assert led.avg_entry == pytest.approx(100.603, abs=EXACT)
    assert led.fees_open_usd == pytest.approx(0.25, abs=EXACT)
    assert led.funding_open_usd == pytest.approx(0.1005, abs=EXACT)
    assert led.episode.entry_notional_usd == pytest.approx(1006.03, abs=EXACT)
    assert led.episode.max_cost_usd == pytest.approx(1006.03, abs=EXACT)
    assert (led.opened_ns, led.last_entry_fill_ns) == (1 * SEC, 60 * SEC)
    assert (led.adds, led.last_add_ns) == (1, 60 * SEC)  # the first layer is no add


def test_a_partial_exit_realises_pro_rata_and_leaves_the_average() -> None:
    account = worked_example()
    account.buy(70 * SEC, 10_000, 3, 0.075)
    led = account.ledger
    # gross (100.603-100)*3 = 1.809; entry fees 0.25*3/10 = 0.075; funding 0.1005*3/10 = 0.03015; net 1.809-0.075-0.075+0.03015
    (row,) = account.realisation_rows
    assert row.net_usd == pytest.approx(1.68915, abs=EXACT)
    assert (row.lots, row.ts_ns, row.reason, row.debt_after_usd) == (3, 70 * SEC, ExitReason.TP_REST, 0.0)
    assert led.short_lots == 7
    assert led.avg_entry == pytest.approx(100.603, abs=EXACT)
    assert led.realised_usd == pytest.approx(1.809, abs=EXACT)
    assert led.fees_open_usd == pytest.approx(0.175, abs=EXACT)
    assert led.funding_open_usd == pytest.approx(0.07035, abs=EXACT)
    assert led.fees_usd == pytest.approx(0.325, abs=EXACT)
    assert led.episode.max_cost_usd == pytest.approx(1006.03, abs=EXACT)  # the largest since flat, not the present one
    assert len(account.close_rows) == 0


def test_flat_books_one_close_over_all_fills() -> None:
    account = worked_example()
    account.buy(70 * SEC, 10_000, 3, 0.075, ExitReason.TP_REST, 100.02)
    account.buy(90 * SEC, 10_150, 7, 0.10, ExitReason.STOP, 101.48)
    (row,) = account.close_rows
    assert (row.open_ns, row.close_ns, row.layers, row.lots, row.reason) == (1 * SEC, 90 * SEC, 2, 10, ExitReason.STOP)
    assert row.notional_usd == pytest.approx(1006.03, abs=EXACT)
    assert row.avg_entry == pytest.approx(100.603, abs=EXACT)
    assert row.avg_exit == pytest.approx(101.05, abs=EXACT)  # (3*100 + 7*101.5) / 10
    assert row.gross_usd == pytest.approx(-4.47, abs=EXACT)  # 1.809 + (100.603-101.5)*7 = 1.809 - 6.279
    assert row.fees_usd == pytest.approx(0.425, abs=EXACT)  # 0.25 + 0.075 + 0.10
    assert row.funding_usd == pytest.approx(0.1005, abs=EXACT)
    assert row.net_usd == pytest.approx(-4.7945, abs=EXACT)
    assert row.net_bps == pytest.approx(-47.6576245, abs=1e-6)  # -4.7945 / 1006.03 * 1e4
    # The second part: -6.279 - 0.10 - 0.175 + 0.07035 = -6.48365 is the debt; the first part had none to pay.
    assert [part.net_usd for part in account.realisation_rows] == pytest.approx([1.68915, -6.48365], abs=EXACT)
    assert (row.debt_before_usd, row.debt_lapsed_usd) == (0.0, 0.0)
    assert row.debt_after_usd == pytest.approx(6.48365, abs=EXACT)


def test_flat_teaches_one_sample_and_clears_the_position() -> None:
    account = worked_example()
    account.state.risk.layer_cooldown_until_ns = 10**15
    account.buy(70 * SEC, 10_000, 3, 0.075, ExitReason.TP_REST, 100.02)
    account.buy(90 * SEC, 10_150, 7, 0.10, ExitReason.STOP, 101.48)
    beh, led, risk = account.state.behaviour, account.ledger, account.state.risk
    assert (beh.close_head, beh.closes[0].layers, beh.closes[0].reason, beh.closes[0].close_ns) == (1, 2, ExitReason.STOP, 90 * SEC)
    # (-0.02/100.02*1e4*3 + 0.02/101.48*1e4*7) / 10 = (-5.9988002 + 13.7958218) / 10
    assert beh.closes[0].slippage_bps == pytest.approx(0.77970216, abs=1e-7)
    assert (beh.bid_count, beh.bids[0]) == (1, 99.0)
    assert risk.cooldown_until_ns == 102 * SEC  # a losing stop: 1.5 times 8 s
    assert risk.layer_cooldown_until_ns == 0
    assert (led.short_lots, led.avg_entry, led.opened_ns, led.layers_opened, led.last_add_ns) == (0, 0.0, 0, 0, 0)
    assert (led.fees_open_usd, led.funding_open_usd) == (0.0, 0.0)
    assert account.held() == []


def test_debt_moves_with_every_part_and_the_row_spans_the_episode() -> None:
    account = Account()
    account.p[0].debt_lookback_ns = 1 * HOUR
    account.sell_layer(1, 10_000, 10)
    account.buy(2, 10_100, 5)  # loses 5
    assert account.debt(2) == pytest.approx(5.0, abs=EXACT)
    account.buy(3, 9_960, 5)  # earns 2
    assert account.debt(3) == pytest.approx(3.0, abs=EXACT)
    account.sell_layer(HOUR, 10_000, 10)
    account.buy(HOUR + 2, 9_990, 4)  # earns 0.4 while the debt of 3 is exactly an hour old
    assert account.debt(HOUR + 2) == pytest.approx(2.6, abs=EXACT)
    account.buy(HOUR + 3, 10_010, 6)  # loses 0.6 when the rest of the debt has lapsed
    row = account.close_rows[1]
    assert row.debt_before_usd == pytest.approx(3.0, abs=EXACT)
    assert row.debt_lapsed_usd == pytest.approx(2.6, abs=EXACT)
    assert row.debt_after_usd == pytest.approx(0.6, abs=EXACT)
    assert [part.debt_after_usd for part in account.realisation_rows] == pytest.approx([5.0, 3.0, 2.6, 0.6], abs=EXACT)


def test_a_late_fill_after_flat_is_a_new_position_but_no_second_sample() -> None:
    account = Account()
    account.start_group()
    account.sell(1 * SEC, 10_000, 2)
    account.buy(2 * SEC, 9_990, 2)
    account.sell(3 * SEC, 10_010, 1)  # the same group, after the take-profit closed what it had filled
    led = account.ledger
    assert (led.short_lots, led.layers_opened, led.opened_ns) == (1, 1, 3 * SEC)
    assert led.avg_entry == pytest.approx(100.1, abs=EXACT)
    assert led.episode.opened_lots == 1
    assert account.state.behaviour.entry_head == 1  # one group, one first fill
    assert (led.adds, led.last_add_ns) == (0, 0)


def test_exits_beyond_the_position_are_kept_with_their_share_of_the_fees() -> None:
    account = Account()
    account.sell_layer(1, 10_000, 10)
    account.buy(2, 9_900, 12, 0.6)
    assert (account.ledger.short_lots, account.ledger.excess_lots) == (0, 2)
    assert account.close_rows[0].gross_usd == pytest.approx(10.0, abs=EXACT)
    assert account.close_rows[0].net_usd == pytest.approx(9.5, abs=EXACT)
    account.buy(3, 9_960, 4, 0.25)
    assert (account.ledger.excess_lots, len(account.close_rows)) == (6, 1)
    assert account.ledger.excess_fee_usd == pytest.approx(0.35, abs=EXACT)
    assert account.ledger.fees_usd == 0.85


def test_entries_told_after_what_bought_them_back_are_closed_at_its_price_with_its_fees() -> None:
    account = Account()
    account.buy(1, 10_100, 4, 0.25)
    account.buy(2, 10_130, 8, 0.35, reference=101.2)  # twelve in all, at 101.20 on average
    account.sell_layer(3, 10_000, 3, 0.09)
    account.net_excess(3)
    led = account.ledger
    assert (led.short_lots, led.excess_lots, led.close_count) == (0, 9, 1)
    assert account.close_rows[0].reason == ExitReason.EXTERNAL
    assert account.close_rows[0].gross_usd == pytest.approx(-3.6, abs=EXACT)
    assert account.close_rows[0].fees_usd == pytest.approx(0.15 + 0.09, abs=EXACT)
    assert account.realisation_rows[0].net_usd == pytest.approx(-3.84, abs=EXACT)
    account.sell_layer(4, 10_010, 11)
    account.net_excess(4)
    assert (led.short_lots, led.excess_lots, led.excess_price_lots, led.excess_fee_usd) == (2, 0, 0.0, 0.0)
    assert account.held() == [2]
    assert led.avg_entry == pytest.approx(100.1, abs=EXACT)
    cash_usd = 3 * 100.0 + 11 * 100.1 - 12 * 101.2 - 0.69
    assert account.read(100.0)["equity"] == pytest.approx(cash_usd - 2 * 100.0, abs=1e-9)
    account.sell_layer(5, 10_010, 1)
    account.net_excess(5)
    assert (led.short_lots, len(account.close_rows)) == (3, 1)


@pytest.mark.parametrize("usd", [0.1005, -0.201])
def test_funding_accrues_to_the_position(usd: float) -> None:
    account = Account()
    account.sell_layer(1, 10_000, 10)
    account.fund(usd)
    account.fund(usd)
    led = account.ledger
    assert led.funding_usd == led.funding_open_usd == led.episode.funding_usd == pytest.approx(2 * usd, abs=EXACT)
    assert account.read(100.0)["equity"] == pytest.approx(2 * usd, abs=EXACT)


def test_funding_told_of_while_flat_is_the_next_positions() -> None:
    account = Account()
    account.sell_layer(1, 10_000, 10)
    account.fund(0.25)
    account.buy(2, 10_000, 10)
    account.fund(0.5)
    assert account.read(100.0)["equity"] == pytest.approx(0.75, abs=EXACT)  # it counts at once
    account.sell_layer(3, 10_000, 4)
    account.fund(-0.1)
    assert account.ledger.funding_open_usd == pytest.approx(0.4, abs=EXACT)
    account.buy(4, 10_000, 1)
    account.buy(5, 10_000, 3)
    assert [row.funding_usd for row in account.close_rows] == pytest.approx([0.25, 0.4], abs=EXACT)
    assert [row.net_usd for row in account.close_rows] == pytest.approx([0.25, 0.4], abs=EXACT)
    assert [row.net_usd for row in account.realisation_rows] == pytest.approx([0.25, 0.1, 0.3], abs=EXACT)
    assert account.ledger.funding_usd == pytest.approx(0.65, abs=EXACT)
    assert account.ledger.funding_open_usd == 0.0


fills = st.lists(st.tuples(st.integers(9_000, 11_000), st.integers(1, 50), st.booleans(), st.integers(-5, 20)), min_size=1, max_size=25)


@settings(max_examples=40, deadline=None)
@given(fills)
def test_equity_is_the_cash_that_leaving_at_the_ask_would_make(moves: list[tuple[int, int, bool, int]]) -> None:
    account = Account()
    cash = 0.0
    held = 0
    for k, (ticks, lots, is_sell, fee_cents) in enumerate(moves):
        fee = fee_cents / 100
        if is_sell:
            account.sell_layer(k + 1, ticks, lots, fee)
            held += lots
            cash += ticks * lots / 100 - fee
        elif held > 0:
            lots = min(lots, held)
            account.buy(k + 1, ticks, lots, fee)
            held -= lots
            cash -= ticks * lots / 100 + fee
    assert account.ledger.short_lots == held == sum(account.held())
    assert account.read(101.0)["equity"] == pytest.approx(cash - held * 101.0, abs=1e-6)
    realised = sum(float(row.net_usd) for row in account.realisation_rows)
    open_net = account.read(101.0)["unrealised"] - float(account.ledger.fees_open_usd)
    assert realised + open_net == pytest.approx(cash - held * 101.0, abs=1e-6)
