"""The files of a run are written in row groups of one size: what a writer holds must not grow with how rows happened to gather."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.kernel.record import new
from slackwater.runtime.run_directory import BATCH_ROWS, RunWriter
from slackwater.runtime.tables import Names
from slackwater.schema.audit import LOG_ROWS, Out

TAKEN = LOG_ROWS - 1097  # rows at a take-away: no divisor of a row group
TIMES = 2 * BATCH_ROWS // TAKEN + 2
ROWS = TAKEN * TIMES


@pytest.fixture
def written(tmp_path: Path) -> RunWriter:
    """A run whose order events and rows of equity are numbered by their time, as they come."""
    steps = np.ones((1, 2))
    writer = RunWriter(tmp_path, Names(["SYNA"], steps, steps, 0))
    out_box = new(Out)
    for k in range(TIMES):
        out = out_box[0]
        out.order_event_count = out.equity_count = TAKEN
        for rows in (out.order_events[:TAKEN], out.equities[:TAKEN]):
            rows["ts_ns"] = np.arange(k * TAKEN, (k + 1) * TAKEN)
        out.order_events["event"] = out.order_events["reason"] = 1
        writer.drain(out_box)
    writer.close()
    return writer


@pytest.mark.parametrize("stem", ["order_events", "equity"])
def test_every_row_group_but_the_last_has_one_size(written: RunWriter, stem: str) -> None:
    footer = pq.read_metadata(written.folder / f"{stem}.parquet")
    sizes = [footer.row_group(k).num_rows for k in range(footer.num_row_groups)]
    assert sizes == [BATCH_ROWS, BATCH_ROWS, ROWS - 2 * BATCH_ROWS]


@pytest.mark.parametrize("stem", ["order_events", "equity"])
def test_rows_stay_in_order_and_none_is_lost_between_row_groups(written: RunWriter, stem: str) -> None:
    times = pq.read_table(written.folder / f"{stem}.parquet", columns=["ts_ns"])["ts_ns"].to_numpy()
    assert np.array_equal(times, np.arange(ROWS))


def test_a_closed_writer_holds_no_rows_and_no_files(written: RunWriter) -> None:
    assert (written._gathered, written._writers) == ({}, {})
