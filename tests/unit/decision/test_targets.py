"""Where the take-profit rests, fresh, old, in debt, and against the ask."""

from __future__ import annotations

import pytest

from slackwater.schema.units import MINUTE
from tests.unit.decision.scene import NOW, Scene

EXACT = 1e-9


def aged(minutes: float) -> Scene:
    """500 lots at 99.5, opened that long ago."""
    scene = Scene()
    scene.hold(500)
    scene.led.opened_ns = NOW - int(minutes * MINUTE)
    return scene


@pytest.mark.parametrize(
    ("median", "live", "fresh"),
    [(9.0, 8.0, 10.8), (0.0, 8.0, 5.0), (0.0, 40.0, 6.0), (9.0, 100.0, 15.0), (9.0, 1000.0, 50.0), (50.0, 1000.0, 60.0)],
)
def test_fresh_target(median: float, live: float, fresh: float) -> None:
    scene = Scene()
    scene.m.median_spread_bps, scene.m.live_bps = median, live
    assert scene.targets().fresh_target_bps == pytest.approx(fresh, abs=EXACT)


@pytest.mark.parametrize(
    ("minutes", "half_life", "floor", "left"),
    [
        (0.0, 30.0, 0.5, 1.0),
        (15.0, 30.0, 0.5, 0.75),
        (30.0, 30.0, 0.5, 0.5),
        (600.0, 30.0, 0.5, 0.5),
        (15.0, 30.0, 0.2, 0.6),
        (600.0, 30.0, 0.2, 0.2),
        (600.0, 0.0, 0.5, 1.0),
    ],
)
def test_decay(minutes: float, half_life: float, floor: float, left: float) -> None:
    scene = aged(minutes)
    scene.p[0].tp_decay_half_life_min, scene.p[0].tp_decay_floor = half_life, floor
    assert scene.targets().decay == pytest.approx(left, abs=EXACT)


@pytest.mark.parametrize(
    ("minutes", "min_tp", "debt_usd", "max_cost", "rest"),
    [
        (0.0, 10.0, 0.0, 1000.0, 10.8),
        (15.0, 10.0, 0.0, 1000.0, 8.1),
        (30.0, 10.0, 0.0, 1000.0, 6.04),  # 5.4 and 5.0 are below both maker fees and 1
        (0.0, 12.0, 0.0, 1000.0, 12.0),
        (15.0, 12.0, 0.0, 1000.0, 9.0),
        (30.0, 10.0, 2.0, 1000.0, 10.04),  # 5.04 + 2*0.25/1000*1e4
        (0.0, 10.0, 2.0, 1000.0, 10.8),
        (0.0, 10.0, 50.0, 1000.0, 30.04),  # at most 25
        (30.0, 10.0, 0.2, 1000.0, 6.04),  # a hurdle of 0.5 is below 1
        (30.0, 10.0, 2.0, 2000.0, 7.54),  # on the largest cost since flat, not on the present one
    ],
)
def test_rest(minutes: float, min_tp: float, debt_usd: float, max_cost: float, rest: float) -> None:
    scene = aged(minutes)
    scene.p[0].min_tp_profit_bps = min_tp
    scene.led.episode.max_cost_usd = max_cost
    if debt_usd > 0.0:
        scene.owe(debt_usd)
    assert scene.targets().rest_bps == pytest.approx(rest, abs=EXACT)


def test_a_partial_fill_does_not_push_its_own_rest_away() -> None:
    scene = aged(30.0)
    scene.owe(0.05)
    before = scene.targets().rest_bps  # 0.05*0.25/49.75*1e4 = 2.5126
    scene.led.short_lots = 100
    assert scene.targets().rest_bps == before == pytest.approx(7.552563, abs=1e-6)


@pytest.mark.parametrize(
    ("ask", "ticks"),
    [
        (10_005, 9_939),  # 99.5 * (1 - 10.8e-4) = 99.39254, floored
        (9_941, 9_939),
        (9_940, 9_939),
        (9_939, 9_938),  # a tick below the ask
        (9_900, 9_899),
    ],
)
def test_resting_price(ask: int, ticks: int) -> None:
    scene = aged(0.0)
    scene.set_ask(ask)
    assert scene.targets().rest_ticks == ticks
    assert scene.targets().rest_lots == 500


def test_a_price_on_the_tick_stays_there() -> None:
    scene = aged(0.0)
    scene.p[0].min_tp_profit_bps = 20.0
    scene.hold(500, price=100.0)
    scene.led.opened_ns = NOW
    assert scene.targets().rest_ticks == 9_980  # 100 * (1 - 20e-4)
