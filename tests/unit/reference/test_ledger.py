"""The reference's accounts against numbers worked by hand."""

from __future__ import annotations

import pytest

from tests.reference.ledger import DAY, Close, Debt, Ledger
from tests.reference.settings import HOUR, SEC, Settings

S = Settings(tick_den=1, lot_den=1)
REST = ("take_profit", 9)


def close_of(ledger: Ledger, now: int, sell: float, buy: float, reason: str, fee_usd: float = 0.0) -> Close:
    """One lot sold and bought back."""
    ledger.on_entry_fill(now, now, sell, 1, 0.0)
    ledger.on_exit_fill(now, REST, buy, 1, fee_usd, reason, buy)
    return ledger.closes[-1]


def test_early_funding_waits_for_the_next_position() -> None:
    ledger = Ledger(S)
    ledger.bid, ledger.ask = 89.0, 90.0
    ledger.on_funding(0.5)
    assert (ledger.equity_usd, ledger.position) == (0.5, None)
    ledger.on_entry_fill(1 * SEC, 1, 90.0, 4, 0.1)
    ledger.on_funding(-0.1)
    assert ledger.equity_usd == pytest.approx(0.3)
    ledger.on_exit_fill(2 * SEC, REST, 90.0, 4, 0.0, "tp_rest", 90.0)
    assert (ledger.closes[0].funding_usd, ledger.closes[0].net_usd) == (pytest.approx(0.4), pytest.approx(0.3))
    assert ledger.equity_usd == pytest.approx(0.3)


def test_average_cost_partial_exits_and_the_close_row() -> None:
    ledger = Ledger(S)
    ledger.bid, ledger.ask = 89.0, 90.0
    # Layer 1: 2 at 100, then 2 at 101 of the same group. Layer 2: 4 at 104. Average (200+202+416)/8 = 102.25. Fees 0.4 in all.
    assert ledger.on_entry_fill(1 * SEC, 1, 100.0, 2, 0.1)
    assert not ledger.on_entry_fill(2 * SEC, 1, 101.0, 2, 0.1)
    assert ledger.on_entry_fill(3 * SEC, 2, 104.0, 4, 0.2)
    p = ledger.position
    assert p is not None
    assert (p.avg_entry, p.held_lots, p.max_cost_usd) == (102.25, 8, 818.0)
    assert [layer.price for layer in p.layers] == [100.5, 104.0]
    assert p.last_add_ns == 3 * SEC and ledger.add_times == [3 * SEC]
    ledger.on_funding(0.8)  # received: costs 0.4 - 0.8 = -0.4
    # 5 of 8 at 102: gross 0.25*5 = 1.25, fee 0.05, share of the costs -0.25: net 1.45. The oldest layer goes first, then one of the second.
    ledger.on_exit_fill(4 * SEC, REST, 102.0, 5, 0.05, "tp_rest", 101.0)
    assert ledger.realised[-1].net_usd == pytest.approx(1.45)
    assert (p.avg_entry, p.held_lots, [layer.held_lots for layer in p.held_layers]) == (102.25, 3, [3])
    assert ledger.equity_usd == pytest.approx(1.45 + (102.25 - 90.0) * 3 + 0.15)
    # 3 at 110: gross -23.25, fee 0.05, costs -0.15: net -23.15. In all 1.45-23.15 = -21.7 = gross -22 - fees 0.5 + funding 0.8.
    ledger.on_exit_fill(5 * SEC, ("close", 1), 110.0, 3, 0.05, "stop", 108.0)
    row = ledger.closes[0]
    assert ledger.realised[-1].net_usd == pytest.approx(-23.15)
    assert (row.open_ns, row.close_ns, row.layers, row.qty, row.reason) == (1 * SEC, 5 * SEC, 2, 8.0, "stop")
    assert (row.avg_entry, row.avg_exit, row.notional_usd) == (102.25, 105.0, 818.0)
    assert (row.gross_usd, row.fees_usd, row.funding_usd) == (pytest.approx(-22.0), pytest.approx(0.5), 0.8)
    assert row.net_usd == pytest.approx(-21.7)
    assert row.net_bps == pytest.approx(-21.7 / 818.0 * 1e4)
    assert (row.debt_before_usd, row.debt_lapsed_usd, row.debt_after_usd) == (0.0, 0.0, pytest.approx(23.15))
    # (102-101)/101 = 99.0099 bps on 5 and (110-108)/108 = 185.1852 bps on 3: 131.3257.
    assert row.exit_slippage_bps == pytest.approx(131.325664)
    assert ledger.position is None and ledger.equity_usd == pytest.approx(-21.7)


def test_an_add_after_a_partial_exit_starts_from_the_kept_average() -> None:
    ledger = Ledger(S)
    ledger.on_entry_fill(1, 1, 100.0, 4, 0.0)
    ledger.on_exit_fill(2, REST, 99.0, 3, 0.0, "tp_rest", 99.0)
    ledger.on_entry_fill(3, 2, 106.0, 1, 0.0)
    assert ledger.position is not None
    assert (ledger.position.avg_entry, ledger.position.max_cost_usd) == (103.0, 400.0)
    assert len(ledger.position.layers) == 2


def test_an_exit_beyond_the_position_is_an_error_of_the_feeder() -> None:
    with pytest.raises(ValueError, match="expected at most the position"):
        Ledger(S).on_exit_fill(1, REST, 99.0, 1, 0.0, "tp_rest", 99.0)


