"""The reference's formulas against numbers worked by hand. Default settings: fee floor (2.52 + 3.36) = 5.88 bps."""

from __future__ import annotations

import pytest

from tests.reference import formulas as f
from tests.reference.settings import MINUTE, SEC, Settings

S = Settings()
OFF = Settings(dynamic_enabled=False)


def test_fee_floor() -> None:
    assert f.fee_floor_bps(S) == pytest.approx(5.88)


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (5.0, 50.0),  # below lo = 7
        (7.0, 50.0),
        (14.0, 65.0),  # (14-7)/(21-7) = 1/2
        (21.0, 80.0),
        (30.0, 80.0),
    ],
)
def test_base_notional(spread: float, expected: float) -> None:
    assert f.base_notional(spread, S) == pytest.approx(expected)


def test_base_notional_with_a_tiny_least_spread_divides_by_at_least_one() -> None:
    # min 0.2: lo = 1, hi = 3, (2-1)/2 = 0.5.
    assert f.base_notional(2.0, Settings(min_spread_bps=0.2)) == pytest.approx(65.0)


@pytest.mark.parametrize(
    ("strength", "rv", "expected"),
    [
        (2.0, 0.5, 65.0),  # below the floor of 1: not normalised
        (2.0, 2.0, 65.0),  # 2/2*65
        (2.0, 1.8, 65.0 * 2 / 1.8),  # 72.2
        (2.0, 1.0, 80.0),  # 130, clamped
        (0.1, 1.0, 50.0),  # 0.5/1*65 = 32.5, clamped
    ],
)
def test_entry_notional(strength: float, rv: float, expected: float) -> None:
    assert f.entry_notional(14.0, strength, rv, S) == pytest.approx(expected)


def test_layer_notional_grows_to_the_maximum() -> None:
    # 50*1.5 = 75; 50*1.5^2 = 112.5 -> 80.
    assert f.layer_notional(7.0, 1, S) == pytest.approx(75.0)
    assert f.layer_notional(7.0, 2, S) == pytest.approx(80.0)


def test_order_lots_are_floored() -> None:
    # 50/2122.45 = 0.0235576...: 23 lots of 0.001.
    assert f.order_lots(50.0, 2122.45, S) == 23


def test_base_spacing() -> None:
    assert f.base_spacing(4.0, 3.0, S) == 5.0
    assert f.base_spacing(9.0, 12.0, S) == 12.0
    assert f.base_spacing(9.0, 12.0, Settings(base_spacing_bps=7.5)) == 7.5


def test_effective_growth() -> None:
    assert f.effective_growth(1.5, S) == 3.0
    assert f.effective_growth(5.0, S) == 8.0
    assert f.effective_growth(0.8, Settings(spacing_growth=1.0)) == 1.05


def test_required_spacing() -> None:
    # 10*2^(3-1) = 40 beats the gap; with one layer 10 < 12 does not.
    assert f.required_spacing(10.0, 2.0, 3, 12.0, 100.0, S) == 40.0
    assert f.required_spacing(10.0, 2.0, 1, 12.0, 100.0, S) == 12.0
    # trend: 40*(1+100/200) = 60; a fall scales nothing.
    trending = Settings(trend_spacing_scale=200.0)
    assert f.required_spacing(10.0, 2.0, 3, 12.0, 100.0, trending) == pytest.approx(60.0)
    assert f.required_spacing(10.0, 2.0, 3, 12.0, -100.0, trending) == 40.0


def test_layer_cooldown_stretches_with_the_tail() -> None:
    # 3.3/2.2 = 1.5 -> 30 s; 11/2.2 = 5 -> 3 -> 60 s; an end that is later already stays.
    assert f.layer_cooldown_until(0, 100 * SEC, 3.3, S) == pytest.approx(130 * SEC)
    assert f.layer_cooldown_until(0, 100 * SEC, 11.0, S) == pytest.approx(160 * SEC)
    assert f.layer_cooldown_until(200 * SEC, 100 * SEC, 11.0, S) == 200 * SEC


def test_shares_need_ten_samples() -> None:
    assert f.share([True] * 9) == 0.0
    assert f.share([True] * 4 + [False] * 6) == 0.4


def test_near_zero_and_duplicates() -> None:
    # 0.5*5.88 = 2.94.
    assert f.is_near_zero(-2.93, S) and not f.is_near_zero(2.95, S)
    # 100.04 against 100 is 4 bps: within half of a median of 8, not of 7.9; 30 s is within, 1 ns more is not.
    assert f.is_duplicate(30 * SEC, 100.04, 100.0, 8.001, S)
    assert not f.is_duplicate(30 * SEC, 100.04, 100.0, 7.9, S)
    assert not f.is_duplicate(30 * SEC + 1, 100.04, 100.0, 8.001, S)


