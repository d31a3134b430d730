"""Scores, median spread, candles and the volatility regime, by hand."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from slackwater.kernel.record import as_box, new
from slackwater.market.batch import count_waterfalls
from slackwater.market.spreads import has_median_spread, median_spread_bps, push_spread, start_spread_run
from slackwater.schema.market import MarketState
from slackwater.schema.units import DAY, MINUTE, MS, SEC
from tests.market_kit import T0, Book, Trade, instrument, signal_params, tape_of
from tests.unit.market.test_mids_and_depth import at
from tests.unit.market.watch import last, watch

CLOCK_GAIN = 1 - 2 ** (-0.1 / 5)


def ema_z(values: list[float], gain: float) -> float:
    """The strategy's tracker, written down again."""
    mean, var, d = 0.0, 1.0, 0.0
    for x in values:
        mean += gain * (x - mean)
        d = x - mean
        var += gain * (d * d - var)
    return d / math.sqrt(var)


def test_scores_start_after_five_updates() -> None:
    books = [at(T0 + k * 60 * MS, 10_000, 9, 1) for k in range(6)]
    rows, _ = watch(books)
    md = [row.md for row in rows]
    assert [row.z_md for row in rows[:5]] == [0.0] * 5
    assert rows[5].z_md == pytest.approx(ema_z(md, CLOCK_GAIN))
    assert rows[5].pump_score == pytest.approx(0.6 * rows[5].z_md)


def test_scores_are_clamped() -> None:
    quiet = [at(T0 + k * MS, 10_000, 5, 5) for k in range(900)]
    assert last([*quiet, at(T0 + SEC, 10_400, 5, 5)]).z_ret_2s == 5.0
    assert last([*quiet, at(T0 + SEC, 10_400, 5, 5)], z_clamp=2.0).z_ret_2s == 2.0


def test_delta_trackers_sample_more_than_50_ms_apart() -> None:
    _, state = watch([at(T0 + k * 50 * MS, 10_000) for k in range(8)])
    assert (state.n_dti, state.n_dqi) == (4, 4)
    _, state = watch([at(T0 + k * (50 * MS + 1), 10_000) for k in range(8)])
    assert (state.n_dti, state.n_dqi) == (8, 8)
    # A trade samples the imbalance too, with itself in it, and a book less than 50 ms later does not.
    _, state = watch([(T0, 10_000, 5, False), at(T0 + 20 * MS, 10_000)])
    assert (state.n_dti, state.n_dqi, state.sampled_ti) == (1, 1, 1.0)


def test_leaning_book_counts_one_on_integers() -> None:
    assert last([at(T0, 10_000, 4, 5)]).exhaust_score == 1.0
    assert last([at(T0, 10_000, 5, 5)]).exhaust_score == 0.0


def test_warm_after_more_than_20_trades_and_50_books() -> None:
    trades: list[Book | Trade] = [(T0, 10_000, 1, False)] * 21
    assert last([*trades, *[at(T0, 10_000)] * 51]).warm
    assert not last([*trades, *[at(T0, 10_000)] * 50]).warm
    assert not last([*trades[1:], *[at(T0, 10_000)] * 51]).warm


def test_median_spread_by_a_plain_search() -> None:
    rng = np.random.default_rng(2)
    times = T0 + np.cumsum(rng.choice([0, 3, 40, 2_001], 2_500, p=[0.2, 0.4, 0.395, 0.005])) * MS
    spreads = np.where(rng.random(2_500) < 0.5, rng.integers(0, 60, 2_500), rng.integers(0, 5_000, 2_500))
    rows, _ = watch([(int(t), 10_000, 1, 10_000 + int(s), 1) for t, s in zip(times, spreads, strict=True)])
    expected, done_ns = 0.0, 0
    for k, row in enumerate(rows):
        if times[k] - done_ns > 2 * SEC and k + 1 > 10:
            expected, done_ns = statistics.median(rows["spread_bps"][max(0, k - 499) : k + 1]), times[k]
        assert row.median_spread_bps == expected


