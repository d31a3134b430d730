"""What is traded: steps and minimums, as exact fractions."""

from __future__ import annotations

from slackwater.kernel.record import Record, f64, i64


class Instrument(Record):
    """A symbol's steps and minimums. A price is `ticks * tick_num / tick_den`: one rounded operation."""

    tick_num: f64  # tick size as a reduced fraction, both whole numbers
    tick_den: f64
    lot_num: f64  # lot size likewise
    lot_den: f64
    min_lots: i64  # the venue's minimum quantity
    min_notional_usd: f64  # the venue's minimum order value
