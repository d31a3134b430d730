"""How the recorder's clock stands to the venue's: quantiles of `ts_recv - ts_event` and how they drift, in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.data.checks.log_histogram import LogHistogram
from slackwater.schema.units import HOUR, MINUTE, MS

LEAST_MINUTES = 3  # fewer say nothing of a slope
MOST_MINUTES = 1440  # of a day; a file whose times run over years must not grow this


@dataclass(slots=True)
class ClockGauge:
    """The delays of one day of one file: a histogram on a logarithmic scale, and the median of each minute."""

    delays: LogHistogram = field(default_factory=LogHistogram)
    count: int = 0
    negative: int = 0
    least_ns: int = 2**63 - 1
    most_ns: int = -(2**63)
    minutes: dict[int, tuple[float, int]] = field(default_factory=dict)  # median delay in ns and rows, by minute since the epoch

    def see(self, happened: NDArray[np.int64], received: NDArray[np.int64]) -> None:
        """Take in rows with both clocks."""
        if not len(happened):
            return
        delays = received - happened
        self.delays.see(delays)
        self.count += len(delays)
        self.negative += int(np.count_nonzero(delays < 0))
        self.least_ns, self.most_ns = min(self.least_ns, int(delays.min())), max(self.most_ns, int(delays.max()))
        minutes = received // MINUTE
        cuts = [0, *(np.flatnonzero(np.diff(minutes)) + 1).tolist(), len(minutes)]
        for start, stop in zip(cuts, cuts[1:], strict=False):
            minute, median, rows = int(minutes[start]), float(np.median(delays[start:stop])), stop - start
            if minute not in self.minutes and len(self.minutes) == MOST_MINUTES:
                continue
            known, before = self.minutes.get(minute, (0.0, 0))
            self.minutes[minute] = (known * before + median * rows) / (before + rows), before + rows

    def quantile_ms(self, share: float) -> float | None:
        """The delay that `share` of the rows do not exceed, ms, within 1.1 %; None without rows."""
        found = self.delays.quantile(share)
        return None if found is None else min(max(found, self.least_ns), self.most_ns) / MS

    @property
    def slope_ms_per_hour(self) -> float | None:
        """Median slope between the medians of any two minutes (Theil and Sen), ms per hour; None for fewer than three minutes."""
        if len(self.minutes) < LEAST_MINUTES:
            return None
        times = np.array(sorted(self.minutes), np.float64)
        delays = np.array([self.minutes[int(minute)][0] for minute in times]) / MS
        earlier, later = np.triu_indices(len(times), 1)
        per_minute = (delays[later] - delays[earlier]) / (times[later] - times[earlier])
        return float(np.median(per_minute)) * (HOUR / MINUTE)

    def as_json(self) -> dict[str, Any] | None:
        """Quantiles in ms and the drift in ms per hour; None when no row has both clocks."""
        if not self.count:
            return None
        return {
            "rows": self.count,
            "p1_ms": self.quantile_ms(0.01),
            "median_ms": self.quantile_ms(0.5),
            "p99_ms": self.quantile_ms(0.99),
            "min_ms": self.least_ns / MS,
            "max_ms": self.most_ns / MS,
            "negative": self.negative,
            "slope_ms_per_hour": self.slope_ms_per_hour,
        }
