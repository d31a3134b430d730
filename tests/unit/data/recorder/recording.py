"""A recording of the local venue, and what is on its tape."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from slackwater.data.recorder.keeper import KeeperTiming
from slackwater.data.recorder.record import RecordRequest, record
from slackwater.data.recorder.sockets import SocketTiming
from tests.unit.data.recorder.venue_server import Venue

QUICK = SocketTiming(silent_s=1.0, overlap_s=2.0, back_off_s=0.05, connect_s=2.0)
DISK = KeeperTiming(write_s=0.1, sync_s=0.2)
ETH = "ETHUSDT"


def run(venue: Venue, to: Path, **other: Any) -> tuple[dict[str, Any], list[str]]:
    told: list[str] = []
    options: dict[str, Any] = {"symbols": (ETH,), "seconds": 40.0, "sockets": QUICK, "keeper": DISK, "fill_every_s": 0.2} | other
    done = record(RecordRequest(to, stream_url=venue.ws_url, rest_url=venue.url, **options), told.append)
    return done, told


def rows(to: Path, name: str, symbol: str = ETH) -> list[dict[str, Any]]:
    paths = sorted((to / "binance-um" / symbol).glob(f"*/{name}.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def assert_all_trades(venue: Venue, to: Path, symbol: str = ETH) -> None:
    sent = [(trade["a"], trade["T"] * 1_000_000, trade["m"]) for trade in venue.trades[symbol]]
    assert sorted((row["trade_id"], row["ts_event"], row["buyer_maker"]) for row in rows(to, "trades", symbol)) == sent


async def market(venue: Venue, count: int, pause_s: float = 0.002, symbol: str = ETH) -> None:
    for k in range(count):
        await venue.quote(symbol, ask=f"100.{10 + k % 80}")
        await venue.trade(symbol)
        await asyncio.sleep(pause_s)
