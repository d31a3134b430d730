"""Connections that grow old, and the clock they go by."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.data.recorder import sockets
from slackwater.data.recorder.sockets import SocketTiming
from slackwater.schema.units import HOUR
from tests.unit.data.recorder.recording import ETH, market, run
from tests.unit.data.recorder.rows import T0, S
from tests.unit.data.recorder.venue_server import Venue, serving

DATE = "2023-11-15"


def test_a_hand_over_waits_until_all_is_subscribed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A socket of 1,000 streams takes ten requests, 2.5 s; the old one is closed a second after the first stream has spoken."""
    monkeypatch.setattr(sockets, "STREAMS_A_REQUEST", 1)
    names = tuple(f"A{k}USDT" for k in range(8))  # 8 requests at 0.25 s

    async def scenario(venue: Venue) -> None:
        for _ in range(700):
            for name in names:
                await venue.quote(name, ask=f"100.{10 + venue.update_id % 80}")
            await asyncio.sleep(0.01)

    with serving(scenario, names, wanted_streams=48) as venue:
        # Rotates once, some 4 s after the start; the second socket of `/market` does not matter here.
        done, _ = run(venue, tmp_path, symbols=names, sockets=SocketTiming(silent_s=15.0, life_s=12.0, overlap_s=5.0))
    assert done["sockets"]["/public 2"]["rotations"] >= 1
    lost = {name: len(venue.quotes[name]) - done["rows"][name]["quotes.parquet"] for name in names}
    assert max(lost.values()) <= 2, lost


def test_a_slower_old_connection_loses_nothing_to_the_new_one(tmp_path: Path):
    """At a hand-over the new connection may be ahead by a good part of a second."""

    async def scenario(venue: Venue) -> None:
        venue.lag_s = 0.4
        await market(venue, 1300)
        await asyncio.sleep(0.6)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=0.9, overlap_s=2.0))
    assert done["sockets"]["/public 2"]["rotations"] >= 1 and done["backfilled_trades"] == {}
    quotes = [row for path in tmp_path.rglob("quotes.parquet") for row in pq.read_table(path).to_pylist()]
    assert [row["ask_ticks"] for row in quotes] == [round(float(quote["a"]) * 100) for quote in venue.quotes[ETH]]
    assert [row["ts_recv"] for row in quotes] == sorted(row["ts_recv"] for row in quotes)


def test_a_hand_over_that_failed_is_tried_again_soon(tmp_path: Path):
    """One refused connect at 23 h, and the next try would be at 46 h: the venue ends the old one at 24 h."""

    async def scenario(venue: Venue) -> None:
        venue.refuse_connects["/public"] = 1  # of the connect that is to take over
        for _ in range(330):
            await venue.quote(ETH)
            await asyncio.sleep(0.01)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=2.2, overlap_s=0.3, back_off_s=0.05))
    assert done["sockets"]["/public 2"]["connects"] >= 2
    assert done["sockets"]["/public 2"]["rotations"] >= 1


def test_a_stream_that_does_not_come_back_is_noticed(tmp_path: Path):
    """After a reconnect one of the streams stays silent (its subscription was lost); the others speak."""
    names = ("AUSDT", "BUSDT")

    async def scenario(venue: Venue) -> None:
        for name in names:
            await market(venue, 20, symbol=name)
        await venue.drop("/public")
        await venue.until(lambda: venue.is_subscribed(12))
        for where, streams in venue.sockets.values():
            if where == "/public":
                streams.discard("busdt@bookTicker")
        for _ in range(100):
            for name in names:
                await venue.quote(name)
            await market(venue, 1, symbol="AUSDT")
            await asyncio.sleep(0.03)

    with serving(scenario, names, wanted_streams=12) as venue:
        done, told = run(venue, tmp_path, symbols=names)
    assert done["rows"]["BUSDT"]["quotes.parquet"] <= 21
    assert "busdt@bookTicker" in done["silent_streams"] or any("busdt@bookTicker" in line for line in told)


def test_an_interrupt_during_a_hand_over_ends_quietly(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    async def scenario(venue: Venue) -> None:
        for k in range(400):
            if k == 150:
                venue.muted |= set()
            await venue.quote(ETH, ask=f"100.{10 + k % 80}")
            await asyncio.sleep(0.005)
            if venue.connects["/public"] == 2:
                return

    with serving(scenario) as venue:
        run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=0.8, overlap_s=5.0))
    assert "never retrieved" not in capfd.readouterr().err


def test_a_clock_that_leapt_for_a_moment_does_not_stop_time(monkeypatch: pytest.MonkeyPatch):
    """One reading ten years ahead, and every row of the next ten years is received then, in that day's folder."""
    clock = sockets.ReceiveClock()
    readings = [T0, T0 + 10 * 365 * 24 * HOUR, T0 + S, T0 + 100 * S, T0 + HOUR]
    monkeypatch.setattr(time, "time_ns", lambda: readings.pop(0))
    got = [clock.now_ns() for _ in range(5)]
    assert got[-1] <= T0 + 2 * HOUR
