"""Caps: how much a symbol and the whole portfolio may hold or be about to hold. They block, they never shrink an order."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.ledger.pnl import cost_usd
from slackwater.schema.commands import Purpose
from slackwater.schema.enums import OrderStatus
from slackwater.schema.instrument import price_of, qty_of
from slackwater.schema.params import Params, widest_offset
from slackwater.schema.state import MAX_ORDERS, Portfolio, SymbolState, state_at


@jit
def committed_usd(s: SymbolState) -> float:
    """The position at cost and the rest of its entry orders at the highest price they were ever sent at."""
    total = cost_usd(s.ledger, s.ins) if s.ledger.short_lots > 0 else 0.0
    if s.live_orders == 0:
        return total
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status != OrderStatus.FREE and o.purpose == Purpose.ENTRY:
            total += price_of(s.ins, o.highest_ticks) * qty_of(s.ins, max(o.lots - o.cum_lots, 0))
    return total


@jit
def sent_usd(s: SymbolState, p: Params, lots: int) -> float:
    """The most that a group of these lots commits: all of it at the highest price a slice may be sent at."""
    return price_of(s.ins, s.market.ask_ticks + widest_offset(p)) * qty_of(s.ins, lots)


@jit
def breaks_symbol_cap(s: SymbolState, p: Params, extra_usd: float) -> bool:
    """Whether this much more would break the symbol's cap."""
    return p.max_symbol_notional_usd > 0.0 and committed_usd(s) + extra_usd > p.max_symbol_notional_usd


@jit
def breaks_portfolio_cap(portfolio: Portfolio, p: Params, extra_usd: float) -> bool:
    """Whether this much more would break the cap over all symbols."""
    if p.max_total_notional_usd <= 0.0:
        return False
    total = extra_usd
    for k in range(portfolio.count):
        total += committed_usd(state_at(portfolio.states_address, k))
    return total > p.max_total_notional_usd


@jit
def room_usd(portfolio: Portfolio, s: SymbolState, p: Params) -> float:
    """What the caps leave for more; infinite when none is set."""
    room = math.inf
    if p.max_symbol_notional_usd > 0.0:
        room = p.max_symbol_notional_usd - committed_usd(s)
    if p.max_total_notional_usd > 0.0:
        total = 0.0
        for k in range(portfolio.count):
            total += committed_usd(state_at(portfolio.states_address, k))
        room = min(room, p.max_total_notional_usd - total)
    return room
