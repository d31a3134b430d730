"""The gate funnel: of all evaluations, how many reached each gate in its order, and how many it stopped."""

from __future__ import annotations

from dataclasses import dataclass

from slackwater.research.read_run import Run, numbers, words
from slackwater.runtime.gates import ORDER
from slackwater.runtime.tables import name_of
from slackwater.schema.enums import Gate

# `pass` is what is left.
GATE_ORDER = {name_of(context): (*map(name_of, gates), name_of(Gate.PASS)) for context, gates in ORDER.items()}


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
