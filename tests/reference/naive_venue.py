"""A venue that fills everything, for running the reference alone.

An entry fills whole at the next valid book, the resting take-profit when the ask comes to it, a close at the next ask.
"""

from __future__ import annotations

from tests.reference.decisions import Decision
from tests.reference.strategy import ReferenceStrategy


class NaiveVenue:
    """Fills what the reference decided one book later."""

    def __init__(self, strategy: ReferenceStrategy) -> None:
        self.strategy = strategy
        self.last: Decision | None = None
        self.group = 0

    def before_book(self, now: int, ask_ticks: int) -> None:
        """Carry out what was decided at the book before."""
        one, last = self.strategy, self.last
        if last is None:
            return
        price = one.market.price
        if last.shot is not None and last.shot.reason == "pass":
            fee = price(last.shot.price_ticks) * one.ledger.quantity(last.shot.lots) * one.settings.maker_fee
            one.on_fill(now, "entry", self.group, last.shot.price_ticks, last.shot.lots, fee)
            one.on_group_done(now, "entry")
        position = one.ledger.position
        if last.exit is None or position is None:
            return
        if one.state.is_closing and one.state.close is not None:
            self._buy(now, "close", ask_ticks, position.held_lots - one.state.close.target_lots, one.settings.taker_fee)
            one.on_group_done(now, "close")
        elif ask_ticks <= last.exit.rest_price_ticks:
            lots = min(last.exit.rest_lots, position.held_lots)
            self._buy(now, "take_profit", last.exit.rest_price_ticks, lots, one.settings.maker_fee)

    def _buy(self, now: int, purpose: str, ticks: int, lots: int, fee_rate: float) -> None:
        self.group += 1
        one = self.strategy
        one.on_fill(now, purpose, self.group, ticks, lots, one.market.price(ticks) * one.ledger.quantity(lots) * fee_rate)

    def after_book(self, decision: Decision) -> None:
        """Send what was decided."""
        one = self.strategy
        self.last = decision
        if decision.shot is not None and decision.shot.reason == "pass":
            self.group += 1
            one.on_order_sent(decision.now_ns, "entry", self.group)
        if decision.exit is not None and decision.exit.reason != "none":
            one.on_close_decided(decision.exit.reason, decision.exit.target_lots)
