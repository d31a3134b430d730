"""What the venue asks of entry orders, and what that means for a group that is cut: exact, from the strategy's text."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.reference.settings import Settings


def clears_minimums(s: Settings, lots: int, price: Fraction) -> bool:
    """Whether the venue takes a sell of so many lots at a price."""
    worth_usd = lots * Fraction(s.lot_num, s.lot_den) * price
    return lots >= s.min_lots and worth_usd >= Fraction(s.venue_min_notional_usd)


def lowest_chased(s: Settings, placed_ticks: int) -> Fraction:
    """The lowest price that a group may be chased to that was placed at an ask: the last tick within the limit."""
    within = placed_ticks * (1 - Fraction(s.max_chase_bps) / 10_000)
    return math.ceil(within) * Fraction(s.tick_num, s.tick_den)


def is_well_cut(s: Settings, slices: list[int], placed_ticks: int) -> bool:
    """Whether every slice, where there are several, clears the venue's minimums wherever the group may be chased to."""
    return len(slices) == 1 or all(clears_minimums(s, lots, lowest_chased(s, placed_ticks)) for lots in slices)
