"""The reference beside the engine, row by row: it is told what happened to our orders, decides for itself, and every difference is a line.

Told: placements, fills, when an entry or close group has ended, and that a close was dropped. Everything else the reference finds out
itself and it is compared: reasons of every book, rows of the run, accounts, zones, pauses, prices and sizes of the orders.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from slackwater.schema.commands import Purpose
from slackwater.schema.enums import (
    GATE_COUNT,
    CloseStep,
    Context,
    ExitReason,
    Gate,
    GroupStatus,
    InverseMode,
    OrderEvent,
    OrderReason,
    OrderStatus,
)
from slackwater.schema.events import RowKind
from slackwater.schema.state import MAX_SLICES
from tests.parity.engine import LATENCIES, EngineRun, Rows, Stop, live_orders, split
from tests.reference import entries, exits
from tests.reference.decisions import Decision
from tests.reference.settings import Settings
from tests.reference.signals import ReferenceMarket
from tests.reference.strategy import ReferenceStrategy

TOLERANCE = 1e-9
ENTRY_REASONS = (OrderReason.ENTRY, OrderReason.AVERAGE, OrderReason.RETRY)
CLOSE_REASONS = (OrderReason.CLOSE_MAKER, OrderReason.CLOSE_IOC, OrderReason.CLOSE_MARKET, OrderReason.SWEEP)
ASKED = (OrderEvent.PLACE, OrderEvent.AMEND, OrderEvent.CANCEL)
ENDED = (OrderEvent.REJECT, OrderEvent.CANCEL_ACK, OrderEvent.EXPIRE)
AMEND_INTERVAL_NS = 500_000_000
EVER_NS = 2**62
CLOSE_FIELDS = (
    *("open_ns", "close_ns", "layers", "notional_usd", "avg_entry", "avg_exit", "gross_usd", "fees_usd", "funding_usd"),
    *("net_usd", "net_bps", "debt_before_usd", "debt_lapsed_usd", "debt_after_usd"),
)
GRID_FIELDS = ("required_spacing_bps", "rise_bps", "unrealised_bps")


def is_near(found: float, expected: float, tolerance: float = TOLERANCE) -> bool:
    """Equal within the tolerance, relative or absolute."""
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance)


def word(value: Any) -> str:
    """An enum's member as files name it."""
    return str(value.name.lower())


@dataclass
class Working:
    """One of our orders as its history tells it."""

    purpose: str
    group_id: int
    highest_ticks: int
    lots: int
    offset: int = 0  # of a take-profit's slice, ticks down from the group's price


