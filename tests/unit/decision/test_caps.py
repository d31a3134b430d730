"""Caps: what counts as committed, and over whom."""

from __future__ import annotations

import math

import pytest

from slackwater.schema.commands import Purpose
from slackwater.schema.enums import OrderStatus
from tests.unit.decision.scene import Scene

EXACT = 1e-9


def order(scene: Scene, slot: int, status: OrderStatus, purpose: Purpose, lots: int, cum_lots: int) -> None:
    """An order sent at 100 and since amended up to 101 and back."""
    o = scene.s.orders[slot]
    o.status, o.purpose, o.lots, o.cum_lots = status, purpose, lots, cum_lots
    o.price_ticks, o.highest_ticks = 10_000, 10_100
    scene.s.live_orders += 1


def busy() -> Scene:
    """49.75 held at cost; 300 and 200 lots of entries to come at 101 at most; exits that do not count."""
    scene = Scene()
    scene.hold(500)
    order(scene, 0, OrderStatus.LIVE, Purpose.ENTRY, 400, 100)
    order(scene, 1, OrderStatus.LIVE, Purpose.TAKE_PROFIT, 500, 0)
    order(scene, 2, OrderStatus.PENDING, Purpose.ENTRY, 200, 0)
    order(scene, 3, OrderStatus.PENDING, Purpose.CLOSE, 500, 0)
    return scene


def test_committed_is_cost_and_entries_at_their_highest_price() -> None:
    assert busy().caps(0.0)[0] == pytest.approx(100.25, abs=EXACT)  # 49.75 + 0.5*101


@pytest.mark.parametrize("status", [s for s in OrderStatus if OrderStatus.FREE < s < OrderStatus.FILLED])
def test_an_entry_counts_until_its_slot_is_free(status: OrderStatus) -> None:
    scene = Scene()
    order(scene, 0, status, Purpose.ENTRY, 400, 100)
    assert scene.caps(0.0)[0] == pytest.approx(30.3, abs=EXACT)
    scene.s.orders[0].status, scene.s.live_orders = OrderStatus.FREE, 0
    assert scene.caps(0.0)[0] == 0.0


def test_an_overfilled_entry_counts_for_nothing() -> None:
    scene = Scene()
    order(scene, 0, OrderStatus.LIVE, Purpose.ENTRY, 400, 410)
    assert scene.caps(0.0)[0] == 0.0


@pytest.mark.parametrize(("cap", "breaks"), [(110.24, True), (110.26, False), (0.0, False)])
def test_symbol_cap(cap: float, breaks: bool) -> None:
    scene = busy()
    scene.p[0].max_symbol_notional_usd = cap
    assert scene.caps(10.0)[1] == breaks


@pytest.mark.parametrize(("cap", "breaks"), [(160.24, True), (160.26, False), (0.0, False)])
def test_portfolio_cap_is_over_all_symbols(cap: float, breaks: bool) -> None:
    scene = busy()
    other = scene.states[1].ledger
    other.short_lots, other.avg_entry = 500, 100.0
    scene.p[0].max_total_notional_usd = cap
    assert scene.caps(10.0)[2] == breaks


@pytest.mark.parametrize(
    ("by_symbol", "in_all", "room"), [(0.0, 0.0, math.inf), (150.0, 0.0, 49.75), (150.0, 120.0, 19.75), (90.0, 120.0, -10.25)]
)
def test_room_is_what_the_tighter_cap_leaves(by_symbol: float, in_all: float, room: float) -> None:
    scene = busy()
    scene.p[0].max_symbol_notional_usd, scene.p[0].max_total_notional_usd = by_symbol, in_all
    assert scene.caps(0.0)[3] == pytest.approx(room, abs=EXACT)
