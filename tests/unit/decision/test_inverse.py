"""Inverse mode: arming, zones and shares, fills, passed zones, time and giving up."""

from __future__ import annotations

import pytest

from slackwater.decision.inverse import zone_price
from slackwater.schema.enums import ExitReason, InverseMode
from slackwater.schema.units import SEC
from tests.unit.decision.scene import NOW, Scene

INVERSE_TP, NONE = ExitReason.INVERSE_TP, ExitReason.NONE


def deep(*layers: int, **inverse_tp: object) -> Scene:
    """Layers at 100, opened 100 s ago: 1 - 0.5*(100/60)/30 = 35/36 of the targets is left.

    The first zone is at max(10.8, 10, ...)*35/36 = 10.5, above the spacing 9*35/36; growth is 2: 10.5, 21, 42, 84, 168.
    """
    scene = Scene(inverse_tp=inverse_tp)
    scene.hold(*(layers or (100, 200, 300)), price=100.0)
    scene.follow()
    return scene


def mode(scene: Scene) -> InverseMode:
    return InverseMode(int(scene.s.inverse.mode))


def zones(scene: Scene) -> list[tuple[float, int]]:
    inv = scene.s.inverse
    return [(round(float(inv.zones[k].bps), 9), int(inv.zones[k].lots)) for k in range(inv.zone_count)]


def filled(scene: Scene) -> list[int]:
    return [int(scene.s.inverse.zones[k].filled_lots) for k in range(scene.s.inverse.zone_count)]


def zone_exit(scene: Scene) -> ExitReason:
    return scene.exits()[2]


def active(*fills: int) -> Scene:
    """Three zones of 100, 200 and 300 lots, after these exit fills."""
    scene = deep()
    for lots in fills:
        scene.led.short_lots -= lots
        scene.zone_fill(exit_lots=lots)
    return scene


@pytest.mark.parametrize(
    ("layers", "is_enabled", "expected"),
    [((100, 200), True, InverseMode.NONE), ((1, 1, 1), True, InverseMode.ARMED), ((1, 1, 1), False, InverseMode.NONE)],
)
def test_three_layers_arm(layers: tuple[int, ...], is_enabled: bool, expected: InverseMode) -> None:
    assert mode(deep(*layers, enabled=is_enabled)) == expected


def test_layers_given_back_do_not_arm() -> None:
    scene = deep()
    scene.led.layers[0].lots, scene.led.first_layer, scene.led.short_lots = 0, 1, 500
    scene.s.inverse.has_new_fills = True
    scene.follow()
    assert mode(scene) == InverseMode.NONE


def test_zones_mirror_the_grid() -> None:
    scene = deep()
    assert zones(scene) == [(10.5, 100), (21.0, 200), (42.0, 300)]
    assert [zone_price(scene.s, k) for k in range(3)] == pytest.approx([99.895, 99.79, 99.58], abs=1e-9)
    assert scene.leaving()[1:] == (100, 9_989, INVERSE_TP)  # the first zone's share rests at the first zone's price, floored


@pytest.mark.parametrize(
    ("layers", "max_zones", "shares"),
    [
        ((10, 20, 30, 40, 50), 3, [10, 50, 90]),  # 5//3 = 1, 4//2 = 2, the rest
        ((10, 20, 30, 40, 50), 5, [10, 20, 30, 40, 50]),
        ((10, 20, 30, 40, 50, 60), 5, [10, 20, 30, 40, 110]),  # 6//5, 5//4, 4//3 and 3//2 are 1
        ((10, 20, 30, 40, 50, 60, 70), 3, [30, 70, 180]),  # 7//3 = 2, 5//2 = 2, three left
        ((10, 20, 30), 1, [60]),
    ],
)
def test_shares_are_layers_oldest_first(layers: tuple[int, ...], max_zones: int, shares: list[int]) -> None:
    assert [lots for _, lots in zones(deep(*layers, max_zones=max_zones))] == shares


