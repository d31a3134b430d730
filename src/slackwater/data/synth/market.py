"""A made-up market: one symbol's book and trades, event by event, from a seed. Compiled; knows nothing of files.

A fair value wanders; quotes are kept around it at the regime's spread; trades arrive at both sides, take from the displayed size
and move the book when a level is used up. From time to time aggressive flow pushes the value (a pump, or its mirror image, a slide)
through the phases below; most pushes revert, some run on.

All of it is in one file because it lies outside the folders by which the compile cache is keyed: so an edit is always noticed.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit, jit_loop
from slackwater.kernel.record import Box, Record, f64, i64, u8
from slackwater.kernel.rng import Rng, below, exponential, uniform
from slackwater.schema.units import BPS, MINUTE, SEC, US

MAX_SWEEP = 3  # levels one aggressive order may use up
ROOM = 8  # rows that one event may write at most
QUOTE_COLUMNS = 5  # time, bid ticks, bid lots, ask ticks, ask lots
TRADE_COLUMNS = 4  # time, ticks, lots, buyer is maker
CANDLE_COLUMNS = 6  # end, open, high, low, close (bid + ask in ticks, that is twice the mid), lots traded


class Phase(IntEnum):
    """Where a push of the price is."""

    IDLE = 0
    RISE = 1  # buyers prevail, the value climbs
    CLIMAX = 2  # nearly all trades buy, the ask is thin
    TURN = 3  # the flow dries up and turns, the ask is thick
    REVERT = 4  # back to where it came from
    RUN = 5  # the other kind: it goes on


# By phase; a slide swaps the sides.
BUY_SHARE = (0.5, 0.74, 0.98, 0.2, 0.44, 0.57)
RATE = (1.0, 2.5, 4.0, 2.0, 1.2, 1.5)  # events per second against the profile's
WITH_SIZE = (1.0, 1.25, 1.5, 0.6, 0.9, 1.1)  # displayed size on the side that pushes
AGAINST_SIZE = (1.0, 0.85, 0.65, 1.6, 1.1, 0.95)  # on the side that is pushed
SHORTEST_SEC = (6.0, 2.5, 0.8, 1.5, 20.0, 12.0)
LONGEST_SEC = (6.0, 5.5, 1.6, 4.0, 45.0, 25.0)
SLOWEST_BPS = (0.0, 2.5, 3.5, 0.0, 0.0, 0.8)  # per second
FASTEST_BPS = (0.0, 4.0, 5.5, 0.0, 0.0, 2.0)


class Profile(Record):
    """What kind of market: set once, not changed by running."""

    price_ticks: f64  # where it starts and what it is slowly drawn back to
    requotes_per_sec: f64  # answers of makers; each trade is followed by a quote besides
    trades_per_sec: f64
    sigma_bps: f64  # wandering of the value, bps per square root of a second
    tight_bps: f64  # the spread's regimes lie between these
    wide_bps: f64
    regime_sec: f64  # mean length of a spread regime
    depth_lots: f64  # mean displayed size
    trade_lots: f64  # mean size of a trade
    idle_sec: f64  # mean time between pushes; 0 for none
    slide_share: f64  # of the pushes
    run_share: f64  # of the pumps
    slide_run_share: f64  # of the slides; more than of the pumps, or the price would drift up
    burst_sec: f64  # mean time between bursts of two-sided volume
    burst_rate: f64  # events per second in one, against the profile's
    pull_sec: f64  # how slowly the value is drawn back to where it started


class SynthState(Record):
    """The market between two events."""

    rng: Rng
    now_ns: i64
    bid_ticks: i64
    bid_lots: i64
    ask_ticks: i64
    ask_lots: i64
    base_ticks: f64  # the value without the push
    push_bps: f64
    rest_bps: f64  # what the push reverts to
    slope_bps: f64  # of the phase, per second, signed
    sign: f64  # +1 pump, -1 slide
    revert_sec: f64
    half_spread_bps: f64
    phase_end_ns: i64
    regime_end_ns: i64
    burst_start_ns: i64
    burst_end_ns: i64
    candle_end_ns: i64
    candle_open: i64
    candle_high: i64
    candle_low: i64
    candle_lots: i64
    phase: u8  # Phase


class Filled(Record):
    """How many rows of each output are written."""

    quotes: i64
    trades: i64
    candles: i64


@jit
def between(rng: Rng, low: float, high: float) -> float:
    """A uniform draw."""
    return low + (high - low) * uniform(rng)


@jit
def draw_between(box: Box, low: float, high: float) -> float:
    """A uniform draw from a state's generator."""
    return between(box[0].rng, low, high)


