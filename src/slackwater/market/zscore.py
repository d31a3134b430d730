"""Exponential z-scores: cheap to keep up at every book, divided only when somebody asks."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.schema.market import ZTracker
from slackwater.schema.units import SEC

LN2 = math.log(2.0)
UPDATE_SEC = 0.1  # what one update counts as when the clock counts updates, and what the first one counts as
MIN_UPDATES = 5  # up to here there is no score
MIN_VAR = 1e-20


@jit
def gain_of(dt_sec: float, half_life_sec: float) -> float:
    """How far an exponential mean moves towards a value that has stood for `dt_sec`."""
    return 1.0 - math.exp(-dt_sec * LN2 / half_life_sec)


@jit
def gain_since(t: ZTracker, now_ns: int, half_life_sec: float) -> float:
    """The gain of an update now by the true time since the tracker's last one."""
    if t.n == 0:
        return gain_of(UPDATE_SEC, half_life_sec)
    return gain_of((now_ns - t.last_ns) / SEC, half_life_sec)


@jit
def apply_value(t: ZTracker, now_ns: int, value: float, gain: float) -> None:
    """Move mean and variance towards a new value; a fresh tracker starts at mean 0 and variance 1."""
    mean = t.mean + gain * (value - t.mean)
    var = t.var if t.n > 0 else 1.0
    d = value - mean
    t.n += 1
    t.mean = mean
    t.d = d
    t.var = var + gain * (d * d - var)
    t.last_ns = now_ns


@jit
def z_of(t: ZTracker, limit: float) -> float:
    """The last value's score, within +-limit; 0 for the first five values."""
    if t.n <= MIN_UPDATES:
        return 0.0
    return min(max(t.d / math.sqrt(max(t.var, MIN_VAR)), -limit), limit)
