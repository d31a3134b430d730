"""The ask before a fill: of the newest book that happened earlier, however many have been seen since."""

from __future__ import annotations

import pytest

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, rows
from slackwater.orders import asks
from slackwater.schema.state import MAX_ASKS, SymbolState


@jit
def _note_ask(states: Box) -> None:
    asks.note_ask(states[0])


@jit
def _ask_before(states: Box, venue_ns: int) -> float:
    return asks.ask_before(states[0], venue_ns)


def seen(*books: tuple[int, int]) -> Box:
    """A symbol that has seen books of (time at the venue, ask in ticks); a tick is 0.01."""
    states = rows(SymbolState, 1)
    s = states[0]
    s.ins.tick_num, s.ins.tick_den = 1.0, 100.0
    for s.event_ns, s.market.ask_ticks in books:
        s.market.ask = s.market.ask_ticks / 100.0
        _note_ask(states)
    return states


@pytest.mark.parametrize(("venue_ns", "ask"), [(101, 1.00), (200, 1.00), (201, 0.95), (300, 0.95), (301, 0.90), (10_000, 0.90)])
def test_a_book_at_the_same_moment_is_not_before(venue_ns: int, ask: float) -> None:
    assert _ask_before(seen((100, 100), (200, 95), (300, 90)), venue_ns) == ask


def test_an_ask_holds_from_the_first_book_that_brought_it() -> None:
    states = seen((100, 100), (200, 95), (250, 95), (300, 95))
    assert (states[0].ask_changes, _ask_before(states, 201)) == (2, 0.95)


def test_an_ask_that_comes_back_is_another_change() -> None:
    states = seen((100, 100), (200, 95), (300, 100))
    assert [_ask_before(states, ns) for ns in (150, 250, 350)] == [1.00, 0.95, 1.00]


def test_before_everything_remembered_the_oldest_tells_best() -> None:
    assert _ask_before(seen((100, 100), (200, 95)), 50) == 1.00
    many = seen(*[(100 * k, 1000 + k) for k in range(1, 3 * MAX_ASKS)])
    assert _ask_before(many, 150) == (1000 + 2 * MAX_ASKS) / 100.0


def test_without_any_it_is_the_ask_of_now() -> None:
    states = seen()
    states[0].market.ask = 0.97
    assert _ask_before(states, 50) == 0.97
