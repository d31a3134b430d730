"""Columns of a Parquet file that are of another type than ours but whose cells can be: text, decimals, dictionaries, other widths.

Each cell is turned into our type; a cell that cannot be costs its row, which is counted as `wrong_type` with its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.data.formats.column_plan import FLAGS, LINE, NUMBERS, TIMES, ColumnPlan, is_text, nearest_floats
from slackwater.data.formats.csv_rows import EMPTY, PATTERNS, cast_cells
from slackwater.data.tally import Tally

BY_TEXT = {"int64": (pa.int64(), pa.timestamp("ns")), "bool": (pa.bool_(),), "double": (pa.float64(),), "string": (pa.string(),)}


@dataclass(frozen=True, slots=True)
class LooseColumn:
    """A column of ours that needs a look at every cell, and what the cells become."""

    ours: str
    wanted: pa.DataType


def value_type(found: pa.DataType) -> pa.DataType:
    """The type of a column's cells, also where they stand in a dictionary."""
    return found.value_type if pa.types.is_dictionary(found) else found


def our_type(name: str, found: pa.DataType, plan: ColumnPlan) -> pa.DataType | None:
    """What cells of a column of ours are turned into; None where they cannot be.

    A float32 holds seven digits: a price or a time that went through one is no longer what it was, and is not taken.
    """
    cells = value_type(found)
    is_wide = pa.types.is_float64(cells) or pa.types.is_decimal(cells)
    if name in FLAGS:
        fits, wanted = is_text(cells) or pa.types.is_integer(cells) or is_wide or pa.types.is_boolean(cells), pa.bool_()
        wanted = pa.string() if plan.has_sides and is_text(cells) else wanted
    elif name in TIMES + NUMBERS:
        fits, wanted = is_text(cells) or pa.types.is_integer(cells) or is_wide, pa.int64()
        wanted = pa.float64() if name in TIMES and pa.types.is_decimal(cells) and plan.unit_ns > 1 else wanted
    else:
        fits, wanted = is_text(cells) or pa.types.is_integer(cells) or is_wide, pa.float64()
    return wanted if fits else None


def text_type(column: pa.Array, wanted: pa.DataType) -> pa.DataType | None:
    """What the cells of a column of text look like, of the types that may stand for the wanted one; None when none of them does."""
    cells = _known(_as_bytes(column))
    if cells.null_count == len(cells):
        return wanted
    looks = [kind for kind in BY_TEXT[str(wanted)] if pc.any(pc.match_substring_regex(cells, PATTERNS[kind])).as_py()]
    return looks[0] if looks else None


def tightened(batch: pa.RecordBatch, loose: Mapping[str, LooseColumn], tally: Tally) -> pa.RecordBatch:
    """The batch with its loose columns (by the file's names) in our types, without the rows that have a cell that cannot be."""
    arrays, good = dict(zip(batch.schema.names, batch.columns, strict=True)), np.ones(batch.num_rows, np.bool_)
    for name, column in loose.items():
        cells = _known(batch.column(name))
        arrays[name] = _converted(cells, column.wanted)
        if column.ours not in NUMBERS:  # identifiers of some venues are no numbers: left out, the row stays
            good &= (arrays[name].is_valid().to_numpy(zero_copy_only=False)) | cells.is_null().to_numpy(zero_copy_only=False)
    found = pa.RecordBatch.from_pydict(arrays)
    if good.all():
        return found
    bad = np.flatnonzero(~good)
    tally.add("wrong_type", found.column(LINE).to_numpy()[bad], len(bad))
    return found.filter(pa.array(good))


def _known(column: pa.Array) -> pa.Array:
    """The cells as values of their own; what says that nothing is known is null."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_text(column.type):
        cells = _as_bytes(column)
        return pc.if_else(pc.is_in(cells, pa.array([text.encode() for text in EMPTY])), pa.scalar(None, pa.binary()), cells)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def _as_bytes(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.binary())  # not text: it may hold any bytes


def _converted(cells: pa.Array, wanted: pa.DataType) -> pa.Array:
    """The cells as the wanted type, null where they are none of it."""
    if is_text(cells.type):
        fits = pc.match_substring_regex(cells, PATTERNS[wanted])
        return cast_cells(pc.if_else(fits, cells, pa.scalar(None, pa.binary())), wanted)
    if pa.types.is_decimal(cells.type):
        if pa.types.is_floating(wanted):
            return nearest_floats(cells)
        return _whole_of(cells.cast(pa.string()), wanted)
    if pa.types.is_floating(wanted) or cells.type == wanted:
        return cells.cast(wanted, safe=False)
    if pa.types.is_boolean(wanted):
        return pc.if_else(pc.is_in(cells, pa.array([0, 1], cells.type)), cells, pa.scalar(None, cells.type)).cast(wanted)
    values: NDArray[np.float64] = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    fits = pa.array(np.isfinite(values) & (np.abs(values) < 2.0**63) & (np.rint(values) == values))
    return pc.if_else(fits, cells, pa.scalar(None, cells.type)).cast(wanted, safe=False)


def _whole_of(texts: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Decimals as text, without a fraction of zeros, as whole numbers or flags."""
    whole = pc.replace_substring_regex(texts, r"\.0*$", "").cast(pa.binary())
    return _converted(whole, wanted)
