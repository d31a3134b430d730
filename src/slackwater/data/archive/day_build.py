"""One day of a fetch: its archive files become the day's folder of the tape, in one step or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.archive.csv_file import ArchiveCsv, Rejects
from slackwater.data.archive.files import ArchiveFile
from slackwater.data.archive.ordering import Survey, ordered
from slackwater.data.formats.column_plan import LINE
from slackwater.data.formats.quarantine import Intake
from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import (
    FRAME_NS,
    FUNDING,
    KLINE_SCHEMA,
    MANIFEST,
    QUOTES,
    TRADES,
    data_files,
    kline_name,
    link_or_copy,
    read_json,
    time_text,
)
from slackwater.data.writer import TapeWriter, writing
from slackwater.schema.units import DAY

NAMES = {"bookTicker": QUOTES, "aggTrades": TRADES, "fundingRate": FUNDING}  # kind of file to its name on the tape


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """A downloaded file and what the first pass over it saw."""

    file: ArchiveFile
    source: ArchiveCsv
    seen: Survey
    sha256: str

    @property
    def date(self) -> str | None:
        """The day it holds; None for a month."""
        return None if self.file.kind == "fundingRate" else self.file.period

    @property
    def tape_name(self) -> str:
        """The file of the tape that it becomes."""
        return kline_name(self.file.frame) if self.file.frame else NAMES[self.file.kind]


@dataclass(frozen=True, slots=True)
class DayBuild:
    """What every day of a fetch shares."""

    out: Path
    venue: str
    symbol: str
    spec: InstrumentSpec
    surveyed: list[SurveyedFile]

    def files_of(self, day: str) -> list[SurveyedFile]:
        """The files with rows of a day; funding comes with days that have a market, not with the look-back of candles."""
        daily = [entry for entry in self.surveyed if entry.date == day]
        if all(entry.file.is_look_back for entry in daily):
            return daily
        return daily + [entry for entry in self.surveyed if entry.date is None and day.startswith(entry.file.period)]


@dataclass(slots=True)
class DayTotals:
    """Counts over all days of a fetch."""

    rows: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    rejects: Rejects = field(default_factory=Rejects)
    gaps: int = 0


def build_day(build: DayBuild, day: str, totals: DayTotals) -> None:
    """Write one day. Files of the day on the tape that this fetch does not bring are kept.

    Raises:
        DataError: a file is damaged, or days that stay were written with other steps.
    """
    files = build.files_of(day)
    rejects, odd = Rejects(), Counter[str]()
    sources: list[dict[str, Any]] = []
    with writing(build.out, build.venue, build.symbol, build.spec) as writer:
        for entry in files:
            sources.append(_take_in(entry, day, writer, rejects, odd))
        kept = _keep_others(build.out / build.venue / build.symbol / day, writer, {entry.tape_name for entry in files})
        done = writer.finish(
            {
                "source": sources + kept,
                "quarantined": _sum_of(sources + kept, "quarantined"),
                "quarantined_places": rejects.places,
                "kept_odd": _sum_of(sources + kept, "kept_odd"),
            }
        )
    totals.rows.update(done["rows"])
    totals.odd.update(odd)
    totals.gaps += done["gaps"]
    totals.rejects.dropped.update(rejects.dropped)
    for kind, places in rejects.places.items():
        for place in places:
            totals.rejects.keep_place(kind, place)


def _take_in(entry: SurveyedFile, day: str, writer: TapeWriter, rejects: Rejects, odd: Counter[str]) -> dict[str, Any]:
    """Write one file's rows of the day; returns what the manifest says of it."""
    before = rejects.dropped.copy()
    intake = Intake(entry.source.path, writer.spec, few_off=True)
    kind = entry.file.kind
    convert: Callable[[pa.RecordBatch], pa.RecordBatch] = {
        "bookTicker": intake.quotes,
        "aggTrades": intake.trades,
        "fundingRate": intake.funding,
        "klines": lambda batch: _candles(batch, FRAME_NS[entry.file.frame or "1m"], rejects, entry.file.name),
    }[kind]
    column = "ts_open" if kind == "klines" else "ts_event"
    for batch in ordered(entry.source, entry.seen, rejects, writer.folder):
        rows = convert(_named(batch, kind))
        inside = _on_day(rows.column(column).to_numpy(), day)
        if not inside.all():
            # A month of funding is cut into its days; elsewhere a row of another day must not replace that day.
            if kind != "fundingRate":
                first = time_text(int(rows.column(column)[int(np.argmin(inside))].as_py()))
                rejects.count("other_day", int(np.count_nonzero(~inside)), f"{entry.file.name}: {first}")
            rows = rows.filter(pa.array(inside))
        writer.append(entry.tape_name, rows, column)
    intake.check_steps()
    for name, count in intake.dropped.items():
        rejects.count(name, count, f"{entry.file.name}: row {intake.dropped.places[name][0]}")
    odd.update(intake.odd)
    return {
        "kind": entry.file.frame or kind,
        "from": f"{writer.venue} archive",
        "name": entry.file.name,
        "sha256": entry.sha256,
        "rows": entry.seen.rows,
        "quarantined": dict(sorted((rejects.dropped - before).items())),
        "kept_odd": dict(sorted(intake.odd.items())),
    }


