"""Decisions of the reference in small scenarios worked by hand."""

from __future__ import annotations

import pytest

from tests.reference.decisions import Decision, Exit
from tests.reference.settings import HOUR, MINUTE, SEC, Settings
from tests.reference.signals import ReferenceMarket
from tests.reference.strategy import ReferenceStrategy

T = 1_700_000_000 * SEC
# Prices in cents around 100, so that a cent is a basis point; no signal is asked for.
EASY = {
    "tick_den": 100,
    "lot_den": 100,
    "warmup_ns": 0,
    "pump_threshold": -9.0,
    "exhaust_threshold": -9.0,
    "drift_enabled": False,
    "vol_units": 1,  # trades never move here: the regime stays at 8 bps
    "vol_normalize": False,
    "cooldown_sec": 0.1,
    "max_trend_bps": 1e9,
    "max_trend_30s_bps": 0.0,
    "waterfall_vol_threshold": 1e9,
}


def desk(**changes: object) -> ReferenceStrategy:
    settings = Settings(**{**EASY, **changes})  # type: ignore[arg-type]
    return ReferenceStrategy(settings, ReferenceMarket(settings))


def book(desk: ReferenceStrategy, now: int, ask_ticks: int, spread_ticks: int = 10) -> Decision:
    decision = desk.on_book(now, ask_ticks - spread_ticks, 100, ask_ticks, 100)
    assert decision is not None
    return decision


def leave(desk: ReferenceStrategy, now: int, ask_ticks: int) -> Exit:
    decision = book(desk, now, ask_ticks).exit
    assert decision is not None
    return decision


def warm(desk: ReferenceStrategy, ask_ticks: int = 10000) -> int:
    """Sixty books and thirty trades at rest, over 59 s. Returns the time of the last."""
    for i in range(60):
        if i < 30:
            desk.on_trade(T + i * SEC, ask_ticks, 1, i % 2 == 0)
        book(desk, T + i * SEC, ask_ticks)
    return T + 59 * SEC


def enter(desk: ReferenceStrategy, now: int, group: int, price_ticks: int, lots: int = 50) -> None:
    """An entry group that fills whole, at once, with its maker fee."""
    desk.on_order_sent(now, "entry", group)
    fee = price_ticks / 100 * lots / 100 * desk.settings.maker_fee
    desk.on_fill(now, "entry", group, price_ticks, lots, fee)
    desk.on_group_done(now, "entry")


def reason(decision: Decision) -> str:
    assert decision.shot is not None
    return decision.shot.reason


def test_gates_in_their_order_and_an_entry() -> None:
    one = desk(warmup_ns=30 * SEC)
    assert reason(book(one, T, 10000)) == "warmup"
    one = desk()
    assert reason(book(one, T, 10000)) == "no_median_spread"
    for i in range(1, 12):
        decision = book(one, T + i * SEC, 10000)
    assert reason(decision) == "not_warm"
    now = warm(one := desk())
    decision = book(one, now + SEC, 10000)
    assert decision.shot is not None
    # spread 10/9995 = 10.005 bps: t = 3.005/14, notional 50+30*t = 56.4396..., at 100: 0.56 = 56 lots of 0.01.
    assert (decision.shot.reason, decision.shot.price_ticks, decision.shot.lots) == ("pass", 10000, 56)
    assert decision.shot.notional_usd == pytest.approx(50 + 30 * (1e5 / 9995 - 7) / 14)
    assert reason(book(one, now + 2 * SEC, 10000, spread_ticks=6)) == "spread_low"
    assert reason(book(one, now + 3 * SEC, 10000, spread_ticks=41)) == "spread_high"
    one.state.is_entry_disabled = True
    assert reason(book(one, now + 4 * SEC, 10000)) == "entry_disabled"


