"""What must hold on any tape with every gate open: never long, every order ends, no more reduce-only than there is, one close at a time."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slackwater.runtime.session import Session
from slackwater.schema.commands import Purpose, Side
from slackwater.schema.enums import ExitReason, GroupStatus, OrderEvent, OrderReason, OrderStatus
from slackwater.schema.state import MAX_SLICES
from slackwater.schema.units import MS
from slackwater.sim.records import OrderState
from tests.scenarios.orders.desk import T0
from tests.scenarios.orders.tape_play import session_of

FREE = {
    "grid": {"max_layers": 6, "cooldown_sec": 0.1, "base_spacing_bps": 3.0, "spacing_growth": 1.1},
    "inverse_tp": {"enabled": True, "min_layers": 3, "give_up_bps": 5.0},
    "exit": {"min_tp_profit_bps": 3.0, "tp_spread_mult": 0.5, "min_fast_tp_bps": -1.0},
    "risk": {"cooldown_steps_sec": [0.2]},
    "fees": {"maker": 0.0, "taker": 0.0},
    "execution": {"entry_max_age_sec": 2.0, "max_chase_bps": 20.0},
}

gaps = st.integers(1, 300)  # milliseconds between two rows
drifts = st.integers(-8, 8)  # ticks that the market moves from one row to the next
books = st.tuples(st.just("book"), gaps, drifts, st.integers(1, 12), st.integers(0, 9), st.integers(0, 9))
trades = st.tuples(st.just("trade"), gaps, st.integers(-3, 3), st.integers(1, 30), st.sampled_from([-1, 1]))
steps = st.lists(st.one_of(books, trades), min_size=30, max_size=120)


def rows_of(walk: list[tuple[str | int, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    """Books that wander, and trades at or through their touches."""
    at_ns, bid, ask = T0, 9980, 10_000
    events = []
    for kind, gap_ms, *numbers in walk:
        at_ns += int(gap_ms) * MS
        if kind == "book":
            drift, spread, bid_lots, ask_lots = map(int, numbers)
            bid, ask = bid + drift, bid + drift + spread
            events.append((at_ns, (bid, bid_lots, ask, ask_lots)))
        else:
            beyond, lots, aggressor = map(int, numbers)
            events.append((at_ns, ((ask if aggressor > 0 else bid) + aggressor * beyond, lots, aggressor)))
    return events


def check_now(session: Session) -> None:
    """What must hold at any moment, at the venue and in the machine."""
    state, venue = session.states[0], session.venues[0]
    resting = [o for o in venue.orders if o["state"] == OrderState.LIVE]
    assert venue.position_lots <= 0 <= state.ledger.short_lots
    assert sum(int(o["leaves_lots"]) for o in resting if o["reduce_only"]) <= -venue.position_lots
    ours = [o for o in state.orders if o["status"] != OrderStatus.FREE]
    assert len(ours) == state.live_orders
    assert sum(o["purpose"] == Purpose.CLOSE for o in ours) <= 1
    assert sum(o["purpose"] == Purpose.TAKE_PROFIT for o in ours) <= MAX_SLICES
    assert len({int(o["group_id"]) for o in ours if o["purpose"] == Purpose.TAKE_PROFIT}) <= 1
    has_close = any(o["purpose"] == Purpose.CLOSE for o in ours)
    assert not (has_close and any(o["purpose"] != Purpose.CLOSE for o in ours))
    sells = [int(o["price_ticks"]) for o in resting if o["side"] == Side.SELL]
    buys = [int(o["price_ticks"]) for o in resting if o["side"] == Side.BUY]
    assert not sells or not buys or min(sells) > max(buys)
    if state.entry.status == GroupStatus.IDLE:
        assert not any(o["purpose"] == Purpose.ENTRY for o in ours)
    held = state.ledger.layers[: state.ledger.layers_opened]["lots"].sum() if state.ledger.short_lots else 0
    assert held == state.ledger.short_lots


def check_fills(session: Session, position: int) -> int:
    """Each fill's position is the sum of those before it, and never long; returns the last sum."""
    out = session.out[0]
    for fill in out.fills[: out.fill_count]:
        position -= int(fill["side"]) * int(fill["lots"])
        assert max(position, 0) == fill["short_lots_after"]  # below 0 only while entry fills of what was liquidated are to be told
    return position


