"""Smallest sizes at the touch over the last minute: every book is noted, minima are kept per block and combined when asked."""

from __future__ import annotations

from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.market import DEPTH_BLOCK_BITS, DEPTH_BLOCKS, DEPTH_SLOTS, MarketState
from slackwater.schema.units import NEVER_NS, SEC

DEPTH_MASK = DEPTH_SLOTS - 1
BLOCK_MASK = DEPTH_BLOCKS - 1
BLOCK_SIZE = 1 << DEPTH_BLOCK_BITS
WINDOW_NS = 60 * SEC
NO_SIZE = NEVER_NS


@jit
def positive_or_none(lots: int) -> int:
    """A size as the minimum sees it: an empty one does not count."""
    return lots if lots > 0 else NO_SIZE


@jit_inline
def push_depth(m: MarketState, now_ns: int, bid_lots: int, ask_lots: int) -> None:
    """Note the sizes of the book with running number `n_books`."""
    n = m.n_books
    entry = m.depths[n & DEPTH_MASK]
    if rare(n >= DEPTH_SLOTS and entry.ts_ns >= now_ns - WINDOW_NS):
        m.ring_overflows += 1
    entry.ts_ns = now_ns
    entry.bid_lots = bid_lots
    entry.ask_lots = ask_lots
    bid = positive_or_none(bid_lots)
    ask = positive_or_none(ask_lots)
    block = m.depth_blocks[(n >> DEPTH_BLOCK_BITS) & BLOCK_MASK]
    if rare(n & (BLOCK_SIZE - 1) == 0):
        block.bid_lots = bid
        block.ask_lots = ask
    else:
        block.bid_lots = min(block.bid_lots, bid)
        block.ask_lots = min(block.ask_lots, ask)


@jit
def first_book(m: MarketState, from_ns: int) -> int:
    """Running number of the first noted book at or after `from_ns`; `n_books` when there is none."""
    low = max(0, m.n_books - DEPTH_SLOTS)
    high = m.n_books
    while low < high:
        middle = (low + high) >> 1
        if m.depths[middle & DEPTH_MASK].ts_ns < from_ns:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def depth_min_bid_lots(m: MarketState, now_ns: int) -> int:
    """Smallest positive bid size of the last 60 s, lots; 0 when there is none."""
    k = first_book(m, now_ns - WINDOW_NS)
    n = m.n_books
    least = NO_SIZE
    while k < n:
        if k & (BLOCK_SIZE - 1) == 0:
            least = min(least, m.depth_blocks[(k >> DEPTH_BLOCK_BITS) & BLOCK_MASK].bid_lots)
            k += BLOCK_SIZE
        else:
            least = min(least, positive_or_none(m.depths[k & DEPTH_MASK].bid_lots))
            k += 1
    return least if least != NO_SIZE else 0


@jit
def depth_min_ask_lots(m: MarketState, now_ns: int) -> int:
    """Smallest positive ask size of the last 60 s, lots; 0 when there is none."""
    k = first_book(m, now_ns - WINDOW_NS)
    n = m.n_books
    least = NO_SIZE
    while k < n:
        if k & (BLOCK_SIZE - 1) == 0:
            least = min(least, m.depth_blocks[(k >> DEPTH_BLOCK_BITS) & BLOCK_MASK].ask_lots)
            k += BLOCK_SIZE
        else:
            least = min(least, positive_or_none(m.depths[k & DEPTH_MASK].ask_lots))
            k += 1
    return least if least != NO_SIZE else 0
