"""Adaptive modifiers, on and off."""

from __future__ import annotations

import pytest

from tests.unit.decision.scene import Scene

EXACT = 1e-9


def taught(is_on: bool = True, **learned: float) -> Scene:
    scene = Scene(dynamic={"enabled": is_on})
    for name, value in learned.items():
        scene.s.behaviour[name] = value
    return scene


@pytest.mark.parametrize(
    ("learned", "blended", "seconds"),
    [
        ({}, 8.0, 2.0),
        ({"dup": 0.2, "near": 0.1}, 8.0, 3.6),  # 2 * (1 + 0.6 + 0.2)
        ({"dup": 0.2, "near": 0.1}, 16.0, 2.8),  # drift 2
        ({"dup": 0.2, "near": 0.1}, 1.0, 4.0),  # drift 0.8
        ({"falling_frac": 0.6}, 8.0, 2.0),  # 0.6 is not above 0.6
        ({"falling_frac": 0.75}, 8.0, 8.0),  # 1 + 4*0.75 = 4 times
        ({"dup": 0.2, "near": 0.1, "falling_frac": 0.75}, 8.0, 14.4),
        ({"dup": 1.0, "near": 1.0, "falling_frac": 1.0}, 8.0, 16.0),  # 60, at most 8 times the base
    ],
)
def test_entry_cooldown(learned: dict[str, float], blended: float, seconds: float) -> None:
    scene = taught(**learned)
    scene.m.blended_bps = blended
    assert scene.modifiers()[0] == pytest.approx(seconds, abs=1e-8)


def test_entry_cooldown_does_not_divide_by_a_dead_drift() -> None:
    scene = taught(dup=0.2, near=0.1)
    scene.p[0].signals.drift_min, scene.m.blended_bps = 0.3, 1.0
    assert scene.modifiers()[0] == pytest.approx(5.2, abs=1e-8)  # 2 * (1 + 0.8/0.5)


def test_entry_cooldown_is_a_tenth_of_a_second_at_least() -> None:
    scene = taught()
    scene.p[0].cooldown_sec = 0.0
    assert scene.modifiers()[0] == pytest.approx(0.1, abs=1e-8)


@pytest.mark.parametrize(
    ("dup", "median", "min_spread", "maker", "gap"),
    [
        (0.0, 9.0, 7.0, 0.000252, 9.0),
        (0.25, 9.0, 7.0, 0.000252, 13.5),
        (0.0, 3.0, 7.0, 0.000252, 7.0),
        (0.0, 3.0, 1.0, 0.001, 6.68),  # half of 10 + 3.36
    ],
)
def test_layer_gap(dup: float, median: float, min_spread: float, maker: float, gap: float) -> None:
    scene = taught(dup=dup)
    scene.m.median_spread_bps, scene.p[0].min_spread_bps, scene.p[0].maker_fee = median, min_spread, maker
    assert scene.modifiers()[1] == pytest.approx(gap, abs=EXACT)


@pytest.mark.parametrize(
    ("count", "mean", "configured", "depth"),
    [
        (8, -0.1, 32, 2),
        (8, 0.0, 32, 3),
        (8, 5.87, 32, 3),
        (8, 5.89, 32, 32),
        (7, -50.0, 32, 32),  # too few to judge
        (8, -0.1, 1, 1),
        (8, 5.0, 2, 2),
    ],
)
def test_grid_depth(count: int, mean: float, configured: int, depth: int) -> None:
    scene = taught(deep_count=count, deep_mean_bps=mean)
    scene.p[0].max_layers = configured
    assert scene.modifiers()[2] == depth


@pytest.mark.parametrize(
    ("near", "loss", "configured", "least"),
    [
        (0.0, 0.0, 10.0, 10.0),
        (0.2, 0.4, 10.0, 12.0),  # 5.88*1.3 = 7.644 is less; 10 * 1.2
        (0.5, 0.2, 5.0, 10.3488),  # 5.88*1.6 = 9.408; times 1.1
    ],
)
def test_min_take_profit(near: float, loss: float, configured: float, least: float) -> None:
    scene = taught(near=near, loss=loss)
    scene.p[0].min_tp_profit_bps = configured
    assert scene.targets().min_tp_profit_bps == pytest.approx(least, abs=EXACT)


@pytest.mark.parametrize(
    ("near", "configured", "limit"), [(0.0, -10.0, -11.764), (0.2, -10.0, -12.94), (0.2, 5.0, -1.0), (0.0, 0.0, -1.764)]
)
def test_min_fast_take_profit(near: float, configured: float, limit: float) -> None:
    scene = taught(near=near)
    scene.p[0].min_fast_tp_bps = configured
    assert scene.targets().min_fast_tp_bps == pytest.approx(limit, abs=EXACT)


@pytest.mark.parametrize(
    ("unrealised", "floor", "asked"),
    [
        (10.0, 0.15, 7.0),
        (-34.99, 0.15, 7.0),
        (-35.0, 0.15, 7.0),  # t = 0
        (-35.0 - 465.0 / 1024.0, 0.15, 6.25625),  # t = 2^-10, t^0.3 = 1/8: 7 * (1 - 0.85/8)
        (-35.0 - 465.0 / 32.0, 0.15, 4.896357),  # t = 2^-5, t^0.3 = 2^-1.5 = 0.35355339: 7 * 0.69947962
        (-267.5, 0.15, 2.167098),  # t = 1/2, 0.81225240: 7 * 0.30958546
        (-500.0, 0.15, 1.05),
        (-5000.0, 0.15, 1.05),
        (-500.0, 0.5, 3.5),
    ],
)
def test_spread_relief(unrealised: float, floor: float, asked: float) -> None:
    scene = taught()
    scene.p[0].relief_floor = floor
    assert scene.modifiers(unrealised)[3] == pytest.approx(asked, abs=1e-6)


def test_off_means_the_base_values() -> None:
    scene = taught(is_on=False, dup=1.0, near=1.0, loss=1.0, falling_frac=1.0, deep_count=100, deep_mean_bps=-50.0)
    assert scene.modifiers(-500.0) == pytest.approx((2.0, 9.0, 32, 7.0), abs=1e-8)
    assert scene.targets().min_tp_profit_bps == 10.0
    assert scene.targets().min_fast_tp_bps == -10.0
    scene.p[0].min_tp_profit_bps = 5.0
    assert scene.targets().min_tp_profit_bps == pytest.approx(6.468, abs=EXACT)  # 1.1 * 5.88
