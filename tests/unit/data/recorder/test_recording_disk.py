"""Recordings onto a disk that is full for a while, or stays so."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from slackwater.data.recorder.keeper import KeeperTiming
from slackwater.data.recorder.log import LogWriter
from tests.unit.data.recorder.recording import assert_all_trades, market, rows, run
from tests.unit.data.recorder.venue_server import Venue, serving


class FullDisk:
    """Logs are not taken while `is_full`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        real = LogWriter.append

        def append(log: LogWriter, content: bytes) -> None:
            if self.is_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(log, content)

        monkeypatch.setattr(LogWriter, "append", append)


def test_a_full_disk_holds_rows_in_memory_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    disk = FullDisk(monkeypatch)

    async def scenario(venue: Venue) -> None:
        await market(venue, 50)
        disk.is_full = True
        await market(venue, 200)
        await asyncio.sleep(0.3)
        disk.is_full = False
        await market(venue, 50)
        await asyncio.sleep(0.3)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path)
    assert done["ok"] and done["lost_messages"] == 0 and done["disk_failures"] > 1
    assert sum("No space left on device" in line for line in told) == 1 and any("writing again" in line for line in told)
    assert_all_trades(venue, tmp_path)
    assert len(rows(tmp_path, "quotes")) == 300


def test_a_disk_that_stays_full_costs_what_does_not_fit_and_trades_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    disk = FullDisk(monkeypatch)

    async def scenario(venue: Venue) -> None:
        await market(venue, 50)
        disk.is_full = True
        await market(venue, 300)
        await asyncio.sleep(0.3)
        disk.is_full = False
        await asyncio.sleep(0.3)
        await market(venue, 50)
        await asyncio.sleep(0.8)

    with serving(scenario) as venue:
        done, told = run(venue, tmp_path, keeper=KeeperTiming(write_s=0.1, sync_s=0.2, most_waiting_bytes=72 * 100))
    assert not done["ok"] and done["lost_messages"] >= 400 and done["lost_ns"][0] < done["lost_ns"][1]
    assert any("messages were lost while the disk could not take them" in line for line in told)
    assert_all_trades(venue, tmp_path)
    assert 100 <= len(rows(tmp_path, "quotes")) < 300
