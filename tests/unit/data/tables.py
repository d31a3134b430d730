"""Small inputs written as tables, and a shorthand that imports them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from slackwater.data.formats.importer import ImportRequest, import_tape

T0 = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z
SEC = 1_000_000_000

Quote = tuple[float, float, float, float, float]  # seconds after T0, bid, bid_qty, ask, ask_qty
Trade = tuple[float, float, float, bool]  # seconds after T0, price, qty, buyer_maker

QUOTES: list[Quote] = [(0.0, 99.9, 1.0, 100.1, 2.0), (1.0, 99.9, 1.5, 100.0, 2.0), (2.5, 99.8, 1.5, 100.0, 0.25)]
TRADES: list[Trade] = [(0.5, 100.1, 0.5, False), (1.0, 100.0, 0.75, False), (1.0, 100.0, 0.75, False)]


def quote_table(rows: list[Quote]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    return pa.table(
        {"ts_event": _times(columns[0])}
        | {name: pa.array(columns[k], pa.float64()) for k, name in enumerate(("bid", "bid_qty", "ask", "ask_qty"), start=1)}
    )


def trade_table(rows: list[Trade]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    return pa.table(
        {
            "ts_event": _times(columns[0]),
            "price": pa.array(columns[1], pa.float64()),
            "qty": pa.array(columns[2], pa.float64()),
            "buyer_maker": pa.array(columns[3], pa.bool_()),
        }
    )


def _times(seconds: Any) -> pa.Array:
    return pa.array([T0 + round(second * SEC) for second in seconds], pa.int64())


def random_rows(count: int, seed: int = 1) -> tuple[list[Quote], list[Trade]]:
    """A random walk of quotes, and trades at its touch."""
    draw = np.random.default_rng(seed)
    times = np.cumsum(draw.exponential(0.05, count)).round(9)
    mids = (1000 + np.cumsum(draw.integers(-1, 2, count))) / 10
    quotes = [
        (float(t), round(m - 0.1, 1), float(q), round(m + 0.1, 1), float(q + 1))
        for t, m, q in zip(times, mids, range(1, count + 1), strict=True)
    ]
    trades = [(t, bid, 1.0, True) for t, bid, *_ in quotes[::3]]
    return quotes, trades


def write_inputs(folder: Path, quotes: pa.Table, trades: pa.Table) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(quotes, folder / "q.parquet")
    pq.write_table(trades, folder / "t.parquet")
    return folder / "q.parquet", folder / "t.parquet"


def make_tape(folder: Path, quotes: pa.Table | list[Quote], trades: pa.Table | list[Trade], **options: Any) -> dict[str, Any]:
    """Import tables into `folder`/tape, as binance/AAAUSDT unless told otherwise, and return what the import says."""
    quotes = quote_table(quotes) if isinstance(quotes, list) else quotes
    trades = trade_table(trades) if isinstance(trades, list) else trades
    quote_path, trade_path = write_inputs(folder / "in", quotes, trades)
    request: dict[str, Any] = {"venue": "binance", "symbol": "AAAUSDT", "to": folder / "tape"} | options
    return import_tape(ImportRequest(quotes=quote_path, trades=trade_path, **request))
