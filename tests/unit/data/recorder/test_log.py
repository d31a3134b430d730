"""The append log: whole rows come back whatever the end looks like, and a disk that refuses leaves it as it was."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from slackwater.data.recorder.finish import recording_folder
from slackwater.data.recorder.log import (
    LOG_ROW,
    PACKER,
    LogHeader,
    LogWriter,
    holding,
    is_being_written,
    logs_in,
    read_log,
    symbols_being_recorded,
)
from slackwater.errors import DataError, SafetyError
from tests.unit.data.recorder.recording import ETH
from tests.unit.data.recorder.rows import SPEC, T0, VENUE, S, quote, trade, write_log

ROWS = [quote(T0 + k * S, bid=100.0 + k) for k in range(5)] + [trade(7, T0, T0 + 9)]


def test_the_packed_row_is_the_row_of_the_array():
    assert PACKER.size == LOG_ROW.itemsize
    assert LOG_ROW.fields is not None
    assert [LOG_ROW.fields[name][1] for name in LOG_ROW.names or ()] == [0, 1, 2, 8, 16, 24, 32, 40, 48, 56, 64]


def test_what_was_written_is_read(tmp_path: Path):
    header, rows, cut_off = read_log(write_log(tmp_path, ROWS))
    assert (header.venue, header.symbols, header.specs, header.started_ns, cut_off) == (VENUE, ("ETHUSDT",), (SPEC,), T0, 0)
    assert rows["a"].tolist() == [100.0, 101.0, 102.0, 103.0, 104.0, 100.0]
    assert rows["ts_recv"].tolist() == [*(T0 + k * S for k in range(5)), T0 + 9]
    assert (rows["kind"][-1], rows["flag"][-1], rows["number"][-1]) == (2, 1, 7)


@pytest.mark.parametrize("cut", [1, 71, 72, 100])
def test_a_torn_end_costs_only_the_torn_row(tmp_path: Path, cut: int):
    path = write_log(tmp_path, ROWS)
    os.truncate(path, path.stat().st_size - cut)
    _, rows, cut_off = read_log(path)
    assert len(rows) == len(ROWS) - (cut + 71) // 72
    assert cut_off == (-cut) % 72


def test_zeros_at_the_end_are_no_rows(tmp_path: Path):
    path = write_log(tmp_path, ROWS)
    with path.open("ab") as file:
        file.write(bytes(4096))
    _, rows, cut_off = read_log(path)
    assert (len(rows), cut_off) == (len(ROWS), 4096)


def test_an_empty_log_has_no_rows(tmp_path: Path):
    _, rows, cut_off = read_log(write_log(tmp_path, []))
    assert (len(rows), cut_off) == (0, 0)


@pytest.mark.parametrize("head", [b"", b"slackwater recording 1 {", b"slackwater recording 1 {}\n", b"something else\n" + bytes(500)])
def test_another_file_is_refused(tmp_path: Path, head: bytes):
    path = tmp_path / "1-1.log"
    path.write_bytes(head)
    with pytest.raises(DataError, match="expected the log of a recording"):
        read_log(path)


def test_a_disk_that_is_full_midway_leaves_whole_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = LogWriter(tmp_path, LogHeader(VENUE, ("ETHUSDT",), (SPEC,), "wss://x", T0))
    log.append(ROWS[0])
    real = os.write

    def half(file: int, data: memoryview) -> int:
        if len(data) < 72 * 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:100])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space left"):
            log.append(b"".join(ROWS[1:]))
    assert len(read_log(log.path)[1]) == 1
    log.append(b"".join(ROWS[1:]))
    log.close()
    _, rows, cut_off = read_log(log.path)
    assert (len(rows), cut_off) == (len(ROWS), 0)


def test_a_log_is_locked_while_it_is_written(tmp_path: Path):
    folder = recording_folder(tmp_path, VENUE)
    log = LogWriter(folder, LogHeader(VENUE, ("AUSDT", "BUSDT"), (SPEC, SPEC), "wss://x", T0))
    assert is_being_written(log.path)
    log.close()
    assert not is_being_written(log.path)


def test_logs_are_told_oldest_first(tmp_path: Path):
    for started in (10**18, 9 * 10**17, 2 * 10**18):
        write_log(tmp_path, ROWS, started)
    assert [path.name.partition("-")[0] for path in logs_in(recording_folder(tmp_path, VENUE))] == [
        str(started) for started in (9 * 10**17, 10**18, 2 * 10**18)
    ]


def test_a_disk_that_refuses_to_truncate_does_not_shift_the_rows_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Btrfs and zfs can refuse a truncate when full; the next append goes on behind the half row."""
    log = LogWriter(tmp_path, LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", T0))
    real, calls = os.write, 0

    def half(file: int, data: memoryview) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:100])

    def refuse(file: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(OSError, match="No space"):
            log.append(b"".join(quote(T0 + k * S) for k in range(5)))
    for _ in range(20):
        log.append(b"".join(quote(T0 + k * S) for k in range(5)))
    log.close()
    assert len(read_log(log.path)[1]) == 100


def test_two_that_ask_at_once_do_not_take_each_other_for_a_writer(tmp_path: Path):
    """A probe takes the exclusive lock itself: a finished log is skipped, or a start refused, when two probe at one moment."""
    path = write_log(tmp_path, [quote(T0 + S)])
    found: list[bool] = []

    def probe() -> None:
        found.extend(is_being_written(path) for _ in range(3000))

    threads = [threading.Thread(target=probe) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(found)


def test_a_log_whose_folder_cannot_be_synced_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each try, one a second, leaves an open file and a locked empty log."""
    from slackwater.data.recorder import log as log_module

    def refuse(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(log_module, "sync_to_disk", refuse)
        for k in range(5):
            with pytest.raises(OSError, match="Input/output"):
                LogWriter(tmp_path, LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", T0 + k))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_recorder_holds_its_symbols_from_its_start_to_its_end(tmp_path: Path):
    """Also before its first row, and between two logs."""
    with holding(tmp_path, ["AUSDT", ETH]):
        with pytest.raises(SafetyError, match="only recorder of ETHUSDT"), holding(tmp_path, [ETH, "BUSDT"]):
            pass
        with holding(tmp_path, ["BUSDT"]):
            assert symbols_being_recorded(tmp_path) == {"AUSDT", "BUSDT", ETH}
    assert symbols_being_recorded(tmp_path) == set() and not list(tmp_path.iterdir())
