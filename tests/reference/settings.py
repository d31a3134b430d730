"""The reference's configuration: the strategy's defaults under the names of `Params` and `SignalParams`, in one flat dataclass.

`klines` and the four fractions are the only extras. Fields that shape orders at the venue are absent: the reference decides, it does
not execute.
"""

from __future__ import annotations

from dataclasses import dataclass

MS = 1_000_000
SEC = 1_000_000_000
MINUTE = 60 * SEC
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Settings:
    """One configuration. Enums are the numbers that `schema.params` gives them: z_clock 1 is time, md_norm 1 mid, vol_units 1 v7."""

    # the instrument: price = ticks * tick_num / tick_den, quantity = lots * lot_num / lot_den
    tick_num: int = 1
    tick_den: int = 100
    lot_num: int = 1
    lot_den: int = 1000
    min_lots: int = 1
    venue_min_notional_usd: float = 5.0  # reduce-only orders are exempt
    klines: tuple[bool, bool, bool] = (False, False, False)  # frames whose candles come from a file
    # signals
    z_clock: int = 0
    md_norm: int = 0
    z_clamp: float = 5.0
    half_life_sec: float = 5.0
    delta_half_life_sec: float = 3.0
    delta_spacing_ns: int = 50 * MS
    weight_ret: float = 0.4
    weight_ti: float = 0.8
    weight_md: float = 0.6
    waterfall_decay_sec: float = 30.0
    min_spread_bps: float = 7.0
    max_spread_bps: float = 40.0
    pump_threshold: float = 2.0
    exhaust_threshold: float = 1.0
    max_trend_bps: float = 12.0
    max_trend_30s_bps: float = 30.0
    max_buy_ratio: float = 1.0
    waterfall_vol_threshold: float = 3.0
    warmup_ns: int = 30 * SEC
    rewarm_ns: int = 30 * SEC
    # volatility
    vol_units: int = 0
    drift_enabled: bool = True
    refresh_ns: int = 120 * SEC
    live_weight: float = 0.45
    live_half_life_sec: float = 5.0
    drift_min: float = 0.8
    drift_max: float = 3.0
    tail_mult: float = 2.2
    tail_cooldown_ns: int = 20 * SEC
    tf_ns: tuple[int, int, int] = (MINUTE, 5 * MINUTE, 15 * MINUTE)
    tf_weight: tuple[float, float, float] = (0.5, 0.3, 0.2)
    tf_look_back_ns: tuple[int, int, int] = (6 * HOUR, 48 * HOUR, 168 * HOUR)
    # account, portfolio, fees
    balance_usd: float = 2000.0
    max_total_notional_usd: float = 2000.0
    maker_fee: float = 0.000252
    taker_fee: float = 0.000336
    # grid
    min_notional_usd: float = 50.0
    max_notional_usd: float = 80.0
    max_layers: int = 32
    max_symbol_notional_usd: float = 0.0
    spacing_growth: float = 2.0
    size_growth: float = 1.5
    base_spacing_bps: float = 0.0
    trend_spacing_scale: float = 0.0
    vol_normalize: bool = True
    vol_floor_bps: float = 1.0
    cooldown_sec: float = 2.0
    relief_start_bps: float = 35.0
    relief_full_bps: float = 500.0
    relief_floor: float = 0.15
    # the entry's chase
    max_chase_bps: float = 5.0
    # exit
    tp_spread_mult: float = 1.2
    min_tp_profit_bps: float = 10.0
    tp_decay_half_life_min: float = 30.0
    tp_decay_floor: float = 0.5
    tp_vol_capture_ratio: float = 0.15
    tp_vol_scale_cap: float = 50.0
    tp_mode: int = 0  # 0 auto, 1 fast, 2 vol
    tp_mode_notional_usd: float = 0.0
    fast_tp_ti: float = -0.25
    min_fast_tp_bps: float = -10.0
    stop_loss_bps: float = 0.0
    max_age_ns: int = 0
    # inverse_tp
    inverse_enabled: bool = True
    inverse_min_layers: int = 3
    inverse_max_zones: int = 5
    inverse_time_cap_ns: int = 1800 * SEC
    inverse_max_zone_bps: float = 2000.0
    inverse_give_up_bps: float = 10.0
    # risk
    max_drawdown_usd: float = 0.0
    max_loss_bps: float = 500.0
    circuit_pause_ns: int = 120 * SEC
    cooldown_step_ns: tuple[int, ...] = (8 * SEC, 30 * SEC, 90 * SEC, 300 * SEC)
    # dynamic
    dynamic_enabled: bool = True
    behavior_lookback: int = 120
    behavior_max_age_ns: int = 24 * HOUR
    dup_gap_ns: int = 30 * SEC
    dup_gap_spread_frac: float = 0.5
    # edge
    min_edge_bps: float = 2.0
    exec_buffer_bps: float = 0.3
    default_slippage_bps: float = 0.5
    slippage_percentile: float = 70.0
    uncertainty_z: float = 0.75
    uncertainty_winsor_bps: float = 30.0
    uncertainty_max_bps: float = 60.0
    uncertainty_cap_frac: float = 0.75
    min_samples: int = 5
    signal_slope_bps: float = 1.0
    trend_weight: float = 0.2
    spread_weight: float = 0.1
    # recovery
    recovery_enabled: bool = True
    paydown_ratio: float = 0.25
    max_paydown_bps: float = 25.0
    debt_cap_usd: float = 75.0
    debt_lookback_ns: int = 24 * HOUR
    avg_enabled: bool = True
    avg_min_unrealized_bps: float = 35.0
    avg_min_hurdle_improve_bps: float = 0.75
    avg_cooldown_ns: int = 20 * SEC
    avg_max_adds_per_hour: int = 8
    recovery_only: bool = False
