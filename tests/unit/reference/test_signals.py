"""Signals worked by hand."""

from __future__ import annotations

import math

import pytest

from tests.reference.settings import MINUTE, MS, SEC, Settings
from tests.reference.signals import Frame, ReferenceMarket, Tracker

NOW = 1_700_000_000 * SEC
ONE_TO_ONE = Settings(tick_den=1, lot_den=1)


def test_the_first_book_by_hand() -> None:
    # mid 101, spread 2/101*1e4 = 198.0198 bps, qi = (30-10)/40 = 0.5, micro = (102*30 + 100*10)/40 = 101.5, md = 0.5/2 = 0.25.
    row = ReferenceMarket(ONE_TO_ONE).on_book(NOW, 100, 30, 102, 10)
    assert row is not None
    assert row["spread_bps"] == pytest.approx(198.01980198)
    assert (row["qi"], row["micro_price"], row["md"]) == (0.5, 101.5, 0.25)
    assert (row["ret_2s_bps"], row["ti_2s"], row["buy_ratio_2s"], row["rv_1s_bps"]) == (0.0, 0.0, 0.5, 0.0)
    assert (row["depth_min_bid_60s"], row["depth_min_ask_60s"]) == (30.0, 10.0)
    assert (row["baseline_bps"], row["live_bps"], row["drift_mult"], row["warm"]) == (8.0, 8.0, 1.0, False)


@pytest.mark.parametrize("book", [(0, 1, 5, 1), (5, 1, 0, 1), (6, 1, 5, 1)])
def test_a_book_without_sense_changes_nothing(book: tuple[int, int, int, int]) -> None:
    market = ReferenceMarket(ONE_TO_ONE)
    assert market.on_book(NOW, *book) is None
    assert (market.rejected_count, market.book_count, market.z_md.n) == (1, 0, 0)


def test_windows_are_closed_and_evicted_without_trades() -> None:
    # A buy of 3 at t, a sell of 1 at t+2s: at t+2s the buy is just inside: (3-1)/4 = 0.5. 1 ns later it is out: -1. At t+5s: empty.
    market = ReferenceMarket(ONE_TO_ONE)
    market.on_trade(NOW, 100, 3, False)
    market.on_trade(NOW + 2 * SEC, 100, 1, True)
    imbalances = []
    for ns in (NOW + 2 * SEC, NOW + 2 * SEC + 1, NOW + 5 * SEC):
        row = market.on_book(ns, 100, 1, 102, 1)
        assert row is not None
        imbalances.append((row["ti_2s"], row["buy_ratio_2s"]))
    assert imbalances == [(0.5, 0.75), (-1.0, 0.0), (0.0, 0.5)]


def test_trade_volatility_by_hand() -> None:
    # Prices 100, 101, 100: steps +l, -l with l = ln 1.01, mean 0, deviation l: 99.503 bps. The first trade leaves: 2 prices, 0.
    market = ReferenceMarket(ONE_TO_ONE)
    for i, price in enumerate((100, 101, 100)):
        market.on_trade(NOW + i, price, 1, False)
    row = market.on_book(NOW + SEC, 100, 1, 102, 1)
    assert row is not None and row["rv_1s_bps"] == pytest.approx(99.50330853)
    row = market.on_book(NOW + SEC + 1, 100, 1, 102, 1)
    assert row is not None and row["rv_1s_bps"] == 0.0


def test_mid_volatility_counts_a_change_whose_start_is_older() -> None:
    # Mids 100, 101 (change at +3 s), 101, 100 (+3.5 s): both changes in the last second: sqrt(2)*ln(1.01)*1e4 = 140.719.
    market = ReferenceMarket(ONE_TO_ONE)
    row = None
    for ns, bid in ((0, 99), (3000, 100), (3200, 100), (3500, 99)):
        row = market.on_book(NOW + ns * MS, bid, 1, bid + 2, 1)
    assert row is not None and row["rv_mid_1s_bps"] == pytest.approx(140.7189)
    # ret_2s from the oldest book of the last 2 s (mid 101 at 3.0 s) to 100: -1/101*1e4.
    assert row["ret_2s_bps"] == pytest.approx(-99.00990099)
    assert row["ret_30s_bps"] == 0.0