def test_what_the_venue_bought_back_first_closes_entries_as_they_are_told() -> None:
    ledger = Ledger(S)
    ledger.ask = 101.2
    ledger.on_external_fill(1, 101.0, 4, 0.25)
    ledger.on_external_fill(2, 101.3, 8, 0.35)  # twelve in all, at 101.20 on average
    ledger.on_entry_fill(3, 1, 100.0, 3, 0.09)
    ledger.net_early_exit(3)
    assert ledger.position is None
    assert (ledger.closes[0].reason, ledger.closes[0].gross_usd) == ("external", pytest.approx(-3.6))
    assert ledger.closes[0].fees_usd == pytest.approx(0.15 + 0.09)
    ledger.on_entry_fill(4, 2, 100.1, 11, 0.0)
    ledger.net_early_exit(4)
    ledger.ask = 100.0
    assert ledger.position is not None
    assert ledger.position.held_lots == 2
    assert ledger.early_exit.lots == 0
    assert ledger.equity_usd == pytest.approx(3 * 100.0 + 11 * 100.1 - 12 * 101.2 - 0.69 - 2 * 100.0)


def test_debt_is_paid_oldest_first_and_lapses() -> None:
    debt = Debt(S)
    debt.on_realised(0, -10.0)
    debt.on_realised(2 * HOUR, -4.0)
    debt.on_realised(3 * HOUR, 7.0)
    assert debt.parts == [(0, 3.0), (2 * HOUR, 4.0)]
    assert debt.read(24 * HOUR) == 7.0
    assert debt.read(24 * HOUR + 1) == 4.0
    assert debt.lapsed_usd == 3.0
    debt.on_realised(25 * HOUR, 100.0)
    assert debt.parts == []


def test_beyond_the_cap_the_oldest_debt_gives_way() -> None:
    debt = Debt(S)
    for now, net in ((0, -50.0), (1, -20.0), (2, -60.0)):
        debt.on_realised(now, net)
    # 130 is 55 too much: 50 of the first and 5 of the second.
    assert debt.parts == [(1, 15.0), (2, 60.0)]
    assert debt.lapsed_usd == 55.0


def test_cooldown_steps_and_what_resets_them() -> None:
    ledger = Ledger(S)
    lengths = []
    for i, (sell, buy, reason) in enumerate(
        [
            (1000.0, 1000.0, "tp_rest"),  # nothing earned: k = 1: 8 s
            (1000.0, 1001.0, "timeout"),  # k = 2: 30 s
            (1001.0, 1000.0, "timeout"),  # a profit that leaves k = 2: 30 s
            (1000.0, 1001.0, "stop"),  # k = 3: 90 s * 1.5
            (1001.0, 1000.0, "inverse_tp"),  # k = 0: 8 s
        ]
    ):
        now = (i + 1) * 1000 * SEC
        close_of(ledger, now, sell, buy, reason)
        lengths.append((ledger.cooldown_until_ns - now) / SEC)
    assert lengths == [8, 30, 30, 135, 8]


def test_the_breaker_trips_doubles_and_is_reset_by_a_profit() -> None:
    ledger = Ledger(S)
    until = []
    # Nets in bps of 1000 sold: -300, -300 (sum -600: trips), -100 (trips again, twice as long), +1 (reset), -400, -99 (sum -499), -2.
    for i, buy in enumerate((1030.0, 1030.0, 1010.0, 999.9, 1040.0, 1009.9, 1000.2)):
        now = (i + 1) * 1000 * SEC
        close_of(ledger, now, 1000.0, buy, "timeout")
        until.append((ledger.breaker_until_ns - now) / SEC if ledger.breaker_until_ns > now else 0)
    assert until == [0, 120, 240, 0, 0, 0, 120]
    assert ledger.net_bps_sum == pytest.approx(-501.0)


def test_the_breaker_pause_is_at_most_a_day() -> None:
    ledger = Ledger(S)
    for i in range(20):
        close_of(ledger, (i + 1) * SEC, 1000.0, 1100.0, "timeout")
    assert ledger.pause_ns == DAY


def test_samples_age_and_are_at_most_120() -> None:
    ledger = Ledger(S)
    for i in range(130):
        close_of(ledger, i * SEC, 1000.0, 999.0, "tp_rest")
    assert [c.close_ns for c in ledger.samples(130 * SEC)] == [i * SEC for i in range(10, 130)]
    assert len(ledger.samples(24 * HOUR + 100 * SEC)) == 30  # 100..129 s are not older than a day
    assert len(ledger.sample_groups(24 * HOUR + 100 * SEC)) == 30


def test_duplicates_compare_with_the_group_before() -> None:
    ledger = Ledger(S)
    ledger.median_spread_bps = 8.0  # within 4 bps
    for now, group, price in ((0, 1, 10000.0), (10, 2, 10005.0), (10, 2, 10006.0), (20, 3, 10008.0), (60, 4, 10008.0)):
        ledger.on_entry_fill(now * SEC, group, price, 1, 0.0)
    # 5 bps off; then 3 bps off within 10 s; then the same price after 40 s.
    assert [g.is_duplicate for g in ledger.entry_groups.values()] == [False, False, True, False]
