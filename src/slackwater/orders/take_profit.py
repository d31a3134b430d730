"""The resting take-profit: one group of reduce-only post-only buys, kept in step with price and position."""

from __future__ import annotations

from slackwater.kernel.jit import jit, jit_inline
from slackwater.orders.asks import ask_before
from slackwater.orders.emit import cancel_order, cancel_purpose, count_purpose, emit_amend, emit_place, new_group, take_slot
from slackwater.orders.slicing import cut
from slackwater.schema.audit import Out
from slackwater.schema.commands import OrderType, Purpose, Side, Tif
from slackwater.schema.enums import OrderReason, OrderStatus
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ORDERS, MAX_SLICES, SymbolState
from slackwater.schema.units import NEVER_NS

MAX_OFFSET = MAX_SLICES - 1


@jit_inline
def is_in_step(s: SymbolState, now_ns: int, want_ticks: int, want_lots: int) -> bool:
    """Whether nothing has changed since `keep_in_step` last looked at the slices, and no throttle has ended."""
    tp = s.take_profit
    is_same = tp.seen_changes == s.order_changes and tp.want_ticks == want_ticks and tp.want_lots == want_lots
    return is_same and now_ns < tp.wake_ns and tp.rejected_ns == 0


@jit
def keep_in_step(s: SymbolState, p: Params, out: Out, now_ns: int, want_ticks: int, want_lots: int) -> int:
    """Place, amend or leave the take-profit so that its slices offer `want_lots` from `want_ticks` down.

    Growth goes to the slice nearest to the market, shrinking comes from the furthest one. Returns when to look again because of a
    throttle; NEVER_NS when nothing is held back.
    """
    tp = s.take_profit
    if is_in_step(s, now_ns, want_ticks, want_lots):
        return int(tp.wake_ns)
    tp.wake_ns = _step_all(s, p, out, now_ns, want_ticks, want_lots)
    tp.want_ticks = want_ticks
    tp.want_lots = want_lots
    tp.seen_changes = s.order_changes
    return int(tp.wake_ns)


@jit
def _step_all(s: SymbolState, p: Params, out: Out, now_ns: int, want_ticks: int, want_lots: int) -> int:
    """What `keep_in_step` does when anything may have changed."""
    offered = 0
    working = 0
    live_orders = 0
    nearest = -1
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.FREE or o.purpose != Purpose.TAKE_PROFIT:
            continue
        live_orders += 1
        if o.status == OrderStatus.CANCELING or o.wants_cancel:
            continue
        working += 1
        offered += max(o.sent_lots - o.cum_lots, 0)
        if nearest < 0 or o.tick_offset < s.orders[nearest].tick_offset:
            nearest = k
    if working == 0:
        return _place(s, p, out, now_ns, want_ticks, want_lots) if live_orders == 0 and want_lots > 0 else NEVER_NS
    if want_lots <= 0:
        cancel_purpose(s, out, now_ns, Purpose.TAKE_PROFIT.value, OrderReason.STEP.value)
        return NEVER_NS
    if offered > want_lots:
        return _shrink(s, p, out, now_ns, want_ticks, offered - want_lots)
    grown = want_lots - offered
    wake_ns = NEVER_NS
    if grown > 0 and s.take_profit.rejected_ns > 0:
        wake_ns = _retry_ns(s, p)
        if now_ns < wake_ns:
            grown = 0
        else:
            wake_ns = NEVER_NS
            s.take_profit.rejected_ns = 0
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.LIVE and o.purpose == Purpose.TAKE_PROFIT:
            wake_ns = min(wake_ns, _step(s, p, out, now_ns, k, want_ticks, o.lots + (grown if k == nearest else 0)))
    return wake_ns


@jit
def _step(s: SymbolState, p: Params, out: Out, now_ns: int, slot: int, want_ticks: int, lots: int) -> int:
    """Bring one live slice to its price and total quantity, unless its throttle holds it back; returns the throttle's end then."""
    o = s.orders[slot]
    price_ticks = max(want_ticks - o.tick_offset, 1)
    if o.price_ticks == price_ticks and o.lots == lots:
        return NEVER_NS
    due_ns = o.changed_ns + p.amend_interval_ns
    if now_ns < due_ns:
        return int(due_ns)
    emit_amend(s, out, now_ns, slot, price_ticks, lots, OrderReason.STEP.value)
    return NEVER_NS


