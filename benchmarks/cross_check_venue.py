"""The schedule of a cross-check played into slackwater's own simulated venue, and what came of it leg by leg.

A leg is the time an order rests at one price: a modify ends one leg and begins the next, which is how hftbacktest gets it too. Only
matching is compared, so that orders are played without `reduce_only` and without the venue's minimums.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit_loop
from slackwater.kernel.record import Box, new, rows
from slackwater.schema.events import FillCause, Report, ReportKind, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params, QueueModel
from slackwater.schema.units import NEVER_NS
from slackwater.sim import exchange
from slackwater.sim.records import VenueState

REPORTS_PER_COMMAND = 64  # more than any order of a schedule gets fills


@dataclass
class Leg:
    """One stay of an order at one price. `fills` maps venue times to lots, `causes` venue times to the cause of a fill."""

    number: int
    order_id: int
    side: int
    price_ticks: int
    lots: int
    arrival_ns: int
    end_ns: int = NEVER_NS  # when a cancel or a modify arrives, whether or not it finds the order
    is_refused: bool = False
    fills: dict[int, int] = field(default_factory=dict)
    causes: dict[int, str] = field(default_factory=dict)
    ahead: dict[int, int] = field(default_factory=dict)


@jit_loop
def play_rows(v: Box, ins: Box, p: Box, tape: Box, order: NDArray[np.int64], commands: Box, told: Box) -> int:
    """Every row in venue order, every command at its time; returns the number of reports written to `told`."""
    count, k, c = 0, 0, 0
    while True:
        row_ns = tape[order[k]].ts_event if k < len(order) else NEVER_NS
        command_ns = commands[c].ts_ns if c < len(commands) else NEVER_NS
        arrival_ns = exchange.next_arrival_ns(v[0])
        if row_ns == NEVER_NS:
            return count
        if row_ns <= command_ns and row_ns <= arrival_ns:
            exchange.on_row(v[0], ins[0], p[0], tape[order[k]])
            k += 1
        elif command_ns <= arrival_ns:
            exchange.submit(v[0], p[0], commands[c])
            c += 1
        else:
            exchange.on_arrival(v[0], ins[0], p[0])
        while count < len(told) and exchange.pop_report(v[0], told[count]):
            count += 1


def play(tape: Box, order: NDArray[np.int64], commands: Box, model: QueueModel, latency_ns: int) -> list[Leg]:
    """The legs of a schedule with their fills.

    Args:
        tape: rows of TapeRow.
        order: row numbers in venue-time order.
        commands: by time.
    """
    v, ins, p = new(VenueState), new(Instrument), new(Params)
    for name in ("tick_num", "tick_den", "lot_num", "lot_den"):
        ins[0][name] = 1.0
    p[0].queue_model, p[0].depth_decay, p[0].max_slippage_bps = model.value, 0.5, 50.0
    p[0].entry_latency_ns = p[0].response_latency_ns = latency_ns
    p[0].balance_usd, p[0].leverage = 1e300, 1.0  # the other one asks for no margin
    told = rows(Report, len(commands) * REPORTS_PER_COMMAND)
    count = play_rows(v, ins, p, tape, order, commands, told)
    if count == len(told) or v[0].lost_report_count or v[0].refused_request_count:
        raise RuntimeError(f"expected all reports of {len(commands)} commands, found {count} and lost some")
    return legs_of(told[:count], commands, latency_ns)


def legs_of(told: Box, commands: Box, latency_ns: int) -> list[Leg]:
    """Legs from reports in the order in which they were written, and the arrival times of the commands."""
    sides = {int(c.order_id): int(c.side) for c in commands if c.side}
    legs: list[Leg] = []
    current: dict[int, Leg] = {}
    for report in told[np.argsort(told["sequence"], kind="stable")]:
        order_id, kind, now = int(report.order_id), ReportKind(int(report.kind)), int(report.ts_venue_ns)
        if kind in (ReportKind.ACK, ReportKind.REJECT, ReportKind.AMEND_ACK):
            lots = int(report.lots) - int(report.cum_lots)
            leg = Leg(len(legs), order_id, sides[order_id], int(report.price_ticks), lots, now, is_refused=kind == ReportKind.REJECT)
            if order_id in current:
                current[order_id].end_ns = now
            current[order_id] = leg
            legs.append(leg)
        elif kind == ReportKind.FILL:
            leg = current[order_id]
            leg.ahead.setdefault(now, int(report.queue_ahead_lots))
            leg.fills[now] = leg.fills.get(now, 0) + int(report.lots)
            leg.causes[now] = FillCause(int(report.cause)).name.lower()
        elif kind in (ReportKind.CANCEL_ACK, ReportKind.CANCEL_REJECT) or report.reason == VenueReason.UNKNOWN_ORDER:
            # What came too late here ends the leg there, where it may still rest.
            current[order_id].end_ns = min(current[order_id].end_ns, now)
    return legs


def result_of(legs: list[Leg]) -> list[dict[int, int]]:
    """The fills alone: lots by venue time, a leg each."""
    return [leg.fills for leg in legs]


def as_columns(legs: list[Leg]) -> dict[str, list[Any]]:
    """Legs as columns, for the other process."""
    names = ("number", "side", "price_ticks", "lots", "arrival_ns", "end_ns")
    return {name: [getattr(leg, name) for leg in legs] for name in names}
