"""Targets, spacing, debt and result of a position at one moment, from the functions that decide."""

from __future__ import annotations

from slackwater.decision.adapt import min_fast_tp_bps, min_tp_profit_bps
from slackwater.decision.edge import tp_target_bps
from slackwater.decision.exits import resting_lots, resting_price_ticks
from slackwater.decision.geometry import base_spacing_bps, effective_growth, entry_notional_usd, layer_notional_usd, required_spacing_bps
from slackwater.decision.targets import decay, exit_hurdle_bps, fresh_target_bps, rest_bps
from slackwater.kernel.jit import jit_loop
from slackwater.kernel.record import Box, Record, f64, i64
from slackwater.ledger.pnl import cost_usd, net_bps, rise_bps, unrealised_usd
from slackwater.ledger.recovery import debt_usd
from slackwater.market.volatility_regime import drift_mult, tail_ratio


class TargetReading(Record):
    """What the strategy aims at. The second part is of an open position and 0 when flat."""

    fresh_target_bps: f64  # take-profit distance of a position just opened
    forecast_target_bps: f64  # what the edge gate counts on
    min_tp_profit_bps: f64
    min_fast_tp_bps: f64
    base_spacing_bps: f64
    effective_growth: f64
    drift_mult: f64
    tail_ratio: f64
    debt_usd: f64
    next_notional_usd: f64  # of the next entry or layer
    decay: f64  # share of the target left at the position's age
    rest_bps: f64
    rest_ticks: i64  # where the take-profit should rest
    rest_lots: i64
    exit_hurdle_bps: f64
    required_spacing_bps: f64
    rise_bps: f64
    net_bps: f64  # of leaving at the ask now, after fees
    unrealised_usd: f64
    cost_usd: f64


@jit_loop
def read_targets(states: Box, symbol: int, params: Box, now_ns: int, box: Box) -> None:
    """Fill one TargetReading for a symbol that has seen a book."""
    s = states[symbol]
    p = params[0]
    row = box[0]
    row.fresh_target_bps = fresh_target_bps(s, p)
    row.forecast_target_bps = tp_target_bps(s, p)
    row.min_tp_profit_bps = min_tp_profit_bps(s, p)
    row.min_fast_tp_bps = min_fast_tp_bps(s, p)
    row.base_spacing_bps = base_spacing_bps(s, p)
    row.effective_growth = effective_growth(s, p)
    row.drift_mult = drift_mult(s.market, p.signals)
    row.tail_ratio = tail_ratio(s.market, p.signals)
    row.debt_usd = debt_usd(s.recovery, p, now_ns)
    if s.ledger.short_lots == 0:
        row.next_notional_usd = entry_notional_usd(s, p, now_ns)
        return
    row.next_notional_usd = layer_notional_usd(s, p)
    row.decay = decay(s, p, now_ns)
    row.rest_bps = rest_bps(s, p, now_ns)
    row.rest_ticks = resting_price_ticks(s, p, now_ns)
    row.rest_lots = resting_lots(s)
    row.exit_hurdle_bps = exit_hurdle_bps(s, p, now_ns)
    rise = rise_bps(s.ledger, s.market.ask)
    row.rise_bps = rise
    row.required_spacing_bps = required_spacing_bps(s, p, rise)
    row.net_bps = net_bps(s.ledger, s.ins, s.market.ask, p.taker_fee)
    row.unrealised_usd = unrealised_usd(s.ledger, s.ins, s.market.ask)
    row.cost_usd = cost_usd(s.ledger, s.ins)
