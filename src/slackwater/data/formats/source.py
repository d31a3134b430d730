"""Files given to an import: Parquet or CSV, streamed in batches, their columns checked before the first row is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.data.formats.column_plan import FLAGS, LINE, NUMBERS, TIMES, UNITS, ColumnPlan, is_text, nearest_floats
from slackwater.data.formats.csv_rows import CsvRows, guess
from slackwater.data.formats.loose_columns import LooseColumn, our_type, text_type, tightened, value_type
from slackwater.data.parquet import open_parquet
from slackwater.data.tally import Tally
from slackwater.errors import DataError

BATCH_ROWS = 1 << 18
NEEDED = {
    "quotes": ("ts_event", "bid", "bid_qty", "ask", "ask_qty"),
    "trades": ("ts_event", "price", "qty", "buyer_maker"),
    "funding": ("ts_event", "rate"),
}
OPTIONAL = {"quotes": ("ts_recv",), "trades": ("ts_recv", "trade_id"), "funding": ("ts_recv",)}
SYMBOL = "symbol"  # the column that a plan of one symbol looks at
OLDEST_NS = 100_000_000_000_000_000  # 1973; a smaller time was written in another unit
PLAIN = ColumnPlan()

Read = Callable[[Sequence[str], Tally], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Source:
    """One input that has been looked at: `kind` is `quotes`, `trades` or `funding`, `row_count` is None where only reading tells.

    `read` gives batches of the named columns of ours in file order, and counts what it must leave out.
    """

    path: Path
    kind: str
    columns: tuple[str, ...]
    row_count: int | None
    read: Read
    names: tuple[str, ...] = ()  # all columns of the file, by its own names; only of files whose columns can be mapped
    unit_ns: int = 1  # what its whole-number times count

    def batches(self, columns: Sequence[str] | None = None, tally: Tally | None = None) -> Iterator[pa.RecordBatch]:
        """Its rows in file order, with the named columns only, and `line` where the file has lines.

        Raises:
            DataError: the file is damaged.
        """
        try:
            yield from self.read(columns or self.columns, Tally() if tally is None else tally)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise DataError(f"{self.path}: expected readable {self.kind}, found: {_first_line(error)}") from error


def open_source(path: Path, kind: str, plan: ColumnPlan = PLAIN) -> Source:
    """Look at a file: that it is there, has the columns of its kind and has them as numbers.

    Raises:
        DataError: it is missing, unreadable, empty, or a column is missing, there twice or of a wrong type.
    """
    if not path.is_file():
        raise DataError(f"{path}: expected a file of {kind}, found {what_is_there(path)}")
    try:
        if _is_csv(path):
            wanted = {plan.names.get(name, name): _cell_types(name, plan) for name in NEEDED[kind] + OPTIONAL[kind]}
            schema = guess(path, wanted)
            row_count = None if len(schema) else 0
        else:
            with open_parquet(path) as file:
                schema, row_count = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a Parquet or .csv file of {kind}, found: {_first_line(error)}") from error
    if row_count == 0:
        raise DataError(f"{path}: expected {kind}, found a file without rows")
    columns = _columns(path, kind, schema, plan)
    loose = _check_types(path, columns, schema, plan)
    return Source(path, kind, columns, row_count, _reader(path, schema, plan, loose), tuple(schema.names), plan.unit_ns)


def _columns(path: Path, kind: str, schema: pa.Schema, plan: ColumnPlan) -> tuple[str, ...]:
    """The columns of ours that a file has."""
    theirs = {name: plan.file_name(name, schema.names) for name in NEEDED[kind] + OPTIONAL[kind]}
    needed = {name: theirs[name] for name in NEEDED[kind]} | ({SYMBOL: SYMBOL} if plan.symbol else {})
    missing = [plan.names.get(name, name) for name, found in needed.items() if found not in schema.names]
    if missing:
        word = "column" if len(missing) == 1 else "columns"
        raise DataError(f"{path}: expected {kind} with the {word} {', '.join(missing)}, found {', '.join(schema.names)}")
    used = [found for found in dict.fromkeys([*needed.values(), *theirs.values()]) if schema.names.count(found) > 1]
    if used:
        raise DataError(
            f"{path}: expected one column {used[0]}, found {schema.names.count(used[0])} of that name; rename or remove what is not meant"
        )
    return tuple(name for name, found in theirs.items() if found in schema.names)


def _check_types(path: Path, columns: Sequence[str], schema: pa.Schema, plan: ColumnPlan) -> dict[str, LooseColumn]:
    """The columns, by the file's names, whose cells need a look each.

    Raises:
        DataError: a column is of a type whose cells are none of ours, or holds text of which none is.
    """
    loose: dict[str, LooseColumn] = {}
    for name in columns:
        their = plan.file_name(name, schema.names)
        found = schema.field(their).type
        wanted = _wanted(name, found, plan)
        if wanted is None or (_is_csv(path) and name in TIMES and pa.types.is_float64(found)):  # the latter written as 1.7e18
            continue
        cells = value_type(found)
        ours = None if _is_csv(path) else cells if _wanted(name, cells, plan) is None else our_type(name, found, plan)
        if ours is not None and is_text(cells) and name not in NUMBERS:
            first = _first_cells(path, their)
            ours = text_type(first, ours)
            example = next((f" such as {str(cell)[:40]!r}" for cell in first.to_pylist() if cell is not None), "")
        else:
            example = ""
        if ours is None:
            hint = "; --map buyer_maker=COLUMN takes buy and sell" if name in FLAGS and is_text(cells) else ""
            if pa.types.is_float32(cells):
                hint = "32, which holds about 7 digits: give float64, decimals or text"
            raise DataError(f"{path}: expected {name} as {wanted}, found {found}{example}{hint}")
        loose[their] = LooseColumn(name, ours)
    return loose


def _first_cells(path: Path, name: str) -> pa.Array:
    with open_parquet(path) as file:
        return next(file.iter_batches(BATCH_ROWS, columns=[name], use_threads=False)).column(0)


def _reader(path: Path, schema: pa.Schema, plan: ColumnPlan, loose: Mapping[str, LooseColumn]) -> Read:
    """How to read a file: its columns that are needed, only the rows of the plan's symbol, converted."""
    has_numbers = bool(loose or plan.symbol)  # rows are left out before they are counted

    def read(columns: Sequence[str], tally: Tally) -> Iterator[pa.RecordBatch]:
        theirs = [plan.file_name(name, schema.names) for name in columns] + ([SYMBOL] if plan.symbol else [])
        wanted = {name: column for name, column in loose.items() if name in theirs}
        raw = _raw_csv(path, schema, (tuple(columns), theirs), tally) if _is_csv(path) else _raw_parquet(path, theirs, has_numbers, tally)
        for batch in raw:
            batch = tightened(batch, wanted, tally) if wanted else batch
            if plan.symbol:
                is_ours = pc.equal(batch.column(SYMBOL).cast(pa.string()), plan.symbol).fill_null(False)
                others = batch.num_rows - (pc.sum(is_ours).as_py() or 0)
                tally.add("other_symbol", (), others)
                batch = batch.filter(is_ours) if others else batch
            if batch.num_rows:
                yield plan.convert(batch, columns)

    return read


