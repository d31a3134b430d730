"""The table of our orders at the venue: slots, matching order, ends, and the reduce-only budget."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.events import ReportKind, VenueReason
from slackwater.schema.params import Params
from slackwater.sim.in_flight import draft_order, post_report, remember_end, report_order
from slackwater.sim.queue import join_queue
from slackwater.sim.records import ASK, BID, MAX_REPORTS, NEVER_TICKS, ORDER_SLOTS, OrderState, QueuePlace, VenueOrder, VenueState

NO_SLOT = -1


@jit
def near_index(side: int) -> int:
    """Index of the touch that an order of this side joins: a buy the bid, a sell the ask."""
    return BID if side > 0 else ASK


@jit
def far_index(side: int) -> int:
    """Index of the touch that an order of this side takes from."""
    return ASK if side > 0 else BID


@jit
def free_slot(v: VenueState) -> int:
    """A slot that no order uses. There is always one: at most `MAX_RESTING` rest and one order is matched at a time."""
    for slot in range(ORDER_SLOTS):
        if v.orders[slot].state == OrderState.FREE:
            return slot
    return NO_SLOT


@jit
def open_order(order: VenueOrder, order_id: int, side: int, price_ticks: int, lots: int) -> None:
    """Start a slot with a new order that nobody stands before; its type, time in force and reduce-only are the caller's to set."""
    order.order_id = order_id
    order.side = side
    order.price_ticks = price_ticks
    order.total_lots = lots
    order.cum_lots = 0
    order.leaves_lots = lots
    order.cost_ticklots = 0
    order.fee_usd = 0.0
    order.amend_count = 0
    order.ahead_lots = 0.0
    order.state = OrderState.LIVE
    order.place = QueuePlace.KNOWN


@jit
def find_live(v: VenueState, order_id: int) -> int:
    """The slot of a resting order, `NO_SLOT` when none has this id."""
    for k in range(v.resting_count):
        slot = v.rank[k]
        order = v.orders[slot]
        if order.order_id == order_id and order.state == OrderState.LIVE:
            return slot
    return NO_SLOT


@jit
def rest_order(v: VenueState, slot: int) -> None:
    """Take an order into the matching order, last at its price, and line it up behind the displayed size."""
    order = v.orders[slot]
    v.last_priority += 1
    order.priority = v.last_priority
    near = near_index(order.side)
    join_queue(order, v.touch_ticks[near], v.touch_lots[near])
    # Signed prices sort the buys before the sells and each side from its best price on.
    key = order.side * order.price_ticks
    k = v.resting_count
    while k > 0:
        other = v.orders[v.rank[k - 1]]
        if other.side * other.price_ticks >= key:
            break
        v.rank[k] = v.rank[k - 1]
        k -= 1
    v.rank[k] = slot
    v.resting_count += 1
    note_reach(v)


@jit
def withdraw_order(v: VenueState, slot: int) -> None:
    """Take a live order out of the matching order; its slot stays in use."""
    kept = 0
    for k in range(v.resting_count):
        if v.rank[k] != slot:
            v.rank[kept] = v.rank[k]
            kept += 1
    v.resting_count = kept
    note_reach(v)


@jit
def remove_ended(v: VenueState) -> None:
    """Free the slots of ranked orders that have ended. Not to be called while the ranks are being walked."""
    if v.ended_count == 0:
        return
    kept = 0
    for k in range(v.resting_count):
        slot = v.rank[k]
        if v.orders[slot].state == OrderState.DONE:
            v.orders[slot].state = OrderState.FREE
        else:
            v.rank[kept] = slot
            kept += 1
    v.resting_count = kept
    v.ended_count = 0
    note_reach(v)


@jit
def note_reach(v: VenueState) -> None:
    """Note the best resting prices and the liquidation, between which the market does not touch us."""
    v.highest_buy_ticks = 0
    v.ask_reach_ticks = v.liquidation_ask_ticks if v.position_lots < 0 else NEVER_TICKS
    for k in range(v.resting_count):
        order = v.orders[v.rank[k]]
        if order.side > 0:
            v.highest_buy_ticks = max(v.highest_buy_ticks, order.price_ticks)
        else:
            v.ask_reach_ticks = min(v.ask_reach_ticks, order.price_ticks)


@jit
def end_order(v: VenueState, order: VenueOrder) -> None:
    """Mark an order as ended by the report in the draft."""
    remember_end(v)
    order.state = OrderState.DONE
    v.ended_count += 1


@jit
def end_with_report(v: VenueState, p: Params, order: VenueOrder, kind: int, reason: VenueReason) -> None:
    """End an order and say so."""
    report_order(v, p, order, kind, reason)
    end_order(v, order)


@jit
def crosses_own(v: VenueState, side: int, price_ticks: int) -> bool:
    """Whether an order would meet one of our own on the other side."""
    for k in range(v.resting_count):
        other = v.orders[v.rank[k]]
        if other.side == -side and other.state == OrderState.LIVE and side * (price_ticks - other.price_ticks) >= 0:
            return True
    return False


@jit
def reduce_only_budget(v: VenueState, side: int, except_slot: int) -> int:
    """Lots that one more reduce-only order of this side may have: the position less what such orders already rest for."""
    if side * v.position_lots >= 0:
        return 0
    budget = abs(v.position_lots)
    for k in range(v.resting_count):
        slot = v.rank[k]
        order = v.orders[slot]
        if slot != except_slot and order.reduce_only and order.side == side and order.state == OrderState.LIVE:
            budget -= order.leaves_lots
    return budget


@jit
def _surplus_slot(v: VenueState) -> int:
    """The newest reduce-only order, if such orders rest for more than the position; else `NO_SLOT`."""
    newest = NO_SLOT
    total = 0
    for k in range(v.resting_count):
        slot = v.rank[k]
        order = v.orders[slot]
        if order.state != OrderState.LIVE or not order.reduce_only:
            continue
        if order.side * v.position_lots >= 0:
            return slot
        total += order.leaves_lots
        if newest == NO_SLOT or order.priority > v.orders[newest].priority:
            newest = slot
    return newest if total > abs(v.position_lots) else NO_SLOT


@jit
def end_surplus(v: VenueState, p: Params) -> None:
    """Cancel reduce-only orders, newest first, until the position covers those that are left."""
    slot = _surplus_slot(v)
    while slot != NO_SLOT:
        end_with_report(v, p, v.orders[slot], ReportKind.EXPIRE.value, VenueReason.REDUCE_ONLY)
        slot = _surplus_slot(v)


@jit
def expire_all(v: VenueState, now_ns: int, reason: VenueReason) -> None:
    """End all resting orders at `now_ns`. The reports are received then, but after those already under way."""
    v.event_ns = now_ns
    recv_ns = now_ns
    for k in range(v.report_count):
        recv_ns = max(recv_ns, v.reports[(v.report_head + k) % MAX_REPORTS].ts_recv_ns)
    for k in range(v.resting_count):
        order = v.orders[v.rank[k]]
        draft_order(v, order, ReportKind.EXPIRE.value, reason)
        post_report(v, recv_ns)
        end_order(v, order)
    remove_ended(v)
