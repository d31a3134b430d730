"""A feed that stalls: rows reach the strategy late and together, and everything that speaks of their time agrees."""

from __future__ import annotations

import numpy as np
import pytest

from slackwater.config import from_mapping
from slackwater.kernel.record import Box, new, rows
from slackwater.runtime.session import Session, SymbolInput
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.instrument import Instrument
from slackwater.schema.units import MS, SEC

T0 = 1_700_000_000 * SEC
COUNT = 400
EVERY_SEC, LENGTH_SEC = 1.0, 0.3


def tape() -> Box:
    """A book every 10 ms, whose bid counts up."""
    found = rows(TapeRow, COUNT)
    found["kind"] = RowKind.BOOK
    found["ts_event"] = T0 + np.arange(COUNT) * 10 * MS
    found["ts_recv"] = found["ts_event"] + 2 * MS
    found["price_ticks"], found["ask_ticks"] = 1000 + np.arange(COUNT), 1001 + np.arange(COUNT)
    found["lots"] = found["ask_lots"] = 5
    return found


def session(stalls: bool = True, names: tuple[str, ...] = ("TEST",)) -> Session:
    instrument = new(Instrument)
    instrument[0].tick_num, instrument[0].tick_den, instrument[0].lot_num, instrument[0].lot_den = 1.0, 10.0, 1.0, 1.0
    settings = {"sim": {"stall_every_sec": EVERY_SEC, "stall_sec": LENGTH_SEC}} if stalls else {}
    return Session([SymbolInput(name, tape(), None, instrument) for name in names], from_mapping(settings).to_params(), 3)


def run_to_end(one: Session) -> Session:
    for _ in one.run():
        pass
    return one


def test_rows_of_a_stall_come_at_its_end() -> None:
    one = session()
    phase = int(one.cursors[0].stall_phase_ns)
    heard = [one.heard_ns(0, k) for k in range(COUNT)]
    late = [at - int(recv) for at, recv in zip(heard, one.inputs[0].rows["ts_recv"], strict=True)]
    assert heard == sorted(heard)
    assert 0.25 < sum(delay > 0 for delay in late) / COUNT < 0.35
    assert max(late) <= LENGTH_SEC * SEC
    assert all((at - phase) % SEC == 0.3 * SEC for at, delay in zip(heard, late, strict=True) if delay > 0)
    for moment in range(T0, T0 + 4 * SEC, 37 * MS):
        for _ in one.run_until(moment):
            pass
        assert one.rows_done == sum(at <= moment for at in heard)
        assert one.rows_done == np.searchsorted(one.inputs[0].rows["ts_recv"], one.fed_until_ns(0, moment), "right")


@pytest.mark.parametrize("stalls", [True, False])
def test_every_row_comes_in_the_end(stalls: bool) -> None:
    one = run_to_end(session(stalls))
    assert one.rows_done == COUNT
    assert one.last_ns == one.heard_ns(0, COUNT - 1) == one.cursors[0].heard_ns
    assert (one.last_ns == one.inputs[0].rows["ts_recv"][-1]) or stalls


def test_a_run_can_stop_at_a_row_that_a_stall_holds_back() -> None:
    one = session()
    held = next(k for k in range(50, COUNT) if one.heard_ns(0, k) > one.inputs[0].rows["ts_recv"][k])
    for _ in one.run_to_row(0, held):
        pass
    assert one.cursors[0].local == held
    assert one.states[0].market.bid_ticks == 1000 + held - 1


def test_all_symbols_stall_together() -> None:
    one = run_to_end(session(names=("A", "B")))
    assert one.cursors[0].stall_phase_ns == one.cursors[1].stall_phase_ns
    assert one.rows_done == 2 * COUNT
