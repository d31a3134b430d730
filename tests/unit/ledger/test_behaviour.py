"""What the last closes and entries taught: shares, scatter, slippage, and what ages out."""

from __future__ import annotations

import numpy as np
import pytest

from slackwater.config import from_mapping
from slackwater.kernel.jit import jit
from slackwater.kernel.record import new
from slackwater.ledger import behaviour
from slackwater.schema.enums import ExitReason
from slackwater.schema.state import MAX_SAMPLES, Behaviour
from slackwater.schema.units import HOUR, SEC

FEE_FLOOR_BPS = 5.88  # 2.52 + 3.36: near is within max(1, 2.94)


@jit
def _close(box, now_ns, net_bps, slippage_bps, layers, reason):
    behaviour.add_close(box[0], now_ns, net_bps, slippage_bps, layers, reason)


@jit
def _bid(box, bid):
    behaviour.add_close_bid(box[0], bid)


@jit
def _entry(box, p, now_ns, price, median_bps):
    behaviour.add_entry(box[0], p[0], now_ns, price, median_bps)


@jit
def _refresh(box, p, now_ns, fee_floor_bps):
    behaviour.refresh(box[0], p[0], now_ns, fee_floor_bps)


class Record:
    """A behaviour record with the default configuration, `dynamic` changed."""

    def __init__(self, **dynamic: object) -> None:
        self.box, self.p = new(Behaviour), from_mapping({"dynamic": dynamic}).to_params()

    def close(self, now_ns: int, net: float, slippage: float = 0.0, layers: int = 1, reason: ExitReason = ExitReason.TP) -> None:
        """One close."""
        _close(self.box, now_ns, net, slippage, layers, reason.value)

    def close_all(self, nets: list[float]) -> None:
        """Closes at second 1, 2, 3 and so on."""
        for k, net in enumerate(nets):
            self.close((k + 1) * SEC, net)

    def entry(self, now_ns: int, price: float, median_bps: float = 4.0) -> None:
        """One entry group's first fill."""
        _entry(self.box, self.p, now_ns, price, median_bps)

    def at(self, now_ns: int) -> np.record:
        """The figures at a time."""
        _refresh(self.box, self.p, now_ns, FEE_FLOOR_BPS)
        return self.box[0]


@pytest.mark.parametrize(
    ("gap_ns", "price", "median_bps", "is_dup"),
    [
        (30 * SEC, 100.0, 4.0, True),
        (30 * SEC + 1, 100.0, 4.0, False),
        (1, 100.019, 4.0, True),  # 1.9 bps away, 0.5 * 4 = 2 allowed
        (1, 100.021, 4.0, False),
        (1, 99.981, 4.0, True),
        (1, 99.979, 4.0, False),
        (1, 100.004, 0.0, True),  # never less than 0.5 bps
        (1, 100.006, 0.9, False),
    ],
)
def test_a_repeated_entry_is_soon_and_near(gap_ns: int, price: float, median_bps: float, is_dup: bool) -> None:
    record = Record()
    record.entry(SEC, 100.0, median_bps)
    record.entry(SEC + gap_ns, price, median_bps)
    assert [bool(record.box[0].entries[k].is_dup) for k in range(2)] == [False, is_dup]


def test_dup_is_a_share_from_ten_groups_on() -> None:
    record = Record()
    for k in range(9):  # nine in a row, ten seconds apart, at one price: all but the first repeat
        record.entry((k + 1) * 10 * SEC, 100.0)
    assert record.at(100 * SEC).dup == 0.0
    record.entry(200 * SEC, 100.0)
    assert record.at(200 * SEC).dup == 0.8
    for k in range(6):
        record.entry(300 * SEC + k * 60 * SEC, 100.0)
    assert record.at(700 * SEC).dup == 0.5


def test_shares_of_closes_are_zero_below_ten() -> None:
    record = Record()
    for k in range(9):
        record.close(k + 1, 0.5, reason=ExitReason.STOP)
    assert (record.at(10).near, record.at(10).loss, record.at(10).sample_count) == (0.0, 0.0, 9)
    record.close(10, 50.0)
    assert (record.at(10).near, record.at(10).loss) == (0.9, 0.9)


def test_near_is_within_half_the_fee_floor() -> None:
    record = Record()
    record.close_all([2.94, -2.94, 0.0, 2.95, -2.95, 10.0, 10.0, 10.0, -30.0, 20.0])
    assert record.at(20 * SEC).near == 0.3


def test_forced_exits_are_losses_whatever_they_made() -> None:
    record = Record()
    for k, reason in enumerate(r for r in ExitReason if r != ExitReason.NONE):
        record.close(k + 1, 10.0, reason=reason)
    # stop, timeout, inverse_tp_timeout, drawdown and shutdown of ten reasons
    assert record.at(20).loss == 0.5


