"""Matching: what a trade or a book fills, at which price and for which reason."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.events import FillCause, TapeRow
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim.filling import draft_fill, settle_fill
from slackwater.sim.queue import apply_book, apply_trade, reported_ahead
from slackwater.sim.records import ASK, BID, OrderState, VenueState
from slackwater.sim.resting import far_index, near_index, remove_ended
from slackwater.sim.taking import liquidate


@jit
def set_book(v: VenueState, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int) -> None:
    """Replace the book. What we took from a side is back once that side differs from before."""
    if bid_ticks != v.touch_ticks[BID] or bid_lots != v.touch_lots[BID]:
        v.taken_lots[BID] = 0
    if ask_ticks != v.touch_ticks[ASK] or ask_lots != v.touch_lots[ASK]:
        v.taken_lots[ASK] = 0
    v.touch_ticks[BID] = bid_ticks
    v.touch_lots[BID] = bid_lots
    v.touch_ticks[ASK] = ask_ticks
    v.touch_lots[ASK] = ask_lots


@jit
def is_valid_book(row: TapeRow) -> bool:
    """Whether a book has two positive prices that are not crossed, and sizes that are not negative."""
    return row.price_ticks > 0 and row.ask_ticks >= row.price_ticks and row.lots >= 0 and row.ask_lots >= 0


@jit
def on_book(v: VenueState, ins: Instrument, p: Params, row: TapeRow) -> None:
    """Work off a valid book: fill orders that the other side's touch has reached, move the queues, then look at the margin."""
    set_book(v, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots)
    for k in range(v.resting_count):
        order = v.orders[v.rank[k]]
        if order.state != OrderState.LIVE:
            continue
        far = far_index(order.side)
        if order.side * (order.price_ticks - v.touch_ticks[far]) >= 0:
            lots = min(order.leaves_lots, v.touch_lots[far] - v.taken_lots[far])
            if lots > 0:
                v.taken_lots[far] += lots
                draft_fill(v, order, order.price_ticks, lots, FillCause.BOOK_THROUGH)
                settle_fill(v, ins, p, order)
        near = near_index(order.side)
        apply_book(order, v.touch_ticks[near], v.touch_lots[near], p.queue_model)
    remove_ended(v)
    if v.position_lots < 0 and v.touch_ticks[ASK] >= v.liquidation_ask_ticks:
        liquidate(v, ins, p)


@jit
def on_trade(v: VenueState, ins: Instrument, p: Params, row: TapeRow) -> None:
    """Work off a valid trade: each lot of it goes at most once to our orders on the side it hit, best price and oldest first."""
    hit_side = 1 if row.buyer_maker else -1
    left_lots = row.lots
    for k in range(v.resting_count):
        order = v.orders[v.rank[k]]
        if order.side != hit_side or order.state != OrderState.LIVE:
            continue
        through = hit_side * (order.price_ticks - row.price_ticks)
        if through < 0:
            break  # the ranks go from the best price on, so that the trade reaches no further
        if through > 0:
            lots = min(order.leaves_lots, left_lots)
            cause = FillCause.TRADE_THROUGH
            ahead = reported_ahead(order)
        else:
            cause = FillCause.QUEUE
            ahead = reported_ahead(order)
            lots = apply_trade(order, row.lots, left_lots)
        if lots > 0:
            left_lots -= lots
            draft_fill(v, order, order.price_ticks, lots, cause)
            v.draft.queue_ahead_lots = ahead
            settle_fill(v, ins, p, order)
    remove_ended(v)
