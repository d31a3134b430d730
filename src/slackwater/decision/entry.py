"""Entry: the gates between a flat symbol and its first layer, in order; the first that fails is the reason."""

from __future__ import annotations

from slackwater.decision.adapt import is_cooling
from slackwater.decision.caps import breaks_portfolio_cap, breaks_symbol_cap, sent_usd
from slackwater.decision.edge import has_sufficient_edge
from slackwater.decision.geometry import entry_notional_usd
from slackwater.kernel.jit import jit, jit_inline
from slackwater.market.mids import ret_2s_bps, ret_30s_bps
from slackwater.market.signals import buy_ratio_2s, exhaust_score, is_warm, is_waterfall, pump_score
from slackwater.market.spreads import has_median_spread
from slackwater.schema.audit import Out
from slackwater.schema.enums import Context, Gate
from slackwater.schema.instrument import Instrument, floor_lots, qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import Portfolio, SymbolState


@jit_inline
def is_entry_disabled(s: SymbolState, p: Params) -> bool:
    """Whether entries and adds are off until somebody switches them on."""
    return s.risk.drawdown_halt_ns > 0 or s.risk.is_halted or s.risk.is_shutdown or p.recovery_only


@jit_inline
def is_rewarming(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether a restored session still only looks."""
    return s.risk.restored_ns > 0 and now_ns - s.risk.restored_ns < p.rewarm_ns


@jit
def is_below_min(ins: Instrument, lots: int, price: float) -> bool:
    """Whether the venue would refuse an order as too small."""
    return lots < ins.min_lots or lots <= 0 or price * qty_of(ins, lots) < ins.min_notional_usd


@jit
def entry_lots(s: SymbolState, p: Params, now_ns: int) -> int:
    """Lots of a first entry at the ask."""
    return floor_lots(s.ins, entry_notional_usd(s, p, now_ns) / s.market.ask)


@jit_inline
def entry_gate(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> int:
    """The first gate that stops a first entry now; PASS when none does."""
    state_gate = _may_enter(s, p, now_ns)
    if state_gate != Gate.PASS:
        return state_gate
    signal_gate = _signals_say(s, p)
    if signal_gate != Gate.PASS:
        return signal_gate
    return _affordable(portfolio, s, p, out, now_ns)


@jit_inline
def _may_enter(s: SymbolState, p: Params, now_ns: int) -> int:
    m = s.market
    if is_entry_disabled(s, p):
        return Gate.ENTRY_DISABLED.value
    if is_rewarming(s, p, now_ns):
        return Gate.REWARM.value
    if now_ns - m.first_ns < p.warmup_ns:
        return Gate.WARMUP.value
    if now_ns < s.risk.cooldown_until_ns:
        return Gate.CLOSE_COOLDOWN.value
    if now_ns < s.risk.breaker_until_ns:
        return Gate.BREAKER.value
    if not has_median_spread(m):
        return Gate.NO_MEDIAN_SPREAD.value
    if is_cooling(s, p, now_ns):
        return Gate.ENTRY_COOLDOWN.value
    if is_waterfall(m, p.signals, now_ns, p.waterfall_vol_threshold):
        return Gate.WATERFALL.value
    return Gate.PASS.value


@jit_inline
def _signals_say(s: SymbolState, p: Params) -> int:
    m = s.market
    if not is_warm(m):
        return Gate.NOT_WARM.value
    if m.spread_bps < p.min_spread_bps:
        return Gate.SPREAD_LOW.value
    if m.spread_bps > p.max_spread_bps:
        return Gate.SPREAD_HIGH.value
    if pump_score(m, p.signals) <= p.pump_threshold:
        return Gate.PUMP.value
    if exhaust_score(m, p.signals) <= p.exhaust_threshold:
        return Gate.EXHAUST.value
    if ret_2s_bps(m) > p.max_trend_bps:
        return Gate.TREND_2S.value
    if p.max_trend_30s_bps > 0.0 and abs(ret_30s_bps(m)) > p.max_trend_30s_bps:
        return Gate.TREND_30S.value
    if p.max_buy_ratio < 1.0 and buy_ratio_2s(m) > p.max_buy_ratio:
        return Gate.BUY_RATIO.value
    return Gate.PASS.value


@jit
def _affordable(portfolio: Portfolio, s: SymbolState, p: Params, out: Out, now_ns: int) -> int:
    lots = entry_lots(s, p, now_ns)
    if is_below_min(s.ins, lots, s.market.ask):
        return Gate.BELOW_MIN.value
    notional = s.market.ask * qty_of(s.ins, lots)
    if breaks_symbol_cap(s, p, sent_usd(s, p, lots)):
        return Gate.SYMBOL_CAP.value
    if not has_sufficient_edge(s, p, out, now_ns, Context.ENTRY.value, notional):
        return Gate.EDGE.value
    if breaks_portfolio_cap(portfolio, p, sent_usd(s, p, lots)):
        return Gate.PORTFOLIO_CAP.value
    return Gate.PASS.value
