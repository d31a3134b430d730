"""Symbols whose tapes end at different times: each ends with its own as if it were alone, and none of its orders is left without an end."""

from __future__ import annotations

import pytest

from slackwater.runtime.session import Session, SymbolInput
from slackwater.schema.enums import ExitReason, OrderReason, OrderStatus
from slackwater.schema.units import SEC
from slackwater.sim.ending import SHUTDOWN_LIMIT_NS, Phase
from tests.scenarios.orders.desk import T0, instrument, lines_of, market_event, quiet_params
from tests.scenarios.orders.tape_play import session_of, tape_of

Events = list[tuple[int, tuple[int, ...]]]
Changes = dict[str, dict[str, object]]
CLOSES: Changes = {"session": {"keep_positions": False}}
LOSES: Changes = {"sim": {"lost_answer_prob": 1.0}}
SHORT = {
    "the take-profit rests": """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        0.600 book 99.80x50 100.01x50
    """,
    "the take-profit is not answered yet": """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        0.510 book 99.80x50 100.01x50
    """,
    "the entry's fill is on its way": """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
    """,
    "the entry rests": """
        0.000 book 99.80x50 100.00x50
        0.500 book 99.80x50 100.00x50
    """,
    "nothing can be bought at the end": """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        0.600 book 99.80x50 100.01x2
    """,
}
LONG = """
    0.000 book 99.80x50 100.00x50
    0.600 book 99.80x50 100.00x50
    90.000 book 99.80x50 100.00x50
"""
LOGS = ("order_event", "order", "fill", "close", "equity", "realisation")


def events_of(table: str) -> Events:
    """The rows of a tape."""
    words = [line.split() for line in lines_of(table)]
    return [(T0 + round(float(at) * SEC), market_event(verb, rest)) for at, verb, *rest in words]


def run_through(session: Session) -> dict[str, list[str]]:
    """Run to the end; the rows of every log that are the first symbol's."""
    found: dict[str, list[str]] = {name: [] for name in LOGS}
    for out_box in session.run():
        out = out_box[0]
        for name in LOGS:
            rows = out["equities" if name == "equity" else f"{name}s"][: out[f"{name}_count"]]
            found[name] += [repr(row.item()) for row in rows[rows["symbol"] == 0]]
            out[f"{name}_count"] = 0
        out["edge_count"] = out["decision_count"] = 0
        out["is_nearly_full"] = False
    return found


def session_over(tables: dict[str, str], changes: Changes) -> Session:
    """A session over scripted tapes, by name."""
    inputs = [SymbolInput(name, tape_of(events_of(table), 0), None, instrument()) for name, table in tables.items()]
    return Session(inputs, quiet_params(changes), 1)


@pytest.mark.parametrize("changes", [{}, LOSES, CLOSES, {**CLOSES, **LOSES}], ids=["kept", "kept, lost", "closed", "closed, lost"])
@pytest.mark.parametrize("table", [pytest.param(table, id=name) for name, table in SHORT.items()])
def test_a_symbol_ends_beside_a_longer_tape_as_alone(table: str, changes: Changes) -> None:
    alone, beside = session_over({"A": table}, changes), session_over({"A": table, "B": LONG}, changes)
    assert run_through(beside) == run_through(alone)
    for session in (alone, beside):
        assert (session.states["live_orders"] == 0).all()
        assert session.states["ledger"]["short_lots"].tolist() == (-session.venues["position_lots"]).tolist()
    assert beside.states[1].market.book_ns == T0 + 90 * SEC


def test_what_is_open_at_a_symbols_end_is_marked_then() -> None:
    entered = """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        0.600 book 99.80x50 100.00x50
        9.000 book 99.80x50 100.00x50
    """
    session = session_over({"A": SHORT["the take-profit rests"], "B": entered}, {})
    rows = []
    for out_box in session.run():
        out = out_box[0]
        rows += [(int(row.ts_ns), int(row.symbol)) for row in out.equities[: out.equity_count]]
        out["equity_count"] = out["order_count"] = out["order_event_count"] = 0
    last_ns = max(ns for ns, symbol in rows if symbol == 0)
    assert rows == sorted(rows)
    assert last_ns < max(ns for ns, symbol in rows if symbol == 1)
    assert session.states["ledger"]["short_lots"].min() > 0
    assert last_ns == int(session.states[0].equity_logged_ns) == int(session.cursors[0].heard_ns)


def test_what_found_nothing_to_buy_is_given_up_after_a_minute() -> None:
    session = session_over({"A": SHORT["nothing can be bought at the end"], "B": LONG}, CLOSES)
    end_ns = T0 + 600 * SEC // 1000
    for _ in session.run_until(end_ns + SHUTDOWN_LIMIT_NS - 2 * SEC):
        pass
    assert (session.cursors[0].phase, session.cursors[1].phase) == (Phase.SHUTDOWN, Phase.TAPE)
    for _ in session.run_until(end_ns + SHUTDOWN_LIMIT_NS):
        pass
    times = [int(row.ts_ns) for row in session.out[0].equities[: session.out[0].equity_count]]
    for _ in session.run_until(end_ns + SHUTDOWN_LIMIT_NS + SEC):
        pass
    assert (session.cursors[0].phase, session.cursors[1].phase) == (Phase.OVER, Phase.TAPE)
    assert session.states[0].ledger.short_lots > 0
    assert end_ns + SHUTDOWN_LIMIT_NS - SEC <= max(times) <= end_ns + SHUTDOWN_LIMIT_NS


def test_a_symbol_without_rows_ends_before_it_begins() -> None:
    session = session_over({"A": SHORT["the take-profit rests"], "B": LONG}, CLOSES)
    session.cursors[1].stop = session.cursors[1].first
    alone = session_over({"A": SHORT["the take-profit rests"]}, CLOSES)
    assert run_through(session) == run_through(alone)
    assert session.states[1].risk.is_draining
    assert Session(session.inputs, session.params, 1, start_ns=T0 + 40 * SEC).first_end_ns == T0 + 90 * SEC


def test_an_order_that_the_venue_has_forgotten_is_canceled() -> None:
    session = session_of(events_of(SHORT["the entry rests"]), LOSES)
    for _ in session.run_until(T0 + 499 * SEC // 1000):
        pass
    session.venues[0].resting_count = 0
    for _ in session.run():
        pass
    out = session.out[0]
    ends = [(OrderStatus(int(o.status)), OrderReason(int(o.reason)), int(o.cum_lots)) for o in out.orders[: out.order_count]]
    assert ends == [(OrderStatus.CANCELED, OrderReason.END_OF_TAPE, 0)]


def test_a_close_is_still_booked_when_its_fill_is_only_told_at_the_end() -> None:
    table = """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        0.600 book 99.80x50 100.00x50
        5.000 trade 99.70x60 sell
        5.100 book 99.80x50 100.00x50
    """
    session = session_of(events_of(table), {})
    for _ in session.run_until(T0 + 4 * SEC):
        pass
    session.params[0].lost_answer_prob = 1.0
    for _ in session.run():
        pass
    out = session.out[0]
    closes = [(int(row.close_ns) - T0, int(row.lots), ExitReason(int(row.reason))) for row in out.closes[: out.close_count]]
    assert closes == [(5100 * SEC // 1000, 5, ExitReason.TP_REST)]
    assert session.venues[0].position_lots == session.states[0].ledger.short_lots == 0
