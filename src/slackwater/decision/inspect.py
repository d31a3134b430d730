"""Every gate's value and threshold at one moment, from the functions that decide, without deciding anything.

`look_at_book` brings a copy of the state to where the machine stands when it asks the gates; `read_gates` then fills one row per
gate of the context in the order they are asked. A value and its threshold are in the unit people read: seconds, bps, usd, counts.
"""

from __future__ import annotations

from slackwater.decision.adapt import entry_cooldown_ns, fee_floor_bps, is_cooling, layer_gap_bps, max_layers, relieved_min_spread_bps
from slackwater.decision.averaging import MIN_DEBT_USD, adds_last_hour, extend_layer_cooldown, is_position_too_small, layer_lots
from slackwater.decision.caps import breaks_symbol_cap, committed_usd, sent_usd
from slackwater.decision.edge import evaluate
from slackwater.decision.entry import entry_lots, is_below_min, is_entry_disabled, is_rewarming
from slackwater.decision.exits import forced_exit, zone_exit
from slackwater.decision.geometry import required_spacing_bps
from slackwater.decision.inverse import follow, is_unwinding
from slackwater.kernel.jit import jit, jit_loop
from slackwater.kernel.record import Box, Record, f64, flag, u8
from slackwater.ledger.behaviour import refresh
from slackwater.ledger.booking import mark
from slackwater.ledger.pnl import cost_usd, rise_bps
from slackwater.ledger.recovery import debt_usd, raw_hurdle_bps
from slackwater.market.mids import ret_2s_bps, ret_30s_bps
from slackwater.market.signals import (
    WARM_BOOKS,
    WARM_TRADES,
    buy_ratio_2s,
    exhaust_score,
    is_warm,
    is_waterfall,
    on_book,
    pump_score,
    waterfall_score,
)
from slackwater.market.spreads import has_median_spread, median_spread_bps
from slackwater.schema.audit import EdgeRow
from slackwater.schema.enums import CloseStep, Context, ExitReason, Gate, InverseMode
from slackwater.schema.instrument import qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState
from slackwater.schema.units import BPS, SEC


class GateReading(Record):
    """One gate at one moment."""

    value: f64
    threshold: f64
    gate: u8  # Gate
    is_on: flag  # a gate that is switched off passes
    passes: flag
    is_of_position: flag  # value and threshold are of the position, not of the order


@jit_loop
def look_at_book(states: Box, symbol: int, params: Box, now_ns: int, quote: Box) -> None:
    """Take a book in and do what the machine does before it asks the gates. Works on the state it is given: give it a copy.

    Args:
        quote: one TapeRow, a valid book that reaches us at `now_ns`.
    """
    s = states[symbol]
    p = params[0]
    row = quote[0]
    on_book(s.market, s.ins, p.signals, now_ns, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots)
    refresh(s.behaviour, p, now_ns, fee_floor_bps(p))
    if s.ledger.short_lots > 0:
        mark(s)
        follow(s, p, now_ns)
        extend_layer_cooldown(s, p, now_ns)
        if s.close.step == CloseStep.IDLE and is_unwinding(s) and forced_exit(s, p, now_ns) == ExitReason.NONE:
            zone_exit(s, p, now_ns)  # an unwinding that is given up here no longer stands in the way of an add


@jit_loop
def read_gates(states: Box, symbol: int, params: Box, now_ns: int, readings: Box, edge_box: Box) -> int:
    """Fill a row for every gate of the context that applies, in order; returns how many.

    Args:
        readings: rows of GateReading, GATE_COUNT of them.
        edge_box: one EdgeRow; takes every term of the edge gate.
    """
    s = states[symbol]
    p = params[0]
    if s.ledger.short_lots > 0:
        return _read_averaging(states, s, p, now_ns, readings, edge_box[0])
    return _read_entry(states, s, p, now_ns, readings, edge_box[0])


@jit
def _put(readings: Box, n: int, gate: int, value: float, threshold: float, passes: bool) -> int:
    row = readings[n]
    row.gate = gate
    row.value = value
    row.threshold = threshold
    row.is_on = True
    row.passes = passes
    row.is_of_position = False
    return n + 1


@jit
def _put_optional(readings: Box, n: int, gate: int, value: float, threshold: float, is_on: bool, passes: bool) -> int:
    _put(readings, n, gate, value, threshold, passes or not is_on)
    readings[n].is_on = is_on
    return n + 1


@jit
def _left_sec(until_ns: int, now_ns: int) -> float:
    return max((until_ns - now_ns) / SEC, 0.0)


@jit
def _put_switches(s: SymbolState, p: Params, now_ns: int, readings: Box) -> int:
    n = 0
    off = is_entry_disabled(s, p)
    n = _put(readings, n, Gate.ENTRY_DISABLED.value, 1.0 if off else 0.0, 0.0, not off)
    since = (now_ns - s.risk.restored_ns) / SEC if s.risk.restored_ns > 0 else 0.0
    return _put_optional(readings, n, Gate.REWARM.value, since, p.rewarm_ns / SEC, s.risk.restored_ns > 0, not is_rewarming(s, p, now_ns))


