"""The rows of a symbol's tape as runs read them: one memory-mapped TapeRow array, rebuilt when its source changes.

The array lies in the user's cache folder under a key made of the source files' names, sizes, times of change and recorded hashes,
the feed latency and the row layout. It is written under a temporary name and renamed, in chunks, so memory stays flat.
Where that folder may not be written, what is in it is used, and other rows are built in a temporary folder for one use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from slackwater.data.streams import ROW_DTYPE, Rows, is_sorted, merged, open_streams, taken
from slackwater.data.tape import SymbolTape
from slackwater.errors import DataError
from slackwater.kernel.record import Box, as_box, dtype_of
from slackwater.schema.events import ZONE_ROWS, RowKind, TapeZone
from slackwater.schema.units import NEVER_NS

LAYOUT_VERSION = 3  # of the merge rules; the row layout itself is part of the key
BLOCK_ROWS = 1 << 18
KEPT_BUILDS = 4  # per symbol: a few feed latencies of one tape, and no pile of old ones
ROWS_FILE = "rows.bin"
ORDER_FILE = "venue_order.bin"
ZONES_FILE = "zones.bin"
ZONE_DTYPE = dtype_of(TapeZone)


@dataclass(frozen=True, slots=True)
class TapeRows:
    """A symbol's rows in receive order.

    `rows` is a record array of TapeRow up to the last quote or trade, mapped copy-on-write: it can be handed to kernels like any array and
    never changes the file.
    `venue_order` is None when venue time never runs backwards over the rows, else the row numbers in venue-time order (int64, stable).
    `zones` is a record array of TapeZone, or None when there is a venue order, for which it tells nothing.
    """

    rows: Box
    venue_order: NDArray[np.int64] | None
    zones: Box | None


def cache_folder() -> Path:
    """Where caches of rows lie: `SLACKWATER_CACHE`, else the user's cache folder."""
    named = os.environ.get("SLACKWATER_CACHE")
    if named:
        return Path(named) / "rows"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slackwater" / "rows"


def load_rows(tape: SymbolTape, feed_latency_ns: int) -> TapeRows:
    """The rows of a symbol's tape, from the cache or built into it. `feed_latency_ns` models `ts_recv` where it is null.

    Raises:
        DataError: a file is missing, damaged, out of order or lacks a column, or the tape has no rows.
    """
    tape.check_files()
    home = cache_folder() / f"{tape.venue}-{tape.symbol}-{_digest(str(tape.folder.resolve()))}"
    target = home / _key(tape, feed_latency_ns)
    if (target / ROWS_FILE).exists():
        return _mapped(target)
    if _is_locked(home):
        with tempfile.TemporaryDirectory(prefix="slackwater-rows-") as name:
            _write(tape, feed_latency_ns, Path(name))
            return _mapped(Path(name))  # files that are mapped stay until they no longer are, whatever becomes of their names
    _build(tape, feed_latency_ns, home, target)
    return _mapped(target)


def _is_locked(home: Path) -> bool:
    """Whether nothing may be written into a folder, or where it would be made."""
    return not os.access(next(path for path in (home, *home.parents) if path.exists()), os.W_OK)


def _mapped(folder: Path) -> TapeRows:
    rows = as_box(np.memmap(folder / ROWS_FILE, ROW_DTYPE, mode="c"))
    order_path = folder / ORDER_FILE
    end = _market_end(rows)
    if not order_path.exists():
        return TapeRows(as_box(rows[:end]), None, as_box(np.memmap(folder / ZONES_FILE, ZONE_DTYPE, mode="c")))
    order = np.asarray(np.memmap(order_path, np.int64, mode="c"))
    return TapeRows(as_box(rows[:end]), order if end == len(rows) else order[order < end], None)


def _market_end(rows: Box) -> int:
    """One past the last quote or trade: a market ends with them, whatever candles and funding still follow."""
    for stop in range(len(rows), 0, -BLOCK_ROWS):
        kinds = rows["kind"][max(stop - BLOCK_ROWS, 0) : stop]
        found = np.flatnonzero((kinds == RowKind.BOOK) | (kinds == RowKind.TRADE))
        if len(found):
            return max(stop - BLOCK_ROWS, 0) + int(found[-1]) + 1
    return len(rows)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _key(tape: SymbolTape, feed_latency_ns: int) -> str:
    recorded = {date: day.get("files", {}) for date, day in tape.manifest.items()}
    parts = [str(LAYOUT_VERSION), str(ROW_DTYPE.descr), str(feed_latency_ns)]
    for path in tape.files:
        status = path.stat()
        known: dict[str, Any] = recorded.get(path.parent.name, {}).get(path.name, {})
        parts.append(f"{path.parent.name}/{path.name} {status.st_size} {status.st_mtime_ns} {known.get('sha256', '')}")
    return _digest("\n".join(parts))


