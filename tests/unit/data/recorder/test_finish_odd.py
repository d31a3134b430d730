"""Logs that end badly, disks and clocks that misbehave, and tapes that hold other things."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.data.recorder import finish as finish_module
from slackwater.data.recorder import merge
from slackwater.data.recorder.finish import NOTES, finish_logs, recording_folder
from slackwater.data.recorder.log import LOG_ROW, is_being_written
from slackwater.schema.units import HOUR
from tests.unit.data.recorder.recording import ETH
from tests.unit.data.recorder.rows import MINUTE, T0, VENUE, S, candle, funding, quote, table, trade, write_log

DATE = "2023-11-15"


def test_a_recording_after_the_clock_was_corrected_deletes_nothing_finished(tmp_path: Path):
    """A machine that boots with its clock ahead, records, restarts with the right time: the second log overlaps the first."""
    write_log(tmp_path, [quote(T0 + k * S, bid=50.0, ask=60.0) for k in range(1000, 1100)], T0 + 1000 * S)
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + k * S) for k in (900, 950, 1200)], T0 + 900 * S)
    finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "quotes")) == 103


def test_a_clock_that_stands_still_over_a_change_of_log_deletes_nothing_finished(tmp_path: Path):
    """`ReceiveClock` gives one time until a clock that was set back has caught up; logs change with the hour meanwhile."""
    for hour in range(3):
        write_log(tmp_path, [quote(T0 + S, number=1000 * hour + k, bid=10.0 + k / 100, ask=90.0) for k in range(100)], T0 + hour * HOUR)
        finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "quotes")) == 300


def test_candles_and_funding_are_kept_where_a_price_is_off_the_step(tmp_path: Path):
    rows = [quote(T0 + k * S) for k in range(1, 50)] + [candle(T0), funding(T0 + 8 * HOUR, 0.0001)]
    write_log(tmp_path, [*rows, quote(T0 + 60 * S, bid=100.0012345)])
    finish_logs(tmp_path, VENUE)
    kept = (
        [path.name for path in (recording_folder(tmp_path, VENUE) / "kept").glob("*.parquet")]
        if not (tmp_path / VENUE / ETH / DATE).exists()
        else []
    )
    there = [path.name for path in (tmp_path / VENUE / ETH).rglob("*.parquet")]
    assert any("klines" in name for name in kept + there) and any("funding" in name for name in kept + there)


def test_one_price_off_the_step_does_not_take_the_whole_log_off_the_tape(tmp_path: Path):
    write_log(tmp_path, [quote(T0 + k * S) for k in range(1, 500)] + [quote(T0 + 600 * S, bid=100.0012345)])
    finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "quotes")) == 499


@pytest.mark.parametrize("content", ["", "{", "[]"], ids=["empty", "half", "a list"])
def test_notes_that_a_power_cut_left_empty_do_not_block_every_log(tmp_path: Path, content: str):
    """Notes are renamed without a sync; an empty one is what ext4 or XFS leave of that."""
    first = write_log(tmp_path, [quote(T0 + S)])
    write_log(tmp_path, [quote(T0 + 2 * S)], T0 + S)
    first.with_name(first.name + NOTES).write_text(content)
    assert finish_logs(tmp_path, VENUE)["logs"] == 2


def test_a_foreign_file_does_not_block_every_log(tmp_path: Path):
    path = write_log(tmp_path, [quote(T0 + S)])
    (path.parent / "stderr.log").write_text("hello")
    assert finish_logs(tmp_path, VENUE)["rows"][ETH]["quotes.parquet"] == 1


def test_what_a_killed_finish_left_is_cleared_away(tmp_path: Path):
    """Kill -9 runs no `finally`: a copy of the day stays for ever."""
    write_log(tmp_path, [quote(T0 + k * S) for k in range(1, 9)])
    child = os.fork()
    if child == 0:
        merge.put_in_place = lambda building, home: os.kill(os.getpid(), 9)  # type: ignore[assignment]
        finish_logs(tmp_path, VENUE)
        os._exit(0)
    os.waitpid(child, 0)
    assert list((tmp_path / VENUE / ETH).glob(".incoming*")), "the kill came too late"
    finish_logs(tmp_path, VENUE)
    assert not list((tmp_path / VENUE / ETH).glob(".incoming*"))


def test_the_instrument_is_on_the_disk_before_the_log_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[str] = []
    real = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    write_log(tmp_path, [quote(T0 + S)])
    finish_logs(tmp_path, VENUE)
    assert any("instrument.json" in name for name in synced)


def test_a_finish_on_a_full_disk_leaves_no_copies_behind(tmp_path: Path):
    """Each try, one an hour, would leave another, and fill the disk further."""
    rng = np.random.default_rng(1)
    path = write_log(
        tmp_path, [quote(T0 + k * S // 100, bid=round(float(rng.integers(1, 10**6)) / 100, 2), ask=20000.0) for k in range(200_000)]
    )
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            finish_logs(tmp_path, VENUE)
        except OSError:
            os._exit(7)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7 and path.exists()
    assert not list((tmp_path / VENUE / ETH).glob(".incoming*"))


def test_trades_of_a_new_count_do_not_delete_those_of_the_old(tmp_path: Path):
    """A venue counts anew within a day: an id alone does not say that two trades are one."""
    write_log(tmp_path, [quote(T0 + S)] + [trade(k, T0 + k * S, T0 + k * S) for k in range(1, 11)])
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + HOUR)] + [trade(k, T0 + HOUR + k * S, T0 + HOUR + k * S) for k in range(1, 6)], T0 + HOUR)
    finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "trades")) == 15


def test_candles_from_before_leave_what_an_import_counted(tmp_path: Path):
    """The look-back puts candles into seven earlier days, which may be of an import: its counts are gone then."""
    import pyarrow as pa

    from slackwater.data.formats.importer import ImportRequest, import_tape

    day = T0 - 24 * HOUR
    values = {"ts_event": [day + k * S for k in range(1, 9)], "bid": [100.0] * 7 + [-1.0], "bid_qty": [1.0] * 8, "ask": [101.0] * 8}
    pq.write_table(pa.table(values | {"ask_qty": [1.0] * 8}), tmp_path / "q.parquet")
    trades = {"ts_event": [day + S], "price": [100.0], "qty": [1.0], "buyer_maker": [True]}
    pq.write_table(pa.table(trades), tmp_path / "t.parquet")
    import_tape(ImportRequest(VENUE, ETH, tmp_path / "q.parquet", tmp_path / "t.parquet", tmp_path / "tape", "0.01", "0.001"))
    manifest = tmp_path / "tape" / VENUE / ETH / "2023-11-14" / "manifest.json"
    before = json.loads(manifest.read_text())
    assert before["quarantined"] == {"negative_price": 1}
    write_log(tmp_path / "tape", [candle(day + MINUTE), quote(T0 + S)])
    finish_logs(tmp_path / "tape", VENUE)
    after = json.loads(manifest.read_text())
    assert after["quarantined"] == before["quarantined"]
    assert set(before) <= set(after)


def test_a_damaged_row_does_not_delete_all_rows_after_it(tmp_path: Path):
    path = write_log(tmp_path, [quote(T0 + k * S) for k in range(1, 1001)])
    head = path.read_bytes().index(b"\n") + 1
    with path.open("r+b") as file:
        file.seek(head + 72 * 10)
        file.write(b"\xff")
    finish_logs(tmp_path, VENUE)
    left = list(recording_folder(tmp_path, VENUE).glob("*.log")) + list(recording_folder(tmp_path, VENUE).glob("*.damaged"))
    assert left or len(table(tmp_path, DATE, "quotes")) >= 999


@pytest.mark.deep
def test_one_late_trade_does_not_have_the_rest_of_the_day_in_memory(tmp_path: Path):
    """A gap of the morning that is filled in the evening: `sort_file` holds every row in between, and sorts them again for each batch."""
    import subprocess
    import sys

    count = 4_000_000
    rows = np.zeros(count, LOG_ROW)
    rows["kind"], rows["number"], rows["a"], rows["b"] = 2, np.arange(count) + 10, 100.0, 1.0
    rows["ts_event"] = T0 + HOUR + np.arange(count) * 5_000_000
    rows["ts_recv"] = rows["ts_event"] + 1000
    write_log(tmp_path, [rows.tobytes()])
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + 20 * HOUR), trade(1, T0 + S)], T0 + 20 * HOUR)
    code = f"""
