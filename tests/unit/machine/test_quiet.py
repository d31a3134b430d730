"""Quiet books, bound by bound: what leaves a book alone, and every single thing that has it looked at again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slackwater.kernel.jit import jit
from slackwater.machine import quiet
from slackwater.schema.enums import GATE_COUNT, CloseStep, Context, ExitReason, Gate, GroupStatus, InverseMode
from slackwater.schema.units import HOUR, NEVER_NS, SEC
from tests.unit.decision.scene import NOW, Scene


@jit
def _note(states, p, now_ns):
    quiet.note(states[0], p[0], now_ns)


@jit
def _is_quiet(states, p, now_ns):
    return quiet.is_quiet(states[0], p[0], now_ns)


@jit
def _forget(states):
    quiet.forget(states[0])


@jit
def _go_on(states):
    quiet.go_on(states[0])


def stopped(scene: Scene, gate: Gate, context: Context) -> Scene:
    """The scene after a book at which this gate stopped us."""
    s = scene.s
    s.last_reason, s.last_context, s.quiet.gate = gate, context, context * GATE_COUNT + gate
    s.ledger.last_entry_placed_ns = s.ledger.last_entry_fill_ns = NOW - 2 * HOUR
    return scene


def held(gate: Gate = Gate.SPACING, avg_entry: float = 100.0, layers: int = 1) -> Scene:
    """Short at an average with its take-profit in place; the ask at 100.05 is nearer than any spacing unless the average is lower."""
    scene = Scene()
    scene.hold(*[40] * layers, price=avg_entry)
    s = scene.s
    s.equity_logged_ns = NOW
    if layers >= 3:
        scene.follow()
    _, lots, ticks, _ = scene.leaving()
    s.take_profit.want_lots, s.take_profit.want_ticks, s.take_profit.wake_ns = lots, ticks, NEVER_NS
    return stopped(scene, gate, Context.AVERAGE)


def flat(gate: Gate) -> Scene:
    return stopped(Scene(), gate, Context.ENTRY)


def is_noted(scene: Scene) -> bool:
    _note(scene.states, scene.p, NOW)
    return bool(scene.s.quiet.until_ns > NOW)


def is_quiet(scene: Scene, now_ns: int = NOW + SEC // 2) -> bool:
    return bool(_is_quiet(scene.states, scene.p, now_ns))


@pytest.mark.parametrize("gate", [Gate.SPREAD_LOW, Gate.SPREAD_HIGH, Gate.PUMP, Gate.ENTRY_DISABLED])
def test_a_flat_symbol_is_left_alone_while_the_prices_stay(gate: Gate) -> None:
    scene = flat(gate)
    scene.set_scores(-1.0, -1.0, 0.0, 0.0, 0.0)
    assert is_noted(scene)
    assert is_quiet(scene, NOW + HOUR)
    scene.set_ask(10_006)
    assert not is_quiet(scene)


@pytest.mark.parametrize("gate", [Gate.EXHAUST, Gate.TREND_2S, Gate.EDGE, Gate.WATERFALL, Gate.PORTFOLIO_CAP, Gate.NO_MEDIAN_SPREAD])
def test_what_cannot_be_said_in_a_few_numbers_is_not_noted(gate: Gate) -> None:
    assert not is_noted(flat(gate))


def test_a_pump_is_looked_at() -> None:
    scene = flat(Gate.PUMP)
    scene.set_scores(0.0, 0.0, 0.0, 0.0, 0.0)
    assert is_noted(scene)
    assert is_quiet(scene)
    scene.set_scores(3.0, 2.0, 1.0, 0.0, 0.0)
    assert not is_quiet(scene)


def test_a_calmer_market_makes_a_fall_a_waterfall() -> None:
    scene = flat(Gate.SPREAD_LOW)
    scene.p[0].waterfall_vol_threshold = 2.0
    assert is_noted(scene)
    least = float(scene.s.quiet.least_blended_bps)
    assert least == pytest.approx(9.99 / 2.0, rel=1e-3)
    scene.m.blended_bps = least * 1.001
    assert is_quiet(scene)
    scene.m.blended_bps = least * 0.999
    assert not is_quiet(scene)


@pytest.mark.parametrize(
    ("gate", "until"),
    [(Gate.CLOSE_COOLDOWN, "cooldown_until_ns"), (Gate.BREAKER, "breaker_until_ns"), (Gate.LAYER_COOLDOWN, "layer_cooldown_until_ns")],
)
def test_a_pause_ends(gate: Gate, until: str) -> None:
    scene = held(gate)
    scene.s.risk[until] = NOW + SEC // 2
    assert is_noted(scene)
    assert is_quiet(scene, NOW + SEC // 2 - 1)
    assert not is_quiet(scene, NOW + SEC // 2)


def test_an_add_that_cools_is_left_alone_until_a_livelier_market_would_let_it_in() -> None:
    scene = held(Gate.ENTRY_COOLDOWN)
    scene.s.behaviour.dup = 0.5
    scene.p[0].cooldown_sec = 10.0  # 10 * (1 + 1.5 / drift): 25 s at the baseline, at 0.9 of that drift's inverse 23.5 s
    scene.m.blended_bps = scene.m.baseline_bps
    scene.s.ledger.last_entry_placed_ns = scene.s.ledger.last_entry_fill_ns = NOW - 23 * SEC
    assert is_noted(scene)
    assert is_quiet(scene, NOW + SEC // 4)
    assert not is_quiet(scene, NOW + SEC * 3 // 4)
    scene.m.blended_bps = scene.m.baseline_bps * 1.1
    assert is_quiet(scene, NOW + SEC // 4)
    scene.m.blended_bps = scene.m.baseline_bps * 1.12
    assert not is_quiet(scene, NOW + SEC // 4)


def test_a_position_is_left_alone_while_its_bounds_hold() -> None:
    scene = held()
    assert is_noted(scene)
    assert is_quiet(scene)
    assert scene.s.quiet.until_ns == NOW + SEC  # when the account is noted again
    scene.m.bid_ticks = 9_990
    assert is_quiet(scene)


def _ask(ticks: int) -> Callable[[Scene], None]:
    return lambda scene: scene.set_ask(ticks)


def _market(**fields: float) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        for name, value in fields.items():
            scene.m[name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _ask(10_500),  # far enough for a layer
        _ask(9_990),  # through the take-profit
        _market(live_bps=80.0),  # a heavy tail
        _market(live_bps=30.0),  # the target moves
        _market(median_spread_bps=30.0),
    ],
)
def test_what_changes_a_decision_has_the_book_looked_at(change: Callable[[Scene], None]) -> None:
    scene = held()
    assert is_noted(scene)
    change(scene)
    assert not is_quiet(scene)


def test_below_the_gap_of_layers_the_ask_alone_decides() -> None:
    scene = held()
    scene.p[0].min_spread_bps = 9.0
    assert is_noted(scene)
    scene.m.blended_bps = 1.0
    assert is_quiet(scene)
    scene.set_ask(10_007)
    assert is_quiet(scene)
    scene.set_ask(10_009)
    assert not is_quiet(scene)


def test_above_the_gap_of_layers_a_calmer_market_lets_a_layer_in() -> None:
    scene = held(avg_entry=99.97)
    scene.m.blended_bps = 12.0
    assert is_noted(scene)
    scene.m.blended_bps = 11.0
    assert is_quiet(scene)
    scene.m.blended_bps = 10.0
    assert not is_quiet(scene)


def test_a_stop_is_seen_at_another_ask() -> None:
    scene = held(Gate.MAX_LAYERS)
    scene.p[0].stop_loss_bps = 30.0
    assert is_noted(scene)
    scene.set_ask(10_010)
    assert is_quiet(scene)
    assert scene.led.equity_usd == pytest.approx(-0.1 * 0.04)
    scene.set_ask(10_050)
    assert not is_quiet(scene)


def test_another_ask_is_remembered_for_fills_that_are_told_later() -> None:
    scene = held(Gate.MAX_LAYERS)
    assert is_noted(scene)
    for scene.s.event_ns, ticks in ((NOW + 1, 10_010), (NOW + 2, 10_010), (NOW + 3, 10_020)):
        scene.set_ask(ticks)
        assert is_quiet(scene)
    assert [(change.event_ns, change.ask_ticks) for change in scene.s.asks[: scene.s.ask_changes]] == [(NOW + 1, 10_010), (NOW + 3, 10_020)]


def _working(scene: Scene) -> None:
    scene.s.entry.status = GroupStatus.WORKING


def _closing(scene: Scene) -> None:
    scene.s.close.step = CloseStep.MAKER


def _awaited(scene: Scene) -> None:
    scene.s.answer_due_ns = NOW + SEC


def _cancel_refused(scene: Scene) -> None:
    scene.s.recancel_ns = NOW + SEC


def _asked(scene: Scene) -> None:
    scene.s.has_asked = True


def _no_gate(scene: Scene) -> None:
    scene.s.quiet.gate = quiet.NO_GATE


def _moved(scene: Scene) -> None:
    scene.s.order_changes += 1


def _refused(scene: Scene) -> None:
    scene.s.take_profit.rejected_ns = NOW


def _remembered(scene: Scene) -> None:
    scene.s.risk.remembered_exit = ExitReason.STOP


def _just_entered(scene: Scene) -> None:
    scene.led.last_entry_fill_ns = NOW


@pytest.mark.parametrize(
    "change", [_working, _closing, _awaited, _cancel_refused, _asked, _no_gate, _moved, _refused, _remembered, _just_entered]
)
def test_while_something_works_nothing_is_noted(change: Callable[[Scene], None]) -> None:
    scene = held()
    change(scene)
    assert not is_noted(scene)


def test_it_forgets_when_told() -> None:
    scene = held()
    assert is_noted(scene)
    _forget(scene.states)
    assert not is_quiet(scene)
    _go_on(scene.states)
    assert not is_quiet(scene)


def test_a_row_of_equity_lets_it_go_on() -> None:
    scene = held()
    assert is_noted(scene)
    assert not is_quiet(scene, NOW + SEC)
    scene.s.equity_logged_ns = NOW + SEC
    _go_on(scene.states)
    assert is_quiet(scene, NOW + SEC + 1)


def test_an_add_that_the_guard_forbids_is_left_alone_at_its_prices() -> None:
    scene = held(Gate.RECOVERY_DRAWDOWN, avg_entry=99.5)
    assert is_noted(scene)
    assert is_quiet(scene)
    scene.m.blended_bps = 200.0
    assert not is_quiet(scene)
    scene.m.blended_bps = 8.0
    scene.set_ask(10_006)
    assert not is_quiet(scene)


def test_armed_zones_are_due_at_the_last_book_and_laid_when_asked_for() -> None:
    scene = held(layers=3)
    assert scene.s.inverse.mode == InverseMode.ARMED
    assert is_noted(scene)
    assert is_quiet(scene)
    assert scene.s.inverse.due_ns == NOW + SEC // 2
    scene.follow(NOW + SEC // 2)
    assert scene.s.inverse.due_ns == 0


def test_the_number_of_armed_zones_stays_or_the_book_is_looked_at() -> None:
    scene = held(layers=3)
    assert is_noted(scene)
    assert scene.s.inverse.zone_count == 3
    scene.p[0].inverse_max_zone_bps = float(scene.s.inverse.zones[1].bps) * 1.01
    assert is_noted(scene)
    assert not is_quiet(scene)  # a livelier market could bring two zones to the limit, where they would be one
    scene.p[0].inverse_max_zone_bps = 1e6
    assert is_noted(scene)
    assert is_quiet(scene)


def test_a_position_being_unwound_is_looked_at_again_in_time() -> None:
    scene = held(Gate.ENTRY_DISABLED, layers=3)
    scene.zone_fill(exit_lots=1)
    assert scene.s.inverse.mode == InverseMode.ACTIVE
    _, lots, ticks, _ = scene.leaving()
    scene.s.take_profit.want_lots, scene.s.take_profit.want_ticks = lots, ticks
    scene.p[0].inverse_time_cap_ns = SEC // 2
    assert is_noted(scene)
    assert is_quiet(scene, NOW + SEC // 2 - 1)
    assert not is_quiet(scene, NOW + SEC // 2)
    scene.set_ask(10_006)  # it may be given up at a higher ask, whatever stops the adds
    assert not is_quiet(scene, NOW + 1)
