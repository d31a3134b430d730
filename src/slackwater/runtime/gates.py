"""What each gate asks, in words: the order of both lists, unit, configuration key, and what lets trading through again."""

from __future__ import annotations

from typing import NamedTuple

from slackwater.schema.enums import Context, Gate


class GateFact(NamedTuple):
    """One gate for people.

    Args:
        asks: how its value must stand to its threshold: `at least`, `at most`, `above`, `below`.
        value: what the value is, with its unit behind it in `unit`.
        keys: settings that decide it, the first being the threshold's own; none where there is no setting.
        refused: what was so when it refused; `{threshold}` is its first setting.
        frees: what lets trading through again.
    """

    asks: str
    value: str
    unit: str
    keys: tuple[str, ...]
    refused: str
    frees: str


_WAIT = "it ends by itself with time"
_LOWER = "a market with more of it, or a lower {key}"
_HIGHER = "a market with less of it, or a higher {key}"

# fmt: off
FACTS: dict[Gate, GateFact] = {
    Gate.ENTRY_DISABLED: GateFact(
        "at most", "entries switched off", "", ("risk.max_drawdown_usd", "orphans.recovery_only"),
        "entries were switched off", "an operator's resume after a drawdown or a halt, or orphans.recovery_only: false",
    ),
    Gate.REWARM: GateFact(
        "at least", "time since the restore", "s", ("signals.resume_context_rewarm_sec",),
        "the session was restored less than {threshold} s before", _WAIT,
    ),
    Gate.WARMUP: GateFact(
        "at least", "time since the first event", "s", ("signals.warmup_sec",), "less than {threshold} s of market had been seen", _WAIT
    ),
    Gate.CLOSE_COOLDOWN: GateFact(
        "at most", "pause left after a close", "s", ("risk.cooldown_steps_sec",), "a close was too recent", _WAIT
    ),
    Gate.BREAKER: GateFact(
        "at most", "pause left after the breaker", "s", ("risk.circuit_pause_sec", "risk.max_loss_bps"),
        "the breaker had tripped on losses", "its pause ends by itself; a profitable close resets it",
    ),
    Gate.NO_MEDIAN_SPREAD: GateFact(
        "above", "median spread", "bps", (), "no median spread above 0 was known", "more than ten books with a spread"
    ),
    Gate.ENTRY_COOLDOWN: GateFact(
        "at least", "time since the last entry", "s", ("grid.cooldown_sec",), "the last entry was too recent", _WAIT
    ),
    Gate.WATERFALL: GateFact(
        "at most", "waterfall score", "", ("signals.waterfall_vol_threshold", "signals.waterfall_decay_sec"),
        "the price was already falling, with a score above {threshold}", "the fall growing old, or a higher {key}",
    ),
    Gate.NOT_WARM: GateFact("above", "trades (then books) seen", "", (), "too few trades and books had been seen", "more trades"),
    Gate.SPREAD_LOW: GateFact(
        "at least", "spread", "bps", ("signals.min_spread_bps",), "the spread was below {threshold} bps",
        "a wider spread, or a lower {key}",
    ),
    Gate.SPREAD_HIGH: GateFact(
        "at most", "spread", "bps", ("signals.max_spread_bps",),
        "the spread was above {threshold} bps", "a narrower spread, or a higher {key}",
    ),
    Gate.PUMP: GateFact(
        "above", "pump score", "", ("signals.pump_threshold",), "there was no pump: its score was {threshold} or less", _LOWER
    ),
    Gate.EXHAUST: GateFact(
        "above", "exhaustion score", "", ("signals.exhaust_threshold",),
        "the pump was not spent: the exhaustion score was {threshold} or less", _LOWER,
    ),
    Gate.TREND_2S: GateFact(
        "at most", "return over 2 s", "bps", ("signals.max_trend_bps",), "the price rose by more than {threshold} bps in 2 s", _HIGHER
    ),
    Gate.TREND_30S: GateFact(
        "at most", "move over 30 s", "bps", ("signals.max_trend_30s_bps",), "the price moved by more than {threshold} bps in 30 s", _HIGHER
    ),
    Gate.BUY_RATIO: GateFact(
        "at most", "share of buying over 2 s", "", ("signals.max_buy_ratio",), "more than {threshold} of the volume was bought", _HIGHER
    ),
    Gate.BELOW_MIN: GateFact(
        "at least", "order value", "usd", ("grid.min_notional", "grid.max_notional"),
        "the order was below the venue's minimum", "a higher {key}",
    ),
    Gate.SYMBOL_CAP: GateFact(
        "at most", "symbol's notional with the order", "usd", ("grid.max_symbol_notional",),
        "the symbol's cap of {threshold} usd was reached", "a close, or a higher {key}",
    ),
    Gate.EDGE: GateFact(
        "at least", "lower bound of the edge", "bps", ("edge.min_edge_bps", "recovery.max_paydown_bps"),
        "the expected edge did not cover what was asked of it", "a wider target or a stronger signal, less recovery debt, or lower fees",
    ),
    Gate.PORTFOLIO_CAP: GateFact(
        "at most", "portfolio's notional with the order", "usd", ("portfolio.max_total_notional",),
        "the portfolio's cap of {threshold} usd was reached", "a close, or a higher {key}",
    ),
    Gate.INVERSE_MODE: GateFact(
        "at most", "unwinding in zones", "", ("inverse_tp.enabled", "inverse_tp.time_cap_sec"),
        "the position was being unwound in zones", "the unwinding ending: all zones filled, given up, or its time over",
    ),
    Gate.MAX_LAYERS: GateFact(
        "below", "layers opened", "", ("grid.max_layers",), "the grid was as deep as it may go",
        "a close, or a higher {key} (a bad record of deep closes lowers it to 2 or 3)",
    ),
    Gate.LAYER_COOLDOWN: GateFact(
        "at most", "pause left after a heavy tail", "s", ("volatility.tail_cooldown_sec", "volatility.tail_mult"),
        "the market moved too violently", "a calmer market, or a higher volatility.tail_mult",
    ),
    Gate.SPACING: GateFact(
        "at least", "rise above the average entry", "bps", ("grid.base_spacing_bps", "grid.spacing_growth"),
        "the price had not risen far enough above the average entry", "a higher price, the take-profit, or a lower grid.spacing_growth",
    ),
    Gate.BURST: GateFact(
        "at least", "distance from the last layer", "bps", ("signals.min_spread_bps",),
        "the last layer was too near", "a price further away",
    ),
    Gate.RECOVERY_DRAWDOWN: GateFact(
        "at most", "unrealised result", "bps", ("recovery.avg_min_unrealized_bps",),
        "the position was less than {threshold} bps under water", "a higher price, or a lower {key}",
    ),
    Gate.RECOVERY_COOLDOWN: GateFact(
        "at least", "time since the last add", "s", ("recovery.avg_cooldown_sec",), "the last add was less than {threshold} s before", _WAIT
    ),
    Gate.RECOVERY_HOURLY: GateFact(
        "below", "adds in the last hour", "", ("recovery.avg_max_adds_per_hour",), "there had been {threshold} adds in the hour", _WAIT
    ),
    Gate.RECOVERY_HURDLE: GateFact(
        "at least", "fall of the debt's hurdle", "bps", ("recovery.avg_min_hurdle_improve_bps",),
        "the layer would hardly have lowered the debt's hurdle", "a larger layer, less debt, or a lower {key}",
    ),
}