def test_shares_are_of_layers_held() -> None:
    scene = deep(10, 20, 30, 40)
    scene.led.layers[0].lots, scene.led.first_layer, scene.led.short_lots = 0, 1, 85
    scene.led.layers[1].lots = 15
    scene.s.inverse.has_new_fills = True
    scene.follow()
    assert [lots for _, lots in zones(scene)] == [15, 30, 40]


@pytest.mark.parametrize(
    ("cap", "expected"), [(20.0, [(10.5, 100), (20.0, 500)]), (10.0, [(10.0, 600)]), (42.0, [(10.5, 100), (21.0, 200), (42.0, 300)])]
)
def test_zones_at_the_cap_are_one(cap: float, expected: list[tuple[float, int]]) -> None:
    assert zones(deep(max_zone_bps=cap)) == expected


def test_shares_are_of_the_zones_that_are_left_at_the_cap() -> None:
    # Zones 10.5, 20, 20, 20, 20 are two: of seven layers the first takes 7//2, not 7//5.
    assert zones(deep(10, 20, 30, 40, 50, 60, 70, max_zone_bps=20.0)) == [(10.5, 60), (20.0, 220)]


def test_zones_are_no_narrower_than_the_spacing() -> None:
    scene = deep()
    scene.p[0].base_spacing_bps = 36.0
    scene.follow()
    assert zones(scene) == [(35.0, 100), (70.0, 200), (140.0, 300)]


def test_armed_zones_follow_the_market() -> None:
    scene = deep()
    scene.m.median_spread_bps, scene.m.blended_bps = 18.0, 12.0  # target 21.6 * 35/36 = 21; growth 3
    scene.follow()
    assert zones(scene) == [(21.0, 100), (63.0, 200), (189.0, 300)]


def test_the_first_fill_freezes() -> None:
    scene = active(40)
    assert (mode(scene), scene.s.inverse.active_ns, filled(scene)) == (InverseMode.ACTIVE, NOW, [40, 0, 0])
    scene.m.median_spread_bps = 18.0
    scene.follow(NOW + SEC)
    assert zones(scene) == [(10.5, 100), (21.0, 200), (42.0, 300)]
    assert scene.leaving()[1:3] == (60, 9_989)  # the rest of the current zone
    scene.zone_fill(exit_lots=10, now_ns=NOW + SEC)
    assert scene.s.inverse.active_ns == NOW  # the clock does not start again


def test_a_fill_beyond_a_share_counts_for_the_next() -> None:
    scene = active(150)
    assert filled(scene) == [100, 50, 0]
    assert scene.leaving()[1:3] == (150, 9_979)
    scene.led.short_lots -= 200
    scene.zone_fill(exit_lots=200)
    assert filled(scene) == [100, 200, 50]
    assert scene.leaving()[1:3] == (250, 9_958)


def test_a_late_entry_joins_the_last_zone() -> None:
    scene = active(40)
    scene.zone_fill(entry_lots=80)
    assert zones(scene) == [(10.5, 100), (21.0, 200), (42.0, 380)]


def test_an_armed_grid_takes_entries_as_layers() -> None:
    scene = deep()
    scene.zone_fill(entry_lots=80)
    assert zones(scene) == [(10.5, 100), (21.0, 200), (42.0, 300)]


@pytest.mark.parametrize(
    ("ask", "reason", "stays"),
    [
        (9_989, INVERSE_TP, 500),  # net (0.11 - 0.0335630)/100*1e4 = 7.64
        (9_980, INVERSE_TP, 500),
        (9_978, INVERSE_TP, 300),
        (9_958, INVERSE_TP, 0),
        (9_900, INVERSE_TP, 0),
    ],
)
def test_passed_zones_are_closed(ask: int, reason: ExitReason, stays: int) -> None:
    scene = deep()
    scene.set_ask(ask)
    assert zone_exit(scene) == reason
    assert scene.leaving()[0] == stays


def test_a_zone_not_reached_is_not_closed() -> None:
    scene = deep()
    scene.set_ask(9_990)
    assert zone_exit(scene) == NONE


