"""Recorded delays: both file kinds, and every table that is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.errors import DataError
from slackwater.runtime.latencies import load_latencies
from slackwater.schema.units import MS


def csv(folder: Path, text: str) -> Path:
    path = folder / "delays.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_both_columns_are_sorted_by_themselves(tmp_path: Path) -> None:
    path = tmp_path / "delays.parquet"
    pq.write_table(pa.table({"entry_ms": [3.5, 1.0, 2.0], "note": ["a", "b", "c"], "response_ms": [7, 9, 8]}), path)
    for found in (load_latencies(path), load_latencies(csv(tmp_path, "entry_ms,response_ms\n3.5,7\n1,9\n2,8\n"))):
        assert found["entry_ns"].tolist() == [1 * MS, 2 * MS, 3_500_000]
        assert found["response_ns"].tolist() == [7 * MS, 8 * MS, 9 * MS]


REFUSED = [
    ("", "expected a Parquet or CSV table"),
    ("entry_ms,response_ms\n", "expected measured delays, found a table without rows"),
    ("entry_ms,other\n1,2\n", "expected columns entry_ms and response_ms, found no response_ms"),
    ("entry_ms,response_ms\n1,2\n-1,2\n", "entry_ms: expected 0..60000 ms in every row, found -1 in row 2"),
    ("entry_ms,response_ms\n1,nan\n", "response_ms: expected 0..60000 ms in every row, found nan in row 1"),
    ("entry_ms,response_ms\n1,2\n,3\n", "entry_ms: expected 0..60000 ms in every row, found nan in row 2"),
    ("entry_ms,response_ms\n1,2\n60001,3\n", "entry_ms: expected 0..60000 ms in every row, found 60001 in row 2"),
    ("entry_ms,response_ms\nsoon,2\n", "entry_ms: expected milliseconds, found string"),
]


@pytest.mark.parametrize(("text", "part"), REFUSED)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, part: str) -> None:
    path = csv(tmp_path, text)
    with pytest.raises(DataError) as caught:
        load_latencies(path)
    assert str(caught.value).startswith(str(path))
    assert part in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.csv", "none.parquet"):
        with pytest.raises(DataError, match="expected a table of measured delays, found no such file"):
            load_latencies(tmp_path / name)
