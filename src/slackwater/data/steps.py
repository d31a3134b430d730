"""Prices and sizes between floats and whole steps, exactly, and the steps that a column of floats is made of."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from slackwater.errors import DataError

MAX_DECIMALS = 12  # finer than any venue quotes: more is the noise of float arithmetic
MAX_STEPS = 2.0**53  # beyond this a float64 no longer holds every whole number
STEP_TOLERANCE = 1e-6  # of a step: what arithmetic on the way to the file may have left


def to_steps(values: NDArray[np.float64], step: Fraction) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole steps nearest to finite values, and where a value lies off them.

    A value is on a step when the step times its size, rounded once, is the value itself or within 4 units of its last place or a
    millionth of a step. Values of 2**53 steps or more must be removed before (`too_large`).
    """
    numerator, denominator = float(step.numerator), float(step.denominator)
    steps = np.rint(values * denominator / numerator)
    error = np.abs(values - steps * numerator / denominator)
    off = error > np.maximum(STEP_TOLERANCE * float(step), 4 * np.finfo(np.float64).eps * np.abs(values))
    return steps.astype(np.int64), off


def too_large(values: NDArray[np.float64], step: Fraction) -> NDArray[np.bool_]:
    """Where a finite value is more steps than a float64 can count exactly."""
    return np.abs(values) >= MAX_STEPS * float(step)


class DecimalScale:
    """The number of decimals that the values seen so far need: a value needs `d` when it is the float nearest to a `d`-decimal number."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.decimals = 0

    def see(self, values: NDArray[np.float64]) -> None:
        """Take in finite values.

        Raises:
            DataError: a value needs more decimals than any venue quotes, or more than a float64 can hold at its size.
        """
        left = values
        for decimals in range(self.decimals, MAX_DECIMALS + 1):
            scale = float(10**decimals)
            whole = np.rint(left * scale)
            left = left[(whole / scale != left) | (np.abs(whole) >= MAX_STEPS)]
            if not len(left):
                self.decimals = decimals
                return
        raise DataError(
            f"{self.column}: expected values of at most {MAX_DECIMALS} decimals, found {float(left[0])!r}; "
            "give the step with --tick (prices) or --lot (sizes)"
        )

    @property
    def step(self) -> Decimal:
        """One unit of the last decimal."""
        return Decimal(1).scaleb(-self.decimals)
