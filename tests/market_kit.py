"""What tests of the market build on: a box of default parameters, instruments, and tape rows from tuples or from the shared data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from slackwater.kernel.record import Box, as_box, new, rows
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import SignalParams
from slackwater.schema.units import DAY, HOUR, MINUTE, MS, SEC

SHARED = Path(__file__).resolve().parents[2] / "shared"
FEED_LATENCY_NS = 2 * MS
T0 = 1_700_000_000 * SEC  # a whole minute's third: 20 s into one

Book = tuple[int, int, int, int, int]  # ns, bid ticks, bid lots, ask ticks, ask lots
Trade = tuple[int, int, int, bool]  # ns, ticks, lots, buyer_maker


def signal_params(**changes: float) -> Box:
    """The strategy's defaults with some fields changed."""
    box = new(SignalParams)
    sp = box[0]
    defaults: dict[str, float] = {
        "drift_enabled": True,
        "z_clamp": 5.0,
        "half_life_sec": 5.0,
        "delta_half_life_sec": 3.0,
        "delta_spacing_ns": 50 * MS,
        "weight_ret": 0.4,
        "weight_ti": 0.8,
        "weight_md": 0.6,
        "waterfall_decay_sec": 30.0,
        "refresh_ns": 120 * SEC,
        "live_weight": 0.45,
        "live_half_life_sec": 5.0,
        "drift_min": 0.8,
        "drift_max": 3.0,
        "tail_mult": 2.2,
    }
    for name, value in (defaults | changes).items():
        sp[name] = value
    sp["tf_ns"] = (MINUTE, 5 * MINUTE, 15 * MINUTE)
    sp["tf_weight"] = (0.5, 0.3, 0.2)
    sp["tf_look_back_ns"] = (6 * HOUR, 2 * DAY, 7 * DAY)
    return box


def instrument(tick_den: int = 100, lot_den: int = 1000) -> Box:
    """Steps of `1/tick_den` and `1/lot_den`."""
    box = new(Instrument)
    ins = box[0]
    ins.tick_num, ins.tick_den, ins.lot_num, ins.lot_den = 1.0, tick_den, 1.0, lot_den
    ins.min_lots, ins.min_notional_usd = 1, 5.0
    return box


def tape_of(events: Sequence[Book | Trade]) -> Box:
    """Tape rows of books (five numbers) and trades (four), in the order given."""
    tape = rows(TapeRow, len(events))
    for row, event in zip(tape, events, strict=True):
        row.ts_event = row.ts_recv = event[0]
        row.price_ticks, row.lots = event[1], event[2]
        if len(event) == 5:
            row.kind = RowKind.BOOK
            row.ask_ticks, row.ask_lots = event[3], event[4]
        else:
            row.kind = RowKind.TRADE
            row.buyer_maker = event[3]
    return tape


def shared_tape(name: str, tick_den: int, lot_den: int) -> Box:
    """A tape of the shared data: by receive time, trades before quotes at equal times, file order otherwise."""
    quotes = pq.read_table(SHARED / "data" / f"{name}__quotes.parquet")
    trades = pq.read_table(SHARED / "data" / f"{name}__trades.parquet")
    tape = rows(TapeRow, trades.num_rows + quotes.num_rows)
    first, rest = as_box(tape[: trades.num_rows]), as_box(tape[trades.num_rows :])

    def steps(column: object, den: int) -> NDArray[np.int64]:
        return np.asarray(np.rint(np.asarray(column) * den), dtype=np.int64)

    first.kind, rest.kind = RowKind.TRADE, RowKind.BOOK
    first.ts_event, rest.ts_event = trades["ts_event"], quotes["ts_event"]
    first.price_ticks, first.lots = steps(trades["price"], tick_den), steps(trades["qty"], lot_den)
    first.buyer_maker = trades["buyer_maker"]
    rest.price_ticks, rest.lots = steps(quotes["bid"], tick_den), steps(quotes["bid_qty"], lot_den)
    rest.ask_ticks, rest.ask_lots = steps(quotes["ask"], tick_den), steps(quotes["ask_qty"], lot_den)
    tape.ts_recv = tape.ts_event + FEED_LATENCY_NS
    return as_box(tape[np.argsort(tape.ts_recv, kind="stable")])
