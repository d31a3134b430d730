"""Steps to prices and back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.schema import instrument
from slackwater.schema.instrument import Instrument


@jit
def _there(box, ticks, lots):
    return instrument.price_of(box[0], ticks), instrument.qty_of(box[0], lots)


@jit
def _back(box, price, qty):
    return instrument.floor_ticks(box[0], price), instrument.floor_lots(box[0], qty)


STEPS = ["0.1", "0.01", "0.00001", "0.5", "0.25", "1", "10", "0.0025"]


def stepping(step: str) -> Box:
    """Ticks and lots of one step, as a reduced fraction."""
    box = new(Instrument)
    exact = Fraction(step)
    box[0].tick_num = box[0].lot_num = exact.numerator
    box[0].tick_den = box[0].lot_den = exact.denominator
    return box


@pytest.mark.parametrize(
    ("step", "ticks", "price"), [("0.1", 3, 0.3), ("0.01", 10_005, 100.05), ("0.00001", 7, 0.00007), ("0.25", 3, 0.75), ("10", 12, 120.0)]
)
def test_prices_are_the_nearest_double(step: str, ticks: int, price: float) -> None:
    assert _there(stepping(step), ticks, ticks) == (price, price)


@settings(deadline=None)
@given(step=st.sampled_from(STEPS), ticks=st.integers(1, 10_000_000))
def test_there_and_back(step: str, ticks: int) -> None:
    box = stepping(step)
    price, qty = _there(box, ticks, ticks)
    assert price == float(Fraction(step) * ticks)  # one rounding of the exact product
    assert _back(box, price, qty) == (ticks, ticks)


@pytest.mark.parametrize(
    ("price", "ticks"), [(99.999999, 9_999), (100.0, 10_000), (100.009, 10_000), (99.99999999999999, 10_000), (0.009, 0), (0.0, 0)]
)
def test_floor_forgives_rounding_only(price: float, ticks: int) -> None:
    assert _back(stepping("0.01"), price, price) == (ticks, ticks)
