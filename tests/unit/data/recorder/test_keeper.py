"""Rows on their way to the disk."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from pathlib import Path

import pytest

from slackwater.data.recorder.finish import NOTES
from slackwater.data.recorder.keeper import KeeperHooks, KeeperTiming, LogKeeper
from slackwater.data.recorder.log import LogHeader, LogWriter, read_log
from tests.unit.data.recorder.messages import NOW_MS, RECV, book, enveloped, intake_of
from tests.unit.data.recorder.recording import ETH
from tests.unit.data.recorder.rows import SPEC, T0, VENUE, S

DATE = "2023-11-15"


def test_rows_that_wait_for_a_slow_and_full_disk_stay_within_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """While a write is tried its rows do not count, so each try lets as many rows in as arrive while it lasts."""
    limit = 72 * 100
    intake = intake_of(most=limit)

    def refuse(log: LogWriter, content: bytes) -> None:
        time.sleep(0.02)
        raise OSError(errno.ENOSPC, "No space left on device")

    async def go() -> None:
        header = LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", 0)
        keeper = LogKeeper(
            tmp_path, header, intake, KeeperTiming(write_s=0.01, most_waiting_bytes=limit), KeeperHooks(print, lambda: None, list)
        )
        stop = asyncio.Event()
        task = asyncio.create_task(keeper.run(stop))
        for k in range(3000):
            intake.take(enveloped(book(k + 1, NOW_MS + k)), RECV + k, "/x")
            await asyncio.sleep(0.0005)
        stop.set()
        await task

    with monkeypatch.context() as patch:
        real, calls = LogWriter.append, 0

        def append(log: LogWriter, content: bytes) -> None:
            nonlocal calls
            calls += 1
            (real if calls == 1 else refuse)(log, content)

        patch.setattr(LogWriter, "append", append)
        asyncio.run(go())
    assert len(intake.buffer) <= 2 * limit


def test_the_notes_of_a_log_name_only_its_outages(tmp_path: Path):
    intake = intake_of()
    old = {"path": "/market", "from": T0, "to": T0 + S}

    async def go() -> Path:
        header = LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", 0)
        keeper = LogKeeper(tmp_path, header, intake, KeeperTiming(), KeeperHooks(print, lambda: None, lambda: [old]))
        intake.take(enveloped(book(1)), RECV, "/x")
        await keeper.write()
        await keeper.close()
        return next(tmp_path.glob("*.log"))

    path = asyncio.run(go())
    assert "outages" not in json.loads(path.with_name(path.name + NOTES).read_text())[ETH]


def test_a_disk_that_is_really_full_does_not_end_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The error's traceback keeps `append`'s memoryview of the rows alive: neither `put_back` nor `take` may grow them then."""
    intake = intake_of()
    real, is_full = os.write, False

    def write(file: int, data: memoryview) -> int:
        if is_full and len(data) % 72 == 0:
            time.sleep(0.02)  # messages come meanwhile
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    async def go() -> None:
        nonlocal is_full
        header = LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", 0)
        keeper = LogKeeper(tmp_path, header, intake, KeeperTiming(write_s=0.01), KeeperHooks(print, lambda: None, list))
        stop = asyncio.Event()
        task = asyncio.create_task(keeper.run(stop))
        for k in range(400):
            is_full = 100 < k < 300
            intake.take(enveloped(book(k + 1, NOW_MS + k)), RECV + k, "/x")
            await asyncio.sleep(0.001)
        stop.set()
        await task
        await keeper.write()
        await keeper.close()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        asyncio.run(go())
    assert len(read_log(next(tmp_path.glob("*.log")))[1]) == 400
