"""The venue's own doing: what it buys back, also before we know that it was sold."""

from __future__ import annotations

import pytest

from slackwater.schema.enums import ExitReason
from slackwater.schema.units import SEC
from tests.scenarios.orders.desk import T0, Desk, check
from tests.scenarios.orders.test_races import PLACED, opened


def test_what_the_venue_closes_itself_is_booked_and_halts_the_symbol() -> None:
    desk = check(opened(PLACED, "0.020 fill 1 100.00x5 -> end 1 filled 5/5 entry; place 2 99.75x5 take_profit\n0.030 ack 2"))
    desk.sent[0] = (11_000, 5)
    desk.tell(desk.state.market.book_ns + 1_000_000_000, "fill", ["0", "110.00x5", "taker"])
    words = [words for _, words in desk.told]
    assert words[0] == f"close {ExitReason.EXTERNAL.name.lower()} 5"
    assert desk.state.ledger.short_lots == 0
    assert desk.state.risk.is_halted
    assert desk.state.ledger.realised_usd == pytest.approx(5 * (100.0 - 110.0))


def test_what_the_venue_closes_itself_cancels_a_working_entry() -> None:
    desk = check(opened(PLACED, "0.020 fill 1 100.00x2 -> place 2 99.75x2 take_profit\n0.030 ack 2"))
    desk.sent[0] = (11_000, 2)
    at_ns = desk.state.market.book_ns + 1_000_000_000
    desk.tell(at_ns, "fill", ["0", "110.00x2", "taker"])
    assert (at_ns, "cancel 1 reap_close") in desk.told
    assert not any("place" in words for ns, words in desk.told if ns >= at_ns)
    assert desk.state.ledger.short_lots == 0


def liquidate(desk: Desk, lots: int) -> None:
    """The venue buys a position back at 110.00: a report of order 0 in second 1."""
    desk.sent[0] = (11_000, lots)
    desk.tell(T0 + SEC, "fill", ["0", f"110.00x{lots}", "taker"])


def test_what_the_venue_bought_back_before_we_knew_that_it_was_sold_is_closed_as_that_is_learned() -> None:
    desk = check(opened(PLACED, "0.020 fill 1 100.00x2 -> place 2 99.75x2 take_profit\n0.030 ack 2"))
    liquidate(desk, 5)
    assert (desk.state.ledger.short_lots, desk.state.ledger.excess_lots) == (0, 3)
    desk.told = []
    desk.tell(T0 + 2 * SEC, "fill", ["1", "100.02x2"])
    assert [words for _, words in desk.told] == [f"close {ExitReason.EXTERNAL.name.lower()} 2"]
    desk.tell(T0 + 2 * SEC, "canceled", ["1", "cum", "5"])  # the last one is in its end
    led = desk.state.ledger
    assert (led.short_lots, led.excess_lots, led.excess_price_lots, led.excess_fee_usd, led.close_count) == (0, 0, 0.0, 0.0, 3)
    cash_usd = 2 * 100.0 + 2 * 100.02 + (desk.cost[1] - 2 * 10_000 - 2 * 10_002) / 100.0 - 5 * 110.0
    assert led.equity_usd == pytest.approx(cash_usd - led.fees_usd, abs=1e-9)
    assert desk.realised_usd == pytest.approx(led.equity_usd, abs=1e-9)
    assert not any("place" in words for _, words in desk.told)


def test_what_is_sold_beyond_what_the_venue_bought_back_is_a_position() -> None:
    desk = check(opened(PLACED, "0.020 fill 1 100.00x2 -> place 2 99.75x2 take_profit\n0.030 ack 2"))
    liquidate(desk, 3)
    desk.tell(T0 + 2 * SEC, "fill", ["1", "100.00x3"])
    assert (desk.state.ledger.short_lots, desk.state.ledger.excess_lots) == (2, 0)
    assert desk.state.ledger.avg_entry == pytest.approx(100.0)
