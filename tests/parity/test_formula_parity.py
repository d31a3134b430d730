"""Formulas that need no market, engine against reference on random numbers: sizes, hurdles, relief, statistics, debt, pauses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from slackwater.decision import adapt, geometry
from slackwater.kernel.jit import jit
from slackwater.kernel.record import new
from slackwater.ledger import behaviour, recovery, risk
from slackwater.schema.enums import ExitReason
from slackwater.schema.state import MAX_SAMPLES, Recovery, Risk
from slackwater.schema.units import HOUR, SEC
from tests.market_kit import T0
from tests.parity.engine import params_of
from tests.reference import formulas as f
from tests.reference.ledger import Close, Debt, Ledger
from tests.reference.settings import Settings
from tests.reference.signals import deviation

EXAMPLES = hypothesis_settings(max_examples=200, deadline=None, derandomize=True)
SETTINGS = [
    Settings(),
    Settings(dynamic_enabled=False, recovery_enabled=False),
    Settings(
        min_spread_bps=0.4, min_notional_usd=6.0, max_notional_usd=900.0, relief_start_bps=0.0, relief_full_bps=80.0, relief_floor=0.5
    ),
    Settings(
        paydown_ratio=0.9, max_paydown_bps=400.0, debt_cap_usd=3.0, debt_lookback_ns=HOUR, max_loss_bps=20.0, circuit_pause_ns=5 * HOUR
    ),
    Settings(debt_cap_usd=0.0, debt_lookback_ns=0, cooldown_step_ns=(7 * SEC,), max_loss_bps=1.0, maker_fee=-0.0001),
]
REASONS = [reason for reason in ExitReason if reason != ExitReason.NONE]
some_settings = st.sampled_from(SETTINGS)
bps = st.floats(-700.0, 700.0)


@jit
def _of_numbers(params, spread_bps, unrealised_bps, debt, notional, found):
    p = params[0]
    found[0] = geometry.base_notional_usd(p, spread_bps)
    found[1] = adapt.relieved_min_spread_bps(p, unrealised_bps)
    found[2] = recovery.raw_hurdle_bps(p, debt, notional)
    found[3] = recovery.hurdle_bps(p, debt, notional)
    found[4] = adapt.fee_floor_bps(p)


@jit
def _of_samples(values, count, percent):
    scatter = behaviour.population_std(values, count)
    return scatter, behaviour.percentile(values, count, percent)


@jit
def _realise(rec, params, now_ns, net_usd):
    recovery.apply_realised(rec[0], params[0], now_ns, net_usd)
    return recovery.debt_usd(rec[0], params[0], now_ns)


@jit
def _close(box, params, now_ns, net_usd, net_bps, reason):
    risk.on_close(box[0], params[0], now_ns, net_usd, net_bps, reason)


@EXAMPLES
@given(some_settings, st.floats(0.0, 200.0), bps, st.floats(0.0, 90.0), st.floats(0.0, 5_000.0))
@example(SETTINGS[0], 7.0, -35.0, 0.0, 0.0)
@example(SETTINGS[0], 21.0, -500.0, 1.0, 100.0)
def test_sizes_relief_and_hurdles(s: Settings, spread_bps: float, unrealised_bps: float, debt: float, notional: float) -> None:
    found = np.zeros(5)
    _of_numbers(params_of(s), spread_bps, unrealised_bps, debt, notional, found)
    expected = [
        f.base_notional(spread_bps, s),
        f.spread_relief(unrealised_bps, s),
        f.raw_hurdle(debt, notional, s),
        f.hurdle(debt, notional, s),
        f.fee_floor_bps(s),
    ]
    assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@EXAMPLES
@given(st.lists(bps | st.sampled_from([0.0, 1.0]), min_size=1, max_size=150), st.floats(0.0, 100.0))
def test_scatter_and_percentile(values: list[float], percent: float) -> None:
    held = np.zeros(MAX_SAMPLES)
    held[: len(values)] = values
    scatter, middle = _of_samples(held, len(values), percent)
    assert scatter == pytest.approx(deviation(values), rel=1e-9, abs=1e-9)
    assert middle == pytest.approx(f.percentile(values, percent), rel=1e-9, abs=1e-9)


@EXAMPLES
@given(some_settings, st.lists(st.tuples(st.integers(0, HOUR // 2), st.floats(-2.0, 2.0)), max_size=60))
def test_debt_is_the_same_after_any_results(s: Settings, results: list[tuple[int, float]]) -> None:
    rec, params, debt, now = new(Recovery), params_of(s), Debt(s), T0
    for step_ns, net_usd in results:
        now += step_ns
        debt.on_realised(now, net_usd)
        assert _realise(rec, params, now, net_usd) == pytest.approx(debt.read(now), rel=1e-9, abs=1e-9)
        assert rec[0].lapsed_usd == pytest.approx(debt.lapsed_usd, rel=1e-9, abs=1e-9)


def close_of(now: int, net_usd: float, net_bps: float, reason: str) -> Close:
    plain = dict.fromkeys(Close.__dataclass_fields__, 0.0)
    return replace(Close(**plain), close_ns=now, net_usd=net_usd, net_bps=net_bps, reason=reason)  # type: ignore[arg-type]


@EXAMPLES
@given(some_settings, st.lists(st.tuples(st.integers(500 * SEC, HOUR), st.floats(-60.0, 60.0), st.sampled_from(REASONS)), max_size=40))
def test_pauses_are_the_same_after_any_closes(s: Settings, closes: list[tuple[int, float, ExitReason]]) -> None:
    box, params, ledger, now = new(Risk), params_of(s), Ledger(s), T0
    for step_ns, net, reason in closes:
        now += step_ns
        ledger._on_close(close_of(now, net / 100.0, net, reason.name.lower()))
        _close(box, params, now, net / 100.0, net, reason.value)
        assert (box[0].cooldown_until_ns, box[0].breaker_until_ns) == (ledger.cooldown_until_ns, ledger.breaker_until_ns)
