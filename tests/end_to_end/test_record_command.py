"""Recording by command: ended by a user, by a kill, by a disk that is full; and a second recorder."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.end_to_end.command import LIMIT_SEC, PROGRAM, answer, slackwater
from tests.unit.data.recorder.recording import market
from tests.unit.data.recorder.rows import SPEC, T0, VENUE, S, quote, write_log
from tests.unit.data.recorder.venue_server import Venue, serving

ETH = "ETHUSDT"
pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="limits and locks are those of Linux")


async def endless(venue: Venue) -> None:
    """A hundred books and trades a second until the test is over."""
    while True:
        await venue.quote(ETH, ask=f"100.{10 + venue.update_id % 80}")
        await venue.trade(ETH)
        await asyncio.sleep(0.01)


def words(venue: Venue, to: Path) -> list[str]:
    urls = ["--stream-url", venue.ws_url, "--rest-url", venue.url]
    return [str(PROGRAM), "data", "record", "--to", str(to), "--symbols", "ETH/USDT:USDT", *urls, "--json"]


@contextmanager
def recording(venue: Venue, to: Path, preexec_fn: Callable[[], None] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A recorder that has been at it for two seconds."""
    pipe = subprocess.PIPE
    with subprocess.Popen(words(venue, to), stdout=pipe, stderr=pipe, text=True, preexec_fn=preexec_fn) as process:
        until = time.monotonic() + 60
        while len(venue.trades[ETH]) < 200 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()[1]
        yield process
        if process.poll() is None:
            process.kill()


def trade_ids(to: Path) -> list[int]:
    return [trade_id for path in sorted(to.rglob("trades.parquet")) for trade_id in pq.read_table(path)["trade_id"].to_pylist()]


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_that_is_told_to_end_puts_all_on_the_tape(tmp_path: Path, asked: signal.Signals) -> None:
    with serving(endless, ends_recorder=False) as venue, recording(venue, tmp_path) as process:
        process.send_signal(asked)
        said, noted = process.communicate(timeout=LIMIT_SEC)
    assert process.returncode == 0, noted
    done: dict[str, Any] = json.loads(said)
    assert done["ok"] and done["rows"][ETH]["trades.parquet"] >= 150
    ids = trade_ids(tmp_path)
    assert ids == list(range(500, 500 + len(ids)))
    assert "Traceback" not in noted and not list((tmp_path / ".recording").rglob("*.log"))
    listed = answer("data", "ls", "--data", tmp_path)["symbols"][0]
    assert (listed["symbol"], listed["instrument"]["tick_size"]) == (ETH, "0.01")
    assert answer("data", "verify", "--data", tmp_path)["ok"]


def test_a_kill_loses_at_most_what_was_not_written_yet_and_nothing_finished(tmp_path: Path) -> None:
    with serving(endless, ends_recorder=False) as venue:
        with recording(venue, tmp_path) as process:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LIMIT_SEC)
        finished = trade_ids(tmp_path)
        venue.trades[ETH] = venue.trades[ETH][: finished[-1] - 499]
        with recording(venue, tmp_path) as process:
            until = time.monotonic() + 60
            while all(what != "aggTrades" for what, _ in venue.asked) and time.monotonic() < until:
                time.sleep(0.1)
            time.sleep(2)  # the trades since the first recording are on the disk by then
            sent = len(venue.trades[ETH])
            process.kill()
            process.wait()
            at_kill = len(venue.trades[ETH])
    assert trade_ids(tmp_path) == finished
    listed = slackwater("data", "ls", "--data", tmp_path)
    assert listed.returncode == 0 and "1 log(s)" in listed.stderr and "data record --recover" in listed.stderr
    done = answer("data", "record", "--to", tmp_path, "--recover")
    assert done["logs"] == 1
    ids = trade_ids(tmp_path)
    assert ids == list(range(500, 500 + len(ids))), "nothing finished is lost, and the gap between the two was asked for"
    assert sent - 300 <= len(ids) <= at_kill, "a second's worth of writing, not more"
    assert answer("data", "verify", "--data", tmp_path)["ok"]
    assert answer("data", "record", "--to", tmp_path, "--recover")["logs"] == 0


