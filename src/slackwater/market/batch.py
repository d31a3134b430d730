"""The market alone over a tape: one row of signals per valid book, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit, jit_inline, jit_loop
from slackwater.kernel.record import Box, Record, as_box, dtype_of, f64, flag, i64, new, rows
from slackwater.market import signals as sig
from slackwater.market.spreads import median_spread_bps
from slackwater.market.volatility_regime import drift_mult, is_heavy_tail, tail_ratio
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.instrument import Instrument, qty_of
from slackwater.schema.market import MarketState
from slackwater.schema.params import SignalParams

CHUNK_ROWS = 65_536


class SignalRow(Record):
    """Every signal after one valid book."""

    ts_recv: i64
    bid: f64
    bid_qty: f64
    ask: f64
    ask_qty: f64
    spread_bps: f64
    median_spread_bps: f64
    qi: f64
    micro_price: f64
    md: f64
    ret_2s_bps: f64
    ret_30s_bps: f64
    ti_2s: f64
    ti_500ms: f64
    ti_300ms: f64
    buy_ratio_2s: f64
    rv_1s_bps: f64
    rv_mid_1s_bps: f64
    depth_min_bid_60s: f64
    depth_min_ask_60s: f64
    z_ret_2s: f64
    z_ti_2s: f64
    z_md: f64
    z_neg_dti: f64
    z_neg_dqi: f64
    pump_score: f64
    exhaust_score: f64
    warm: flag
    baseline_bps: f64
    live_bps: f64
    blended_bps: f64
    drift_mult: f64
    tail_ratio: f64
    heavy_tail: flag
    waterfall: f64


@jit
def fill_book_columns(row: SignalRow, m: MarketState, ins: Instrument, sp: SignalParams) -> None:
    """The columns that the last book alone decides."""
    row.ts_recv = m.book_ns
    row.bid = m.bid
    row.bid_qty = qty_of(ins, m.bid_lots)
    row.ask = m.ask
    row.ask_qty = qty_of(ins, m.ask_lots)
    row.spread_bps = m.spread_bps
    row.median_spread_bps = median_spread_bps(m)
    row.qi = m.qi
    row.micro_price = m.micro_price
    row.md = m.md
    row.z_ret_2s = sig.z_ret_2s(m, sp)
    row.z_ti_2s = sig.z_ti_2s(m, sp)
    row.z_md = sig.z_md(m, sp)
    row.z_neg_dti = sig.z_neg_dti(m, sp)
    row.z_neg_dqi = sig.z_neg_dqi(m, sp)
    row.pump_score = sig.pump_score(m, sp)
    row.exhaust_score = sig.exhaust_score(m, sp)
    row.warm = sig.is_warm(m)


@jit
def fill_window_columns(row: SignalRow, m: MarketState, ins: Instrument, sp: SignalParams) -> None:
    """The columns that windows and the regime decide."""
    now_ns = m.book_ns
    row.ret_2s_bps = sig.ret_2s_bps(m)
    row.ret_30s_bps = sig.ret_30s_bps(m)
    row.ti_2s = m.ti_2s
    row.ti_500ms = sig.ti_500ms(m, now_ns)
    row.ti_300ms = sig.ti_300ms(m, now_ns)
    row.buy_ratio_2s = sig.buy_ratio_2s(m)
    row.rv_1s_bps = sig.rv_1s_bps(m, now_ns)
    row.rv_mid_1s_bps = sig.rv_mid_1s_bps(m)
    row.depth_min_bid_60s = qty_of(ins, sig.depth_min_bid_lots(m, now_ns))
    row.depth_min_ask_60s = qty_of(ins, sig.depth_min_ask_lots(m, now_ns))
    row.baseline_bps = m.baseline_bps
    row.live_bps = m.live_bps
    row.blended_bps = m.blended_bps
    row.drift_mult = drift_mult(m, sp)
    row.tail_ratio = tail_ratio(m, sp)
    row.heavy_tail = is_heavy_tail(m, sp)
    row.waterfall = sig.waterfall_score(m, sp, now_ns)


@jit_inline
def observe(m: MarketState, ins: Instrument, sp: SignalParams, row: TapeRow) -> bool:
    """Show one tape row to the market; true when it was a valid book."""
    if row.kind == RowKind.BOOK:
        return sig.on_book(m, ins, sp, row.ts_recv, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots)
    if row.kind == RowKind.TRADE:
        sig.on_trade(m, ins, sp, row.ts_recv, row.price_ticks, row.lots, row.buyer_maker)
    elif row.kind == RowKind.CANDLE:
        sig.on_candle(m, sp, row.price_ticks, row.value, row.ask_ticks)
    return False


@jit_loop
def fill_signals(market: Box, instrument: Box, params: Box, tape: Box, out: Box) -> int:
    """Run tape rows through the market and fill `out`, which must be as long as `tape`; returns how many rows of it were filled."""
    m = market[0]
    ins = instrument[0]
    sp = params[0]
    filled = 0
    for k in range(len(tape)):
        if observe(m, ins, sp, tape[k]):
            row = out[filled]
            fill_book_columns(row, m, ins, sp)
            fill_window_columns(row, m, ins, sp)
            filled += 1
    return filled


@jit_loop
def count_waterfalls(market: Box, instrument: Box, params: Box, tape: Box, threshold: float) -> int:
    """Watch a tape without writing anything down; returns at how many books the waterfall gate was shut."""
    m = market[0]
    ins = instrument[0]
    sp = params[0]
    count = 0
    for k in range(len(tape)):
        row = tape[k]
        if observe(m, ins, sp, row) and sig.is_waterfall(m, sp, row.ts_recv, threshold):
            count += 1
    return count


def signal_chunks(
    tape: NDArray[np.void], instrument: Box, params: Box, *, tape_frames: Sequence[int] = (), chunk_rows: int = CHUNK_ROWS
) -> Iterator[NDArray[np.void]]:
    """Signals of a tape, chunk by chunk: structured arrays of `SignalRow`, one row per valid book.

    A chunk is overwritten by the next one.

    Args:
        tape: rows of `TapeRow` in order of `ts_recv`, a memory map as well.
        instrument: box of `Instrument`.
        params: box of `SignalParams`.
        tape_frames: time frames (0, 1, 2) whose candles the tape brings.
        chunk_rows: tape rows per chunk.
    """
    market = new(MarketState)
    for tf in tape_frames:
        market[0].frames[tf].from_tape = True
    out = rows(SignalRow, chunk_rows)
    for start in range(0, len(tape), chunk_rows):
        filled = fill_signals(market, instrument, params, as_box(tape[start : start + chunk_rows]), out)
        yield out[:filled].view(dtype_of(SignalRow), np.ndarray)