def test_a_tracker_by_hand() -> None:
    # half-life 0.1 s and dt 0.1 s: a = 1/2. x = 1 each time: mean 1-2^-k, d = 2^-k; var_k = (var_{k-1} + 4^-k)/2.
    # var: 1 -> .625 -> .34375 -> .1796875 -> .091796875 -> .0463867188 -> .0233154297 (k = 6).
    tracker = Tracker(0.1)
    for _ in range(5):
        tracker.update(1.0, NOW, Settings())
        assert tracker.z == 0.0
    tracker.update(1.0, NOW, Settings())
    assert tracker.mean == pytest.approx(1 - 2**-6)
    assert tracker.var == pytest.approx(0.0233154296875)
    assert tracker.z == pytest.approx(2**-6 / math.sqrt(0.0233154296875))


def test_the_time_clock_uses_a_tenth_first_and_then_true_time() -> None:
    # half-life 3 s: first a = 1-2^(-0.1/3) = 0.0228400, then 3 s later a = 1/2: mean 0.02284 -> (0.02284+1)/2.
    tracker = Tracker(3.0)
    tracker.update(1.0, NOW, Settings(z_clock=1))
    assert tracker.mean == pytest.approx(0.02284003156)
    tracker.update(1.0, NOW + 3 * SEC, Settings(z_clock=1))
    assert tracker.mean == pytest.approx(0.51142001578)


def test_a_change_is_sampled_only_after_more_than_the_spacing() -> None:
    tracker = Tracker(3.0)
    tracker.sample_change(0.4, NOW, Settings())
    tracker.sample_change(0.9, NOW + 50 * MS, Settings())
    assert (tracker.n, tracker.previous) == (1, 0.4)
    tracker.sample_change(0.9, NOW + 50 * MS + 1, Settings())
    assert (tracker.n, tracker.previous) == (2, 0.9)


def test_candles_close_at_their_last_mid_and_repeat_when_empty() -> None:
    # Mids 100, 102 in minute 0, nothing in minute 1, 103 at the very start of minute 2: closes 102, 102, ends 60 s and 120 s.
    frame = Frame(MINUTE, False)
    for ns, mid in ((0, 100.0), (59 * SEC, 102.0), (120 * SEC, 103.0)):
        frame.on_mid(ns, mid)
    assert (frame.ends, frame.closes) == ([MINUTE, 2 * MINUTE], [102.0, 102.0])
    frame.on_mid(180 * SEC, 103.0)
    # Steps 0 and ln(103/102) = 0.009756: deviation is half of it: 48.7809 bps. A look-back of 2 min leaves one step: missing.
    assert frame.volatility_bps(180 * SEC, 10 * MINUTE) == pytest.approx(48.78087)
    assert frame.volatility_bps(180 * SEC, 2 * MINUTE) == 0.0


def test_the_waterfall_fades_with_the_age_of_the_high() -> None:
    # High mid 102 at t, mid 101 thirty seconds later: fall 1/102*1e4 = 98.0392, blended 8 -> 12.2549, one half-life of 30 s: 6.12745.
    market = ReferenceMarket(Settings(tick_den=1, lot_den=1, live_weight=0.0, drift_enabled=False, vol_units=1))
    market.on_book(NOW, 101, 1, 103, 1)
    row = market.on_book(NOW + 30 * SEC, 100, 1, 102, 1)
    assert row is not None and row["waterfall"] == pytest.approx(6.1274509804)
    # 1 ns later the high has left and 101 is the high.
    row = market.on_book(NOW + 30 * SEC + 1, 100, 1, 102, 1)
    assert row is not None and row["waterfall"] == 0.0


def test_the_median_spread_waits_for_eleven_books_and_two_seconds() -> None:
    market = ReferenceMarket(ONE_TO_ONE)
    medians = []
    for i in range(12):
        row = market.on_book(NOW + i, 100, 1, 102, 1)
        assert row is not None
        medians.append(row["median_spread_bps"])
    assert medians[:10] == [0.0] * 10
    assert medians[10:] == [pytest.approx(198.01980198)] * 2
    # Not yet 2 s: the old median stays though the spread doubled for good.
    for i in range(40):
        row = market.on_book(NOW + 100 + i, 100, 1, 104, 1)
    assert row is not None and row["median_spread_bps"] == pytest.approx(198.01980198)
    row = market.on_book(NOW + 10 + 2 * SEC + 1, 100, 1, 104, 1)
    assert row is not None and row["median_spread_bps"] == pytest.approx(4 / 102 * 1e4)
