"""Rows by id in two passes equal a sort of the whole file, however they lie, and the steps found are those they were made of."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from slackwater.data import sorting
from slackwater.data.archive import csv_file as archive_csv
from slackwater.data.archive.csv_file import ArchiveCsv, Rejects
from slackwater.data.archive.ordering import StepFinder, ordered, survey
from slackwater.data.steps import DecimalScale
from tests.unit.data.archive.archive_server import HEADERS, START_MS, zipped


def rows_of(file: ArchiveCsv, rejects: Rejects) -> pa.Table:
    return pa.Table.from_batches(list(ordered(file, survey(file), rejects, file.path.parent)))


@pytest.mark.parametrize("spread", [0, 3, 40, 10_000])
@pytest.mark.parametrize("has_bad_value", [False, True])
@pytest.mark.parametrize("window", [10, 100, 1000])
def test_order_and_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spread: int, has_bad_value: bool, window: int) -> None:
    monkeypatch.setattr(archive_csv, "BLOCK_BYTES", 700)
    monkeypatch.setattr(sorting, "WINDOW_ROWS", window)
    monkeypatch.setattr(sorting, "GATHERED_ROWS", 20)
    monkeypatch.setattr(sorting, "RUN_BATCH_ROWS", 7)
    draw = np.random.default_rng(spread)
    ids = 1000 + 2 * np.sort(draw.integers(0, 400, 500)) if spread else 1000 + np.arange(500)
    ids = ids[np.argsort(np.arange(500) + draw.integers(0, spread + 1, 500), kind="stable")]
    lines = [f"{key},{100 + k}.5,0.002,1,2,{START_MS + k},true" for k, key in enumerate(ids)]
    bad = ["7,abc,1,1,1,1,true"] if has_bad_value else []
    path = tmp_path / "x.zip"
    path.write_bytes(zipped("x.zip", [HEADERS["aggTrades"], *lines[:250], *bad, *lines[250:]]))
    rejects = Rejects()
    found = rows_of(ArchiveCsv(path, "aggTrades"), rejects)
    unique, first = np.unique(ids, return_index=True)
    assert found.column("key").to_pylist() == unique.tolist()
    assert found.column("price").to_pylist() == (100.5 + first).tolist(), "of equal ids the first in the file stays"
    assert rejects.dropped["repeated_id"] == 500 - len(unique)
    assert rejects.dropped["malformed_value"] == len(bad)


@pytest.mark.parametrize("text", ["", HEADERS["aggTrades"]])
def test_a_file_without_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped("x.zip", [text] if text else []))
    assert survey(ArchiveCsv(path, "aggTrades")).rows == 0


@pytest.mark.parametrize(
    ("parts", "step"),
    [([[70000.5, 70001.0], [70003.5]], "0.5"), ([[10.0, 30.0], [0.25]], "0.25"), ([[0.0000123, 0.0000246]], "0.0000123"), ([[]], None)],
)
def test_the_largest_step_that_fits(parts: list[list[float]], step: str | None) -> None:
    finder = StepFinder(DecimalScale("price"))
    for values in parts:
        finder.see(np.array(values, np.float64))
    assert finder.step == (None if step is None else Decimal(step))
