"""Pauses after closes: cooldown steps, what resets them, and the breaker."""

from __future__ import annotations

import pytest

from slackwater.config import from_mapping
from slackwater.kernel.jit import jit
from slackwater.kernel.record import new
from slackwater.ledger import risk as ledger_risk
from slackwater.schema.enums import ExitReason
from slackwater.schema.state import Risk
from slackwater.schema.units import DAY, SEC

Close = tuple[float, str]  # net in usd, and 100 times that in bps; the exit's reason
NOW = 1_000 * SEC


@jit
def _on_close(box, p, now_ns, net_usd, net_bps, reason):
    ledger_risk.on_close(box[0], p[0], now_ns, net_usd, net_bps, reason)


def pauses(closes: list[Close], **risk_config: object) -> list[tuple[float, float]]:
    """Seconds of cooldown and of breaker after each close, one an hour."""
    box, p = new(Risk), from_mapping({"risk": risk_config}).to_params()
    found = []
    for k, (net_usd, reason) in enumerate(closes):
        now_ns = NOW + k * 3600 * SEC
        _on_close(box, p, now_ns, net_usd, 100.0 * net_usd, ExitReason[reason.upper()].value)
        breaker_ns = int(box[0].breaker_until_ns)
        found.append(((int(box[0].cooldown_until_ns) - now_ns) / SEC, max(breaker_ns - now_ns, 0) / SEC if breaker_ns else 0.0))
    return found


@pytest.mark.parametrize(
    ("closes", "seconds"),
    [
        ([(-0.1, "timeout")] * 6, [8, 30, 90, 300, 300, 300]),
        ([(0.1, "tp_rest")], [8]),
        ([(0.0, "tp_rest"), (0.0, "tp_rest")], [8, 30]),  # nothing earned is not a profit
        ([(-0.1, "tp_rest")] * 3 + [(0.1, "tp_rest"), (-0.1, "tp")], [8, 30, 90, 8, 8]),
        ([(-0.1, "tp")] * 3 + [(0.1, "tp"), (-0.1, "tp")], [8, 30, 90, 8, 8]),
        ([(-0.1, "tp")] * 3 + [(0.1, "fast_tp"), (-0.1, "tp")], [8, 30, 90, 8, 8]),
        ([(-0.1, "tp")] * 3 + [(0.1, "inverse_tp"), (-0.1, "tp")], [8, 30, 90, 8, 8]),
        # Other profits leave the streak as it is: step 90 again, and the next loss goes on from there.
        ([(-0.1, "tp")] * 3 + [(0.1, "timeout"), (-0.1, "tp")], [8, 30, 90, 90, 300]),
        ([(-0.1, "tp")] * 3 + [(0.1, "inverse_tp_timeout"), (-0.1, "tp")], [8, 30, 90, 90, 300]),
        ([(-0.1, "tp")] * 3 + [(0.1, "stop"), (0.1, "shutdown"), (0.1, "external")], [8, 30, 90, 90, 90, 90]),
        ([(-0.1, "stop"), (-0.1, "drawdown"), (-0.1, "stop")], [12, 45, 135]),  # 1.5 times 8, 30, 90
        ([(0.0, "stop"), (0.1, "stop"), (-0.1, "shutdown")], [12, 8, 30]),
    ],
)
def test_cooldown_steps(closes: list[Close], seconds: list[float]) -> None:
    assert [cooldown for cooldown, _ in pauses(closes)] == seconds


def test_one_step_is_for_all() -> None:
    assert [cooldown for cooldown, _ in pauses([(-0.1, "tp")] * 3, cooldown_steps_sec=[20])] == [20, 20, 20]


@pytest.mark.parametrize(
    ("nets", "breaker_sec"),
    [
        ([-3.0, -2.0], [0, 0]),  # -500 is not below -500
        ([-3.0, -2.0, -0.01], [0, 0, 120]),
        ([-6.0], [120]),
        ([-4.0, 1.0, -1.5, -0.6], [0, 0, 0, 120]),  # -400, -300, -450, -510: before a trip a profit only adds
        ([-6.0, -0.1, -0.1, -0.1], [120, 240, 480, 960]),  # each further trip doubles
        ([-6.0, -0.1, 0.01], [120, 240, 0]),
        ([-6.0, -0.1, 0.01, -0.1, -4.8, -0.2], [120, 240, 0, 0, 0, 120]),  # armed again from nothing: -10, -490, -510
        ([-6.0, 0.0], [120, 240]),
    ],
)
def test_breaker(nets: list[float], breaker_sec: list[float]) -> None:
    assert [breaker for _, breaker in pauses([(net, "timeout") for net in nets])] == breaker_sec


def test_breaker_pause_ends_at_a_day() -> None:
    # 120 * 2^9 = 61440 s is the last below a day of 86400 s.
    found = [breaker for _, breaker in pauses([(-6.0, "timeout")] * 30)]
    assert found[:10] == [120 * 2**k for k in range(10)]
    assert found[10:] == [DAY / SEC] * 20


def test_layer_cooldown_ends_at_flat() -> None:
    box, p = new(Risk), from_mapping({}).to_params()
    box[0].layer_cooldown_until_ns = NOW + 60 * SEC
    _on_close(box, p, NOW, 1.0, 10.0, ExitReason.TP.value)
    assert box[0].layer_cooldown_until_ns == 0
