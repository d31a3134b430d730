"""The gate funnel: of all evaluations, how many reached each gate in its order, and how many it stopped."""

from __future__ import annotations

from dataclasses import dataclass

from slackwater.research.read_run import Run, numbers, words

# The order in which the strategy asks; `pass` is what is left.
ENTRY = (
    "entry_disabled rewarm warmup close_cooldown breaker no_median_spread entry_cooldown waterfall not_warm spread_low spread_high pump "
    "exhaust trend_2s trend_30s buy_ratio below_min symbol_cap edge portfolio_cap pass"
)
AVERAGE = (
    "entry_disabled rewarm inverse_mode max_layers close_cooldown breaker layer_cooldown entry_cooldown spacing spread_low burst below_min "
    "symbol_cap recovery_drawdown recovery_cooldown recovery_hourly recovery_hurdle edge portfolio_cap pass"
)
GATE_ORDER = {"entry": tuple(ENTRY.split()), "average": tuple(AVERAGE.split())}


@dataclass(frozen=True)
class GateStep:
    """One gate: how many evaluations reached it and how many it stopped (for `pass`: how many became a shot)."""

    gate: str
    reached: int
    stopped: int


def funnel(run: Run, symbol: str, context: str) -> list[GateStep]:
    """The gates of a context (`entry` or `average`) in the order they are asked. Gates that stopped nothing are kept."""
    gates = run.table("gates", symbol)
    counts = {
        reason: count
        for kind, reason, count in zip(words(gates, "context"), words(gates, "reason"), numbers(gates, "count").tolist(), strict=True)
        if kind == context
    }
    order = GATE_ORDER[context]
    # A gate that this list does not know is asked somewhere: better at the front than lost.
    order = (*sorted(set(counts) - set(order)), *order)
    left = sum(counts.values())
    steps = []
    for gate in order:
        steps.append(GateStep(gate, left, counts.get(gate, 0)))
        left -= counts.get(gate, 0)
    return steps
