"""Exponential z-scores: cheap to keep up at every book, divided only when somebody asks."""

from __future__ import annotations

import math

from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
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
def gain_since(n: int, dt_ns: int, half_life_sec: float) -> float:
    """The gain of update `n` (from 0) by the true time since the one before."""
    return gain_of(dt_ns / SEC if n > 0 else UPDATE_SEC, half_life_sec)


@jit_inline
def apply_value(t: ZTracker, value: float, gain: float) -> None:
    """Move mean and variance towards a value."""
    mean = t.average + gain * (value - t.average)
    d = value - mean
    t.average = mean
    t.d = d
    t.variance += gain * (d * d - t.variance)


@jit
def z_of(t: ZTracker, n: int, limit: float) -> float:
    """The score of the last of `n` values, within +-limit; 0 for the first five."""
    if rare(n <= MIN_UPDATES):
        return 0.0
    return min(max(t.d / math.sqrt(max(t.variance, MIN_VAR)), -limit), limit)
