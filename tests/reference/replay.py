"""Feed the reference what a run's files say happened to our orders, and lay its answers beside the run's.

The tape and the facts are merged by local time: reports before the tape's rows at equal times, placements after them, because a book caused
them. A close begins when the reference itself decides it; its end is the last end of the orders that the run shows for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.reference.decisions import Decision
from tests.reference.settings import Settings
from tests.reference.signals import ReferenceMarket
from tests.reference.strategy import ReferenceStrategy
from tests.reference.tapes import Event

REPORT, ROW, PLACEMENT = 0, 1, 2
NEVER_NS = 2**63 - 1
CLOSE_COLUMNS = (
    *("open_ns", "close_ns", "layers", "qty", "notional_usd", "avg_entry", "avg_exit", "gross_usd", "fees_usd", "funding_usd"),
    *("net_usd", "net_bps", "reason", "debt_before_usd", "debt_lapsed_usd", "debt_after_usd"),
)
SHOT_COLUMNS = (
    *("context", "reason", "layers", "required_spacing_bps", "rise_bps", "base_spacing_bps", "effective_growth"),
    *("price", "drift_mult", "unrealised_bps"),
)
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """Something that became known at a local time."""

    ns: int
    rank: int
    tell: Callable[[ReferenceStrategy], object]


@dataclass
class Replay:
    """The reference after a run's facts, with its decision at every valid book, by time (the last one where times are equal)."""

    strategy: ReferenceStrategy
    decisions: dict[int, Decision] = field(default_factory=dict)


def facts_of_run(run: Path, symbol: str, settings: Settings) -> list[Fact]:
    """Placements, fills and ends of groups from `orders.parquet` and `fills.parquet`."""
    orders = [row for row in pq.read_table(run / "orders.parquet").to_pylist() if row["symbol"] == symbol]
    fills = [row for row in pq.read_table(run / "fills.parquet").to_pylist() if row["symbol"] == symbol]
    group_of = {row["client_order_id"]: (row["purpose"], row["group_id"]) for row in orders}
    facts = []
    ends: dict[tuple[str, int], int] = {}
    for row in orders:
        key = group_of[row["client_order_id"]]
        ends[key] = max(ends.get(key, 0), row["final_ns"] or NEVER_NS)  # one that has not ended keeps its group working
        facts.append(Fact(row["created_ns"], PLACEMENT, _placement(row["created_ns"], *key)))
    for row in fills:
        facts.append(Fact(row["ts_ns"], REPORT, _fill(row, *group_of.get(row["client_order_id"], ("external", 0)), settings)))
    for (purpose, _), ns in ends.items():
        if ns == NEVER_NS:
            continue
        facts.append(Fact(ns, REPORT, _end(ns, purpose)))
    return sorted(facts, key=lambda fact: (fact.ns, fact.rank))


def _placement(ns: int, purpose: str, group_id: int) -> Callable[[ReferenceStrategy], object]:
    def tell(one: ReferenceStrategy) -> None:
        if purpose == "take_profit" and one.state.is_closing:
            one.on_group_done(ns, "close", is_dropped=True)  # dropped before it sent anything: the take-profit is back
        one.on_order_sent(ns, purpose, group_id)

    return tell


def _end(ns: int, purpose: str) -> Callable[[ReferenceStrategy], object]:
    def tell(one: ReferenceStrategy) -> None:
        position, close = one.ledger.position, one.state.close
        held = position.held_lots if position is not None else 0
        # A close that ends above its target was dropped: everything else is swept.
        is_dropped = purpose == "close" and close is not None and held > close.target_lots
        one.on_group_done(ns, purpose, is_dropped)

    return tell


def _fill(row: Values, purpose: str, group_id: int, settings: Settings) -> Callable[[ReferenceStrategy], object]:
    ticks = round(row["price"] * settings.tick_den / settings.tick_num)
    lots = round(abs(row["qty"]) * settings.lot_den / settings.lot_num)

    def tell(one: ReferenceStrategy) -> None:
        one.on_fill(row["ts_ns"], purpose, group_id, ticks, lots, row["fee_usd"])
        if purpose != "close" and one.ledger.position is None:
            one.on_group_done(row["ts_ns"], "close")  # a take-profit won the race against its own cancel

    return tell


