"""Writing a tape: day folders built beside the target and renamed into place when everything is right, or nothing at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.data.instrument import InstrumentSpec, plain, read_instrument
from slackwater.data.layout import (
    GENERATED,
    INSTRUMENT,
    MANIFEST,
    QUOTES,
    TRADES,
    check_name,
    data_files,
    date_folders,
    date_of,
    read_manifest,
    sha256_of,
    time_text,
    write_json,
)
from slackwater.data.parquet import BATCH_ROWS, open_parquet, open_writer, row_count, tape_batches
from slackwater.data.placing import alone_in, building_in, put_in_place, told
from slackwater.data.sorting import in_order
from slackwater.errors import DataError
from slackwater.schema.units import DAY, SEC

GAP_NS = 60 * SEC  # a longer silence of the quotes is a gap in the manifest
SCHEMA_VERSION = 1  # of the tape's files
MOST_OPEN = 16  # files at once: a tape of years must not meet the limit of open files


@dataclass(slots=True)
class DayFile:
    """One Parquet file being written."""

    path: Path
    writer: pq.ParquetWriter
    parts: list[Path] = field(default_factory=list)  # what came after it had been closed, to be put behind it
    last_key: int = -(2**63)
    backwards: int = 0  # steps back in time; such a file is sorted before it is put in place


@dataclass(slots=True)
class TapeWriter:
    """Collects a symbol's rows into day folders under a temporary name. Made by `writing`, which also commits or discards."""

    venue: str
    symbol: str
    spec: InstrumentSpec
    folder: Path
    files: dict[tuple[int, str], DayFile] = field(default_factory=dict)

    def append(self, name: str, batch: pa.RecordBatch, key: str | None = None) -> None:
        """Add rows to the days they belong to.

        `key` is the column of their time; without it they go by `ts_recv`, and by `ts_event` where that is null.
        """
        if not batch.num_rows:
            return
        keys = order_keys(batch) if key is None else batch.column(key).to_numpy()
        days = keys // DAY
        # Cut where the day changes, so that rows of a day that comes again later go to the same file.
        cuts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), batch.num_rows]
        for start, stop in zip(cuts, cuts[1:], strict=False):
            file = self._file(int(days[start]), name, batch.schema)
            part = keys[start:stop]
            file.backwards += int(np.count_nonzero(part[1:] < part[:-1])) + int(part[0] < file.last_key)
            file.last_key = int(part[-1])
            file.writer.write_batch(batch.slice(start, stop - start), row_group_size=stop - start)

    def _file(self, day: int, name: str, schema: pa.Schema) -> DayFile:
        found = self.files.get((day, name))
        if found is None:
            path = self.folder / date_of(day) / name
            path.parent.mkdir(exist_ok=True)
            found = self.files[day, name] = DayFile(path, open_writer(path, schema))
            self._close_old()
        elif not found.writer.is_open:
            # The source went back to a day that was closed. A Parquet file cannot be continued.
            found.parts.append(found.path.with_suffix(f".part{len(found.parts)}"))
            found.writer = open_writer(found.parts[-1], schema)
            self.files[day, name] = self.files.pop((day, name))  # the latest comes last
            self._close_old()
        return found

    def _close_old(self) -> None:
        for old in [file for file in self.files.values() if file.writer.is_open][:-MOST_OPEN]:
            old.writer.close()

    def forget(self, name: str) -> None:
        """Take back all rows of a file's name, and days that have nothing else."""
        for key in [key for key in self.files if key[1] == name]:
            file = self.files.pop(key)
            file.writer.close()
            for path in (file.path, *file.parts):
                path.unlink()
            if not any(file.path.parent.iterdir()):
                file.path.parent.rmdir()

    def close(self) -> None:
        """Close every open file; safe to call twice."""
        for file in self.files.values():
            if file.writer.is_open:
                file.writer.close()

    def abandon(self) -> None:
        """Let go of files that are still open, whatever their disk says."""
        for file in self.files.values():
            if file.writer.is_open:
                with suppress(OSError):
                    file.writer.close()

    def sort(self) -> Counter[str]:
        """Close every file and put those into order that are not; the steps back in time by kind."""
        self.close()
        backwards: Counter[str] = Counter()
        for (_, name), file in sorted(self.files.items()):
            if file.backwards:
                backwards[name.removesuffix(".parquet")] += file.backwards
            if file.backwards or file.parts:
                sort_file(file.path, file.parts)
        return backwards

    def finish(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Sort what needs sorting, write each day's manifest, and return totals: rows by file, days, steps back, first and last time,
        how many gaps the quotes have, those over midnight too, and by file the gaps longer than a day (`long_gaps`).

        Raises:
            DataError: there are no rows.
        """
        if not self.files:
            raise DataError(f"{self.venue}/{self.symbol}: expected rows for the tape, found none that make sense")
        backwards = self.sort()
        days = [describe_day(folder) for folder in date_folders(self.folder)]
        dates = [day["date"] for day in days]
        rows: Counter[str] = Counter()
        for day in days:
            steps_back = {
                name: file.backwards for (number, name), file in self.files.items() if date_of(number) == day["date"] and file.backwards
            }
            content = {
                "schema": SCHEMA_VERSION,
                "venue": self.venue,
                "symbol": self.symbol,
                **day,
                "time_backwards": steps_back,
                **manifest,
            }
            write_json(self.folder / day["date"] / MANIFEST, content)
            rows.update({name: found["rows"] for name, found in day["files"].items()})
        times = [time for day in days for time in (day["first_ns"], day["last_ns"]) if time is not None]
        paths = {name: [path for date in dates if (path := self.folder / date / name).exists()] for name in (QUOTES, TRADES)}
        long_gaps = {name.removesuffix(".parquet"): gaps_between_days(found, DAY) for name, found in paths.items()}
        return {
            "rows": dict(rows),
            "days": dates,
            "time_backwards": dict(backwards),
            "gaps": sum(len(day["gaps"]) for day in days) + len(gaps_between_days(paths[QUOTES])),
            "long_gaps": {stem: found for stem, found in long_gaps.items() if found},
            "first_ns": min(times, default=None),
            "last_ns": max(times, default=None),
        }


@contextmanager
def writing(target: Path, venue: str, symbol: str, spec: InstrumentSpec, alone: bool = False) -> Iterator[TapeWriter]:
    """A writer whose days replace those of the target when the block ends well, and vanish when it does not.

    With `alone` they are the only ones then: the symbol's other days go.

    Raises:
        UsageError: venue or symbol cannot be a folder's name.
        DataError: days that stay in the target were written with other steps, or generated.
        SlackwaterError: the target cannot be written, as on a disk that is full.
    """
    check_name("--venue", venue)
    check_name("--symbol", symbol)
    home = target / venue / symbol
    made = [path for path in (home, *home.parents) if not path.exists()]
    try:
        with told(target):
            home.mkdir(parents=True, exist_ok=True)
            with building_in(home) as building:
                writer = TapeWriter(venue, symbol, spec, building)
                try:
                    yield writer
                    writer.close()
                    with alone_in(home):
                        if not alone:
                            _check_staying(home, spec, {path.name for path in date_folders(building)})
                        put_in_place(building, home, alone)
                        write_json(home / INSTRUMENT, spec.as_json())
                finally:
                    writer.abandon()
    finally:
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def _check_staying(home: Path, spec: InstrumentSpec, replaced: set[str]) -> None:
    """Refuse to put days of files beside days that do not go with them."""
    staying = [path.name for path in date_folders(home) if path.name not in replaced]
    generated = [date for date in staying if _is_generated(home / date / MANIFEST)]
    if generated:
        raise DataError(
            f"{home}: expected days of a market only, found {len(generated)} that `slackwater data synth` made and that would stay beside "
            f"the new ones, the first {generated[0]}; choose another folder, --venue or --symbol, or remove this one"
        )
    if not staying or not (home / INSTRUMENT).exists():
        return
    before = read_instrument(home / INSTRUMENT)
    if (before.tick, before.lot) != (spec.tick, spec.lot):
        raise DataError(
            f"{home}: expected tick {plain(before.tick_size)} and lot {plain(before.lot_size)} as on {staying[0]}, "
            f"found tick {plain(spec.tick_size)} and lot {plain(spec.lot_size)}; give --tick and --lot, or import into another folder"
        )


def _is_generated(manifest: Path) -> bool:
    with suppress(DataError):  # a damaged day is told of by whoever reads it
        return any(part.get("kind") == GENERATED for part in read_manifest(manifest).get("source", []))
    return False


def order_keys(batch: pa.RecordBatch | pa.Table) -> NDArray[np.int64]:
    """The time that orders rows: `ts_recv`, and `ts_event` (or a candle's `ts_close`) where that is null or absent."""
    if "ts_close" in batch.schema.names:
        found: NDArray[np.int64] = batch.column("ts_close").to_numpy()
        return found
    received = batch.column("ts_recv")
    happened = batch.column("ts_event")
    if received.null_count == len(received):
        found = happened.to_numpy()
        return found
    found = pc.coalesce(received, happened).to_numpy()
    return found


def sort_file(path: Path, parts: Sequence[Path] = ()) -> None:
    """Sort one day's file by time, equal times as they were, with the parts that come behind it.

    Rows wait until no later batch can hold an earlier time, on disk when they are many, so memory does not grow with the day.
    """
    paths = [path, *parts]

    def batches() -> Iterator[pa.RecordBatch]:
        for one in paths:
            with open_parquet(one) as file:
                yield from file.iter_batches(BATCH_ROWS, use_threads=False)

    earliest: list[int] = []
    for one in paths:
        with open_parquet(one) as file:
            earliest += [int(keys.min()) for keys in _key_batches(file)]
    temporary = path.with_suffix(".sorted")
    with open_writer(temporary, pq.read_schema(path)) as writer:
        for table in in_order(batches(), order_keys, earliest, path.parent):
            writer.write_table(table)
    temporary.replace(path)
    for one in parts:
        one.unlink()


def _key_batches(file: pq.ParquetFile) -> Iterator[NDArray[np.int64]]:
    names = [name for name in ("ts_close", "ts_event", "ts_recv") if name in file.schema_arrow.names]
    for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
        yield order_keys(batch)


def describe_day(folder: Path) -> dict[str, Any]:
    """What a day's manifest says of its files: rows, hashes, first and last market time, gaps of the quotes.

    Raises:
        DataError: a file is damaged.
    """
    files: dict[str, dict[str, Any]] = {}
    first: list[int] = []
    last: list[int] = []
    gaps: list[dict[str, Any]] = []
    for path in data_files(folder):
        count = row_count(path)
        files[path.name] = {"rows": count, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        if path.name.startswith(("klines", "funding")) or not count:
            continue
        previous: int | None = None
        for batch in tape_batches(path, columns=["ts_event", "ts_recv"]):
            keys = order_keys(batch)
            first.append(int(keys[0]))
            last.append(int(keys[-1]))
            if path.name == QUOTES:
                gaps += find_gaps(keys if previous is None else np.concatenate(([previous], keys)))
            previous = int(keys[-1])
    return {"date": folder.name, "files": files, "first_ns": min(first, default=None), "last_ns": max(last, default=None), "gaps": gaps}


def key_span(path: Path) -> tuple[int, int] | None:
    """First and last time of a sorted file of quotes or trades, mostly from its footer alone; None where it has no rows.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with open_parquet(path) as file:
            groups = [number for number in range(file.num_row_groups) if file.metadata.row_group(number).num_rows]
            if not groups:
                return None
            return _group_span(file, groups[0])[0], _group_span(file, groups[-1])[1]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(f"{path}: expected a tape file, found: {error}") from error


def _group_span(file: pq.ParquetFile, number: int) -> tuple[int, int]:
    """First and last time of a row group: its statistics tell where all rows are ordered by the same clock."""
    group = file.metadata.row_group(number)
    known = {group.column(k).path_in_schema: group.column(k).statistics for k in range(group.num_columns)}
    received, happened = known.get("ts_recv"), known.get("ts_event")
    if received is not None and received.has_null_count and received.null_count in (0, group.num_rows):
        told = happened if received.null_count else received
        if told is not None and told.has_min_max:
            return int(told.min), int(told.max)
    keys = order_keys(file.read_row_group(number, columns=["ts_event", "ts_recv"], use_threads=False).combine_chunks())
    return int(keys.min()), int(keys.max())


def gaps_between_days(paths: Iterable[Path], least_ns: int = GAP_NS) -> list[dict[str, Any]]:
    """Silences longer than `least_ns` from the last row of one file to the first of the next, as `find_gaps` tells of them.

    Raises:
        DataError: a file is damaged.
    """
    spans = [span for path in paths if (span := key_span(path)) is not None]
    pairs = [np.array([before[1], after[0]]) for before, after in zip(spans, spans[1:], strict=False)]
    return [gap for pair in pairs for gap in find_gaps(pair, least_ns)]


def find_gaps(keys: NDArray[np.int64], least_ns: int = GAP_NS) -> list[dict[str, Any]]:
    """Silences longer than `least_ns`, a minute, between sorted times, with start, end and length in seconds."""
    places = np.flatnonzero(np.diff(keys) > least_ns)
    return [
        {
            "from": time_text(int(keys[k])),
            "to": time_text(int(keys[k + 1])),
            "from_ns": int(keys[k]),
            "seconds": float(keys[k + 1] - keys[k]) / SEC,
        }
        for k in places
    ]
