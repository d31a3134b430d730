"""What is traded: steps and minimums as exact fractions, and the one way from steps to prices and back."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Record, f64, i64

STEP_SLACK = 1e-9  # of a step: a price that is on the grid but for rounding stays on it when floored


class Instrument(Record):
    """A symbol's steps and minimums. A price is `ticks * tick_num / tick_den`: one rounded operation."""

    tick_num: f64  # tick size as a reduced fraction, both whole numbers
    tick_den: f64
    lot_num: f64  # lot size likewise
    lot_den: f64
    min_lots: i64  # the venue's minimum quantity
    min_notional_usd: f64  # the venue's minimum order value


@jit
def price_of(ins: Instrument, ticks: int) -> float:
    """Price of whole ticks: equal ticks give equal bits."""
    return ticks * ins.tick_num / ins.tick_den


@jit
def qty_of(ins: Instrument, lots: int) -> float:
    """Quantity of whole lots, in the base asset."""
    return lots * ins.lot_num / ins.lot_den


@jit
def floor_ticks(ins: Instrument, price: float) -> int:
    """The highest tick at or below a price."""
    return int(math.floor(price * ins.tick_den / ins.tick_num + STEP_SLACK))


@jit
def floor_lots(ins: Instrument, qty: float) -> int:
    """The largest number of whole lots within a quantity."""
    return int(math.floor(qty * ins.lot_den / ins.lot_num + STEP_SLACK))