@st.composite
def changes(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    """How orders are cut, how long words travel, and what the venue does wrong."""
    fewest = draw(st.integers(1, 5))
    sim: dict[str, object] = {
        "feed_latency_ms": draw(st.sampled_from([0.0, 2.0, 40.0])),
        "entry_latency_ms": draw(st.sampled_from([0.0, 5.0, 60.0, 400.0])),
        "response_latency_ms": draw(st.sampled_from([0.0, 5.0, 60.0, 400.0])),
        "latency_model": draw(st.sampled_from(["constant", "lognormal"])),
        "queue_model": draw(st.sampled_from(["pessimistic", "proportional", "optimistic"])),
    }
    if draw(st.booleans()):
        sim["reject_prob"] = draw(st.sampled_from([0.0, 0.05, 0.3]))
        sim["late_answer_prob"] = draw(st.sampled_from([0.0, 0.1, 0.5]))
        sim["late_answer_ms"] = draw(st.sampled_from([30.0, 700.0, 4000.0]))
        sim["duplicate_prob"] = draw(st.sampled_from([0.0, 0.1, 0.5]))
        sim["lost_answer_prob"] = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return {
        **FREE,
        "instrument": {"min_notional_usd": draw(st.sampled_from([5.0, 95.0, 140.0, 199.9, 399.5]))},
        "sim": sim,
        "session": {"keep_positions": draw(st.booleans())},
        "stealth": {"always_split": draw(st.booleans()), "min_slices": fewest, "max_slices": draw(st.integers(fewest, 5))},
    }


def run_and_check(walk: list[tuple[str | int, ...]], how: dict[str, dict[str, object]]) -> None:
    """Look at machine and venue at, before and after every row, and at the end."""
    events = rows_of(walk)
    session = session_of(events, how)
    for at_ns, _ in events:
        for between_ns in (at_ns - 1, at_ns + 3 * MS):
            for _out in session.run_until(between_ns):
                check_now(session)
    for _out in session.run():
        check_now(session)
    check_end(session, can_be_late=bool(how["sim"].get("late_answer_prob")))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(walk=steps, how=changes())
def test_any_tape(walk: list[tuple[str | int, ...]], how: dict[str, dict[str, object]]) -> None:
    run_and_check(walk, how)


LIQUIDATES = {"account": {"leverage": 125, "balance": 100.0}}
LATE = {"maintenance_rate": 0.0078, "late_answer_prob": 0.5, "late_answer_ms": 700.0}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(walk=steps, how=changes(), rate=st.sampled_from([0.0055, 0.007, 0.0078]))
def test_any_tape_with_liquidations(walk: list[tuple[str | int, ...]], how: dict[str, dict[str, object]], rate: float) -> None:
    run_and_check(walk, {**how, **LIQUIDATES, "sim": {**how["sim"], "maintenance_rate": rate}})


@pytest.mark.deep
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(walk=steps, how=changes())
def test_any_tape_for_long(walk: list[tuple[str | int, ...]], how: dict[str, dict[str, object]]) -> None:
    run_and_check(walk, how)


def check_end(session: Session, can_be_late: bool = False) -> None:
    """Every order placed has ended, once, with what its fills say; the venue and we agree on the position."""
    state, out = session.states[0], session.out[0]
    assert not out.is_nearly_full
    events, ends = out.order_events[: out.order_event_count], out.orders[: out.order_count]
    placed = [int(e["order_id"]) for e in events if e["event"] == OrderEvent.PLACE]
    assert sorted(placed) == sorted(int(o["order_id"]) for o in ends) == list(range(1, len(placed) + 1))
    assert {int(o["status"]) for o in ends} <= {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
    too_small = (OrderReason.BELOW_MIN_NOTIONAL, OrderReason.BELOW_MIN_QTY)
    assert not any(e["reason"] in too_small for e in events)
    refused = sum(int(o["amends_refused"]) for o in ends)
    assert refused <= sum(e["event"] == OrderEvent.AMEND_REJECT for e in events)
    fills = out.fills[: out.fill_count]
    for o in ends:
        filled = fills["lots"][fills["order_id"] == o["order_id"]].sum()
        assert o["cum_lots"] == filled or (can_be_late and o["cum_lots"] < filled)  # a fill may come after the end
        assert filled <= o["lots"]
    steps = sorted((int(o["order_id"]), int(o["created_ns"]), int(o["final_ns"])) for o in ends if o["purpose"] == Purpose.CLOSE)
    assert all(created >= final for (_, _, final), (_, created, _) in pairwise(steps))
    assert check_fills(session, 0) == state.ledger.short_lots == -session.venues[0].position_lots
    assert (state.live_orders, state.ledger.excess_lots) == (0, 0)
    cash_usd = -(fills["side"] * fills["price_ticks"] * fills["lots"]).sum() / 100.0
    led = state.ledger
    assert led.realised_usd == pytest.approx(cash_usd - led.short_lots * led.avg_entry, abs=1e-6)
    assert led.fees_usd == pytest.approx(fills["fee_usd"].sum(), abs=1e-9)


def walk_of(seed: int) -> list[tuple[str | int, ...]]:
    """A tape's steps, drawn."""
    chance = random.Random(seed)
    walk: list[tuple[str | int, ...]] = []
    for _ in range(60):
        walk.append(("book", chance.randint(1, 300), chance.randint(-8, 8), *(chance.randint(1, 9) for _ in range(3))))
        walk.append(("trade", chance.randint(1, 300), chance.randint(-3, 3), chance.randint(1, 30), chance.choice((-1, 1))))
    return walk


def test_such_tapes_come_to_liquidate_what_is_not_known_yet() -> None:
    most = 0
    for seed in range(12):
        events = rows_of(walk_of(seed))
        session = session_of(events, {**FREE, **LIQUIDATES, "sim": LATE})
        for at_ns, _ in events:
            for _out in session.run_until(at_ns):
                check_now(session)
            most = max(most, int(session.states[0].ledger.excess_lots))
        for _out in session.run():
            check_now(session)
        check_end(session, can_be_late=True)
    assert most > 0


def test_such_tapes_come_to_trade() -> None:
    reasons: set[int] = set()
    for seed in range(12):
        session = session_of(rows_of(walk_of(seed)), FREE)
        for _out in session.run():
            check_now(session)
        check_end(session)
        out = session.out[0]
        reasons |= {int(close["reason"]) for close in out.closes[: out.close_count]}
    assert reasons >= {ExitReason.TP_REST, ExitReason.TP, ExitReason.FAST_TP}
