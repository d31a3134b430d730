"""Logs made by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from slackwater.data.instrument import InstrumentSpec
from slackwater.data.recorder.finish import recording_folder
from slackwater.data.recorder.log import CANDLE, FUNDING, PACKER, QUOTE, TRADE, LogHeader, LogWriter

VENUE = "binance-um"
SPEC = InstrumentSpec(Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal("5"))
T0 = 1_700_006_400_000_000_000  # midnight, 2023-11-15
S = 1_000_000_000
MINUTE = 60 * S


def quote(recv_ns: int, bid: float = 100.0, ask: float = 100.01, symbol: int = 0, number: int = 0) -> bytes:
    return PACKER.pack(QUOTE, 0, symbol, recv_ns - 5_000_000, recv_ns, number or recv_ns // 1000, bid, 1.5, ask, 2.5, 0.0)


def trade(trade_id: int, event_ns: int, recv_ns: int = 0, price: float = 100.0, symbol: int = 0) -> bytes:
    return PACKER.pack(TRADE, trade_id % 2, symbol, event_ns, recv_ns, trade_id, price, 0.5, 0.0, 0.0, 0.0)


def candle(start_ns: int, close: float = 100.0, frame: int = 0) -> bytes:
    return PACKER.pack(CANDLE, frame, 0, start_ns, 0, start_ns, 100.0, 101.0, 99.0, close, 7.0)


def funding(time_ns: int, rate: float) -> bytes:
    return PACKER.pack(FUNDING, 0, 0, time_ns, time_ns + 1, 0, rate, 0.0, 0.0, 0.0, 0.0)


def write_log(
    to: Path, rows: list[bytes], started_ns: int = T0, symbols: tuple[str, ...] = ("ETHUSDT",), spec: InstrumentSpec = SPEC
) -> Path:
    header = LogHeader(VENUE, symbols, (spec,) * len(symbols), "wss://somewhere", started_ns)
    log = LogWriter(recording_folder(to, VENUE), header)
    log.append(b"".join(rows))
    log.close()
    return log.path


def table(to: Path, date: str, name: str, symbol: str = "ETHUSDT") -> list[dict[str, object]]:
    return pq.read_table(to / VENUE / symbol / date / f"{name}.parquet").to_pylist()