def test_samples_age_out_after_a_day() -> None:
    record = Record()
    for k in range(10):
        record.close((k + 1) * SEC, 0.0)
        record.entry((k + 1) * SEC, 100.0)
    assert (record.at(24 * HOUR + SEC).sample_count, record.at(24 * HOUR + SEC).near, record.at(24 * HOUR + SEC).dup) == (10, 1.0, 0.9)
    aged = record.at(24 * HOUR + SEC + 1)
    assert (aged.sample_count, aged.near, aged.dup) == (9, 0.0, 0.0)
    assert record.at(25 * HOUR).sample_count == 0
    assert (record.box[0].net_std_bps, record.box[0].slippage_est_bps) == (0.0, 0.5)


def test_samples_never_age_when_told_so() -> None:
    record = Record(behavior_max_age_hours=0.0)
    record.close_all([0.0] * 10)
    assert record.at(10_000 * HOUR).sample_count == 10


def test_only_the_look_back_counts() -> None:
    record = Record(behavior_lookback=12)
    record.close_all([0.0] * 8 + [20.0] * 9)
    assert (record.at(20 * SEC).sample_count, record.at(20 * SEC).near) == (12, 0.25)


def test_the_ring_keeps_the_newest() -> None:
    record = Record(behavior_lookback=MAX_SAMPLES)
    record.close_all([0.0] * 100 + [20.0] * MAX_SAMPLES)
    assert (record.at(700 * SEC).sample_count, record.at(700 * SEC).near) == (MAX_SAMPLES, 0.0)


def test_scatter_is_of_winsorised_results_over_their_number() -> None:
    record = Record()
    record.close_all([100.0, -100.0, 10.0, 10.0, 20.0])
    # 30, -30, 10, 10, 20: mean 8; (22^2 + 38^2 + 2^2 + 2^2 + 12^2) / 5 = 2080/5 = 416
    assert record.at(9 * SEC).net_std_bps == pytest.approx(416**0.5, rel=1e-14)


def test_slippage_is_the_seventieth_percentile_of_what_hurt() -> None:
    record = Record()
    for k, slippage in enumerate([3.0, 1.0, -5.0, 2.0]):
        record.close(k + 1, 0.0, slippage)
    assert record.at(9).slippage_est_bps == 0.5  # four samples are too few
    record.close(5, 0.0, 4.0)
    # 0, 1, 2, 3, 4: rank 0.7 * 4 = 2.8
    assert record.at(9).slippage_est_bps == pytest.approx(2.8, rel=1e-14)


def test_deep_closes_have_three_layers_or_more() -> None:
    record = Record()
    for layers, net in ((1, 100.0), (2, 100.0), (3, -4.0), (7, 1.0)):
        record.close(layers, net, layers=layers)
    assert (record.at(9).deep_count, record.at(9).deep_mean_bps) == (2, -1.5)


@pytest.mark.parametrize(
    ("bids", "falling"),
    [
        ([100.0], 0.0),
        ([100.0, 99.0], 1.0),
        ([100.0, 100.0], 0.0),
        ([100.0, 99.0, 98.0, 99.0, 97.0], 0.75),
        ([100.0, 99.0, 98.0, 99.0, 97.0, 98.0], 0.5),  # the oldest of five is gone: 99 98 99 97 98
        ([9.0, 8.0, 7.0, 6.0, 5.0, 6.0, 7.0, 8.0, 9.0], 0.0),
    ],
)
def test_falling_knife_looks_at_the_last_five_bids(bids: list[float], falling: float) -> None:
    record = Record()
    for bid in bids:
        _bid(record.box, bid)
    assert record.box[0].falling_frac == falling


def test_a_falling_knife_is_forgotten_with_its_closes() -> None:
    record = Record()
    for k, bid in enumerate([100.0, 99.0, 98.0, 99.0]):
        record.close(k * HOUR, 1.0)
        _bid(record.box, bid)
    assert record.at(24 * HOUR).falling_frac == pytest.approx(2 / 3)
    assert record.at(24 * HOUR + 1).falling_frac == 0.5  # 99 98 99 are left
    assert record.at(27 * HOUR).falling_frac == 0.0  # one bid is no step


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 70.0, 7.0),
        ([4.0, 1.0], 70.0, 3.1),
        ([3.0, 1.0, 2.0], 0.0, 1.0),
        ([3.0, 1.0, 2.0], 100.0, 3.0),
        ([5.0, 4.0, 3.0, 2.0, 1.0], 50.0, 3.0),
    ],
)
def test_percentile_is_linear(values: list[float], percent: float, expected: float) -> None:
    assert behaviour.percentile(np.array(values), len(values), percent) == pytest.approx(expected, rel=1e-14)


def test_scatter_of_nothing_is_zero() -> None:
    assert behaviour.population_std(np.array([5.0, 7.0]), 0) == 0.0
    assert behaviour.population_std(np.array([5.0, 7.0]), 2) == 1.0
