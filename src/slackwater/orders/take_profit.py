"""The resting take-profit: one reduce-only post-only group, kept in step with price and position."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.orders.emit import cancel_purpose, emit_amend, emit_place, new_group, take_slot
from slackwater.schema.audit import Out
from slackwater.schema.commands import OrderType, Purpose, Side, Tif
from slackwater.schema.enums import OrderReason, OrderStatus
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ORDERS, SymbolState
from slackwater.schema.units import NEVER_NS


@jit
def _slot(s: SymbolState) -> int:
    for k in range(MAX_ORDERS):
        if s.orders[k].status != OrderStatus.FREE and s.orders[k].purpose == Purpose.TAKE_PROFIT:
            return k
    return -1


@jit
def keep_in_step(s: SymbolState, p: Params, out: Out, now_ns: int, want_ticks: int, want_lots: int) -> int:
    """Place, amend or leave the take-profit so that it offers `want_lots` at `want_ticks`.

    Returns when to look again because of a throttle; NEVER_NS when nothing is held back.
    """
    slot = _slot(s)
    if slot < 0:
        return _place(s, p, out, now_ns, want_ticks, want_lots) if want_lots > 0 else NEVER_NS
    o = s.orders[slot]
    if want_lots <= 0:
        cancel_purpose(s, out, now_ns, Purpose.TAKE_PROFIT.value, OrderReason.STEP.value)
        return NEVER_NS
    if o.status != OrderStatus.LIVE or (o.price_ticks == want_ticks and o.lots - o.cum_lots == want_lots):
        return NEVER_NS
    due = o.changed_ns + p.amend_interval_ns
    if now_ns < due:
        return due
    emit_amend(s, out, now_ns, slot, want_ticks, o.cum_lots + want_lots, OrderReason.STEP.value)
    return NEVER_NS


@jit
def _place(s: SymbolState, p: Params, out: Out, now_ns: int, want_ticks: int, want_lots: int) -> int:
    tp = s.take_profit
    if tp.rejected_ns > 0:
        if s.market.ask_ticks == tp.rejected_ask_ticks:
            return NEVER_NS
        if now_ns < tp.rejected_ns + p.amend_interval_ns:
            return tp.rejected_ns + p.amend_interval_ns
    tp.rejected_ns = 0
    tp.group_id = new_group(s)
    tp.reference_ask = 0.0
    slot = take_slot(s, Purpose.TAKE_PROFIT.value, Side.BUY.value, tp.group_id, 0)
    if slot >= 0:
        emit_place(s, out, now_ns, slot, want_ticks, want_lots, OrderType.LIMIT.value, Tif.GTX.value, OrderReason.TAKE_PROFIT.value)
    return NEVER_NS


@jit
def on_refused(s: SymbolState, now_ns: int) -> None:
    """A refused take-profit is tried again when the ask has changed."""
    s.take_profit.rejected_ns = now_ns
    s.take_profit.rejected_ask_ticks = s.market.ask_ticks


@jit
def forget_refusal(s: SymbolState) -> None:
    """Flat: what was refused was another position's, and the next one's take-profit need not wait."""
    s.take_profit.rejected_ns = 0


@jit
def reference_ask(s: SymbolState) -> float:
    """The ask just before the group's first fill, taken at that fill."""
    if s.take_profit.reference_ask == 0.0:
        s.take_profit.reference_ask = s.market.ask
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