def replay(settings: Settings, tape: Iterable[Event], facts: Sequence[Fact]) -> Replay:
    """Run the reference over a tape with facts of our orders in between."""
    result = Replay(ReferenceStrategy(settings, ReferenceMarket(settings)))
    one = result.strategy
    told = 0
    for event in tape:
        while told < len(facts) and (facts[told].ns, facts[told].rank) < (event.ns, ROW):
            facts[told].tell(one)
            told += 1
        if event.ask_ticks is None:
            one.on_trade(event.ns, event.bid_ticks, event.bid_lots, event.buyer_maker)
            continue
        decision = one.on_book(event.ns, event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots)
        if decision is None:
            continue
        result.decisions[event.ns] = decision
        if decision.exit is not None and decision.exit.reason != "none":
            one.on_close_decided(decision.exit.reason, decision.exit.target_lots)
    for fact in facts[told:]:
        fact.tell(one)
    return result


def differences(found: Values, expected: Values, columns: Iterable[str], tolerance: float = 1e-9) -> list[str]:
    """One line per column that differs: floats beyond the tolerance, anything else at all."""
    lines = []
    for column in columns:
        a, b = found[column], expected[column]
        if isinstance(a, float) or isinstance(b, float):
            is_same = math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
        else:
            is_same = a == b
        if not is_same:
            lines.append(f"{column}: run {a!r}, reference {b!r}")
    return lines


def compare_closes(run: Path, symbol: str, result: Replay) -> list[str]:
    """Every difference between `closes.parquet` and the reference's closes."""
    rows = [row for row in pq.read_table(run / "closes.parquet").to_pylist() if row["symbol"] == symbol]
    closes = result.strategy.ledger.closes
    lines = [] if len(rows) == len(closes) else [f"closes: run {len(rows)}, reference {len(closes)}"]
    for i, (row, close) in enumerate(zip(rows, closes, strict=False)):
        lines += [f"close {i} {line}" for line in differences(row, vars(close), CLOSE_COLUMNS)]
    return lines


def compare_realisations(run: Path, symbol: str, result: Replay) -> list[str]:
    """Every difference between `realisations.parquet` and the reference's realised parts."""
    rows = [row for row in pq.read_table(run / "realisations.parquet").to_pylist() if row["symbol"] == symbol]
    parts = result.strategy.ledger.realised
    lines = [] if len(rows) == len(parts) else [f"realisations: run {len(rows)}, reference {len(parts)}"]
    for i, (row, part) in enumerate(zip(rows, parts, strict=False)):
        lines += [f"realisation {i} {line}" for line in differences(row, vars(part), vars(part))]
    return lines


def compare_edge(run: Path, symbol: str, result: Replay) -> list[str]:
    """Every difference between `edge.parquet` and the terms of the same books."""
    rows = [row for row in pq.read_table(run / "edge.parquet").to_pylist() if row["symbol"] == symbol]
    lines = []
    for row in rows:
        decision = result.decisions.get(row["ts_ns"])
        if decision is None or decision.edge is None or decision.shot is None:
            lines.append(f"edge at {row['ts_ns']}: the reference did not reach the gate")
            continue
        lines += [f"edge at {row['ts_ns']} {line}" for line in differences(row, decision.edge, decision.edge)]
        if row["context"] != decision.shot.context:
            lines.append(f"edge at {row['ts_ns']} context: run {row['context']}, reference {decision.shot.context}")
    asked = sum(decision.edge is not None for decision in result.decisions.values())
    return lines if asked == len(rows) else [*lines, f"edge rows: run {len(rows)}, reference {asked}"]


def compare_decisions(run: Path, symbol: str, result: Replay) -> list[str]:
    """Every difference between the entry and averaging rows of `decisions.parquet` and the decisions of the same books."""
    lines = []
    for row in pq.read_table(run / "decisions.parquet").to_pylist():
        if row["symbol"] != symbol or row["context"] not in ("entry", "average"):
            continue
        decision = result.decisions.get(row["ts_ns"])
        if decision is None or decision.shot is None:
            lines.append(f"decision at {row['ts_ns']}: run {row['context']} {row['reason']}, reference none")
            continue
        lines += [f"decision at {row['ts_ns']} {line}" for line in differences(row, vars(decision.shot), _shot_columns(row))]
    return lines


def _shot_columns(row: Values) -> Sequence[str]:
    """An entry has no geometry of a grid."""
    return ("context", "reason", "layers", "price", "drift_mult") if row["context"] == "entry" else SHOT_COLUMNS
