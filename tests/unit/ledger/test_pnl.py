"""Readings of the ledger at an ask, and the marks taken from them."""

from __future__ import annotations

import pytest

from tests.unit.ledger.account import Account

EXACT = 1e-9


def account_of_ten() -> Account:
    """Ten short at 100, 0.25 of entry fees, 0.1 of funding received."""
    account = Account()
    account.sell_layer(1, 10_000, 10, 0.25)
    account.fund(0.1)
    return account


def test_readings_under_water() -> None:
    reading = account_of_ten().read(101.0)
    assert (reading["qty"], reading["cost"], reading["unrealised"]) == (10.0, 1000.0, -10.0)
    assert reading["rise_bps"] == pytest.approx(100.0, abs=EXACT)
    # (-10 - 0.25 + 0.1 - 0.000336*101*10) / 1000 * 1e4 = -10.48936 / 1000 * 1e4
    assert reading["net_bps"] == pytest.approx(-104.8936, abs=EXACT)
    assert reading["equity"] == pytest.approx(-10.15, abs=EXACT)  # the exit's fee is not paid yet


def test_readings_in_profit() -> None:
    reading = account_of_ten().read(99.8)
    assert reading["rise_bps"] == pytest.approx(-20.0, abs=EXACT)
    # (2 - 0.25 + 0.1 - 0.000336*99.8*10) / 1000 * 1e4 = (1.85 - 0.335328) * 10
    assert reading["net_bps"] == pytest.approx(15.14672, abs=EXACT)
    assert reading["equity"] == pytest.approx(1.85, abs=EXACT)


def test_net_asks_only_for_fees_and_funding_not_yet_realised() -> None:
    account = account_of_ten()
    account.buy(2, 9_980, 6, 0.15)
    # Four left with 0.1 of fees and 0.04 of funding: (0.8 - 0.1 + 0.04 - 0.000336*99.8*4) / 400 * 1e4 = 0.6058688 * 25
    assert account.read(99.8)["net_bps"] == pytest.approx(15.14672, abs=EXACT)
    # Realised 1.2 and unrealised 0.8, less 0.25 + 0.15, plus 0.1.
    assert account.read(99.8)["equity"] == pytest.approx(1.7, abs=EXACT)


def test_marks_keep_peak_and_drawdown() -> None:
    account = account_of_ten()
    led = account.ledger
    account.mark(99.8)  # equity 1.85
    account.mark(100.4)  # -4.15
    account.mark(100.1)  # -1.15
    assert led.equity_usd == pytest.approx(-1.15, abs=EXACT)
    assert led.equity_peak_usd == pytest.approx(1.85, abs=EXACT)
    assert led.max_drawdown_usd == pytest.approx(6.0, abs=EXACT)


def test_the_first_peak_is_where_the_account_started() -> None:
    account = account_of_ten()
    account.mark(100.5)  # -5.15 from 0
    assert account.ledger.equity_peak_usd == 0.0
    assert account.ledger.max_drawdown_usd == pytest.approx(5.15, abs=EXACT)
