"""Candles of three time frames, from the tape or built from mids, and the volatility of their closes."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.schema.market import CANDLE_SLOTS, CandleFrame, MarketState
from slackwater.schema.params import TIME_FRAMES, SignalParams, VolUnits
from slackwater.schema.units import BPS, MINUTE, NEVER_NS

CANDLE_MASK = CANDLE_SLOTS - 1
MIN_RETURNS = 2
STEADY = 1e-3  # returns that vary less than this around their mean would drown in the rounding of a difference


@jit
def push_candle(frame: CandleFrame, close: float, end_ns: int) -> None:
    """Append a closed candle."""
    n = frame.n
    candle = frame.candles[n & CANDLE_MASK]
    before = frame.candles[(n - 1) & CANDLE_MASK].close
    candle.log_return = math.log(close / before) if n > 0 and close != before else 0.0
    candle.end_ns = end_ns
    candle.close = close
    frame.back_sum += candle.log_return * candle.log_return
    frame.n = n + 1


@jit
def use_tape_candles(m: MarketState, tf: int) -> None:
    """Say that the tape brings frame `tf`'s candles, so that none are built from mids; what was built is forgotten."""
    frame = m.frames[tf]
    if not frame.from_tape:
        frame.from_tape = True
        frame.n = 0
        frame.tail = 0
        frame.front_end = 0
        frame.back_sum = 0.0


@jit
def apply_candle(m: MarketState, tf: int, close: float, end_ns: int) -> bool:
    """Take a candle of the tape; false, and counted, when its close makes no sense or its end is not later than the last one's.

    From the first on its frame is the tape's, as `use_tape_candles` says before the first.
    """
    use_tape_candles(m, tf)
    frame = m.frames[tf]
    late = frame.n > 0 and end_ns <= frame.candles[(frame.n - 1) & CANDLE_MASK].end_ns
    if late or not (close > 0.0 and close < math.inf):
        m.rejected_candles += 1
        return False
    push_candle(frame, close, end_ns)
    return True


@jit
def close_candles(m: MarketState, sp: SignalParams, now_ns: int) -> None:
    """Close every candle whose end is not after this book, at the mid before it; an empty one repeats the close before it."""
    next_ns = NEVER_NS
    for tf in range(TIME_FRAMES):
        frame = m.frames[tf]
        if frame.from_tape:
            continue
        length_ns = sp.tf_ns[tf]
        if m.n_books > 0:
            # Of a gap longer than the ring only the end can matter.
            frame.end_ns = max(frame.end_ns, (now_ns // length_ns - CANDLE_SLOTS) * length_ns)
            while frame.end_ns <= now_ns:
                push_candle(frame, m.mid, frame.end_ns)
                frame.end_ns += length_ns
        else:
            frame.end_ns = (now_ns // length_ns + 1) * length_ns
        next_ns = min(next_ns, frame.end_ns)
    m.next_candle_ns = next_ns


@jit
def squares_from(frame: CandleFrame, first: int) -> float:
    """Sum of the squared log returns of candles `first` (which never goes back) and later.

    A queue of two parts, so that nothing is ever subtracted: a candle of the front part holds the sum from itself to that part's end.
    """
    n = frame.n
    if first >= frame.front_end:
        total = 0.0
        for k in range(n - 1, first - 1, -1):
            candle = frame.candles[k & CANDLE_MASK]
            total += candle.log_return * candle.log_return
            candle.squares = total
        frame.front_end = n
        frame.back_sum = 0.0
    front = frame.candles[first & CANDLE_MASK].squares if first < frame.front_end else 0.0
    return front + frame.back_sum


@jit
def squared_deviations(frame: CandleFrame, first: int, mean: float) -> float:
    """Sum of the squared deviations from `mean` of the log returns of candles `first` and later."""
    total = 0.0
    for k in range(first, frame.n):
        d = frame.candles[k & CANDLE_MASK].log_return - mean
        total += d * d
    return total


@jit
def frame_vol_bps(frame: CandleFrame, after_ns: int) -> float:
    """Population standard deviation of the log returns of the closes that end after `after_ns`, bps; 0 with fewer than two returns."""
    n = frame.n
    tail = max(frame.tail, n - CANDLE_SLOTS)
    while tail < n and frame.candles[tail & CANDLE_MASK].end_ns <= after_ns:
        tail += 1
    frame.tail = tail
    count = n - tail - 1
    if count < MIN_RETURNS:
        return 0.0
    # The returns' sum telescopes.
    mean = math.log(frame.candles[(n - 1) & CANDLE_MASK].close / frame.candles[tail & CANDLE_MASK].close) / count
    var = squares_from(frame, tail + 1) / count - mean * mean
    if var < STEADY * mean * mean:
        var = squared_deviations(frame, tail + 1, mean) / count
    return math.sqrt(var) * BPS


@jit
def candle_vol_bps(m: MarketState, sp: SignalParams, now_ns: int) -> float:
    """Weighted volatility over the frames that have one, bps (of a minute with those units); 0 when none has."""
    total = 0.0
    weights = 0.0
    for tf in range(TIME_FRAMES):
        vol = frame_vol_bps(m.frames[tf], now_ns - sp.tf_look_back_ns[tf])
        if vol > 0.0:
            if sp.vol_units == VolUnits.MINUTE:
                vol = vol / math.sqrt(sp.tf_ns[tf] / MINUTE)
            total += sp.tf_weight[tf] * vol
            weights += sp.tf_weight[tf]
    return total / weights if weights > 0.0 else 0.0
