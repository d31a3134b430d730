"""Gates of entry and averaging: each alone, their order, and what stands exactly at a threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slackwater.schema.commands import Purpose
from slackwater.schema.enums import Gate, InverseMode, OrderStatus
from slackwater.schema.units import HOUR, SEC
from tests.unit.decision.scene import NOW, TRADES, Scene

Change = Callable[[Scene], Any]


def setting(name: str, value: float) -> Change:
    return lambda scene: scene.p[0].__setattr__(name, value)


def market(name: str, value: float) -> Change:
    return lambda scene: scene.m.__setattr__(name, value)


def risk(name: str, value: float) -> Change:
    return lambda scene: scene.s.risk.__setattr__(name, value)


def ledger(name: str, value: float) -> Change:
    return lambda scene: scene.led.__setattr__(name, value)


def of_all(*changes: Change) -> Change:
    return lambda scene: [change(scene) for change in changes]


def trades_seen(count: int) -> Change:
    return of_all(*(market(name, count) for name in ("n_trades", "rv_1s_at", "tail_2s", "tail_1s", "tail_500ms")))


def another_symbol_holds(lots: int) -> Change:
    def change(scene: Scene) -> None:
        scene.states[1].ledger.short_lots, scene.states[1].ledger.avg_entry = lots, 100.0

    return change


def an_entry_order_works(lots: int) -> Change:
    def change(scene: Scene) -> None:
        scene.s.live_orders = 1
        order = scene.s.orders[3]
        order.status, order.purpose, order.lots, order.highest_ticks = OrderStatus.LIVE, Purpose.ENTRY, lots, 10_000

    return change


# The entry is floor(56.428571 / 100.05 * 1000) = 564 lots, 56.4282 usd.
ENTRY: list[tuple[Gate, Change]] = [
    (Gate.ENTRY_DISABLED, risk("drawdown_halt_ns", NOW)),
    (Gate.REWARM, risk("restored_ns", NOW - 30 * SEC + 1)),
    (Gate.WARMUP, market("first_ns", NOW - 30 * SEC + 1)),
    (Gate.CLOSE_COOLDOWN, risk("cooldown_until_ns", NOW + 1)),
    (Gate.BREAKER, risk("breaker_until_ns", NOW + 1)),
    (Gate.NO_MEDIAN_SPREAD, of_all(market("median_at", 0), market("median_known_at", 0), market("median_spread_bps", 0.0))),
    (Gate.ENTRY_COOLDOWN, ledger("last_entry_fill_ns", NOW - 2 * SEC + 1)),
    # (100.1-100)/100.1*1e4 = 9.990; over 8 bps 1.2488; halved every 30 s, after 10 s times 0.7937: 0.99113
    (Gate.WATERFALL, setting("waterfall_vol_threshold", 0.991)),
    (Gate.NOT_WARM, trades_seen(20)),
    (Gate.SPREAD_LOW, setting("min_spread_bps", 10.01)),
    (Gate.SPREAD_HIGH, setting("max_spread_bps", 9.99)),
    (Gate.PUMP, setting("pump_threshold", 3.4001)),
    (Gate.EXHAUST, setting("exhaust_threshold", 2.5)),
    (Gate.TREND_2S, setting("max_trend_bps", 4.99)),
    (Gate.TREND_30S, setting("max_trend_30s_bps", 20.04)),  # (100-99.8)/99.8*1e4 = 20.0401
    (Gate.BUY_RATIO, of_all(setting("max_buy_ratio", 0.72), market("volume_2s", 100), market("flow_2s", 46))),  # 73 of 100
    (Gate.BELOW_MIN, lambda scene: scene.s.ins.__setattr__("min_notional_usd", 56.5)),
    (Gate.SYMBOL_CAP, setting("max_symbol_notional_usd", 56.42)),
    (Gate.EDGE, setting("min_edge_bps", 4.18)),  # the bound is 4.17: see test_edge
    (Gate.PORTFOLIO_CAP, setting("max_total_notional_usd", 56.42)),
]


# 500 lots at 99.5 cost 49.75; the ask stands (100.05-99.5)/99.5*1e4 = 55.2764 bps above; the add is floor(80/100.05*1000) = 799 lots,
# 79.93995 usd, which would make 129.68995.
AVERAGE: list[tuple[Gate, Change]] = [
    (Gate.ENTRY_DISABLED, setting("recovery_only", True)),
    (Gate.REWARM, risk("restored_ns", NOW - 30 * SEC + 1)),
    (Gate.INVERSE_MODE, lambda scene: scene.s.inverse.__setattr__("mode", InverseMode.ACTIVE)),
    (Gate.MAX_LAYERS, setting("max_layers", 1)),
    (Gate.CLOSE_COOLDOWN, risk("cooldown_until_ns", NOW + 1)),
    (Gate.BREAKER, risk("breaker_until_ns", NOW + 1)),
    (Gate.LAYER_COOLDOWN, risk("layer_cooldown_until_ns", NOW + 1)),
    (Gate.ENTRY_COOLDOWN, ledger("last_entry_placed_ns", NOW - 2 * SEC + 1)),
    (Gate.SPACING, setting("base_spacing_bps", 55.28)),
    (Gate.SPREAD_LOW, of_all(setting("min_spread_bps", 10.01), setting("relief_start_bps", 56.0))),
    (Gate.BURST, ledger("last_entry_price", 100.0)),  # 5 bps away, 9 asked
    (Gate.BELOW_MIN, lambda scene: scene.s.ins.__setattr__("min_lots", 800)),
    (Gate.SYMBOL_CAP, setting("max_symbol_notional_usd", 129.68)),
    (Gate.RECOVERY_DRAWDOWN, setting("avg_min_unrealized_bps", 55.28)),
    (Gate.RECOVERY_COOLDOWN, ledger("last_add_ns", NOW - 20 * SEC + 1)),
    (
        Gate.RECOVERY_HOURLY,
        of_all(setting("avg_max_adds_per_hour", 1), ledger("adds", 1), lambda s: s.led.add_ns.__setitem__(0, NOW - HOUR)),
    ),
    # 0.2*0.25/49.75*1e4 = 10.0503 falls to 0.05/129.68995*1e4 = 3.8553: by 6.1949
    (Gate.RECOVERY_HURDLE, of_all(lambda scene: scene.owe(0.2), setting("avg_min_hurdle_improve_bps", 6.2))),
    (Gate.EDGE, setting("min_edge_bps", 4.18)),
    (Gate.PORTFOLIO_CAP, setting("max_total_notional_usd", 129.68)),
]


def flat() -> Scene:
    return Scene()


def short() -> Scene:
    scene = Scene()
    scene.hold(500)
    return scene


def names(rows: list[tuple[Gate, Change]]) -> list[str]:
    return [gate.name.lower() for gate, _ in rows]


@pytest.mark.parametrize("scene", [flat, short])
def test_nothing_stands_in_the_way(scene: Callable[[], Scene]) -> None:
    assert scene().gate() == Gate.PASS


@pytest.mark.parametrize(("gate", "change"), ENTRY, ids=names(ENTRY))
def test_one_gate_stops_an_entry(gate: Gate, change: Change) -> None:
    scene = flat()
    change(scene)
    assert scene.gate() == gate
    assert [found for found, passes in scene.readings() if not passes] == [gate]


@pytest.mark.parametrize(("gate", "change"), AVERAGE, ids=names(AVERAGE))
def test_one_gate_stops_an_add(gate: Gate, change: Change) -> None:
    scene = short()
    change(scene)
    assert scene.gate() == gate
    assert [found for found, passes in scene.readings() if not passes] == [gate]


@pytest.mark.parametrize("first", range(len(ENTRY)), ids=names(ENTRY))
def test_the_first_gate_that_fails_an_entry_is_the_reason(first: int) -> None:
    scene = flat()
    for _, change in ENTRY[first:]:
        change(scene)
    assert scene.gate() == ENTRY[first][0]


@pytest.mark.parametrize("first", range(len(AVERAGE)), ids=names(AVERAGE))
def test_the_first_gate_that_fails_an_add_is_the_reason(first: int) -> None:
    scene = short()
    for _, change in AVERAGE[first:]:
        change(scene)
    assert scene.gate() == AVERAGE[first][0]


@pytest.mark.parametrize(("scene", "table"), [(flat, ENTRY), (short, AVERAGE)])
def test_readings_are_in_the_order_of_the_gates(scene: Callable[[], Scene], table: list[tuple[Gate, Change]]) -> None:
    assert [gate for gate, _ in scene().readings()] == [gate for gate, _ in table]


EXACT_HALVES = {"weight_ret": 0.5, "weight_ti": 0.5, "weight_md": 0.5}


def scored(ret: float, ti: float, md: float) -> Change:
    def change(scene: Scene) -> None:
        for name, weight in EXACT_HALVES.items():
            scene.p[0].signals[name] = weight
        scene.set_scores(ret, ti, md, 1.0, 0.5)

    return change


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (risk("is_halted", True), Gate.ENTRY_DISABLED),
        (risk("is_shutdown", True), Gate.ENTRY_DISABLED),
        (setting("recovery_only", True), Gate.ENTRY_DISABLED),
        (risk("restored_ns", NOW - 30 * SEC), Gate.PASS),
        (market("first_ns", NOW - 30 * SEC), Gate.PASS),
        (risk("cooldown_until_ns", NOW), Gate.PASS),
        (risk("breaker_until_ns", NOW), Gate.PASS),
        (ledger("last_entry_fill_ns", NOW - 2 * SEC), Gate.PASS),
        (ledger("last_entry_placed_ns", NOW - 2 * SEC + 1), Gate.ENTRY_COOLDOWN),
        (of_all(ledger("last_entry_placed_ns", NOW - 90 * SEC), ledger("last_entry_fill_ns", NOW - SEC)), Gate.ENTRY_COOLDOWN),
        (setting("waterfall_vol_threshold", 0.992), Gate.PASS),
        (trades_seen(21), Gate.PASS),
        (of_all(market("n_books", 50), market("median_at", 40), market("median_known_at", 40)), Gate.NOT_WARM),
        (of_all(market("n_books", 51), market("median_at", 40), market("median_known_at", 40)), Gate.PASS),
        (setting("min_spread_bps", 10.0), Gate.PASS),
        (setting("max_spread_bps", 10.0), Gate.PASS),
        (scored(2.0, 1.0, 1.0), Gate.PUMP),  # 2.0 is not above 2.0
        (scored(2.0, 1.0, 1.25), Gate.PASS),
        (lambda scene: scene.set_scores(3.0, 2.0, 1.0, 0.0, 0.0), Gate.EXHAUST),  # the lean alone is 1.0, not above 1.0
        (of_all(market("bid_lots", 80), lambda scene: scene.set_scores(3.0, 2.0, 1.0, 0.5, 0.5)), Gate.EXHAUST),  # equal sizes lean nowhere
        (market("ret_2s", 12.0), Gate.PASS),
        (market("ret_2s", 12.01), Gate.TREND_2S),
        (market("ret_2s", -50.0), Gate.PASS),
        (setting("max_trend_30s_bps", 20.05), Gate.PASS),
        (setting("max_trend_30s_bps", 0.0), Gate.PASS),
        (lambda scene: scene.m.runs[0].__setattr__("mid", 100.31), Gate.TREND_30S),  # 30.9 bps down counts as well
        (of_all(setting("max_buy_ratio", 0.73), market("volume_2s", 100), market("flow_2s", 46)), Gate.PASS),
        (of_all(market("volume_2s", 100), market("flow_2s", 100)), Gate.PASS),  # off at 1
        (lambda scene: scene.s.ins.__setattr__("min_lots", 565), Gate.BELOW_MIN),
        (lambda scene: scene.s.ins.__setattr__("min_lots", 564), Gate.PASS),
        (setting("max_symbol_notional_usd", 56.43), Gate.PASS),
        (of_all(setting("max_symbol_notional_usd", 60.0), an_entry_order_works(36)), Gate.SYMBOL_CAP),  # 3.6 still to come
        (of_all(setting("max_symbol_notional_usd", 60.1), an_entry_order_works(36)), Gate.PASS),
        (setting("min_edge_bps", 4.16), Gate.PASS),
        (another_symbol_holds(19_440), Gate.PORTFOLIO_CAP),  # 1944 + 56.4282
        (another_symbol_holds(19_435), Gate.PASS),
    ],
)
def test_entry_at_the_threshold(change: Change, gate: Gate) -> None:
    scene = flat()
    change(scene)
    assert scene.gate() == gate


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (lambda scene: scene.s.inverse.__setattr__("mode", InverseMode.ARMED), Gate.PASS),
        (lambda scene: scene.s.inverse.__setattr__("mode", InverseMode.OFF), Gate.PASS),
        (ledger("layers_opened", 32), Gate.MAX_LAYERS),
        (risk("layer_cooldown_until_ns", NOW), Gate.PASS),
        (setting("base_spacing_bps", 55.27), Gate.PASS),
        (of_all(market("spread_bps", 5.0), setting("relief_start_bps", 56.0)), Gate.SPREAD_LOW),
        (market("spread_bps", 5.0), Gate.PASS),  # 55.3 bps under water the minimum of 7 is relieved to 4.7
        # No pump is asked of an add, nor anything else of the signals; they only count for the edge.
        (of_all(lambda s: s.set_scores(0.0, 0.0, 0.0, 0.0, 0.0), setting("min_edge_bps", 2.71)), Gate.PASS),
        (market("first_ns", NOW), Gate.PASS),
        (of_all(setting("max_symbol_notional_usd", 129.7)), Gate.PASS),
        (ledger("short_lots", 50), Gate.BELOW_MIN),  # 4.975 held is below the venue's 5
        (of_all(ledger("short_lots", 50), setting("avg_enabled", False)), Gate.PASS),
        (setting("avg_min_unrealized_bps", 55.27), Gate.PASS),
        (ledger("last_add_ns", NOW - 20 * SEC), Gate.PASS),
        (of_all(ledger("last_add_ns", NOW - 5 * SEC), setting("avg_cooldown_ns", 0)), Gate.PASS),
        (of_all(setting("avg_max_adds_per_hour", 0), ledger("adds", 100)), Gate.PASS),
        (of_all(setting("avg_max_adds_per_hour", 1), ledger("adds", 1), lambda s: s.led.add_ns.__setitem__(0, NOW - HOUR - 1)), Gate.PASS),
        (of_all(lambda scene: scene.owe(0.1), setting("avg_min_hurdle_improve_bps", 99.0)), Gate.PASS),  # a dime is no debt
        (of_all(lambda scene: scene.owe(0.2), setting("avg_min_hurdle_improve_bps", 6.19)), Gate.PASS),
        # Both hurdles are at the clamp of 25, their unclamped values are 5025 and 1928: the guard passes, the edge has to say no.
        (lambda scene: scene.owe(100.0), Gate.EDGE),
        (of_all(lambda scene: scene.owe(0.2), setting("recovery_enabled", False), setting("avg_min_hurdle_improve_bps", 99.0)), Gate.PASS),
        (another_symbol_holds(18_704), Gate.PORTFOLIO_CAP),  # 1870.4 + 129.68995
        (another_symbol_holds(18_703), Gate.PASS),
    ],
)
def test_add_at_the_threshold(change: Change, gate: Gate) -> None:
    scene = short()
    change(scene)
    assert scene.gate() == gate


def test_the_guard_is_off_when_averaging_is_not_guarded() -> None:
    scene = short()
    for _, change in AVERAGE[13:17]:
        change(scene)
    scene.p[0].avg_enabled = False
    assert scene.gate() == Gate.PASS


def test_eight_adds_an_hour() -> None:
    scene = short()
    scene.led.adds = 8
    for k in range(8):
        scene.led.add_ns[k] = NOW - (3600 - 400 * k) * SEC
    assert scene.gate() == Gate.RECOVERY_HOURLY
    scene.led.add_ns[0] = NOW - 3600 * SEC - 1
    assert scene.gate() == Gate.PASS


def test_a_heavy_tail_keeps_layers_away() -> None:
    scene = short()
    scene.m.live_bps = 17.5  # 2.1875 times the baseline
    scene.feel_tail()
    assert scene.s.risk.layer_cooldown_until_ns == 0
    scene.m.live_bps = 17.6  # 2.2: exactly heavy, and no stretch
    scene.feel_tail()
    assert scene.s.risk.layer_cooldown_until_ns == NOW + 20 * SEC
    scene.m.live_bps = 35.2  # 4.4: twice as long
    scene.feel_tail()
    assert scene.s.risk.layer_cooldown_until_ns == NOW + 40 * SEC
    scene.m.live_bps = 800.0  # a hundred times: at most three times as long
    scene.feel_tail()
    assert scene.s.risk.layer_cooldown_until_ns == NOW + 60 * SEC
    scene.m.live_bps = 17.6  # never shortened
    scene.feel_tail()
    assert scene.s.risk.layer_cooldown_until_ns == NOW + 60 * SEC


def test_the_scene_has_the_trades_it_says() -> None:
    assert flat().m.n_trades == TRADES


def test_caps_count_a_group_at_the_highest_price_of_its_slices() -> None:
    scene = Scene()
    scene.p[0].max_symbol_notional_usd = 56.43  # the entry is 56.4282 usd at the ask
    assert scene.gate() == Gate.PASS
    scene.p[0].max_slices = scene.p[0].max_ticks = 5  # up to 100.09
    assert scene.gate() == Gate.SYMBOL_CAP
