"""Execution figures, worked out by hand on tables of a few rows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from slackwater.runtime.activity import activities
from slackwater.runtime.close_steps import CloseSteps, close_steps, step_figures
from slackwater.runtime.execution import Traded, execution
from slackwater.runtime.holding import holding_figures, holdings
from slackwater.runtime.markouts import markout_figures, markouts_bps
from slackwater.runtime.trade_columns import TradeTables, fill_columns, order_columns
from tests.unit.runtime.trade_kit import SEC, SYMBOL, at, fill, order, tables, tape_books

TICK = Fraction(1, 10)


def activity_of(found: TradeTables) -> dict[str, dict[str, object]]:
    orders = order_columns(found.orders)
    return activities(orders, fill_columns(found.fills, orders))


def markouts_of(found: TradeTables, books: list[tuple[float, int, int]]) -> np.ndarray:
    return markouts_bps(fill_columns(found.fills, order_columns(found.orders)), tape_books(books), TICK)


def steps_of(found: TradeTables) -> CloseSteps:
    orders = order_columns(found.orders)
    return close_steps(orders, fill_columns(found.fills, orders))


def test_fills_are_counted_by_cause_and_purpose() -> None:
    orders = [order("e1"), order("t1", "take_profit", amend_count=3)]
    fills = [
        fill("e1", 10.5, 100.0, 2.0),
        fill("e1", 10.6, 100.0, 1.0, cause="trade_through", queue_unknown_on_arrival=True),
        fill("t1", 12.0, 50.0, 2.0, side="buy", maker=False, cause="taker", queue_unknown_on_arrival=True),
    ]
    found = activity_of(tables(orders, fills))
    everything = found["all"]
    assert (everything["fills"], everything["qty"], everything["notional_usd"]) == (3, 5.0, 400.0)
    assert everything["maker_share"] == 0.75
    # What takes has no queue, so that only one of two maker fills had an unknown one.
    assert (everything["queue_unknown_fills"], everything["queue_unknown_share"]) == (1, 0.5)
    assert everything["by_cause"]["queue"] == {
        "fills": 1,
        "qty": 2.0,
        "notional_usd": 200.0,
        "share": 0.5,
        "fees_usd": 0.01,
        "queue_unknown_fills": 0,
    }
    assert [cause["share"] for cause in everything["by_cause"].values()] == [0.5, 0.25, 0.25]
    assert list(found["entry"]["by_cause"]) == ["queue", "trade_through"]
    assert list(found["take_profit"]["by_cause"]) == ["taker"]
    assert (found["take_profit"]["amends"], found["take_profit"]["amends_per_fill"], everything["amends_per_fill"]) == (3, 3.0, 1.0)


def test_refusals_and_cancels_are_counted_by_reason() -> None:
    orders = [
        order("e1", status="rejected", reason="would_cross"),
        order("e2", status="rejected", reason="would_cross"),
        order("e3", status="rejected", reason="below_min_qty"),
        order("e4", status="canceled", reason="reap_age"),
        order("c1", "close", status="expired", reason="no_liquidity"),
    ]
    found = activity_of(tables(orders, []))
    assert (found["all"]["placed"], found["all"]["rejected"], found["all"]["reject_rate"]) == (5, 3, 0.6)
    assert found["all"]["reject_reasons"] == {"would_cross": 2, "below_min_qty": 1}
    assert found["entry"]["cancel_reasons"] == {"reap_age": 1}
    assert (found["entry"]["reject_rate"], found["close"]["reject_rate"], found["close"]["expired"]) == (0.75, 0.0, 1)


def test_refused_amends_are_counted_beside_those_asked_for() -> None:
    orders = [
        order("e1", amend_count=4, amends_refused=3),
        order("e2", status="canceled", reason="reap_age", amend_count=2, amends_refused=1),
        order("t1", "take_profit", amend_count=5),
    ]
    found = activity_of(tables(orders, []))
    counted = {kind: (figures["amends"], figures["amends_refused"]) for kind, figures in found.items()}
    assert counted == {"all": (11, 4), "entry": (6, 4), "take_profit": (5, 0), "close": (0, 0)}


def test_without_orders_no_rate_is_made_up() -> None:
    found = activity_of(tables([], []))["all"]
    assert (found["placed"], found["fills"], found["by_cause"]) == (0, 0, {})
    assert [found[name] for name in ("reject_rate", "amends_per_fill", "maker_share", "queue_unknown_share", "first_fill_median_sec")] == [
        None
    ] * 5


def test_time_to_the_first_fill_is_the_median_over_orders() -> None:
    orders = [order("e1"), order("e2"), order("e3", created_ns=at(20)), order("e4", status="canceled")]
    fills = [fill("e1", 12.0, 100.0), fill("e1", 30.0, 100.0), fill("e2", 14.0, 100.0), fill("e3", 29.0, 100.0)]
    assert activity_of(tables(orders, fills))["all"]["first_fill_median_sec"] == pytest.approx(4.005)


def test_a_fill_whose_order_still_works_is_told_by_its_side() -> None:
    found = activity_of(tables([], [fill("e9", 12.0, 100.0), fill("t9", 13.0, 99.0, side="buy")]))
    assert (found["entry"]["fills"], found["close"]["fills"], found["all"]["first_fill_median_sec"]) == (1, 1, None)


def test_a_sell_is_good_when_the_market_falls_and_a_buy_when_it_rises() -> None:
    fills = [fill("e1", 10.0, 100.0), fill("t1", 10.0, 100.0, side="buy")]
    # Half a second after the fill the mid is 99.9, after 3 s it is 100.2; the tape goes on for five minutes.
    books = [(9.0, 999, 1001), (10.5, 998, 1000), (13.0, 1001, 1003), (310.0, 1000, 1000)]
    found = markouts_of(tables([order("e1"), order("t1", "take_profit")], fills), books)
    assert found[0].tolist() == pytest.approx([10.0, -20.0, -20.0, 0.0])
    assert found[1].tolist() == pytest.approx([-10.0, 20.0, 20.0, 0.0])
    # A mid at our price is exactly our price, not almost.
    assert found[0, 3] == 0.0


def test_the_book_of_the_very_moment_counts_and_a_later_one_does_not() -> None:
    books = [(9.0, 999, 1001), (11.0, 989, 991), (11.0, 979, 981), (11.001, 100, 102)]
    found = markouts_of(tables([order("e1")], [fill("e1", 10.0, 100.0)]), books)
    assert found[0, 0] == pytest.approx(200.0)


def test_a_fill_that_was_learned_has_no_moment_to_look_on_from() -> None:
    fills = [fill("e1", 10.0, 100.0, cause="learned"), fill("e1", 10.0, 100.0)]
    found = markouts_of(tables([order("e1")], fills), [(9.0, 999, 1001), (400.0, 989, 991)])
    assert np.isnan(found).tolist() == [[True] * 4, [False] * 4]


def test_beyond_the_tape_nothing_is_known() -> None:
    found = markouts_of(tables([order("e1")], [fill("e1", 10.0, 100.0)]), [(9.0, 999, 1001), (15.0, 998, 1000)])
    assert np.isnan(found[0]).tolist() == [False, False, True, True]
    figures = markout_figures(found, np.array(["entry"], object), np.array([True]))
    assert [figures["all"][name]["fills"] for name in ("1s", "5s", "30s", "300s")] == [1, 1, 0, 0]
    assert figures["all"]["30s"] == {"fills": 0, "mean_bps": None, "median_bps": None, "positive_share": None, "stderr_bps": None}


def test_markouts_are_summed_up_by_kind_of_fill() -> None:
    found = np.array([[1.0, 1, 1, 1], [2.0, 1, 1, 1], [-9.0, 1, 1, 1], [4.0, 1, 1, 1]])
    purposes = np.array(["entry", "entry", "close", "close"], object)
    figures = markout_figures(found, purposes, np.array([True, True, False, True]))
    assert list(figures) == ["all", "maker", "taker", "entry", "close", "close_maker", "close_taker"]
    assert figures["all"]["1s"]["mean_bps"] == -0.5
    assert figures["all"]["1s"]["median_bps"] == 1.5
    assert figures["all"]["1s"]["positive_share"] == 0.75
    assert figures["entry"]["1s"]["stderr_bps"] == pytest.approx(0.5)
    assert figures["close_taker"]["1s"] == {"fills": 1, "mean_bps": -9.0, "median_bps": -9.0, "positive_share": 0.0, "stderr_bps": None}


def test_each_step_of_a_close_is_measured_against_the_ask_of_its_fills() -> None:
    orders = [
        order("t1", "take_profit", group_id=5, status="canceled", reason="clearing"),
        order("c1", "close", group_id=6, status="canceled", reason="maker_timeout"),
        order("c2", "close", group_id=6, tif="ioc"),
        order("c3", "close", group_id=7, type="market", tif="ioc"),
    ]
    fills = [
        fill("t1", 10.0, 98.0, 1.0, side="buy", reference_ask=100.0),
        fill("c1", 10.2, 99.0, 1.0, side="buy", reference_ask=100.0),
        fill("c2", 10.45, 101.0, 3.0, side="buy", maker=False, reference_ask=100.0),
        fill("c3", 20.05, 102.0, 1.0, side="buy", maker=False, reference_ask=101.0),
    ]
    steps = steps_of(tables(orders, fills))
    assert steps.slippage_bps.tolist() == pytest.approx([-100.0, 100.0, 10000 / 101])
    found = step_figures([steps])
    assert found["closes"] == 2
    assert [found[step]["closes"] for step in ("maker", "ioc", "market")] == [1, 1, 1]
    assert found["ioc"] == {"closes": 1, "orders": 1, "fills": 1, "notional_usd": 303.0, "slippage_bps": pytest.approx(100.0)}


def test_slippage_is_weighted_by_quantity() -> None:
    orders = [order("c1", "close", tif="ioc")]
    fills = [fill("c1", 10.1, 101.0, 3.0, side="buy", reference_ask=100.0), fill("c1", 10.1, 102.0, 1.0, side="buy", reference_ask=100.0)]
    assert step_figures([steps_of(tables(orders, fills))])["ioc"]["slippage_bps"] == pytest.approx(125.0)


def held(*moves: tuple[float, float]) -> TradeTables:
    return tables([], [fill("e1", seconds, 100.0, position_qty_after=after) for seconds, after in moves])


def test_positions_last_from_flat_to_flat_and_the_open_one_to_the_end() -> None:
    found = held((10, -1.0), (12, -2.0), (14, 0.0), (20, -1.0), (50, 0.0), (90, -1.0))
    part = holdings(fill_columns(found.fills, order_columns(found.orders)), at(100) + 5_000_000)
    figures = holding_figures([part], 100 * SEC)
    assert figures["total_sec"] == pytest.approx(4 + 30 + 10)
    assert figures["share"] == pytest.approx(0.44)
    assert (figures["longest_sec"], figures["median_sec"], figures["open_sec"]) == (30.0, 17.0, 10.0)
    assert figures["closes_up_to"] == {"10s": 1, "1min": 1, "10min": 0, "1h": 0, "6h": 0, "1d": 0, "longer": 0}


def test_time_that_two_symbols_share_counts_once() -> None:
    parts = []
    for moves in (((10, -1.0), (20, 0.0)), ((15, -1.0), (30, 0.0))):
        found = held(*moves)
        parts.append(holdings(fill_columns(found.fills, order_columns(found.orders)), at(100)))
    figures = holding_figures(parts, 100 * SEC)
    assert (figures["total_sec"], figures["longest_sec"], figures["closes_up_to"]["10s"]) == (20.0, 15.0, 1)


def test_a_run_without_fills_has_every_figure_and_no_number_in_it() -> None:
    total, singles = execution(tables([], []), [Traded(SYMBOL, tape_books([(1.0, 999, 1000)]), TICK)], (at(0), at(100)))
    assert total == singles[SYMBOL]
    assert total["markouts"] == {"all": {f"{horizon}s": total["markouts"]["all"]["1s"] for horizon in (1, 5, 30, 300)}}
    assert total["markouts"]["all"]["1s"]["fills"] == 0
    assert total["close_steps"]["closes"] == 0
    assert (total["held"]["total_sec"], total["held"]["longest_sec"], total["held"]["share"]) == (0.0, None, 0.0)


def test_several_symbols_are_summed_and_their_quantities_are_not() -> None:
    names = (SYMBOL, "BBBUSDT")
    orders = [order("e1"), order("e2", symbol="BBBUSDT")]
    fills = [fill("e1", 10.0, 100.0), fill("e2", 10.0, 200.0, symbol="BBBUSDT")]
    books = {name: tape_books([(9.0, 999, 1001), (11.0, bid, bid)]) for name, bid in zip(names, (990, 2020), strict=True)}
    total, singles = execution(tables(orders, fills), [Traded(name, books[name], TICK) for name in names], (at(0), at(100)))
    assert (total["orders"]["all"]["notional_usd"], total["orders"]["all"]["qty"]) == (300.0, None)
    assert [singles[name]["orders"]["all"]["qty"] for name in names] == [1.0, 1.0]
    assert [singles[name]["markouts"]["entry"]["1s"]["mean_bps"] for name in names] == pytest.approx([100.0, -100.0])
    assert total["markouts"]["entry"]["1s"] | {"stderr_bps": 0, "mean_bps": 0, "median_bps": 0} == {
        "fills": 2,
        "mean_bps": 0,
        "median_bps": 0,
        "positive_share": 0.5,
        "stderr_bps": 0,
    }
