"""Top of the book and windows over trades, by hand."""

from __future__ import annotations

import math

import pytest

from slackwater.schema.units import MS, SEC
from tests.market_kit import T0, Book
from tests.unit.market.watch import last, watch

BUY, SELL = False, True  # buyer_maker
BOOK = (10_000, 3_000, 10_002, 1_000)  # 100.00 x 3 / 100.02 x 1


def book_at(ns: int) -> Book:
    return (ns, *BOOK)


def test_book_columns() -> None:
    row = last([book_at(T0)])
    assert (row.ts_recv, row.bid, row.bid_qty, row.ask, row.ask_qty) == (T0, 100.0, 3.0, 100.02, 1.0)
    assert row.spread_bps == pytest.approx(0.02 / 100.01 * 1e4)
    assert row.qi == 0.5
    assert row.micro_price == pytest.approx((100.02 * 3 + 100.0) / 4)
    assert row.md == pytest.approx(0.25)


def test_displacement_of_the_mid_is_in_bps() -> None:
    assert last([book_at(T0)], md_norm=1).md == pytest.approx(0.005 / 100.01 * 1e4)


def test_empty_sizes_are_a_balanced_book() -> None:
    row = last([(T0, 10_000, 0, 10_002, 0)])
    assert (row.qi, row.md, row.micro_price) == (0.0, 0.0, (100.0 + 100.02) / 2)
    assert (row.depth_min_bid_60s, row.depth_min_ask_60s) == (0.0, 0.0)


def test_a_locked_book_is_valid_and_has_no_displacement() -> None:
    row = last([(T0, 10_000, 1, 10_000, 900)])
    assert (row.spread_bps, row.md, row.exhaust_score) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("bad", [(0, 5, 10, 5), (-1, 5, 10, 5), (10, 5, 0, 5), (10, 5, 9, 5), (10, -1, 11, 5), (10, 5, 11, -1)])
def test_a_book_without_sense_is_counted_and_changes_nothing(bad: tuple[int, int, int, int]) -> None:
    clean, state = watch([book_at(T0), book_at(T0 + 2)])
    odd, marked = watch([book_at(T0), (T0 + 1, *bad), book_at(T0 + 2)])
    assert (marked.rejected_books, state.rejected_books) == (1, 0)
    marked.rejected_books = 0
    assert marked.tobytes() == state.tobytes()
    assert odd.tobytes() == clean.tobytes()


@pytest.mark.parametrize("bad", [(0, 5), (-3, 5), (100, -1)])
def test_a_trade_without_sense_is_counted_and_changes_nothing(bad: tuple[int, int]) -> None:
    _, state = watch([book_at(T0)])
    _, marked = watch([(T0 - 1, *bad, BUY), book_at(T0)])
    assert marked.rejected_trades == 1
    assert marked.first_ns == T0
    marked.rejected_trades = 0
    assert marked.tobytes() == state.tobytes()


def test_nothing_traded() -> None:
    row = last([book_at(T0)])
    assert (row.ti_2s, row.ti_500ms, row.ti_300ms, row.buy_ratio_2s, row.rv_1s_bps) == (0.0, 0.0, 0.0, 0.5, 0.0)


def test_trades_of_size_zero_are_an_empty_window() -> None:
    row = last([(T0, 10_000, 0, BUY), book_at(T0)])
    assert (row.ti_2s, row.buy_ratio_2s) == (0.0, 0.5)


def test_imbalance_and_buy_ratio() -> None:
    row = last([(T0, 10_000, 6, BUY), (T0, 10_000, 2, SELL), book_at(T0)])
    assert (row.ti_2s, row.ti_500ms, row.ti_300ms, row.buy_ratio_2s) == (0.5, 0.5, 0.5, 0.75)


@pytest.mark.parametrize(("window_ns", "column"), [(2 * SEC, "ti_2s"), (500 * MS, "ti_500ms"), (300 * MS, "ti_300ms")])
def test_windows_are_closed(window_ns: int, column: str) -> None:
    traded = (T0, 10_000, 6, BUY)
    assert last([traded, book_at(T0 + window_ns)])[column] == 1.0
    assert last([traded, book_at(T0 + window_ns + 1)])[column] == 0.0


def test_trade_volatility_by_hand() -> None:
    prices = (10_000, 10_010, 10_005)
    returns = [math.log(b / a) for a, b in zip(prices, prices[1:], strict=False)]
    mean = sum(returns) / 2
    expected = math.sqrt(sum((r - mean) ** 2 for r in returns) / 2) * 1e4
    trades = [(T0 + k, ticks, 1, BUY) for k, ticks in enumerate(prices)]
    assert last([*trades, book_at(T0 + SEC)]).rv_1s_bps == pytest.approx(expected, rel=1e-9)
    # A nanosecond later the first trade is out, and two prices make no deviation.
    assert last([*trades, book_at(T0 + SEC + 1)]).rv_1s_bps == 0.0


def test_trades_at_one_price_have_no_volatility() -> None:
    assert last([*[(T0 + k, 10_000, 1, BUY) for k in range(9)], book_at(T0 + 9)]).rv_1s_bps == 0.0


def test_more_trades_than_the_ring_holds_are_counted_and_the_oldest_give_way() -> None:
    slots = 32_768
    trades = [(T0, 10_000, 1, SELL)] * 10 + [(T0 + 1, 10_000, 1, BUY)] * slots
    rows, state = watch([*trades, book_at(T0 + 2)])
    assert state.ring_overflows == 10
    assert rows[-1].ti_2s == 1.0
    assert state.n_trades == slots + 10


def test_a_full_ring_of_old_trades_is_no_overflow() -> None:
    trades = [(T0, 10_000, 1, SELL)] * 32_768 + [(T0 + 2 * SEC + 1, 10_000, 1, BUY)] * 5
    rows, state = watch([*trades, book_at(T0 + 3 * SEC)])
    assert state.ring_overflows == 0
    assert rows[-1].ti_2s == 1.0