@jit
def _put_pauses(s: SymbolState, now_ns: int, readings: Box, n: int) -> int:
    left = _left_sec(s.risk.cooldown_until_ns, now_ns)
    n = _put(readings, n, Gate.CLOSE_COOLDOWN.value, left, 0.0, now_ns >= s.risk.cooldown_until_ns)
    left = _left_sec(s.risk.breaker_until_ns, now_ns)
    return _put(readings, n, Gate.BREAKER.value, left, 0.0, now_ns >= s.risk.breaker_until_ns)


@jit
def _put_entry_cooldown(s: SymbolState, p: Params, now_ns: int, readings: Box, n: int) -> int:
    last_ns = max(s.ledger.last_entry_placed_ns, s.ledger.last_entry_fill_ns)
    needed = entry_cooldown_ns(s, p) / SEC
    if last_ns == 0:
        return _put_optional(readings, n, Gate.ENTRY_COOLDOWN.value, 0.0, needed, False, True)
    return _put(readings, n, Gate.ENTRY_COOLDOWN.value, (now_ns - last_ns) / SEC, needed, not is_cooling(s, p, now_ns))


@jit
def _put_size(s: SymbolState, p: Params, lots: int, readings: Box, n: int) -> int:
    """The minimum and the symbol's cap; both contexts ask them one after the other."""
    m = s.market
    notional = m.ask * qty_of(s.ins, lots)
    small = is_below_min(s.ins, lots, m.ask)
    if not small and is_position_too_small(s, p):
        n = _put(readings, n, Gate.BELOW_MIN.value, cost_usd(s.ledger, s.ins), s.ins.min_notional_usd, False)
        readings[n - 1].is_of_position = True
    else:
        least = max(s.ins.min_notional_usd, m.ask * qty_of(s.ins, s.ins.min_lots))
        n = _put(readings, n, Gate.BELOW_MIN.value, notional, least, not small)
    sent = sent_usd(s, p, lots)
    total = committed_usd(s) + sent
    cap = p.max_symbol_notional_usd
    return _put_optional(readings, n, Gate.SYMBOL_CAP.value, total, cap, cap > 0.0, not breaks_symbol_cap(s, p, sent))


@jit
def _put_edge(s: SymbolState, p: Params, now_ns: int, projected_usd: float, readings: Box, n: int, edge: EdgeRow) -> int:
    evaluate(s, p, now_ns, projected_usd, edge)
    return _put(readings, n, Gate.EDGE.value, edge.edge_lcb_bps, edge.required_edge_bps, edge.edge_ok)


@jit
def _put_portfolio(states: Box, p: Params, notional_usd: float, readings: Box, n: int) -> int:
    total = notional_usd
    for k in range(len(states)):
        total += committed_usd(states[k])
    cap = p.max_total_notional_usd
    return _put_optional(readings, n, Gate.PORTFOLIO_CAP.value, total, cap, cap > 0.0, cap <= 0.0 or total <= cap)


@jit
def _read_entry(states: Box, s: SymbolState, p: Params, now_ns: int, readings: Box, edge: EdgeRow) -> int:
    m = s.market
    n = _put_switches(s, p, now_ns, readings)
    age = (now_ns - m.first_ns) / SEC
    n = _put(readings, n, Gate.WARMUP.value, age, p.warmup_ns / SEC, now_ns - m.first_ns >= p.warmup_ns)
    n = _put_pauses(s, now_ns, readings, n)
    n = _put(readings, n, Gate.NO_MEDIAN_SPREAD.value, median_spread_bps(m), 0.0, has_median_spread(m))
    n = _put_entry_cooldown(s, p, now_ns, readings, n)
    most = p.waterfall_vol_threshold
    falls = is_waterfall(m, p.signals, now_ns, most)
    n = _put(readings, n, Gate.WATERFALL.value, waterfall_score(m, p.signals, now_ns), most, not falls)
    n = _read_signals(s, p, readings, n)
    lots = entry_lots(s, p, now_ns)
    n = _put_size(s, p, lots, readings, n)
    notional = m.ask * qty_of(s.ins, lots)
    n = _put_edge(s, p, now_ns, notional, readings, n, edge)
    edge.context = Context.ENTRY.value
    return _put_portfolio(states, p, sent_usd(s, p, lots), readings, n)


