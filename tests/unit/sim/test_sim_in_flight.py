"""What is under way to and from the simulated venue: times, order, limits, and what a report carries."""

from __future__ import annotations

import pytest

from slackwater.schema.commands import CommandKind, OrderType, Side, Tif
from slackwater.schema.events import FillCause, ReportKind, VenueReason
from slackwater.schema.units import MS
from slackwater.sim.records import MAX_FINISHED, MAX_REPORTS, MAX_REQUESTS, MAX_RESTING
from tests.scenarios.venue.venue_table import Venue


def open_venue(entry_ms: int = 0, response_ms: int = 0) -> Venue:
    """A venue with a book of 100.0x5 and 100.1x10."""
    venue = Venue()
    venue.p[0].entry_latency_ns, venue.p[0].response_latency_ns = entry_ms * MS, response_ms * MS
    venue.book(0, 1000, 5, 1001, 10)
    return venue


def place(venue: Venue, now_ns: int, order_id: int, price: int, lots: int, **fields: int) -> None:
    venue.send(now_ns, CommandKind.PLACE, order_id, price_ticks=price, lots=lots, **fields)


def test_both_latencies_are_applied() -> None:
    venue = open_venue(entry_ms=3, response_ms=4)
    place(venue, 10 * MS, 1, 1001, 4)
    venue.arrive_until(13 * MS - 1)
    assert venue.pop_all() == []
    venue.arrive_until(13 * MS)
    (ack,) = venue.pop_all()
    assert (ack.kind, ack.ts_venue_ns, ack.ts_recv_ns) == (ReportKind.ACK, 13 * MS, 17 * MS)


def test_a_fill_moves_the_position_at_venue_time_and_carries_its_money() -> None:
    venue = open_venue(response_ms=4)
    place(venue, MS, 7, 1001, 4)
    venue.arrive_until(MS)
    venue.trade(2 * MS, 1001, 12, Side.BUY)
    assert venue.state.position_lots == -2
    ack, fill = venue.pop_all()
    assert ack.sequence < fill.sequence
    assert (fill.ts_venue_ns, fill.ts_recv_ns) == (2 * MS, 6 * MS)
    assert (fill.price_ticks, fill.lots, fill.cum_lots, fill.queue_ahead_lots) == (1001, 2, 2, 10)
    assert (fill.cause, bool(fill.maker), fill.trade_id) == (FillCause.QUEUE, True, 1)
    assert fill.fee_usd == pytest.approx(2 * 100.1 * 0.0002)


def test_a_taking_fill_pays_the_taker_fee() -> None:
    venue = open_venue()
    place(venue, MS, 1, 0, 5, side=Side.BUY, type=OrderType.MARKET, tif=Tif.IOC)
    venue.arrive_until(MS)
    _, fill = venue.pop_all()
    assert (fill.cause, bool(fill.maker), fill.queue_ahead_lots) == (FillCause.TAKER, False, 0)
    assert fill.fee_usd == pytest.approx(5 * 100.1 * 0.0004)
    assert venue.state.position_lots == 5


def test_a_query_about_a_filled_order_tells_its_total_with_trade_id_and_venue_time() -> None:
    venue = open_venue()
    place(venue, MS, 1, 1001, 4)
    venue.arrive_until(MS)
    venue.trade(2 * MS, 1001, 99, Side.BUY)
    _, fill = venue.pop_all()
    venue.send(3 * MS, CommandKind.QUERY, 1)
    venue.arrive_until(3 * MS)
    (again,) = venue.pop_all()
    assert (again.kind, again.lots, again.cum_lots) == (ReportKind.STATUS, 4, 4)
    same = ("order_id", "trade_id", "price_ticks", "cum_lots", "cum_cost_ticklots", "cum_fee_usd", "ts_venue_ns", "queue_ahead_lots")
    assert [again[name] for name in same] == [fill[name] for name in same]
    assert (again.ts_recv_ns, again.sequence) == (3 * MS, fill.sequence + 1)


def test_reports_are_received_in_the_order_written() -> None:
    venue = open_venue(response_ms=9)
    place(venue, MS, 1, 1002, 4)
    venue.arrive_until(MS)
    venue.p[0].response_latency_ns = 1 * MS
    place(venue, 2 * MS, 2, 1002, 4)
    venue.arrive_until(2 * MS)
    assert [(int(report.order_id), int(report.ts_recv_ns)) for report in venue.pop_all()] == [(1, 10 * MS), (2, 10 * MS)]


def test_requests_arrive_in_the_order_sent() -> None:
    venue = open_venue(entry_ms=9)
    place(venue, MS, 1, 1002, 4)
    venue.p[0].entry_latency_ns = 1 * MS
    place(venue, 2 * MS, 2, 1002, 4)
    place(venue, 20 * MS, 3, 1002, 4)
    venue.arrive_until(30 * MS)
    told = [(int(report.order_id), int(report.ts_venue_ns)) for report in venue.pop_all()]
    assert told == [(1, 10 * MS), (2, 10 * MS), (3, 21 * MS)]