def test_a_file_that_may_not_grow_loses_what_does_not_fit_and_says_so(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with serving(endless, ends_recorder=False) as venue, recording(venue, tmp_path, limit) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        said, noted = process.communicate(timeout=LIMIT_SEC)
    assert process.returncode == 4, noted
    done = json.loads(said)
    assert not done["ok"] and done["unwritten_rows"] > 0
    assert "File too large" in noted and "rows are lost" in noted and "Traceback" not in noted
    ids = trade_ids(tmp_path)
    assert len(ids) > 50 and ids == list(range(500, 500 + len(ids)))


def test_a_second_recorder_of_the_same_symbol_is_refused(tmp_path: Path) -> None:
    with serving(endless, ends_recorder=False) as venue, recording(venue, tmp_path):
        until = time.monotonic() + 20
        while not list((tmp_path / ".recording").rglob("*.log")) and time.monotonic() < until:
            time.sleep(0.05)
        second = subprocess.run(words(venue, tmp_path), capture_output=True, text=True, timeout=LIMIT_SEC, check=False)
    assert second.returncode == 3 and "expected to be the only recorder of ETHUSDT" in second.stderr


def test_a_tape_that_is_only_a_log_yet_says_how_to_finish_it(tmp_path: Path) -> None:
    with serving(endless, ends_recorder=False) as venue, recording(venue, tmp_path) as process:
        time.sleep(1.5)
        process.kill()
        process.wait()
    found = slackwater("data", "ls", "--data", tmp_path)
    assert found.returncode == 4 and "slackwater data record --recover" in found.stderr
    told = slackwater("data", "record", "--to", tmp_path, "--recover")
    assert told.returncode == 0 and "1 log(s) of recordings put on the tape" in told.stdout and "ETHUSDT: " in told.stdout
    assert os.listdir(tmp_path / ".recording" / "binance-um") == ["finish.lock"]


def test_a_venue_that_does_not_answer_is_told(tmp_path: Path) -> None:
    done = slackwater(
        "data", "record", "--to", tmp_path, "--symbols", ETH, "--rest-url", "http://127.0.0.1:9", "--stream-url", "ws://127.0.0.1:9"
    )
    assert done.returncode == 4 and "http://127.0.0.1:9/fapi/v1/exchangeInfo: expected a file, found: " in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_a_recovery_that_kept_rows_aside_does_not_exit_with_zero(tmp_path: Path):
    from tests.end_to_end.command import slackwater

    write_log(tmp_path, [quote(T0 + S)])
    assert answer("data", "record", "--to", tmp_path, "--recover")["logs"] == 1
    write_log(tmp_path, [quote(T0 + 2 * S)], T0 + 2 * S, spec=replace(SPEC, tick_size=Decimal("0.001")))
    done = slackwater("data", "record", "--to", tmp_path, "--recover", "--venue", VENUE)
    assert "kept aside" in done.stderr and done.returncode != 0


def test_a_reader_of_stderr_that_goes_does_not_end_the_recording(tmp_path: Path):
    """`slackwater data record ... 2>&1 | tee log`, or a terminal that closes: the next sentence ends the recording."""
    import subprocess

    from tests.end_to_end.command import PROGRAM

    async def endless(venue: Venue) -> None:
        while True:
            await market(venue, 1, 0.01)

    with serving(endless, ends_recorder=False) as venue:
        words = [str(PROGRAM), "data", "record", "--to", str(tmp_path), "--symbols", ETH, "--json"]
        words += ["--stream-url", venue.ws_url, "--rest-url", venue.url]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            end = time.monotonic() + 30
            while len(venue.trades[ETH]) < 50 and time.monotonic() < end:
                time.sleep(0.05)
            process.stderr.close()
            process.stderr = None
            for socket in list(venue.sockets):
                assert socket._req is not None and socket._req.transport is not None
                socket._req.task.get_loop().call_soon_threadsafe(socket._req.transport.abort)
            time.sleep(4)
            ended = process.poll()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    assert ended is None