@jit
def _read_signals(s: SymbolState, p: Params, readings: Box, n: int) -> int:
    m = s.market
    if m.n_trades > WARM_TRADES:
        n = _put(readings, n, Gate.NOT_WARM.value, float(m.n_books), float(WARM_BOOKS), is_warm(m))
    else:
        n = _put(readings, n, Gate.NOT_WARM.value, float(m.n_trades), float(WARM_TRADES), is_warm(m))
    n = _put(readings, n, Gate.SPREAD_LOW.value, m.spread_bps, p.min_spread_bps, m.spread_bps >= p.min_spread_bps)
    n = _put(readings, n, Gate.SPREAD_HIGH.value, m.spread_bps, p.max_spread_bps, m.spread_bps <= p.max_spread_bps)
    pump = pump_score(m, p.signals)
    n = _put(readings, n, Gate.PUMP.value, pump, p.pump_threshold, pump > p.pump_threshold)
    exhaust = exhaust_score(m, p.signals)
    n = _put(readings, n, Gate.EXHAUST.value, exhaust, p.exhaust_threshold, exhaust > p.exhaust_threshold)
    ret = ret_2s_bps(m)
    n = _put(readings, n, Gate.TREND_2S.value, ret, p.max_trend_bps, ret <= p.max_trend_bps)
    ret = abs(ret_30s_bps(m))
    most = p.max_trend_30s_bps
    n = _put_optional(readings, n, Gate.TREND_30S.value, ret, most, most > 0.0, ret <= most)
    ratio = buy_ratio_2s(m)
    return _put_optional(readings, n, Gate.BUY_RATIO.value, ratio, p.max_buy_ratio, p.max_buy_ratio < 1.0, ratio <= p.max_buy_ratio)


@jit
def _read_averaging(states: Box, s: SymbolState, p: Params, now_ns: int, readings: Box, edge: EdgeRow) -> int:
    m = s.market
    n = _put_switches(s, p, now_ns, readings)
    active = s.inverse.mode == InverseMode.ACTIVE
    n = _put_optional(readings, n, Gate.INVERSE_MODE.value, 1.0 if active else 0.0, 0.0, p.inverse_enabled, not active)
    most = max_layers(s, p)
    n = _put(readings, n, Gate.MAX_LAYERS.value, float(s.ledger.layers_opened), float(most), s.ledger.layers_opened < most)
    n = _put_pauses(s, now_ns, readings, n)
    until_ns = s.risk.layer_cooldown_until_ns
    n = _put(readings, n, Gate.LAYER_COOLDOWN.value, _left_sec(until_ns, now_ns), 0.0, now_ns >= until_ns)
    n = _put_entry_cooldown(s, p, now_ns, readings, n)
    rise = rise_bps(s.ledger, m.ask)
    required = required_spacing_bps(s, p, rise)
    n = _put(readings, n, Gate.SPACING.value, rise, required, rise >= required)
    least = relieved_min_spread_bps(p, -rise)
    n = _put(readings, n, Gate.SPREAD_LOW.value, m.spread_bps, least, m.spread_bps >= least)
    last = s.ledger.last_entry_price
    away = abs(m.ask - last) / last * BPS
    gap = layer_gap_bps(s, p)
    n = _put(readings, n, Gate.BURST.value, away, gap, away >= gap)
    lots = layer_lots(s, p)
    n = _put_size(s, p, lots, readings, n)
    notional = m.ask * qty_of(s.ins, lots)
    n = _read_recovery(s, p, now_ns, notional, readings, n)
    n = _put_edge(s, p, now_ns, cost_usd(s.ledger, s.ins) + notional, readings, n, edge)
    edge.context = Context.AVERAGE.value
    return _put_portfolio(states, p, sent_usd(s, p, lots), readings, n)


@jit
def _read_recovery(s: SymbolState, p: Params, now_ns: int, notional_usd: float, readings: Box, n: int) -> int:
    led = s.ledger
    unrealised = -rise_bps(led, s.market.ask)
    least = -p.avg_min_unrealized_bps
    n = _put_optional(readings, n, Gate.RECOVERY_DRAWDOWN.value, unrealised, least, p.avg_enabled, unrealised <= least)
    since_ns = now_ns - led.last_add_ns if led.last_add_ns > 0 else 0
    is_on = p.avg_enabled and p.avg_cooldown_ns > 0 and led.last_add_ns > 0
    rested = since_ns >= p.avg_cooldown_ns
    n = _put_optional(readings, n, Gate.RECOVERY_COOLDOWN.value, since_ns / SEC, p.avg_cooldown_ns / SEC, is_on, rested)
    adds = adds_last_hour(s, now_ns)
    most = p.avg_max_adds_per_hour
    n = _put_optional(readings, n, Gate.RECOVERY_HOURLY.value, float(adds), float(most), p.avg_enabled and most > 0, adds < most)
    debt = debt_usd(s.recovery, p, now_ns)
    cost = cost_usd(led, s.ins)
    improved = raw_hurdle_bps(p, debt, cost) - raw_hurdle_bps(p, debt, cost + notional_usd)
    is_on = p.avg_enabled and p.recovery_enabled and debt > MIN_DEBT_USD
    least = p.avg_min_hurdle_improve_bps
    return _put_optional(readings, n, Gate.RECOVERY_HURDLE.value, improved, least, is_on, improved >= least)
