"""From a file's columns to ours: their names, the unit of its times, a side as text, the rows of one symbol.

`Source` reads a file's columns by this plan; what comes out has our names and int64 nanoseconds, so nothing after it knows the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slackwater.errors import UsageError

TIMES = ("ts_event", "ts_recv")
FLAGS = ("buyer_maker",)
NUMBERS = ("trade_id",)
BOOK = ("bid", "bid_qty", "ask", "ask_qty")
LINE = "line"  # where a row stands in a text file; only sources that know it have the column
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
OURS = ("ts_event", "ts_recv", "bid", "bid_qty", "ask", "ask_qty", "price", "qty", "buyer_maker", "trade_id", "rate")
MOST_ID_DIGITS = 18  # fits an int64 whatever the digits


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How a file's columns become ours.

    `names` goes from ours to the file's; one that is not there keeps our name. `unit_ns` is the length of one unit of its whole-number
    times. With `has_sides` the column of `buyer_maker` may hold the aggressor as text, buy or sell. With `symbol` only the rows whose
    column `symbol` says so are used. With `one_sided` an empty price and size of a quote is a side without orders, not a fault.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    unit_ns: int = 1
    has_sides: bool = False
    symbol: str | None = None
    one_sided: bool = False

    def file_name(self, ours: str, present: Sequence[str]) -> str:
        """The file's name of a column of ours: the mapped one where the file has it, else our own."""
        mapped = self.names.get(ours, ours)
        return mapped if mapped in present else ours

    def convert(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        """Our columns of a batch of the file, and its lines where it has them."""
        present = batch.schema.names
        arrays = {ours: self._convert(ours, batch.column(self.file_name(ours, present))) for ours in columns}
        if self.one_sided:
            arrays |= {name: pc.fill_null(arrays[name], 0) for name in BOOK if name in arrays}
        if LINE in present:
            arrays[LINE] = batch.column(LINE)
        return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))

    def _convert(self, ours: str, column: pa.Array) -> pa.Array:
        if ours in TIMES:
            return nanoseconds(column, self.unit_ns)
        if ours in FLAGS and self.has_sides and is_text(column.type):
            return seller_aggressed(column)
        if ours in NUMBERS and is_text(column.type):
            return whole_numbers(column)
        return column


def parse_map(texts: Sequence[str]) -> dict[str, str]:
    """`ts_event=time,bid=bid_px` as a mapping from our columns to the file's.

    Raises:
        UsageError: a part is no pair, or its left side is no column of ours.
    """
    names: dict[str, str] = {}
    for part in (part.strip() for text in texts for part in text.split(",") if part.strip()):
        ours, equals, theirs = (piece.strip() for piece in part.partition("="))
        if not equals or not theirs or ours not in OURS:
            raise UsageError(f"--map: expected OURS=THEIRS with one of {', '.join(OURS)} on the left, found {part!r}")
        names[ours] = theirs
    return names


def is_text(found: pa.DataType) -> bool:
    """Whether a column holds text, perhaps as bytes or by dictionary."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(found) for test in tests)


def nanoseconds(column: pa.Array, unit_ns: int) -> pa.Array:
    """Times as int64 nanoseconds; nulls stay, and what int64 cannot hold becomes null.

    Typed timestamps say their unit themselves. Fractions of a unit are rounded to what a float64 holds, a quarter microsecond in seconds.
    """
    if pa.types.is_timestamp(column.type):
        unit_ns, column = UNITS[column.type.unit], column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        values = column.to_numpy(zero_copy_only=False) * float(unit_ns)
        fits = np.abs(values) < 2.0**63
        return pa.array(np.where(fits, np.rint(np.where(fits, values, 0.0)), 0).astype(np.int64), mask=~fits)
    whole = column.cast(pa.int64())
    if unit_ns == 1:
        return whole
    most = (2**63 - 1) // unit_ns
    fits = pc.and_(pc.less_equal(whole, most), pc.greater_equal(whole, -most))
    return pc.multiply(pc.if_else(fits, whole, pa.scalar(None, pa.int64())), unit_ns)


def nearest_floats(column: pa.Array) -> pa.Array:
    """Numbers as float64. Decimals go by their digits: Arrow multiplies them by a power of ten, which is off in the last place."""
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.string())
    return column if pa.types.is_float64(column.type) else column.cast(pa.float64(), safe=False)


def seller_aggressed(column: pa.Array) -> pa.Array:
    """Whether the buyer was the maker, from the aggressor's side as text; null where that is neither buy nor sell."""
    side = pc.utf8_lower(column.cast(pa.string()))
    return pc.if_else(pc.equal(side, "sell"), True, pc.if_else(pc.equal(side, "buy"), False, pa.scalar(None, pa.bool_())))


def whole_numbers(column: pa.Array) -> pa.Array:
    """Text of digits as int64; null where it is anything else, as identifiers of some venues are."""
    text = column.cast(pa.string())
    is_whole = pc.match_substring_regex(text, f"^[0-9]{{1,{MOST_ID_DIGITS}}}$")
    return pc.if_else(is_whole, text, pa.scalar(None, pa.string())).cast(pa.int64())
