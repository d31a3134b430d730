"""Money: the value of a fill, its fee, and funding. Pure functions of ticks, lots and rates."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params


@jit
def notional_usd(ins: Instrument, ticks: int, lots: int) -> float:
    """Value of `lots` at `ticks`. The products are whole numbers, so the division is the only rounding."""
    return float(ticks) * float(lots) * (ins.tick_num * ins.lot_num) / (ins.tick_den * ins.lot_den)


@jit
def fee_usd(ins: Instrument, p: Params, ticks: int, lots: int, is_maker: bool) -> float:
    """What a fill costs; positive when paid, negative for a rebate."""
    rate = p.maker_fee if is_maker else p.taker_fee
    return notional_usd(ins, ticks, lots) * rate


@jit
def funding_usd(ins: Instrument, short_lots: int, mid: float, rate: float) -> float:
    """What a position receives at a funding time; negative when it pays.

    Args:
        ins: gives the lot size.
        short_lots: size of the short; negative for a long.
        mid: price at the funding time, in quote currency.
        rate: what longs pay to shorts, as a fraction of notional.
    """
    return float(short_lots) * ins.lot_num / ins.lot_den * mid * rate
