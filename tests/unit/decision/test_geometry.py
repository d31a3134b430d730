"""Sizes and distances of the grid."""

from __future__ import annotations

import pytest

from tests.unit.decision.scene import Scene

EXACT = 1e-9


@pytest.mark.parametrize(
    ("spread", "min_spread", "usd"),
    [
        (7.0, 7.0, 50.0),
        (14.0, 7.0, 65.0),
        (21.0, 7.0, 80.0),
        (5.0, 7.0, 50.0),
        (100.0, 7.0, 80.0),
        (10.0, 7.0, 56.428571428571),  # 50 + 30*3/14
        (2.0, 0.2, 65.0),  # never below 1: from 1 to 3
    ],
)
def test_a_wider_spread_justifies_more(spread: float, min_spread: float, usd: float) -> None:
    scene = Scene()
    scene.m.spread_bps, scene.p[0].min_spread_bps = spread, min_spread
    assert scene.targets().next_notional_usd == pytest.approx(usd, abs=EXACT)


@pytest.mark.parametrize(
    ("rv", "strength", "is_on", "usd"),
    [
        (2.5, 2.95, True, 66.585714285714),  # 2.95/2.5 * 56.4286
        (2.0, 2.95, True, 80.0),  # 83.2, clamped
        (1.0, 2.95, True, 80.0),
        (0.99, 2.95, True, 56.428571428571),  # below the floor: not known
        (20.0, 2.95, True, 50.0),
        (2.5, 2.95, False, 56.428571428571),
        (0.52, 0.1, True, 56.428571428571),
        (1.0, 0.1, True, 50.0),  # a strength below 0.5 counts as 0.5: 28.2, clamped
    ],
)
def test_a_first_entry_is_scaled_by_strength_over_volatility(rv: float, strength: float, is_on: bool, usd: float) -> None:
    scene = Scene()
    scene.p[0].vol_normalize = is_on
    scene.m.rv_1s = rv
    if strength < 1.0:
        scene.set_scores(0.0, 0.0, 0.0, 0.0, -0.8)  # (0 + 0 - 0.8 + 1) / 2
    assert scene.targets().next_notional_usd == pytest.approx(usd, abs=EXACT)


def test_weak_signals_count_as_half() -> None:
    scene = Scene(grid={"min_notional": 10.0, "max_notional": 80.0})
    scene.m.rv_1s = 1.25
    scene.set_scores(-5.0, -5.0, -5.0, 0.0, 0.0)
    # 10 + 70*3/14 = 25; 0.5/1.25 of it
    assert scene.targets().next_notional_usd == pytest.approx(10.0, abs=EXACT)
    scene.p[0].min_notional_usd = 20.0  # 20 + 60*3/14 = 32.857142857; 0.4 of it is below 20
    assert scene.targets().next_notional_usd == pytest.approx(20.0, abs=EXACT)
    scene.m.rv_1s = 1.0  # 0.5 of 32.857142857 is below 20; of 25 with a minimum of 10 it is 12.5
    scene.p[0].min_notional_usd = 10.0
    assert scene.targets().next_notional_usd == pytest.approx(12.5, abs=EXACT)


@pytest.mark.parametrize(("layers", "usd"), [(1, 75.0), (2, 112.5), (3, 168.75), (4, 200.0), (32, 200.0)])
def test_layers_grow_up_to_the_maximum(layers: int, usd: float) -> None:
    scene = Scene(grid={"max_notional": 200.0})
    scene.m.spread_bps, scene.m.rv_1s = 7.0, 2.5  # 50 at the least spread; volatility is for first entries only
    scene.hold(*[100] * layers)
    assert scene.targets().next_notional_usd == pytest.approx(usd, abs=EXACT)


@pytest.mark.parametrize(
    ("blended", "spacing_growth", "drift", "growth"),
    [
        (8.0, 2.0, 1.0, 2.0),
        (12.0, 2.0, 1.5, 3.0),
        (80.0, 2.0, 3.0, 6.0),
        (1.0, 2.0, 0.8, 1.6),
        (80.0, 3.0, 3.0, 8.0),  # 9, clamped
        (1.0, 0.5, 0.8, 1.05),  # 0.4, clamped
    ],
)
def test_growth_follows_the_drift(blended: float, spacing_growth: float, drift: float, growth: float) -> None:
    scene = Scene()
    scene.m.blended_bps, scene.p[0].spacing_growth = blended, spacing_growth
    found = scene.targets()
    assert (found.drift_mult, found.effective_growth) == pytest.approx((drift, growth), abs=EXACT)


@pytest.mark.parametrize(
    ("configured", "median", "blended", "base"),
    [(0.0, 9.0, 8.0, 9.0), (0.0, 9.0, 12.0, 12.0), (0.0, 2.0, 3.0, 5.0), (3.0, 9.0, 12.0, 3.0)],
)
def test_base_spacing(configured: float, median: float, blended: float, base: float) -> None:
    scene = Scene()
    scene.p[0].base_spacing_bps = configured
    scene.m.median_spread_bps, scene.m.blended_bps = median, blended
    assert scene.targets().base_spacing_bps == base


@pytest.mark.parametrize(
    ("layers", "base", "scale", "ask", "required"),
    [
        (1, 0.0, 0.0, 10_005, 9.0),
        (2, 0.0, 0.0, 10_005, 18.0),
        (3, 0.0, 0.0, 10_005, 36.0),
        (6, 0.0, 0.0, 10_005, 288.0),
        (1, 3.0, 0.0, 10_005, 9.0),  # 3, but the layer gap is 9
        (3, 3.0, 0.0, 10_005, 12.0),
        (2, 0.0, 100.0, 10_050, 27.0),  # 50 bps above the average: 1.5 times
        (2, 0.0, 100.0, 9_950, 18.0),  # below it the trend does not count
    ],
)
def test_required_spacing(layers: int, base: float, scale: float, ask: int, required: float) -> None:
    scene = Scene()
    scene.p[0].base_spacing_bps, scene.p[0].trend_spacing_scale = base, scale
    scene.hold(*[100] * layers, price=100.0)
    scene.set_ask(ask)
    assert scene.targets().required_spacing_bps == pytest.approx(required, abs=EXACT)


def test_layers_count_as_opened_not_as_held() -> None:
    scene = Scene()
    scene.hold(100, 100, 100, price=100.0)
    scene.led.layers[0].lots, scene.led.first_layer, scene.led.short_lots = 0, 1, 200
    assert scene.targets().required_spacing_bps == pytest.approx(36.0, abs=EXACT)
