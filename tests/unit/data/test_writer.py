"""Sorting a day's file in batches, and what its manifest says."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.data import sorting, writer
from slackwater.data.layout import QUOTE_SCHEMA, TRADE_SCHEMA, sha256_of
from slackwater.data.parquet import ENCODING, open_writer
from slackwater.data.writer import describe_day, sort_file

T0 = 1_700_000_000_000_000_000


def write(path: Path, times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    columns = {name: pa.array(np.arange(len(times))) for name in QUOTE_SCHEMA.names} | {
        "ts_event": pa.array(times),
        "ts_recv": pa.nulls(len(times), pa.int64()),
    }
    table = pa.table(columns, QUOTE_SCHEMA)
    with open_writer(path, QUOTE_SCHEMA) as out:
        out.write_table(table)
    return table


ORDERS = {
    "straight": np.arange(200) // 3,
    "a little out": np.arange(200) // 3 + np.random.default_rng(1).integers(0, 4, 200),
    "more": np.arange(200) // 3 + np.random.default_rng(2).integers(0, 50, 200),
    "shuffled": np.random.default_rng(3).integers(0, 10_000, 200),
    "backwards": np.arange(200)[::-1] // 3,
    "few times": np.random.default_rng(4).integers(0, 3, 200),
    "one late": np.concatenate((np.arange(199), [0])),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("window", [10, 64, 1000])
def test_sorting_in_batches_is_a_stable_sort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, window: int) -> None:
    monkeypatch.setattr(writer, "BATCH_ROWS", 16)
    monkeypatch.setattr(sorting, "WINDOW_ROWS", window)
    monkeypatch.setattr(sorting, "GATHERED_ROWS", 20)
    monkeypatch.setattr(sorting, "RUN_BATCH_ROWS", 5)
    times = T0 + ORDERS[order]
    table = write(tmp_path / "quotes.parquet", times)
    sort_file(tmp_path / "quotes.parquet")
    expected = table.take(pa.array(np.argsort(times, kind="stable")))
    assert pq.read_table(tmp_path / "quotes.parquet").equals(expected)
    assert [path.name for path in tmp_path.iterdir()] == ["quotes.parquet"]


def test_a_gap_between_two_batches_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BATCH_ROWS", 4)
    times = T0 + np.array([0, 1, 2, 3, 70, 71, 140]) * 1_000_000_000
    write(tmp_path / "quotes.parquet", times)
    found = describe_day(tmp_path)
    assert [(gap["from_ns"] - T0, gap["seconds"]) for gap in found["gaps"]] == [(3_000_000_000, 67.0), (71_000_000_000, 69.0)]
    assert (found["first_ns"], found["last_ns"]) == (T0, T0 + 140_000_000_000)
    assert found["files"]["quotes.parquet"]["sha256"] == sha256_of(tmp_path / "quotes.parquet")


def test_other_readers_read_the_encodings(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    for name, schema in (("quotes", QUOTE_SCHEMA), ("trades", TRADE_SCHEMA)):
        columns = {
            column.name: pa.array(draw.random(5000) < 0.5)
            if pa.types.is_boolean(column.type)
            else pa.array(draw.integers(-(2**62), 2**62, 5000))
            for column in schema
        }
        with open_writer(tmp_path / f"{name}.parquet", schema) as out:
            out.write_table(pa.table(columns, schema))
        found = duckdb.sql(f"select * from '{tmp_path / name}.parquet'").to_arrow_table()
        assert found.to_pydict() == pa.table(columns, schema).to_pydict()
        footer = pq.read_metadata(tmp_path / f"{name}.parquet").row_group(0)
        used = {footer.column(k).path_in_schema: footer.column(k).encodings for k in range(footer.num_columns)}
        assert all(way in used[column] for column, way in ENCODING.items() if column in used)
