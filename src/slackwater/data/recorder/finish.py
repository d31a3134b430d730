"""Finished logs of a recording become days of the tape. A log is deleted only when all of it is there, so this may be cut off anywhere."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from slackwater.data.instrument import plain
from slackwater.data.layout import read_json
from slackwater.data.parquet import open_writer
from slackwater.data.recorder import log
from slackwater.data.recorder.log import is_being_written, logs_in, read_log, symbols_being_recorded, sync_to_disk
from slackwater.data.recorder.merge import Merge, Places, batch_of, slices_of
from slackwater.errors import DataError

RECORDINGS = ".recording"  # in the tape's folder
NOTES = ".notes.json"  # beside a log: what its recorder counted
LOCK = "finish.lock"


def recording_folder(to: Path, venue: str) -> Path:
    """Where a venue's logs lie until they are finished."""
    return to / RECORDINGS / venue


def finish_logs(to: Path, venue: str) -> dict[str, Any]:
    """Put every log that nobody writes any more on the tape.

    Returns `logs` (how many), `rows` by symbol and file, `kept_aside` and `damaged` (sentences), `cut_off_bytes` of torn last rows.

    Raises:
        DataError: the tape there is damaged.
        OSError: the disk refuses; the log is still there.
    """
    folder = recording_folder(to, venue)
    done: dict[str, Any] = {"logs": 0, "rows": {}, "kept_aside": [], "damaged": [], "cut_off_bytes": 0}
    if not folder.is_dir():
        return done
    with _only_one(folder):
        symbols_being_recorded(folder)  # takes away what dead recorders left
        for stale in folder.glob("*.new"):
            if not is_being_written(stale):
                stale.unlink(missing_ok=True)  # by now it may have its own name
        for path in logs_in(folder):
            if not is_being_written(path):
                _finish_log(path, to, done)
                done["logs"] += 1
    return done


def _finish_log(path: Path, to: Path, done: dict[str, Any]) -> None:
    notes_path = path.with_name(path.name + NOTES)
    try:
        header, rows, cut_off = read_log(path)
    except DataError as error:
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        done["damaged"].append(f"{error}; kept as {aside}")
        return
    done["cut_off_bytes"] += cut_off
    notes = _read_notes(notes_path)
    numbers = np.asarray(rows["symbol"])
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(header.symbols) + 1))
    for number, symbol in enumerate(header.symbols):
        places = order[bounds[number] : bounds[number + 1]]
        if len(places):
            merge = Merge(path, to, header, number, rows, notes.get(symbol, {}) | {"cut_off_bytes": cut_off})
            _merge_or_keep(merge, places, done)
    path.unlink()
    notes_path.unlink(missing_ok=True)


def _merge_or_keep(merge: Merge, places: Places, done: dict[str, Any]) -> None:
    """Put a symbol's rows on the tape. Those that cannot go there are kept aside, candles and funding by themselves: they have no steps."""
    rows = done["rows"].setdefault(merge.symbol, Counter())
    try:
        rows.update(merge.run(places))
        return
    except DataError as error:
        is_stepped = merge.rows["kind"][places] <= log.TRADE
        done["kept_aside"] += _keep_aside(merge, places[is_stepped], error)
    try:
        if not is_stepped.all():
            rows.update(merge.run(places[~is_stepped]))
    except DataError as error:
        done["kept_aside"] += _keep_aside(merge, places[~is_stepped], error)


def _read_notes(path: Path) -> dict[str, Any]:
    """What the recorder noted of a log; nothing where a power cut left nothing that can be read."""
    try:
        notes = read_json(path) if path.exists() else {}
    except DataError:
        return {}
    return {name: found for name, found in notes.items() if isinstance(found, dict)}


CANDLE_VALUES = {"ts_open": "number", "frame": "flag", "open": "a", "high": "b", "low": "c", "close": "d", "volume": "e"}
KEPT = {
    "quotes": (log.QUOTE, {"bid": "a", "bid_qty": "b", "ask": "c", "ask_qty": "d"}),
    "trades": (log.TRADE, {"price": "a", "qty": "b", "buyer_maker": "flag", "trade_id": "number"}),
    "candles": (log.CANDLE, CANDLE_VALUES),
    "funding": (log.FUNDING, {"rate": "a"}),
}


def _keep_aside(merge: Merge, places: Places, error: DataError) -> list[str]:
    """Save rows that do not fit the tape as plain files that an import takes; a sentence that says so, none where there are no rows."""
    folder = recording_folder(merge.to, merge.header.venue) / "kept"
    folder.mkdir(exist_ok=True)
    saved: dict[str, Path] = {}
    for kind, (number, names) in KEPT.items():
        mine = places[merge.rows["kind"][places] == number]
        path = folder / f"{merge.symbol}-{merge.header.started_ns}-{kind}.parquet"
        writer = None
        for part in slices_of(mine):
            found = merge.rows[part]
            values = {ours: pa.array(found[name] != 0 if ours == "buyer_maker" else found[name]) for ours, name in names.items()}
            batch = batch_of(found, values)
            writer = writer or open_writer(path, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
            sync_to_disk(path)
            saved[kind] = path
    sync_to_disk(folder)
    if not saved:
        return []
    told = f"{merge.symbol}: its rows do not fit the tape ({error}) and were kept aside"
    if not {"quotes", "trades"} <= set(saved):
        return [f"{told} in {', '.join(str(path) for path in saved.values())}"]
    files = " ".join(f"--{kind} {path}" for kind, path in saved.items())
    steps = f"--tick {plain(merge.told.tick_size)} --lot {plain(merge.told.lot_size)}"
    command = f"slackwater data import --venue {merge.header.venue} --symbol {merge.symbol} {files} {steps} --to ANOTHER_FOLDER"
    return [f"{told}; they can be had with: {command}"]


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """One process at a time finishes the logs of a folder; others wait."""
    with (folder / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
