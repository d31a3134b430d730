"""Text files as streams of bytes, plain or gzip, that end where they stop making sense instead of failing.

What a recorder was writing when it was killed, or a download that broke off, is whole up to some line: that much is given, and the stream
says how it ended.
"""

from __future__ import annotations

import codecs
import zlib
from pathlib import Path
from typing import IO, Any

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31  # zlib's number for: the largest window, with gzip's header and checksum
CHUNK_BYTES = 1 << 16  # packed; zlib makes at most a thousand times as much of it
LONGEST_LINE_BYTES = 1 << 18  # what a longer line has beyond is left out: zeros of a disk that failed, not cells
CUT_OFF, BAD_CHECKSUM = "cut_off", "bad_checksum"
CHECKSUM_FAULTS = ("incorrect data check", "incorrect length check")


class TextInput:
    """A file, or a stream, as its text, UTF-8 whatever bytes it holds. `fault` is how it ended, once it has: None for well.

    A file is unpacked when it is gzip, whatever its name.

    After `cut_off` (the file ends amid its packed stream, or goes on with something else) the last line, which nobody knows the end of,
    is not given. After `bad_checksum` everything is, and some of it may be wrong.
    """

    def __init__(self, source: Path | IO[bytes]) -> None:
        self.fault: str | None = None
        self._is_packed = False
        if isinstance(source, Path):
            self._file: IO[bytes] = source.open("rb")
            self._is_packed = self._file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            self._file.seek(0)
        else:
            self._file = source
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unpacker = zlib.decompressobj(GZIP_WINDOW)
        self._text = bytearray()  # not given yet
        self._line_bytes = 0  # of the last line so far
        self._is_done = False

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """At most that many bytes, all that are left without a number; nothing at the end.

        Raises:
            OSError: the file cannot be read.
        """
        while not self._is_done and (size < 0 or self._ready() < size):
            packed = self._file.read(CHUNK_BYTES)
            if not packed:
                self._end(None if self._unpacker.eof or not self._is_packed else CUT_OFF)
            elif self._is_packed:
                self._unpack(packed)
            else:
                self._take(packed)
        count = self._ready() if size < 0 else min(size, self._ready())
        found = bytes(self._text[:count])
        del self._text[:count]
        return found

    def _ready(self) -> int:
        """How many bytes can be given: up to the last line's end, and behind it once the end is known to be whole."""
        return len(self._text) if self._is_done else self._text.rfind(b"\n") + 1

    def _take(self, text: bytes) -> None:
        """Append text without what its lines have beyond the longest, and with its broken characters replaced."""
        if not text.isascii() or self._decoder.getstate()[0]:
            text = self._decoder.decode(text).encode()
        start = 0
        while start < len(text):
            stop = min(start + LONGEST_LINE_BYTES - self._line_bytes, len(text))
            if stop == start:  # amid a line that is too long
                end = text.find(b"\n", start)
                if end < 0:
                    return
                start, stop = end, end + 1
            self._text += text[start:stop]
            last = text.rfind(b"\n", start, stop)
            self._line_bytes = stop - last - 1 if last >= 0 else self._line_bytes + stop - start
            start = stop

    def _unpack(self, packed: bytes) -> None:
        while packed and not self._is_done:
            if self._unpacker.eof:
                packed = packed.lstrip(b"\0")  # padding
                if not packed:
                    return
                if not GZIP_MAGIC.startswith(packed[: len(GZIP_MAGIC)]):
                    self._end(CUT_OFF, is_whole=True)
                    return
                self._unpacker = zlib.decompressobj(GZIP_WINDOW)
            packed = self._unpack_some(packed)

    def _unpack_some(self, packed: bytes) -> bytes:
        """Unpack bytes of one member; returns those behind it."""
        before = self._unpacker.copy()
        try:
            self._take(self._unpacker.decompress(packed))
        except zlib.error:
            self._unpack_up_to_fault(before, packed)
            return b""
        return self._unpacker.unused_data

    def _unpack_up_to_fault(self, unpacker: Any, packed: bytes) -> None:
        """Zlib gives nothing of a piece with a fault in it: byte by byte, all before the fault comes out."""
        try:
            for k in range(len(packed)):
                self._take(unpacker.decompress(packed[k : k + 1]))
        except zlib.error as error:
            self._end(BAD_CHECKSUM if any(text in str(error) for text in CHECKSUM_FAULTS) else CUT_OFF)

    def _end(self, fault: str | None, is_whole: bool = False) -> None:
        self._text += self._decoder.decode(b"", True).encode()  # what began a character and did not end it
        self._is_done, self.fault = True, fault
        if fault == CUT_OFF and not is_whole:
            del self._text[self._text.rfind(b"\n") + 1 :]