class Shadow:
    """The reference of one symbol and what it was told. `lines` holds the first differences."""

    def __init__(self, index: int, settings: Settings, is_sliced: bool = False) -> None:
        self.index = index
        self.is_sliced = is_sliced
        self.one = ReferenceStrategy(settings, ReferenceMarket(settings))
        self.orders: dict[int, Working] = {}
        self.executed: dict[int, int] = {}  # lots by order
        self.counts: Counter[tuple[str, str]] = Counter()
        self.exit_counts: Counter[str] = Counter()
        self.last_shot: tuple[str, str] | None = None
        self.dropped_ns = 0
        self.is_at_book = False  # the last step was a valid book
        self.booked = 0
        self.realised = 0
        self.fundings: list[tuple[int, float]] = []  # when the venue's word of it comes, and what a unit of quantity receives
        self.lines: list[str] = []

    def same(self, what: str, found: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
        """Note a difference."""
        is_number = isinstance(found, float) or isinstance(expected, float)
        if not (is_near(found, expected, tolerance) if is_number else found == expected):
            self.lines.append(f"{what}: engine {found!r}, reference {expected!r}")

    @property
    def committed_usd(self) -> float:
        """Position at cost and the rest of entry orders at their highest price."""
        ledger = self.one.ledger
        working = (o for o in self.orders.values() if o.purpose == "entry")
        return ledger.cost_usd + sum(self.one.market.price(o.highest_ticks) * ledger.quantity(o.lots) for o in working)

    # --- what happened between rows -------------------------------------------------------------------------------------------

    def on_happenings(self, logs: Rows, is_draining: bool, now: int) -> None:
        """Order events up to a moment in their order, each with what it wrote."""
        fills, equities = iter(logs["fills"]), list(logs["equities"])
        fill_times = [int(event.ts_ns) for event in logs["order_events"] if event.event == OrderEvent.FILL and event.lots > 0]
        for event in logs["order_events"]:
            self._on_times(equities, int(event.ts_ns))
            if event.event in ASKED:
                self._on_asked(event)
                continue
            if event.event == OrderEvent.FILL and event.lots > 0:
                # Each fill writes one row of the account; any more of them at this time were due before it.
                while sum(row.ts_ns == event.ts_ns for row in equities) > fill_times.count(int(event.ts_ns)):
                    self._on_equity(equities.pop(0))
                self._on_fill(next(fills))
                self.same("account at a fill", int(equities[0].ts_ns) if equities else 0, fill_times.pop(0))
                if equities:
                    self._on_equity(equities.pop(0))
            elif event.event in ENDED:
                self.orders.pop(int(event.order_id), None)
            if not is_draining:
                exits.follow_zones(self.one.state, int(event.ts_ns))
        self._on_times(equities, now)
        self._on_equities(equities, EVER_NS)

    def _on_times(self, equities: list[Any], until_ns: int) -> None:
        """Rows of the account before a moment, and funding that the venue has told of by then.

        Reports come in the order written. What is held when one comes is therefore what the venue had when it wrote it.
        """
        while self.fundings and self.fundings[0][0] < until_ns:
            told_ns, unit_usd = self.fundings.pop(0)
            self._on_equities(equities, told_ns)
            position = self.one.ledger.position
            if position is not None:
                self.one.on_funding(unit_usd * self.one.ledger.quantity(position.held_lots))
                self.same("account at a funding", int(equities[0].ts_ns) if equities else 0, told_ns)
        self._on_equities(equities, until_ns)

    def _on_equities(self, equities: list[Any], until_ns: int) -> None:
        """Rows of the account before a moment."""
        while equities and equities[0].ts_ns < until_ns:
            self._on_equity(equities.pop(0))

    def _on_equity(self, row: Any) -> None:
        ledger = self.one.ledger
        qty = ledger.quantity(ledger.position.held_lots) if ledger.position is not None else 0.0
        unrealised = (ledger.position.avg_entry - ledger.ask) * qty if ledger.position is not None else 0.0
        self.same("equity position", ledger.quantity(int(row.short_lots)), qty)
        self.same("equity unrealised", float(row.unrealised_usd), unrealised)
        self.same("equity", float(row.equity_usd), ledger.equity_usd)
        self.same("equity debt", float(row.debt_usd), float(ledger.debt.read(int(row.ts_ns))))
        parts = row.realised_usd + row.unrealised_usd - row.fees_usd + row.funding_usd
        self.same("equity parts", float(row.equity_usd), float(parts))

    def _on_asked(self, event: Any) -> None:
        order_id, ticks, lots = int(event.order_id), int(event.price_ticks), int(event.lots)
        if event.event == OrderEvent.PLACE:
            purpose = "entry" if event.reason in ENTRY_REASONS else "close" if event.reason in CLOSE_REASONS else "take_profit"
            self.orders[order_id] = Working(purpose, int(event.group_id), ticks, lots)
            self.one.on_order_sent(int(event.ts_ns), purpose, int(event.group_id))
            if purpose == "close" and event.reason != OrderReason.SWEEP:
                self.same("a close goes on", exits.still_pays(self.one.state, int(event.ts_ns)), True)
        order = self.orders[order_id]
        if event.event == OrderEvent.AMEND:
            order.highest_ticks = max(order.highest_ticks, ticks)
        if event.event in (OrderEvent.PLACE, OrderEvent.AMEND) and order.purpose == "entry":
            price = ticks * Fraction(self.one.market.settings.tick_num, self.one.market.settings.tick_den)
            self.same("entry clears the minimums", entries.clears_minimums(self.one.market.settings, lots, price), True)
        if event.event in (OrderEvent.PLACE, OrderEvent.AMEND) and order.purpose == "take_profit":
            want_ticks, want_lots = exits.resting_now(self.one.state, int(event.ts_ns))
            executed = 0 if event.event == OrderEvent.PLACE else self.executed.get(order_id, 0)
            if event.event == OrderEvent.PLACE and self.is_sliced:
                order.offset = want_ticks - ticks
                self.same("take-profit slice stands near", 0 <= order.offset < MAX_SLICES, True)
            self.same("take-profit price", ticks + order.offset, want_ticks)
            if not self.is_sliced:
                self.same("take-profit lots", lots - executed, want_lots)

    def _on_fill(self, row: Any) -> None:
        order = self.orders[int(row.order_id)]
        lots = int(row.lots)
        order.lots -= lots
        self.executed[int(row.order_id)] = self.executed.get(int(row.order_id), 0) + lots
        self.one.venue_ns = int(row.ts_venue_ns)
        self.one.on_fill(int(row.ts_ns), order.purpose, order.group_id, int(row.price_ticks), lots, float(row.fee_usd))
        position = self.one.ledger.position
        self.same("position after a fill", int(row.short_lots_after), position.held_lots if position is not None else 0)
        self.same("average after a fill", float(row.avg_entry_after), position.avg_entry if position is not None else 0.0)

    def sync(self, state: Any, now: int, live_orders: Iterable[int]) -> None:
        """Take over what only the engine's order groups know: whether they still work, and whether a close was dropped."""
        st = self.one.state
        live = set(live_orders)
        self.orders = {order_id: order for order_id, order in self.orders.items() if order_id in live}
        st.is_entry_working = state.entry.status != GroupStatus.IDLE
        close = state.close
        dropped_ns = int(close.dropped_ns.max())
        is_dropped = dropped_ns != self.dropped_ns
        if st.is_closing and (close.step == CloseStep.IDLE or is_dropped):
            if is_dropped:
                self.same("a close is dropped", exits.still_pays(st, dropped_ns), False)
            self.one.on_group_done(dropped_ns if is_dropped else now, "close", is_dropped)
        self.dropped_ns = dropped_ns

    # --- what a row of the tape did ---------------------------------------------------------------------------------------------

    def on_row(self, row: Any, other_usd: float, logs: Rows, state: Any) -> None:
        """A row of the tape and everything that the engine did at it."""
        now = int(row.ts_recv)
        if row.kind == RowKind.TRADE:
            self.one.on_trade(now, int(row.price_ticks), int(row.lots), bool(row.buyer_maker))
        elif row.kind == RowKind.FUNDING:
            self._on_funding(int(row.ts_event), float(row.value))
        else:
            self.one.state.other_exposure_usd = other_usd
            self.one.venue_ns = int(row.ts_event)
            prices = (int(row.price_ticks), int(row.lots), int(row.ask_ticks), int(row.ask_lots))
            decision = self.one.on_book(now, *prices)
            if decision is not None:
                self.is_at_book = True
                self._on_decision(decision, logs, state)
        self.on_happenings(logs, False, now)

    def _on_funding(self, venue_ns: int, rate: float) -> None:
        """The tape says that funding is paid: the venue will tell how much, and nothing is booked until then."""
        books = self.one.market.books
        if books:
            self.fundings.append((venue_ns + LATENCIES["response_latency_ns"], rate * books[-1].mid))

    def _on_decision(self, decision: Decision, logs: Rows, state: Any) -> None:
        self._compare_edge(decision, logs)
        self._compare_shot(decision, logs)
        self._compare_behaviour(decision, state)
        leave = decision.exit
        if leave is not None and leave.reason != "none":
            self.exit_counts[leave.reason] += 1
            self.one.on_close_decided(leave.reason, leave.target_lots)
        close = self.one.state.close
        is_closing = self.one.state.is_closing
        self.same("closing", bool(state.close.step != CloseStep.IDLE), is_closing)
        if is_closing and close is not None and state.close.step != CloseStep.IDLE:
            self.same("close reason", word(ExitReason(state.close.reason)), close.reason)
            self.same("close target", int(state.close.target_lots), close.target_lots)

    def _compare_edge(self, decision: Decision, logs: Rows) -> None:
        edge, shot = decision.edge, decision.shot
        self.same("edge rows", len(logs["edges"]), 0 if edge is None else 1)
        if edge is None or shot is None or not logs["edges"]:
            return
        row = logs["edges"][0]
        self.same("edge context", word(Context(row.context)), shot.context)
        for name, value in edge.items():
            self.same(f"edge {name}", getattr(row, name), value)

    def _compare_shot(self, decision: Decision, logs: Rows) -> None:
        shot, rows = decision.shot, logs["decisions"]
        key = None if shot is None else (shot.context, shot.reason)
        if key is not None:
            self.counts[key] += 1
        is_row_due = key is not None and (key != self.last_shot or key[1] == "pass")
        found = [(word(Context(row.context)), word(Gate(row.reason))) for row in rows]
        self.same("decision rows", found, [key] if is_row_due else [])
        self.last_shot = key or self.last_shot
        if shot is None or not rows:
            return
        row = rows[0]
        for name in ("layers", "price", "drift_mult", "notional_usd", *(GRID_FIELDS if shot.context == "average" else ())):
            self.same(f"decision {name}", getattr(row, name), getattr(shot, name))
        if shot.context == "average":
            self.same("decision base_spacing_bps", float(row.base_spacing_bps), shot.base_spacing_bps)
            self.same("decision effective_growth", float(row.effective_growth), shot.effective_growth)
        sent = [e for e in logs["order_events"] if e.event == OrderEvent.PLACE and e.reason in (OrderReason.ENTRY, OrderReason.AVERAGE)]
        expected = [shot.price_ticks + k for k in range(max(len(sent), 1))] if shot.reason == "pass" else []
        self.same("entry sent at", sorted(int(e.price_ticks) for e in sent), expected)
        cut = [int(e.lots) for e in sent]
        self.same("entry is well cut", entries.is_well_cut(self.one.market.settings, cut, shot.price_ticks), True)
        self.same("entry sent in all", sum(int(e.lots) for e in sent), shot.lots if shot.reason == "pass" else 0)

    def _compare_behaviour(self, decision: Decision, state: Any) -> None:
        for name in ("dup", "near", "loss"):
            self.same(name, float(state.behaviour[name]), float(getattr(decision.behaviour, name)))
        inverse = self.one.inverse
        self.same("inverse mode", word(InverseMode(state.inverse.mode)), inverse.mode)
        if inverse.mode not in ("armed", "active") or state.inverse.mode not in (InverseMode.ARMED, InverseMode.ACTIVE):
            return
        if state.inverse.due_ns > 0:
            return  # armed zones are laid when something needs them, and compared then
        zones = [state.inverse.zones[k] for k in range(int(state.inverse.zone_count))]
        self.same("zone shares", [int(zone.lots) for zone in zones], inverse.shares)
        for zone, bps in zip(zones, inverse.zones_bps, strict=False):
            self.same("zone", float(zone.bps), bps)

    # --- after every stop ---------------------------------------------------------------------------------------------------------

    def compare_accounts(self, logs: Rows, state: Any) -> None:
        """Closes, realised parts, pauses and debt."""
        ledger = self.one.ledger
        parts, closes = ledger.realised[self.realised :], ledger.closes[self.booked :]
        self.realised, self.booked = len(ledger.realised), len(ledger.closes)
        self.same("realised parts", len(logs["realisations"]), len(parts))
        for row, part in zip(logs["realisations"], parts, strict=False):
            self.same("realised at", int(row.ts_ns), part.ts_ns)
            self.same("realised qty", ledger.quantity(int(row.lots)), part.qty)
            self.same("realised reason", word(ExitReason(row.reason)), part.reason)
            self.same("realised net", float(row.net_usd), part.net_usd)
            self.same("realised debt", float(row.debt_after_usd), float(part.debt_after_usd))
        self.same("closes", len(logs["closes"]), len(closes))
        for row, close in zip(logs["closes"], closes, strict=False):
            self.same("close reason", word(ExitReason(row.reason)), close.reason)
            self.same("close qty", ledger.quantity(int(row.lots)), close.qty)
            for name in CLOSE_FIELDS:
                self.same(f"close {name}", getattr(row, name), getattr(close, name))
        self.same("cooldown_until_ns", int(state.risk.cooldown_until_ns), ledger.cooldown_until_ns)
        self.same("breaker_until_ns", int(state.risk.breaker_until_ns), ledger.breaker_until_ns)
        # Its length is a float's product cut to whole nanoseconds: the last one may differ.
        apart_ns = abs(int(state.risk.layer_cooldown_until_ns) - ledger.layer_cooldown_until_ns)
        self.same("layer_cooldown_until_ns", apart_ns > 1, False)

    def compare_take_profit(self, state: Any, now: int) -> None:
        """After a book: a take-profit that may be moved rests where the reference would have it."""
        st = self.one.state
        if self.one.ledger.position is None or st.is_closing or st.is_entry_working:
            return
        orders = state["orders"]
        slices = orders[(orders["status"] != OrderStatus.FREE) & (orders["purpose"] == Purpose.TAKE_PROFIT)]
        may_move = (slices["status"] == OrderStatus.LIVE) & (now >= slices["changed_ns"] + AMEND_INTERVAL_NS)
        want_ticks, want_lots = exits.resting_now(st, now) if may_move.any() else (0, 0)
        for o in slices[may_move]:
            self.same("take-profit stands at", int(o["price_ticks"]) + int(o["tick_offset"]), want_ticks)
        if len(slices) and may_move.all():
            self.same("take-profit stands for", int((slices["lots"] - slices["cum_lots"]).sum()), want_lots)


def follow(run: EngineRun, settings: Settings) -> list[Shadow]:
    """Run engine and reference side by side, up to the first step with a difference."""
    shadows = [Shadow(k, settings, run.is_sliced) for k in range(len(run.tapes))]
    was_draining = [False] * len(shadows)
    for step in run.steps():
        now = int(step.row.ts_recv)
        if step.stop is Stop.ENDED and not run.keeps_positions:
            _shut_down(shadows[step.symbol], now)
        for shadow in shadows:
            state, logs = run.states[shadow.index], split(step.logs, shadow.index)
            shadow.is_at_book = False
            if step.stop is Stop.AFTER_ROW:
                if shadow.index != step.symbol:
                    continue
                other_usd = sum(other.committed_usd for other in shadows if other is not shadow)
                shadow.on_row(step.row, other_usd, logs, state)
            else:
                shadow.on_happenings(logs, was_draining[shadow.index], EVER_NS if step.stop is Stop.DRAINED else now)
            was_draining[shadow.index] = bool(state.risk.is_draining)
            shadow.sync(state, now, live_orders(state))
            shadow.compare_accounts(logs, state)
            if shadow.is_at_book:
                shadow.compare_take_profit(state, now)
            if shadow.lines:
                shadow.lines.insert(0, f"symbol {shadow.index}, row at {now}, {step.stop.name}, {run.session.rows_done} rows done")
                return shadows
    for shadow in shadows:
        _compare_counts(shadow, run.states[shadow.index])
    return shadows


def _shut_down(shadow: Shadow, now: int) -> None:
    one = shadow.one
    one.state.is_shutdown = True
    one.state.is_entry_disabled = True
    reason = exits.guard_now(one.state, now)
    if reason != "none":
        one.on_close_decided(reason, 0)


def _compare_counts(shadow: Shadow, state: Any) -> None:
    found = {
        (word(context), word(gate)): int(state.gate_counts[context * GATE_COUNT + gate])
        for context in Context
        for gate in Gate
        if state.gate_counts[context * GATE_COUNT + gate] > 0
    }
    shadow.same("gate counts", found, dict(shadow.counts))


def differences(run: EngineRun, settings: Settings) -> list[str]:
    """Every difference up to the first step that has one."""
    return [line for shadow in follow(run, settings) for line in shadow.lines]
