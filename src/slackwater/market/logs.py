"""Logarithms of price changes, nearly all of which are small."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit, jit_inline

SMALL = 1e-3  # below it six terms of the series are exact to the last bits, and quicker
THIRD = 1.0 / 3.0
FIFTH = 1.0 / 5.0
SIXTH = 1.0 / 6.0


@jit
def log_large_change(new: float, old: float) -> float:
    """`log(new/old)` of a change of any size; apart, so that the usual case is not made to wait for a call."""
    return math.log(new / old)


@jit_inline
def log_change(new: float, old: float) -> float:
    """`log(new/old)` of two positive prices."""
    x = (new - old) / old
    if x < -SMALL or x > SMALL:
        return log_large_change(new, old)
    return x * (1.0 - x * (0.5 - x * (THIRD - x * (0.25 - x * (FIFTH - x * SIXTH)))))
