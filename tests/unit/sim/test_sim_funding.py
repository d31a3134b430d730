"""Funding at the venue: paid at its time on the position and mid of then, and told by a report that nothing loses or doubles."""

from __future__ import annotations

import numpy as np
import pytest

from slackwater.schema.commands import CommandKind, Side
from slackwater.schema.events import ReportKind
from slackwater.schema.units import MS
from tests.scenarios.venue.venue_table import Venue


def open_venue(**parameters: float) -> Venue:
    """A seeded venue with a book of 100.0x5 and 100.1x10, and answers after 5 ms."""
    venue = Venue()
    venue.p[0].response_latency_ns = 5 * MS
    for name, value in parameters.items():
        venue.p[0][name] = value
    venue.seed(1)
    venue.book(0, 1000, 5, 1001, 10)
    return venue


def told(venue: Venue) -> list[tuple[int, int, int]]:
    """Kind, venue time and receive time of all reports under way."""
    return [(int(r.kind), int(r.ts_venue_ns), int(r.ts_recv_ns)) for r in venue.pop_all()]


def test_a_report_tells_what_was_paid() -> None:
    venue = open_venue()
    venue.hold(-20)
    venue.funding(MS, 0.0001)
    (report,) = venue.pop_all()
    assert (report.kind, report.order_id, report.lots, report.fee_usd) == (ReportKind.FUNDING, 0, 0, 0.0)
    assert (report.ts_venue_ns, report.ts_recv_ns, report.sequence) == (MS, 6 * MS, 1)
    assert report.funding_usd == venue.state.funding_usd == pytest.approx(20 * 100.05 * 0.0001)


def test_each_payment_is_on_what_is_held_then_at_the_mid_of_then() -> None:
    venue = open_venue()
    venue.hold(-20)
    venue.funding(MS, 0.0001)
    venue.hold(15)
    venue.book(2 * MS, 1010, 5, 1013, 10)
    venue.funding(3 * MS, -0.0002)
    reports = venue.pop_all()
    assert [float(r.funding_usd) for r in reports] == pytest.approx([20 * 100.05 * 0.0001, -5 * 101.15 * 0.0002])
    assert venue.state.funding_usd == pytest.approx(sum(float(r.funding_usd) for r in reports))


@pytest.mark.parametrize(("position", "rate"), [(0, 0.0001), (-20, 0.0)])
def test_what_moves_no_money_is_not_told_of(position: int, rate: float) -> None:
    venue = open_venue()
    venue.hold(position)
    venue.funding(MS, rate)
    assert (venue.pop_all(), venue.state.funding_usd, venue.state.last_sequence) == ([], 0.0, 0)


@pytest.mark.parametrize("is_fill_first", [True, False])
def test_the_order_of_one_moment_decides_what_is_paid_for(is_fill_first: bool) -> None:
    venue = open_venue()
    venue.send(MS, CommandKind.PLACE, 1, price_ticks=1001, lots=4)
    venue.arrive_until(MS)
    venue.pop_all()
    if not is_fill_first:
        venue.funding(2 * MS, 0.0001)
    venue.trade(2 * MS, 1002, 9, Side.BUY)
    if is_fill_first:
        venue.funding(2 * MS, 0.0001)
    fill = (ReportKind.FILL, 2 * MS, 7 * MS)
    assert told(venue) == ([fill, (ReportKind.FUNDING, 2 * MS, 7 * MS)] if is_fill_first else [fill])


@pytest.mark.parametrize("fault", ["lost_answer_prob", "late_answer_prob", "duplicate_prob"])
def test_no_fault_touches_it(fault: str) -> None:
    venue = open_venue(late_answer_ns=100 * MS, **{fault: 1.0})
    venue.hold(-20)
    for k in range(3):
        venue.funding((k + 1) * MS, 0.0001)
    assert told(venue) == [(ReportKind.FUNDING, (k + 1) * MS, (k + 6) * MS) for k in range(3)]


def test_a_fill_after_it_carries_none_of_it() -> None:
    venue = open_venue()
    venue.send(MS, CommandKind.PLACE, 1, price_ticks=1001, lots=4)
    venue.arrive_until(MS)
    venue.trade(2 * MS, 1002, 1, Side.BUY)
    venue.funding(3 * MS, 0.0001)
    venue.trade(4 * MS, 1002, 3, Side.BUY)
    assert np.flatnonzero([r.funding_usd != 0.0 for r in venue.pop_all()]).tolist() == [2]
