"""Rows of a file in the order of their ids, once each: one pass that looks, a second that gives them out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from threading import Event

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.archive.csv_file import ArchiveCsv, Rejects, WrongType
from slackwater.data.formats.column_plan import LINE
from slackwater.data.sorting import NEVER, in_order
from slackwater.data.steps import DecimalScale, too_large


@dataclass(slots=True)
class StepFinder:
    """The decimals that values need, and the largest step that all of them are whole multiples of."""

    scale: DecimalScale
    divisor: int = 0  # in units of the last decimal; 0 before the first value that is not 0

    def see(self, values: NDArray[np.float64]) -> None:
        """Take in values; those that are not finite or too large to count exactly are passed over."""
        usable = values[np.isfinite(values) & ~too_large(values, Fraction(1))]
        before = self.scale.decimals
        usable = self.scale.see(usable)
        whole = np.rint(usable * float(10**self.scale.decimals)).astype(np.int64)
        more = self.scale.decimals - before
        known = self.divisor * 10**more if more >= 0 else max(self.divisor // 10**-more, 1)
        self.divisor = math.gcd(known, int(np.gcd.reduce(whole)) if len(whole) else 0)

    @property
    def step(self) -> Decimal | None:
        """The largest step that fits every value; None without values."""
        return self.scale.step * self.divisor if self.divisor else None


@dataclass(slots=True)
class Survey:
    """What the first pass over a file saw."""

    rows: int = 0
    is_ordered: bool = True  # the keys grow from row to row, so nothing is to be sorted or repeated
    earliest: list[int] = field(default_factory=list)  # smallest key of each batch
    price: StepFinder = field(default_factory=lambda: StepFinder(DecimalScale("price")))
    size: StepFinder = field(default_factory=lambda: StepFinder(DecimalScale("size")))


def survey(file: ArchiveCsv, stop: Event | None = None) -> Survey:
    """Look through a file: how many rows, whether in order, in which steps; what was seen until then once `stop` is set.

    Raises:
        DataError: the zip is damaged, holds no CSV or other columns, or many values are finer than any venue quotes.
    """
    try:
        return _look(file, stop)
    except WrongType:
        return _look(file, stop)


def _look(file: ArchiveCsv, stop: Event | None) -> Survey:
    found = Survey()
    previous = -1
    for batch in file.batches(Rejects()):
        if stop is not None and stop.is_set():
            return found
        keys = batch.column("key").to_numpy()
        found.rows += len(keys)
        found.earliest.append(int(keys.min()) if len(keys) else NEVER)
        if len(keys):
            found.is_ordered &= bool(keys[0] > previous) and bool((keys[1:] > keys[:-1]).all())
            previous = int(keys[-1])
        for name in batch.schema.names:
            finder = found.price if name in ("bid", "ask", "price") else found.size if name in ("bid_qty", "ask_qty", "qty") else None
            if finder is not None:
                finder.see(batch.column(name).to_numpy())
    found.price.scale.check()
    found.size.scale.check()
    return found


def ordered(file: ArchiveCsv, seen: Survey, rejects: Rejects, folder: Path) -> Iterator[pa.RecordBatch]:
    """The rows by key, the first of each key; repeats are counted.

    Rows wait until no later batch can hold a smaller key, in a temporary folder within the given one when they are many, so memory does
    not grow with the file.
    """
    if seen.is_ordered:
        yield from file.batches(rejects)
        return
    last_key = -1
    for rows in in_order(file.batches(rejects), _keys, seen.earliest, folder):
        keys = _keys(rows)
        is_new = np.concatenate(([last_key], keys[:-1])) != keys
        repeated = np.flatnonzero(~is_new)
        if len(repeated):
            rejects.count("repeated_id", len(repeated), f"{file.path.name}: row {rows.column(LINE)[int(repeated[0])]}")
        last_key = int(keys[-1])
        yield from rows.filter(pa.array(is_new)).combine_chunks().to_batches()


def _keys(rows: pa.Table | pa.RecordBatch) -> NDArray[np.int64]:
    found: NDArray[np.int64] = rows.column("key").to_numpy()
    return found
