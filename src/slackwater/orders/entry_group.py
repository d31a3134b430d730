"""The entry group: post-only sells that chase the ask and are reaped; together they make one layer."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.orders.emit import cancel_order, cancel_purpose, count_purpose, emit_amend, emit_place, new_group, take_slot
from slackwater.orders.slicing import cut, least_lots, lowest_ask_ticks
from slackwater.schema.audit import Out
from slackwater.schema.commands import OrderType, Purpose, Side, Tif
from slackwater.schema.enums import Context, GroupStatus, OrderReason, OrderStatus
from slackwater.schema.instrument import price_of, qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ORDERS, MAX_SLICES, Order, SymbolState, WaitingSlice
from slackwater.schema.units import NEVER_NS


@jit
def fire_limit_sell(s: SymbolState, p: Params, out: Out, now_ns: int, lots: int, context: int) -> None:
    """Send an entry group: GTX sells at the ask and just above it."""
    g = s.entry
    g.status = GroupStatus.WORKING
    g.context = context
    g.reap_reason = OrderReason.NONE
    g.group_id = new_group(s)
    g.placed_ns = now_ns
    g.placed_ask_ticks = s.market.ask_ticks
    g.first_fill_ns = 0
    g.filled_lots = 0
    g.layer_episode = 0
    g.waiting_count = 0
    s.ledger.last_entry_placed_ns = now_ns
    reason = OrderReason.ENTRY.value if context == Context.ENTRY else OrderReason.AVERAGE.value
    count = cut(s, p, now_ns, Side.SELL.value, s.market.ask_ticks, lots)
    for k in range(count):
        _place_slice(s, out, now_ns, s.slices[k].lots, s.slices[k].tick_offset, k, reason)


@jit
def _place_slice(s: SymbolState, out: Out, now_ns: int, lots: int, tick_offset: int, slice_index: int, reason: int) -> int:
    """Send one slice at its distance from the ask; returns its slot, -1 when there is none."""
    slot = take_slot(s, Purpose.ENTRY.value, Side.SELL.value, s.entry.group_id, slice_index)
    if slot >= 0:
        s.orders[slot].tick_offset = tick_offset
        price_ticks = s.market.ask_ticks + tick_offset
        emit_place(s, out, now_ns, slot, price_ticks, lots, OrderType.LIMIT.value, Tif.GTX.value, reason)
    return slot


@jit
def is_working(s: SymbolState) -> bool:
    """Whether an entry group has not ended."""
    return s.entry.status != GroupStatus.IDLE


@jit
def reap(s: SymbolState, out: Out, now_ns: int, reason: int) -> None:
    """Cancel the group. What filled before or meanwhile stays."""
    if s.entry.status != GroupStatus.WORKING:
        return
    s.entry.status = GroupStatus.REAPING
    s.entry.reap_reason = reason
    s.entry.waiting_count = 0
    cancel_purpose(s, out, now_ns, Purpose.ENTRY.value, reason)
    settle(s)


@jit
def cancel_crossing(s: SymbolState, out: Out, now_ns: int, buy_ticks: int) -> None:
    """Cancel the slices that a buy of ours at a price would reach; the others stay, and the group ends when none is left."""
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.FREE or o.purpose != Purpose.ENTRY or o.wants_cancel:
            continue
        if min(o.price_ticks, o.sent_price_ticks) <= buy_ticks:
            cancel_order(s, out, now_ns, k, OrderReason.SELF_TRADE.value)


@jit
def settle(s: SymbolState) -> None:
    """The group ends when none of its slices lives or waits to be sent again."""
    if s.entry.status != GroupStatus.IDLE and s.entry.waiting_count == 0 and count_purpose(s, Purpose.ENTRY.value) == 0:
        s.entry.status = GroupStatus.IDLE


@jit
def on_refused(s: SymbolState, p: Params, o: Order) -> int:
    """A slice was refused as crossing, or cancelled by its own amend: it waits for the next valid book, within its budget.

    What would be below the venue's minimums at the lowest price it may be sent again at is given up, so that none is sent that would be
    refused. Returns the reason that its order ends with.
    """
    g = s.entry
    if g.status != GroupStatus.WORKING or o.lots <= o.cum_lots or o.reason == OrderReason.SELF_TRADE:
        return OrderReason.WOULD_CROSS.value
    if o.retries >= p.post_only_retries or g.waiting_count == MAX_SLICES:
        return OrderReason.POST_ONLY.value
    if o.lots - o.cum_lots < least_lots(s.ins, lowest_ask_ticks(p, g.placed_ask_ticks) + o.tick_offset, False):
        return OrderReason.TOO_SMALL.value
    waiting = g.waiting[g.waiting_count]
    waiting.lots = o.lots - o.cum_lots
    waiting.tick_offset = o.tick_offset
    waiting.slice_index = o.slice_index
    waiting.retries = o.retries + 1
    g.waiting_count += 1
    return OrderReason.WOULD_CROSS.value


@jit
def resend(s: SymbolState, p: Params, out: Out, now_ns: int, room_usd: float, highest_buy_ticks: int) -> None:
    """At a valid book, send refused slices again at the ask as it is now.

    One that the caps have no room for goes on waiting, one that would stand at our highest live buy or below it is given up.
    """
    g = s.entry
    if g.status != GroupStatus.WORKING or g.waiting_count == 0:
        return
    if is_too_far(s, p):
        reap(s, out, now_ns, OrderReason.REAP_CHASE.value)
        return
    room = room_usd
    kept = 0
    for k in range(g.waiting_count):
        waiting = g.waiting[k]
        if s.market.ask_ticks + waiting.tick_offset <= highest_buy_ticks:
            continue
        notional = price_of(s.ins, s.market.ask_ticks + waiting.tick_offset) * qty_of(s.ins, waiting.lots)
        if notional > room:
            _copy_waiting(waiting, g.waiting[kept])
            kept += 1
            continue
        room -= notional
        slot = _place_slice(s, out, now_ns, waiting.lots, waiting.tick_offset, waiting.slice_index, OrderReason.RETRY.value)
        if slot >= 0:
            s.orders[slot].retries = waiting.retries
    g.waiting_count = kept
    settle(s)


@jit
def _copy_waiting(source: WaitingSlice, dest: WaitingSlice) -> None:
    dest.lots = source.lots
    dest.tick_offset = source.tick_offset
    dest.slice_index = source.slice_index
    dest.retries = source.retries


@jit
def is_too_far(s: SymbolState, p: Params) -> bool:
    """Whether the ask has fallen too far below where the group was placed."""
    return bool(s.market.ask_ticks < lowest_ask_ticks(p, s.entry.placed_ask_ticks))


@jit
def chase(s: SymbolState, p: Params, out: Out, now_ns: int, room_usd: float, highest_buy_ticks: int) -> None:
    """Amend slices that are off the ask, each at most every `amend_interval`, within the caps; one that would meet our own buy goes.

    One that would be below the venue's minimums there stays where it is, further from the market, until the ask comes back or the reap.

    Args:
        room_usd: what the caps leave; an amend that needs more is not sent.
        highest_buy_ticks: our highest live buy.
    """
    if s.entry.status != GroupStatus.WORKING:
        return
    if is_too_far(s, p):
        reap(s, out, now_ns, OrderReason.REAP_CHASE.value)
        return
    room = room_usd
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status != OrderStatus.LIVE or o.purpose != Purpose.ENTRY:
            continue
        want = s.market.ask_ticks + o.tick_offset
        if o.price_ticks == want or now_ns - o.changed_ns < p.amend_interval_ns or o.lots < least_lots(s.ins, want, False):
            continue
        if want <= highest_buy_ticks:
            cancel_order(s, out, now_ns, k, OrderReason.SELF_TRADE.value)
            continue
        extra = price_of(s.ins, max(want - o.highest_ticks, 0)) * qty_of(s.ins, o.lots - o.cum_lots)
        if extra <= 0.0 or extra <= room:
            room -= extra
            emit_amend(s, out, now_ns, k, want, o.lots, OrderReason.CHASE.value)


@jit
def next_wake_ns(s: SymbolState, p: Params, now_ns: int) -> int:
    """When a timer of the group is due: its age, the end of the signal's grace, a throttle."""
    g = s.entry
    if g.status != GroupStatus.WORKING:
        return NEVER_NS
    wake = g.placed_ns + p.entry_max_age_ns
    if g.context == Context.ENTRY and g.placed_ns + p.entry_signal_grace_ns > now_ns:
        wake = min(wake, g.placed_ns + p.entry_signal_grace_ns)
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.LIVE and o.purpose == Purpose.ENTRY and o.price_ticks != s.market.ask_ticks + o.tick_offset:
            due = o.changed_ns + p.amend_interval_ns
            if due > now_ns:
                wake = min(wake, due)
    return wake
