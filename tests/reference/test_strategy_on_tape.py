"""The reference trading a real tape against a naive venue: its accounts must add up, whatever it decides."""

from __future__ import annotations

import pytest

from tests.reference.decisions import Exit
from tests.reference.naive_venue import NaiveVenue
from tests.reference.settings import MINUTE, Settings
from tests.reference.signals import ReferenceMarket
from tests.reference.strategy import ReferenceStrategy
from tests.reference.tapes import SHARED, events

BOOKS = 12_000
# Gates wide open, a short time limit and deep grids: many closes of every kind on one tape.
OPEN = Settings(
    tick_den=100,
    lot_den=100_000_000,
    min_spread_bps=2.0,
    pump_threshold=-0.5,
    exhaust_threshold=-0.5,
    max_trend_30s_bps=0.0,
    waterfall_vol_threshold=1e9,
    base_spacing_bps=8.0,
    spacing_growth=1.2,
    avg_min_unrealized_bps=5.0,
    avg_cooldown_ns=0,
    avg_max_adds_per_hour=0,
    max_layers=6,
    max_age_ns=15 * MINUTE,
    paydown_ratio=0.002,
    signal_slope_bps=20.0,
    max_loss_bps=1000.0,
    debt_cap_usd=1.0,
    debt_lookback_ns=30 * MINUTE,
)


def check_exit(decision: Exit, ask_ticks: int, held_lots: int) -> None:
    """What holds of every exit decision."""
    assert 0 <= decision.target_lots < held_lots
    assert decision.rest_price_ticks < ask_ticks
    assert 0 < decision.rest_lots <= held_lots
    if decision.inverse_mode == "armed":
        assert sum(decision.zone_shares) == held_lots
        assert list(decision.zones_bps) == sorted(set(decision.zones_bps))


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the shared data is not beside the project")
def test_accounts_add_up_over_a_real_tape() -> None:
    one = ReferenceStrategy(OPEN, ReferenceMarket(OPEN))
    venue = NaiveVenue(one)
    modes = set()
    book_count = 0
    for event in events("gemini_spot_20210702__ETHUSD", OPEN):
        if event.ask_ticks is None:
            one.on_trade(event.ns, event.bid_ticks, event.bid_lots, event.buyer_maker)
            continue
        venue.before_book(event.ns, event.ask_ticks)
        decision = one.on_book(event.ns, event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots)
        if decision is None:
            continue
        venue.after_book(decision)
        if decision.exit is not None and one.ledger.position is not None:
            modes.add(decision.exit.inverse_mode)
            check_exit(decision.exit, event.ask_ticks, one.ledger.position.held_lots)
        book_count += 1
        if book_count == BOOKS:
            break
    ledger = one.ledger
    closes = ledger.closes
    assert len(closes) > 30 and max(c.layers for c in closes) >= 3
    assert {"tp_rest", "inverse_tp", "timeout"} <= {c.reason for c in closes}
    assert modes == {"none", "armed", "active", "off"}
    for close in closes:
        parts = [r for r in ledger.realised if close.open_ns <= r.ts_ns <= close.close_ns]
        assert sum(r.net_usd for r in parts) == pytest.approx(close.net_usd, abs=1e-9)
        assert sum(r.qty for r in parts) == pytest.approx(close.qty)
        assert close.gross_usd == pytest.approx((close.avg_entry - close.avg_exit) * close.qty, abs=1e-9)
        assert parts[-1].reason == close.reason
        losses = sum(-r.net_usd for r in parts if r.net_usd < 0)
        paid = close.debt_before_usd + losses - close.debt_lapsed_usd - close.debt_after_usd
        assert -1e-9 <= paid <= sum(r.net_usd for r in parts if r.net_usd > 0) + 1e-9
    assert ledger.realised_usd == pytest.approx(sum(r.net_usd for r in ledger.realised))
    assert ledger.debt.lapsed_usd > 0.0
