"""The life of one order: every pair of status and report against a listing of its own, ends that absorb, fills that count once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.orders.lifecycle import apply_report, is_terminal, next_status
from slackwater.schema.enums import OrderStatus
from slackwater.schema.events import Report, ReportKind, VenueReason
from slackwater.schema.state import Order

# Rows: what the order was; columns: what the venue says; a dot where that makes no sense. Fills are partial.
LISTING = """
              ack        reject    fill       amend_ack  amend_reject  cancel_ack  cancel_reject  expire   status   funding
free          .          .         .          .          .             .           .              .        .        .
pending       live       rejected  live       .          .             canceled    .              expired  live     .
live          live       expired   live       .          .             canceled    .              expired  live     .
amending      amending   expired   amending   live       live          canceled    .              expired  live     .
canceling     canceling  canceled  canceling  canceling  canceling     canceled    canceling      expired  live     .
filled        .          .         .          .          .             .           .              .        .        .
canceled      .          .         .          .          .             .           .              .        .        .
rejected      .          .         .          .          .             .           .              .        .        .
expired       .          .         .          .          .             .           .              .        .        .
"""
ENDS = {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
TOTAL, PRICE = 10, 1000


def listed() -> list[tuple[OrderStatus, ReportKind, OrderStatus | None]]:
    head, *lines = LISTING.strip().splitlines()
    kinds = [ReportKind[word.upper()] for word in head.split()]
    cells = []
    for line in lines:
        status, *after = line.split()
        cells += [
            (OrderStatus[status.upper()], kind, None if word == "." else OrderStatus[word.upper()])
            for kind, word in zip(kinds, after, strict=True)
        ]
    return cells


@jit
def _apply(order: Box, report: Box) -> int:
    return apply_report(order[0], report[0])


@jit
def _next_status(status: int, report: int) -> int:
    return next_status(status, report)


def an_order(status: OrderStatus, cum_lots: int = 0) -> Box:
    order = new(Order)
    o = order[0]
    o.status, o.lots, o.sent_lots, o.cum_lots, o.price_ticks, o.sent_price_ticks = status, TOTAL, TOTAL, cum_lots, PRICE, PRICE
    return order


def a_report(kind: ReportKind, cum_lots: int = 0, **fields: int) -> Box:
    report = new(Report)
    r = report[0]
    r.kind, r.cum_lots, r.price_ticks, r.lots, r.ts_recv_ns = kind, cum_lots, PRICE, TOTAL, 7
    r.cum_cost_ticklots = cum_lots * PRICE
    for name, value in fields.items():
        setattr(r, name, value)
    return report


def test_the_listing_is_complete() -> None:
    assert len(listed()) == len(OrderStatus) * len(ReportKind)


@pytest.mark.parametrize(("status", "kind", "after"), listed(), ids=lambda value: value.name.lower() if value is not None else "illegal")
def test_every_pair(status: OrderStatus, kind: ReportKind, after: OrderStatus | None) -> None:
    order = an_order(status)
    before = order.tobytes()
    new_lots = _apply(order, a_report(kind, cum_lots=3 if kind == ReportKind.FILL else 0))
    if after is None:
        assert (new_lots, order.tobytes()) == (-1, before)
        assert _next_status(int(status), int(kind)) == OrderStatus.FREE
    else:
        assert (new_lots, order[0].status) == (3 if kind == ReportKind.FILL else 0, after)


def test_ends_are_ends() -> None:
    assert {status for status in OrderStatus if is_terminal(int(status))} == ENDS


WORKING = (OrderStatus.PENDING, OrderStatus.LIVE, OrderStatus.CANCELING, OrderStatus.AMENDING)


@pytest.mark.parametrize("status", WORKING, ids=lambda status: status.name.lower())
def test_the_last_lot_ends_it(status: OrderStatus) -> None:
    order = an_order(status, cum_lots=4)
    assert _apply(order, a_report(ReportKind.FILL, cum_lots=TOTAL, price_ticks=990, lots=6)) == 6
    assert (order[0].status, order[0].cum_lots, order[0].cost_ticklots) == (OrderStatus.FILLED, TOTAL, 6 * 990)


def test_an_order_that_is_being_enlarged_waits_for_the_answer() -> None:
    order = an_order(OrderStatus.AMENDING)
    order[0].sent_lots = 15
    _apply(order, a_report(ReportKind.FILL, cum_lots=TOTAL))
    assert order[0].status == OrderStatus.AMENDING
    enlarged, refused = order.copy(), order.copy()
    _apply(enlarged, a_report(ReportKind.AMEND_ACK, lots=15))
    assert (enlarged[0].status, enlarged[0].lots) == (OrderStatus.LIVE, 15)
    _apply(refused, a_report(ReportKind.AMEND_REJECT))
    assert refused[0].status == OrderStatus.FILLED


def test_an_order_shrunk_to_what_it_has_filled_is_filled() -> None:
    order = an_order(OrderStatus.AMENDING, cum_lots=6)
    _apply(order, a_report(ReportKind.AMEND_ACK, lots=6))
    assert order[0].status == OrderStatus.FILLED


def test_an_accepted_amend_moves_price_and_total_and_a_refused_one_neither() -> None:
    order = an_order(OrderStatus.AMENDING)
    order[0].sent_price_ticks, order[0].sent_lots = 1005, 12
    refused = order.copy()
    _apply(order, a_report(ReportKind.AMEND_ACK, price_ticks=1005, lots=12))
    assert (order[0].price_ticks, order[0].lots) == (1005, 12)
    _apply(refused, a_report(ReportKind.AMEND_REJECT, price_ticks=1005, lots=12))
    assert (refused[0].price_ticks, refused[0].sent_price_ticks, refused[0].lots) == (PRICE, PRICE, TOTAL)


def test_refused_amends_are_counted_each_once() -> None:
    order = an_order(OrderStatus.AMENDING)
    _apply(order, a_report(ReportKind.AMEND_REJECT, sequence=3, reason=VenueReason.BELOW_MIN_NOTIONAL))
    order[0].status = OrderStatus.AMENDING
    _apply(order, a_report(ReportKind.AMEND_REJECT, sequence=3, reason=VenueReason.BELOW_MIN_NOTIONAL))
    assert (order[0].status, order[0].amends_refused) == (OrderStatus.AMENDING, 1)
    _apply(order, a_report(ReportKind.AMEND_ACK, sequence=4))
    assert order[0].amends_refused == 1
    order[0].status = OrderStatus.AMENDING
    _apply(order, a_report(ReportKind.AMEND_REJECT, sequence=5, reason=VenueReason.BUSY))
    assert order[0].amends_refused == 2


def test_an_amend_refused_because_the_order_is_gone_waits_for_its_end() -> None:
    order = an_order(OrderStatus.AMENDING)
    _apply(order, a_report(ReportKind.AMEND_REJECT, reason=VenueReason.UNKNOWN_ORDER))
    assert order[0].status == OrderStatus.AMENDING


def test_an_amend_refused_because_the_order_was_filled_is_no_riddle() -> None:
    order = an_order(OrderStatus.AMENDING, cum_lots=TOTAL)
    order[0].sent_lots = 15
    _apply(order, a_report(ReportKind.AMEND_REJECT, reason=VenueReason.UNKNOWN_ORDER))
    assert order[0].status == OrderStatus.FILLED


def test_a_fill_that_comes_after_its_order_was_called_gone_ends_it() -> None:
    order = an_order(OrderStatus.AMENDING, cum_lots=4)
    order[0].sent_lots = 15
    _apply(order, a_report(ReportKind.AMEND_REJECT, cum_lots=0, reason=VenueReason.UNKNOWN_ORDER))
    assert order[0].status == OrderStatus.AMENDING
    _apply(order, a_report(ReportKind.FILL, cum_lots=TOTAL, lots=6))
    assert order[0].status == OrderStatus.FILLED


def test_a_filled_order_is_told_by_its_status_whatever_was_asked_of_it() -> None:
    for status in (OrderStatus.PENDING, OrderStatus.AMENDING, OrderStatus.CANCELING):
        order = an_order(status, cum_lots=TOTAL)
        order[0].sent_lots = 15
        _apply(order, a_report(ReportKind.STATUS, cum_lots=TOTAL, price_ticks=990))
        assert (order[0].status, order[0].price_ticks) == (OrderStatus.FILLED, PRICE)


def test_an_answer_that_is_older_than_the_last_one_changes_no_terms() -> None:
    order = an_order(OrderStatus.AMENDING)
    _apply(order, a_report(ReportKind.STATUS, sequence=9, lots=12, price_ticks=1005))
    order[0].status, order[0].sent_lots, order[0].sent_price_ticks = OrderStatus.AMENDING, 15, 1010
    late = a_report(ReportKind.AMEND_ACK, sequence=7, lots=11, price_ticks=1004, cum_lots=2)
    assert _apply(order, late) == 2
    assert (order[0].status, order[0].lots, order[0].price_ticks) == (OrderStatus.AMENDING, 12, 1005)
    twice = a_report(ReportKind.STATUS, sequence=9, lots=12, price_ticks=1005, cum_lots=2)
    _apply(order, twice)
    assert order[0].status == OrderStatus.AMENDING
    _apply(order, a_report(ReportKind.AMEND_REJECT, sequence=10))
    assert (order[0].status, order[0].lots, order[0].sent_lots) == (OrderStatus.LIVE, 12, 12)


def test_more_executed_than_the_old_total_shows_that_the_modify_was_taken() -> None:
    order = an_order(OrderStatus.AMENDING)
    order[0].sent_lots, order[0].sent_price_ticks = 15, 1005
    _apply(order, a_report(ReportKind.FILL, cum_lots=12, lots=12))
    assert (order[0].status, order[0].lots, order[0].price_ticks) == (OrderStatus.AMENDING, 15, 1005)
    _apply(order, a_report(ReportKind.FILL, cum_lots=15, lots=3))
    assert order[0].status == OrderStatus.FILLED


def test_fills_that_were_never_reported_are_learned_from_any_later_word() -> None:
    order = an_order(OrderStatus.LIVE, cum_lots=2)
    order[0].cost_ticklots = 2 * PRICE
    assert _apply(order, a_report(ReportKind.CANCEL_ACK, cum_lots=7, cum_cost_ticklots=2 * PRICE + 5 * 990)) == 5
    assert (order[0].status, order[0].cum_lots, order[0].cost_ticklots) == (OrderStatus.CANCELED, 7, 2 * PRICE + 5 * 990)


def test_an_answer_to_a_query_shows_what_became_of_an_amend_and_of_a_cancel() -> None:
    order = an_order(OrderStatus.AMENDING)
    order[0].sent_price_ticks, order[0].sent_lots = 1005, 12
    _apply(order, a_report(ReportKind.STATUS))
    assert (order[0].sent_price_ticks, order[0].sent_lots, order[0].status) == (PRICE, TOTAL, OrderStatus.LIVE)
    canceling = an_order(OrderStatus.CANCELING)
    _apply(canceling, a_report(ReportKind.STATUS))
    assert (canceling[0].status, bool(canceling[0].wants_cancel)) == (OrderStatus.LIVE, True)


@pytest.mark.parametrize("reason", list(VenueReason), ids=lambda reason: reason.name.lower())
def test_a_refused_cancel_is_asked_again_only_where_nothing_is_wrong_with_the_order(reason: VenueReason) -> None:
    order = an_order(OrderStatus.CANCELING)
    _apply(order, a_report(ReportKind.CANCEL_REJECT, reason=reason))
    is_left_undone = reason in (VenueReason.OUTAGE, VenueReason.BUSY, VenueReason.TOO_MANY)
    assert (order[0].status, bool(order[0].cancel_refused)) == (OrderStatus.CANCELING, is_left_undone)


def test_an_old_refusal_of_a_cancel_says_nothing_about_the_new_one() -> None:
    order = an_order(OrderStatus.CANCELING)
    order[0].answer_sequence = 9
    _apply(order, a_report(ReportKind.CANCEL_REJECT, sequence=9, reason=VenueReason.OUTAGE))
    assert not order[0].cancel_refused


def test_the_first_acknowledgement_is_the_one_that_counts() -> None:
    order = an_order(OrderStatus.PENDING)
    _apply(order, a_report(ReportKind.FILL, cum_lots=1))
    _apply(order, a_report(ReportKind.ACK, ts_recv_ns=8))
    _apply(order, a_report(ReportKind.ACK, ts_recv_ns=9))
    assert order[0].ack_ns == 8


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, TOTAL - 1), max_size=12))
def test_fills_count_by_what_is_executed_in_all(executed: list[int]) -> None:
    order = an_order(OrderStatus.LIVE)
    counted = [_apply(order, a_report(ReportKind.FILL, cum_lots=lots)) for lots in executed]
    assert min(counted, default=0) >= 0
    assert sum(counted) == order[0].cum_lots == max(executed, default=0)
    assert order[0].cost_ticklots == order[0].cum_lots * PRICE


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(ENDS)), st.lists(st.tuples(st.sampled_from(sorted(ReportKind)), st.integers(0, 2 * TOTAL)), max_size=8))
def test_nothing_moves_an_order_that_has_ended(end: OrderStatus, said: list[tuple[ReportKind, int]]) -> None:
    order = an_order(end, cum_lots=4)
    before = order.tobytes()
    assert {_apply(order, a_report(kind, cum_lots=cum)) for kind, cum in said} <= {-1}
    assert order.tobytes() == before
