"""One symbol of a finished log becomes rows of its days: each day is built whole beside the old one, synced, and takes its place.

A day whose manifest names the log has its rows already, so a merge that was cut off is simply done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.formats.quarantine import Intake
from slackwater.data.instrument import InstrumentSpec, plain, read_instrument
from slackwater.data.layout import (
    CANDLE_FRAMES,
    FRAME_NS,
    FUNDING,
    INSTRUMENT,
    KLINE_SCHEMA,
    MANIFEST,
    QUOTES,
    TRADES,
    data_files,
    date_folders,
    date_of,
    kline_name,
    link_or_copy,
    read_json,
    write_json,
)
from slackwater.data.parquet import BATCH_ROWS, tape_batches
from slackwater.data.placing import alone_in, building_in, put_in_place
from slackwater.data.recorder import log
from slackwater.data.recorder.log import LogHeader, LogRows, sync_to_disk
from slackwater.data.streams import ints
from slackwater.data.writer import SCHEMA_VERSION, TapeWriter, describe_day, order_keys
from slackwater.errors import DataError
from slackwater.schema.units import DAY

Places = NDArray[np.int64]
RECORDING = "recording"  # the kind of source in a day's manifest


@dataclass(frozen=True, slots=True)
class Merge:
    """One symbol of one log on its way to the tape."""

    path: Path  # of the log
    to: Path
    header: LogHeader
    number: int
    rows: LogRows
    notes: dict[str, Any]
    added: Counter[tuple[str, str]] = field(default_factory=Counter)  # rows by date and file

    @property
    def symbol(self) -> str:
        """The symbol's name."""
        return self.header.symbols[self.number]

    @property
    def home(self) -> Path:
        """The symbol's folder on the tape."""
        return self.to / self.header.venue / self.symbol

    def run(self, places: Places) -> Counter[str]:
        """Merge the rows at these places of the log; the rows added by file.

        Raises:
            DataError: many prices or sizes are off the tape's steps, or a day there is not of a recording.
            OSError: the disk refuses.
        """
        self.added.clear()
        self.home.mkdir(parents=True, exist_ok=True)
        with building_in(self.home) as building, alone_in(self.home):
            days = self._days(places)
            places = places[~np.isin(days, self._merged_days(days))]
            if len(places):
                self._build_and_place(building, places)
        rows: Counter[str] = Counter()
        for (_, name), count in self.added.items():
            rows[name] += count
        return rows

    @property
    def told(self) -> InstrumentSpec:
        """The symbol's steps as the venue told them when the recording began."""
        return self.header.specs[self.number]

    def _build_and_place(self, building: Path, places: Places) -> None:
        spec = self._spec(places)
        writer = TapeWriter(self.header.venue, self.symbol, spec, building)
        intake = Intake(self.path, spec, few_off=True)
        try:
            kinds = self.rows["kind"][places]
            merges = {log.QUOTE: self._quotes, log.TRADE: self._trades, log.CANDLE: self._candles, log.FUNDING: self._funding}
            for kind, merge in merges.items():
                mine = places[kinds == kind]
                if len(mine):
                    merge(writer, intake, mine)
            writer.sort()
        finally:
            writer.abandon()
        for folder in date_folders(building):
            self._complete_day(folder, intake)
        write_json(self.home / INSTRUMENT, spec.as_json())
        sync_to_disk(self.home / INSTRUMENT)
        put_in_place(building, self.home)
        sync_to_disk(self.home)

    def _days(self, places: Places) -> NDArray[np.int64]:
        """The day of each row, by the time that orders it on the tape."""
        kinds, received = self.rows["kind"][places], self.rows["ts_recv"][places]
        by_event = (kinds == log.FUNDING) | (received == 0)
        keys = np.where(by_event, self.rows["ts_event"][places], received)
        days: NDArray[np.int64] = np.where(kinds == log.CANDLE, self.rows["number"][places], keys) // DAY
        return days

    def _merged_days(self, days: NDArray[np.int64]) -> list[int]:
        """Those of the days whose manifest names this log."""

        def names(day: int) -> set[str]:
            manifest = self.home / date_of(day) / MANIFEST
            return {source.get("name") for source in read_json(manifest).get("source", [])} if manifest.exists() else set()

        return [day for day in np.unique(days).tolist() if self.path.name in names(day)]

    def _spec(self, places: Places) -> InstrumentSpec:
        """The tape's steps where there is a tape, with a note in its history when the venue's are others by now; else the venue's.

        Raises:
            DataError: the venue's steps are finer than the tape's, and there are rows that have steps.
        """
        told = self.told
        present = self.home / INSTRUMENT
        if not present.exists():
            return told
        spec = read_instrument(present)
        misfit = steps_that_do_not_fit(told, spec)
        if misfit and (self.rows["kind"][places] <= log.TRADE).any():
            raise DataError(misfit)
        steps = {"tick_size": plain(told.tick_size), "lot_size": plain(told.lot_size)}
        first = {"tick_size": plain(spec.tick_size), "lot_size": plain(spec.lot_size)}
        dates = date_folders(self.home)
        history = list(spec.history) or [{"from": dates[0].name if dates else self._first_date(), **first}]
        if {name: history[-1].get(name) for name in steps} != steps:
            history.append({"from": self._first_date(), **steps})
        return replace(spec, history=tuple(history) if len(history) > 1 else ())

    def _first_date(self) -> str:
        return date_of(self.header.started_ns // DAY)

    def _quotes(self, writer: TapeWriter, intake: Intake, mine: Places) -> None:
        def stays(batch: pa.RecordBatch) -> NDArray[np.bool_]:
            if batch.column("ts_recv").null_count:
                raise DataError(f"{self.home}: expected days of a recording, found quotes without receive times")
            return np.ones(batch.num_rows, np.bool_)

        self._carry_over(writer, QUOTES, self.rows["ts_recv"][mine], stays)
        for part in slices_of(mine):
            found = self.rows[part]
            names = dict(zip(("bid", "bid_qty", "ask", "ask_qty"), ("a", "b", "c", "d"), strict=True))
            batch = intake.quotes(batch_of(found, {ours: pa.array(found[name]) for ours, name in names.items()}))
            self._add(writer, QUOTES, batch)

    def _trades(self, writer: TapeWriter, intake: Intake, mine: Places) -> None:
        received = self.rows["ts_recv"][mine]
        keys = np.where(received > 0, received, self.rows["ts_event"][mine])
        by_id = np.argsort(self.rows["number"][mine], kind="stable")
        known, times = self.rows["number"][mine][by_id], self.rows["ts_event"][mine][by_id]
        is_there = np.zeros(len(mine), np.bool_)  # in the order of ids

        def stays(batch: pa.RecordBatch) -> NDArray[np.bool_]:
            # A trade asked for twice is there already; another that has its id but not its time is of another count of the venue.
            ids = batch.column("trade_id").fill_null(-1).to_numpy()
            at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
            is_there[at[(known[at] == ids) & (times[at] == ints(batch, "ts_event"))]] = True
            return np.ones(batch.num_rows, np.bool_)

        self._carry_over(writer, TRADES, keys, stays)
        is_new = np.ones(len(mine), np.bool_)
        is_new[by_id] = ~is_there
        order = np.argsort(keys, kind="stable")
        for part in slices_of(mine[order[is_new[order]]]):
            found = self.rows[part]
            values = {"price": pa.array(found["a"]), "qty": pa.array(found["b"])}
            values |= {"buyer_maker": pa.array(found["flag"] != 0), "trade_id": pa.array(found["number"])}
            batch = intake.trades(batch_of(found, values))
            self._add(writer, TRADES, batch)

    def _candles(self, writer: TapeWriter, intake: Intake, mine: Places) -> None:
        frames = self.rows["flag"][mine]
        for frame, word in enumerate(CANDLE_FRAMES):
            batch = self._frame_batch(intake, mine[frames == frame], FRAME_NS[word])
            if batch.num_rows:
                starts = ints(batch, "ts_open")
                self._carry_over(writer, kline_name(word), starts, partial(_is_other, "ts_open", starts), "ts_open")
                self._add(writer, kline_name(word), batch, "ts_open")

    def _frame_batch(self, intake: Intake, mine: Places, length_ns: int) -> pa.RecordBatch:
        """The candles of one time frame, each once: of one that came twice the later stands."""
        latest = mine[::-1]
        starts, chosen = np.unique(self.rows["number"][latest], return_index=True)
        places = latest[chosen]
        values = np.array([self.rows[name][places] for name in ("a", "b", "c", "d", "e")])
        makes_sense = np.isfinite(values).all(axis=0) & (values[:4] > 0).all(axis=0) & (values[4] >= 0)
        intake.dropped.add("no_candle", places[~makes_sense] + 1, int((~makes_sense).sum()))
        starts, values = starts[makes_sense], values[:, makes_sense]
        return pa.RecordBatch.from_arrays([pa.array(column) for column in (starts, starts + length_ns, *values)], schema=KLINE_SCHEMA)

    def _funding(self, writer: TapeWriter, intake: Intake, mine: Places) -> None:
        times, chosen = np.unique(self.rows["ts_event"][mine], return_index=True)
        found = self.rows[mine[chosen]]
        batch = intake.funding(batch_of(found, {"rate": pa.array(found["a"])}))
        self._carry_over(writer, FUNDING, times, partial(_is_other, "ts_event", times), "ts_event")
        self._add(writer, FUNDING, batch, "ts_event")

    def _add(self, writer: TapeWriter, name: str, batch: pa.RecordBatch, key: str | None = None) -> None:
        keys = order_keys(batch) if key is None else batch.column(key).to_numpy()
        for day, count in zip(*np.unique(keys // DAY, return_counts=True), strict=True):
            self.added[date_of(int(day)), name] += int(count)
        writer.append(name, batch, key)

    def _carry_over(
        self,
        writer: TapeWriter,
        name: str,
        keys: NDArray[np.int64],
        stays: Callable[[pa.RecordBatch], NDArray[np.bool_]],
        key: str | None = None,
    ) -> None:
        """Write the rows that lie on the tape for the days of these keys, but for those that come again."""
        for day in np.unique(keys // DAY).tolist():
            path = self.home / date_of(day) / name
            if path.exists():
                for batch in tape_batches(path):
                    writer.append(name, batch.filter(pa.array(stays(batch))), key)

    def _complete_day(self, folder: Path, intake: Intake) -> None:
        """Add to a day that is being built the files that stay as they are, and its manifest; have all on the disk."""
        present = self.home / folder.name
        for path in data_files(present) if present.is_dir() else []:
            if not (folder / path.name).exists():
                link_or_copy(path, folder / path.name)
        before = read_json(present / MANIFEST) if (present / MANIFEST).exists() else {}
        added = {name: count for (date, name), count in self.added.items() if date == folder.name}
        # What is odd is told by the log, not by the day: it stands where the market is, not with candles from before it.
        odd = intake if QUOTES in added or TRADES in added else Intake(self.path, intake.spec)
        entry = {
            "kind": RECORDING,
            "from": self.header.source,
            "name": self.path.name,
            "rows": added,
            "quarantined": dict(sorted(odd.dropped.items())),
            "kept_odd": dict(sorted(odd.odd.items())),
            "places": odd.dropped.places | odd.odd.places,
            **self.notes,
        }
        content = {
            **before,
            "schema": SCHEMA_VERSION,
            "venue": self.header.venue,
            "symbol": self.symbol,
            **describe_day(folder),
            "time_backwards": before.get("time_backwards", {}),
            "source": [*before.get("source", []), entry],
            "quarantined": _sum_of(before.get("quarantined", {}), odd.dropped),
            "kept_odd": _sum_of(before.get("kept_odd", {}), odd.odd),
        }
        write_json(folder / MANIFEST, content)
        for path in folder.iterdir():
            sync_to_disk(path)
        sync_to_disk(folder)


def batch_of(found: LogRows, values: dict[str, pa.Array]) -> pa.RecordBatch:
    """Rows as an import would give them; a receive time of 0 is none."""
    received = np.ascontiguousarray(found["ts_recv"])
    stamps = {"ts_event": pa.array(np.ascontiguousarray(found["ts_event"])), "ts_recv": pa.array(received, mask=received == 0)}
    return pa.RecordBatch.from_pydict(stamps | values)


def slices_of(places: Places) -> Iterator[Places]:
    """The places in parts of at most a batch."""
    for start in range(0, len(places), BATCH_ROWS):
        yield places[start : start + BATCH_ROWS]


def _is_other(name: str, known: NDArray[np.int64], batch: pa.RecordBatch) -> NDArray[np.bool_]:
    return ~_is_in(ints(batch, name), known)


def _is_in(values: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which values are among the known, which are sorted and not none."""
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: NDArray[np.bool_] = known[at] == values
    return found


def _sum_of(before: dict[str, int], now: Counter[str]) -> dict[str, int]:
    return dict(sorted((Counter(before) + now).items()))


def steps_that_do_not_fit(told: InstrumentSpec, tape: InstrumentSpec) -> str | None:
    """A sentence where the venue's steps are finer than a tape's."""
    for word, theirs, ours in (("tick", told.tick, tape.tick), ("lot", told.lot, tape.lot)):
        if theirs % ours:
            return f"expected whole {word}s of {float(ours):g} as the tape has them, the venue's are {float(theirs):g} by now"
    return None
