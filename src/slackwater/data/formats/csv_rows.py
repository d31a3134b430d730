"""CSV files as batches with line numbers: read typed while they are clean, and cell by cell from the first cell that is not.

A line with too few or too many cells, and a cell that is no value of its column, cost their line and are counted; nothing else is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from slackwater.data.formats.column_plan import LINE
from slackwater.data.formats.text_input import TextInput
from slackwater.data.tally import Tally

BLOCK_BYTES = 1 << 20  # the reader keeps some 32 of them ahead
HEADER_LINES = 1
EMPTY = ("", "nan", "NaN", "NULL", "null", "N/A", "NA")  # a null of any type
DAY_PATTERN = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
CLOCK_PATTERN = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
# What a cell of each type looks like.
PATTERNS = {
    pa.int64(): r"^\s*([-+]?[0-9]{1,18}|[1-8][0-9]{18})\s*$",
    pa.float64(): r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*$",
    pa.bool_(): r"^\s*(?i:true|false|0|1)\s*$",
    pa.timestamp("ns"): rf"^\s*{DAY_PATTERN}([T ]{CLOCK_PATTERN})?Z?\s*$",
    pa.string(): r"^[\x20-\x7e]*$",
}


@dataclass(slots=True)
class CsvRows:
    """One pass over a CSV file. `types` are the columns wanted, by the file's names, and what their cells are."""

    path: Path
    types: Mapping[str, pa.DataType]
    tally: Tally
    _last_line: int = HEADER_LINES  # of the rows given out
    _last_broken: int = 0  # of the broken lines counted: a second reading meets them again
    _broken: list[int] = field(default_factory=list)  # lines the reader left out and no batch has passed yet

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Its usable rows, with the column `line`: from 1, the header's; blank lines are not numbered.

        A packed file that ends early gives the lines before that, and the next line's number is counted as `cut_off`.

        Raises:
            pa.ArrowInvalid: the file cannot be split into cells at all.
            OSError: it cannot be read.
        """
        with closing(TextInput(self.path)) as text:
            try:
                yield from self._numbered(open_reader(text, self.types, self._leave_out))
                self._tell_end(text)
                return
            except pa.ArrowInvalid:
                # Some cell does not fit its column: what is left is read as bytes and every cell looked at.
                self._broken = []
        as_bytes = dict.fromkeys(self.types, pa.binary())
        with closing(TextInput(self.path)) as text:
            for batch in self._numbered(open_reader(text, as_bytes, self._leave_out)):
                yield checked(batch, self.types, self.tally)
            self._tell_end(text)

    def _tell_end(self, text: TextInput) -> None:
        if text.fault is not None:
            self.tally.add(text.fault, (max(self._last_line, self._last_broken) + 1,), 1)

    def _leave_out(self, row: pacsv.InvalidRow) -> str:
        self._broken.append(row.number)
        if row.number > self._last_broken:
            self.tally.add("malformed_line", (row.number,), 1)
            self._last_broken = row.number
        return "skip"

    def _numbered(self, reader: pacsv.CSVStreamingReader) -> Iterator[pa.RecordBatch]:
        first = HEADER_LINES + 1
        for batch in reader:
            lines = np.arange(first, first + batch.num_rows + len(self._broken), dtype=np.int64)
            if self._broken:
                lines = np.setdiff1d(lines, np.array(self._broken), assume_unique=True)
            lines = lines[: batch.num_rows]
            first = int(lines[-1]) + 1 if len(lines) else first
            self._broken = [line for line in self._broken if line >= first]
            fresh = int(np.searchsorted(lines, self._last_line, side="right"))
            if fresh < len(lines):
                self._last_line = int(lines[-1])
                yield batch.slice(fresh).append_column(LINE, pa.array(lines[fresh:]))


def open_reader(
    text: TextInput, types: Mapping[str, pa.DataType] | None = None, leave_out: Callable[[pacsv.InvalidRow], str] | None = None
) -> pacsv.CSVStreamingReader:
    """A reader of CSV, of the columns of `types` or of all, whose types are then guessed from the first block.

    Raises:
        pa.ArrowInvalid: the first block does not fit the types, or there is none.
    """
    return pacsv.open_csv(
        pa.PythonFile(text, "r"),
        read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=pacsv.ParseOptions(invalid_row_handler=leave_out or (lambda row: "skip")),
        convert_options=pacsv.ConvertOptions(
            column_types=types, include_columns=list(types) if types else None, strings_can_be_null=True, null_values=list(EMPTY)
        ),
    )


def guess(path: Path, wanted: Mapping[str, tuple[pa.DataType, ...]]) -> pa.Schema:
    """The columns of a CSV file with their types: as the first block looks, or as `wanted` says where cells only spoil the look.

    Nothing of a file without a row.

    A column that looks like something else but has a cell in the first block that is of a type wanted of it, keys of `PATTERNS`, is of
    the first such type, with bad cells; without one it is what it looks like.
    """
    with closing(TextInput(path)) as text:
        schema = open_reader(text).schema
    doubtful = [field.name for field in schema if _is_doubtful(field.type, wanted.get(field.name, ()))]
    better: dict[str, pa.DataType] = {}
    if doubtful:
        with closing(TextInput(path)) as text:
            batch = next(iter(open_reader(text, dict.fromkeys(doubtful, pa.binary()))), None)
        if batch is None:
            return pa.schema([])
        for name in doubtful:
            fitting = [kind for kind in wanted[name] if pc.any(pc.match_substring_regex(batch.column(name), PATTERNS[kind])).as_py()]
            better |= {name: fitting[0]} if fitting else {}
    return pa.schema([(field.name, better.get(field.name, field.type)) for field in schema])


def _is_doubtful(found: pa.DataType, wanted: tuple[pa.DataType, ...]) -> bool:
    """Whether a column may look like what it does for some bad cells; whole numbers with one fraction among them look like fractions."""
    return bool(wanted) and (_plain(found) not in wanted or (pa.types.is_floating(found) and not pa.types.is_floating(wanted[0])))


def checked(batch: pa.RecordBatch, types: Mapping[str, pa.DataType], tally: Tally) -> pa.RecordBatch:
    """Cells as bytes turned into their types; lines with a cell that is none of its type are counted and left out."""
    fits: NDArray[np.bool_] = np.ones(batch.num_rows, np.bool_)
    for name, wanted in types.items():
        fits &= pc.match_substring_regex(batch.column(name), PATTERNS[_plain(wanted)]).fill_null(True).to_numpy(zero_copy_only=False)
    if not fits.all():
        lines = batch.column(LINE).to_numpy()[~fits]
        tally.add("wrong_type", lines, len(lines))
        batch = batch.filter(pa.array(fits))
    arrays = [cast_cells(batch.column(name), _plain(wanted)) for name, wanted in types.items()]
    return pa.RecordBatch.from_arrays([*arrays, batch.column(LINE)], names=[*types, LINE])


def _plain(wanted: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(wanted):
        return pa.timestamp("ns")
    return pa.int64() if pa.types.is_integer(wanted) else wanted


def cast_cells(cells: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Cells as bytes, of the wanted type's pattern or null, as values of that type."""
    text = pc.ascii_trim_whitespace(cells.cast(pa.string()))
    if pa.types.is_timestamp(wanted):
        text = pc.replace_substring(text, "Z", "")
    return text.cast(wanted)
