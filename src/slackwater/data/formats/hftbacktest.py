"""Events of hftbacktest 2: their layout and flags, and reading them chunk by chunk out of an npz.

An event has two clocks, `exch_ts` and `local_ts`, both nanoseconds. Only events that the strategy sees (`LOCAL`) become rows of a tape; one
that is for the exchange alone is the same event at the place where the exchange's order wants it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from slackwater.errors import DataError

EVENT = np.dtype(
    [
        ("ev", "<u8"),
        ("exch_ts", "<i8"),
        ("local_ts", "<i8"),
        ("px", "<f8"),
        ("qty", "<f8"),
        ("order_id", "<u8"),
        ("ival", "<i8"),
        ("fval", "<f8"),
    ]
)
DEPTH, TRADE, DEPTH_SNAPSHOT = 1, 2, 4  # and what `touch` has
EXCHANGE, LOCAL = 1 << 31, 1 << 30
MEMBER = "data.npy"
CHUNK_EVENTS = 1 << 17  # 8 MB

Events = NDArray[Any]


def read_events(path: Path) -> Iterator[Events]:
    """The events of an npz with the key `data`, or of an npy, in chunks.

    Raises:
        DataError: it is no such file, or it ends early.
    """
    with _opened(path) as stream:
        left = read_header(path, stream)
        while left:
            wanted = min(left, CHUNK_EVENTS) * EVENT.itemsize
            found = stream.read(wanted)
            if len(found) < wanted:
                raise DataError(f"{path}: expected {left:,} more events, found the end of the file")
            yield np.frombuffer(found, EVENT)
            left -= wanted // EVENT.itemsize


def count_events(path: Path) -> int:
    """How many events a file says it has.

    Raises:
        DataError: it is no file of events.
    """
    with _opened(path) as stream:
        return read_header(path, stream)


def read_header(path: Path, stream: IO[bytes]) -> int:
    """Read the array's header and return its length.

    Raises:
        DataError: it is no one-dimensional array of events.
    """
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    except ValueError as error:
        raise DataError(f"{path}: expected an array of events, found: {error}") from error
    if len(shape) != 1 or dtype != EVENT:
        raise DataError(f"{path}: expected events with {', '.join(EVENT.names or ())}, found {dtype} of shape {shape}")
    return int(shape[0])


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if not path.is_file():
        raise DataError(f"{path}: expected an npz of events, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        if path.suffix == ".npy":
            with path.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(path) as archive:
            if MEMBER not in archive.namelist():
                names = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
                raise DataError(f"{path}: expected the key data, found {names or 'nothing'}")
            with archive.open(MEMBER) as member:
                yield member
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path}: expected an npz of events, found: {error}") from error
