"""Recovery debt: parts with their time, paid and lapsed oldest first, and the hurdle they raise."""

from __future__ import annotations

import pytest

from slackwater.config import from_mapping
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.ledger import recovery
from slackwater.schema.state import MAX_DEBT_PARTS, Recovery
from slackwater.schema.units import HOUR


@jit
def _realise(rec, p, now_ns, net_usd):
    recovery.apply_realised(rec[0], p[0], now_ns, net_usd)


@jit
def _debt(rec, p, now_ns):
    return recovery.debt_usd(rec[0], p[0], now_ns)


@jit
def _hurdles(p, debt_usd, notional_usd):
    return recovery.raw_hurdle_bps(p[0], debt_usd, notional_usd), recovery.hurdle_bps(p[0], debt_usd, notional_usd)


class Debt:
    """A debt ledger with the default configuration: 24 h, 75 usd, a quarter paid down, at most 25 bps."""

    def __init__(self, **changes: float) -> None:
        self.rec, self.p = new(Recovery), from_mapping({}).to_params()
        for name, value in changes.items():
            self.p[0][name] = value

    def realise(self, *moves: tuple[int, float]) -> None:
        """Realised results as (hour, usd)."""
        for hour, usd in moves:
            _realise(self.rec, self.p, hour * HOUR, usd)

    def at(self, now_ns: int) -> float:
        """The debt read at a time."""
        return float(_debt(self.rec, self.p, now_ns))

    def parts(self) -> list[tuple[float, float]]:
        """(hour, usd) of each part, oldest first."""
        rec = self.rec[0]
        parts = [rec.parts[(rec.first + k) % MAX_DEBT_PARTS] for k in range(rec.count)]
        return [(part.since_ns / HOUR, float(part.usd)) for part in parts]


def test_no_state_is_no_debt() -> None:
    debt = Debt()
    assert debt.at(10 * HOUR) == 0.0
    debt.realise((1, 5.0), (2, 0.0))
    assert (debt.at(2 * HOUR), debt.parts()) == (0.0, [])


@pytest.mark.parametrize(
    ("moves", "parts"),
    [
        ([(1, -10.0), (2, -20.0)], [(1, 10.0), (2, 20.0)]),
        ([(1, -10.0), (2, -20.0), (3, 4.0)], [(1, 6.0), (2, 20.0)]),  # the oldest pays first
        ([(1, -10.0), (2, -20.0), (3, 10.0)], [(2, 20.0)]),
        ([(1, -10.0), (2, -20.0), (3, 12.0)], [(2, 18.0)]),  # and the rest goes to the next
        ([(1, -10.0), (2, -20.0), (3, 30.0)], []),
        ([(1, -10.0), (2, -20.0), (3, 99.0), (4, -1.0)], [(4, 1.0)]),  # a profit beyond the debt is not saved up
        ([(1, -10.0), (2, 0.0)], [(1, 10.0)]),
    ],
)
def test_losses_add_parts_and_profits_pay_the_oldest(moves: list[tuple[int, float]], parts: list[tuple[float, float]]) -> None:
    debt = Debt()
    debt.realise(*moves)
    assert debt.parts() == parts
    assert debt.at(4 * HOUR) == sum(usd for _, usd in parts)
    assert debt.rec[0].lapsed_usd == 0.0


def test_parts_lapse_at_every_reading_once_older_than_the_look_back() -> None:
    debt = Debt()
    debt.realise((1, -10.0), (2, -5.0))
    assert debt.at(25 * HOUR) == 15.0  # exactly 24 h old is not older
    assert debt.at(25 * HOUR + 1) == 5.0
    assert debt.rec[0].lapsed_usd == 10.0
    assert debt.at(26 * HOUR) == 5.0
    assert debt.at(26 * HOUR + 1) == 0.0
    assert (debt.rec[0].lapsed_usd, debt.rec[0].count, debt.rec[0].peak_usd) == (15.0, 0, 15.0)


