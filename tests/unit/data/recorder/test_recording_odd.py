"""Recordings that something goes wrong with before or beside the streams."""

from __future__ import annotations

import asyncio
import errno
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.data.recorder.finish import NOTES
from slackwater.data.recorder.plan import plan_recording
from slackwater.data.recorder.sockets import SocketTiming
from tests.unit.data.recorder.recording import ETH, market, run
from tests.unit.data.recorder.rows import VENUE, S, quote, trade, write_log
from tests.unit.data.recorder.venue_server import Venue, serving

DATE = "2023-11-15"


def test_streams_that_never_spoke_make_the_result_not_ok(tmp_path: Path):
    """Exit 0 and `ok` for a tape without one quote."""

    async def scenario(venue: Venue) -> None:
        await market(venue, 30)
        await asyncio.sleep(0.5)

    with serving(scenario, wanted_streams=2) as venue:
        wrong = tmp_path / "wrong.toml"
        wrong.write_text("".join(f'"{name}" = "{path}"\n' for name, path in (("bookTicker", "/elsewhere"), ("aggTrade", "/market"))))
        done, _ = run(venue, tmp_path / "tape", channels=wrong)
    assert "quotes.parquet" not in done["rows"][ETH] and done["silent_streams"]
    assert not done["ok"]


def test_a_process_that_cannot_be_started_does_not_end_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def scenario(venue: Venue) -> None:
        await market(venue, 30)

    async def refuse(*words: object, **other: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    try:
        with serving(scenario) as venue:
            done, _ = run(venue, tmp_path)
    except KeyboardInterrupt:
        pytest.fail("the recording had ended before it was interrupted")
    assert done["rows"][ETH]["quotes.parquet"] == 30


def test_a_damaged_note_does_not_cost_the_result(tmp_path: Path):
    """`record` catches OSError of the last finish, not DataError: everything that was counted is lost with it."""

    async def scenario(venue: Venue) -> None:
        await market(venue, 30)
        await asyncio.sleep(0.3)
        for path in tmp_path.rglob("*.log"):
            other = path.with_name(f"5-5{path.suffix}")
            other.write_bytes(path.read_bytes())
            other.with_name(other.name + NOTES).write_text("")

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path)
    assert done["rows"][ETH]["quotes.parquet"] >= 30


def test_steps_that_do_not_fit_the_tape_are_told_before_recording(tmp_path: Path):
    """Today each hour of the recording is kept aside, for as long as nobody looks."""
    home = tmp_path / VENUE / ETH
    home.mkdir(parents=True)
    (home / "instrument.json").write_text('{"tick_size":"0.1","lot_size":"0.001","min_qty":"0.001","min_notional":"5"}')

    async def scenario(venue: Venue) -> None:
        await market(venue, 5)

    from slackwater.errors import SlackwaterError

    try:
        with serving(scenario, ends_recorder=False) as venue, pytest.raises(SlackwaterError):
            run(venue, tmp_path, seconds=2.0)
    finally:
        pass


def test_a_gap_that_was_open_when_the_recorder_was_killed_is_asked_for_by_the_next(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        now = int(time.time() * 1000)
        earlier = [{"a": 500 + k, "p": "100.00", "q": "0.5", "f": 1, "l": 1, "T": now - 60_000 + k, "m": k % 2 == 0} for k in range(20)]
        venue.trades[ETH] = earlier
        await venue.until(lambda: any(what == "klines" for what, _ in venue.asked))
        await asyncio.sleep(1.0)
        await market(venue, 10)
        await asyncio.sleep(1.5)

    now = time.time_ns() // 1_000_000
    there = [k for k in range(20) if k not in (10, 11)]  # of 500 to 519 two were missing when it was killed
    rows = [trade(500 + k, (now - 60_000 + k) * 1_000_000, (now - 60_000 + k) * 1_000_000 + 5) for k in there]
    write_log(tmp_path, [*rows, quote(time.time_ns() - 60 * S)], time.time_ns() - 61 * S)
    with serving(scenario) as venue:
        run(venue, tmp_path, sockets=SocketTiming(silent_s=20.0))
    ids = sorted(row for path in tmp_path.rglob("trades.parquet") for row in pq.read_table(path)["trade_id"].to_pylist())
    assert ids == list(range(500, 530))


def test_gaps_are_filled_while_the_look_back_goes_on(tmp_path: Path):
    """For 1,000 symbols the look-back takes 25 minutes of the allowed weight, and no gap is asked for before its end."""
    names = tuple(f"A{k}USDT" for k in range(20))

    async def scenario(venue: Venue) -> None:
        await venue.trade(names[0])
        await venue.trade(names[0], is_sent=False)
        await venue.trade(names[0])
        await venue.until(lambda: any(what == "aggTrades" for what, _ in venue.asked))

    with serving(scenario, names, slow_s=0.2) as venue:
        run(venue, tmp_path, symbols=names, sockets=SocketTiming(silent_s=20.0))
    asked = [what for what, _ in venue.asked]
    assert asked[: asked.index("aggTrades")].count("klines") < 55


def test_names_that_the_venue_says_are_checked(tmp_path: Path):
    """`--top` takes names from the venue's answer; they become folders."""
    name = "../../OUTSIDE"

    async def nothing(venue: Venue) -> None: ...

    with serving(nothing, (name, ETH), ends_recorder=False) as venue:
        plan = plan_recording((), 2, venue.url, None)
    assert plan.symbols == ("币USDT", ETH), "of any script, but names"


def test_a_signal_during_the_last_finish_is_handled_as_the_program_wants(tmp_path: Path):
    """`remove_signal_handler` leaves SIG_DFL: a second SIGTERM kills the finish, and no `finally` clears its copies away."""

    async def scenario(venue: Venue) -> None:
        await market(venue, 10)

    def mine(number: int, frame: object) -> None: ...

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with serving(scenario) as venue:
            run(venue, tmp_path)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)
