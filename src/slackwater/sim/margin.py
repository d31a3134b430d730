"""Isolated margin of one symbol: what the position cost, which ask uses its margin up, and what a further entry order would need.

A short of `n` lots that cost `C` holds the margin `C / leverage`. At an ask `a` its margin balance is that plus `C - a n`, and the venue
wants `maintenance_rate a n` of it left. Both are equal at `a = C (1 + 1 / leverage) / (n (1 + maintenance_rate))`. Fees and funding are
paid from elsewhere. The strategy never holds a long, so a long is never liquidated.
"""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim.fees import notional_usd
from slackwater.sim.records import NEVER_TICKS, OrderState, VenueState

DUST_TICKS = 1e-6  # of a tick: far above the rounding of the threshold, far below what a tape can show
DUST_FRAC = 1e-9  # of the margin: what sums of rounded values may exceed it by


@jit
def book_position(v: VenueState, side: int, price_ticks: int, lots: int) -> None:
    """Move the position by a fill. What is added counts at its price; what is closed takes its share of the cost, rounded up to whole
    ticklots, so that the average never rises by rounding; what turns the position opens anew."""
    held = abs(v.position_lots)
    if side * v.position_lots >= 0:
        v.held_ticklots += price_ticks * lots
    elif lots > held:
        v.held_ticklots = price_ticks * (lots - held)
    else:
        # Quotient and remainder apart: the product of cost and lots would not fit into 64 bits.
        kept = held - lots
        v.held_ticklots = v.held_ticklots // held * kept + v.held_ticklots % held * kept // held
    v.position_lots += side * lots


@jit
def note_liquidation(v: VenueState, p: Params) -> None:
    """Compute the ask that liquidates a short, after its quantity or cost has changed."""
    v.liquidation_ask_ticks = NEVER_TICKS
    if v.position_lots < 0:
        price = v.held_ticklots * (1.0 + 1.0 / p.leverage) / (-v.position_lots * (1.0 + p.maintenance_rate))
        v.liquidation_ask_ticks = int(math.ceil(price - DUST_TICKS))


@jit
def exceeds_margin(v: VenueState, ins: Instrument, p: Params, side: int, price_ticks: int, lots: int, except_slot: int) -> bool:
    """Whether one more entry order needs more margin than the symbol has.

    Position at cost, resting orders of the same side that are not reduce-only (less the one in `except_slot`), and this one, over the
    leverage, are held against the balance. A position of the other side counts nothing.
    """
    ticklots = price_ticks * lots
    if side * v.position_lots > 0:
        ticklots += v.held_ticklots
    for k in range(v.resting_count):
        slot = v.rank[k]
        other = v.orders[slot]
        if slot != except_slot and other.side == side and not other.reduce_only and other.state == OrderState.LIVE:
            ticklots += other.price_ticks * other.leaves_lots
    return notional_usd(ins, ticklots, 1) > p.balance_usd * p.leverage * (1.0 + DUST_FRAC)
