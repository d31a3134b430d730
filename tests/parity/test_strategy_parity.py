"""Whole runs of the compiled engine beside the slow reference: every decision, account and resting price, on tapes made to be awkward."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from slackwater.config import Config
from slackwater.schema.units import MS
from tests.parity.configurations import CONFIGURATIONS, OPEN, Configuration
from tests.parity.engine import EngineRun, settings_of
from tests.parity.lockstep import Shadow, differences, follow
from tests.parity.market_tapes import BURSTS, CALM, SHAPES, STEADY_RISE, Shape, make_tape
from tests.reference.settings import Settings

ROWS = 700
DEEP_ROWS = 4_000
# What a configuration is there for: the gates and exits that its tapes must reach, so that none passes for want of trading.
REACHES: dict[str, tuple[str, ...]] = {
    "defaults": ("pump", "exhaust", "spread_low", "warmup", "not_warm", "trend_2s"),
    "quick": ("spread_high",),
    "open": ("pass", "spacing", "burst", "close_cooldown", "entry_cooldown", "tp_rest", "inverse_tp"),
    "open_with_all_gates": ("trend_2s", "trend_30s", "buy_ratio", "waterfall"),
    "deep_inverse": ("layer_cooldown", "inverse_mode", "no_median_spread", "tp"),
    "inverse_limits": ("inverse_tp", "inverse_mode"),
    "inverse_timeout": ("inverse_tp_timeout",),
    "forced_exits": ("stop", "breaker"),
    "fast_tp": ("fast_tp", "inverse_tp"),
    "drawdown": ("drawdown", "entry_disabled"),
    "debt": ("timeout", "edge"),
    "debt_in_the_way": ("recovery_hurdle", "edge"),
    "breaker": ("breaker", "timeout"),
    "old_samples": ("timeout", "edge"),
    "static": ("edge", "tp"),
    "no_guard": ("symbol_cap",),
    "guarded": ("recovery_cooldown", "recovery_hourly"),
    "v7": ("timeout", "pass"),
    "trend": ("spacing", "pass"),
    "no_drift": ("inverse_tp", "spacing"),
    "small_minimums": ("below_min", "pass"),
    "caps": ("symbol_cap", "portfolio_cap"),
    "portfolio": ("portfolio_cap", "pass"),
    "shutdown": ("shutdown",),
    "recovery_only": ("entry_disabled",),
}


def beside(configuration: Configuration, seed: int, shape: Shape, length: int) -> list[Shadow]:
    """Run a configuration on a tape of its own for each symbol, `length` rows together."""
    each = length // configuration.symbols
    tapes = {f"S{k}": make_tape(100 * seed + k, each, shape) for k in range(configuration.symbols)}
    return follow(EngineRun(tapes, configuration.settings, configuration.changes), configuration.settings)


def lines_of(shadows: list[Shadow]) -> list[str]:
    return [line for shadow in shadows for line in shadow.lines]


def test_the_reference_has_the_defaults_of_the_configuration() -> None:
    found = settings_of(Config().to_params())
    assert found == {name: getattr(Settings(), name) for name in found}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_engine_and_reference_agree(name: str) -> None:
    number = list(CONFIGURATIONS).index(name)
    seen: Counter[str] = Counter()
    for shape in (SHAPES[number % len(SHAPES)], BURSTS if number % 2 else STEADY_RISE):
        shadows = beside(CONFIGURATIONS[name], number, shape, ROWS)
        assert lines_of(shadows) == []
        for shadow in shadows:
            seen.update({reason: count for (_, reason), count in shadow.counts.items()})
            seen.update(part.reason for part in shadow.one.ledger.realised)
    assert [reason for reason in REACHES.get(name, ()) if seen[reason] == 0] == []


@hypothesis_settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(CONFIGURATIONS)),
    seed=st.integers(0, 2**20),
    pause_ms=st.lists(st.sampled_from([0, 0, 1, 50, 51, 300, 500, 2000, 2001]), min_size=1, max_size=6),
    spreads=st.lists(st.sampled_from([-2, 0, 1, 5, 14, 25, 60]), min_size=1, max_size=5),
    step=st.integers(0, 40),
)
def test_engine_and_reference_agree_on_any_shape(name: str, seed: int, pause_ms: list[int], spreads: list[int], step: int) -> None:
    shape = Shape(pause_ms=pause_ms, spread_ticks=spreads, step_ticks=step, gap_chance=0.003, jump_chance=0.004, funding_chance=0.01)
    assert lines_of(beside(CONFIGURATIONS[name], seed, shape, 500)) == []


def test_a_wrong_setting_is_noticed() -> None:
    tape = make_tape(3, ROWS, CALM)
    wrong = replace(OPEN, min_tp_profit_bps=OPEN.min_tp_profit_bps + 1e-3, cooldown_sec=OPEN.cooldown_sec + 0.5)
    assert differences(EngineRun({"S0": tape}, OPEN), OPEN) == []
    assert differences(EngineRun({"S0": tape}, OPEN), wrong) != []


def test_answers_never_meet_a_row() -> None:
    tape = make_tape(5, ROWS, SHAPES[1])
    run = EngineRun({"S0": tape}, OPEN)
    fills = [int(row.ts_ns) for step in run.steps() for row in step.logs["fills"]]
    assert fills
    assert all(ns % MS != 0 for ns in fills)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_engine_and_reference_agree_for_long(name: str, seed: int) -> None:
    for shape in SHAPES:
        assert lines_of(beside(CONFIGURATIONS[name], 1_000 + seed, shape, DEEP_ROWS)) == []
