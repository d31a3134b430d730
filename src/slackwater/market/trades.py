"""Windows over trades: who was the aggressor, and how much the trade price moved.

One ring with running sums serves all windows. A window `[from_ns, now]` is closed; its tail moves only when somebody asks.
"""

from __future__ import annotations

import math

from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
from slackwater.market.logs import log_change
from slackwater.schema.market import TRADE_SLOTS, MarketState
from slackwater.schema.units import BPS, MS, SEC

TRADE_MASK = TRADE_SLOTS - 1
LONGEST_NS = 2 * SEC
MIN_RETURNS = 2  # three prices
MIN_RV_BPS = 1e-6  # below it is rounding


@jit_inline
def push_trade(m: MarketState, now_ns: int, price_ticks: int, lots: int, buyer_maker: bool) -> None:
    """Append a valid trade. `buyer_maker` means that the aggressor sold."""
    n = m.n_trades
    entry = m.trades[n & TRADE_MASK]
    if rare(n >= TRADE_SLOTS and entry.ts_ns >= now_ns - LONGEST_NS):
        m.ring_overflows += 1
    entry.ts_ns = now_ns
    entry.flow_before = m.flow_lots
    entry.volume_before = m.volume_lots
    if n == 0 or price_ticks == m.trade_ticks:
        entry.log_return = 0.0
    else:
        entry.log_return = log_change(float(price_ticks), float(m.trade_ticks))
    m.flow_lots += -lots if buyer_maker else lots
    m.volume_lots += lots
    m.trade_ticks = price_ticks
    m.n_trades = n + 1
    m.tail_2s = max(m.tail_2s, n + 1 - TRADE_SLOTS)


@jit_inline
def first_trade(m: MarketState, tail: int, from_ns: int) -> int:
    """Running number of the first trade at or after `from_ns`, searched up from `tail`, which is still there; `n_trades` for none."""
    n = m.n_trades
    # Mostly none or one has left, and nobody can guess which: two steps without a branch cost less than a wrong guess.
    tail += int((tail < n) & (m.trades[tail & TRADE_MASK].ts_ns < from_ns))
    tail += int((tail < n) & (m.trades[tail & TRADE_MASK].ts_ns < from_ns))
    while rare(tail < n and m.trades[tail & TRADE_MASK].ts_ns < from_ns):
        tail += 1
    return tail


@jit
def flow_since(m: MarketState, tail: int) -> int:
    """Lots bought minus lots sold by aggressors from trade `tail` on."""
    return m.flow_lots - m.trades[tail & TRADE_MASK].flow_before if tail < m.n_trades else 0


@jit
def volume_since(m: MarketState, tail: int) -> int:
    """Lots traded from trade `tail` on."""
    return m.volume_lots - m.trades[tail & TRADE_MASK].volume_before if tail < m.n_trades else 0


@jit
def imbalance(flow_lots: int, volume_lots: int) -> float:
    """`(B-S)/(B+S)`, 0 when nothing was traded."""
    return flow_lots / volume_lots if volume_lots > 0 else 0.0


@jit
def ti_500ms(m: MarketState, now_ns: int) -> float:
    """Trade imbalance of the last 500 ms."""
    tail = first_trade(m, max(m.tail_500ms, m.tail_2s), now_ns - 500 * MS)
    m.tail_500ms = tail
    return imbalance(flow_since(m, tail), volume_since(m, tail))


@jit
def ti_300ms(m: MarketState, now_ns: int) -> float:
    """Trade imbalance of the last 300 ms."""
    tail = first_trade(m, max(m.tail_300ms, m.tail_2s), now_ns - 300 * MS)
    m.tail_300ms = tail
    return imbalance(flow_since(m, tail), volume_since(m, tail))


@jit
def rv_1s_bps(m: MarketState, now_ns: int) -> float:
    """Population standard deviation of the log returns between the trades of the last second, bps; 0 with fewer than 3 trades."""
    tail = first_trade(m, max(m.tail_1s, m.tail_2s), now_ns - SEC)
    if tail != m.tail_1s or m.n_trades != m.rv_1s_at:
        m.tail_1s = tail
        m.rv_1s_at = m.n_trades
        m.rv_1s = return_deviation_bps(m, tail)
    return m.rv_1s


@jit
def return_deviation_bps(m: MarketState, tail: int) -> float:
    """Population standard deviation of the log returns between trades `tail` and later, bps."""
    n = m.n_trades
    count = n - tail - 1
    if count < MIN_RETURNS:
        return 0.0
    total = 0.0
    for k in range(tail + 1, n):
        total += m.trades[k & TRADE_MASK].log_return
    mean = total / count
    squares = 0.0
    for k in range(tail + 1, n):
        d = m.trades[k & TRADE_MASK].log_return - mean
        squares += d * d
    rv = math.sqrt(squares / count) * BPS
    return rv if rv >= MIN_RV_BPS else 0.0
