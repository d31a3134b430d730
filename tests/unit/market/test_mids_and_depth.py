"""Windows over mids, minimum depth and the waterfall, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slackwater.kernel.record import rows as new_rows
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.units import MINUTE, SEC
from tests.market_kit import T0, Book
from tests.unit.market.watch import last, steps, watch, watch_tape


def at(ns: int, mid_ticks: int, bid_lots: int = 5, ask_lots: int = 5) -> Book:
    """A book two ticks wide."""
    return (ns, mid_ticks - 1, bid_lots, mid_ticks + 1, ask_lots)


def test_returns_reach_back_to_the_oldest_book_of_a_closed_window() -> None:
    books = [at(T0, 10_000), at(T0 + SEC, 10_010)]
    assert last([*books, at(T0 + 2 * SEC, 10_020)]).ret_2s_bps == pytest.approx(20.0)
    assert last([*books, at(T0 + 2 * SEC + 1, 10_020)]).ret_2s_bps == pytest.approx(10 / 10_010 * 1e4)
    assert last([*books, at(T0 + 30 * SEC, 10_020)]).ret_30s_bps == pytest.approx(20.0)
    assert last([*books, at(T0 + 30 * SEC + 1, 10_020)]).ret_30s_bps == pytest.approx(10 / 10_010 * 1e4)
    assert last([*books, at(T0 + MINUTE, 10_020)]).ret_30s_bps == 0.0


def test_a_run_counts_until_its_last_book() -> None:
    # The mid of T0 was seen again at T0+1s, so it is the oldest of the two seconds before T0+3s.
    books = [at(T0, 10_000), at(T0 + SEC, 10_000), at(T0 + 3 * SEC, 10_010)]
    assert last(books).ret_2s_bps == pytest.approx(10.0)


def test_mid_volatility_counts_changes_whose_book_is_in_the_window() -> None:
    books = [at(T0, 10_000), at(T0 + 1, 10_010), at(T0 + 2, 10_010), at(T0 + 3, 10_000)]
    step = math.log(10_010 / 10_000)
    assert last(books).rv_mid_1s_bps == pytest.approx(math.sqrt(2 * step * step) * 1e4)
    assert last([*books, at(T0 + 1 + SEC, 10_000)]).rv_mid_1s_bps == pytest.approx(math.sqrt(2 * step * step) * 1e4)
    assert last([*books, at(T0 + 2 + SEC, 10_000)]).rv_mid_1s_bps == pytest.approx(step * 1e4)
    assert last([*books, at(T0 + 4 + SEC, 10_000)]).rv_mid_1s_bps == 0.0


def test_a_jump_leaves_no_rounding_behind() -> None:
    # A jump by half, then steps of a hundredth of a basis point: the sum of squares falls by thirteen orders of magnitude.
    books = [at(T0, 2_000_000), at(T0 + 1, 1_000_000)]
    books += [at(T0 + SEC // 2 + k, 1_000_000 + k % 2) for k in range(1, 40)]
    row = last([*books, at(T0 + SEC + 2, 1_000_001)])
    assert row.rv_mid_1s_bps == pytest.approx(math.sqrt(39) * math.log(1_000_001 / 1_000_000) * 1e4, rel=1e-9)


def test_depth_is_the_smallest_positive_size_of_a_closed_minute() -> None:
    books = [at(T0, 10_000, 2, 90), at(T0 + 1, 10_000, 0, 40), at(T0 + 2, 10_000, 7, 0)]
    row = last([*books, at(T0 + MINUTE, 10_000, 8, 50)])
    assert (row.depth_min_bid_60s, row.depth_min_ask_60s) == (0.002, 0.04)
    row = last([*books, at(T0 + MINUTE + 1, 10_000, 8, 50)])
    assert (row.depth_min_bid_60s, row.depth_min_ask_60s) == (0.007, 0.04)
    row = last([*books, at(T0 + 2 * MINUTE, 10_000, 0, 50)])
    assert (row.depth_min_bid_60s, row.depth_min_ask_60s) == (0.0, 0.05)


def test_depth_over_many_blocks_is_that_of_a_plain_search() -> None:
    rng = np.random.default_rng(1)
    count = 3_000
    times = T0 + np.cumsum(rng.integers(0, 90, count)) * (SEC // 1_000)
    sizes = rng.integers(0, 1_000_000, (2, count))
    rows, _ = watch([at(int(t), 10_000, int(b), int(a)) for t, b, a in zip(times, *sizes, strict=True)])
    for column, side in (("depth_min_bid_60s", sizes[0]), ("depth_min_ask_60s", sizes[1])):
        for k in range(0, count, 37):
            window = side[(times >= times[k] - MINUTE) & (np.arange(count) <= k)]
            assert rows[column][k] == min(window[window > 0]) / 1000


def alternating(count: int, step_ns: int) -> object:
    """A tape of books whose mid changes every time and never returns to its high."""
    tape = new_rows(TapeRow, count)
    tape.kind = RowKind.BOOK
    tape.ts_recv = steps(count, T0, step_ns)
    tape.price_ticks = 10_000_000 - np.arange(count)
    tape.ask_ticks = tape.price_ticks + 2
    tape.lots = tape.ask_lots = 5
    return tape


def test_more_mids_and_books_than_the_rings_hold_are_counted_and_the_oldest_give_way() -> None:
    runs, books, extra = 65_536, 131_072, 7
    rows, state = watch_tape(alternating(books + extra, 1))  # type: ignore[arg-type]
    assert state.ring_overflows == (books + extra - runs) + extra
    newest, oldest_kept = rows[-1], rows[-runs]
    assert newest.ret_30s_bps == pytest.approx((newest.bid - oldest_kept.bid) / (oldest_kept.bid + 0.01) * 1e4, rel=1e-9)
    assert newest.waterfall > 0.0


def test_full_rings_of_old_entries_are_no_overflow() -> None:
    rows, state = watch_tape(alternating(140_000, SEC // 1_000))  # type: ignore[arg-type]
    assert state.ring_overflows == 0
    assert rows[-1].ret_30s_bps == pytest.approx(-30_000 / (10_000_000 - 139_999 + 1 + 30_000) * 1e4, rel=1e-9)


def test_waterfall_decays_from_when_the_earliest_highest_run_began() -> None:
    books = [at(T0, 10_000), at(T0 + SEC, 10_100), at(T0 + 2 * SEC, 10_050), at(T0 + 3 * SEC, 10_100), at(T0 + 11 * SEC, 10_000)]
    row = last(books, live_weight=0.0, drift_enabled=False, vol_units=1)
    assert row.blended_bps == 8.0
    assert row.waterfall == pytest.approx(100 / 10_100 * 1e4 / 8.0 * 2 ** (-10 / 30))


def test_the_high_is_not_older_than_30_s() -> None:
    books = [at(T0, 10_100), at(T0 + 20 * SEC, 10_100), at(T0 + 50 * SEC, 10_000)]
    row = last(books, live_weight=0.0, drift_enabled=False, vol_units=1)
    assert row.waterfall == pytest.approx(100 / 10_100 * 1e4 / 8.0 * 0.5)
    # A nanosecond later no book of the run at the high is left in the window.
    books[-1] = at(T0 + 50 * SEC + 1, 10_000)
    assert last(books, live_weight=0.0, drift_enabled=False, vol_units=1).waterfall == 0.0