def test_a_profit_pays_only_what_has_not_lapsed() -> None:
    debt = Debt()
    debt.realise((1, -10.0), (20, -5.0), (26, 2.0))
    assert debt.parts() == [(20, 3.0)]
    assert debt.rec[0].lapsed_usd == 10.0


def test_without_a_look_back_nothing_lapses() -> None:
    debt = Debt(debt_lookback_ns=0)
    debt.realise((1, -10.0))
    assert debt.at(1_000_000 * HOUR) == 10.0


@pytest.mark.parametrize(
    ("moves", "parts", "lapsed"),
    [
        ([(1, -50.0), (2, -25.0)], [(1, 50.0), (2, 25.0)], 0.0),  # exactly the cap
        ([(1, -50.0), (2, -40.0)], [(1, 35.0), (2, 40.0)], 15.0),
        ([(1, -10.0), (2, -20.0), (3, -60.0)], [(2, 15.0), (3, 60.0)], 15.0),
        ([(1, -10.0), (2, -100.0)], [(2, 75.0)], 35.0),
    ],
)
def test_at_the_cap_the_oldest_gives_way(moves: list[tuple[int, float]], parts: list[tuple[float, float]], lapsed: float) -> None:
    debt = Debt()
    debt.realise(*moves)
    assert (debt.parts(), debt.rec[0].lapsed_usd) == (parts, lapsed)
    assert debt.at(3 * HOUR) <= 75.0


def test_a_cap_of_zero_is_none() -> None:
    debt = Debt(debt_cap_usd=0.0)
    debt.realise((1, -100.0), (2, -200.0))
    assert debt.at(2 * HOUR) == 300.0


def test_a_full_ring_joins_losses_to_the_newest() -> None:
    debt = Debt(debt_cap_usd=0.0, debt_lookback_ns=0)
    debt.realise(*[(k, -1.0) for k in range(MAX_DEBT_PARTS)], (999, -0.5))
    assert debt.at(999 * HOUR) == MAX_DEBT_PARTS + 0.5
    assert (debt.rec[0].count, debt.rec[0].merged_count) == (MAX_DEBT_PARTS, 1)
    assert debt.parts()[-1] == (999, 1.5), "what is merged lapses with the later loss"


def test_the_ring_goes_round() -> None:
    debt = Debt(debt_cap_usd=0.0, debt_lookback_ns=0)
    for k in range(2 * MAX_DEBT_PARTS + 10):
        debt.realise((k, -1.0), (k, -1.0), (k, 1.0))
        if k >= 3:
            debt.realise((k, 1.0))
    # Three rounds leave one part each; afterwards every round adds two and pays the two oldest.
    last = 2 * MAX_DEBT_PARTS + 9
    assert debt.parts() == [(last - 1, 1.0), (last, 1.0), (last, 1.0)]
    assert debt.rec[0].merged_count == 0


@pytest.mark.parametrize(
    ("debt_usd", "notional_usd", "raw", "clamped"),
    [
        (4.0, 1000.0, 10.0, 10.0),  # 4 * 0.25 / 1000 * 1e4
        (10.0, 1000.0, 25.0, 25.0),
        (10.0, 100.0, 250.0, 25.0),
        (0.0, 1000.0, 0.0, 0.0),
        (4.0, 0.0, 0.0, 0.0),
        (-1.0, 1000.0, 0.0, 0.0),
    ],
)
def test_the_hurdle_is_a_share_of_the_debt_on_the_notional(debt_usd: float, notional_usd: float, raw: float, clamped: float) -> None:
    assert _hurdles(from_mapping({}).to_params(), debt_usd, notional_usd) == pytest.approx((raw, clamped), abs=1e-12)


def test_disabled_recovery_asks_nothing() -> None:
    params: Box = from_mapping({"recovery": {"enabled": False}}).to_params()
    assert _hurdles(params, 10.0, 100.0) == (0.0, 0.0)