def test_knife() -> None:
    assert f.knife_factor([10.0]) == 1.0
    assert f.knife_factor([10.0, 9.0]) == 5.0  # one step, falling: 1+4*1
    assert f.knife_factor([99.0, 10.0, 9.0, 8.0, 9.0, 8.0]) == 4.0  # the last five: 3 of 4 fall: 1+4*0.75
    assert f.knife_factor([10.0, 9.0, 10.0, 9.0, 10.0]) == 1.0  # half


def test_entry_cooldown() -> None:
    # 2*(1+(3*0.2+2*0.1)/1) = 3.6; drift 0.8: 2*(1+0.8/0.8) = 4; knife 5: 20, clamped to 16; nothing: 2.
    assert f.entry_cooldown_sec(0.2, 0.1, 1.0, 1.0, S) == pytest.approx(3.6)
    assert f.entry_cooldown_sec(0.2, 0.1, 0.8, 1.0, S) == pytest.approx(4.0)
    assert f.entry_cooldown_sec(0.2, 0.1, 0.8, 5.0, S) == pytest.approx(16.0)
    assert f.entry_cooldown_sec(0.2, 0.1, 0.8, 5.0, OFF) == 2.0


def test_layer_gap() -> None:
    assert f.layer_gap(9.0, 0.25, S) == pytest.approx(13.5)
    assert f.layer_gap(0.0, 0.0, S) == 7.0
    assert f.layer_gap(9.0, 0.25, OFF) == 9.0


def test_max_layers() -> None:
    assert f.max_layers([-1.0] * 7, S) == 32
    assert f.max_layers([-1.0] * 8, S) == 2
    assert f.max_layers([5.8] * 8, S) == 3
    assert f.max_layers([5.9] * 8, S) == 32
    assert f.max_layers([-1.0] * 8, OFF) == 32
    assert f.max_layers([-1.0] * 8, Settings(max_layers=1)) == 1


def test_least_profits() -> None:
    # near 0.9: 5.88*2 = 11.76 > 10; loss 0.5: *1.25 = 14.7. Off: max(10, 6.468).
    assert f.min_tp_profit(0.9, 0.5, S) == pytest.approx(14.7)
    assert f.min_tp_profit(0.0, 0.0, S) == 10.0
    assert f.min_tp_profit(0.9, 0.5, OFF) == 10.0
    # -10-5.88*0.5 = -12.94; from +5: 5-2.94 = 2.06 -> -1.
    assert f.min_fast_tp(0.2, S) == pytest.approx(-12.94)
    assert f.min_fast_tp(0.2, Settings(min_fast_tp_bps=5.0)) == -1.0
    assert f.min_fast_tp(0.2, OFF) == -10.0


@pytest.mark.parametrize(
    ("unrealised", "expected"),
    [
        (20.0, 7.0),
        (-34.9, 7.0),
        (-35.0, 7.0),  # t = 0
        (-267.5, 7.0 * (1 - 0.85 * 0.8122523963562356)),  # t = 1/2, 0.5^0.3 = 0.81225
        (-500.0, 7.0 * 0.15),
        (-900.0, 7.0 * 0.15),
    ],
)
def test_spread_relief(unrealised: float, expected: float) -> None:
    assert f.spread_relief(unrealised, S) == pytest.approx(expected)


def test_spread_relief_has_a_floor() -> None:
    assert f.spread_relief(-500.0, Settings(relief_floor=0.4)) == pytest.approx(2.8)
    assert f.spread_relief(-500.0, OFF) == 7.0


def test_hurdle() -> None:
    # 0.4*0.25/80*1e4 = 12.5; on 20 usd: 50, clamped to 25.
    assert f.hurdle(0.4, 80.0, S) == pytest.approx(12.5)
    assert f.raw_hurdle(0.4, 20.0, S) == pytest.approx(50.0)
    assert f.hurdle(0.4, 20.0, S) == 25.0
    assert f.hurdle(0.4, 0.0, S) == 0.0
    assert f.hurdle(0.4, 80.0, Settings(recovery_enabled=False)) == 0.0


