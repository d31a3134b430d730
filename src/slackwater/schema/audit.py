"""What the machine writes down as it goes: rows of the run directory, and the commands of the current event.

`Out` holds fixed buffers. A driver empties them before they are full: `is_nearly_full` is set with room left for several events.
"""

from __future__ import annotations

from typing import Annotated

from slackwater.kernel.record import Record, Vec, f64, flag, i8, i32, i64, u8
from slackwater.schema.commands import Command

LOG_ROWS = 4096
LOG_MARGIN = 256  # one event never writes more rows of a kind than this
MAX_COMMANDS = 64


class OrderRow(Record):
    """A finished order."""

    order_id: i64
    group_id: i64
    price_ticks: i64
    lots: i64
    cum_lots: i64
    cost_ticklots: i64
    created_ns: i64
    ack_ns: i64
    final_ns: i64
    amend_count: i64
    amends_refused: i64
    slice_index: i64
    symbol: i32
    status: u8
    purpose: u8
    side: i8
    type: u8
    tif: u8
    reduce_only: flag
    reason: u8  # OrderReason


class OrderEventRow(Record):
    """One step of an order's history."""

    ts_ns: i64
    order_id: i64
    group_id: i64
    slice_index: i64
    price_ticks: i64
    lots: i64
    symbol: i32
    event: u8  # OrderEvent
    reason: u8  # OrderReason


class FillRow(Record):
    """One fill as we learned of it."""

    ts_ns: i64
    ts_venue_ns: i64  # of one that was learned the latest that it can have happened
    order_id: i64
    group_id: i64
    slice_index: i64
    trade_id: i64  # 0 of one that was learned
    price_ticks: f64  # not whole when it is the mean of fills that were learned at once
    reference_ask: f64  # what an exit's slippage is measured against; 0 for an entry
    lots: i64
    short_lots_after: i64
    avg_entry_after: f64
    fee_usd: f64
    queue_ahead_lots: i64
    symbol: i32
    side: i8
    cause: u8
    maker: flag
    arrived_unknown: flag


class CloseRow(Record):
    """Flat to flat."""

    open_ns: i64
    close_ns: i64
    layers: i64
    lots: i64
    notional_usd: f64
    avg_entry: f64
    avg_exit: f64
    gross_usd: f64
    fees_usd: f64
    funding_usd: f64
    net_usd: f64
    net_bps: f64
    debt_before_usd: f64
    debt_lapsed_usd: f64
    debt_after_usd: f64
    symbol: i32
    reason: u8  # ExitReason


class RealisationRow(Record):
    """The realised part of one exit fill."""

    ts_ns: i64
    lots: i64
    net_usd: f64
    debt_after_usd: f64
    symbol: i32
    reason: u8  # ExitReason


class EdgeRow(Record):
    """One evaluation of the edge gate, every term."""

    ts_ns: i64
    tp_target_bps: f64
    signal_strength: f64
    signal_bonus_bps: f64
    slippage_est_bps: f64
    expected_cost_bps: f64
    trend_penalty_bps: f64
    spread_risk_bps: f64
    expected_edge_bps: f64
    uncertainty_raw_bps: f64
    uncertainty_bps: f64
    edge_lcb_bps: f64
    required_edge_bps: f64
    projected_notional_usd: f64
    recovery_debt_usd: f64
    ret_2s_bps: f64
    spread_bps: f64
    median_spread_bps: f64
    pump_score: f64
    exhaust_score: f64
    symbol: i32
    context: u8
    edge_ok: flag


class DecisionRow(Record):
    """Why we did or did not trade, at each change of the reason and each shot."""

    ts_ns: i64
    layers: i64
    required_spacing_bps: f64
    rise_bps: f64
    base_spacing_bps: f64
    effective_growth: f64
    notional_usd: f64
    price: f64
    drift_mult: f64
    unrealised_bps: f64
    symbol: i32
    context: u8
    reason: u8  # Gate


class EquityRow(Record):
    """A symbol's account at a moment."""

    ts_ns: i64
    short_lots: i64
    unrealised_usd: f64
    realised_usd: f64
    fees_usd: f64
    funding_usd: f64
    equity_usd: f64
    debt_usd: f64
    symbol: i32


class Out(Record):
    """Commands of the current event and rows not yet written to files."""

    command_count: i64
    commands: Annotated[Vec[Command], MAX_COMMANDS]
    order_count: i64
    orders: Annotated[Vec[OrderRow], LOG_ROWS]
    order_event_count: i64
    order_events: Annotated[Vec[OrderEventRow], LOG_ROWS]
    fill_count: i64
    fills: Annotated[Vec[FillRow], LOG_ROWS]
    close_count: i64
    closes: Annotated[Vec[CloseRow], LOG_ROWS]
    realisation_count: i64
    realisations: Annotated[Vec[RealisationRow], LOG_ROWS]
    edge_count: i64
    edges: Annotated[Vec[EdgeRow], LOG_ROWS]
    decision_count: i64
    decisions: Annotated[Vec[DecisionRow], LOG_ROWS]
    equity_count: i64
    equities: Annotated[Vec[EquityRow], LOG_ROWS]
    is_nearly_full: flag
