"""Pauses after closes: the cooldown steps and the breaker."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.enums import ExitReason
from slackwater.schema.params import Params
from slackwater.schema.state import Risk
from slackwater.schema.units import DAY

LOSING_STOP_FACTOR = 1.5  # a loss that had to be cut deserves a longer look
MAX_DOUBLINGS = 20  # beyond it any pause is longer than the day it is capped at


@jit
def on_close(risk: Risk, p: Params, now_ns: int, net_usd: float, net_bps: float, reason: int) -> None:
    """Set the cooldown and test the breaker after one close."""
    _set_cooldown(risk, p, now_ns, net_usd, reason)
    _test_breaker(risk, p, now_ns, net_usd, net_bps)
    risk.layer_cooldown_until_ns = 0


@jit
def _set_cooldown(risk: Risk, p: Params, now_ns: int, net_usd: float, reason: int) -> None:
    if net_usd <= 0.0:
        risk.losses_in_row += 1
    elif is_earned(reason):
        risk.losses_in_row = 0
    step = min(max(risk.losses_in_row - 1, 0), p.cooldown_steps - 1)
    wait_ns = p.cooldown_step_ns[step]
    if net_usd <= 0.0 and (reason == ExitReason.STOP or reason == ExitReason.DRAWDOWN):
        wait_ns = int(wait_ns * LOSING_STOP_FACTOR)
    risk.cooldown_until_ns = now_ns + wait_ns


@jit
def is_earned(reason: int) -> bool:
    """Whether a profit came from a take-profit and so ends a losing streak."""
    return reason == ExitReason.TP_REST or reason == ExitReason.TP or reason == ExitReason.FAST_TP or reason == ExitReason.INVERSE_TP


@jit
def _test_breaker(risk: Risk, p: Params, now_ns: int, net_usd: float, net_bps: float) -> None:
    if risk.breaker_trips > 0 and net_usd > 0.0:
        risk.breaker_sum_bps = 0.0
        risk.breaker_trips = 0
        risk.breaker_until_ns = 0
        return
    risk.breaker_sum_bps += net_bps
    if risk.breaker_sum_bps < -p.max_loss_bps and net_usd <= 0.0:
        pause_ns = p.circuit_pause_ns
        for _ in range(min(risk.breaker_trips, MAX_DOUBLINGS)):
            pause_ns = min(2 * pause_ns, DAY)
        risk.breaker_until_ns = now_ns + min(pause_ns, DAY)
        risk.breaker_trips += 1