def _sum_of(sources: list[dict[str, Any]], name: str) -> dict[str, int]:
    return dict(sorted(sum((Counter(source.get(name, {})) for source in sources), Counter[str]()).items()))


def _named(batch: pa.RecordBatch, kind: str) -> pa.RecordBatch:
    """The key under the name that the intake of the kind looks for."""
    name = {"aggTrades": "trade_id", "fundingRate": "ts_event"}.get(kind)
    return batch.rename_columns([name if name and column == "key" else column for column in batch.schema.names])


def _on_day(times: NDArray[np.int64], day: str) -> NDArray[np.bool_]:
    start = int(np.datetime64(day, "D").astype(np.int64)) * DAY
    found: NDArray[np.bool_] = (times >= start) & (times < start + DAY)
    return found


def _candles(batch: pa.RecordBatch, length_ns: int, rejects: Rejects, place: str) -> pa.RecordBatch:
    """Candles as the tape has them: `ts_close` is the end itself, not the archive's last millisecond before it."""
    opens = batch.column("key").to_numpy()
    values = {name: batch.column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")}
    prices = np.array([values[name] for name in ("open", "high", "low", "close")])
    makes_sense = np.isfinite(prices).all(axis=0) & (prices > 0).all(axis=0) & np.isfinite(values["volume"]) & (values["volume"] >= 0)
    on_frame = (opens > 0) & (opens % length_ns == 0)
    numbers = batch.column(LINE).to_numpy()
    for kind, bad in (("no_candle", ~makes_sense), ("off_frame", makes_sense & ~on_frame)):
        if bad.any():
            rejects.count(kind, int(np.count_nonzero(bad)), f"{place}: row {numbers[np.argmax(bad)]}")
    keep = makes_sense & on_frame
    columns = [opens[keep], opens[keep] + length_ns, *(column[keep] for column in values.values())]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=KLINE_SCHEMA)


def _keep_others(present: Path, writer: TapeWriter, brought: set[str]) -> list[dict[str, Any]]:
    """Carry over the day's files that this fetch does not bring; the sources in their manifest that are not of a kind brought."""
    others = [path for path in data_files(present) if path.name not in brought] if present.is_dir() else []
    if not others:
        return []
    building = writer.folder / present.name
    building.mkdir(exist_ok=True)
    for path in others:
        link_or_copy(path, building / path.name)
    if not (present / MANIFEST).exists():
        return []
    names: dict[str, tuple[str, ...]] = {
        QUOTES: ("bookTicker", "quotes"),
        TRADES: ("aggTrades", "trades"),
        FUNDING: ("fundingRate", "funding"),
    }
    names |= {kline_name(frame): (frame,) for frame in FRAME_NS}
    gone = {kind for name in brought for kind in names[name]}
    manifest = read_json(present / MANIFEST)
    kept: list[dict[str, Any]] = [entry for entry in manifest.get("source", []) if entry.get("kind") not in gone]
    if kept and not any("quarantined" in entry for entry in manifest["source"]):
        # An import counts over all its files: the counts stay with the first of them that stays.
        kept[0] = kept[0] | {name: manifest.get(name, {}) for name in ("quarantined", "kept_odd")}
    return kept
