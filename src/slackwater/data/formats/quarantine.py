"""What of an input becomes a row of the tape. Rows that integers can hold stay; rows that make no sense as such are dropped and counted.

Crossed and one-sided books can be held, so they stay and are only counted here: the engine itself rejects them when it runs. A value off
the steps refuses the input; where a few may be left out, many say that the steps are wrong (ADR 0014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.data.formats.source import OLDEST_NS, check_unit, floats, place_word, places_of
from slackwater.data.formats.time_order import TIME_BACKWARDS, Judge, Mask
from slackwater.data.instrument import InstrumentSpec, plain
from slackwater.data.layout import FUNDING_SCHEMA, QUOTE_SCHEMA, TRADE_SCHEMA
from slackwater.data.steps import MOST_OFF, most_off, to_steps, too_large
from slackwater.data.tally import MOST_PLACES, Tally
from slackwater.errors import DataError

GIVEN, OF_TAPE, INFERRED = "given", "of_tape", "inferred"  # where a step comes from
STEP_HINTS = {
    GIVEN: "give the venue's {word} size with --{word}, or leave it out to have it inferred",
    OF_TAPE: "that {word} is the one of the tape's other days; import all days into another folder",
    INFERRED: "that {word} is the one of nearly all values; give the venue's with --{word}",
}


@dataclass(slots=True)
class Intake:
    """Turns batches of one input file into batches of the tape, and counts what it leaves out or finds odd."""

    path: Path
    spec: InstrumentSpec
    few_off: bool = False  # whether rows off the steps are left out while they are few
    origins: Mapping[str, str] = field(default_factory=dict)  # where `tick` and `lot` come from when not given, for messages
    unit_ns: int = 1  # what the file's times counted, for messages
    judge: Judge | None = None  # says which usable rows must go by their times; without one all stay
    dropped: Tally = field(default_factory=Tally)
    odd: Tally = field(default_factory=Tally)
    rows_seen: int = 0
    rows_kept: int = 0
    _paid_ns: set[int] = field(default_factory=set)  # times of funding; a few a day
    _first_off: dict[str, str] = field(default_factory=dict)  # kind to the sentence about the first one

    def quotes(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Books in ticks and lots.

        Raises:
            DataError: too many prices are off the tick, or sizes off the lot, for `few_off`, or times are not in nanoseconds.
        """
        columns = {name: floats(batch, name) for name in ("bid", "bid_qty", "ask", "ask_qty")}
        negative = (columns["bid"] < 0) | (columns["ask"] < 0)
        keep = self._keep(batch, columns, [("negative_price", negative)], ("bid_qty", "ask_qty"))
        keep, steps = self._steps(batch, columns, keep)
        keep = self._in_place(batch, keep)
        bid, bid_lots, ask, ask_lots = steps if keep.all() else [column[keep] for column in steps]
        places = places_of(batch, self.rows_seen)[keep]
        _count(self.odd, "crossed_book", (ask < bid) & (ask > 0), places)
        _count(self.odd, "one_sided_book", (bid == 0) | (ask == 0), places)
        return self._finish(batch, keep, [bid, bid_lots, ask, ask_lots], QUOTE_SCHEMA)

    def trades(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Trades in ticks and lots. Two equal trades are two trades.

        Raises:
            DataError: as for `quotes`.
        """
        columns = {name: floats(batch, name) for name in ("price", "qty")}
        flags = batch.column("buyer_maker")
        kinds = [
            ("not_positive_price", columns["price"] <= 0),
            ("zero_size", columns["qty"] == 0),
            ("no_side", pc.is_null(flags).to_numpy(zero_copy_only=False)),
        ]
        keep = self._keep(batch, columns, kinds, ("qty",))
        keep, steps = self._steps(batch, columns, keep)
        keep = self._in_place(batch, keep)
        price, lots = steps if keep.all() else [column[keep] for column in steps]
        given = "trade_id" in batch.schema.names
        ids = batch.column("trade_id").cast(pa.int64(), safe=False) if given else pa.nulls(batch.num_rows, pa.int64())
        return self._finish(batch, keep, [price, lots, _filter(flags, keep), _filter(ids, keep)], TRADE_SCHEMA)

    def funding(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Funding rates: what longs pay to shorts, as a share of the position's value; negative when shorts pay.

        Of several at one time the first is paid, the others are dropped.

        Raises:
            DataError: times are not in nanoseconds.
        """
        rates = floats(batch, "rate")
        keep = self._in_place(batch, self._keep(batch, {"rate": rates}, [], ()))
        again = keep.copy()
        for row in np.flatnonzero(keep).tolist():
            time_ns = batch.column("ts_event")[row].as_py()
            again[row] = time_ns in self._paid_ns
            self._paid_ns.add(time_ns)
        _count(self.dropped, "repeated_funding", again, places_of(batch, self.rows_seen))
        keep &= ~again
        return self._finish(batch, keep, [pa.array(rates[keep])], FUNDING_SCHEMA)

    def _keep(
        self, batch: pa.RecordBatch, columns: dict[str, NDArray[np.float64]], kinds: list[tuple[str, Mask]], sizes: tuple[str, ...]
    ) -> Mask:
        """Which rows stay; the others are counted under the first kind that fits."""
        happened = batch.column("ts_event")
        places = places_of(batch, self.rows_seen)
        check_unit(self.path, "ts_event", happened, self.unit_ns)
        keep: Mask = happened.fill_null(0).to_numpy() >= OLDEST_NS
        _count(self.dropped, "no_time", ~keep, places)
        finite = np.logical_and.reduce([np.isfinite(values) for values in columns.values()])
        negative = np.logical_or.reduce([columns[name] < 0 for name in sizes]) if sizes else np.zeros(len(keep), np.bool_)
        lot, tick = self.spec.lot, self.spec.tick
        large = np.logical_or.reduce([too_large(values, lot if name in sizes else tick) for name, values in columns.items()])
        for kind, bad in [("not_finite", ~finite), ("negative_size", negative), *kinds, ("out_of_range", large)]:
            _count(self.dropped, kind, keep & bad, places)
            keep &= ~bad
        return keep

    def _in_place(self, batch: pa.RecordBatch, keep: Mask) -> Mask:
        """Which of the usable rows stay by their times; the others are counted."""
        if self.judge is None:
            return keep
        times = batch.column("ts_event").fill_null(0)
        if "ts_recv" in batch.schema.names:
            times = pc.coalesce(batch.column("ts_recv"), times)
        aside = self.judge(times.to_numpy()[keep])
        if aside is None or not aside.any():
            return keep
        goes = np.zeros(len(keep), np.bool_)
        goes[np.flatnonzero(keep)[aside]] = True
        _count(self.dropped, TIME_BACKWARDS, goes, places_of(batch, self.rows_seen))
        return keep & ~goes

    def check_steps(self) -> None:
        """Say whether there were rows off the steps, or whether they were few; to be called after the last batch.

        Raises:
            DataError: there were, or with `few_off` more than `steps.most_off`, so the steps are not those of the file.
        """
        most = most_off(self.rows_seen) if self.few_off else 0
        for kind in self._first_off:
            if self.dropped[kind] > most:
                self._refuse_steps(kind, self.rows_seen)

    def _steps(self, batch: pa.RecordBatch, columns: dict[str, NDArray[np.float64]], keep: Mask) -> tuple[Mask, list[NDArray[np.int64]]]:
        """Which rows stay after all, and all columns in whole steps; rows off a step are counted."""
        steps: list[NDArray[np.int64]] = []
        stays = keep.copy()
        for name, values in columns.items():
            kind, step = ("off_lot", self.spec.lot) if name.endswith("qty") else ("off_tick", self.spec.tick)
            found, off = to_steps(values if keep.all() else np.where(keep, values, 0.0), step)
            steps.append(found)
            fresh = off & stays
            if fresh.any():
                self._note_off(batch, kind, name, fresh)
                stays &= ~off
        return stays, steps

    def _note_off(self, batch: pa.RecordBatch, kind: str, name: str, off: Mask) -> None:
        places = places_of(batch, self.rows_seen)
        _count(self.dropped, kind, off, places)
        if kind not in self._first_off:
            place = int(np.flatnonzero(off)[0])
            word, size = ("lot", self.spec.lot_size) if kind == "off_lot" else ("tick", self.spec.tick_size)
            value = float(floats(batch, name)[place])
            self._first_off[kind] = (
                f"{place_word(self.path)} {places[place]}: expected {name} in whole {word}s of {plain(size)}, found {value!r}"
            )
        if self.dropped[kind] > MOST_OFF:
            self._refuse_steps(kind, self.rows_seen + batch.num_rows)

    def _refuse_steps(self, kind: str, rows: int) -> None:
        word = "lot" if kind == "off_lot" else "tick"
        hint = STEP_HINTS[self.origins.get(word, GIVEN)].format(word=word)
        if not self.few_off and self.dropped[kind] <= most_off(rows):
            hint += "; --off-step drop leaves out so few"
        raise DataError(f"{self.path}: {self._first_off[kind]}, the first of {self.dropped[kind]:,} such rows in {rows:,}; {hint}")

    def _finish(self, batch: pa.RecordBatch, keep: Mask, columns: list[NDArray[np.int64] | pa.Array], schema: pa.Schema) -> pa.RecordBatch:
        stamps = []
        for name in ("ts_event", "ts_recv"):
            column = batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows, pa.int64())
            if name == "ts_recv":
                check_unit(self.path, name, column, self.unit_ns)
            stamps.append(_filter(column, keep))
        self.rows_seen += batch.num_rows
        self.rows_kept += int(np.count_nonzero(keep))
        arrays = [column if isinstance(column, pa.Array) else pa.array(column) for column in columns]
        return pa.RecordBatch.from_arrays(stamps + arrays, schema=schema)


def _count(tally: Tally, kind: str, mask: Mask, places: NDArray[np.int64]) -> None:
    count = int(np.count_nonzero(mask))
    if count:
        tally.add(kind, places[np.flatnonzero(mask)[:MOST_PLACES]], count)


def _filter(column: pa.Array, keep: Mask) -> pa.Array:
    return column if keep.all() else column.filter(pa.array(keep))