def test_too_many_requests_are_counted_and_refused() -> None:
    venue = open_venue(entry_ms=3, response_ms=4)
    for k in range(MAX_REQUESTS):
        venue.send(MS, CommandKind.CANCEL, 1000 + k)
    place(venue, MS, 1, 1001, 4)
    venue.send(MS, CommandKind.AMEND, 2)
    venue.send(MS, CommandKind.CANCEL, 3)
    venue.send(MS, CommandKind.QUERY, 4)
    assert venue.state.refused_request_count == 4
    told = [(int(r.order_id), int(r.kind), int(r.reason), int(r.ts_recv_ns)) for r in venue.pop_all()]
    kinds = (ReportKind.REJECT, ReportKind.AMEND_REJECT, ReportKind.CANCEL_REJECT)
    assert told == [(k + 1, kind, VenueReason.TOO_MANY, 8 * MS) for k, kind in enumerate(kinds)]
    venue.arrive_until(4 * MS)
    assert len(venue.pop_all()) == MAX_REQUESTS


def test_a_full_report_ring_is_counted() -> None:
    venue = open_venue()
    for k in range(MAX_REPORTS + 3):
        venue.send(k, CommandKind.CANCEL, 1)
        venue.arrive_until(k)
    assert venue.state.lost_report_count == 3
    assert len(venue.pop_all()) == MAX_REPORTS


def test_a_full_order_table_refuses_what_would_rest_and_still_takes() -> None:
    venue = open_venue()
    for k in range(MAX_RESTING + 1):
        place(venue, MS + k, 1 + k, 1001 + k, 1)
    place(venue, 2 * MS, 99, 0, 3, type=OrderType.MARKET, tif=Tif.IOC)
    venue.arrive_until(2 * MS)
    reports = venue.pop_all()
    assert [int(r.kind) for r in reports[:MAX_RESTING]] == [ReportKind.ACK] * MAX_RESTING
    assert (reports[MAX_RESTING].kind, reports[MAX_RESTING].reason) == (ReportKind.REJECT, VenueReason.TOO_MANY)
    assert [int(r.kind) for r in reports[MAX_RESTING + 1 :]] == [ReportKind.ACK, ReportKind.FILL]
    venue.trade(3 * MS, 2000, 1000, Side.BUY)
    assert [int(r.price_ticks) for r in venue.pop_all()] == [1001 + k for k in range(MAX_RESTING)]
    assert venue.state.resting_count == 0


def test_ended_orders_are_forgotten_in_the_end() -> None:
    venue = open_venue()
    for k in range(MAX_FINISHED + 1):
        place(venue, k, 1 + k, 1000, 4)
        venue.arrive_until(k)
    venue.pop_all()
    for order_id in (1, 2):
        venue.send(MS, CommandKind.QUERY, order_id)
    venue.arrive_until(MS)
    assert [int(r.reason) for r in venue.pop_all()] == [VenueReason.UNKNOWN_ORDER, VenueReason.WOULD_CROSS]


def test_the_end_of_the_tape_comes_after_what_is_under_way() -> None:
    venue = open_venue(response_ms=5)
    place(venue, MS, 1, 1001, 4)
    venue.arrive_until(MS)
    venue.trade(2 * MS, 1001, 12, Side.BUY)
    venue.expire_all(3 * MS)
    told = [(int(r.kind), int(r.ts_venue_ns), int(r.ts_recv_ns)) for r in venue.pop_all()]
    assert told[1:] == [(ReportKind.FILL, 2 * MS, 7 * MS), (ReportKind.EXPIRE, 3 * MS, 7 * MS)]


def test_bad_rows_are_counted() -> None:
    venue = open_venue()
    venue.book(MS, 1002, 5, 1001, 10)
    venue.trade(MS, 0, 5, Side.BUY)
    venue.trade(MS, 1001, -5, Side.BUY)
    assert venue.state.rejected_input_count == 3
    assert list(venue.state.touch_ticks) == [1000, 1001]


def test_a_fill_says_whether_its_order_arrived_behind_a_better_touch() -> None:
    venue = open_venue()
    place(venue, MS, 1, 1002, 4)
    place(venue, MS, 2, 1001, 4)
    venue.arrive_until(MS)
    venue.trade(2 * MS, 1003, 99, Side.BUY)
    fills = [report for report in venue.pop_all() if report.kind == ReportKind.FILL]
    assert {int(fill.order_id): bool(fill.arrived_unknown) for fill in fills} == {1: True, 2: False}
