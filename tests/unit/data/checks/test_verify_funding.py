"""Odd funding is counted under its kind with its place."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from slackwater.data.checks import verify
from slackwater.data.layout import FUNDING_SCHEMA
from tests.unit.data.odd_tapes import COUNT, DAY_NS, MS, START, OddTape, counts_of, write


def test_funding_that_comes_again_lies_outside_or_is_too_large_is_odd(tmp_path: Path) -> None:
    tape = write(tmp_path, OddTape(), OddTape(day=1))
    first, last = START, START + DAY_NS + (COUNT - 1) * 10_000 * MS
    times = {0: [first - 61_000 * MS, first, first, first + MS], 1: [last + 59_000 * MS, last + 61_000 * MS]}
    rates = {0: [0.0001, 0.0001, 0.0001, -0.06], 1: [0.05, float("nan")]}
    for day, (date, stamps) in enumerate(zip(("2023-11-15", "2023-11-16"), times.values(), strict=True)):
        table = pa.table([pa.array(stamps), pa.nulls(len(stamps), pa.int64()), pa.array(rates[day])], schema=FUNDING_SCHEMA)
        pq.write_table(table, tape / "v/S" / date / "funding.parquet")
    (found,) = verify.verify_tape(tape)["symbols"]
    assert counts_of(found) == {"repeated_funding": 1, "funding_outside": 2, "large_funding": 2, "other_day": 1}
    assert found["places"]["repeated_funding"] == ["2023-11-15/funding row 3"]
    assert found["places"]["funding_outside"] == ["2023-11-15/funding row 1", "2023-11-16/funding row 2"]
    assert found["places"]["large_funding"] == ["2023-11-15/funding row 4", "2023-11-16/funding row 2"]
