"""The edge gate with every term worked out by hand."""

from __future__ import annotations

import pytest

from slackwater.schema.enums import Context, Gate
from slackwater.schema.units import SEC
from tests.unit.decision.scene import NOW, Scene

Terms = dict[str, float]


def judged(scene: Scene) -> tuple[Gate, Terms]:
    """The gate of an entry, and the terms that the edge gate wrote down."""
    gate = scene.gate()
    row = scene.edge
    return gate, {name.removesuffix("_bps"): float(row[name]) for name in row.dtype.names if name.endswith("_bps")}


def assert_terms(found: Terms, **expected: float) -> None:
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def learn(scene: Scene, samples: int, std_bps: float, slippage_bps: float) -> None:
    beh = scene.s.behaviour
    beh.sample_count, beh.net_std_bps, beh.slippage_est_bps = samples, std_bps, slippage_bps


def test_an_untaught_entry_passes() -> None:
    # target: max(9*1.2, min(8*0.15, 50)) = 10.8, above 10 and above 1.1*5.88
    # bonus: 2.95 - (2+1)/2 = 1.45        cost: 2.52+3.36 fees + 0.5 slippage + 0.3 buffer = 6.68
    # trend: 5*0.2 = 1.0                  spread: (10-9)*0.1 = 0.1
    # edge: 10.8 + 1.45 - 6.68 - 1.0 - 0.1 = 4.47; the buffer of 0.3 stands in for the scatter
    gate, terms = judged(Scene())
    assert gate == Gate.PASS
    assert_terms(terms, tp_target=10.8, signal_bonus=1.45, slippage_est=0.5, expected_cost=6.68, trend_penalty=1.0, spread_risk=0.1)
    assert_terms(terms, expected_edge=4.47, uncertainty_raw=0.3, uncertainty=0.3, edge_lcb=4.17, required_edge=2.0)
    assert_terms(terms, ret_2s=5.0, spread=10.0, median_spread=9.0)


@pytest.mark.parametrize(("debt_usd", "required", "gate"), [(0.05, 2.0616754, Gate.PASS), (0.06, 2.4740105, Gate.EDGE)])
def test_a_taught_entry_owes(debt_usd: float, required: float, gate: Gate) -> None:
    # target: live 100 * 0.15 = 15        bonus: 1.45        cost: 5.88 + 1.5 + 0.3 = 7.68
    # trend: falling, 0                   spread: (12-9)*0.1 = 0.3
    # edge: 15 + 1.45 - 7.68 - 0 - 0.3 = 8.47; scatter 0.75*8 = 6, below 0.75*8.47 = 6.3525; bound 2.47
    # order: 50 + 30*5/14 = 60.7143 usd, 606 lots, 60.6303 usd; hurdle debt*0.25/60.6303*1e4
    scene = Scene()
    scene.m.live_bps, scene.m.spread_bps, scene.m.ret_2s = 100.0, 12.0, -8.0
    learn(scene, 20, 8.0, 1.5)
    scene.owe(debt_usd)
    found, terms = judged(scene)
    assert found == gate
    assert_terms(terms, tp_target=15.0, signal_bonus=1.45, expected_cost=7.68, trend_penalty=0.0, spread_risk=0.3)
    assert_terms(terms, expected_edge=8.47, uncertainty_raw=6.0, uncertainty=6.0, edge_lcb=2.47)
    assert terms["required_edge"] == pytest.approx(required, abs=1e-6)
    assert scene.edge.recovery_debt_usd == debt_usd
    assert bool(scene.edge.edge_ok) == (gate == Gate.PASS)


def test_scatter_takes_at_most_its_share_of_a_positive_edge() -> None:
    # As untaught, but five closes scatter by 30: 22.5, capped at 0.75*4.47 = 3.3525; bound 1.1175 below 2
    scene = Scene()
    learn(scene, 5, 30.0, 0.5)
    gate, terms = judged(scene)
    assert gate == Gate.EDGE
    assert_terms(terms, expected_edge=4.47, uncertainty_raw=22.5, uncertainty=3.3525, edge_lcb=1.1175, required_edge=2.0)