def test_the_edge_of_a_quiet_book_by_hand() -> None:
    now = warm(one := desk(pump_threshold=-0.5, exhaust_threshold=-0.5))
    decision = book(one, now + SEC, 10000)
    # Fresh target 1.2*10.005 = 12.006; cost 5.88+0.5+0.3 = 6.68; threshold at least 0.1, strength below it: no bonus.
    # No trend, no spread risk: edge 5.326, minus 0.3 (too few closes) = 5.026 >= 2.
    assert decision.edge is not None and decision.shot is not None
    assert decision.edge["tp_target_bps"] == pytest.approx(12.006003)
    assert decision.edge["expected_cost_bps"] == pytest.approx(6.68)
    assert decision.edge["expected_edge_bps"] == pytest.approx(5.326003)
    assert decision.edge["edge_lcb_bps"] == pytest.approx(5.026003)
    assert decision.edge["required_edge_bps"] == 2.0
    assert decision.edge["projected_notional_usd"] == pytest.approx(56.0)
    assert decision.shot.reason == "pass"
    # A debt of 1 usd asks 1*0.25/56*1e4 = 44.6 -> 25 bps of the same edge.
    one.ledger.debt.on_realised(now, -1.0)
    decision = book(one, now + 2 * SEC, 10000)
    assert decision.edge is not None and decision.edge["required_edge_bps"] == 25.0
    assert reason(decision) == "edge"


def test_caps_count_the_position_at_cost_and_the_others() -> None:
    now = warm(one := desk(max_total_notional_usd=100.0))
    one.state.other_exposure_usd = 43.9
    assert reason(book(one, now + SEC, 10000)) == "pass"  # 43.9 + 56 = 99.9
    one.state.other_exposure_usd = 44.1
    assert reason(book(one, now + 2 * SEC, 10000)) == "portfolio_cap"


def test_nothing_is_asked_while_an_entry_works_and_the_cooldown_runs_from_its_last_fill() -> None:
    now = warm(one := desk(cooldown_sec=5.0))
    one.on_order_sent(now, "entry", 1)
    assert book(one, now + SEC, 10000).shot is None
    one.on_group_done(now + 2 * SEC, "entry")
    assert reason(book(one, now + 4 * SEC, 10000)) == "entry_cooldown"
    assert reason(book(one, now + 5 * SEC, 10000)) == "pass"
    one.on_order_sent(now + 6 * SEC, "entry", 2)
    one.on_fill(now + 9 * SEC, "entry", 2, 10000, 50, 0.0)
    one.on_group_done(now + 9 * SEC, "entry")
    assert reason(book(one, now + 13 * SEC, 10100)) == "entry_cooldown"
    assert reason(book(one, now + 14 * SEC, 10100)) == "pass"


def test_averaging_by_hand() -> None:
    now = warm(one := desk(avg_enabled=False, trend_weight=0.0))
    enter(one, now, 1, 10000)
    # One layer: spacing = gap = median spread 10.005 (live 0: blended 8). Ask 100.10 is 10 bps above: not enough.
    decision = book(one, now + SEC, 10010)
    assert decision.shot is not None and decision.shot.reason == "spacing"
    assert (decision.shot.layers, decision.shot.base_spacing_bps) == (1, pytest.approx(10.005003))
    assert decision.shot.rise_bps == pytest.approx(10.0)
    decision = book(one, now + 2 * SEC, 10011)
    assert decision.shot is not None and decision.shot.required_spacing_bps == pytest.approx(10.005003)
    # min(base*1.5, 80) with base 50+30*(spread-7)/14 = 56.43: 80.
    assert (decision.shot.reason, decision.shot.notional_usd) == ("pass", 80.0)
    assert decision.shot.unrealised_bps == pytest.approx(-11.0)
    # A second layer of 50 at 100.11: average 100.055. The third layer needs 10.005*2 = 20.01: 100.25 is 19.49 above, 100.26 is 20.49.
    enter(one, now + 3 * SEC, 2, 10011)
    assert reason(book(one, now + 4 * SEC, 10025)) == "spacing"
    assert reason(book(one, now + 5 * SEC, 10026)) == "pass"


