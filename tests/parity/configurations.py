"""Configurations that between them reach every branch: gates open, and one part of the strategy at a time made to matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slackwater.schema.units import HOUR, MINUTE, SEC
from tests.reference.settings import Settings

DEFAULTS = Settings(tick_den=1000, lot_den=1000, warmup_ns=5 * SEC)
# A tape of minutes shows what takes hours with the defaults.
QUICK = replace(
    DEFAULTS,
    cooldown_step_ns=(1 * SEC, 2 * SEC, 4 * SEC, 8 * SEC),
    tf_ns=(5 * SEC, 20 * SEC, MINUTE),
    tf_look_back_ns=(MINUTE, 3 * MINUTE, 9 * MINUTE),
    refresh_ns=7 * SEC,
)
OPEN = replace(
    QUICK,
    min_spread_bps=2.0,
    max_spread_bps=80.0,
    pump_threshold=-1.0,
    exhaust_threshold=-1.0,
    max_trend_bps=60.0,
    max_trend_30s_bps=0.0,
    waterfall_vol_threshold=1e6,
    signal_slope_bps=30.0,
    max_loss_bps=1e6,
    avg_min_unrealized_bps=4.0,
    avg_cooldown_ns=0,
    avg_max_adds_per_hour=0,
    paydown_ratio=0.002,
    spacing_growth=1.1,
    base_spacing_bps=6.0,
    max_total_notional_usd=20_000.0,
    tp_decay_half_life_min=2.0,
)


@dataclass(frozen=True)
class Configuration:
    """Settings, how many symbols trade, and parameters that only the engine knows."""

    settings: Settings
    symbols: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)


def _opened(**changes: Any) -> Configuration:
    return Configuration(replace(OPEN, **changes))


SLICES = {"always_split": True, "min_slices": 2, "max_slices": 5, "max_ticks": 5}

CONFIGURATIONS: dict[str, Configuration] = {
    "defaults": Configuration(DEFAULTS),
    "quick": Configuration(QUICK),
    "open": Configuration(OPEN),
    "open_with_all_gates": _opened(
        max_trend_30s_bps=15.0, max_trend_bps=6.0, max_buy_ratio=0.8, waterfall_vol_threshold=0.5, max_spread_bps=14.0, pump_threshold=0.0
    ),
    "deep_inverse": _opened(min_tp_profit_bps=8.0, max_layers=12, inverse_min_layers=2, size_growth=1.2, max_notional_usd=400.0),
    "inverse_limits": _opened(
        max_layers=12,
        inverse_min_layers=2,
        inverse_max_zones=4,
        inverse_max_zone_bps=14.0,
        inverse_time_cap_ns=8 * SEC,
        inverse_give_up_bps=1.0,
    ),
    "inverse_timeout": _opened(
        max_layers=12, inverse_min_layers=2, inverse_time_cap_ns=SEC // 2, inverse_give_up_bps=1e6, min_tp_profit_bps=4.0, max_loss_bps=20.0
    ),
    "forced_exits": _opened(stop_loss_bps=25.0, max_age_ns=40 * SEC, min_fast_tp_bps=-1.0, max_loss_bps=60.0, circuit_pause_ns=5 * SEC),
    "fast_tp": _opened(min_fast_tp_bps=-2.0, tp_mode=1, fast_tp_ti=0.5, min_tp_profit_bps=30.0, maker_fee=0.00001, taker_fee=0.00004),
    "vol_mode": _opened(tp_mode=0, tp_mode_notional_usd=60.0, fast_tp_ti=0.9, min_fast_tp_bps=-3.0, maker_fee=0.0, taker_fee=0.00002),
    "tight_take_profit": _opened(min_tp_profit_bps=1.0, maker_fee=-0.00005, taker_fee=0.00001, dynamic_enabled=False, tp_spread_mult=0.1),
    "drawdown": _opened(max_drawdown_usd=0.4),
    "debt": _opened(paydown_ratio=0.25, debt_cap_usd=0.5, debt_lookback_ns=90 * SEC, max_age_ns=20 * SEC, avg_min_hurdle_improve_bps=0.2),
    "debt_in_the_way": _opened(paydown_ratio=0.05, max_age_ns=20 * SEC, avg_min_hurdle_improve_bps=1.5),
    "breaker": _opened(max_loss_bps=10.0, circuit_pause_ns=3 * SEC, max_age_ns=10 * SEC, behavior_max_age_ns=0, min_samples=2),
    "old_samples": _opened(
        behavior_max_age_ns=3 * MINUTE, behavior_lookback=12, max_age_ns=15 * SEC, min_samples=3, dup_gap_spread_frac=8.0
    ),
    "static": _opened(dynamic_enabled=False, max_age_ns=MINUTE),
    "no_guard": _opened(avg_enabled=False, size_growth=1.6, max_notional_usd=300.0, max_symbol_notional_usd=500.0, base_spacing_bps=0.0),
    "guarded": _opened(avg_cooldown_ns=9 * SEC, avg_max_adds_per_hour=3, avg_min_unrealized_bps=25.0, recovery_enabled=False),
    "v7": _opened(vol_units=1, z_clock=1, md_norm=1, min_samples=3, max_age_ns=30 * SEC),
    "trend": _opened(trend_spacing_scale=12.0, base_spacing_bps=4.0, vol_normalize=False),
    "no_drift": _opened(drift_enabled=False, base_spacing_bps=0.0, tp_decay_half_life_min=0.0, tail_cooldown_ns=2 * SEC),
    "small_minimums": Configuration(
        replace(OPEN, min_lots=700, venue_min_notional_usd=45.0, min_notional_usd=40.0, max_layers=6, inverse_min_layers=2)
    ),
    "caps": Configuration(replace(OPEN, max_total_notional_usd=260.0, max_symbol_notional_usd=180.0), symbols=2),
    "portfolio": Configuration(replace(OPEN, max_total_notional_usd=150.0, max_age_ns=HOUR), symbols=3),
    "shutdown": Configuration(replace(OPEN, recovery_only=False), symbols=2, changes={"keep_positions": False}),
    "recovery_only": _opened(recovery_only=True),
    "sliced": Configuration(replace(OPEN, max_total_notional_usd=1e9), changes=SLICES),
    "sliced_near_the_minimum": Configuration(replace(OPEN, max_total_notional_usd=1e9, venue_min_notional_usd=16.6), changes=SLICES),
    "sliced_zones": Configuration(
        replace(OPEN, max_total_notional_usd=1e9, min_tp_profit_bps=8.0, max_layers=12, inverse_min_layers=2), changes=SLICES
    ),
}