@jit
def _shrink(s: SymbolState, p: Params, out: Out, now_ns: int, want_ticks: int, surplus: int) -> int:
    """Take a surplus from the slices, the one furthest from the market first; one that would be too small for the venue goes as a whole.

    A slice whose last request is not answered is passed over until it is.
    """
    left = surplus
    others = count_purpose(s, Purpose.TAKE_PROFIT.value) - 1
    wake_ns = NEVER_NS
    for offset in range(MAX_OFFSET, -1, -1):
        for k in range(MAX_ORDERS):
            o = s.orders[k]
            if o.status != OrderStatus.LIVE or o.purpose != Purpose.TAKE_PROFIT or o.tick_offset != offset:
                continue
            leaves = o.lots - o.cum_lots
            if left > 0 and leaves - left < s.ins.min_lots and others > 0:
                left -= leaves
                others -= 1
                cancel_order(s, out, now_ns, k, OrderReason.STEP.value)
                continue
            wake_ns = min(wake_ns, _step(s, p, out, now_ns, k, want_ticks, o.lots - max(left, 0)))
            left = 0
    return wake_ns


@jit
def _retry_ns(s: SymbolState, p: Params) -> int:
    """From when on what was refused may be sent again: not before half a second, nor while the ask is the same."""
    tp = s.take_profit
    if s.market.ask_ticks == tp.rejected_ask_ticks:
        return NEVER_NS
    return int(tp.rejected_ns + p.amend_interval_ns)


@jit
def _place(s: SymbolState, p: Params, out: Out, now_ns: int, want_ticks: int, want_lots: int) -> int:
    tp = s.take_profit
    if tp.rejected_ns > 0:
        retry_ns = _retry_ns(s, p)
        if now_ns < retry_ns:
            return retry_ns
    tp.rejected_ns = 0
    tp.group_id = new_group(s)
    tp.reference_ask = 0.0
    count = cut(s, p, now_ns, Side.BUY.value, want_ticks, want_lots)
    for k in range(count):
        slot = take_slot(s, Purpose.TAKE_PROFIT.value, Side.BUY.value, tp.group_id, k)
        if slot >= 0:
            offset = s.slices[k].tick_offset
            s.orders[slot].tick_offset = offset
            price_ticks = max(want_ticks - offset, 1)
            reason = OrderReason.TAKE_PROFIT.value
            emit_place(s, out, now_ns, slot, price_ticks, s.slices[k].lots, OrderType.LIMIT.value, Tif.GTX.value, reason)
    return NEVER_NS


@jit
def on_refused(s: SymbolState, now_ns: int) -> None:
    """A refused take-profit is tried again when the ask has changed; one that is refused while flat was the last position's."""
    if s.ledger.short_lots == 0:
        return
    s.take_profit.rejected_ns = now_ns
    s.take_profit.rejected_ask_ticks = s.market.ask_ticks


@jit
def forget_refusal(s: SymbolState) -> None:
    """Flat: what was refused was another position's, and the next one's take-profit need not wait."""
    s.take_profit.rejected_ns = 0


@jit
def reference_ask(s: SymbolState, group_id: int, venue_ns: int, known: float) -> float:
    """The ask at the venue just before a group's first fill, which is reported when this is first asked, as of `venue_ns`.

    Of a group that another one has followed it is what was `known` at the order's end, where something was.
    """
    if group_id != s.take_profit.group_id:
        return known if known > 0.0 else ask_before(s, venue_ns)
    if s.take_profit.reference_ask == 0.0:
        s.take_profit.reference_ask = ask_before(s, venue_ns)
    return s.take_profit.reference_ask


@jit
def highest_buy_ticks(s: SymbolState) -> int:
    """Our highest live or pending buy; 0 when there is none."""
    highest = 0
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status != OrderStatus.FREE and o.side == Side.BUY and o.type == OrderType.LIMIT:
            highest = max(highest, o.price_ticks, o.sent_price_ticks)
    return highest


@jit
def lowest_sell_ticks(s: SymbolState) -> int:
    """Our lowest live or pending sell; NEVER_NS when there is none."""
    lowest = NEVER_NS
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status != OrderStatus.FREE and o.side == Side.SELL:
            lowest = min(lowest, o.price_ticks, o.sent_price_ticks)
    return lowest
