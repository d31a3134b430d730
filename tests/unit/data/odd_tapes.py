"""A tape with two clocks, regular but for what a test changes in it: rows as arrays, written as they are, odd or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.checks.verify import verify_tape
from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import QUOTE_SCHEMA, QUOTES, TRADE_SCHEMA, TRADES
from slackwater.data.writer import writing

DAY_NS = 86_400_000_000_000
MS = 1_000_000
START = 1_700_006_400_000_000_000  # 2023-11-15T00:00:00Z
SPEC = InstrumentSpec(Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal("5"))
COUNT = 400  # books, one every 10 s, so 66 minutes: two hours of the day


@dataclass
class OddTape:
    """Quotes and trades of one day, one trade after each book at its bid; prices walk in single ticks, sizes in single lots."""

    day: int = 0
    quotes: dict[str, NDArray[Any]] = field(default_factory=dict)
    trades: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        happened = START + self.day * DAY_NS + np.arange(COUNT) * 10_000 * MS
        walk = 100_000 + np.cumsum(np.random.default_rng(5 + self.day).integers(-1, 2, COUNT))
        sizes = 50 + np.arange(COUNT) % 7
        self.quotes = {
            "ts_event": happened,
            "ts_recv": happened + 5 * MS,
            "bid_ticks": walk,
            "bid_lots": sizes,
            "ask_ticks": walk + 3,
            "ask_lots": sizes + 1,
        }
        self.trades = {
            "ts_event": happened + MS,
            "ts_recv": happened + 6 * MS,
            "price_ticks": walk.copy(),
            "lots": sizes.copy(),
            "buyer_maker": np.ones(COUNT, bool),
            "trade_id": np.arange(COUNT) + 1000 * self.day,
        }

    def one_clock(self) -> OddTape:
        """Forget when rows were received."""
        self.quotes["ts_recv"] = self.trades["ts_recv"] = None  # type: ignore[assignment]
        return self


def repeat_row(columns: dict[str, NDArray[Any]], row: int) -> None:
    """Put a row there twice."""
    for name, values in columns.items():
        if values is not None:
            columns[name] = np.insert(values, row, values[row])


def write(folder: Path, *days: OddTape) -> Path:
    """The tape `folder`/tape of venue v and symbol S, as a writer leaves it: rows that are out of order are put into order."""
    with writing(folder / "tape", "v", "S", SPEC) as writer:
        for day in days:
            for name, schema, columns in ((QUOTES, QUOTE_SCHEMA, day.quotes), (TRADES, TRADE_SCHEMA, day.trades)):
                count = len(columns["ts_event"])
                arrays = [
                    pa.nulls(count, column.type) if columns[column.name] is None else pa.array(columns[column.name], column.type)
                    for column in schema
                ]
                writer.append(name, pa.RecordBatch.from_arrays(arrays, schema=schema))
        writer.finish({})
    return folder / "tape"


def found_in(folder: Path, *days: OddTape) -> dict[str, Any]:
    """What checking such a tape finds."""
    (found,) = verify_tape(write(folder, *days))["symbols"]
    return dict(found)


def counts_of(found: dict[str, Any]) -> dict[str, int]:
    """The kinds that were found, without those that were not."""
    return {kind: count for kind, count in found["counts"].items() if count}
