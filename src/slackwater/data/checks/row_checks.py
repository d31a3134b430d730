"""What a single row or its neighbour shows: crossed and empty books, repeats, times that run backwards, delays.

A checker sees one file batch by batch and keeps what the next batch needs, never more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.checks.clocks import ClockGauge
from slackwater.data.checks.findings import DayFindings
from slackwater.data.checks.step_sizes import StepGauge
from slackwater.data.layout import QUOTE_SCHEMA, TRADE_SCHEMA

LARGE_RATE = 0.05  # of the position's value in one payment; venues cap it at 0.75 to 3 %
RECENT_IDS = 1 << 20  # trade ids looked back over: a venue or recorder repeats itself within minutes, not days

Numbers = NDArray[np.int64]


@dataclass(slots=True)
class RecentIds:
    """The last million trade ids, to know one that comes again; over days, since a repeat may come after midnight."""

    kept: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    highest: int = -(2**63)

    def repeats(self, ids: Numbers) -> NDArray[np.bool_]:
        """Which of the ids were there before, among those kept or earlier in the array; all of them are kept from now on."""
        seen = np.zeros(len(ids), np.bool_)
        if not len(ids):
            return seen
        if ids[0] <= self.highest or not (ids[1:] > ids[:-1]).all():
            _, first = np.unique(ids, return_index=True)
            seen[:] = True
            seen[first] = False
            seen |= np.isin(ids, self.kept)
        self.highest = max(self.highest, int(ids.max()))
        self.kept = np.concatenate((self.kept, ids[~seen]))[-RECENT_IDS:]
        return seen


def int_column(batch: pa.RecordBatch, name: str) -> Numbers:
    """An int64 column; nulls are 0."""
    column = batch.column(name)
    found: Numbers = column.fill_null(0).to_numpy() if column.null_count else column.to_numpy()
    return found


def check_clocks(day: DayFindings, stem: str, batch: pa.RecordBatch, start: int, last_event_ns: int | None) -> int:
    """Delays, venue times that run backwards, rows received before they happened; returns the last `ts_event`.

    Args:
        day: what takes the findings.
        stem: the file, such as `quotes`.
        batch: rows with `ts_event` and `ts_recv`.
        start: the number of the batch's first row in the file.
        last_event_ns: `ts_event` of the row before the batch.
    """
    happened = int_column(batch, "ts_event")
    before = happened[:1] if last_event_ns is None else np.array([last_event_ns])
    backwards = np.flatnonzero(np.diff(np.concatenate((before, happened))) < 0)
    known = batch.column("ts_recv").is_valid().to_numpy(zero_copy_only=False)
    # Without a receive time rows are ordered by `ts_event` itself: a step back is damage then, and told of as that.
    day.note("venue_time_back", stem, backwards[known[backwards]] + start)
    if known.any():
        received = int_column(batch, "ts_recv")
        day.clocks.setdefault(stem, ClockGauge()).see(happened[known], received[known])
        day.note("negative_latency", stem, np.flatnonzero(known & (received < happened)) + start)
    return int(happened[-1])


def check_quotes(day: DayFindings, batch: pa.RecordBatch, start: int, last: pa.RecordBatch | None) -> None:
    """Crossed, locked, one-sided and empty books, repeats, and the steps of prices and sizes. `last` is the row before the batch."""
    bid, bid_lots, ask, ask_lots = (int_column(batch, name) for name in QUOTE_SCHEMA.names[2:])
    two_sided = (bid > 0) & (ask > 0)
    for kind, mask in (
        ("crossed_book", two_sided & (ask < bid)),
        ("locked_book", two_sided & (ask == bid)),
        ("one_sided_book", ~two_sided),
        ("zero_size_quote", ((bid > 0) & (bid_lots == 0)) | ((ask > 0) & (ask_lots == 0))),
        ("repeated_quote", _repeats(batch, last, QUOTE_SCHEMA)),
    ):
        day.note(kind, "quotes", np.flatnonzero(mask) + start)
    for what, name, column in (("price", "bid", bid), ("price", "ask", ask), ("size", "bid", bid_lots), ("size", "ask", ask_lots)):
        day.steps.setdefault(("quotes", what), StepGauge()).see(name, column)


def check_trades(day: DayFindings, batch: pa.RecordBatch, start: int, last: pa.RecordBatch | None, ids: RecentIds) -> None:
    """Trades of nothing, repeats, ids that come again, and the steps of prices and sizes. `last` is the row before the batch."""
    price, lots = int_column(batch, "price_ticks"), int_column(batch, "lots")
    day.note("zero_size_trade", "trades", np.flatnonzero(lots == 0) + start)
    # One order that meets several others prints equal trades: without an id only a second clock makes a repeat of them.
    told_apart = batch.column("ts_recv").is_valid().to_numpy(zero_copy_only=False)
    day.note("repeated_trade", "trades", np.flatnonzero(_repeats(batch, last, TRADE_SCHEMA) & told_apart) + start)
    known = np.flatnonzero(batch.column("trade_id").is_valid().to_numpy(zero_copy_only=False))
    day.note("repeated_trade_id", "trades", known[ids.repeats(int_column(batch, "trade_id")[known])] + start)
    for what, column in (("price", price), ("size", lots)):
        day.steps.setdefault(("trades", what), StepGauge()).see(what, column)


def check_funding(day: DayFindings, batch: pa.RecordBatch, start: int, span_ns: tuple[int, int] | None, paid_ns: set[int]) -> None:
    """Funding that comes again, lies outside the span of the tape's quotes, or is too large to be true.

    Args:
        day: what takes the findings.
        batch: rows of funding.
        start: the number of the batch's first row in the file.
        span_ns: between which times funding belongs to the tape; None where that is not known.
        paid_ns: the times that were there before; those of the batch are added.
    """
    times = int_column(batch, "ts_event")
    again = np.zeros(len(times), np.bool_)
    for row, time_ns in enumerate(times.tolist()):
        again[row] = time_ns in paid_ns
        paid_ns.add(time_ns)
    day.note("repeated_funding", "funding", np.flatnonzero(again) + start)
    if span_ns is not None:
        day.note("funding_outside", "funding", np.flatnonzero((times < span_ns[0]) | (times > span_ns[1])) + start)
    rates = batch.column("rate").fill_null(0.0).to_numpy()
    day.note("large_funding", "funding", np.flatnonzero(~(np.abs(rates) <= LARGE_RATE)) + start)


def _repeats(batch: pa.RecordBatch, last: pa.RecordBatch | None, schema: pa.Schema) -> NDArray[np.bool_]:
    """Rows equal to the row before them in every column, both clocks among them; nulls equal nulls.

    Equal values at another time are a market that came back or a second trade, and no repeat.
    """
    same = np.ones(batch.num_rows, np.bool_)
    for name in schema.names:
        values, valid = _comparable(batch, name)
        before, before_valid = (values[:1], valid[:1]) if last is None else _comparable(last, name)
        values, valid = np.concatenate((before, values)), np.concatenate((before_valid, valid))
        same &= (values[1:] == values[:-1]) & (valid[1:] == valid[:-1])
    if last is None:
        same[0] = False
    return same


def _comparable(batch: pa.RecordBatch, name: str) -> tuple[Numbers, NDArray[np.bool_]]:
    column = batch.column(name)
    values: Numbers = column.cast(pa.int64()).fill_null(0).to_numpy()
    return values, column.is_valid().to_numpy(zero_copy_only=False)