def _build(tape: SymbolTape, feed_latency_ns: int, home: Path, target: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=home))
    try:
        _write(tape, feed_latency_ns, building)
        try:
            building.rename(target)
        except OSError:
            # Another process finished the same build first: its result is the same.
            if not (target / ROWS_FILE).exists():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    builds = sorted((path for path in home.iterdir() if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime_ns)
    for old in builds[:-KEPT_BUILDS]:
        shutil.rmtree(old, ignore_errors=True)


def _write(tape: SymbolTape, feed_latency_ns: int, folder: Path) -> None:
    path = folder / ROWS_FILE
    last, ordered, count = -(2**63), True, 0
    with path.open("wb") as file:
        for rows in merged(open_streams(tape.folder, tape.dates, feed_latency_ns)):
            ordered = ordered and is_sorted(rows["ts_recv"]) and int(rows["ts_recv"][0]) >= last
            last = int(rows["ts_recv"][-1])
            count += len(rows)
            _append(file, rows)
    if not count:
        raise DataError(f"{tape.folder}: expected quotes and trades, found no rows")
    if not ordered:
        _sort_rows(path)
    _write_venue_order(path, folder / ORDER_FILE)
    if not (folder / ORDER_FILE).exists():
        _write_zones(path, folder / ZONES_FILE)


def _append(file: BinaryIO, rows: NDArray[Any]) -> None:
    file.write(np.ascontiguousarray(rows).view(np.uint8).data)


def _sort_rows(path: Path) -> None:
    """Put a file of rows into order where modelled receive times mix with known ones: by time, at ties by kind, then as they were."""
    rows = np.memmap(path, ROW_DTYPE, mode="r")
    sorted_path = path.with_suffix(".sorted")
    with sorted_path.open("wb") as file:
        for chosen in _stable_order(rows, "ts_recv"):
            _append(file, taken(rows, chosen))
    sorted_path.replace(path)


def _write_venue_order(rows_path: Path, order_path: Path) -> None:
    rows = np.memmap(rows_path, ROW_DTYPE, mode="r")
    blocks = range(0, len(rows), BLOCK_ROWS)
    # Each block is looked at with the last row before it, so that a step back between two blocks is seen.
    if all(is_sorted(rows["ts_event"][max(start - 1, 0) : start + BLOCK_ROWS]) for start in blocks):
        return
    with order_path.open("wb") as file:
        for chosen in _stable_order(rows, "ts_event"):
            _append(file, chosen)


def _write_zones(rows_path: Path, zones_path: Path) -> None:
    rows = np.memmap(rows_path, ROW_DTYPE, mode="r")
    with zones_path.open("wb") as file:
        for start in range(0, len(rows), BLOCK_ROWS):
            _append(file, zones_of(rows[start : start + BLOCK_ROWS]))


def zones_of(rows: Rows) -> NDArray[Any]:
    """The zones of rows that begin where one does."""
    is_candle = rows["kind"] == RowKind.CANDLE
    low = np.where(is_candle, NEVER_NS, rows["price_ticks"])
    high = np.where(is_candle, -NEVER_NS, np.maximum(rows["price_ticks"], rows["ask_ticks"]))
    is_funding = rows["kind"] == RowKind.FUNDING
    low[is_funding], high[is_funding] = -NEVER_NS, NEVER_NS
    starts = np.arange(0, len(rows), ZONE_ROWS)
    zones = np.empty(len(starts), ZONE_DTYPE)
    zones["low_ticks"] = np.minimum.reduceat(low, starts)
    zones["high_ticks"] = np.maximum.reduceat(high, starts)
    return zones


def _stable_order(rows: Rows, field: str) -> Iterator[NDArray[np.int64]]:
    """Row numbers in the order of a time field, in chunks.

    Rows wait only until no later block can hold an earlier time, so memory grows with how far times are displaced, not with length.
    When sorting by `ts_recv`, rows of equal time are ordered by kind as `streams` has it.
    """
    starts = list(range(0, len(rows), BLOCK_ROWS))
    block_minimum = np.array([rows[field][start : start + BLOCK_ROWS].min() for start in starts] + [2**63 - 1])
    later_minimum = np.minimum.accumulate(block_minimum[::-1])[::-1]
    waiting = np.zeros(0, np.int64)
    for number, start in enumerate(starts):
        fresh = np.arange(start, min(start + BLOCK_ROWS, len(rows)), dtype=np.int64)
        waiting = np.concatenate((waiting, fresh))
        times = rows[field][waiting]
        order = np.argsort(times, kind="stable") if field == "ts_event" else np.lexsort((_rank(rows["kind"][waiting]), times))
        waiting, times = waiting[order], times[order]
        side = "right" if field == "ts_event" else "left"
        is_last = number == len(starts) - 1
        ready = len(waiting) if is_last else int(np.searchsorted(times, later_minimum[number + 1], side=side))  # type: ignore[call-overload]
        yield waiting[:ready]
        waiting = waiting[ready:]


def _rank(kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    # RowKind counts BOOK, TRADE, CANDLE, FUNDING from 1; at equal times candles and funding come first, books last.
    rank: NDArray[np.int64] = np.array([0, 3, 2, 0, 1], np.int64)[kinds]
    return rank
