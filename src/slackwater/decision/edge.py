"""The edge gate: what a trade should earn, less what it costs, less how sure we are, against what is asked. Every term is journaled."""

from __future__ import annotations

from slackwater.decision.adapt import fee_floor_bps
from slackwater.decision.targets import fresh_target_bps
from slackwater.kernel.jit import jit
from slackwater.ledger.behaviour import refresh
from slackwater.ledger.recovery import debt_usd, hurdle_bps
from slackwater.market.mids import ret_2s_bps
from slackwater.market.signals import exhaust_score, pump_score
from slackwater.market.spreads import median_spread_bps
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, EdgeRow, Out
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState

MIN_THRESHOLD = 0.1
MIN_TARGET_FEES = 1.1  # a target below the fees is none


@jit
def tp_target_bps(s: SymbolState, p: Params) -> float:
    """The forecast gross profit. Without the behaviour terms: a bad record must not raise the forecast."""
    return max(fresh_target_bps(s, p), p.min_tp_profit_bps, MIN_TARGET_FEES * fee_floor_bps(p))


@jit
def has_sufficient_edge(s: SymbolState, p: Params, out: Out, now_ns: int, context: int, notional_usd: float) -> bool:
    """Whether the lower confidence bound of the edge clears what is asked of the projected notional; logs the evaluation.

    Args:
        notional_usd: what the position would cost with this order.
    """
    row = out.edges[out.edge_count]
    evaluate(s, p, now_ns, notional_usd, row)
    row.context = context
    out.edge_count += 1
    if out.edge_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
    return row.edge_ok


@jit
def evaluate(s: SymbolState, p: Params, now_ns: int, notional_usd: float, row: EdgeRow) -> None:
    """Fill a row with every term of the gate as of now."""
    m = s.market
    refresh(s.behaviour, p, now_ns, fee_floor_bps(p))
    row.ts_ns = now_ns
    row.symbol = s.symbol
    row.ret_2s_bps = ret_2s_bps(m)
    row.spread_bps = m.spread_bps
    row.median_spread_bps = median_spread_bps(m)
    row.pump_score = pump_score(m, p.signals)
    row.exhaust_score = exhaust_score(m, p.signals)
    row.signal_strength = 0.5 * row.pump_score + 0.5 * row.exhaust_score
    row.projected_notional_usd = notional_usd
    row.recovery_debt_usd = debt_usd(s.recovery, p, now_ns)
    threshold = max((p.pump_threshold + p.exhaust_threshold) / 2.0, MIN_THRESHOLD)
    row.tp_target_bps = tp_target_bps(s, p)
    row.signal_bonus_bps = max(row.signal_strength - threshold, 0.0) * p.signal_slope_bps
    row.slippage_est_bps = s.behaviour.slippage_est_bps
    row.expected_cost_bps = fee_floor_bps(p) + row.slippage_est_bps + p.exec_buffer_bps
    row.trend_penalty_bps = max(row.ret_2s_bps, 0.0) * p.trend_weight
    row.spread_risk_bps = max(m.spread_bps - median_spread_bps(m), 0.0) * p.spread_weight
    expected = row.tp_target_bps + row.signal_bonus_bps - row.expected_cost_bps - row.trend_penalty_bps - row.spread_risk_bps
    row.expected_edge_bps = expected
    row.uncertainty_raw_bps = uncertainty_raw_bps(s, p)
    row.uncertainty_bps = min(row.uncertainty_raw_bps, p.uncertainty_cap_frac * expected) if expected > 0.0 else row.uncertainty_raw_bps
    row.edge_lcb_bps = expected - row.uncertainty_bps
    row.required_edge_bps = max(p.min_edge_bps, hurdle_bps(p, row.recovery_debt_usd, notional_usd))
    row.edge_ok = row.edge_lcb_bps >= row.required_edge_bps


@jit
def uncertainty_raw_bps(s: SymbolState, p: Params) -> float:
    """How much the closes scatter; the execution buffer while there are too few to say."""
    if s.behaviour.sample_count < p.min_samples:
        return p.exec_buffer_bps
    return min(p.uncertainty_z * s.behaviour.net_std_bps, p.uncertainty_max_bps)
