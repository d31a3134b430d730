"""Replaying a run's files gives the reference the same accounts that it had when it made them; an edited file is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.reference.naive_venue import NaiveVenue
from tests.reference.replay import compare_closes, compare_decisions, compare_edge, facts_of_run, replay
from tests.reference.signals import ReferenceMarket
from tests.reference.strategy import ReferenceStrategy
from tests.reference.tapes import SHARED, Event, events
from tests.reference.test_strategy_on_tape import OPEN

BOOKS = 4000

pytestmark = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the shared data is not beside the project")


class RecordingVenue(NaiveVenue):
    """Keeps what it did as rows of a run."""

    def __init__(self, strategy: ReferenceStrategy) -> None:
        super().__init__(strategy)
        self.orders: dict[tuple[str, int], dict[str, Any]] = {}
        self.fills: list[dict[str, Any]] = []
        self.decided_ns = 0
        strategy.on_fill = self._record(strategy.on_fill)  # type: ignore[method-assign]

    def _record(self, on_fill: Any) -> Any:
        def recorded(now: int, purpose: str, group: int, ticks: int, lots: int, fee_usd: float) -> None:
            one = self.strategy
            order = {"symbol": "X", "client_order_id": f"{purpose}{group}", "group_id": group, "purpose": purpose}
            self.orders[purpose, group] = {**order, "created_ns": self.decided_ns, "final_ns": now}
            fill = {"symbol": "X", "client_order_id": f"{purpose}{group}", "ts_ns": now, "price": one.market.price(ticks)}
            self.fills.append({**fill, "qty": one.ledger.quantity(lots), "fee_usd": fee_usd})
            on_fill(now, purpose, group, ticks, lots, fee_usd)

        return recorded


def record(tape: list[Event], run: Path) -> int:
    """Trade the tape and write what happened. Returns the number of closes."""
    one = ReferenceStrategy(OPEN, ReferenceMarket(OPEN))
    venue = RecordingVenue(one)
    edges, shots = [], []
    for event in tape:
        if event.ask_ticks is None:
            one.on_trade(event.ns, event.bid_ticks, event.bid_lots, event.buyer_maker)
            continue
        venue.before_book(event.ns, event.ask_ticks)
        decision = one.on_book(event.ns, event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots)
        assert decision is not None
        venue.after_book(decision)
        venue.decided_ns = event.ns
        if decision.shot is not None:
            shots.append({"symbol": "X", "ts_ns": event.ns, **vars(decision.shot)})
            if decision.edge is not None:
                edges.append({"symbol": "X", "ts_ns": event.ns, "context": decision.shot.context, **decision.edge})
    closes = [{"symbol": "X", **vars(close)} for close in one.ledger.closes]
    tables = {"orders": list(venue.orders.values()), "fills": venue.fills, "edge": edges, "decisions": shots, "closes": closes}
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), run / f"{name}.parquet")
    return len(closes)


def test_a_run_replays_to_the_same_answers_and_an_edit_is_noticed(tmp_path: Path) -> None:
    tape = []
    books = 0
    for event in events("gemini_spot_20210702__ETHUSD", OPEN):
        tape.append(event)
        books += event.ask_ticks is not None
        if books == BOOKS:
            break
    assert record(tape, tmp_path) > 10
    result = replay(OPEN, tape, facts_of_run(tmp_path, "X", OPEN))
    assert compare_closes(tmp_path, "X", result) == []
    assert compare_edge(tmp_path, "X", result) == []
    assert compare_decisions(tmp_path, "X", result) == []
    fills = pq.read_table(tmp_path / "fills.parquet").to_pylist()
    fills[3]["fee_usd"] += 1e-6
    pq.write_table(pa.Table.from_pylist(fills), tmp_path / "fills.parquet")
    result = replay(OPEN, tape, facts_of_run(tmp_path, "X", OPEN))
    assert any("fees_usd" in line for line in compare_closes(tmp_path, "X", result))
