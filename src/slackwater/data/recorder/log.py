"""The append log of a recording: rows of one size behind a line of JSON, so that whatever a crash leaves can be read up to its last row.

A log lies in `D/.recording/<venue>/` until its rows are on the tape. While a process writes it, the process holds a lock on it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from slackwater.data.instrument import InstrumentSpec, parse_instrument
from slackwater.errors import DataError

MAGIC = b"slackwater recording 1 "
SUFFIX = ".log"
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
            self.length = 0
            self.append(head)
            self.sync()
            temporary.rename(self.path)
        except OSError:
            os.close(self._file)
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(folder)

    def append(self, rows: bytes | bytearray) -> None:
        """Write rows whole or not at all.

        Raises:
            OSError: the disk refuses; the log is as it was before.
        """
        left = memoryview(rows)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            os.ftruncate(self._file, self.length)
            os.lseek(self._file, self.length, os.SEEK_SET)
            raise
        self.length += len(rows)

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
    """A log's header, its rows as a view of the file, and how many bytes at its end are no whole row.

    Rows end at the first that none of the recorder's can be: after a power cut a file may end in zeros.

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
    whole = count if makes_sense.all() else int(np.argmin(makes_sense))
    return header, rows[:whole], size - len(head) - whole * LOG_ROW.itemsize


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
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def logs_in(folder: Path) -> list[Path]:
    """The logs of a folder, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (int(path.stem.partition("-")[0] or 0), path.name))


def symbols_being_recorded(folder: Path) -> set[str]:
    """The symbols that living processes record into a folder."""
    found: set[str] = set()
    for path in logs_in(folder):
        if is_being_written(path):
            with path.open("rb") as file:
                found |= set(_parse_head(path, file.readline()).symbols)
    return found


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk.

    Raises:
        OSError: the disk refuses.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
