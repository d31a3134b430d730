"""Tapes of the shared data for comparisons: which file, which steps, which settings, and its events in the order of receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from tests.reference.settings import MS, Settings

SHARED = Path(__file__).resolve().parents[3] / "shared"
FEED_LATENCY_NS = 2 * MS


@dataclass(frozen=True)
class GoldenTape:
    """A tape with expected signals. `settings` carries the steps of its prices and sizes."""

    tape: str
    golden: str
    settings: Settings


GOLDEN_TAPES = {
    "aster": GoldenTape(
        "aster_usdm_20250929__ASTERUSDT",
        "signals__aster_usdm_20250929__ASTERUSDT__units_v7",
        Settings(tick_den=100_000, lot_den=100, vol_units=1),
    ),
    "binance": GoldenTape(
        "binance_usdm_20240718__BTCUSDT",
        "signals__binance_usdm_20240718__BTCUSDT__first20000events",
        Settings(tick_den=10, lot_den=1000),
    ),
    "gemini": GoldenTape(
        "gemini_spot_20210702__ETHUSD",
        "signals__gemini_spot_20210702__ETHUSD__first30000events",
        Settings(tick_den=100, lot_den=100_000_000),
    ),
    "hyperliquid": GoldenTape(
        "hyperliquid_20250903__WLFI",
        "signals__hyperliquid_20250903__WLFI__z_clock_time__md_norm_mid",
        Settings(tick_den=100_000, lot_den=1, z_clock=1, md_norm=1),
    ),
}


@dataclass(frozen=True)
class Event:
    """A trade (`ask_ticks` None; price and lots in the bid's place) or a book."""

    ns: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int | None
    ask_lots: int
    buyer_maker: bool


def events(tape: str, settings: Settings) -> Iterator[Event]:
    """Trades and books of a shared tape by receive time, trades first at equal times, file order otherwise."""
    quotes = pq.read_table(SHARED / "data" / f"{tape}__quotes.parquet").to_pydict()
    trades = pq.read_table(SHARED / "data" / f"{tape}__trades.parquet").to_pydict()
    order = [(ns, 0, i) for i, ns in enumerate(trades["ts_event"])] + [(ns, 1, i) for i, ns in enumerate(quotes["ts_event"])]

    def ticks(price: float) -> int:
        return round(price * settings.tick_den / settings.tick_num)

    def lots(quantity: float) -> int:
        return round(quantity * settings.lot_den / settings.lot_num)

    for ts_event, kind, i in sorted(order):
        ns = ts_event + FEED_LATENCY_NS
        if kind == 0:
            yield Event(ns, ticks(trades["price"][i]), lots(trades["qty"][i]), None, 0, trades["buyer_maker"][i])
        else:
            bid, ask = ticks(quotes["bid"][i]), ticks(quotes["ask"][i])
            yield Event(ns, bid, lots(quotes["bid_qty"][i]), ask, lots(quotes["ask_qty"][i]), False)
