"""Cutting a quantity into slices: exact, above the venue's minimums, bounded by the touch, the same for the same seed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackwater.config.loading import from_mapping
from slackwater.config.lowering import lower
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, rows
from slackwater.kernel.rng import seed_rng
from slackwater.market.depth import push_depth
from slackwater.orders.slicing import cut, least_lots, lowest_ask_ticks
from slackwater.schema.commands import Side
from slackwater.schema.state import SymbolState
from slackwater.schema.units import SEC

NOW_NS = 1_000 * SEC
PRICE_TICKS = 10_000  # 100.00


@jit
def _cut(states: Box, params: Box, side: int, lots: int) -> int:
    return cut(states[0], params[0], NOW_NS, side, PRICE_TICKS, lots)


@jit
def _least(states: Box, price_ticks: int, reduce_only: bool) -> int:
    return least_lots(states[0].ins, price_ticks, reduce_only)


@jit
def _lowest(params: Box, placed_ask_ticks: int) -> int:
    return lowest_ask_ticks(params[0], placed_ask_ticks)


@jit
def _push_depth(states: Box, now_ns: int, bid_lots: int, ask_lots: int) -> None:
    push_depth(states[0].market, now_ns, bid_lots, ask_lots)


def symbol(seed: int = 1, bid_lots: int = 0, ask_lots: int = 0, min_lots: int = 1, min_notional: float = 5.0) -> Box:
    """A symbol with steps of 0.01 and 0.01, whose touch has shown these sizes; 0 is unknown."""
    states = rows(SymbolState, 1)
    s = states[0]
    s.ins.tick_num, s.ins.tick_den, s.ins.lot_num, s.ins.lot_den = 1.0, 100.0, 1.0, 100.0
    s.ins.min_lots, s.ins.min_notional_usd = min_lots, min_notional
    seed_rng(s.rng, seed, "S")
    if bid_lots or ask_lots:
        _push_depth(states, NOW_NS - SEC, bid_lots, ask_lots)
        s.market.n_books = 1
    return states


def params(max_chase_bps: float = 5.0, **stealth: object) -> Box:
    return lower(from_mapping({"stealth": stealth, "execution": {"max_chase_bps": max_chase_bps}}))


def worth_usd(lots: int, price_ticks: int) -> Fraction:
    return Fraction(lots, 100) * Fraction(price_ticks, 100)


def slices(states: Box, stealth: Box, lots: int, side: Side = Side.SELL) -> list[tuple[int, int]]:
    count = _cut(states, stealth, int(side), lots)
    return [(int(piece.lots), int(piece.tick_offset)) for piece in states[0].slices[:count]]


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(1, 10**6),
    lots=st.integers(1, 10**7),
    min_lots=st.integers(1, 500),
    min_notional=st.sampled_from([0.0, 5.0, 50.0]),
    depth=st.integers(0, 10**5),
    fewest=st.integers(1, 5),
    more=st.integers(0, 4),
    max_ticks=st.integers(1, 8),
    always=st.booleans(),
    side=st.sampled_from(Side),
    chase=st.sampled_from([0.0, 5.0, 120.0, 10_000.0]),
)
def test_exact_and_within_every_limit(
    seed: int,
    lots: int,
    min_lots: int,
    min_notional: float,
    depth: int,
    fewest: int,
    more: int,
    max_ticks: int,
    always: bool,
    side: Side,
    chase: float,
) -> None:
    most = min(fewest + more, 5)
    stealth = params(chase, always_split=always, min_slices=fewest, max_slices=most, max_ticks=max_ticks)
    states = symbol(seed, depth, depth, min_lots, min_notional)
    pieces = slices(states, stealth, lots, side)
    lowest_ticks = max(PRICE_TICKS - int(PRICE_TICKS * Fraction(chase) / 10_000), 1)
    assert sum(piece for piece, _ in pieces) == lots
    assert 1 <= len(pieces) <= min(most, max_ticks)
    assert sorted(offset for _, offset in pieces) == list(range(len(pieces)))
    smallest = min(piece for piece, _ in pieces)
    assert len(pieces) == 1 or smallest >= min_lots
    assert len(pieces) == 1 or side == Side.BUY or worth_usd(smallest, lowest_ticks) >= Fraction(min_notional)


def test_the_same_seed_cuts_the_same_and_another_one_differently_to_the_same_total() -> None:
    stealth = params()
    first, again, other = symbol(7), symbol(7), symbol(8)
    cuts = [slices(first, stealth, 1_000) for _ in range(20)]
    assert cuts == [slices(again, stealth, 1_000) for _ in range(20)]
    others = [slices(other, stealth, 1_000) for _ in range(20)]
    assert cuts != others
    assert {sum(lots for lots, _ in pieces) for pieces in [*cuts, *others]} == {1_000}


def test_every_count_and_every_order_comes_up() -> None:
    states, stealth = symbol(3), params()
    cuts = [slices(states, stealth, 100_000) for _ in range(400)]
    assert {len(pieces) for pieces in cuts} == {2, 3, 4, 5}
    threes = {tuple(offset for _, offset in pieces) for pieces in cuts if len(pieces) == 3}
    assert len(threes) == 6


def test_a_small_order_stays_whole_unless_all_are_split() -> None:
    states = symbol(ask_lots=1_000)
    assert slices(states, params(always_split=False), 500) == [(500, 0)]
    assert len(slices(states, params(), 500)) >= 2


def test_more_slices_than_drawn_where_each_would_be_too_large_a_part_of_the_touch() -> None:
    states = symbol(bid_lots=10_000, ask_lots=1_000)
    one = params(always_split=False, max_l1_fraction=0.5)
    assert len(slices(states, one, 501)) == 2
    assert len(slices(states, one, 1_900)) == 4
    assert len(slices(states, one, 90_000)) == 5
    assert len(slices(states, one, 1_900, Side.BUY)) == 1


def test_an_unknown_touch_raises_nothing() -> None:
    assert slices(symbol(), params(always_split=False), 10**6) == [(10**6, 0)]


def test_too_small_for_two_is_one() -> None:
    states = symbol(min_lots=10)
    assert slices(states, params(), 19) == [(19, 0)]
    assert [lots for lots, _ in slices(states, params(), 20)] == [10, 10]


# A lot is worth 1 usd at the ask of 100.00, and 5 usd are the venue's minimum.
@pytest.mark.parametrize(
    ("chase_bps", "lots", "expected"),
    [
        (0.0, 50, 5),  # never chased down: 5 lots are enough
        (5.0, 29, 4),  # down to 99.95 it takes 6
        (5.0, 30, 5),
        (5.0, 11, 1),  # not enough for two that can be chased: whole
        (5.0, 12, 2),
        (2_000.0, 27, 3),  # 6.25 lots at 80.00
        (2_000.0, 28, 4),
        (10_000.0, 49_999, 1),  # down to a tick
    ],
)
def test_slices_clear_the_minimum_down_to_the_lowest_price_they_are_chased_to(chase_bps: float, lots: int, expected: int) -> None:
    five = params(chase_bps, min_slices=5, max_slices=5)
    pieces = slices(symbol(), five, lots)
    assert (len(pieces), sum(piece for piece, _ in pieces)) == (expected, lots)
    assert expected == 1 or min(worth_usd(piece, _lowest(five, PRICE_TICKS)) for piece, _ in pieces) >= 5


@pytest.mark.parametrize(
    ("chase_bps", "placed", "lowest"),
    [(5.0, 10_000, 9_995), (5.0, 9_999, 9_995), (5.0, 1_999, 1_999), (0.3, 100_000, 99_997), (0.0, 10_000, 10_000), (10_000.0, 7, 1)],
)
def test_the_lowest_ask_of_a_chase_is_the_last_tick_within_its_limit(chase_bps: float, placed: int, lowest: int) -> None:
    assert _lowest(params(chase_bps), placed) == lowest


def test_buys_are_cut_whatever_the_chase() -> None:
    near, far = symbol(), symbol()
    assert slices(near, params(0.0), 1_000, Side.BUY) == slices(far, params(10_000.0), 1_000, Side.BUY)


def test_reducing_orders_need_not_reach_the_minimum_notional() -> None:
    states = symbol(min_lots=2, min_notional=50.0)
    assert (_least(states, PRICE_TICKS, False), _least(states, PRICE_TICKS, True)) == (50, 2)
