"""A scripted tape through a whole session: rows in, the simulated venue at the other end, and behind `->` what was sent, filled and ended.

The lines are those of `desk`, without reports: the venue writes them, 5 ms after our word reaches it, which takes 5 ms as well. Rows happen
at the venue when they reach us, or as much earlier as `set sim.feed_latency_ms` says. What happens between two lines belongs to the first.
The last line is the last row of the tape; `end` below it is what the end of the tape brings.
"""

from __future__ import annotations

import numpy as np

from slackwater.kernel.record import Box, rows
from slackwater.runtime.session import Session, SymbolInput
from slackwater.schema.events import TapeRow
from slackwater.schema.units import MS, SEC
from tests.scenarios.orders.desk import (
    T0,
    instrument,
    lines_of,
    market_event,
    quiet_params,
    set_row,
    settings_of,
    still_market,
    take_told,
    told_text,
)

FEED_MS = 0.0


def tape_of(events: list[tuple[int, tuple[float, ...]]], feed_ns: int) -> Box:
    """The still market and then some events, as a tape that takes `feed_ns` to reach us."""
    before = [(at_ns, tuple(event)) for at_ns, *event in still_market()]
    tape = rows(TapeRow, len(before) + len(events))
    for k, (at_ns, event) in enumerate([*before, *events]):
        set_row(tape[k], at_ns, event)
        tape[k].ts_event = at_ns - feed_ns
    return tape


def session_of(events: list[tuple[int, tuple[float, ...]]], changes: dict[str, dict[str, object]]) -> Session:
    """A session over one symbol's scripted tape."""
    feed_ms = changes.get("sim", {}).get("feed_latency_ms", FEED_MS)
    assert isinstance(feed_ms, int | float)
    tape = tape_of(events, round(feed_ms * MS))
    return Session([SymbolInput("TEST", tape, None, instrument(**changes.get("instrument", {})))], quiet_params(changes), 1)


def play(table: str) -> tuple[list[str], Session]:
    """Run a scenario; returns its lines with what really happened, and the session."""
    lines = [line for line in lines_of(table) if line.split()[0] != "end"]
    told = [line for line in lines if line.startswith("set ")]
    events = [line.split("->")[0].split() for line in lines if not line.startswith("set ")]
    times = [T0 + round(float(event[0]) * SEC) for event in events]
    session = session_of([(at, market_event(event[1], event[2:])) for at, event in zip(times, events, strict=True)], settings_of(table))

    def heard(moment_ns: int) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for out in session.run_until(moment_ns):
            found += take_told(out[0], with_fills=True)
        return found

    assert heard(times[0] - 1) == []
    for event, at_ns, next_ns in zip(events, times, [*times[1:], times[-1] + 1], strict=True):
        text = told_text(heard(next_ns - 1), at_ns)
        told.append(" ".join(event) + (f" -> {text}" if text else ""))
    last: list[tuple[int, str]] = []
    for out in session.run():
        last += take_told(out[0], with_fills=True)
    return [*told, "end" + (f" -> {told_text(last, np.iinfo(np.int64).max)}" if last else "")], session


def check(table: str) -> Session:
    """Run a scenario and compare every line with what it promises; returns the session."""
    told, session = play(table)
    assert told == lines_of(table), "\n".join(["what happened:", *told])
    assert session.states[0].stray_reports == 0
    assert session.states[0].ledger.excess_lots == 0
    return session
