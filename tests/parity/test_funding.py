"""Funding of whole runs: the account receives what the venue's own position brought, also when answers are late, lost or doubled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from slackwater.kernel.record import Box
from slackwater.schema.events import RowKind
from slackwater.schema.params import LatencyModel
from slackwater.schema.units import MS, SEC
from tests.parity.configurations import OPEN
from tests.parity.engine import EngineRun, Rows
from tests.parity.market_tapes import CALM, make_tape

ROWS = 3_000
SHAPE = replace(CALM, funding_chance=0.05)
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "slow": {"entry_latency_ns": 300 * MS, "response_latency_ns": 900 * MS},
    "uneven": {"latency_model": LatencyModel.LOGNORMAL, "entry_latency_sigma": 1.5, "response_latency_sigma": 1.5},
    "late": {"late_answer_prob": 0.3, "late_answer_ns": 3 * SEC},
    "lost": {"lost_answer_prob": 0.3},
    "twice": {"duplicate_prob": 0.5},
    "all": {"late_answer_prob": 0.2, "late_answer_ns": 2 * SEC, "lost_answer_prob": 0.2, "duplicate_prob": 0.2, "reject_prob": 0.1},
}


def run_all(tapes: dict[str, Box], changes: dict[str, Any]) -> tuple[EngineRun, Rows]:
    """A whole run and all it wrote."""
    run = EngineRun(tapes, OPEN, changes)
    return run, run._gather(run.session.run())


def paid(tape: Box, fills: list[Any]) -> float:
    """What every funding row of a tape brings on the position that the fills had made at the venue by its time."""
    total, mid = 0.0, 0.0
    for row in tape:
        if row.kind == RowKind.BOOK and row.ask_ticks >= row.price_ticks > 0:
            mid = (row.price_ticks + row.ask_ticks) / 2 * OPEN.tick_num / OPEN.tick_den
        elif row.kind == RowKind.FUNDING:
            short = -sum(fill.lots * fill.side for fill in fills if fill.ts_venue_ns < row.ts_event)
            total += row.value * mid * short * OPEN.lot_num / OPEN.lot_den
    return total


@pytest.mark.parametrize("name", FAULTS)
def test_the_account_receives_what_the_venue_pays(name: str) -> None:
    run, logs = run_all({"S0": make_tape(11, ROWS, SHAPE)}, FAULTS[name])
    ledger, venue = run.states[0].ledger, run.session.venues[0]
    assert venue.funding_usd != 0.0
    assert ledger.funding_usd == pytest.approx(float(venue.funding_usd), abs=1e-12)
    # None of it is without a close or a position.
    closed = sum(close.funding_usd for close in logs["closes"])
    open_usd = ledger.episode.funding_usd if ledger.short_lots > 0 else 0.0
    assert closed + open_usd == pytest.approx(float(ledger.funding_usd), abs=1e-9)
    realised = sum(part.net_usd for part in logs["realisations"])
    assert realised - ledger.fees_open_usd + ledger.funding_open_usd == pytest.approx(
        float(ledger.realised_usd - ledger.fees_usd + ledger.funding_usd), abs=1e-9
    )
    for row in logs["equities"]:
        assert row.equity_usd == pytest.approx(row.realised_usd + row.unrealised_usd - row.fees_usd + row.funding_usd, abs=1e-9)
    assert logs["equities"][-1].funding_usd == ledger.funding_usd


@pytest.mark.parametrize("name", ["none", "slow", "uneven"])
def test_it_is_what_the_fills_at_the_venue_say(name: str) -> None:
    tape = make_tape(12, ROWS, SHAPE)
    run, logs = run_all({"S0": tape}, FAULTS[name])
    assert len(logs["closes"]) > 3
    assert run.states[0].ledger.funding_usd == pytest.approx(paid(tape, logs["fills"]), abs=1e-9)


def test_alone_or_beside_others() -> None:
    tapes = {f"S{k}": make_tape(20 + k, ROWS // 2, SHAPE) for k in range(3)}
    changes = {"max_total_notional_usd": 1e9, **FAULTS["all"]}
    together, logs = run_all(tapes, changes)
    for k, (name, tape) in enumerate(tapes.items()):
        alone, own = run_all({name: tape}, changes)
        assert alone.states[0].ledger.funding_usd == together.states[k].ledger.funding_usd != 0.0
        found, expected = (
            [np.array([(e.ts_ns, e.order_id, e.price_ticks, e.lots)]) for e in rows]
            for rows in (own["order_events"], [e for e in logs["order_events"] if e.symbol == k])
        )
        assert np.array_equal(found, expected)
