"""What the venue keeps of our money: the position's cost in whole ticklots, the liquidation's ask and fee, and sums in every report."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackwater.schema.commands import CommandKind, OrderType, Side, Tif
from slackwater.schema.events import ReportKind, VenueReason
from slackwater.schema.units import MS
from slackwater.sim.arrival import MAX_AMENDS
from slackwater.sim.records import NEVER_TICKS
from tests.scenarios.venue.venue_table import Venue, _hold

fills = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 2_000_000), st.integers(1, 3_000_000)), min_size=1, max_size=20)


@given(fills)
@settings(max_examples=200, deadline=None)
def test_cost_follows_the_average_to_within_a_ticklot_per_exit(steps: list[tuple[int, int, int]]) -> None:
    venue = Venue()
    position, cost, exits = 0, Fraction(0), 0
    for side, price, lots in steps:
        _hold(venue.v, venue.p, side, price, lots)
        if side * position >= 0:
            cost += price * lots
        elif lots > abs(position):
            cost = Fraction(price * (lots - abs(position)))
            exits = 0
        else:
            cost = cost * (abs(position) - lots) / abs(position)
            exits += 1
        position += side * lots
        assert venue.state.position_lots == position
        assert 0 <= cost - int(venue.state.held_ticklots) <= exits
        assert (position == 0) <= (venue.state.held_ticklots == 0)


@given(st.integers(100, 10_000_000), st.integers(1, 1_000_000), st.sampled_from([1, 2, 5, 20, 50]), st.sampled_from([0, 5, 10, 25]))
@settings(max_examples=200, deadline=None)
def test_the_liquidation_ask_is_the_first_tick_that_uses_the_margin_up(price: int, lots: int, leverage: int, rate_permille: int) -> None:
    venue = Venue()
    rate = Fraction(rate_permille, 1000)
    venue.p[0].leverage, venue.p[0].maintenance_rate = leverage, float(rate)
    venue.hold(-lots, price)

    def surplus(ask: int) -> Fraction:
        """Margin balance less the maintenance margin, in ticklots."""
        cost = Fraction(price * lots)
        return cost / leverage + cost - ask * lots - rate * ask * lots

    ask = int(venue.state.liquidation_ask_ticks)
    assert surplus(ask) <= 0 < surplus(ask - 1)


def test_no_short_no_liquidation() -> None:
    venue = Venue()
    venue.hold(-3)
    venue.hold(3)
    assert venue.state.liquidation_ask_ticks == NEVER_TICKS
    venue.hold(3)
    assert venue.state.liquidation_ask_ticks == NEVER_TICKS


def test_a_liquidation_pays_both_fees() -> None:
    venue = Venue()
    venue.p[0].leverage, venue.p[0].liquidation_fee = 10.0, 0.0125
    venue.hold(-10, 1000)
    venue.book(MS, 1090, 5, 1091, 8)
    first, second = venue.pop_all()
    assert (first.order_id, first.kind, first.reason, bool(first.maker)) == (0, ReportKind.FILL, VenueReason.LIQUIDATION, False)
    assert first.fee_usd == pytest.approx(8 * 109.1 * (0.0004 + 0.0125))
    assert second.fee_usd == pytest.approx(2 * 109.2 * (0.0004 + 0.0125))
    assert (second.cum_lots, second.cum_cost_ticklots) == (10, 8 * 1091 + 2 * 1092)
    assert second.cum_fee_usd == pytest.approx(first.fee_usd + second.fee_usd)
    assert second.trade_id == first.trade_id + 1


def test_every_report_about_an_order_has_what_it_cost_so_far() -> None:
    venue = Venue()
    venue.book(0, 1000, 5, 1003, 10)
    venue.send(MS, CommandKind.PLACE, 1, price_ticks=1002, lots=4)
    venue.arrive_until(MS)
    venue.trade(2 * MS, 1002, 3, Side.BUY)
    venue.send(3 * MS, CommandKind.AMEND, 1, price_ticks=1001, lots=6)
    venue.send(3 * MS, CommandKind.AMEND, 1, price_ticks=1001, lots=6)
    venue.send(3 * MS, CommandKind.QUERY, 1)
    venue.arrive_until(3 * MS)
    venue.trade(4 * MS, 1001, 1, Side.BUY)
    venue.send(5 * MS, CommandKind.CANCEL, 1)
    venue.send(5 * MS, CommandKind.QUERY, 1)
    venue.arrive_until(5 * MS)
    kinds = ("ack", "fill", "amend_ack", "amend_reject", "status", "fill", "cancel_ack", "cancel_ack")
    sums = [(ReportKind(int(r.kind)).name.lower(), int(r.cum_lots), int(r.cum_cost_ticklots)) for r in venue.pop_all()]
    assert sums == list(zip(kinds, (0, 3, 3, 3, 3, 4, 4, 4), (0, 3006, 3006, 3006, 3006, 4007, 4007, 4007), strict=True))


def test_a_lost_fill_is_learned_whole_from_a_query() -> None:
    told, lost = [], []
    for prob, found in ((0.0, told), (1.0, lost)):
        venue = Venue()
        venue.p[0].lost_answer_prob = prob
        venue.book(0, 1000, 5, 1001, 8)
        venue.send(MS, CommandKind.PLACE, 1, price_ticks=0, lots=11, side=Side.BUY, type=OrderType.MARKET, tif=Tif.IOC)
        venue.arrive_until(MS)
        found += venue.pop_all()
        venue.send(2 * MS, CommandKind.QUERY, 1)
        venue.arrive_until(2 * MS)
        found += venue.pop_all()
    fills = [r for r in told[:-1] if r.kind == ReportKind.FILL]
    (answer,) = lost
    assert answer.cum_lots == sum(int(r.lots) for r in fills) == 11
    assert answer.cum_cost_ticklots == sum(int(r.lots * r.price_ticks) for r in fills)
    assert answer.cum_fee_usd == pytest.approx(sum(float(r.fee_usd) for r in fills), rel=1e-12)


def test_an_order_is_modified_only_so_often() -> None:
    venue = Venue()
    venue.book(0, 1000, 5, 1003, 10)
    venue.send(MS, CommandKind.PLACE, 1, price_ticks=1002, lots=4)
    venue.arrive_until(MS)
    venue.v["orders"]["amend_count"][0, 0] = MAX_AMENDS - 1
    for lots in (5, 6):
        venue.send(2 * MS, CommandKind.AMEND, 1, price_ticks=1002, lots=lots)
    venue.arrive_until(2 * MS)
    told = [(int(r.kind), int(r.reason), int(r.lots)) for r in venue.pop_all()][1:]
    assert told == [(ReportKind.AMEND_ACK, VenueReason.NONE, 5), (ReportKind.AMEND_REJECT, VenueReason.AMEND_LIMIT, 5)]