def test_scatter_of_a_negative_edge_is_not_capped_by_it() -> None:
    # cost: 5.88 + 9 + 0.3 = 15.18        trend: 12*0.2 = 2.4        spread: (30-9)*0.1 = 2.1
    # edge: 10.8 + 1.45 - 15.18 - 2.4 - 2.1 = -7.43; scatter 0.75*100 = 75, at most 60
    scene = Scene()
    scene.m.spread_bps, scene.m.ret_2s = 30.0, 12.0
    learn(scene, 120, 100.0, 9.0)
    gate, terms = judged(scene)
    assert gate == Gate.EDGE
    assert_terms(terms, expected_cost=15.18, trend_penalty=2.4, spread_risk=2.1, expected_edge=-7.43)
    assert_terms(terms, uncertainty_raw=60.0, uncertainty=60.0, edge_lcb=-67.43)


def test_four_closes_are_too_few_to_scatter() -> None:
    scene = Scene()
    learn(scene, 4, 30.0, 0.5)
    gate, terms = judged(scene)
    assert gate == Gate.PASS
    assert_terms(terms, uncertainty_raw=0.3, edge_lcb=4.17)


@pytest.mark.parametrize(
    ("median", "live", "min_tp", "maker", "target"),
    [
        (9.0, 8.0, 10.0, 0.000252, 10.8),
        (0.0, 8.0, 1.0, 0.000252, 6.468),  # 5 while the median is unknown, and 1.1 times 5.88
        (0.0, 8.0, 6.5, 0.000252, 6.5),
        (9.0, 1000.0, 10.0, 0.000252, 50.0),  # 150, capped
        (2.0, 60.0, 5.0, 0.0, 9.0),  # 60*0.15
        (2.0, 8.0, 5.0, 0.001, 14.696),  # 1.1 * (10 + 3.36)
    ],
)
def test_the_forecast(median: float, live: float, min_tp: float, maker: float, target: float) -> None:
    scene = Scene()
    scene.m.median_spread_bps, scene.m.live_bps = median, live
    scene.p[0].min_tp_profit_bps, scene.p[0].maker_fee = min_tp, maker
    assert scene.targets().forecast_target_bps == pytest.approx(target, abs=1e-9)


def test_a_bad_record_does_not_raise_the_forecast() -> None:
    scene = Scene()
    scene.s.behaviour.near = scene.s.behaviour.loss = 1.0
    assert scene.targets().min_tp_profit_bps == pytest.approx(18.522, abs=1e-9)  # 5.88*2.1*1.5
    assert scene.targets().forecast_target_bps == pytest.approx(10.8, abs=1e-9)


def test_the_bonus_starts_at_a_tenth_at_least() -> None:
    scene = Scene()
    scene.p[0].pump_threshold, scene.p[0].exhaust_threshold, scene.p[0].signal_slope_bps = -1.0, 0.0, 2.0
    _, terms = judged(scene)
    assert_terms(terms, signal_bonus=5.7)  # (2.95 - 0.1) * 2


def test_an_add_is_judged_on_the_position_it_makes() -> None:
    scene = Scene()
    scene.hold(500)
    scene.owe(1.0)
    assert scene.gate() == Gate.EDGE
    row = scene.edge
    assert (row.context, row.ts_ns, row.symbol) == (Context.AVERAGE, NOW, 0)
    assert row.projected_notional_usd == pytest.approx(129.68995, abs=1e-9)
    assert row.required_edge_bps == pytest.approx(19.2767443, abs=1e-6)  # 1*0.25/129.68995*1e4


def test_lapsed_debt_asks_nothing() -> None:
    scene = Scene()
    scene.owe(50.0)
    assert scene.gate() == Gate.EDGE
    scene.s.recovery.parts[0].since_ns = NOW - 24 * 3600 * SEC - 1
    assert scene.gate() == Gate.PASS
    assert (scene.edge.recovery_debt_usd, scene.edge.required_edge_bps) == (0.0, 2.0)
