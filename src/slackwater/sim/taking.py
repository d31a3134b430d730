"""Taking: the displayed touch, the assumed book behind it, and a liquidation that takes whatever it must."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.schema.commands import OrderType, Side, Tif
from slackwater.schema.events import FillCause, ReportKind, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.schema.units import BPS
from slackwater.sim.filling import draft_fill, settle_fill
from slackwater.sim.records import NEVER_TICKS, VENUES_OWN, OrderState, VenueOrder, VenueState
from slackwater.sim.resting import end_with_report, far_index, free_slot, open_order, remove_ended

MAX_LEVELS = 64  # assumed ticks behind the touch; halving leaves nothing long before, and a flat book must end somewhere
ROUNDING = 1e-9  # what a decayed size or a slippage limit may lose to floating point before it is floored


@jit
def take_limit_ticks(p: Params, order: VenueOrder, touch_ticks: int) -> int:
    """The worst price a taking order may reach: its own, or for a market order the slippage limit from the touch."""
    if order.type == OrderType.LIMIT:
        return order.price_ticks
    reach = int(math.floor(touch_ticks * p.max_slippage_bps / BPS + ROUNDING))
    return touch_ticks + order.side * reach


@jit
def take(v: VenueState, ins: Instrument, p: Params, order: VenueOrder, limit_ticks: int) -> int:
    """Take from the displayed touch and the assumed book behind it, one fill a price, as far as limit and quantity go.

    The k-th tick behind the touch holds `depth_decay^k` of it. Earlier takings used up the same levels from the touch outwards. Returns the
    last price that held anything, the touch when none did.
    """
    far = far_index(order.side)
    touch_ticks = v.touch_ticks[far]
    last_ticks = touch_ticks
    used_lots = v.taken_lots[far]
    share = 1.0
    for k in range(MAX_LEVELS + 1):
        price_ticks = touch_ticks + order.side * k
        level_lots = int(math.floor(v.touch_lots[far] * share + ROUNDING))
        if order.leaves_lots == 0 or level_lots == 0 or price_ticks <= 0 or order.side * (limit_ticks - price_ticks) < 0:
            break
        last_ticks = price_ticks
        used_here = min(used_lots, level_lots)
        used_lots -= used_here
        lots = min(order.leaves_lots, level_lots - used_here)
        if lots > 0:
            v.taken_lots[far] += lots
            draft_fill(v, order, price_ticks, lots, FillCause.TAKER)
            settle_fill(v, ins, p, order)
        share *= p.depth_decay
    return last_ticks


@jit
def liquidate(v: VenueState, ins: Instrument, p: Params) -> None:
    """End all resting orders, then buy the whole short back, at any price.

    The assumed book is walked without a slippage limit; what it does not hold is bought at the last price it held anything at.
    """
    for k in range(v.resting_count):
        order = v.orders[v.rank[k]]
        if order.state == OrderState.LIVE:
            end_with_report(v, p, order, ReportKind.EXPIRE.value, VenueReason.LIQUIDATION)
    remove_ended(v)
    order = v.orders[free_slot(v)]
    open_order(order, VENUES_OWN, Side.BUY.value, 0, -v.position_lots)
    order.type = OrderType.MARKET
    order.tif = Tif.IOC
    order.reduce_only = True
    last_ticks = take(v, ins, p, order, NEVER_TICKS)
    if order.leaves_lots > 0:
        draft_fill(v, order, last_ticks, order.leaves_lots, FillCause.TAKER)
        settle_fill(v, ins, p, order)
    order.state = OrderState.FREE
    v.ended_count = 0  # the order that has just ended was never ranked
    v.liquidation_count += 1
