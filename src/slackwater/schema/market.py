"""What is remembered about one symbol's market: books, trades and candles only, never anything about our trading.

A zeroed `MarketState` is a fresh one. Rings have power-of-two sizes and are indexed by running counts, masked; sizes are for ten times
a burst of 12,500 events a minute. What does not fit gives way and is counted in `ring_overflows`.
"""

from __future__ import annotations

from typing import Annotated

from slackwater.kernel.record import Record, Vec, f64, flag, i32, i64
from slackwater.schema.params import TIME_FRAMES

TRADE_SLOTS = 32_768  # 2 s
RUN_SLOTS = 65_536  # 30 s of mid changes
DEPTH_SLOTS = 131_072  # 60 s
DEPTH_BLOCK_BITS = 6
DEPTH_BLOCKS = DEPTH_SLOTS >> DEPTH_BLOCK_BITS
SPREAD_WINDOW = 500  # books
SPREAD_SLOTS = 8_192  # runs: the window plus the books that may come before somebody asks for its median, each with its own
BINNED_SLOTS = 512  # runs; no less than the window
SPREAD_BINS = 32_768
SPREAD_BINS_PER_BPS = 512.0  # so fine that a bin holds few spreads; the last one takes everything from 64 bps up
CANDLE_SLOTS = 1_024  # bounds look-back / time frame


class ZTracker(Record):
    """Exponential mean and variance of one feature; the score is computed from them when asked."""

    average: f64
    variance: f64  # 1 before the first update
    d: f64  # last value minus the average after it


class TradeEntry(Record):
    """One trade, with the running sums just before it: a window's sum is a difference of two of them."""

    ts_ns: i64
    flow_before: i64  # lots bought minus lots sold by aggressors
    volume_before: i64  # lots traded
    log_return: f64  # log of this price over the previous trade's


class MidRun(Record):
    """Consecutive books with one mid. The newest run's `last_ns` is the state's `book_ns` until it ends."""

    first_ns: i64
    last_ns: i64
    mid: f64
    square: f64  # squared log return into this run; once it is in the front part of the sliding sum, the sum from here to that part's end


class HighEntry(Record):
    """A run that no later run exceeds."""

    mid: f64
    run: i64  # running number of the run


class DepthEntry(Record):
    """Sizes at the touch of one book."""

    ts_ns: i64
    bid_lots: i64
    ask_lots: i64


class DepthBlock(Record):
    """Smallest positive sizes of a block of books; NEVER_NS when there is none."""

    bid_lots: i64
    ask_lots: i64


class SpreadRun(Record):
    """Consecutive books with one spread."""

    first_book: i64  # running number of its first book
    spread_bps: f64
    next_run: i64  # in its bin


class SpreadBin(Record):
    """Books of the window with about equal spreads: their number, and their runs, oldest first, as a list through `SpreadRun.next_run`."""

    count: i64
    first_run: i64
    last_run: i64


class ScratchRun(Record):
    """A run of the bin that is searched for the median."""

    spread_bps: f64
    books: i64


class Candle(Record):
    """One closed candle."""

    end_ns: i64
    close: f64
    log_return: f64  # from the candle before; 0 for the first
    squares: f64  # in the front part of the sliding sum: squared returns from this candle to that part's end


class CandleFrame(Record):
    """Closed candles of one time frame and the one that is being built."""

    n: i64  # candles closed so far
    tail: i64  # first candle within the look-back
    front_end: i64  # candles before this one are the front part of the sliding sum
    back_sum: f64  # squared returns of the later ones
    end_ns: i64  # when the candle being built ends; 0 before the first book
    from_tape: flag  # the tape brings this frame's candles, so none are built
    candles: Annotated[Vec[Candle], CANDLE_SLOTS]


