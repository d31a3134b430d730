"""The append log of a recording: rows of one size behind a line of JSON, so that whatever a crash leaves can be read up to its last row.

A log lies in `D/.recording/<venue>/` until its rows are on the tape. While a process writes it, the process holds a lock on it.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from slackwater.data.instrument import InstrumentSpec, parse_instrument
from slackwater.errors import DataError, SafetyError

MAGIC = b"slackwater recording 1 "
SUFFIX = ".log"
NAME = re.compile(r"\d+-\d+\.log")
HELD = ".recorder"  # of a file that says which symbols a living process records
QUOTE, TRADE, CANDLE, FUNDING = 1, 2, 3, 4

# kind, flag (a trade's buyer_maker; a candle's time frame by number), symbol by number, ts_event and ts_recv in ns (0: not received live),
# number (update id, trade id, a candle's start in ns), and the values as they came: bid, bid_qty, ask, ask_qty; price, qty; open, high,
# low, close, volume; rate.
PACKER = struct.Struct("<BBHxxxxqqqddddd")
LOG_ROW = np.dtype(
    {
        "names": ["kind", "flag", "symbol", "ts_event", "ts_recv", "number", "a", "b", "c", "d", "e"],
        "formats": ["u1", "u1", "<u2", "<i8", "<i8", "<i8", "<f8", "<f8", "<f8", "<f8", "<f8"],
        "offsets": [0, 1, 2, 8, 16, 24, 32, 40, 48, 56, 64],
        "itemsize": 72,
    }
)
LogRows = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class LogHeader:
    """What a log says of itself: symbols by number, their steps as the venue told them, and the process that wrote it."""

    venue: str
    symbols: tuple[str, ...]
    specs: tuple[InstrumentSpec, ...]
    source: str
    started_ns: int


class LogWriter:
    """A log being written. Every method may block on the disk; none is called from two threads at once."""

    def __init__(self, folder: Path, header: LogHeader) -> None:
        """Make a new log in the folder.

        Raises:
            OSError: the disk refuses.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.header = header
        self.path = folder / f"{header.started_ns}-{os.getpid()}{SUFFIX}"
        content = {
            "venue": header.venue,
            "source": header.source,
            "started_ns": header.started_ns,
            "symbols": {name: spec.as_json() for name, spec in zip(header.symbols, header.specs, strict=True)},
        }
        head = MAGIC + msgspec.json.encode(content) + b"\n"
        # Under another name until the head is whole: whoever finishes logs must never see half of one.
        temporary = self.path.with_suffix(".new")
        self._file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self.length, self._is_torn = 0, False
            self.append(head)
            self.sync()
            temporary.rename(self.path)
            sync_to_disk(folder)
        except OSError:
            os.close(self._file)
            temporary.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            raise

    def append(self, rows: bytes) -> None:
        """Write rows whole or not at all.

        Raises:
            OSError: the disk refuses; readers see the log as it was before.
        """
        if self._is_torn:
            self._cut()
        done = 0
        try:
            while done < len(rows):
                done += os.write(self._file, rows[done:] if done else rows)
        except OSError:
            self._is_torn = done > 0
            if self._is_torn:
                self._cut()
            raise
        self.length += len(rows)

    def _cut(self) -> None:
        """Take away what was written in part; a disk that refuses even that is asked again before the next rows."""
        os.ftruncate(self._file, self.length)
        os.lseek(self._file, self.length, os.SEEK_SET)
        self._is_torn = False

    def sync(self) -> None:
        """Have on the disk what was written.

        Raises:
            OSError: the disk refuses.
        """
        os.fdatasync(self._file)

    def close(self) -> None:
        """Let go of the log; others may finish it from here on."""
        os.close(self._file)


def read_log(path: Path) -> tuple[LogHeader, LogRows, int]:
    """A log's header, its rows, and how many bytes are no row: a torn end, zeros after a power cut, or damage in between.

    Raises:
        DataError: it is no log, or its header is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.readline()
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: expected a readable log, found: {error.strerror}") from error
    header = _parse_head(path, head)
    count = (size - len(head)) // LOG_ROW.itemsize
    rows: LogRows = np.memmap(path, LOG_ROW, "r", len(head), (count,)) if count else np.zeros(0, LOG_ROW)
    kinds, numbers = np.asarray(rows["kind"]), np.asarray(rows["symbol"])
    makes_sense = (kinds >= QUOTE) & (kinds <= FUNDING) & (numbers < len(header.symbols))
    # A view of the file where all is well; a copy only of what is left where it is not.
    whole = count if makes_sense.all() else int(np.flatnonzero(makes_sense)[-1]) + 1 if makes_sense.any() else 0
    kept = rows[:whole] if makes_sense[:whole].all() else rows[makes_sense]
    return header, kept, size - len(head) - len(kept) * LOG_ROW.itemsize


def _parse_head(path: Path, head: bytes) -> LogHeader:
    try:
        if not head.startswith(MAGIC) or not head.endswith(b"\n"):
            raise ValueError("another first line")
        found: dict[str, Any] = msgspec.json.decode(head[len(MAGIC) :])
        specs = tuple(parse_instrument(name, told) for name, told in found["symbols"].items())
        return LogHeader(found["venue"], tuple(found["symbols"]), specs, found["source"], found["started_ns"])
    except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
        raise DataError(f"{path}: expected the log of a recording, found: {error}") from error


def is_being_written(path: Path) -> bool:
    """Whether a living process still writes a log."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that ask do not take each other for a writer
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def logs_in(folder: Path) -> list[Path]:
    """The logs of a folder, oldest first."""
    found = [path for path in folder.glob(f"*{SUFFIX}") if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (int(path.stem.partition("-")[0]), path.name))


@contextmanager
def holding(folder: Path, symbols: Sequence[str]) -> Iterator[None]:
    """Be the only one to record these symbols into a folder, as long as the block runs.

    Raises:
        SafetyError: another process records one of them.
        OSError: the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns()}-{os.getpid()}{HELD}"
    temporary = path.with_suffix(".new")  # until it is locked: others take away what nobody holds
    with temporary.open("x") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("\n".join(symbols))
            file.flush()
            temporary.rename(path)
            busy = symbols_being_recorded(folder, path) & set(symbols)
            if busy:
                raise SafetyError(f"{folder}: expected to be the only recorder of {', '.join(sorted(busy))}, found another process at it")
            yield
        finally:
            temporary.unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def symbols_being_recorded(folder: Path, but: Path | None = None) -> set[str]:
    """The symbols that living processes record into a folder; what dead ones left of their claims is taken away."""
    found: set[str] = set()
    for path in folder.glob(f"*{HELD}"):
        if path == but:
            continue
        if is_being_written(path):
            found |= set(path.read_text().split())
        else:
            path.unlink(missing_ok=True)
    return found


def sync_to_disk(path: Path) -> None:
    """Have a file's content, or a folder's names, on the disk.

    Raises:
        OSError: the disk refuses.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
