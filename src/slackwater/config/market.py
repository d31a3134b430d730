"""Sections that say what is looked at: session, account, symbols, signals, volatility, and the simulated venue."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from slackwater.config.section import Duration, Section, duration_sec, knob, require, seconds

MAX_CANDLES = 1000  # a frame's look-back in candles; the machine's candle rings are this long
MIN_CANDLES = 3  # two returns, the least that has a deviation


class Session(Section):
    """One run as a whole."""

    duration_sec: float = seconds(0.0, "stop a paper or live session after this long; 0 runs until it is stopped")
    keep_positions: bool = knob(
        True, "", "leave an open position open at the end; false closes it at the last book, so that a run ends in realised figures"
    )
    seed: int = knob(1, "count", "start of all randomness (slicing, latency): the same seed gives the same orders", ge=0, le=2**63 - 1)


class Account(Section):
    """Money behind the trades: isolated margin, which the simulated venue gives to each symbol by itself."""

    balance: float = knob(
        2000.0,
        "usd",
        "margin of each symbol; an entry order whose position would need more is refused at the simulated venue",
        gt=0,
        le=1e12,
    )
    leverage: float = knob(1.0, "x", "the venue liquidates sooner the higher it is; 1 leaves the most room to average", ge=1, le=125)


class Scanner(Section):
    """Which symbols a live session trades. Not used yet: back-tests run the symbols of their tape."""

    top_n: int = knob(50, "count", "the strongest risers to watch; each costs streams and processor time", ge=1, le=500)
    min_change_pct: float = knob(3.0, "%", "least rise over 24 h: pumps are found among symbols that already move", ge=-100, le=10_000)
    min_quote_volume: float = knob(5_000_000.0, "usd", "least turnover over 24 h: below it our own orders are the market", ge=0)
    rotation_interval_sec: float = seconds(0.0, "choose the symbols anew after this long; 0 keeps the first choice")
    symbols: tuple[str, ...] = knob((), "", "trade exactly these instead of scanning; empty scans")
    blacklist: tuple[str, ...] = knob(
        ("COINUSDT", "MSTRUSDT", "TSLAUSDT", "AMZNUSDT", "SPXUSDT", "XAUUSDT", "XAGUSDT"),
        "",
        "never chosen by the scanner: stocks, indices and metals rise on news and do not fall back like pumps",
    )


class Portfolio(Section):
    """Limits over all symbols."""

    max_total_notional: float = knob(2000.0, "usd", "positions at cost plus working entries of all symbols; an order beyond it waits", gt=0)


class Fees(Section):
    """What the venue charges, as a fraction of notional. Live sessions take the account's own and say when they differ."""

    maker: float = knob(0.000252, "fraction", "fee of a resting fill; negative is a rebate", ge=-0.01, le=0.05)
    taker: float = knob(0.000336, "fraction", "fee of a fill that takes", ge=0, le=0.05)

    @model_validator(mode="after")
    def _check(self) -> Self:
        require(self.maker + self.taker >= 0, "maker", "a rebate no larger than the taker fee", self.maker)
        return self


class FrameWeights(Section):
    """What each time frame counts in the baseline. A frame left out keeps its default; 0 leaves it out of the mean."""

    m1: float = Field(default=0.5, alias="1m", ge=0, le=1e6)
    m5: float = Field(default=0.3, alias="5m", ge=0, le=1e6)
    m15: float = Field(default=0.2, alias="15m", ge=0, le=1e6)


class FrameLookbacks(Section):
    """How far back each time frame looks, 3 to 1000 of its candles."""

    m1: Duration = Field(default="6h", alias="1m")
    m5: Duration = Field(default="2d", alias="5m")
    m15: Duration = Field(default="7d", alias="15m")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, candle_sec, text in (("1m", 60, self.m1), ("5m", 300, self.m5), ("15m", 900, self.m15)):
            fits = MIN_CANDLES * candle_sec <= duration_sec(text) <= MAX_CANDLES * candle_sec
            require(fits, name, f"{MIN_CANDLES}..{MAX_CANDLES} candles of {name}", text)
        return self


