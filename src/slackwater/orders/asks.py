"""The asks of the newest books and when they happened: a report comes late, and what filled an order is seen by then."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.instrument import price_of
from slackwater.schema.state import MAX_ASKS, SymbolState


@jit
def note_ask(s: SymbolState) -> None:
    """Remember the ask of the book just taken in, if it is another than at the one before. To be called at each book that may bring one."""
    newest = s.asks[(s.ask_changes - 1) % MAX_ASKS]
    if s.ask_changes > 0 and newest.ask_ticks == s.market.ask_ticks:
        return
    change = s.asks[s.ask_changes % MAX_ASKS]
    change.event_ns = s.event_ns
    change.ask_ticks = s.market.ask_ticks
    s.ask_changes += 1


@jit
def ask_before(s: SymbolState, venue_ns: int) -> float:
    """The ask of the newest book that happened before a moment at the venue; the oldest remembered when none did, now's without any."""
    if s.ask_changes == 0:
        return float(s.market.ask)
    ticks = 0
    for back in range(1, min(s.ask_changes, MAX_ASKS) + 1):
        change = s.asks[(s.ask_changes - back) % MAX_ASKS]
        ticks = change.ask_ticks
        if change.event_ns < venue_ns:
            break
    return price_of(s.ins, ticks)
