"""Quantiles of whole numbers of any size and sign in fixed memory: a histogram on a logarithmic scale, right within 1.1 %."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS_PER_OCTAVE = 64
OCTAVES = 63
MIDDLE = OCTAVES * BINS_PER_OCTAVE + 1  # the bin of exactly 0; negative numbers lie below it


@dataclass(slots=True)
class LogHistogram:
    """How many numbers fell into each bin."""

    bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2 * MIDDLE + 1, np.int64))

    def see(self, values: NDArray[np.int64]) -> None:
        """Count some numbers."""
        self.bins += np.bincount(bins_of(values), minlength=len(self.bins))

    def quantile(self, share: float) -> float | None:
        """The number that `share` of all do not exceed; None without any."""
        total = int(self.bins.sum())
        if not total:
            return None
        wanted = max(int(np.ceil(share * total)), 1)
        return value_of(int(np.searchsorted(np.cumsum(self.bins), wanted)))


def bins_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bin of each number."""
    size = np.abs(values.astype(np.float64))
    step = np.where(size > 0, np.floor(np.log2(np.maximum(size, 1.0)) * BINS_PER_OCTAVE) + 1, 0).astype(np.int64)
    found: NDArray[np.int64] = MIDDLE + np.sign(values) * np.minimum(step, MIDDLE)
    return found


def value_of(place: int) -> float:
    """The middle of a bin."""
    step = abs(place - MIDDLE)
    size = float(2.0 ** ((step - 0.5) / BINS_PER_OCTAVE)) if step else 0.0
    return size if place >= MIDDLE else -size