def test_the_recovery_guard() -> None:
    now = warm(one := desk(trend_weight=0.0, base_spacing_bps=10.0, max_total_notional_usd=1e9))
    enter(one, now, 1, 10000)
    assert reason(book(one, now + SEC, 10034)) == "recovery_drawdown"  # 34 bps
    assert reason(book(one, now + 2 * SEC, 10036)) == "pass"
    # Debt 0.2: the hurdle falls from 0.2*0.25/50*1e4 = 10 to 0.2*0.25/129.28*1e4 = 3.87: passes. The 79 lots are 79.2844 usd.
    one.ledger.debt.on_realised(now, -0.2)
    assert reason(book(one, now + 3 * SEC, 10036)) == "pass"
    enter(one, now + 4 * SEC, 2, 10036, 3000)
    # A position of 3060 usd: 0.2*0.25/3060*1e4 = 0.163 cannot fall by 0.75. Before that: 20 s since the add.
    assert reason(book(one, now + 14 * SEC, 10200)) == "recovery_cooldown"
    assert reason(book(one, now + 24 * SEC, 10200)) == "recovery_hurdle"


def test_the_recovery_guard_counts_the_adds_of_an_hour() -> None:
    now = warm(one := desk(trend_weight=0.0, base_spacing_bps=1.0, spacing_growth=1.0, avg_max_adds_per_hour=2, inverse_enabled=False))
    for group in (1, 2, 3):
        enter(one, now + group * SEC, group, 10000 + group)
    assert reason(book(one, now + HOUR + 2 * SEC, 10100)) == "recovery_hourly"
    assert reason(book(one, now + HOUR + 2 * SEC + 1, 10100)) == "pass"