# What a gate asks of an add where that is something else than of an entry.
OF_ADDS: dict[Gate, GateFact] = {
    Gate.SPREAD_LOW: FACTS[Gate.SPREAD_LOW]._replace(refused="the spread was below what an add asks at its depth"),
    Gate.BELOW_MIN: FACTS[Gate.BELOW_MIN]._replace(
        keys=("grid.min_notional", "grid.max_notional", "recovery.avg_enabled"),
        refused="the order, or with recovery.avg_enabled the position, was below the venue's minimum",
        frees="where it was the order, a higher {key}; where it was the position, its close, or recovery.avg_enabled: false, which "
        "lifts the whole recovery guard; `explain --at` tells which it was",
    ),
}
POSITION_BELOW_MIN = GateFact(
    "at least", "position's cost", "usd", ("recovery.avg_enabled",),
    "the position was below the venue's minimum", "its close, or recovery.avg_enabled: false, which lifts the whole recovery guard",
)

_FIRST = (Gate.ENTRY_DISABLED, Gate.REWARM)
_SIZE = (Gate.BELOW_MIN, Gate.SYMBOL_CAP)
_LAST = (Gate.EDGE, Gate.PORTFOLIO_CAP)
ORDER: dict[Context, tuple[Gate, ...]] = {
    Context.ENTRY: (
        *_FIRST, Gate.WARMUP, Gate.CLOSE_COOLDOWN, Gate.BREAKER, Gate.NO_MEDIAN_SPREAD, Gate.ENTRY_COOLDOWN, Gate.WATERFALL, Gate.NOT_WARM,
        Gate.SPREAD_LOW, Gate.SPREAD_HIGH, Gate.PUMP, Gate.EXHAUST, Gate.TREND_2S, Gate.TREND_30S, Gate.BUY_RATIO, *_SIZE, *_LAST,
    ),
    Context.AVERAGE: (
        *_FIRST, Gate.INVERSE_MODE, Gate.MAX_LAYERS, Gate.CLOSE_COOLDOWN, Gate.BREAKER, Gate.LAYER_COOLDOWN, Gate.ENTRY_COOLDOWN,
        Gate.SPACING, Gate.SPREAD_LOW, Gate.BURST, *_SIZE, Gate.RECOVERY_DRAWDOWN, Gate.RECOVERY_COOLDOWN, Gate.RECOVERY_HOURLY,
        Gate.RECOVERY_HURDLE, *_LAST,
    ),
}
# fmt: on


def setting(config: dict[str, object], key: str) -> object:
    """The value of a dotted key in a resolved configuration, None where it has none."""
    value: object = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def fact_of(gate: Gate, context: Context) -> GateFact:
    """What a gate asks in a context."""
    return OF_ADDS.get(gate, FACTS[gate]) if context == Context.AVERAGE else FACTS[gate]


def settings(config: dict[str, object], fact: GateFact) -> dict[str, object]:
    """The settings that decide a gate, and their values."""
    return {key: setting(config, key) for key in fact.keys}


def _filled(text: str, config: dict[str, object], fact: GateFact) -> str:
    threshold = setting(config, fact.keys[0]) if fact.keys else None
    shown = f"{threshold:g}" if isinstance(threshold, (int, float)) else str(threshold)
    return text.format(threshold=shown, key=fact.keys[0] if fact.keys else "")


def refused(config: dict[str, object], gate: Gate, context: Context) -> str:
    """What was so when a gate refused."""
    fact = fact_of(gate, context)
    return _filled(fact.refused, config, fact)


def frees(config: dict[str, object], gate: Gate, context: Context) -> str:
    """What would let trading through a gate again."""
    fact = fact_of(gate, context)
    return _filled(fact.frees, config, fact)
