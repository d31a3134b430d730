"""Tapes without signal: the mid is a martingale given everything on the tape, and so is each of the two flows of trades.

Every event that moves a price is a fair coin between up and down, whatever the displayed sizes and the trades before were: quotes shift
together, behind a trade that sweeps the level; one quote of the two moves when the spread changes; other trades and changes of size move
nothing. Nobody can know where the price goes, so that no delay can help to find out.
"""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, Record, as_box, new, rows
from slackwater.kernel.rng import Rng, below, exponential, seed_rng, uniform
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.units import MS, SEC

START_NS = 1_736_121_600_000_000_000
START_TICKS = 10_000  # a tick is a basis point
EVENTS_PER_SEC = 20.0
FEED_NS = 2 * MS
SPREAD_TICKS = 8  # what the spread comes back to
MEAN_LOTS = 60.0  # displayed
TRADE_LOTS = 12.0
# Shares of the events; the rest are changes of size.
TRADES, SHIFTS, SPREADS = 0.35, 0.06, 0.10


class Maker(Record):
    """The generator's randomness."""

    rng: Rng


@jit
def _size(rng: Rng, scale: float) -> int:
    return 1 + int(exponential(rng) * scale)


@jit
def _book(row: TapeRow, now_ns: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
    row.ts_event, row.ts_recv, row.kind = now_ns, now_ns + FEED_NS, RowKind.BOOK.value
    row.price_ticks, row.lots, row.ask_ticks, row.ask_lots = bid, bid_lots, ask, ask_lots


@jit
def _trade(row: TapeRow, now_ns: int, price: int, lots: int, is_buy: bool) -> None:
    row.ts_event, row.ts_recv, row.kind = now_ns, now_ns + FEED_NS, RowKind.TRADE.value
    row.price_ticks, row.lots, row.buyer_maker = price, lots, not is_buy


@jit
def fill_tape(maker: Box, tape: Box) -> None:
    """Write all rows: an event is a book, or a trade and the book behind it at the same time."""
    rng = maker[0].rng
    bid, ask = START_TICKS - SPREAD_TICKS // 2, START_TICKS + SPREAD_TICKS // 2
    bid_lots, ask_lots = _size(rng, MEAN_LOTS), _size(rng, MEAN_LOTS)
    now_ns, k = START_NS, 0
    while k < len(tape):
        now_ns += 1 + int(exponential(rng) / EVENTS_PER_SEC * SEC)
        kind, is_up = uniform(rng), uniform(rng) < 0.5
        if kind < TRADES:
            lots = min(_size(rng, TRADE_LOTS), (ask_lots if is_up else bid_lots) - 1)
            if lots > 0:
                _trade(tape[k], now_ns, ask if is_up else bid, lots, is_up)
                k += 1
                ask_lots -= lots if is_up else 0
                bid_lots -= 0 if is_up else lots
        elif kind < TRADES + SHIFTS:
            _trade(tape[k], now_ns, ask if is_up else bid, ask_lots if is_up else bid_lots, is_up)
            k += 1
            step = (1 + below(rng, 3)) * (1 if is_up else -1)
            bid, ask, bid_lots, ask_lots = bid + step, ask + step, _size(rng, MEAN_LOTS), _size(rng, MEAN_LOTS)
        elif kind < TRADES + SHIFTS + SPREADS:
            # Wider below the usual spread, narrower above it, by the one side or the other.
            wider = 1 if ask - bid < SPREAD_TICKS + below(rng, 5) - 2 else -1
            ask += wider if is_up else 0
            bid -= 0 if is_up else wider
        elif is_up:
            ask_lots = _size(rng, MEAN_LOTS)
        else:
            bid_lots = _size(rng, MEAN_LOTS)
        if k < len(tape):
            _book(tape[k], now_ns, bid, bid_lots, ask, ask_lots)
            k += 1


def no_signal_tape(seed: int, count: int) -> Box:
    """`count` rows of a tape; the same seed is the same tape."""
    maker, tape = new(Maker), rows(TapeRow, count)
    seed_rng(maker[0].rng, seed, "no-signal")
    fill_tape(maker, tape)
    return as_box(tape)
