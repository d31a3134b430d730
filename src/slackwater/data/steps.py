"""Prices and sizes between floats and whole steps, exactly, and the steps that a column of floats is made of."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from slackwater.errors import DataError

MAX_DECIMALS = 12  # finer than any venue quotes: more is the noise of float arithmetic
MAX_STEPS = 2.0**53  # beyond this a float64 no longer holds every whole number
MOST_OFF = 1000  # values off the steps, or with noise, that are taken for faults of the input
MOST_OFF_SHARE = 0.001  # of all: a step that is wrong shows in a good part of them
RARE_SHARE = 0.001  # of all: a step that fewer values need may come from faults among them
FEW = 16  # values of a small batch that say nothing yet
LEAST_ROWS = 100  # of so many one may be off, though it is more than a thousandth
MAX_DIGITS = 15  # of a number that a float64 holds exactly, whatever the digits
POWERS = 10.0 ** np.arange(MAX_DIGITS + 1)
STEP_TOLERANCE = 1e-6  # of a step: what arithmetic on the way to the file may have left


def most_off(rows: int) -> float:
    """How many of so many rows may be off the steps and still be taken for faults of the input."""
    return min(MOST_OFF, max(MOST_OFF_SHARE * rows, 1.0 if rows >= LEAST_ROWS else 0.0))


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
    """The number of decimals that the values seen so far need: a value needs `d` when it is the float nearest to a `d`-decimal number.

    A value that needs more than any venue quotes carries the noise of arithmetic, and with as many decimals as some values need others are
    too large to be counted exactly. What fits least is passed over when it is little: it is on a step, or will be counted as off it.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.decimals = 0
        self._needs = np.zeros(MAX_DECIMALS + 2, np.int64)  # values by the decimals they need; the last for noise
        self._sizes = np.zeros(MAX_DIGITS + 2, np.int64)  # values by their digits before the point; the last for too many
        self._largest = 0.0
        self._least = np.zeros(MAX_DECIMALS + 2, np.int64)  # values by the fewest decimals that are enough, as far as `_see_finer` looks
        self._example: dict[int, float] = {}  # the first value that needs so many decimals

    def see(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take in finite values; returns those that the decimals known now are enough for."""
        if not len(values):
            return values
        whole = np.rint(values * float(10**self.decimals))
        fits = (whole / float(10**self.decimals) == values) & (np.abs(whole) < MAX_STEPS)
        self._sizes += np.bincount(_digits(values), minlength=MAX_DIGITS + 2)
        self._needs[self.decimals] += int(np.count_nonzero(fits))
        self._largest = max(self._largest, float(values.max()))
        if fits.all():
            self._see_finer(values)
            return values
        self._see_finer(values[fits])
        left = values[~fits]
        for decimals in range(MAX_DECIMALS + 1):
            rest = left[np.rint(left * float(10**decimals)) / float(10**decimals) != left]
            self._count(decimals, left, len(left) - len(rest))
            left = rest
        self._count(MAX_DECIMALS + 1, left, len(left))
        self.decimals = min(range(MAX_DECIMALS + 1), key=self._passed_over)
        scale = float(10**self.decimals)
        found: NDArray[np.float64] = values[np.rint(values * scale) / scale == values]
        return found

    def _see_finer(self, values: NDArray[np.float64]) -> None:
        """Count values by the decimals they need, from the finest down to the first that more than a few need."""
        left = values
        for decimals in range(self.decimals, 0, -1):
            scale = float(10 ** (decimals - 1))
            coarse = np.rint(left * scale) / scale == left
            finer = len(left) - int(np.count_nonzero(coarse))
            self._least[decimals] += finer
            if finer > max(RARE_SHARE * len(values), FEW):
                self._least[decimals - 1] += len(left) - finer
                return
            left = left[coarse] if finer else left
        self._least[0] += len(left)

    @property
    def rare(self) -> tuple[int, int, Decimal] | None:
        """How many values of how many need the step, and on what coarser one all others lie, where those are less than a thousandth."""
        known = self._least[: self.decimals + 1]
        total = int(known.sum())
        finer = [int(known[decimals + 1 :].sum()) for decimals in range(self.decimals)]
        for decimals, count in enumerate(finer):
            if 0 < count < RARE_SHARE * total:
                return count, total, Decimal(1).scaleb(-decimals)
        return None

    def check(self) -> None:
        """Say whether the values passed over were few.

        Raises:
            DataError: they were more than `most_off`.
        """
        most = most_off(int(self._needs.sum()))
        if self._passed_over(self.decimals) <= most:
            return
        hint = "give the step with --tick (prices) or --lot (sizes)"
        if self._needs[-1] > most:
            noise = self._example[MAX_DECIMALS + 1]
            raise DataError(f"{self.column}: expected values of at most {MAX_DECIMALS} decimals, found {noise!r}; {hint}")
        finest = max((need for need in self._example if need <= MAX_DECIMALS), default=0)
        found = f"{self._example[finest]!r} beside {self._largest!r}" if finest else repr(self._largest)
        raise DataError(
            f"{self.column}: expected one step of at most {MAX_DIGITS} digits for all values, as many as a float64 holds exactly, "
            f"found {found}, {len(str(int(self._largest))) + finest} digits; {hint}"
        )

    def _count(self, need: int, values: NDArray[np.float64], count: int) -> None:
        if count:
            self._needs[need] += count
            self._least[need] += count
            self._example.setdefault(need, float(values[0]))

    def _passed_over(self, decimals: int) -> int:
        """How many values need more decimals, or are too large for so many."""
        return int(self._needs[decimals + 1 :].sum() + self._sizes[MAX_DIGITS + 1 - decimals :].sum())

    @property
    def step(self) -> Decimal:
        """One unit of the last decimal."""
        return Decimal(1).scaleb(-self.decimals)


def _digits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The digits before the point, none for values below 1; more than a float64 holds count as the most it does."""
    found: NDArray[np.int64] = np.searchsorted(POWERS, np.abs(values), side="right")
    return found
