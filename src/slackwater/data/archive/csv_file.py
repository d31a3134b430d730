"""Reading an archive's zip: the CSV inside streamed as batches with the names imports use, and every line that is no row counted."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from slackwater.data.archive.files import COLUMNS, TAKEN
from slackwater.data.formats.column_plan import LINE
from slackwater.data.formats.text_input import TextInput
from slackwater.errors import DataError

BLOCK_BYTES = 1 << 21  # the reader keeps some 32 of them ahead
PLACES_KEPT = 5  # of each kind of bad line
FLAGS = ("buyer_maker",)
TIMES = ("ts_event",)
NUMBER_PATTERN = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
WHOLE_PATTERN = r"^\s*\d{1,18}\s*$"
FLAG_PATTERN = r"^\s*(true|True|TRUE|1|false|False|FALSE|0)\s*$"
TRUE, FALSE = ["true", "True", "TRUE", "1"], ["false", "False", "FALSE", "0"]
MILLI_FROM, MICRO_FROM, NANO_FROM = 10**11, 10**14, 10**17  # a number's size tells its unit, for any time from 1973 to 5138
# What reading a zip raises where it is damaged: a method or a lock that nobody asked for is a flipped bit.
ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


@dataclass(slots=True)
class Rejects:
    """Lines and rows left out, by kind, with the places of the first few."""

    dropped: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def count(self, kind: str, count: int, place: str) -> None:
        """Count rows of a kind; the place is that of the first of them."""
        if count:
            self.dropped[kind] += count
            self.keep_place(kind, place)

    def keep_place(self, kind: str, place: str) -> None:
        """Remember where a kind was met, the first few times."""
        kept = self.places.setdefault(kind, [])
        if len(kept) < PLACES_KEPT:
            kept.append(place)


class WrongType(Exception):
    """A value is of another type than its column."""


@dataclass(slots=True)
class ArchiveCsv:
    """The CSV in a zip of the archive. `is_typed` is whether its values can be parsed as they come, without looking at each as text."""

    path: Path
    kind: str
    is_typed: bool = True

    def batches(self, rejects: Rejects) -> Iterator[pa.RecordBatch]:
        """Rows in file order: `key`, what is taken of the kind and `line`, the row's number in the file from 1, lines of another shape and
        the header not counted; times in nanoseconds. Bad lines go to `rejects`.

        Every call gives the same rows, once the file was read to its end.

        Raises:
            WrongType: a value is of another type than its column; the next call reads the file as text and drops such rows.
            DataError: the zip is damaged, holds no CSV, or its columns are others.
        """
        rows_seen = 0
        try:
            with zipfile.ZipFile(self.path) as archive:
                for batch in self._parse(archive, rejects):
                    yield self._clean(batch, rows_seen, rejects)
                    rows_seen += batch.num_rows
        except (*ZIP_FAULTS, pa.ArrowInvalid) as error:
            if self.is_typed and isinstance(error, pa.ArrowInvalid):
                self.is_typed = False
                raise WrongType(str(error)) from error
            raise DataError(f"{self.path}: expected a zip of {self.kind}, found: {str(error).partition(chr(10))[0]}") from error

    def _parse(self, archive: zipfile.ZipFile, rejects: Rejects) -> Iterator[pa.RecordBatch]:
        members = [name for name in archive.namelist() if name.endswith(".csv")]
        if not members:
            raise DataError(f"{self.path}: expected a .csv inside, found {', '.join(archive.namelist()) or 'nothing'}")
        with archive.open(members[0]) as file:
            first = file.readline().decode("utf-8", "replace")
        if not first.strip():
            return
        names, has_header = self._names(first)

        def refuse(row: pacsv.InvalidRow) -> str:
            rejects.count("malformed_line", 1, f"{self.path.name}:{row.number or '?'}")
            return "skip"

        read = pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False, column_names=names, skip_rows=int(has_header))
        parse = pacsv.ParseOptions(invalid_row_handler=refuse, quote_char=False)
        taken = TAKEN[self.kind]
        types = {column: self._type(name) for column, name in taken.items()}
        convert = pacsv.ConvertOptions(column_types=types, include_columns=list(taken), true_values=TRUE, false_values=FALSE)
        with archive.open(members[0]) as file:
            try:
                yield from pacsv.open_csv(pa.PythonFile(TextInput(file), "r"), read, parse, convert)
            except pa.ArrowInvalid as error:
                if "Empty CSV" not in str(error):
                    raise

    def _names(self, first: str) -> tuple[list[str], bool]:
        """The columns' names, and whether the first line is a header: it is one when its first field is no number."""
        fields = [name.strip().strip('"').lstrip("\ufeff").lower() for name in first.strip().split(",")]
        usual = COLUMNS[self.kind]
        if fields[0].isdigit():
            if len(fields) < len(usual):
                raise DataError(f"{self.path}: expected the columns {', '.join(usual)}, found {len(fields)} without a header")
            return [*usual, *(f"extra_{k}" for k in range(len(fields) - len(usual)))], False
        missing = [name for name in TAKEN[self.kind] if name not in fields]
        if missing:
            raise DataError(f"{self.path}: expected the columns {', '.join(missing)} too, found {', '.join(fields)}")
        return fields, True

    def _type(self, name: str) -> pa.DataType:
        if not self.is_typed:
            return pa.binary()  # not text: a line may hold any bytes
        return pa.int64() if name in ("key", *TIMES) else pa.bool_() if name in FLAGS else pa.float64()

    def _clean(self, batch: pa.RecordBatch, rows_before: int, rejects: Rejects) -> pa.RecordBatch:
        names = list(TAKEN[self.kind].values())
        columns = (
            list(batch.columns) if self.is_typed else [_typed(name, column) for name, column in zip(names, batch.columns, strict=True)]
        )
        good = np.ones(batch.num_rows, np.bool_)
        numbers = pa.array(np.arange(rows_before + 1, rows_before + 1 + batch.num_rows, dtype=np.int64))
        for column in columns:
            if column.null_count:
                good &= column.is_valid().to_numpy(zero_copy_only=False)
        if not good.all():
            first = rows_before + int(np.flatnonzero(~good)[0]) + 1
            rejects.count("malformed_value", int(np.count_nonzero(~good)), f"{self.path.name}: row {first}")
            columns, numbers = [column.filter(pa.array(good)) for column in columns], numbers.filter(pa.array(good))
        is_time = [name in TIMES or (name == "key" and self.kind in ("klines", "fundingRate")) for name in names]
        arrays = [pa.array(to_ns(column.to_numpy())) if timed else column for column, timed in zip(columns, is_time, strict=True)]
        return pa.RecordBatch.from_arrays([*arrays, numbers], names=[*names, LINE])


def _typed(name: str, column: pa.Array) -> pa.Array:
    """Bytes as the column's type, null where they are none."""
    kind, pattern = (
        (pa.bool_(), FLAG_PATTERN)
        if name in FLAGS
        else (pa.int64(), WHOLE_PATTERN)
        if name in ("key", *TIMES)
        else (pa.float64(), NUMBER_PATTERN)
    )
    fits = pc.match_substring_regex(column, pattern)
    return pc.utf8_trim_whitespace(pc.if_else(fits, column, pa.scalar(None, pa.binary())).cast(pa.string())).cast(kind)


def to_ns(stamps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times in nanoseconds, from milli-, micro- or nanoseconds, each by its size; one that is no time of this age becomes 0."""
    if len(stamps) and MILLI_FROM <= stamps.min() and stamps.max() < MICRO_FROM:
        return stamps * 1_000_000
    found = np.zeros(len(stamps), np.int64)
    for start, end, scale in ((MILLI_FROM, MICRO_FROM, 1_000_000), (MICRO_FROM, NANO_FROM, 1_000), (NANO_FROM, 2**63 - 1, 1)):
        fits = (stamps >= start) & (stamps < end)
        found[fits] = stamps[fits] * scale
    return found
