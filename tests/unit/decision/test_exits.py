"""Which reason closes a position: forced ones in order, profits above their floor, and what waits after being dropped."""

from __future__ import annotations

import pytest

from slackwater.schema.enums import ExitReason
from slackwater.schema.params import TpMode
from slackwater.schema.units import MS, SEC
from tests.unit.decision.scene import NOW, Scene

NONE, TP, FAST_TP = ExitReason.NONE, ExitReason.TP, ExitReason.FAST_TP


def short(ask: int) -> Scene:
    """1000 lots, one whole, at 100, with the entry's fee of 0.0252 not yet realised; flow of the last 500 ms at -0.3."""
    scene = Scene()
    scene.hold(1000, price=100.0)
    scene.led.fees_open_usd = 0.0252
    scene.set_ask(ask)
    scene.set_flow_500ms(-3, 10)
    scene.p[0].tp_mode_notional_usd = 100.0  # cost 100: fast
    return scene


def forced(scene: Scene) -> ExitReason:
    return scene.exits()[0]


def profit(scene: Scene) -> ExitReason:
    return scene.exits()[1]


# At 100.25: (-0.25 - 0.0252 - 0.000336*100.25 = -0.033684) / 100 * 1e4 = -30.8884
@pytest.mark.parametrize(("limit", "reason"), [(30.88, ExitReason.STOP), (30.89, NONE), (0.0, NONE)])
def test_stop_is_net(limit: float, reason: ExitReason) -> None:
    scene = short(10_025)
    scene.p[0].stop_loss_bps = limit
    assert forced(scene) == reason


# Opened a hundred seconds ago.
@pytest.mark.parametrize(("limit_ns", "reason"), [(100 * SEC - 1, ExitReason.TIMEOUT), (100 * SEC, NONE), (0, NONE)])
def test_timeout_is_older_than(limit_ns: int, reason: ExitReason) -> None:
    scene = short(10_025)
    scene.p[0].max_age_ns = limit_ns
    assert forced(scene) == reason


@pytest.mark.parametrize(("limit_usd", "reason"), [(3.5, ExitReason.DRAWDOWN), (3.51, NONE), (0.0, NONE)])
def test_drawdown_is_from_the_peak(limit_usd: float, reason: ExitReason) -> None:
    scene = short(10_025)
    scene.led.equity_peak_usd, scene.led.equity_usd = 2.5, -1.0
    scene.p[0].max_drawdown_usd = limit_usd
    assert forced(scene) == reason


def test_forced_exits_have_an_order() -> None:
    scene = short(10_025)
    scene.s.risk.is_shutdown = True
    assert forced(scene) == ExitReason.SHUTDOWN
    scene.led.equity_peak_usd, scene.p[0].max_drawdown_usd = 10.0, 5.0
    assert forced(scene) == ExitReason.DRAWDOWN
    scene.p[0].max_age_ns = SEC
    assert forced(scene) == ExitReason.TIMEOUT
    scene.p[0].stop_loss_bps = 10.0
    assert forced(scene) == ExitReason.STOP


@pytest.mark.parametrize(
    ("ask", "spread", "reason"),
    [
        (9_980, 10.0, TP),  # -20 bps; target max(1.2*10, 10) = 12; net (0.2 - 0.0252 - 0.0335328)/100*1e4 = 14.127
        (9_980, 17.0, FAST_TP),  # target 20.4
        (9_987, 10.0, TP),  # -13
        (9_989, 10.0, NONE),  # -11 is neither 12 nor 11.764
        (9_989, 5.0, TP),  # target 10: the minimum; net (0.11 - 0.0252 - 0.03356)/100*1e4 = 5.124
        (10_000, 5.0, NONE),
        (10_010, 5.0, NONE),
    ],
)
def test_take_profit_and_fast_take_profit(ask: int, spread: float, reason: ExitReason) -> None:
    scene = short(ask)
    scene.m.spread_bps = spread
    assert profit(scene) == reason