@jit
def start_market(box: Box, profile_box: Box, start_ns: int) -> None:
    """Bring a seeded state to its first moment."""
    s = box[0]
    p = profile_box[0]
    s.now_ns = start_ns
    s.base_ticks = p.price_ticks
    s.sign = 1.0
    s.candle_end_ns = (start_ns // MINUTE + 1) * MINUTE
    s.burst_start_ns = start_ns + int(exponential(s.rng) * p.burst_sec * SEC)
    s.phase = Phase.IDLE
    enter(s, p)
    change_regime(s, p)
    half = s.base_ticks * s.half_spread_bps / BPS
    s.bid_ticks = int(math.floor(s.base_ticks - half))
    s.ask_ticks = max(int(math.ceil(s.base_ticks + half)), s.bid_ticks + 1)
    s.bid_lots = new_size(s, p, True)
    s.ask_lots = new_size(s, p, False)
    open_candle(s)


@jit
def enter(s: SynthState, p: Profile) -> None:
    """Begin the phase that `phase` was just set to: its length, and how fast the value moves."""
    phase = s.phase
    length = between(s.rng, SHORTEST_SEC[phase], LONGEST_SEC[phase])
    if phase == Phase.IDLE:
        # What a push leaves behind becomes part of the value.
        s.base_ticks = s.base_ticks * (1.0 + s.push_bps / BPS)
        s.push_bps = 0.0
        length += exponential(s.rng) * p.idle_sec
    if phase == Phase.RISE:
        s.sign = -1.0 if uniform(s.rng) < p.slide_share else 1.0
    s.slope_bps = s.sign * between(s.rng, SLOWEST_BPS[phase], FASTEST_BPS[phase])
    # Who bought late sells in haste: most reversions go somewhat too far.
    s.rest_bps = s.push_bps * between(s.rng, -0.45, 0.15)
    s.revert_sec = between(s.rng, 5.0, 12.0)
    s.phase_end_ns = s.now_ns + int(length * SEC)


@jit
def next_phase(s: SynthState, p: Profile) -> int:
    """What follows the current phase."""
    if s.phase == Phase.IDLE:
        return Phase.RISE if p.idle_sec > 0.0 else Phase.IDLE
    if s.phase == Phase.RISE:
        return Phase.CLIMAX
    if s.phase == Phase.CLIMAX:
        return Phase.RUN if uniform(s.rng) < (p.run_share if s.sign > 0.0 else p.slide_run_share) else Phase.TURN
    if s.phase == Phase.TURN:
        return Phase.REVERT
    return Phase.IDLE


@jit
def change_regime(s: SynthState, p: Profile) -> None:
    """Draw the spread of the next stretch of time; wide ones are rarer."""
    share = uniform(s.rng)
    s.half_spread_bps = 0.5 * (p.tight_bps + (p.wide_bps - p.tight_bps) * share * share)
    s.regime_end_ns = s.now_ns + int((0.2 + exponential(s.rng)) * p.regime_sec * SEC)


@jit
def pass_time(s: SynthState, p: Profile, dt_sec: float) -> None:
    """Move the value, and change phase and regime when their time has come."""
    step = p.sigma_bps * math.sqrt(dt_sec) / BPS * s.base_ticks
    s.base_ticks += step if uniform(s.rng) < 0.5 else -step
    s.base_ticks += (p.price_ticks - s.base_ticks) * min(dt_sec / p.pull_sec, 1.0)
    if s.phase == Phase.REVERT:
        s.push_bps -= (s.push_bps - s.rest_bps) * min(dt_sec / s.revert_sec, 1.0)
    else:
        s.push_bps += s.slope_bps * dt_sec
    if s.now_ns >= s.phase_end_ns:
        s.phase = next_phase(s, p)
        enter(s, p)
    if s.now_ns >= s.regime_end_ns:
        change_regime(s, p)
    if s.now_ns >= s.burst_end_ns and s.now_ns >= s.burst_start_ns:
        if s.burst_end_ns >= s.burst_start_ns:
            s.burst_start_ns = s.now_ns + int(exponential(s.rng) * p.burst_sec * SEC)
        else:
            s.burst_end_ns = s.now_ns + int(between(s.rng, 0.5, 3.0) * SEC)


@jit
def event_rate(s: SynthState, p: Profile) -> float:
    """Events per second right now."""
    rate = (p.requotes_per_sec + p.trades_per_sec) * RATE[s.phase]
    return rate * p.burst_rate if s.burst_start_ns <= s.now_ns < s.burst_end_ns else rate


@jit
def new_size(s: SynthState, p: Profile, is_bid: bool) -> int:
    """A fresh displayed size, at least one lot."""
    with_push = is_bid == (s.sign > 0.0)
    factor = WITH_SIZE[s.phase] if with_push else AGAINST_SIZE[s.phase]
    return 1 + int(p.depth_lots * factor * (0.4 + 0.6 * exponential(s.rng)))


@jit
def is_trade_due(s: SynthState, p: Profile) -> bool:
    """Whether the next event is a trade: pushes have more of them."""
    share = p.trades_per_sec / (p.requotes_per_sec + p.trades_per_sec)
    return uniform(s.rng) < (min(1.5 * share, 0.5) if s.phase == Phase.RISE or s.phase == Phase.CLIMAX else share)


@jit
def trade(s: SynthState, p: Profile, trades: NDArray[np.int64], count: int) -> int:
    """One aggressive order against the displayed book; returns the number of trades written so far."""
    share = BUY_SHARE[s.phase]
    is_buy = uniform(s.rng) < (share if s.sign > 0.0 else 1.0 - share)
    draw = exponential(s.rng)
    left = 1 + int(p.trade_lots * 0.5 * draw * draw)
    for _ in range(MAX_SWEEP):
        price = s.ask_ticks if is_buy else s.bid_ticks
        lots = min(left, s.ask_lots if is_buy else s.bid_lots)
        trades[count, 0] = s.now_ns
        trades[count, 1] = price
        trades[count, 2] = lots
        trades[count, 3] = 0 if is_buy else 1
        count += 1
        s.candle_lots += lots
        left -= lots
        take(s, p, is_buy, lots)
        if left == 0:
            break
    return count


@jit
def take(s: SynthState, p: Profile, is_buy: bool, lots: int) -> None:
    """Lower the displayed size; a used-up level gives way to the next."""
    if is_buy:
        s.ask_lots -= lots
        if s.ask_lots == 0:
            s.ask_ticks += 1 + below(s.rng, 2)
            s.ask_lots = new_size(s, p, False)
    else:
        s.bid_lots -= lots
        if s.bid_lots == 0:
            s.bid_ticks = max(s.bid_ticks - 1 - below(s.rng, 2), 1)
            s.bid_lots = new_size(s, p, True)


@jit
def requote(s: SynthState, p: Profile) -> None:
    """One side's maker answers: moves its price towards where the value wants it, else changes its size."""
    value = s.base_ticks * (1.0 + s.push_bps / BPS)
    half = value * s.half_spread_bps / BPS
    if uniform(s.rng) < 0.5:
        off = s.bid_ticks - (value - half)
        step = requote_step(s, off)
        s.bid_ticks = max(min(s.bid_ticks - step, s.ask_ticks - 1), 1)
        s.bid_lots = new_size(s, p, True) if step != 0 else blend(s, s.bid_lots, new_size(s, p, True))
    else:
        off = s.ask_ticks - (value + half)
        step = requote_step(s, off)
        s.ask_ticks = max(s.ask_ticks - step, s.bid_ticks + 1)
        s.ask_lots = new_size(s, p, False) if step != 0 else blend(s, s.ask_lots, new_size(s, p, False))


@jit
def requote_step(s: SynthState, off_ticks: float) -> int:
    """By how many ticks a quote that is off its place by so much comes down: part of the way, and nothing within a tick."""
    if abs(off_ticks) <= 1.0 or uniform(s.rng) < 0.25:
        return 0
    return int(math.floor(off_ticks * between(s.rng, 0.3, 1.0) + 0.5))


@jit
def blend(s: SynthState, old_lots: int, new_lots: int) -> int:
    """Sizes change by parts: orders come and go in the queue."""
    return max(int(old_lots + (new_lots - old_lots) * between(s.rng, 0.1, 0.7)), 1)


@jit
def write_quote(s: SynthState, quotes: NDArray[np.int64], count: int) -> int:
    """Append the book."""
    quotes[count, 0] = s.now_ns
    quotes[count, 1] = s.bid_ticks
    quotes[count, 2] = s.bid_lots
    quotes[count, 3] = s.ask_ticks
    quotes[count, 4] = s.ask_lots
    total = s.bid_ticks + s.ask_ticks
    s.candle_high = max(s.candle_high, total)
    s.candle_low = min(s.candle_low, total)
    return count + 1


@jit
def open_candle(s: SynthState) -> None:
    """Start a candle at the present mid."""
    total = s.bid_ticks + s.ask_ticks
    s.candle_open = total
    s.candle_high = total
    s.candle_low = total
    s.candle_lots = 0


@jit
def close_candles(s: SynthState, candles: NDArray[np.int64], count: int) -> int:
    """Write the minutes that have ended; the book as it stands is their close."""
    while s.candle_end_ns <= s.now_ns and count < len(candles):
        candles[count, 0] = s.candle_end_ns
        candles[count, 1] = s.candle_open
        candles[count, 2] = s.candle_high
        candles[count, 3] = s.candle_low
        candles[count, 4] = s.bid_ticks + s.ask_ticks
        candles[count, 5] = s.candle_lots
        count += 1
        s.candle_end_ns += MINUTE
        open_candle(s)
    return count


@jit
def walk_back(box: Box, profile_box: Box, first_end_ns: int, minute_sigma_bps: float, candles: NDArray[np.int64]) -> None:
    """Fill candles that lead up to where the market starts: a random walk of closes, drawn backwards from there."""
    s = box[0]
    close = profile_box[0].price_ticks
    for k in range(len(candles) - 1, -1, -1):
        # Three uniform draws on (-1, 1) have variance 1 together.
        draw = between(s.rng, -1.0, 1.0) + between(s.rng, -1.0, 1.0) + between(s.rng, -1.0, 1.0)
        begin = close * (1.0 - draw * minute_sigma_bps / BPS)
        reach = 0.3 * minute_sigma_bps / BPS * close
        candles[k, 0] = first_end_ns + k * MINUTE
        candles[k, 1] = int(2.0 * begin)
        candles[k, 2] = int(2.0 * (max(begin, close) + reach * exponential(s.rng)))
        candles[k, 3] = int(2.0 * (min(begin, close) - reach * uniform(s.rng)))
        candles[k, 4] = int(2.0 * close)
        candles[k, 5] = int(60.0 * profile_box[0].trades_per_sec * profile_box[0].trade_lots * exponential(s.rng))
        close = begin


@jit_loop
def run_market(
    box: Box,
    profile_box: Box,
    end_ns: int,
    max_rows: int,
    quotes: NDArray[np.int64],
    trades: NDArray[np.int64],
    candles: NDArray[np.int64],
    filled_box: Box,
) -> bool:
    """Fill the outputs until one is nearly full, `max_rows` quotes and trades are written or time is up; true when it is not up."""
    s = box[0]
    p = profile_box[0]
    filled = filled_box[0]
    n_quotes = 0
    n_trades = 0
    n_candles = 0
    goes_on = True
    while (
        n_quotes + n_trades < max_rows
        and n_quotes < len(quotes) - ROOM
        and n_trades < len(trades) - ROOM
        and n_candles < len(candles) - ROOM
    ):
        dt_ns = max(int(exponential(s.rng) / event_rate(s, p) * SEC) // US, 1) * US
        if s.now_ns + dt_ns >= end_ns:
            goes_on = False
            break
        s.now_ns += dt_ns
        n_candles = close_candles(s, candles, n_candles)
        pass_time(s, p, dt_ns / SEC)
        if is_trade_due(s, p):
            n_trades = trade(s, p, trades, n_trades)
        else:
            requote(s, p)
        n_quotes = write_quote(s, quotes, n_quotes)
    filled.quotes = n_quotes
    filled.trades = n_trades
    filled.candles = n_candles
    return goes_on
