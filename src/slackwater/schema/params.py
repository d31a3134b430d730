"""The configuration as compiled code reads it: numbers only, times in nanoseconds, one record for all symbols."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Record, Vec, f64, flag, i64, u8

TIME_FRAMES = 3  # 1m, 5m, 15m
MAX_COOLDOWN_STEPS = 16


class ZClock(IntEnum):
    """What a z-score's half-life runs on."""

    UPDATES = 0
    TIME = 1


class MdNorm(IntEnum):
    """What the microprice displacement is measured in."""

    SPREAD = 0
    MID = 1


class VolUnits(IntEnum):
    """What baseline and live volatility are brought to before they are compared."""

    MINUTE = 0
    V7 = 1


class TpMode(IntEnum):
    """Which active take-profits are allowed."""

    AUTO = 0
    FAST = 1
    VOL = 2


class QueueModel(IntEnum):
    """How much of a cancelled queue stood in front of us."""

    PESSIMISTIC = 0
    PROPORTIONAL = 1
    OPTIMISTIC = 2


class LatencyModel(IntEnum):
    """Where the delays to and from the venue come from."""

    CONSTANT = 0
    LOGNORMAL = 1
    RECORDED = 2


class SignalParams(Record):
    """Everything that shapes signals and the volatility regime: two runs with equal bytes here have equal features."""

    z_clock: u8  # ZClock
    md_norm: u8  # MdNorm
    vol_units: u8  # VolUnits
    drift_enabled: flag
    z_clamp: f64
    half_life_sec: f64
    delta_half_life_sec: f64
    delta_spacing_ns: i64
    weight_ret: f64
    weight_ti: f64
    weight_md: f64
    waterfall_decay_sec: f64
    refresh_ns: i64  # baseline volatility is computed again after this
    live_weight: f64
    live_half_life_sec: f64
    drift_min: f64
    drift_max: f64
    tail_mult: f64
    tf_ns: Annotated[Vec[i64], TIME_FRAMES]  # length of a candle
    tf_weight: Annotated[Vec[f64], TIME_FRAMES]
    tf_look_back_ns: Annotated[Vec[i64], TIME_FRAMES]


class Params(Record):
    """One run's configuration. Names are those of `config.yaml`; a switch has its section's name in front."""

    signals: SignalParams
    # session
    keep_positions: flag
    # account, portfolio, fees
    balance_usd: f64  # margin that each symbol has for itself
    leverage: f64
    max_total_notional_usd: f64
    maker_fee: f64  # fraction of notional
    taker_fee: f64
    # grid
    min_notional_usd: f64
    max_notional_usd: f64
    max_layers: i64
    max_symbol_notional_usd: f64  # 0 is off
    spacing_growth: f64
    size_growth: f64
    base_spacing_bps: f64  # 0: adaptive
    trend_spacing_scale: f64
    vol_normalize: flag
    vol_floor_bps: f64
    cooldown_sec: f64
    relief_start_bps: f64
    relief_full_bps: f64
    relief_floor: f64
    # volatility
    tail_cooldown_ns: i64
    # signals (gates)
    min_spread_bps: f64
    max_spread_bps: f64
    pump_threshold: f64
    exhaust_threshold: f64
    max_trend_bps: f64
    max_trend_30s_bps: f64  # 0 is off
    max_buy_ratio: f64  # 1 and more is off
    waterfall_vol_threshold: f64
    warmup_ns: i64
    rewarm_ns: i64
    # exit
    tp_spread_mult: f64
    min_tp_profit_bps: f64
    tp_decay_half_life_min: f64
    tp_decay_floor: f64
    tp_vol_capture_ratio: f64
    tp_vol_scale_cap: f64
    tp_mode: u8  # TpMode
    tp_mode_notional_usd: f64  # 0 means max_notional
    fast_tp_ti: f64
    min_fast_tp_bps: f64
    stop_loss_bps: f64  # 0 is off
    max_age_ns: i64  # 0 is off
    # inverse_tp
    inverse_enabled: flag
    inverse_min_layers: i64
    inverse_max_zones: i64
    inverse_time_cap_ns: i64
    inverse_max_zone_bps: f64
    inverse_give_up_bps: f64
    # risk
    max_drawdown_usd: f64  # 0 is off
    max_loss_bps: f64
    circuit_pause_ns: i64
    cooldown_steps: i64
    cooldown_step_ns: Annotated[Vec[i64], MAX_COOLDOWN_STEPS]
    # dynamic
    dynamic_enabled: flag
    behavior_lookback: i64
    behavior_max_age_ns: i64  # 0 never ages
    dup_gap_ns: i64
    dup_gap_spread_frac: f64
    # edge
    min_edge_bps: f64
    exec_buffer_bps: f64
    default_slippage_bps: f64
    slippage_percentile: f64
    uncertainty_z: f64
    uncertainty_winsor_bps: f64
    uncertainty_max_bps: f64
    uncertainty_cap_frac: f64
    min_samples: i64
    signal_slope_bps: f64
    trend_weight: f64
    spread_weight: f64
    # recovery
    recovery_enabled: flag
    paydown_ratio: f64
    max_paydown_bps: f64
    debt_cap_usd: f64  # 0 is none
    debt_lookback_ns: i64  # 0 never lapses
    avg_enabled: flag
    avg_min_unrealized_bps: f64
    avg_min_hurdle_improve_bps: f64
    avg_cooldown_ns: i64
    avg_max_adds_per_hour: i64
    # orphans
    recovery_only: flag
    # stealth
    max_l1_fraction: f64
    max_ticks: i64
    always_split: flag
    min_slices: i64
    max_slices: i64
    # execution
    amend_interval_ns: i64
    entry_max_age_ns: i64
    entry_signal_grace_ns: i64
    entry_keep_pump: f64
    max_chase_bps: f64
    maker_exit_wait_ns: i64
    fast_tp_max_age_ns: i64
    post_only_retries: i64
    answer_timeout_ns: i64
    # sim
    queue_model: u8  # QueueModel
    feed_latency_ns: i64
    latency_model: u8  # LatencyModel
    entry_latency_ns: i64  # the median under LOGNORMAL
    entry_latency_sigma: f64
    response_latency_ns: i64
    response_latency_sigma: f64
    depth_decay: f64
    max_slippage_bps: f64
    maintenance_rate: f64
    liquidation_fee: f64  # fraction of notional, on top of the taker fee
    reject_prob: f64
    lost_answer_prob: f64
    late_answer_prob: f64
    late_answer_ns: i64
    duplicate_prob: f64
    stall_every_ns: i64  # 0 is never
    stall_ns: i64
    outage_every_ns: i64  # 0 is never
    outage_ns: i64


@jit
def widest_offset(p: Params) -> int:
    """The most ticks that a slice may stand away from its group's price."""
    return int(min(p.max_slices, p.max_ticks)) - 1
