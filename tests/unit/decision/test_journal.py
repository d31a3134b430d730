"""Decisions written down: every refusal counted, a row when the reason changes and for every shot."""

from __future__ import annotations

import pytest

from slackwater.decision.journal import note_gate
from slackwater.kernel.jit import jit
from slackwater.schema.enums import GATE_COUNT, Context, Gate
from tests.unit.decision.scene import NOW, Scene


@jit
def _note(states, p, out, now_ns, context, gate):
    note_gate(states[0], p[0], out[0], now_ns, context, gate)


def noted(scene: Scene, *gates: tuple[Context, Gate]) -> list[tuple[Context, Gate]]:
    scene.out[0].decision_count = 0
    for k, (context, gate) in enumerate(gates):
        _note(scene.states, scene.p, scene.out, NOW + k, context.value, gate.value)
    return [(Context(int(row.context)), Gate(int(row.reason))) for row in scene.out[0].decisions[: scene.out[0].decision_count]]


def test_a_row_for_each_change_and_each_shot() -> None:
    scene = Scene()
    scene.hold(500)
    pump, fired, spacing = (Context.ENTRY, Gate.PUMP), (Context.ENTRY, Gate.PASS), (Context.AVERAGE, Gate.SPACING)
    burst = (Context.AVERAGE, Gate.BREAKER)
    rows = noted(scene, pump, pump, pump, fired, fired, pump, spacing, spacing, burst, (Context.ENTRY, Gate.BREAKER))
    assert rows == [pump, fired, fired, pump, spacing, burst, (Context.ENTRY, Gate.BREAKER)]
    counts = scene.s.gate_counts
    assert [counts[Gate.PUMP], counts[Gate.PASS], counts[GATE_COUNT + Gate.SPACING], counts[GATE_COUNT + Gate.BREAKER]] == [4, 2, 2, 1]
    assert sum(counts) == 10


def test_the_first_reason_is_always_written() -> None:
    assert noted(Scene(), (Context.ENTRY, Gate.PASS)) == [(Context.ENTRY, Gate.PASS)]


def test_an_entry_row() -> None:
    scene = Scene()
    noted(scene, (Context.ENTRY, Gate.PUMP))
    row = scene.out[0].decisions[0]
    assert (row.ts_ns, row.layers, row.price, row.drift_mult, row.base_spacing_bps, row.effective_growth) == (NOW, 0, 100.05, 1.0, 9.0, 2.0)
    assert (row.rise_bps, row.required_spacing_bps, row.unrealised_bps) == (0.0, 0.0, 0.0)
    assert row.notional_usd == pytest.approx(56.428571428571, abs=1e-9)


def test_an_add_row() -> None:
    scene = Scene()
    scene.hold(250, 250)
    noted(scene, (Context.AVERAGE, Gate.SPACING))
    row = scene.out[0].decisions[0]
    assert (row.layers, row.required_spacing_bps, row.notional_usd) == (2, 18.0, 80.0)
    assert row.rise_bps == -row.unrealised_bps == pytest.approx(55.276382, abs=1e-6)
