"""The configuration as numbers: every field of `schema.params.Params`, times in nanoseconds."""

from __future__ import annotations

from typing import Any

from slackwater.config.model import Config
from slackwater.config.section import duration_sec
from slackwater.kernel.record import Box, new
from slackwater.schema.params import LatencyModel, MdNorm, Params, QueueModel, TpMode, VolUnits, ZClock
from slackwater.schema.units import HOUR, MINUTE, MS, SEC

FRAME_NS = (MINUTE, 5 * MINUTE, 15 * MINUTE)
ENUMS: dict[str, Any] = {
    "z_clock": ZClock,
    "md_norm": MdNorm,
    "units": VolUnits,
    "tp_mode": TpMode,
    "queue_model": QueueModel,
    "latency_model": LatencyModel,
}
# Settings whose name in the parameters is not their own, with the unit that brings them there where it is one.
RENAMED: dict[str, str] = {
    "account.balance": "balance_usd",
    "portfolio.max_total_notional": "max_total_notional_usd",
    "fees.maker": "maker_fee",
    "fees.taker": "taker_fee",
    "grid.min_notional": "min_notional_usd",
    "grid.max_notional": "max_notional_usd",
    "grid.max_symbol_notional": "max_symbol_notional_usd",
    "exit.tp_mode_notional": "tp_mode_notional_usd",
    "volatility.units": "vol_units",
    "signals.resume_context_rewarm_sec": "rewarm_ns",
    "inverse_tp.enabled": "inverse_enabled",
    "inverse_tp.min_layers": "inverse_min_layers",
    "inverse_tp.max_zones": "inverse_max_zones",
    "inverse_tp.time_cap_sec": "inverse_time_cap_ns",
    "inverse_tp.max_zone_bps": "inverse_max_zone_bps",
    "inverse_tp.give_up_bps": "inverse_give_up_bps",
    "dynamic.enabled": "dynamic_enabled",
    "recovery.enabled": "recovery_enabled",
    "recovery.lookback_hours": "debt_lookback_ns",
}
UNITS_NS = {"_sec": SEC, "_ms": MS, "_hours": HOUR}
# Read by what stands around the machine, or lowered below field by field.
NOT_LOWERED = frozenset(
    {
        "session.duration_sec",
        "session.seed",
        "orphans.adopt",
        "sim.latency_file",
        "risk.cooldown_steps_sec",
        "volatility.tf_weights",
        "volatility.tf_lookbacks",
    }
)


def lower(config: Config) -> Box:
    """One row of parameters. Names follow the file's: `_sec`, `_ms` and `_hours` become `_ns` where the record has that."""
    box = new(Params)
    params = box[0]
    for section_name, section in config:
        if section_name == "scanner":
            continue
        for key, value in section:
            if f"{section_name}.{key}" not in NOT_LOWERED:
                _set(params, section_name, key, value)
    steps = config.risk.cooldown_steps_sec
    params.cooldown_steps = len(steps)
    for k, step_sec in enumerate(steps):
        params.cooldown_step_ns[k] = round(step_sec * SEC)
    weights, lookbacks = config.volatility.tf_weights, config.volatility.tf_lookbacks
    pairs = ((weights.m1, lookbacks.m1), (weights.m5, lookbacks.m5), (weights.m15, lookbacks.m15))
    for k, (weight, lookback) in enumerate(pairs):
        params.signals.tf_ns[k] = FRAME_NS[k]
        params.signals.tf_weight[k] = weight
        params.signals.tf_look_back_ns[k] = duration_sec(lookback) * SEC
    return box


def _set(params: Any, section: str, key: str, value: Any) -> None:
    for record in (params, params.signals):
        for name, factor in _targets(section, key):
            if name in record.dtype.names:
                setattr(record, name, _number(key, value, factor))
                return
    raise LookupError(f"{section}.{key} has no field in the parameters")


def _targets(section: str, key: str) -> list[tuple[str, int]]:
    """The names a setting may have in the parameters, each with the factor that makes nanoseconds of it (0: as it is)."""
    suffix = next((unit for unit in UNITS_NS if key.endswith(unit)), "")
    factor = UNITS_NS.get(suffix, 0)
    renamed = RENAMED.get(f"{section}.{key}")
    if renamed is not None:
        return [(renamed, factor if renamed.endswith("_ns") else 0)]
    return [(key, 0), *([(key.removesuffix(suffix) + "_ns", factor)] if suffix else [])]


def _number(key: str, value: Any, factor: int) -> Any:
    if key in ENUMS:
        return int(ENUMS[key][value.upper()])
    return round(value * factor) if factor else value
