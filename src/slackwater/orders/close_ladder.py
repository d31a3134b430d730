"""The active close: clear the book of our own orders, then maker, then IOC, then market, each step with what the last one left.

The ladder carries a target position, not a quantity: whatever fills meanwhile, each step asks for `position now - target`.
"""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.orders.emit import cancel_purpose, count_purpose, emit_place, new_group, take_slot
from slackwater.orders.entry_group import reap
from slackwater.schema.audit import Out
from slackwater.schema.commands import OrderType, Purpose, Side, Tif
from slackwater.schema.enums import CloseStep, ExitReason, Occasion, OrderReason, OrderStatus
from slackwater.schema.events import Report, ReportKind, VenueReason
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ORDERS, SymbolState
from slackwater.schema.units import MS, NEVER_NS

SWEEP_INTERVAL_NS = 500 * MS
MOST_DOUBLINGS = 7  # of that, while the venue holds nothing to close: about a minute


@jit
def is_closing(s: SymbolState) -> bool:
    """Whether a close is under way."""
    return s.close.step != CloseStep.IDLE


@jit
def start_close(s: SymbolState, out: Out, now_ns: int, reason: int, target_lots: int) -> None:
    """Begin a close: the take-profit and the entry group go first."""
    c = s.close
    c.step = CloseStep.CLEARING
    c.reason = reason
    c.group_id = new_group(s)
    c.target_lots = target_lots
    c.decided_ns = now_ns
    c.reference_ask = s.market.ask
    c.swept_ns = 0
    c.refusals = 0
    c.slices = 0
    reap(s, out, now_ns, OrderReason.REAP_CLOSE.value)
    cancel_purpose(s, out, now_ns, Purpose.TAKE_PROFIT.value, OrderReason.CLEARING.value)


@jit
def upgrade_close(s: SymbolState, out: Out, now_ns: int, reason: int) -> None:
    """A forced exit takes over: everything goes, for its reason, without waiting for a maker."""
    c = s.close
    c.reason = reason
    c.target_lots = 0
    c.decided_ns = now_ns
    c.reference_ask = s.market.ask
    if c.step == CloseStep.MAKER:
        cancel_purpose(s, out, now_ns, Purpose.CLOSE.value, OrderReason.UPGRADED.value)


@jit
def advance(s: SymbolState, p: Params, out: Out, now_ns: int, pays: bool, skips_maker: bool, occasion: int) -> None:
    """Take the next step when the last one has ended.

    Args:
        pays: whether the close still clears what its reason asks; when not, it is dropped before its next order.
        skips_maker: whether the reason goes straight to the IOC.
        occasion: sweeps happen only at a valid book.
    """
    c = s.close
    if c.step == CloseStep.CLEARING:
        if count_purpose(s, Purpose.TAKE_PROFIT.value) + count_purpose(s, Purpose.ENTRY.value) > 0:
            return
    elif count_purpose(s, Purpose.CLOSE.value) > 0:
        if c.step == CloseStep.MAKER and now_ns - c.step_ns >= p.maker_exit_wait_ns:
            cancel_purpose(s, out, now_ns, Purpose.CLOSE.value, OrderReason.MAKER_TIMEOUT.value)
        return
    if is_done(s):
        finish_close(s)
        return
    if c.step == CloseStep.CLEARING or c.step == CloseStep.MAKER or c.step == CloseStep.IOC:
        if not pays:
            drop_close(s, now_ns)
            return
    if c.step == CloseStep.CLEARING and not skips_maker:
        _send_maker(s, out, now_ns)
    elif c.step == CloseStep.CLEARING or c.step == CloseStep.MAKER:
        _send_ioc(s, out, now_ns)
    elif c.step == CloseStep.IOC:
        _send_market(s, out, now_ns, OrderReason.CLOSE_MARKET.value)
    else:
        _sweep(s, out, now_ns, occasion)


@jit
def is_done(s: SymbolState) -> bool:
    """Whether the target is reached, or what a partial close leaves is too small for the venue and stays with the take-profit."""
    left = s.ledger.short_lots - s.close.target_lots
    return left <= 0 or (s.close.target_lots > 0 and left < s.ins.min_lots)


@jit
def _sweep(s: SymbolState, out: Out, now_ns: int, occasion: int) -> None:
    """A remainder after the market order is swept at valid books, at most every half second; twice as long after each refusal in a row.

    What the venue refuses as `reduce_only` it does not hold: word of what became of it is still to come, and no order brings it.
    """
    c = s.close
    c.step = CloseStep.SWEEP
    if occasion == Occasion.BOOK and now_ns - c.swept_ns >= SWEEP_INTERVAL_NS << min(c.refusals, MOST_DOUBLINGS):
        c.swept_ns = now_ns
        _send_market(s, out, now_ns, OrderReason.SWEEP.value)


@jit
def note_answer(s: SymbolState, r: Report) -> None:
    """Count how often in a row the venue held nothing for an order of the close; any other refusal says nothing about that."""
    if r.kind != ReportKind.REJECT:
        s.close.refusals = 0
    elif r.reason == VenueReason.REDUCE_ONLY:
        s.close.refusals += 1


@jit
def _send_maker(s: SymbolState, out: Out, now_ns: int) -> None:
    s.close.step = CloseStep.MAKER
    price = min(s.market.bid_ticks + 1, s.market.ask_ticks - 1)
    _send(s, out, now_ns, price, OrderType.LIMIT.value, Tif.GTX.value, OrderReason.CLOSE_MAKER.value)


@jit
def _send_ioc(s: SymbolState, out: Out, now_ns: int) -> None:
    s.close.step = CloseStep.IOC
    _send(s, out, now_ns, s.market.ask_ticks, OrderType.LIMIT.value, Tif.IOC.value, OrderReason.CLOSE_IOC.value)


@jit
def _send_market(s: SymbolState, out: Out, now_ns: int, reason: int) -> None:
    s.close.step = CloseStep.MARKET
    _send(s, out, now_ns, s.market.ask_ticks, OrderType.MARKET.value, Tif.IOC.value, reason)


@jit
def _send(s: SymbolState, out: Out, now_ns: int, price_ticks: int, type_: int, tif: int, reason: int) -> None:
    c = s.close
    slot = take_slot(s, Purpose.CLOSE.value, Side.BUY.value, c.group_id, c.slices)
    if slot < 0:
        return
    c.slices += 1
    c.step_ns = now_ns
    price = price_ticks if type_ == OrderType.LIMIT else 0
    emit_place(s, out, now_ns, slot, price, s.ledger.short_lots - c.target_lots, type_, tif, reason)


@jit
def finish_close(s: SymbolState) -> None:
    """The target is reached."""
    s.close.step = CloseStep.IDLE
    s.close.reason = ExitReason.NONE


@jit
def drop_close(s: SymbolState, now_ns: int) -> None:
    """The reason no longer holds: the rest gets its take-profit back, and the reason waits before it fires again."""
    s.close.dropped_ns[s.close.reason] = now_ns
    finish_close(s)


@jit
def next_wake_ns(s: SymbolState, p: Params, now_ns: int) -> int:
    """When the maker step has waited long enough."""
    if s.close.step != CloseStep.MAKER:
        return NEVER_NS
    for k in range(MAX_ORDERS):
        o = s.orders[k]
        if o.status == OrderStatus.LIVE and o.purpose == Purpose.CLOSE:
            due = s.close.step_ns + p.maker_exit_wait_ns
            return due if due > now_ns else now_ns + 1
    return NEVER_NS