@pytest.mark.parametrize("asked", [3, 600, 7_000])
def test_a_median_asked_for_late_is_that_of_the_book_it_was_due_at(asked: int) -> None:
    # The first comes due at book 11, the second 2 s later, and then a burst of books comes within 2 s before anybody asks.
    rng = np.random.default_rng(asked)
    spreads = rng.integers(0, 300, 700 + asked + 9_000)
    times = [T0 + k for k in range(700)] + [T0 + 3 * SEC + k for k in range(asked + 9_000)]
    market, ins, sp = new(MarketState), instrument(), signal_params()
    events = tape_of([(t, 10_000, 1, 10_000 + int(s), 1) for t, s in zip(times, spreads, strict=True)])
    bps = spreads / (10_000 + spreads / 2) * 1e4
    count_waterfalls(market, ins, sp, as_box(events[: 700 + asked]), 1e9)
    assert median_spread_bps(market[0]) == pytest.approx(statistics.median(bps[201:701]), rel=1e-12)
    # Nobody asks for 9,000 more books: what the ring is about to lose is settled in time.
    count_waterfalls(market, ins, sp, as_box(events[700 + asked :]), 1e9)
    assert median_spread_bps(market[0]) == pytest.approx(statistics.median(bps[201:701]), rel=1e-12)
    late = new(MarketState)
    count_waterfalls(late, ins, sp, events, 1e9)
    assert median_spread_bps(late[0]) == median_spread_bps(market[0])
    assert has_median_spread(late[0])