class Volatility(Section):
    """The volatility regime: how wide the grid breathes."""

    drift_enabled: bool = knob(True, "", "use candles for the baseline; false compares live volatility with itself only")
    units: Literal["minute", "v7"] = knob(
        "minute", "", "bring live and baseline to one minute before comparing them; v7 compares them as they are, as V7 did"
    )
    refresh_sec: float = seconds(120.0, "compute the baseline again after this long: candles change slowly")
    live_weight: float = knob(0.45, "fraction", "share of live volatility in the blend; the rest is the baseline", ge=0, le=1)
    live_half_life_sec: float = seconds(5.0, "memory of live volatility: long enough to ignore one print", gt=0)
    drift_min: float = knob(0.8, "x", "least factor on the spacing growth: a calm minute must not close the grid up", gt=0, le=100)
    drift_max: float = knob(3.0, "x", "largest factor on the spacing growth", gt=0, le=100)
    tail_mult: float = knob(2.2, "x", "volatility this many times the baseline is a heavy tail and stops adds for a while", gt=0, le=1000)
    tail_cooldown_sec: float = seconds(20.0, "pause of adds in a heavy tail, up to three times as long the heavier it is")
    tf_weights: FrameWeights = knob(FrameWeights(), "weight", "share of each candle length in the baseline; the sum need not be 1")
    tf_lookbacks: FrameLookbacks = knob(
        FrameLookbacks(), "duration", "how far back each candle length looks: recent days, not a whole regime"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        require(self.drift_max >= self.drift_min, "drift_max", f"drift_min ({self.drift_min:g}) or more", self.drift_max)
        weights = self.tf_weights
        total = weights.m1 + weights.m5 + weights.m15
        require(total > 0 or not self.drift_enabled, "tf_weights", "a sum of more than 0 with drift_enabled", total)
        return self


class Signals(Section):
    """When a pump counts as exhausted: the gates of a first entry, and the features behind them."""

    min_spread_bps: float = knob(7.0, "bps", "a narrower spread does not pay the fees of a round trip", ge=0, le=10_000)
    max_spread_bps: float = knob(40.0, "bps", "a wider spread is a broken book", ge=0, le=10_000)
    pump_threshold: float = knob(
        2.0, "score", "pump_score must be above it: returns, imbalance and displacement stand out upwards", ge=-100, le=100
    )
    exhaust_threshold: float = knob(1.0, "score", "exhaust_score must be above it: buying has just weakened", ge=-100, le=100)
    max_trend_bps: float = knob(12.0, "bps", "a 2 s return above it is a pump still running", ge=-10_000, le=10_000)
    max_trend_30s_bps: float = knob(30.0, "bps", "a 30 s move beyond it, up or down, is news and not a pump; 0 is off", ge=0, le=10_000)
    max_buy_ratio: float = knob(
        1.0,
        "fraction",
        "buyers' share of 2 s of trades must not exceed it; 1 is off, and on sparse tapes 0.72 excludes nearly every pump",
        ge=0,
        le=2,
    )
    waterfall_vol_threshold: float = knob(
        3.0, "score", "a fresh fall of more than so many volatilities blocks entries: it is too late to sell", gt=0, le=1e6
    )
    waterfall_decay_sec: float = seconds(30.0, "half-life of that block after the high", gt=0)
    warmup_sec: float = seconds(30.0, "no entries for this long after a symbol's first event: windows and z-scores are still filling")
    resume_context_rewarm_sec: float = seconds(
        30.0, "no entries or adds for this long after a restart: the market moved meanwhile; exits work"
    )
    z_clock: Literal["updates", "time"] = knob(
        "updates", "", "half-lives count 0.1 s per update, as the thresholds were tuned, or true time"
    )
    md_norm: Literal["spread", "mid"] = knob("spread", "", "microprice displacement as a share of the spread, or in bps of the mid")
    z_clamp: float = knob(5.0, "std", "a z-score beyond it is bad data, not a stronger signal", gt=0, le=1000)
    half_life_sec: float = seconds(5.0, "memory of the z-scores of return, imbalance and displacement", gt=0)
    delta_half_life_sec: float = seconds(3.0, "memory of the z-scores of the changes that show exhaustion", gt=0)
    delta_spacing_ms: float = knob(50.0, "ms", "least time between two samples of those changes: faster ones are noise", ge=0, le=60_000)
    weight_ret: float = knob(0.4, "weight", "2 s return in pump_score", ge=-100, le=100)
    weight_ti: float = knob(0.8, "weight", "2 s trade imbalance in pump_score: the strongest of the three", ge=-100, le=100)
    weight_md: float = knob(0.6, "weight", "microprice displacement in pump_score", ge=-100, le=100)

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.min_spread_bps, self.max_spread_bps
        require(high >= low, "max_spread_bps", f"min_spread_bps ({low:g}) or more", high)
        return self


class Sim(Section):
    """The simulated venue of back-tests and paper trading."""

    queue_model: Literal["pessimistic", "proportional", "optimistic"] = knob(
        "proportional", "", "who cancelled when the queue shrinks: those behind us, by share, or those in front; the report shows all three"
    )
    feed_latency_ms: float = knob(2.0, "ms", "from the venue's book to us, where the tape does not say", ge=0, le=60_000)
    latency_model: Literal["constant", "lognormal", "recorded"] = knob(
        "constant", "", "delays of orders and answers: always the same, scattered about their median, or drawn from latency_file"
    )
    entry_latency_ms: float = knob(
        5.0, "ms", "from us to the venue, for every order, amend and cancel; the median if log-normal", ge=0, le=60_000
    )
    entry_latency_sigma: float = knob(0.5, "log", "scatter of a log-normal entry latency: two in three within a factor e^sigma", ge=0, le=3)
    response_latency_ms: float = knob(5.0, "ms", "from the venue's answer to us; the median if log-normal", ge=0, le=60_000)
    response_latency_sigma: float = knob(0.5, "log", "scatter of a log-normal response latency", ge=0, le=3)
    latency_file: str = knob(
        "", "", "Parquet or CSV with columns entry_ms, response_ms, for the recorded model; a path from this file's folder"
    )
    depth_decay: float = knob(0.5, "fraction", "size of each further tick behind the touch, which the tape does not show", ge=0, le=1)
    max_slippage_bps: float = knob(50.0, "bps", "a market order stops here and reports the rest unfilled", ge=0, le=10_000)
    maintenance_rate: float = knob(
        0.01, "fraction", "share of notional that must remain as margin, or the position is liquidated", ge=0, lt=1
    )
    # Binance USD-M states it per symbol as `liquidationFee` in its exchangeInfo, and it differs by symbol and year.
    liquidation_fee: float = knob(0.0125, "fraction", "charged on a liquidated position beside the taker fee", ge=0, le=0.5)
    reject_prob: float = knob(0.0, "fraction", "fault: share of new orders and modifies refused for no reason of their own", ge=0, le=1)
    lost_answer_prob: float = knob(
        0.0, "fraction", "fault: share of acknowledgements and fills that never reach us; a query finds out", ge=0, le=1
    )
    late_answer_prob: float = knob(0.0, "fraction", "fault: share of answers that come late and out of order", ge=0, le=1)
    late_answer_ms: float = knob(1000.0, "ms", "fault: how much later those come", ge=0, le=60_000)
    duplicate_prob: float = knob(0.0, "fraction", "fault: share of answers that come twice", ge=0, le=1)
    stall_every_sec: float = seconds(0.0, "fault: the feed stands still this often and then delivers all it held; 0 never")
    stall_sec: float = seconds(0.0, "fault: how long it stands still")
    outage_every_sec: float = seconds(0.0, "fault: the venue refuses every request this often, while resting orders stay; 0 never")
    outage_sec: float = seconds(0.0, "fault: how long it does")

    @model_validator(mode="after")
    def _check(self) -> Self:
        has_file = self.latency_model != "recorded" or self.latency_file != ""
        require(has_file, "latency_file", "a file for latency_model recorded", "none")
        for name, every_sec, length_sec in (
            ("stall_sec", self.stall_every_sec, self.stall_sec),
            ("outage_sec", self.outage_every_sec, self.outage_sec),
        ):
            require(
                every_sec == 0 or length_sec <= every_sec, name, f"at most {name.replace('_sec', '_every_sec')} ({every_sec:g})", length_sec
            )
        return self
