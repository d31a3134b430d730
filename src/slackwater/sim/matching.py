"""Matching: what a trade, a book or our own taking fills, at which price and for which reason."""

from __future__ import annotations

import math

from slackwater.kernel.jit import jit
from slackwater.schema.commands import OrderType
from slackwater.schema.events import FillCause, ReportKind, TapeRow, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.schema.units import BPS
from slackwater.sim.fees import fee_usd
from slackwater.sim.in_flight import draft_order, post_report
from slackwater.sim.latency import receive_ns
from slackwater.sim.queue import apply_book, apply_trade, reported_ahead
from slackwater.sim.records import ASK, BID, OrderState, VenueOrder, VenueState
from slackwater.sim.resting import end_order, end_surplus, far_index, near_index, remove_ended

MAX_LEVELS = 64  # assumed ticks behind the touch; halving leaves nothing long before, and a flat book must end somewhere
ROUNDING = 1e-9  # what a decayed size or a slippage limit may lose to floating point before it is floored


@jit
def draft_fill(v: VenueState, order: VenueOrder, price_ticks: int, lots: int, cause: FillCause) -> None:
    """Write a fill into the draft; call it before the queue learns from the event, so that it shows what stood before us."""
    draft_order(v, order, ReportKind.FILL, VenueReason.NONE)
    v.draft.price_ticks = price_ticks
    v.draft.lots = lots
    v.draft.cause = cause
    v.draft.maker = cause != FillCause.TAKER


@jit
def settle_fill(v: VenueState, ins: Instrument, p: Params, order: VenueOrder) -> None:
    """Book the fill in the draft: order, position, fee, report, and reduce-only orders that no longer fit."""
    draft = v.draft
    order.cum_lots += draft.lots
    order.leaves_lots -= draft.lots
    v.position_lots += order.side * draft.lots
    v.last_trade_id += 1
    draft.trade_id = v.last_trade_id
    draft.cum_lots = order.cum_lots
    draft.fee_usd = fee_usd(ins, p, draft.price_ticks, draft.lots, draft.maker)
    post_report(v, receive_ns(p, v.event_ns))
    if order.leaves_lots == 0:
        end_order(v, order)
    end_surplus(v, p)


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
    """Work off a valid book: fill orders that the other side's touch has reached, then move the queues."""
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


@jit
def take_limit_ticks(p: Params, order: VenueOrder, touch_ticks: int) -> int:
    """The worst price a taking order may reach: its own, or for a market order the slippage limit from the touch."""
    if order.type == OrderType.LIMIT:
        return order.price_ticks
    reach = int(math.floor(touch_ticks * p.max_slippage_bps / BPS + ROUNDING))
    return touch_ticks + order.side * reach


@jit
def take(v: VenueState, ins: Instrument, p: Params, order: VenueOrder) -> None:
    """Take from the displayed touch and the assumed book behind it, one fill a price, as far as limit and quantity go.

    The k-th tick behind the touch holds `depth_decay^k` of it. Earlier takings used up the same levels from the touch outwards.
    """
    far = far_index(order.side)
    touch_ticks = v.touch_ticks[far]
    limit_ticks = take_limit_ticks(p, order, touch_ticks)
    used_lots = v.taken_lots[far]
    share = 1.0
    for k in range(MAX_LEVELS + 1):
        price_ticks = touch_ticks + order.side * k
        level_lots = int(math.floor(v.touch_lots[far] * share + ROUNDING))
        if order.leaves_lots == 0 or level_lots == 0 or price_ticks <= 0 or order.side * (limit_ticks - price_ticks) < 0:
            break
        used_here = min(used_lots, level_lots)
        used_lots -= used_here
        lots = min(order.leaves_lots, level_lots - used_here)
        if lots > 0:
            v.taken_lots[far] += lots
            draft_fill(v, order, price_ticks, lots, FillCause.TAKER)
            settle_fill(v, ins, p, order)
        share *= p.depth_decay
