"""The steps that a day's prices and sizes really move in: the greatest common divisor of all its values, in ticks or lots."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LEAST_MOVES = 20  # by chance so many moves all fall on every second step once in a million


@dataclass(slots=True)
class StepGauge:
    """The step of one day's prices or sizes."""

    divisor: int = 0
    moves: int = 0
    latest: dict[str, int] = field(default_factory=dict)  # the last value of each column

    def see(self, name: str, values: NDArray[np.int64]) -> None:
        """Take in a column of that name; zeros stand for nothing there."""
        values = values[values > 0]
        if not len(values):
            return
        self.moves += int(np.count_nonzero(np.diff(values))) + int(self.latest.get(name, values[0]) != values[0])
        self.latest[name] = int(values[-1])
        if self.divisor != 1:
            self.divisor = int(np.gcd(self.divisor, np.gcd.reduce(values)))

    @property
    def step(self) -> int | None:
        """Whole ticks or lots; None when the values moved too seldom to tell."""
        return self.divisor if self.moves >= LEAST_MOVES else None
