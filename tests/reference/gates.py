"""Entries and adds: behaviour, the gates in their order, and the edge. The first gate that fails is the reason."""

from __future__ import annotations

from tests.reference import formulas as f
from tests.reference.decisions import Behaviour, Edge, Shot, State
from tests.reference.ledger import LOSS_REASONS
from tests.reference.settings import HOUR
from tests.reference.signals import Row


def behaviour_of(st: State, now: int, row: Row) -> Behaviour:
    """Section 6, over the samples as they are now."""
    s, ledger = st.settings, st.ledger
    samples = ledger.samples(now)
    dup = f.share([g.is_duplicate for g in ledger.sample_groups(now)])
    near = f.share([f.is_near_zero(c.net_bps, s) for c in samples])
    loss = f.share([c.reason in LOSS_REASONS for c in samples])
    knife = f.knife_factor([c.bid for c in samples])
    unrealised = -f.rise(ledger.ask, ledger.position.avg_entry) if ledger.position else 0.0
    return Behaviour(
        dup=dup,
        near=near,
        loss=loss,
        entry_cooldown_sec=f.entry_cooldown_sec(dup, near, row["drift_mult"], knife, s),
        layer_gap_bps=f.layer_gap(row["median_spread_bps"], dup, s),
        max_layers=f.max_layers([c.net_bps for c in samples if c.layers >= 3], s),
        min_tp_profit_bps=f.min_tp_profit(near, loss, s),
        min_fast_tp_bps=f.min_fast_tp(near, s),
        spread_relief_bps=f.spread_relief(unrealised, s),
    )


def is_cooling(st: State, now: int, behaviour: Behaviour) -> bool:
    return st.entry_last_ns is not None and now - st.entry_last_ns < behaviour.entry_cooldown_sec * 1e9


def is_rewarming(st: State, now: int) -> bool:
    return st.restored_ns is not None and now - st.restored_ns < st.settings.rewarm_ns


def is_disabled(st: State) -> bool:
    return st.is_entry_disabled or st.settings.recovery_only


def is_below_minimum(st: State, lots: int) -> bool:
    value = lots * st.settings.lot_num / st.settings.lot_den * st.ledger.ask
    return lots < st.settings.min_lots or value < st.settings.venue_min_notional_usd


def order_value(st: State, lots: int) -> float:
    return st.ledger.quantity(lots) * st.ledger.ask


def breaks_symbol_cap(st: State, lots: int) -> bool:
    cap = st.settings.max_symbol_notional_usd
    return cap > 0.0 and st.ledger.cost_usd + order_value(st, lots) > cap


def breaks_portfolio_cap(st: State, lots: int) -> bool:
    total = st.other_exposure_usd + st.ledger.cost_usd + order_value(st, lots)
    return total > st.settings.max_total_notional_usd


def entry(st: State, now: int, row: Row, behaviour: Behaviour) -> tuple[Shot, Edge | None]:
    """Section 3: flat, nothing working."""
    s = st.settings
    notional = f.entry_notional(row["spread_bps"], row["signal_strength"], row["rv_1s_bps"], s)
    lots = f.order_lots(notional, st.ledger.ask, s)
    reason = signal_reason(st, now, row, behaviour)
    edge: Edge | None = None
    if reason == "pass":
        reason, edge = order_reason(st, now, row, "entry", lots)
    shot = Shot(
        context="entry",
        reason=reason,
        layers=0,
        notional_usd=notional,
        price=st.ledger.ask,
        price_ticks=st.ask_ticks,
        lots=lots,
        drift_mult=row["drift_mult"],
    )
    return shot, edge


def signal_reason(st: State, now: int, row: Row, behaviour: Behaviour) -> str:
    """The entry gates before the order is looked at."""
    s = st.settings
    assert st.first_ns is not None
    gates = (
        ("entry_disabled", is_disabled(st)),
        ("rewarm", is_rewarming(st, now)),
        ("warmup", now - st.first_ns < s.warmup_ns),
        ("close_cooldown", now < st.ledger.cooldown_until_ns),
        ("breaker", now < st.ledger.breaker_until_ns),
        ("no_median_spread", row["median_spread_bps"] == 0.0),
        ("entry_cooldown", is_cooling(st, now, behaviour)),
        ("waterfall", row["waterfall"] > s.waterfall_vol_threshold),
        ("not_warm", not row["warm"]),
        ("spread_low", row["spread_bps"] < s.min_spread_bps),
        ("spread_high", row["spread_bps"] > s.max_spread_bps),
        ("pump", row["pump_score"] <= s.pump_threshold),
        ("exhaust", row["exhaust_score"] <= s.exhaust_threshold),
        ("trend_2s", row["ret_2s_bps"] > s.max_trend_bps),
        ("trend_30s", s.max_trend_30s_bps > 0.0 and abs(row["ret_30s_bps"]) > s.max_trend_30s_bps),
        ("buy_ratio", s.max_buy_ratio < 1.0 and row["buy_ratio_2s"] > s.max_buy_ratio),
    )
    return next((name for name, fails in gates if fails), "pass")


def order_reason(st: State, now: int, row: Row, context: str, lots: int) -> tuple[str, Edge | None]:
    """The gates that look at the order: minimums, caps, recovery guard, edge."""
    if is_below_minimum(st, lots) or (context == "average" and is_position_too_small(st)):
        return "below_min", None
    if breaks_symbol_cap(st, lots):
        return "symbol_cap", None
    if context == "average" and (reason := recovery_reason(st, now, lots)) != "pass":
        return reason, None
    edge = edge_terms(st, now, row, st.ledger.cost_usd + order_value(st, lots))
    if not edge["edge_ok"]:
        return "edge", edge
    return ("portfolio_cap" if breaks_portfolio_cap(st, lots) else "pass"), edge


