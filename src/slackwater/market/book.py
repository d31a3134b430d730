"""The top of the book in integers and in floats: exact steps become a float by one rounded operation."""

from __future__ import annotations

from slackwater.kernel.hints import usual
from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.instrument import Instrument, price_of, qty_of
from slackwater.schema.market import MarketState
from slackwater.schema.units import BPS


@jit
def is_valid_book(bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int) -> bool:
    """Whether a book makes sense: both prices there, not crossed, no negative size. Locked and empty-sized ones do."""
    return bid_ticks > 0 and ask_ticks >= bid_ticks and bid_lots >= 0 and ask_lots >= 0


@jit
def set_prices(m: MarketState, ins: Instrument, bid_ticks: int, ask_ticks: int) -> None:
    """Store the prices of a valid book, their mid and their spread in bps of it."""
    bid = price_of(ins, bid_ticks)
    ask = price_of(ins, ask_ticks)
    mid = (bid + ask) / 2.0
    m.bid_ticks = bid_ticks
    m.ask_ticks = ask_ticks
    m.bid = bid
    m.ask = ask
    m.mid = mid
    m.spread_bps = (ask - bid) / mid * BPS


@jit_inline
def set_sizes(m: MarketState, ins: Instrument, bid_lots: int, ask_lots: int) -> None:
    """Store the sizes of a valid book with its quote imbalance and microprice."""
    bid_qty = qty_of(ins, bid_lots)
    ask_qty = qty_of(ins, ask_lots)
    total_qty = bid_qty + ask_qty
    m.bid_lots = bid_lots
    m.ask_lots = ask_lots
    if usual(total_qty > 0.0):
        m.qi = (bid_qty - ask_qty) / total_qty
        m.micro_price = (m.ask * bid_qty + m.bid * ask_qty) / total_qty
    else:
        m.qi = 0.0
        m.micro_price = m.mid