def test_slippage_estimate() -> None:
    # Negative ones count as 0: 0, 0, 1, 2, 4; rank 4*0.7 = 2.8: 1 + 0.8*(2-1) = 1.8.
    assert f.slippage_estimate([4.0, -3.0, 1.0, 2.0], S) == 0.5
    assert f.slippage_estimate([4.0, -3.0, 1.0, 2.0, -1.0], S) == pytest.approx(1.8)


def test_uncertainty() -> None:
    # 10, -10, 10, -10, 0 and an outlier: {10, -10, 10, -10, 30}: mean 6, squares 16+256+16+256+576 = 1120, var 224, sd 14.96663, *0.75.
    raw = f.raw_uncertainty([10.0, -10.0, 10.0, -10.0, 500.0], S)
    assert raw == pytest.approx(11.224972)
    assert f.raw_uncertainty([500.0] * 4, S) == 0.3
    # Of an edge of 8 at most 6 is taken: 2 left. Of an edge of 40 all of it: 28.775. Of none: all of it.
    assert f.lcb(8.0, raw, S) == pytest.approx(2.0)
    assert f.lcb(40.0, raw, S) == pytest.approx(28.775028)
    assert f.lcb(-1.0, raw, S) == pytest.approx(-12.224972)


def test_fresh_target() -> None:
    assert f.fresh_target(0.0, 10.0, S) == 5.0  # no median
    assert f.fresh_target(10.0, 10.0, S) == 12.0
    assert f.fresh_target(10.0, 200.0, S) == 30.0
    assert f.fresh_target(10.0, 1000.0, S) == 50.0


def test_decay() -> None:
    # 12 min: 1-0.5*12/30 = 0.8; 30 min: 0.5; then the floor; without half-life 1.
    assert f.tp_decay(12 * MINUTE, S) == pytest.approx(0.8)
    assert f.tp_decay(90 * MINUTE, S) == 0.5
    assert f.tp_decay(12 * MINUTE, Settings(tp_decay_half_life_min=0.0)) == 1.0


def test_rest() -> None:
    # max(12*0.5, 10*0.5, 5.04+1) = 6.04; fresh: 12; a hurdle of 20: 25.04.
    assert f.rest_bps(12.0, 0.5, 10.0, 0.0, S) == pytest.approx(6.04)
    assert f.rest_bps(12.0, 1.0, 10.0, 0.0, S) == 12.0
    assert f.rest_bps(12.0, 1.0, 10.0, 20.0, S) == pytest.approx(25.04)
    # 2000*(1-0.0012) = 1997.60 exactly 199760 cents; 1.5 bps: 1999.70; of 2001.37 12 bps: 1998.968356 -> 199896.
    assert f.price_ticks_below(2001.37, 12.0, S) == 199896


def test_exit_net() -> None:
    # (100-99)*2 - 0.05 - 0.000336*99*2 = 1.883472 of 200: 94.1736 bps.
    assert f.exit_net_bps(100.0, 99.0, 2.0, 0.05, S) == pytest.approx(94.1736)


def test_take_profit_mode() -> None:
    assert not f.is_vol_mode(80.0, S) and f.is_vol_mode(80.1, S)  # 0 means the largest layer
    assert f.is_vol_mode(60.0, Settings(tp_mode_notional_usd=50.0))
    assert not f.is_vol_mode(900.0, Settings(tp_mode=1)) and f.is_vol_mode(1.0, Settings(tp_mode=2))


def test_zones() -> None:
    assert f.zones_bps(10.0, 2.0, 7, S) == [10.0, 20.0, 40.0, 80.0, 160.0]
    assert f.zones_bps(10.0, 2.0, 3, S) == [10.0, 20.0, 40.0]
    # 300, 2400 -> 2000, 2000 merged.
    assert f.zones_bps(300.0, 8.0, 4, S) == [300.0, 2000.0]


def test_zone_shares() -> None:
    # 7 layers, 3 zones: 7//3 = 2, then 5//2 = 2, then 3.
    assert f.zone_shares([1, 2, 3, 4, 5, 6, 7], 3) == [3, 7, 18]
    assert f.zone_shares([5, 6, 7], 3) == [5, 6, 7]
    assert f.zone_shares([5, 6, 7], 1) == [18]


@pytest.mark.parametrize(("losses", "is_harsh", "seconds"), [(0, False, 8), (1, False, 8), (2, False, 30), (3, True, 135), (9, False, 300)])
def test_close_cooldown(losses: int, is_harsh: bool, seconds: int) -> None:
    assert f.close_cooldown_ns(losses, is_harsh, S) == seconds * SEC