class MarketState(Record):
    """One symbol's market. Fields without a remark are as of the last valid book."""

    # counts
    n_books: i64  # valid books so far
    n_trades: i64  # valid trades so far
    rejected_books: i64
    rejected_trades: i64
    rejected_candles: i64
    ring_overflows: i64  # entries that gave way while still in their window
    first_ns: i64  # time of the first valid event
    started: flag
    due_ns: i64  # when a book next brings more than itself: the first one, the end of a candle, a look at the volatility
    # the last valid book
    book_ns: i64
    bid_ticks: i64
    bid_lots: i64
    ask_ticks: i64
    ask_lots: i64
    bid: f64
    ask: f64
    mid: f64
    spread_bps: f64
    qi: f64
    micro_price: f64
    md: f64
    ret_2s: f64
    flow_2s: i64  # lots bought minus lots sold
    volume_2s: i64
    ti_2s: f64
    # trackers
    z_ret_2s: ZTracker  # this and the next two are updated at every book
    z_ti_2s: ZTracker
    z_md: ZTracker
    z_neg_dti: ZTracker
    z_neg_dqi: ZTracker
    n_dti: i64  # samples so far
    n_dqi: i64
    dti_ns: i64  # time of the last sample
    dqi_ns: i64
    gain: f64  # of an update after 0.1 s, half-life of the first three trackers
    gain_delta: f64  # likewise, of the last two
    live_rate: f64  # of the live volatility, per ns of a base e
    sampled_ti: f64  # previous samples
    sampled_qi: f64
    # trades: totals as of the last trade, tails as of the last question
    flow_lots: i64
    volume_lots: i64
    trade_ticks: i64  # last trade's price
    tail_2s: i64
    tail_1s: i64
    tail_500ms: i64
    tail_300ms: i64
    rv_1s: f64  # as of `tail_1s` and the trade count below
    rv_1s_at: i64
    # mids
    n_runs: i64
    run_tail_2s: i64
    run_tail_30s: i64
    change_tail: i64  # first mid change of the last second
    change_front_end: i64  # runs before this hold sums, later ones hold squares
    change_back_sum: f64  # squares of the runs from there on
    rv_mid_1s: f64
    mids_due_ns: i64  # after this a mid leaves the 1 s or the 2 s window
    high_front: i64
    high_back: i64
    # spreads
    median_at: i64  # `n_books` when a median was last due; 0 is never
    median_due_ns: i64  # when that was
    median_known_at: i64  # `median_at` of the median below
    median_spread_bps: f64  # found when last asked for: read it through `spreads.median_spread_bps`
    n_spread_runs: i64
    binned_from: i64  # the books in the bins: from here, before there
    binned_to: i64
    first_binned_run: i64  # the runs in the bins: from here, before there
    next_binned_run: i64
    median_bin: i64  # where the last median was found
    below_bin: i64  # books in the bins before it
    has_zero_spread: flag  # a book so far had bid == ask
    # volatility regime
    volatility_ns: i64  # last computation of `candle_vol_bps`
    next_candle_ns: i64  # first end of a candle being built
    candle_vol_bps: f64  # from candles; 0 is none yet
    live_ema: f64
    baseline_bps: f64  # `candle_vol_bps`, or what stands in for it
    live_bps: f64  # `live_ema`, or what stands in for it
    blended_bps: f64
    drift_clamped: flag  # drift_mult is at a limit
    regime_ns: i64  # time between books so far
    clamped_ns: i64  # of it with drift_mult at a limit
    # rings
    trades: Annotated[Vec[TradeEntry], TRADE_SLOTS]
    runs: Annotated[Vec[MidRun], RUN_SLOTS]
    highs: Annotated[Vec[HighEntry], RUN_SLOTS]
    depths: Annotated[Vec[DepthEntry], DEPTH_SLOTS]
    depth_blocks: Annotated[Vec[DepthBlock], DEPTH_BLOCKS]
    spread_runs: Annotated[Vec[SpreadRun], SPREAD_SLOTS]
    spread_bins: Annotated[Vec[SpreadBin], SPREAD_BINS]
    spread_bin_of: Annotated[Vec[i32], BINNED_SLOTS]  # by running number of the run, masked: the bin it went to
    spread_scratch: Annotated[Vec[ScratchRun], SPREAD_WINDOW]
    frames: Annotated[Vec[CandleFrame], TIME_FRAMES]
