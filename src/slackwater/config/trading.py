"""Sections that say how to trade: size and spacing, exits, risk, adaptation, the edge gate, recovery, execution."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slackwater.config.section import TEN_YEARS_SEC, Section, knob, require, seconds

TEN_YEARS_HOURS = TEN_YEARS_SEC / 3600


class Grid(Section):
    """Size and spacing of the layers."""

    min_notional: float = knob(50.0, "usd", "order size at the smallest spread", gt=0, le=1e9)
    max_notional: float = knob(80.0, "usd", "order size from three times the smallest spread on, and the largest layer", gt=0, le=1e9)
    max_layers: int = knob(32, "count", "entries of one position, the first included", ge=1, le=64)
    max_symbol_notional: float = knob(0.0, "usd", "position at cost plus working entries of one symbol; 0 is off", ge=0)
    spacing_growth: float = knob(
        2.0, "x", "each gap is this many times the one before, so that the grid reaches far with few layers", gt=0, le=100
    )
    size_growth: float = knob(
        1.5, "x", "each layer is this many times the one before, up to max_notional: it pulls the average up", gt=0, le=100
    )
    base_spacing_bps: float = knob(0.0, "bps", "first gap; 0 takes the largest of median spread, volatility and 5", ge=0, le=10_000)
    trend_spacing_scale: float = knob(
        0.0, "bps", "widen the gap by the rise over this: slower adds in a strong trend; 0 is off", ge=0, le=1e6
    )
    vol_normalize: bool = knob(True, "", "divide the first order's size by realised volatility: equal risk, not equal money")
    vol_floor_bps: float = knob(
        1.0, "bps", "below this volatility the division is left out: it would only reach the largest size", gt=0, le=10_000
    )
    cooldown_sec: float = seconds(2.0, "least time between two entries of a symbol; a tenth of a second is the least that counts")
    relief_start_bps: float = knob(35.0, "bps", "from this loss on, adds accept a narrower spread than min_spread_bps", ge=0, le=100_000)
    relief_full_bps: float = knob(500.0, "bps", "loss at which that relief is complete", gt=0, le=100_000)
    relief_floor: float = knob(0.15, "fraction", "least share of min_spread_bps that adds still ask", ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        start, full = self.relief_start_bps, self.relief_full_bps
        require(self.max_notional >= self.min_notional, "max_notional", f"min_notional ({self.min_notional:g}) or more", self.max_notional)
        require(full > start, "relief_full_bps", f"more than relief_start_bps ({start:g})", full)
        return self


class Exit(Section):
    """Where profit is taken, and when to give up."""

    tp_spread_mult: float = knob(1.2, "x", "target in median spreads: what crossing back and forth earns", ge=0, le=100)
    min_tp_profit_bps: float = knob(10.0, "bps", "least target, so that a narrow spread still leaves a profit after fees", ge=0, le=10_000)
    tp_decay_half_life_min: float = knob(
        30.0, "min", "the target falls to its floor over this age of a position; 0 is no decay", ge=0, le=TEN_YEARS_SEC / 60
    )
    tp_decay_floor: float = knob(0.5, "fraction", "share of the target that old positions still ask", ge=0, le=1)
    tp_vol_capture_ratio: float = knob(
        0.15, "fraction", "share of live volatility to aim for when that is more than the spread", ge=0, le=10
    )
    tp_vol_scale_cap: float = knob(50.0, "bps", "largest target from volatility", ge=0, le=10_000)
    tp_mode: Literal["auto", "fast", "vol"] = knob("auto", "", "fast allows fast_tp, vol does not, auto is vol above tp_mode_notional")
    tp_mode_notional: float = knob(0.0, "usd", "position from which auto means vol; 0 takes grid.max_notional", ge=0)
    fast_tp_ti: float = knob(-0.25, "ratio", "trade imbalance of 500 ms below which a fall is taken at once", ge=-1, le=1)
    min_fast_tp_bps: float = knob(
        -10.0, "bps", "return at the ask at or below which fast_tp may fire; negative is a gain", ge=-10_000, le=10_000
    )
    stop_loss_bps: float = knob(0.0, "bps", "net loss that closes the position; 0 is off, and losses are then open-ended", ge=0, le=100_000)
    max_age_sec: float = seconds(0.0, "age at which a position is closed; 0 is off")


class InverseTp(Section):
    """Unwinding a deep position in zones that mirror the grid."""

    enabled: bool = knob(True, "", "false rests one take-profit over the whole position, however deep")
    min_layers: int = knob(3, "count", "layers held from which the zones are armed", ge=1, le=64)
    max_zones: int = knob(5, "count", "parts a position is given back in", ge=1, le=16)
    time_cap_sec: float = seconds(1800.0, "an unwinding older than this closes the rest", gt=0)
    max_zone_bps: float = knob(
        2000.0, "bps", "furthest zone below the average entry: a growing grid mirrors to prices never seen", gt=0, lt=10_000
    )
    give_up_bps: float = knob(
        10.0, "bps", "rise above the average at which unwinding ends and the position rests as usual", ge=0, le=10_000
    )


class Risk(Section):
    """Pauses and halts after losses."""

    max_drawdown_usd: float = knob(0.0, "usd", "fall of a symbol's equity from its peak that closes and halts it; 0 is off", ge=0)
    max_loss_bps: float = knob(500.0, "bps", "sum of losing closes that trips the breaker", gt=0, le=1e6)
    circuit_pause_sec: float = seconds(120.0, "first pause of the breaker, doubled at every further trip up to a day", le=86_400)
    cooldown_steps_sec: tuple[Annotated[float, Field(ge=0, le=TEN_YEARS_SEC)], ...] = knob(
        (8.0, 30.0, 90.0, 300.0),
        "s",
        "pause after a close, longer with every loss in a row: one bad market gives many",
        min_length=1,
        max_length=16,
    )


class Dynamic(Section):
    """Adaptation to how recent closes went."""

    enabled: bool = knob(True, "", "false uses the configured values as they are")
    behavior_lookback: int = knob(120, "count", "closes that are looked at", ge=1, le=512)
    behavior_max_age_hours: float = knob(
        24.0, "h", "older closes are forgotten, or a bad day would bar trading for ever; 0 never", ge=0, le=TEN_YEARS_HOURS
    )
    dup_gap_sec: float = seconds(30.0, "two entries filled within this time at nearly one price count as duplicates")
    dup_gap_spread_frac: float = knob(0.5, "fraction", "what nearly one price means, in median spreads", ge=0, le=100)


class Edge(Section):
    """The last gate: the lower bound of what a trade should earn must pay for it."""

    min_edge_bps: float = knob(2.0, "bps", "least lower bound of the edge after all costs", ge=-10_000, le=10_000)
    exec_buffer_bps: float = knob(0.3, "bps", "cost nobody models, and the uncertainty while samples are few", ge=0, le=10_000)
    default_slippage_bps: float = knob(0.5, "bps", "slippage of an exit while samples are few", ge=0, le=10_000)
    slippage_percentile: float = knob(
        70.0, "%", "percentile of past exit slippage taken as its estimate: a little worse than usual", ge=0, le=100
    )
    uncertainty_z: float = knob(0.75, "std", "standard deviations of past results that are held back", ge=0, le=10)
    uncertainty_winsor_bps: float = knob(
        30.0, "bps", "results beyond it count as it, so that one close does not rule the estimate", gt=0, le=10_000
    )
    uncertainty_max_bps: float = knob(60.0, "bps", "most that is held back", ge=0, le=10_000)
    uncertainty_cap_frac: float = knob(
        0.75, "fraction", "share of a positive edge that uncertainty may take: it warns, it does not forbid", ge=0, le=1
    )
    min_samples: int = knob(5, "count", "closes from which estimates are used instead of defaults", ge=1, le=512)
    signal_slope_bps: float = knob(1.0, "bps", "edge added per point of signal strength above its threshold", ge=0, le=1000)
    trend_weight: float = knob(0.2, "fraction", "share of a positive 2 s return charged as the risk of a pump still running", ge=0, le=10)
    spread_weight: float = knob(0.1, "fraction", "share of the spread above its median charged as the risk that it stays", ge=0, le=10)


class Recovery(Section):
    """Earning realised losses back, a little from every later trade."""

    enabled: bool = knob(True, "", "false keeps no hurdle: past losses do not shape new trades")
    paydown_ratio: float = knob(0.25, "fraction", "share of the debt one trade should earn back", ge=0, le=1)
    max_paydown_bps: float = knob(25.0, "bps", "largest hurdle: more could never be earned by one trade", ge=0, le=10_000)
    debt_cap_usd: float = knob(75.0, "usd", "largest debt; the oldest part gives way; 0 is no cap", ge=0)
    lookback_hours: float = knob(
        24.0, "h", "age at which a loss lapses; 0 never, and one large loss may then end trading", ge=0, le=TEN_YEARS_HOURS
    )
    avg_enabled: bool = knob(True, "", "guard adds by the four settings below")
    avg_min_unrealized_bps: float = knob(35.0, "bps", "least open loss that deserves an add", ge=0, le=100_000)
    avg_min_hurdle_improve_bps: float = knob(0.75, "bps", "in debt, an add must lower the hurdle by this much", ge=0, le=10_000)
    avg_cooldown_sec: float = seconds(20.0, "least time between two adds of a position; 0 is off")
    avg_max_adds_per_hour: int = knob(8, "count", "most adds of a symbol in an hour; 0 is off", ge=0, le=64)


class Orphans(Section):
    """Positions that a restart finds."""

    adopt: bool = knob(True, "", "take over positions of traded symbols that the snapshot does not explain; not used yet")
    recovery_only: bool = knob(False, "", "only unwind what is there: no entries and no adds")


class Stealth(Section):
    """How an order is cut into slices that do not show."""

    max_l1_fraction: float = knob(
        0.5, "fraction", "largest share of the smallest touch of the last minute that one slice may be", gt=0, le=10
    )
    max_ticks: int = knob(5, "count", "ticks away from the market over which slices spread", ge=1, le=100)
    always_split: bool = knob(True, "", "split small orders too: a lone round order is easy to see")
    min_slices: int = knob(2, "count", "fewest slices of a split order", ge=1, le=5)
    max_slices: int = knob(5, "count", "most slices of an order", ge=1, le=5)

    @model_validator(mode="after")
    def _check(self) -> Self:
        require(self.max_slices >= self.min_slices, "max_slices", f"min_slices ({self.min_slices}) or more", self.max_slices)
        return self


class Execution(Section):
    """How orders are worked."""

    amend_interval_sec: float = seconds(0.5, "least time between two amends of an order: venues count them and they lose the queue")
    entry_max_age_sec: float = seconds(8.0, "a working entry older than this is cancelled: its signal is gone", gt=0)
    entry_signal_grace_sec: float = seconds(2.0, "a first entry is not cancelled for its signal before this age")
    entry_keep_pump: float = knob(1.0, "score", "a first entry keeps working while pump_score is above it", ge=-100, le=100)
    max_chase_bps: float = knob(
        5.0, "bps", "an entry is not followed further down than this: the fall has begun without us", ge=0, le=10_000
    )
    maker_exit_wait_ms: float = knob(200.0, "ms", "time a close rests as maker before it takes", ge=0, le=60_000)
    fast_tp_max_age_sec: float = seconds(1.2, "a fast_tp not sent by this age is dropped: its moment is over")
    post_only_retries: int = knob(3, "count", "times a slice refused as crossing is sent again", ge=0, le=100)
    answer_timeout_ms: float = knob(2000.0, "ms", "silence after which an order is asked for and blocks its symbol", gt=0, le=600_000)
