"""What the row of a fill says: its own report's details, that it was learned from another report, the ask that it is measured against."""

from __future__ import annotations

import pytest

from slackwater.schema.events import UNKNOWN_AHEAD, FillCause
from slackwater.schema.units import SEC
from tests.scenarios.orders.desk import Desk, check
from tests.scenarios.orders.test_close_ladder import FORCED
from tests.scenarios.orders.test_races import PLACED, opened
from tests.scenarios.orders.test_take_profit import OPEN, after

LATE_CLOSE_OF_TWO = """
        0.020 fill 1 100.00x5               -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit
        0.030 ack 2
        1.000 book 99.84x50 99.88x50        -> cancel 2 clearing
        1.010 canceled 2                    -> end 2 canceled 0/5 clearing; place 3 99.85x5 close_maker
        1.020 ack 3                         -> @1.210 cancel 3 maker_timeout
        1.215 book 99.80x50 100.00x50
        1.220 canceled 3                    -> end 3 canceled 0/5 maker_timeout; place 4 99.75x5 take_profit
        1.230 ack 4
"""


def missed(desk: Desk, order_id: int, lots: int, price_ticks: int) -> None:
    """The venue fills an order and the report of it is on its way for longer than the next one."""
    desk.filled[order_id] = desk.filled.get(order_id, 0) + lots
    desk.cost[order_id] = desk.cost.get(order_id, 0) + lots * price_ticks


def rows_of(desk: Desk, count: int) -> list[tuple[object, ...]]:
    """Lots, price in ticks, cause, trade, queue, maker and position after of the fills that the last report made."""
    names = ("lots", "price_ticks", "cause", "trade_id", "queue_ahead_lots", "maker", "short_lots_after")
    return [tuple(int(row[name]) for name in names) for row in desk.out[0].fills[:count]]


def test_a_fill_that_overtakes_another_keeps_its_own_details_and_the_other_is_learned() -> None:
    desk = check("0.000 book 99.80x50 100.00x50 -> place 1 100.00x5 entry\n0.010 ack 1")
    now_ns = int(desk.state.market.book_ns) + SEC // 10
    report = desk.report[0]
    missed(desk, 1, 2, 10_002)
    report.cause, report.trade_id, report.queue_ahead_lots = FillCause.TRADE_THROUGH, 12, 7
    desk.tell(now_ns, "fill", ["1", "100.00x3"])
    assert rows_of(desk, 2) == [
        (2, 10_002, FillCause.LEARNED, 0, UNKNOWN_AHEAD, True, 2),
        (3, 10_000, FillCause.TRADE_THROUGH, 12, 7, True, 5),
    ]
    fees = [float(row["fee_usd"]) for row in desk.out[0].fills[:2]]
    rate = float(desk.params[0].maker_fee)
    assert fees == pytest.approx([rate * 2 * 100.02, rate * 3 * 100.0])
    assert desk.fill_rows == [(1, 2), (1, 3)]
    report.cause, report.trade_id = FillCause.QUEUE, 11
    desk.tell(now_ns + 1, "fill", ["1", "100.02x2", "cum", "5"])
    assert desk.fill_rows == [(1, 2), (1, 3)]
    assert desk.state.ledger.short_lots == 5


def test_a_fill_learned_from_the_end_of_its_order_says_so() -> None:
    desk = check(opened(PLACED, "8.000 wait -> cancel 1 reap_age"))
    now_ns = int(desk.state.market.book_ns) + 9 * SEC
    report = desk.report[0]
    report.cause, report.trade_id, report.queue_ahead_lots, report.arrived_unknown = FillCause.NONE, 0, 4, True
    desk.tell(now_ns, "canceled", ["1", "cum", "2"])
    assert rows_of(desk, 1) == [(2, 10_000, FillCause.LEARNED, 0, UNKNOWN_AHEAD, True, 2)]
    row = desk.out[0].fills[0]
    assert (int(row["ts_venue_ns"]), bool(row["arrived_unknown"])) == (now_ns, False)


def test_what_is_learned_late_of_a_close_that_rested_is_a_makers() -> None:
    desk = check(opened(PLACED, LATE_CLOSE_OF_TWO))
    missed(desk, 3, 2, 9985)
    desk.tell(int(desk.state.market.book_ns) + SEC, "fill", ["3", "99.85x3"])
    assert [(row[0], row[2] == FillCause.LEARNED, row[5]) for row in rows_of(desk, 2)] == [(2, True, True), (3, False, True)]
    assert desk.state.ledger.taker_notional_usd == 0.0


def test_a_fill_says_what_ask_it_is_measured_against_also_where_an_upgrade_decided_anew() -> None:
    ask = {}
    for name in ("a stop cuts a maker step short and replaces the reason", "and skips it while the book is being cleared"):
        last = "" if "fill" in FORCED[name] else "1.020 fill 3 100.40x5 taker -> end 3 filled 5/5 close_ioc; close stop 5\n"
        desk = check(after(OPEN, FORCED[name] + last))
        ask[name] = float(desk.out[0].fills[0]["reference_ask"])
        assert desk.state.behaviour.closes[0].slippage_bps == pytest.approx(0.0)
    assert set(ask.values()) == {100.40}