def _raw_parquet(path: Path, theirs: Sequence[str], has_numbers: bool, tally: Tally) -> Iterator[pa.RecordBatch]:
    names = list(dict.fromkeys(theirs))
    expected = 1
    with open_parquet(path) as file:
        for first, batch in _blocks(file, names, tally):
            has_numbers = has_numbers or first != expected  # something before could not be read
            expected = first + batch.num_rows
            numbers = np.arange(first, expected, dtype=np.int64)
            yield batch.append_column(LINE, pa.array(numbers)) if has_numbers else batch


def _blocks(file: pq.ParquetFile, names: list[str], tally: Tally) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches with the numbers of their first rows; of a row group that cannot be read the rest is counted and left out."""
    done = 0
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            yield done + 1, batch
            done += batch.num_rows
        return
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        pass  # which row group it was is found by reading them one by one
    start = 0
    for number in range(file.num_row_groups):
        rows = file.metadata.row_group(number).num_rows
        taken = min(max(done - start, 0), rows)  # given out before
        try:
            place = 0
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=names, use_threads=False) if taken < rows else ():
                fresh = batch.slice(max(taken - place, 0))
                place += batch.num_rows
                if fresh.num_rows:
                    yield start + taken + 1, fresh
                    taken += fresh.num_rows
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
            tally.add("unreadable", (start + taken + 1,), rows - taken)
        start += rows


def _raw_csv(path: Path, schema: pa.Schema, names: tuple[Sequence[str], Sequence[str]], tally: Tally) -> Iterator[pa.RecordBatch]:
    ours, theirs = names
    types = {name: schema.field(name).type for name in theirs}
    for name, found in zip(ours, theirs, strict=False):
        # The first block may hold whole numbers, or nothing, where a later one does not.
        if name not in TIMES + FLAGS + NUMBERS:
            types[found] = pa.float64()
        elif pa.types.is_null(types[found]):
            types[found] = pa.int64()
    return CsvRows(path, types, tally).batches()


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _cell_types(name: str, plan: ColumnPlan) -> tuple[pa.DataType, ...]:
    """What a text cell of a column of ours may be; nothing where any text will do."""
    if name in TIMES:
        return (pa.float64(), pa.timestamp("ns"), pa.int64()) if plan.unit_ns > 1 else (pa.int64(), pa.timestamp("ns"), pa.float64())
    if name in FLAGS:
        return () if plan.has_sides else (pa.bool_(),)
    # An identifier that is none is left out, its row stays.
    return (pa.string(), pa.int64()) if name in NUMBERS else (pa.float64(),)


def _wanted(name: str, found: pa.DataType, plan: ColumnPlan) -> str | None:
    """What a column of ours should be, in words, where it is of a type that needs more than a cast; None where it does not."""
    if name in ("ts_recv", "trade_id") and pa.types.is_null(found):
        return None
    if name in TIMES:
        is_fraction = pa.types.is_float64(found) and plan.unit_ns > 1
        fits, wanted = pa.types.is_int64(found) or pa.types.is_timestamp(found) or is_fraction, "int64 nanoseconds"
    elif name in FLAGS:
        fits, wanted = pa.types.is_boolean(found) or (plan.has_sides and pa.types.is_string(found)), "a boolean"
    elif name in NUMBERS:
        fits = (pa.types.is_integer(found) and not pa.types.is_uint64(found)) or pa.types.is_string(found)
        wanted = "an integer"
    else:
        fits = pa.types.is_float64(found) or pa.types.is_integer(found) or pa.types.is_decimal(found)
        fits, wanted = fits or (plan.one_sided and pa.types.is_null(found)), "a float64"
    return None if fits else wanted


def what_is_there(path: Path) -> str:
    """What stands where a file is expected, in words."""
    return "a folder" if path.is_dir() else "something that is not one (a pipe or a device)" if path.exists() else "nothing"


def place_word(path: Path) -> str:
    """What the numbers of places count in a file: rows, events or lines."""
    return {".parquet": "row", ".npz": "event", ".npy": "event"}.get(path.suffix.lower(), "line")


def places_of(batch: pa.RecordBatch, rows_before: int) -> NDArray[np.int64]:
    """Where the rows of a batch stand in their file: its lines, or rows from 1 where it has none."""
    if LINE in batch.schema.names:
        lines: NDArray[np.int64] = batch.column(LINE).to_numpy()
        return lines
    return np.arange(rows_before + 1, rows_before + 1 + batch.num_rows, dtype=np.int64)


def floats(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """A column of prices or sizes, each the float64 nearest to it; nulls are NaN."""
    found: NDArray[np.float64] = nearest_floats(batch.column(name)).to_numpy(zero_copy_only=False)
    return found


def check_unit(path: Path, name: str, column: pa.Array, unit_ns: int = 1) -> None:
    """Refuse times that were in another unit than the one, `unit_ns` long, that made them nanoseconds.

    Raises:
        DataError: the latest of them lies before 1973, as seconds to microseconds read as nanoseconds do.
    """
    latest = pc.max(column).as_py()
    if latest is None or latest >= OLDEST_NS:
        return
    units = [unit for unit, length_ns in UNITS.items() if OLDEST_NS <= latest // unit_ns * length_ns < 2**63]
    hint = f"they look like {units[0]}: give --time-unit {units[0]}" if units else "convert its unit"
    raise DataError(f"{path}: expected {name} in nanoseconds since 1970, found {latest}, which is before 1973; {hint}")
