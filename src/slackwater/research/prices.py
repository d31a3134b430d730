"""The market's line behind a run: bid and ask of its tape while that is still there and unchanged, else the asks that the run noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from slackwater.data.layout import QUOTES
from slackwater.data.parquet import open_parquet
from slackwater.data.tape import SymbolTape, Tape, open_tape
from slackwater.errors import DataError, UsageError
from slackwater.research.read_run import Run, numbers
from slackwater.research.thinning import KEPT, Times, Values, edges_around, extremes

COLUMNS = ["ts_event", "ts_recv", "bid_ticks", "ask_ticks"]
BATCH_ROWS = 1 << 18


@dataclass(frozen=True)
class PriceLine:
    """Prices over time, thinned. `bid` is None where only the ask is known; `source` says in one sentence what this is."""

    times: Times
    bid: Values | None
    ask: Values
    source: str


@dataclass(frozen=True)
class PriceSource:
    """Where the prices of a run come from: its tape, or why that cannot be used."""

    tape: Tape | None
    why_not: str


def price_source(run: Run) -> PriceSource:
    """The run's tape, opened, if its content still has the run's hash."""
    recorded = run.document["tape"]
    venues = recorded.get("venues", {})
    if not set(run.symbols) <= set(venues):
        return PriceSource(None, "the run names no tape")
    names = [f"{venues[symbol]}/{symbol}" for symbol in run.symbols]
    try:
        tape = open_tape(Path(recorded["path"]), names)
        is_same = tape.tape_sha256 == recorded["sha256"]
    except (DataError, UsageError):
        return PriceSource(None, "the tape is not where the run found it")
    return PriceSource(tape, "") if is_same else PriceSource(None, "the tape has changed since the run")


def price_line(run: Run, source: PriceSource, symbol: str, moments: Times, points: int) -> PriceLine:
    """The market of a symbol over the run, drawn finer around the moments, with about `points` rows a line."""
    first_ns, last_ns = int(run.document["first_ns"]), int(run.document["last_ns"])
    edges = edges_around(first_ns, last_ns, moments, points // KEPT)
    if source.tape is not None:
        entry = next(part for part in source.tape.symbols if part.symbol == symbol)
        feed_latency_ns = int(float(run.document["config"]["sim"]["feed_latency_ms"]) * 1e6)
        times, bid, ask = _from_tape(entry, feed_latency_ns, (first_ns, last_ns), edges)
        return PriceLine(times, bid, ask, "Bid and ask are the tape's.")
    decisions = run.table("decisions", symbol)
    times, ask = numbers(decisions, "ts_ns"), numbers(decisions, "price")
    chosen = extremes(times, ask, edges)
    return PriceLine(times[chosen], None, ask[chosen], f"The ask is as the run noted it at its decisions, because {source.why_not}.")


def _from_tape(entry: SymbolTape, feed_latency_ns: int, span: tuple[int, int], edges: Times) -> tuple[Times, Values, Values]:
    parts = [np.zeros((0, 3), np.int64)]
    for batch in _batches(entry):
        event = batch["ts_event"].to_numpy()
        received = batch["ts_recv"].fill_null(0).to_numpy()
        times = np.where(received > 0, received, event + feed_latency_ns)
        bid, ask = batch["bid_ticks"].to_numpy(), batch["ask_ticks"].to_numpy()
        rows = np.flatnonzero((bid > 0) & (ask >= bid) & (times >= span[0]) & (times <= span[1]))
        rows = rows[np.argsort(times[rows], kind="stable")]
        kept = rows[extremes(times[rows], (bid[rows] + ask[rows]).astype(np.float64), edges)]
        parts.append(np.stack((times[kept], bid[kept], ask[kept]), axis=1))
    found = np.concatenate(parts)
    found = found[np.argsort(found[:, 0], kind="stable")]
    found = found[extremes(found[:, 0], (found[:, 1] + found[:, 2]).astype(np.float64), edges)]
    tick = entry.instrument.tick
    return found[:, 0], found[:, 1] * tick.numerator / tick.denominator, found[:, 2] * tick.numerator / tick.denominator


def _batches(entry: SymbolTape) -> Iterator[pa.RecordBatch]:
    for path in entry.files:
        if path.name == QUOTES:
            with open_parquet(path) as file:
                yield from file.iter_batches(BATCH_ROWS, columns=COLUMNS, use_threads=False)
