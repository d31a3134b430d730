"""Memory stays flat: a tape eight times as long, far larger than what may be added, goes in and out in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from slackwater.data.formats import hftbacktest as hft
from slackwater.data.formats.exports import ExportRequest, export_tape
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.runtime.bench import measure
from tests.unit.data.tables import T0

SHORT, LONG = 400_000, 3_200_000  # rows; the long one's quotes alone are 128 MB as columns, its events twice 400 MB
CHUNK = 200_000
MOST_ADDED_MB = 64
MOST_MB = 600

WORK = {
    "parquet": """
import_tape(ImportRequest("v", "S", folder / "q.parquet", folder / "t.parquet", folder / "tape"))""",
    "csv": """
import_tape(ImportRequest("v", "S", folder / "q.csv", folder / "t.parquet", folder / "tape"))""",
    "export": """
export_tape(ExportRequest(folder / "made", "S", "hftbacktest", folder / "out"))""",
    "events": """
request = FormatRequest("hftbacktest", ImportRequest("v", "", Path(), Path(), folder / "tape"), ("S",), inputs=(folder / "out/S.npz",))
base, sources = open_format(request)
import_tape(base, sources=sources)""",
}
PROGRAM = """
import sys
from pathlib import Path
from slackwater.data.formats.exports import ExportRequest, export_tape
from slackwater.data.formats.imports import FormatRequest, open_format
from slackwater.data.formats.importer import ImportRequest, import_tape
folder = Path(sys.argv[1])
{work}
"""


def write_inputs(folder: Path, rows: int, as_csv: bool) -> None:
    """A walk of quotes every 50 ms, in chunks, and one trade."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    schema = pa.schema([("ts_event", pa.int64())] + [(name, pa.float64()) for name in ("bid", "bid_qty", "ask", "ask_qty")])
    path = folder / ("q.csv" if as_csv else "q.parquet")
    with pacsv.CSVWriter(path, schema) if as_csv else pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, CHUNK):
            bid = (100_000 + np.cumsum(draw.integers(-1, 2, CHUNK))) / 10
            sizes = draw.integers(1, 10_000, (2, CHUNK)) / 1000
            times = T0 + np.arange(start, start + CHUNK) * 50_000_000
            writer.write_table(pa.table([times, bid, sizes[0], np.round(bid + 0.1, 1), sizes[1]], schema=schema))
    pq.write_table(pa.table({"ts_event": [T0], "price": [100.0], "qty": [1.0], "buyer_maker": [True]}), folder / "t.parquet")


def peak_mb(folder: Path, work: str) -> float:
    """The most anonymous memory; what a process counts as its own peak begins with that of the one that started it."""
    peak = measure([sys.executable, "-c", PROGRAM.format(work=WORK[work]), str(folder)]).peak_anon_mb
    assert peak is not None
    return peak


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is told by Linux only")
@pytest.mark.parametrize("work", WORK)
def test_memory_does_not_grow_with_the_tape(tmp_path: Path, work: str) -> None:
    peaks = []
    for rows in (SHORT, LONG):
        folder = tmp_path / str(rows)
        write_inputs(folder, rows, as_csv=work == "csv")
        if work in ("export", "events"):
            import_tape(ImportRequest("v", "S", folder / "q.parquet", folder / "t.parquet", folder / "made"))
        if work == "events":
            done = export_tape(ExportRequest(folder / "made", "S", "hftbacktest", folder / "out"))
            assert done["events"] * hft.EVENT.itemsize > rows * 128
        peaks.append(peak_mb(folder, work))
    said = f"{peaks[0]:.0f} MB for {SHORT} rows, {peaks[1]:.0f} MB for {LONG}"
    print(said)
    assert peaks[1] - peaks[0] < MOST_ADDED_MB, said
    assert peaks[1] < MOST_MB, said