@pytest.mark.parametrize(("longest_run", "values", "seed"), [(1, 5_000, 1), (4, 3, 2), (40, 30, 3), (900, 6, 4)])
def test_median_of_runs_of_equal_spreads_asked_for_now_and_then(longest_run: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bps: list[float] = []
    while len(bps) < 12_000:
        # Of two sizes: so near that all share a bin, or anywhere up to beyond the last bin.
        one = 8.0 + rng.integers(values) * 1e-7 if rng.random() < 0.7 else rng.integers(values) * 80.0 / values
        bps += [float(one)] * int(rng.integers(1, longest_run + 1))
    m = new(MarketState)[0]
    asked_next = 0
    for k, spread_bps in enumerate(bps):
        m.n_books = k
        if k == 0 or spread_bps != bps[k - 1]:
            m.spread_bps = spread_bps
            start_spread_run(m)
        m.n_books = k + 1
        push_spread(m, T0 + k * 100 * MS)
        if k < asked_next or m.median_at == 0:
            continue
        due = int(m.median_at)
        assert median_spread_bps(m) == statistics.median(bps[max(0, due - 500) : due])
        asked_next = k + int(rng.choice([0, 3, 100, 480, 520, 3_000], p=[0.2, 0.3, 0.3, 0.1, 0.09, 0.01]))


def test_a_median_of_zero_is_none() -> None:
    _, locked = watch([(T0 + k, 10_000, 1, 10_000, 1) for k in range(12)])
    assert not has_median_spread(locked)
    _, early = watch([at(T0 + k, 10_000) for k in range(10)])
    assert not has_median_spread(early)
    _, mixed = watch([*[(T0 + k, 10_000, 1, 10_000, 1) for k in range(5)], *[at(T0 + 5 + k, 10_000) for k in range(6)]])
    assert has_median_spread(mixed)


def test_median_needs_eleven_books() -> None:
    rows, _ = watch([at(T0 + k, 10_000) for k in range(11)])
    assert rows["median_spread_bps"].tolist() == [0.0] * 10 + [rows[0].spread_bps]


def minute_books(closes: list[int], first_ns: int) -> list[Book]:
    """One book in the middle of each minute; 0 leaves the minute empty."""
    return [at(first_ns + k * MINUTE + 30 * SEC, close) for k, close in enumerate(closes) if close]


def deviation_bps(closes: list[int]) -> float:
    return statistics.pstdev(math.log(b / a) for a, b in zip(closes, closes[1:], strict=False)) * 1e4


MIDNIGHT = T0 // DAY * DAY


def test_baseline_from_candles_built_of_mids() -> None:
    closes = [10_000, 10_020, 0, 10_010, 10_050]
    filled = [10_000, 10_020, 10_020, 10_010, 10_050]
    books = minute_books(closes, MIDNIGHT)
    # Without a refresh since, the baseline knows fewer candles.
    books.append(at(MIDNIGHT + 6 * MINUTE + 30 * SEC, 10_060))
    row = last(books, refresh_ns=MINUTE)
    assert row.baseline_bps == pytest.approx(deviation_bps([*filled, 10_050]))
    assert last(books, refresh_ns=10 * MINUTE).baseline_bps != pytest.approx(deviation_bps([*filled, 10_050]))


def test_a_candle_is_usable_from_the_book_at_its_end() -> None:
    books = [*minute_books([10_000, 10_020, 10_010], MIDNIGHT), at(MIDNIGHT + 3 * MINUTE, 10_900)]
    assert last(books, refresh_ns=1).baseline_bps == pytest.approx(deviation_bps([10_000, 10_020, 10_010]))


def test_steady_growth_has_hardly_any_volatility() -> None:
    closes = [round(10_000_000 * 1.001**k) for k in range(12)]
    row = last(minute_books([*closes, closes[-1]], MIDNIGHT), refresh_ns=1)
    assert row.baseline_bps == pytest.approx(deviation_bps(closes), rel=1e-5)


def test_live_average_starts_whole_and_decays() -> None:
    move = [at(T0, 10_000), at(T0 + 1, 10_010)]
    start = math.log(10_010 / 10_000) * 1e4 * math.sqrt(60)
    assert last(move).live_bps == pytest.approx(start)
    later = last([*move, at(T0 + 1 + 5 * SEC, 10_010)])
    assert later.live_bps == pytest.approx(start / 2)
    assert later.baseline_bps == later.live_bps  # without candles live stands in
    assert (later.drift_mult, later.tail_ratio, later.heavy_tail) == (1.0, 1.0, False)


def test_v7_units_move_a_quarter_of_the_way() -> None:
    trades: list[Book | Trade] = [(T0 + k, 10_000 + 5 * (k % 2), 1, False) for k in range(9)]
    first = last([*trades, at(T0 + 9, 10_000)], vol_units=1)
    assert first.live_bps == first.rv_1s_bps > 0.0
    rows, _ = watch([*trades, at(T0 + 9, 10_000), (T0 + 10, 10_400, 1, False), at(T0 + 10, 10_000)], vol_units=1)
    assert rows[1].live_bps == pytest.approx(rows[0].live_bps + 0.25 * (rows[1].rv_1s_bps - rows[0].live_bps))


def test_a_burst_makes_a_heavy_tail_and_its_time_is_counted() -> None:
    closes = [10_000, 10_001, 10_000, 10_001, 10_000]
    quiet = minute_books(closes, MIDNIGHT)
    burst_ns = MIDNIGHT + 10 * MINUTE
    burst = [at(burst_ns, 10_000), at(burst_ns + MS, 10_050)]
    row = last([*quiet, *burst])
    assert row.heavy_tail
    assert row.drift_mult == 3.0
    assert row.tail_ratio == pytest.approx(max(row.live_bps, row.blended_bps) / row.baseline_bps)
    _, before = watch([*quiet, *burst])
    _, state = watch([*quiet, *burst, at(burst_ns + SEC, 10_050)])
    assert state.clamped_ns - before.clamped_ns == SEC - MS
    assert state.regime_ns == burst_ns + SEC - (MIDNIGHT + 30 * SEC)


def test_the_quick_waterfall_test_agrees_with_the_score() -> None:
    rng = np.random.default_rng(4)
    times = T0 + np.cumsum(rng.integers(0, 900, 4_000)) * MS
    mids = 100_000 + np.cumsum(rng.integers(-40, 41, 4_000))
    events = [at(int(t), int(p)) for t, p in zip(times, mids, strict=True)]
    rows, _ = watch(events)
    for threshold in (0.05, 0.3, 1.0):
        count = count_waterfalls(new(MarketState), instrument(), signal_params(), tape_of(events), threshold)
        assert count == sum(rows["waterfall"] > threshold) > 0