def test_passed_zones_leave_what_others_hold() -> None:
    scene = active(150)  # 450 left: 150 of the second zone, 300 of the third
    scene.set_ask(9_978)
    assert zone_exit(scene) == INVERSE_TP
    assert scene.leaving()[0] == 300


# At 99.89 net is 7.644; the position cost 60: the hurdle is debt*0.25/60*1e4, 41.67 a dollar.
@pytest.mark.parametrize(
    ("debt_usd", "fees_usd", "reason"),
    [(0.0, 0.0, INVERSE_TP), (0.183, 0.0, INVERSE_TP), (0.184, 0.0, NONE), (0.0, 0.0398, INVERSE_TP), (0.0, 0.0399, NONE)],
)
def test_passed_zones_ask_for_their_hurdle_and_one_at_least(debt_usd: float, fees_usd: float, reason: ExitReason) -> None:
    # Fees take fees/60*1e4 bps: 0.0398 leaves 1.011, 0.0399 leaves 0.994.
    scene = deep()
    scene.set_ask(9_989)
    scene.led.fees_open_usd = fees_usd
    if debt_usd > 0.0:
        scene.owe(debt_usd)
    assert zone_exit(scene) == reason


def test_the_time_cap_takes_everything() -> None:
    scene = active(40)
    scene.s.inverse.active_ns = NOW - 1800 * SEC + 1
    assert zone_exit(scene) == NONE
    scene.s.inverse.active_ns = NOW - 1800 * SEC
    assert zone_exit(scene) == ExitReason.INVERSE_TP_TIMEOUT
    scene.set_ask(9_978)  # and comes before passed zones
    assert zone_exit(scene) == ExitReason.INVERSE_TP_TIMEOUT
    assert scene.leaving(ExitReason.INVERSE_TP_TIMEOUT)[0] == 0


def test_an_armed_grid_has_no_clock() -> None:
    scene = deep()
    scene.led.opened_ns = NOW - 36_000 * SEC
    assert zone_exit(scene) == NONE


@pytest.mark.parametrize(("ask", "expected"), [(10_009, InverseMode.ACTIVE), (10_011, InverseMode.OFF)])
def test_active_and_under_water_is_given_up(ask: int, expected: InverseMode) -> None:
    scene = active(40)
    scene.set_ask(ask)
    assert zone_exit(scene) == NONE
    assert mode(scene) == expected


def test_armed_and_under_water_is_not_given_up() -> None:
    scene = deep()
    scene.set_ask(10_200)
    assert zone_exit(scene) == NONE
    assert mode(scene) == InverseMode.ARMED


def test_given_up_rests_as_usual_until_another_layer_opens() -> None:
    scene = active(40)
    scene.set_ask(10_011)
    zone_exit(scene)
    scene.follow()
    assert mode(scene) == InverseMode.OFF
    assert scene.leaving()[1:] == (560, 9_989, ExitReason.TP_REST)
    scene.led.layers_opened, scene.led.short_lots = 4, 660
    scene.led.layers[3].lots = 100
    scene.led.layers[0].lots = 60
    scene.s.inverse.has_new_fills = True
    scene.follow()
    assert mode(scene) == InverseMode.ARMED
    assert (zones(scene)[0], filled(scene)) == ((10.5, 60), [0, 0, 0, 0])


@pytest.mark.parametrize("before", list(InverseMode))
def test_flat_ends_every_mode(before: InverseMode) -> None:
    scene = deep()
    scene.s.inverse.mode = before
    scene.led.short_lots = 0
    scene.follow()
    assert mode(scene) == InverseMode.NONE


@pytest.mark.parametrize(("min_lots", "rests", "stays"), [(100, 100, 500), (150, 150, 450), (1000, 600, 0)])
def test_a_share_is_at_least_what_the_venue_takes(min_lots: int, rests: int, stays: int) -> None:
    scene = deep()
    scene.s.ins.min_lots = min_lots
    scene.set_ask(9_989)
    assert scene.leaving()[:2] == (stays, rests)
