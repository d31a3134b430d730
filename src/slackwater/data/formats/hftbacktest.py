"""Events of hftbacktest 2: their layout and flags, and reading them chunk by chunk out of an npz.

An event has two clocks, `exch_ts` and `local_ts`, both nanoseconds. Only events that the strategy sees (`LOCAL`) become rows of a tape; one
that is for the exchange alone is the same event at the place where the exchange's order wants it.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from slackwater.data.formats.text_input import BAD_CHECKSUM, CUT_OFF
from slackwater.data.tally import Tally
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
PIECE_BYTES = 1 << 16  # read at once: what a fault takes with it

Events = NDArray[Any]


def read_events(path: Path, tally: Tally | None = None, first: int = 1) -> Iterator[Events]:
    """The events of an npz with the key `data`, or of an npy, in chunks.

    A file that ends early gives the whole events before that; the next one is counted as `cut_off`. When only its checksum does not fit,
    all are given and `bad_checksum` is counted. `first` is the number of its first event.

    Raises:
        DataError: it is no such file.
    """
    with _opened(path) as stream:
        left = read_header(path, stream)
        while left:
            wanted = min(left, CHUNK_EVENTS) * EVENT.itemsize
            found, fault = _read_up_to_fault(stream, wanted)
            count = len(found) // EVENT.itemsize
            if count:
                yield np.frombuffer(found[: count * EVENT.itemsize], EVENT)
            first, left = first + count, left - count
            fault = fault or len(found) < wanted
            if tally is not None and (fault or (not left and not stream.is_sound)):
                tally.add(CUT_OFF if fault else BAD_CHECKSUM, (first,), 1)
            if fault:
                return


class _Stream:
    """A stream of bytes whose checksum is looked at when all is read, not by the one that unpacks it: its error would take bytes along."""

    def __init__(self, stream: IO[bytes], checksum: int | None = None) -> None:
        self._stream, self._wanted, self._found = stream, checksum, 0

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes."""
        found = self._stream.read(size)
        self._found = zlib.crc32(found, self._found) if self._wanted is not None else 0
        return found

    @property
    def is_sound(self) -> bool:
        """Whether what was read has the checksum it should have, once all is read."""
        return self._wanted is None or self._found == self._wanted


def _read_up_to_fault(stream: _Stream, wanted: int) -> tuple[bytes, bool]:
    """So many bytes, fewer at the end or before a fault of the packing, and whether there was one."""
    found = bytearray()
    try:
        while len(found) < wanted and (piece := stream.read(min(wanted - len(found), PIECE_BYTES))):
            found += piece
    except (zipfile.BadZipFile, EOFError, zlib.error):
        return bytes(found), True
    return bytes(found), False


def count_events(path: Path) -> int:
    """How many events a file says it has.

    Raises:
        DataError: it is no file of events.
    """
    with _opened(path) as stream:
        return read_header(path, stream)


def read_header(path: Path, stream: Any) -> int:
    """Read the array's header and return its length.

    Raises:
        DataError: it is no one-dimensional array of events.
    """
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    except (ValueError, SyntaxError, TokenError) as error:
        raise DataError(f"{path}: expected an array of events, found: {error}") from error
    if len(shape) != 1 or dtype != EVENT:
        raise DataError(f"{path}: expected events with {', '.join(EVENT.names or ())}, found {dtype} of shape {shape}")
    return int(shape[0])


@contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    if not path.is_file():
        raise DataError(f"{path}: expected an npz of events, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        if path.suffix == ".npy":
            with path.open("rb") as stream:
                yield _Stream(stream)
            return
        with zipfile.ZipFile(path) as archive:
            if MEMBER not in archive.namelist():
                names = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
                raise DataError(f"{path}: expected the key data, found {names or 'nothing'}")
            info = archive.getinfo(MEMBER)
            checksum, info.CRC = info.CRC, None  # type: ignore[assignment]
            with archive.open(info) as member:
                yield _Stream(member, checksum)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise DataError(f"{path}: expected an npz of events, found: {error}") from error