import threading, time
from pathlib import Path
from slackwater.data.recorder.finish import finish_logs
peak = 0
def watch():
    global peak
    while True:
        peak = max(peak, next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('RssAnon')))
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
finish_logs(Path({str(tmp_path)!r}), {VENUE!r})
print(peak)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300_000


def test_a_log_that_gets_its_name_while_stale_ones_are_cleared_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A recorder renames its new log between the look and the probe of a finish beside it."""
    new = write_log(tmp_path, [quote(T0 + S)]).rename(recording_folder(tmp_path, VENUE) / "7-7.new")
    real = is_being_written

    def probe(path: Path) -> bool:
        if path == new and new.exists():
            new.rename(new.with_suffix(".log"))
        return real(path)

    monkeypatch.setattr(finish_module, "is_being_written", probe)
    assert finish_logs(tmp_path, VENUE)["logs"] == 1


@pytest.mark.parametrize("damaged", [f"{DATE}/manifest.json", "instrument.json", f"{DATE}/quotes.parquet", f"{DATE}/klines_1m.parquet"])
def test_a_damaged_day_costs_its_symbol_and_nobody_else(tmp_path: Path, damaged: str):
    """Its rows are kept aside, all four kinds of them, and no log stays behind to be tried for ever."""
    kinds = [trade(7, T0 + S, T0 + S), candle(T0), funding(T0 + 8 * HOUR, 0.0001)]
    write_log(tmp_path, [quote(T0 + S), *kinds])
    finish_logs(tmp_path, VENUE)
    (tmp_path / VENUE / ETH / damaged).write_bytes(b"{")
    later = [trade(8, T0 + HOUR, T0 + HOUR), candle(T0 + HOUR), funding(T0 + 16 * HOUR, 0.0002)]
    rows = [quote(T0 + HOUR), quote(T0 + HOUR + 1, symbol=1), *later]
    write_log(tmp_path, rows, T0 + HOUR, symbols=(ETH, "BUSDT"))
    done = finish_logs(tmp_path, VENUE)
    assert done["rows"]["BUSDT"] == {"quotes.parquet": 1} and done["kept_aside"]
    assert not list(recording_folder(tmp_path, VENUE).glob("*.log"))
    kept = {path.stem.rpartition("-")[2] for path in (recording_folder(tmp_path, VENUE) / "kept").iterdir()}
    there = {name.partition("_")[0].partition(".")[0].replace("klines", "candles") for name in done["rows"][ETH]}
    assert kept | there == {"quotes", "trades", "candles", "funding"}