def is_position_too_small(st: State) -> bool:
    return st.settings.avg_enabled and st.ledger.cost_usd < st.settings.venue_min_notional_usd


def recovery_reason(st: State, now: int, lots: int) -> str:
    """The recovery guard of adds."""
    s, ledger = st.settings, st.ledger
    position = ledger.position
    if position is None or not s.avg_enabled:
        return "pass"
    debt = ledger.debt.read(now)
    before = f.raw_hurdle(debt, ledger.cost_usd, s)
    after = f.raw_hurdle(debt, ledger.cost_usd + order_value(st, lots), s)
    last = position.last_add_ns
    adds = sum(now - ns <= HOUR for ns in ledger.add_times)
    gates = (
        ("recovery_drawdown", -f.rise(ledger.ask, position.avg_entry) > -s.avg_min_unrealized_bps),
        ("recovery_cooldown", last is not None and now - last < s.avg_cooldown_ns),
        ("recovery_hourly", 0 < s.avg_max_adds_per_hour <= adds),
        ("recovery_hurdle", s.recovery_enabled and debt > 0.10 and before - after < s.avg_min_hurdle_improve_bps),
    )
    return next((name for name, fails in gates if fails), "pass")


def average(st: State, now: int, row: Row, behaviour: Behaviour) -> tuple[Shot, Edge | None]:
    """Section 4: a position is open, no entry or close works."""
    s, ledger = st.settings, st.ledger
    position = ledger.position
    assert position is not None
    layers = len(position.layers)
    spacing = f.base_spacing(row["median_spread_bps"], row["blended_bps"], s)
    growth = f.effective_growth(row["drift_mult"], s)
    rise = f.rise(ledger.ask, position.avg_entry)
    required = f.required_spacing(spacing, growth, layers, behaviour.layer_gap_bps, rise, s)
    notional = f.layer_notional(row["spread_bps"], layers, s)
    lots = f.order_lots(notional, ledger.ask, s)
    gates = (
        ("entry_disabled", is_disabled(st)),
        ("rewarm", is_rewarming(st, now)),
        ("inverse_mode", st.inverse.mode == "active"),
        ("max_layers", layers >= behaviour.max_layers),
        ("close_cooldown", now < ledger.cooldown_until_ns),
        ("breaker", now < ledger.breaker_until_ns),
        ("layer_cooldown", now < ledger.layer_cooldown_until_ns),
        ("entry_cooldown", is_cooling(st, now, behaviour)),
        ("spacing", rise < required),
        ("spread_low", row["spread_bps"] < behaviour.spread_relief_bps),
        ("burst", abs(f.rise(ledger.ask, position.layers[-1].price)) < behaviour.layer_gap_bps),
    )
    reason = next((name for name, fails in gates if fails), "pass")
    edge: Edge | None = None
    if reason == "pass":
        reason, edge = order_reason(st, now, row, "average", lots)
    shot = Shot(
        context="average",
        reason=reason,
        layers=layers,
        required_spacing_bps=required,
        rise_bps=rise,
        base_spacing_bps=spacing,
        effective_growth=growth,
        notional_usd=notional,
        price=ledger.ask,
        price_ticks=st.ask_ticks,
        lots=lots,
        drift_mult=row["drift_mult"],
        unrealised_bps=-rise,
    )
    return shot, edge


def edge_terms(st: State, now: int, row: Row, projected_usd: float) -> Edge:
    """Every term of the edge gate, under the names of `edge.parquet`; `edge_ok` is its answer."""
    s, ledger = st.settings, st.ledger
    samples = ledger.samples(now)
    debt = ledger.debt.read(now)
    fees = f.fee_floor_bps(s)
    tp_target = max(f.fresh_target(row["median_spread_bps"], row["live_bps"], s), s.min_tp_profit_bps, 1.1 * fees)
    slippage = f.slippage_estimate([c.exit_slippage_bps for c in samples], s)
    cost = fees + slippage + s.exec_buffer_bps
    threshold = max((s.pump_threshold + s.exhaust_threshold) / 2.0, 0.1)
    bonus = max(row["signal_strength"] - threshold, 0.0) * s.signal_slope_bps
    trend = max(row["ret_2s_bps"], 0.0) * s.trend_weight
    risk = max(row["spread_bps"] - row["median_spread_bps"], 0.0) * s.spread_weight
    expected = tp_target + bonus - cost - trend - risk
    raw = f.raw_uncertainty([c.net_bps for c in samples], s)
    required = max(s.min_edge_bps, f.hurdle(debt, projected_usd, s))
    bound = f.lcb(expected, raw, s)
    return {
        "tp_target_bps": tp_target,
        "signal_strength": row["signal_strength"],
        "signal_bonus_bps": bonus,
        "slippage_est_bps": slippage,
        "expected_cost_bps": cost,
        "trend_penalty_bps": trend,
        "spread_risk_bps": risk,
        "expected_edge_bps": expected,
        "uncertainty_raw_bps": raw,
        "uncertainty_bps": f.uncertainty(raw, expected, s),
        "edge_lcb_bps": bound,
        "required_edge_bps": required,
        "edge_ok": bound >= required,
        "projected_notional_usd": projected_usd,
        "recovery_debt_usd": debt,
        **{k: row[k] for k in ("ret_2s_bps", "spread_bps", "median_spread_bps", "pump_score", "exhaust_score")},
    }
