"""Measuring the symbols of a tape with the strategy's own signals, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.config import Config
from slackwater.data.cache import load_rows
from slackwater.data.scan.ranking import Candidate, ranking, refusals_by_figures, refusals_by_name, tape_parts
from slackwater.data.tape import SymbolTape, find_symbol_folders, open_symbol
from slackwater.data.writer import GAP_NS
from slackwater.errors import DataError, UsageError
from slackwater.kernel.record import as_box, new
from slackwater.market.batch import CHUNK_ROWS, signal_chunks
from slackwater.schema.events import RowKind
from slackwater.schema.instrument import Instrument
from slackwater.schema.units import DAY, HOUR

Advance = Callable[[float], None]


@dataclass(slots=True)
class Gauge:
    """Sums over the books of one symbol. A book stands until the next one, at most a minute: silence counts for nothing."""

    observed_ns: int = 0
    in_band_ns: int = 0
    bid_usd_ns: float = 0.0  # depth at the touch times the time it stood
    ask_usd_ns: float = 0.0
    pumps: int = 0  # moments at which both scores came to be above their thresholds
    books: int = 0
    start_mid: float = 0.0  # a day before the end, or at the start of a shorter tape
    last_mid: float = 0.0
    last: NDArray[np.void] | None = None  # the last book, as an array of one
    was_pump: bool = False

    def see(self, rows: NDArray[np.void], config: Config, day_ago_ns: int) -> None:
        """Take in signal rows of valid books."""
        if not len(rows):
            return
        signals = config.signals
        mids = (rows["bid"] + rows["ask"]) / 2.0
        recent = rows["ts_recv"] >= day_ago_ns
        if not self.start_mid and recent.any():
            self.start_mid = float(mids[np.argmax(recent)])
        self.last_mid = float(mids[-1])
        is_pump = rows["warm"] & (rows["pump_score"] > signals.pump_threshold) & (rows["exhaust_score"] > signals.exhaust_threshold)
        before = np.concatenate(([self.was_pump], is_pump[:-1]))
        self.pumps += int(np.count_nonzero(is_pump & ~before))
        self.was_pump = bool(is_pump[-1])
        self.books += len(rows)
        standing = rows if self.last is None else np.concatenate((self.last, rows))
        self._weigh(standing, signals.min_spread_bps, signals.max_spread_bps)
        self.last = rows[-1:].copy()

    def _weigh(self, rows: NDArray[np.void], low_bps: float, high_bps: float) -> None:
        lasted = np.minimum(np.diff(rows["ts_recv"]), GAP_NS)
        spread = rows["spread_bps"][:-1]
        self.observed_ns += int(lasted.sum())
        self.in_band_ns += int(lasted[(spread >= low_bps) & (spread <= high_bps)].sum())
        self.bid_usd_ns += float((rows["bid"] * rows["bid_qty"])[:-1] @ lasted)
        self.ask_usd_ns += float((rows["ask"] * rows["ask_qty"])[:-1] @ lasted)


def scan_tape(folder: Path, config: Config, top: int | None = None, advance: Advance = lambda amount: None) -> dict[str, Any]:
    """Rank the symbols of a tape. `advance` is told shares of a symbol, 1 for each.

    Returns `ranked`, `more` and `refused` as `scan.ranking` has them, and `skipped`: name and reason of each symbol that is damaged and
    could not be measured. Figures: `hours` watched, `spread_share` (time with the spread
    within the configured band), `pumps_per_hour`, `depth_usd` (the thinner side of the touch, mean over time), `bid_depth_usd`,
    `ask_depth_usd`, `usd_per_hour`, `trades_per_min`, `change_pct` (over a day, or the tape where it is shorter).

    Raises:
        DataError: there is no tape, or no symbol of it could be measured.
        UsageError: `top` is not positive.
    """
    if top is not None and top <= 0:
        raise UsageError(f"--top: expected a positive number, found {top}")
    found, skipped = [], []
    for path in find_symbol_folders(folder):
        name = f"{path.parent.name}/{path.name}"
        candidate = Candidate(name, path.name, refused=refusals_by_name(path.name, config))
        try:
            if not candidate.refused:
                candidate.measured = measure(open_symbol(path), config)
                candidate.parts = tape_parts(candidate.measured, config)
                candidate.refused = refusals_by_figures(candidate.measured, config)
            found.append(candidate)
        except DataError as error:
            skipped.append({"name": name, "reason": str(error)})
        advance(1.0)
    if not found:
        raise DataError("\n".join(f"{entry['name']}: skipped: {entry['reason']}" for entry in skipped))
    return {"source": str(folder), "kind": "tape", "unknown": [], **ranking(found, top or config.scanner.top_n), "skipped": skipped}


def measure(entry: SymbolTape, config: Config) -> dict[str, float | None]:
    """The figures of one symbol; None where the tape is too short to tell."""
    params = config.to_params()
    rows = load_rows(entry, int(params[0].feed_latency_ns)).rows
    instrument = new(Instrument)
    entry.instrument.to_instrument(instrument[0])
    gauge, trades, usd = Gauge(), 0, 0.0
    day_ago_ns = int(rows[-1].ts_recv) - DAY
    unit = float(entry.instrument.tick * entry.instrument.lot)
    chunks = signal_chunks(rows, instrument, as_box(params["signals"].copy()), tape_frames=entry.candle_frames, chunk_rows=CHUNK_ROWS)
    for number, chunk in enumerate(chunks):
        part = rows[number * CHUNK_ROWS : (number + 1) * CHUNK_ROWS]
        traded = part[part["kind"] == RowKind.TRADE]
        trades += len(traded)
        usd += float(traded["price_ticks"].astype(np.float64) @ traded["lots"].astype(np.float64)) * unit
        gauge.see(chunk, config, day_ago_ns)
    return _figures(gauge, trades, usd)


def _figures(gauge: Gauge, trades: int, usd: float) -> dict[str, float | None]:
    observed_ns, hours = gauge.observed_ns, gauge.observed_ns / HOUR
    sides = (gauge.bid_usd_ns / observed_ns, gauge.ask_usd_ns / observed_ns) if observed_ns else (None, None)
    return {
        "hours": hours,
        "books": gauge.books,
        "spread_share": gauge.in_band_ns / observed_ns if observed_ns else None,
        "pumps_per_hour": gauge.pumps / hours if observed_ns else None,
        "depth_usd": min(gauge.bid_usd_ns, gauge.ask_usd_ns) / observed_ns if observed_ns else None,
        "bid_depth_usd": sides[0],
        "ask_depth_usd": sides[1],
        "usd_per_hour": usd / hours if observed_ns else None,
        "trades_per_min": trades / (hours * 60.0) if observed_ns else None,
        "change_pct": (gauge.last_mid / gauge.start_mid - 1.0) * 100.0 if gauge.start_mid else None,
    }
