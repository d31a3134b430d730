"""Slicing: a group's quantity cut into one to five orders at neighbouring ticks, so that no lone round order shows what we want.

How many and how large is drawn from the symbol's own generator: same seed, same slices; another seed, other slices and the same total.
"""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.kernel.rng import below, exponential
from slackwater.market.depth import depth_min_ask_lots, depth_min_bid_lots
from slackwater.schema.commands import Side
from slackwater.schema.instrument import STEP_SLACK, Instrument, floor_lots, price_of, qty_of
from slackwater.schema.params import Params, widest_offset
from slackwater.schema.state import SymbolState
from slackwater.schema.units import BPS


@jit
def least_lots(ins: Instrument, price_ticks: int, reduce_only: bool) -> int:
    """The smallest order that the venue takes at a price; what only reduces need not reach the minimum notional."""
    least = max(ins.min_lots, 1)
    if reduce_only or ins.min_notional_usd <= 0.0:
        return least
    price = price_of(ins, price_ticks)
    lots = floor_lots(ins, ins.min_notional_usd / price)
    while price * qty_of(ins, lots) < ins.min_notional_usd:
        lots += 1
    return max(least, lots)


@jit
def lowest_ask_ticks(p: Params, placed_ask_ticks: int) -> int:
    """The lowest ask down to which an entry group is chased that was placed at an ask: `max_chase_bps` below it."""
    return max(placed_ask_ticks - int(math.floor(placed_ask_ticks * p.max_chase_bps / BPS + STEP_SLACK)), 1)


@jit
def slice_count(s: SymbolState, p: Params, now_ns: int, side: int, lots: int, least: int) -> int:
    """How many slices: drawn when small orders are split too, raised until each is a small part of the touch, and what the venue allows."""
    depth = depth_min_bid_lots(s.market, now_ns) if side == Side.BUY else depth_min_ask_lots(s.market, now_ns)
    count = 1
    if p.always_split:
        count = int(p.min_slices) + below(s.rng, int(p.max_slices - p.min_slices) + 1)
    if depth > 0:
        count = max(count, int(math.ceil(lots / (p.max_l1_fraction * depth))))
    return max(min(count, widest_offset(p) + 1, lots // least), 1)


@jit
def _weigh(s: SymbolState, count: int, lots: int) -> None:
    """Exponential weights: any way of cutting is as likely as any other. Rounded on the running total, so that nothing is lost."""
    total = 0.0
    for k in range(count):
        s.slices[k].weight = exponential(s.rng)
        total += s.slices[k].weight
    given = 0
    reached = 0.0
    for k in range(count):
        reached += s.slices[k].weight
        upto = lots if k == count - 1 else int(math.floor(lots * min(reached / total, 1.0)))
        s.slices[k].lots = upto - given
        given = upto


@jit
def _raise_small(s: SymbolState, count: int, least: int) -> None:
    """Slices below the venue's minimum take from the largest."""
    for k in range(count):
        while s.slices[k].lots < least:
            largest = 0
            for j in range(1, count):
                if s.slices[j].lots > s.slices[largest].lots:
                    largest = j
            taken = min(least - s.slices[k].lots, s.slices[largest].lots - least)
            s.slices[k].lots += taken
            s.slices[largest].lots -= taken


@jit
def _deal_offsets(s: SymbolState, count: int) -> None:
    """Each offset once, in random order; slices are placed in the order of the table, which is random too."""
    for k in range(count):
        s.slices[k].tick_offset = k
    for k in range(count - 1, 0, -1):
        j = below(s.rng, k + 1)
        other = s.slices[j].tick_offset
        s.slices[j].tick_offset = s.slices[k].tick_offset
        s.slices[k].tick_offset = other


@jit
def cut(s: SymbolState, p: Params, now_ns: int, side: int, price_ticks: int, lots: int) -> int:
    """Cut a quantity into `s.slices` in the order of their placement; returns how many. Sells stand up from the price, buys down.

    Slices of a sell clear the venue's minimums down to the lowest price they may be chased to: where two would not, it stays whole.
    """
    is_buy = side == Side.BUY
    least = least_lots(s.ins, price_ticks if is_buy else lowest_ask_ticks(p, price_ticks), is_buy)
    count = slice_count(s, p, now_ns, side, lots, least)
    if count == 1:
        s.slices[0].lots = lots
        s.slices[0].tick_offset = 0
        return 1
    _weigh(s, count, lots)
    _raise_small(s, count, least)
    _deal_offsets(s, count)
    return count