def test_active_take_profits() -> None:
    now = warm(one := desk())
    enter(one, now, 1, 10000)
    # tp at -max(1.2*spread, 10): with the ask at 99.89 the spread is 10/99.84 = 10.016: 12.02 below. 11 is not enough, 13 is.
    assert leave(one, now + SEC, 9989).reason == "none"
    decision = leave(one, now + 2 * SEC, 9987)
    assert (decision.reason, decision.target_lots) == ("tp", 0)
    # (100-99.87)*0.5 - 50*0.000252 - 99.87*0.5*0.000336 = 0.065-0.0126-0.01677816 = 0.03562184 of 50: 7.124 bps.
    assert decision.net_bps == pytest.approx(7.124368)
    one.on_close_decided("tp", 0)
    assert leave(one, now + 3 * SEC, 9980).reason == "none"
    one.on_group_done(now + 3 * SEC, "close", is_dropped=True)
    assert leave(one, now + 3 * SEC + SEC // 2 - 1, 9980).reason == "none"
    assert leave(one, now + 3 * SEC + SEC // 2, 9980).reason == "tp"


def test_a_debt_holds_the_take_profit_back_and_lowers_its_resting_price() -> None:
    now = warm(one := desk())
    enter(one, now, 1, 10000)
    one.ledger.debt.on_realised(now, -0.2)
    # Hurdle 0.2*0.25/50*1e4 = 10 > 7.12 net. Rest: max(12.0, 10, 5.04+10) = 15.04 -> 99.8496 -> 9984.
    decision = leave(one, now + SEC, 9987)
    assert (decision.reason, decision.exit_hurdle_bps) == ("none", pytest.approx(10.0))
    assert (decision.rest_bps, decision.rest_price_ticks, decision.rest_lots) == (pytest.approx(15.04), 9984, 50)
    assert leave(one, now + 2 * SEC, 9980).rest_price_ticks == 9979  # never at or above the ask


def test_a_fast_take_profit_needs_sellers_and_a_small_position() -> None:
    now = warm(one := desk(tp_spread_mult=3.0))
    enter(one, now, 1, 10000)
    # fast at min(-10-5.88*0.3, -1) = -11.764 and net >= max(1, 1.176).
    assert leave(one, now + SEC, 9988).reason == "none"  # no trades
    one.on_trade(now + SEC + 1, 9988, 5, True)
    assert leave(one, now + SEC + 2, 9989).reason == "none"  # 11 bps
    assert leave(one, now + SEC + 3, 9988).reason == "fast_tp"
    enter(one, now + SEC + 4, 2, 10000)  # 100 usd: above 80 the mode is vol
    assert leave(one, now + SEC + 5, 9988).reason == "none"


def test_stop_timeout_and_drawdown() -> None:
    now = warm(one := desk(stop_loss_bps=50.0, max_age_ns=MINUTE))
    enter(one, now, 1, 10000)
    # Net at 100.44: -44 - 2.52 - 3.375 = -49.89; at 100.45: -50.90.
    assert leave(one, now + SEC, 10044).reason == "none"
    assert leave(one, now + 2 * SEC, 10045).reason == "stop"
    assert leave(one, now + MINUTE, 10000).reason == "none"
    assert leave(one, now + MINUTE + 1, 10000).reason == "timeout"
    one.on_close_decided("tp", 0)
    assert leave(one, now + MINUTE + 2, 10000).reason == "timeout"  # it upgrades
    one.on_close_decided("timeout", 0)
    assert leave(one, now + MINUTE + 3, 10045).reason == "none"
    now = warm(one := desk(max_drawdown_usd=0.25))
    enter(one, now, 1, 10000)
    # Equity: -0.0126 fee, then (100-100.47)*0.5 - 0.0126 = -0.2476; at 100.48: -0.2526. The peak is 0.
    assert leave(one, now + SEC, 10047).reason == "none"
    assert leave(one, now + 2 * SEC, 10048).reason == "drawdown"
    one.on_close_decided("drawdown", 0)
    one.on_fill(now + 3 * SEC, "close", 5, 10048, 50, 0.0)
    one.on_group_done(now + 3 * SEC, "close")
    assert one.ledger.closes[-1].reason == "drawdown"
    assert reason(book(one, now + HOUR, 10048)) == "entry_disabled"


def three_layers(**changes: object) -> tuple[ReferenceStrategy, int]:
    """Layers of 10, 20 and 30 lots, all at 100; fixed spacing 20, growth 2."""
    fixed = {"base_spacing_bps": 20.0, "maker_fee": 0.0, "taker_fee": 0.0}
    now = warm(one := desk(**{**fixed, **changes}))
    for group in (1, 2, 3):
        enter(one, now, group, 10000, 10 * group)
    return one, now


def test_zones_armed() -> None:
    one, now = three_layers()
    decision = leave(one, now + 1, 10000)
    # first = max(rest 12.006, 20) = 20, then 40, 80: 99.80, 99.60, 99.20, one layer each.
    assert (decision.inverse_mode, decision.zones_bps) == ("armed", pytest.approx((20.0, 40.0, 80.0)))
    assert (decision.zone_price_ticks, decision.zone_shares) == ((9980, 9960, 9920), (10, 20, 30))
    assert (decision.rest_price_ticks, decision.rest_lots) == (9980, 10)
    # 15 minutes on the decay is 0.75: spacing 15; the resting distance is max(12.006*0.75, 10*0.75, 1) = 9.005.
    decision = leave(one, now + 15 * MINUTE, 10000)
    assert (decision.zones_bps, decision.zone_price_ticks) == (pytest.approx((15.0, 30.0, 60.0)), (9985, 9970, 9940))


def test_zones_active_are_frozen_and_close_what_was_passed() -> None:
    one, now = three_layers()
    leave(one, now + 1, 10000)
    one.on_fill(now + SEC, "take_profit", 50, 9980, 4, 0.0)
    assert one.ledger.realised[-1].reason == "inverse_tp"
    decision = leave(one, now + 10 * MINUTE, 9990)
    assert (decision.inverse_mode, decision.zone_price_ticks, decision.zone_shares) == ("active", (9980, 9960, 9920), (10, 20, 30))
    assert (decision.rest_price_ticks, decision.rest_lots) == (9980, 6)
    one.on_fill(now + 11 * MINUTE, "take_profit", 50, 9980, 8, 0.0)  # two beyond the share count for the next zone
    decision = leave(one, now + 11 * MINUTE, 9990)
    assert (decision.rest_price_ticks, decision.rest_lots) == (9960, 18)
    assert reason(book(one, now + 11 * MINUTE + 1, 10009)) == "inverse_mode"
    # A late entry fill joins the last zone.
    one.on_fill(now + 12 * MINUTE, "entry", 3, 10000, 5, 0.0)
    decision = leave(one, now + 12 * MINUTE, 9955)
    assert (decision.zone_shares, decision.reason, decision.target_lots) == ((10, 20, 35), "inverse_tp", 35)
    one.on_close_decided("inverse_tp", 35)
    one.on_fill(now + 13 * MINUTE, "close", 51, 9955, 18, 0.0)
    one.on_group_done(now + 13 * MINUTE, "close")
    decision = leave(one, now + 13 * MINUTE, 9955)
    assert (decision.reason, decision.rest_price_ticks, decision.rest_lots) == ("none", 9920, 35)
    assert leave(one, now + SEC + 1800 * SEC - 1, 9955).reason == "none"
    decision = leave(one, now + SEC + 1800 * SEC, 9955)
    assert (decision.reason, decision.target_lots) == ("inverse_tp_timeout", 0)


def test_zones_given_up_until_another_layer_opens() -> None:
    one, now = three_layers()
    leave(one, now + 1, 10000)
    one.on_fill(now + SEC, "take_profit", 50, 9980, 10, 0.0)
    assert leave(one, now + 2 * SEC, 10010).inverse_mode == "active"  # 10 bps is not more than 10
    decision = leave(one, now + 3 * SEC, 10011)
    assert (decision.inverse_mode, decision.rest_lots) == ("off", 50)
    assert leave(one, now + 4 * SEC, 10000).inverse_mode == "off"
    enter(one, now + 5 * SEC, 4, 10000, 5)
    decision = leave(one, now + 6 * SEC, 10000)
    assert (decision.inverse_mode, decision.zone_shares) == ("armed", (20, 30, 5))


def test_passed_zones_of_an_armed_grid_close_at_once() -> None:
    one, now = three_layers()
    decision = leave(one, now + 1, 9955)
    assert (decision.inverse_mode, decision.reason, decision.target_lots) == ("armed", "inverse_tp", 30)
    one.on_close_decided("inverse_tp", 30)
    one.on_fill(now + 2, "close", 50, 9955, 30, 0.0)
    one.on_group_done(now + 2, "close")
    decision = leave(one, now + 3, 9955)
    assert (decision.inverse_mode, decision.reason, decision.rest_lots) == ("active", "none", 30)


def test_what_survives_flat_and_what_does_not() -> None:
    now = warm(one := desk())
    enter(one, now, 1, 10000)
    one.ledger.layer_cooldown_until_ns = float(now + HOUR)
    one.on_fill(now + SEC, "take_profit", 2, 9980, 50, 0.0)
    assert one.ledger.layer_cooldown_until_ns == 0.0
    assert one.ledger.closes[0].reason == "tp_rest"
    assert reason(book(one, now + 8 * SEC, 9980)) == "close_cooldown"
    assert reason(book(one, now + 9 * SEC, 9980)) == "pass"
    # What a working entry still fills after flat is a position like any other, with one layer.
    one.on_fill(now + 10 * SEC, "entry", 1, 9980, 5, 0.0)
    assert one.ledger.position is not None and len(one.ledger.position.layers) == 1
    one.on_fill(now + 11 * SEC, "external", 3, 9980, 5, 0.0)
    assert one.ledger.closes[1].reason == "external" and one.state.is_entry_disabled