@pytest.mark.parametrize(
    ("flow", "reason"),
    [(-3, FAST_TP), (-26, FAST_TP), (-25, NONE), (0, NONE), (30, NONE)],  # of 10, and of 100: -0.25 is not below -0.25
)
def test_fast_take_profit_needs_sellers(flow: int, reason: ExitReason) -> None:
    scene = short(9_988)
    scene.m.spread_bps = 10.5  # tp asks 12.6, -12 is short of it
    scene.set_flow_500ms(flow, 10 if flow == -3 else 100)
    assert profit(scene) == reason


@pytest.mark.parametrize(
    ("mode", "limit", "max_notional", "reason"),
    [
        (TpMode.AUTO, 100.0, 80.0, FAST_TP),  # cost 100 is not above
        (TpMode.AUTO, 99.9, 80.0, NONE),
        (TpMode.AUTO, 0.0, 80.0, NONE),  # 0 means max_notional
        (TpMode.AUTO, 0.0, 100.0, FAST_TP),
        (TpMode.FAST, 1.0, 80.0, FAST_TP),
        (TpMode.VOL, 1000.0, 80.0, NONE),
    ],
)
def test_fast_take_profit_by_mode(mode: TpMode, limit: float, max_notional: float, reason: ExitReason) -> None:
    scene = short(9_988)
    scene.m.spread_bps = 10.5
    scene.p[0].tp_mode, scene.p[0].tp_mode_notional_usd, scene.p[0].max_notional_usd = mode, limit, max_notional
    assert profit(scene) == reason


@pytest.mark.parametrize("mode", list(TpMode))
def test_take_profit_is_for_every_mode(mode: TpMode) -> None:
    scene = short(9_980)
    scene.p[0].tp_mode = mode
    assert profit(scene) == TP


# Net is 14.127 at 99.80. The hurdle is debt*0.25/100*1e4: 25 a dollar.
@pytest.mark.parametrize(("debt_usd", "reason"), [(0.56, TP), (0.57, NONE), (50.0, NONE)])
def test_take_profit_must_clear_the_hurdle(debt_usd: float, reason: ExitReason) -> None:
    scene = short(9_980)
    scene.owe(debt_usd)
    assert profit(scene) == reason


# At 99.88 net is (0.12 - fees - 0.03355968)/100*1e4 = 8.644 less fees; fast asks max(1, 0.2*5.88) = 1.176.
@pytest.mark.parametrize(("fees_usd", "reason"), [(0.0746, FAST_TP), (0.0747, NONE)])
def test_fast_take_profit_must_clear_a_fifth_of_the_fees(fees_usd: float, reason: ExitReason) -> None:
    scene = short(9_988)
    scene.m.spread_bps = 10.5
    scene.led.fees_open_usd = fees_usd
    assert profit(scene) == reason


def test_take_profit_without_debt_asks_for_no_loss() -> None:
    scene = short(9_980)
    scene.set_flow_500ms(0, 10)
    scene.led.fees_open_usd = 0.1664  # 0.2 - 0.1664 - 0.0335328 is just above 0
    assert profit(scene) == TP
    scene.led.fees_open_usd = 0.1665
    assert profit(scene) == NONE


@pytest.mark.parametrize(
    ("dropped", "age_ns", "reason"),
    [
        (TP, 500 * MS - 1, NONE),
        (TP, 500 * MS, TP),
        (FAST_TP, 0, TP),  # another reason holds nothing up
    ],
)
def test_a_dropped_reason_waits(dropped: ExitReason, age_ns: int, reason: ExitReason) -> None:
    scene = short(9_980)
    scene.set_flow_500ms(0, 10)
    scene.s.close.dropped_ns[dropped] = NOW - age_ns
    assert profit(scene) == reason


def test_a_dropped_take_profit_leaves_the_fast_one() -> None:
    scene = short(9_980)
    scene.s.close.dropped_ns[TP] = NOW
    assert profit(scene) == FAST_TP


def test_only_inverse_exits_leave_something() -> None:
    scene = short(9_980)
    assert scene.leaving(TP) == (0, 1000, 9_979, ExitReason.TP_REST)
