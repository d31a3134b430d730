"""Money of the simulated venue: values are rounded once, signs are as documented."""

from __future__ import annotations

import pytest

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim import fees


@jit
def _notional_usd(ins, ticks, lots):
    return fees.notional_usd(ins[0], ticks, lots)


@jit
def _fee_usd(ins, p, ticks, lots, is_maker):
    return fees.fee_usd(ins[0], p[0], ticks, lots, is_maker)


@jit
def _funding_usd(ins, short_lots, mid, rate):
    return fees.funding_usd(ins[0], short_lots, mid, rate)


def instrument() -> Box:
    """Ticks of 0.1, lots of 0.001."""
    ins = new(Instrument)
    ins[0].tick_num, ins[0].tick_den, ins[0].lot_num, ins[0].lot_den = 1.0, 10.0, 1.0, 1000.0
    return ins


@pytest.mark.parametrize(("ticks", "lots", "usd"), [(1001, 3, 0.3003), (650_001, 77, 5005.0077), (3, 1, 0.0003), (50_000, 1000, 5000.0)])
def test_notional_is_the_nearest_double(ticks: int, lots: int, usd: float) -> None:
    assert _notional_usd(instrument(), ticks, lots) == usd


def test_fee_takes_the_rate_of_its_role() -> None:
    p = new(Params)
    p[0].maker_fee, p[0].taker_fee = -0.0001, 0.0005
    assert _fee_usd(instrument(), p, 50_000, 1000, True) == pytest.approx(-0.5)
    assert _fee_usd(instrument(), p, 50_000, 1000, False) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("short_lots", "rate", "usd"), [(2000, 0.0001, 1.0), (2000, -0.0001, -1.0), (-2000, 0.0001, -1.0), (0, 0.0001, 0.0)]
)
def test_a_short_receives_what_longs_pay(short_lots: int, rate: float, usd: float) -> None:
    assert _funding_usd(instrument(), short_lots, 5000.0, rate) == pytest.approx(usd)
