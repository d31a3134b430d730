"""A small third venue in plain Python whose rules can be set to slackwater's or to hftbacktest's, one by one.

With all rules at ours it must give our fills, with all at theirs it must give hftbacktest's: then the list of rules is the whole list of
differences. A leg's difference is put down to the rule that alone turns our result into theirs, or to the fewest that do together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Flag, auto
from itertools import combinations
from typing import Any

import numpy as np
from cross_check_venue import Leg

from slackwater.schema.events import RowKind
from slackwater.schema.params import QueueModel

DUST = 1e-6  # far below a lot
DEEP_SHARE = {QueueModel.PESSIMISTIC: 1.0, QueueModel.PROPORTIONAL: 0.5, QueueModel.OPTIMISTIC: 0.0}
FEW = 3  # rules that are tried together


class Theirs(Flag):
    """The rules in which hftbacktest differs."""

    NONE = 0
    WHOLE_ON_TRADE = auto()  # a trade beyond the price fills the whole order, not up to the traded quantity
    WHOLE_ON_BOOK = auto()  # the other touch at the price fills the whole order, not up to the displayed size
    DEEP_KNOWN = auto()  # an order behind the touch stands behind what the level last showed, or nobody; ours does not know until it shows
    CANCELS = auto()  # what cancellations do to the queue
    TO_EACH = auto()  # each of our own orders gets the whole trade or size
    OWN_CROSS = auto()  # our own order on the other side does not refuse a post-only one
    ROUNDING = auto()  # a half lot that reaches us is a lot
    WHOLE_IN_TURN = auto()  # no partial fills: the first lot that reaches us fills the order


ALL_THEIRS = ~Theirs.NONE & ~Theirs.WHOLE_IN_TURN


@dataclass
class Resting:
    """A leg at the venue."""

    leg: Leg
    left: int
    ahead: float = 0.0
    is_known: bool = True
    shown: int = 0
    traded: int = 0


class Rules:
    """One venue. Feed it rows and legs through `play`."""

    def __init__(self, model: QueueModel, theirs: Theirs) -> None:
        self.model, self.theirs = model, theirs
        self.touch = {1: (0, 0), -1: (0, 0)}  # by side: price, size
        self.levels: dict[int, dict[int, int]] = {1: {}, -1: {}}  # as last shown, none that the touch has passed
        self.used = {1: 0, -1: 0}  # of the displayed touch, since that side changed
        self.live: list[Resting] = []
        self.fills: dict[int, dict[int, int]] = {}

    def has(self, rule: Theirs) -> bool:
        """Whether a rule is theirs."""
        return bool(self.theirs & rule)

    def arrive(self, leg: Leg) -> None:
        """A post-only order comes in."""
        side, price = leg.side, leg.price_ticks
        crosses_own = any(r.leg.side == -side and side * (price - r.leg.price_ticks) >= 0 for r in self.live)
        if side * (price - self.touch[-side][0]) >= 0 or (crosses_own and not self.has(Theirs.OWN_CROSS)):
            return
        resting = Resting(leg, leg.lots)
        behind = side * (self.touch[side][0] - price)
        if self.has(Theirs.DEEP_KNOWN):
            resting.shown = self.levels[side].get(price, 0)
        else:
            resting.is_known = behind <= 0
            resting.shown = self.touch[side][1] if behind == 0 else 0
        resting.ahead = float(resting.shown)
        # Ours are served from the best price on, at one price in the order of arrival.
        self.live.append(resting)
        self.live.sort(key=lambda r: -r.leg.side * r.leg.price_ticks)

    def end(self, leg: Leg) -> None:
        """A cancel comes in; it may find nothing."""
        self.live = [r for r in self.live if r.leg is not leg]

    def fill(self, resting: Resting, now_ns: int, lots: int) -> None:
        """Book a fill."""
        fills = self.fills.setdefault(resting.leg.number, {})
        fills[now_ns] = fills.get(now_ns, 0) + lots
        resting.left -= lots

    def trade(self, now_ns: int, price: int, lots: int, hit: int) -> None:
        """A trade of the tape, by an aggressor who hits orders of side `hit`."""
        spare = lots
        for r in self.live:
            through = hit * (r.leg.price_ticks - price)
            if r.leg.side != hit or through < 0:
                continue
            reach = lots if self.has(Theirs.TO_EACH) else spare
            if through > 0:
                got = r.left if self.has(Theirs.WHOLE_ON_TRADE) else min(r.left, reach)
            else:
                got = min(self.reached(r, lots, reach), r.left)
            if got > 0:
                spare = max(spare - got, 0)
                self.fill(r, now_ns, got)
        self.live = [r for r in self.live if r.left > 0]

    def reached(self, r: Resting, lots: int, reach: int) -> int:
        """Lots of a trade at our price that come as far as us, and what it does to the queue."""
        if not r.is_known:
            return 0
        r.traded += lots
        beyond = reach - r.ahead
        r.ahead = max(r.ahead - reach, 0.0)
        got = math.floor(beyond + 0.5) if self.has(Theirs.ROUNDING) else math.floor(beyond + DUST)
        if got > 0 and self.has(Theirs.WHOLE_IN_TURN):
            return r.left
        return max(got, 0)

    def book(self, now_ns: int, sides: dict[int, tuple[int, int]]) -> None:
        """A book of the tape."""
        before = self.touch
        self.touch = sides
        for side, (price, lots) in sides.items():
            levels = self.levels[side]
            for passed in [level for level in levels if side * (level - price) > 0]:
                del levels[passed]
            levels[price] = lots
            if before[side] != sides[side]:
                self.used[side] = 0
        for r in self.live:
            far, size = sides[-r.leg.side]
            if r.leg.side * (r.leg.price_ticks - far) >= 0:
                reach = size if self.has(Theirs.TO_EACH) else size - self.used[-r.leg.side]
                got = r.left if self.has(Theirs.WHOLE_ON_BOOK) else min(r.left, reach)
                if got > 0:
                    self.used[-r.leg.side] += got
                    self.fill(r, now_ns, got)
            self.learn(r)
        self.live = [r for r in self.live if r.left > 0]

    def learn(self, r: Resting) -> None:
        """What a book says about the queue in front of a resting order."""
        price, size = self.touch[r.leg.side]
        behind = r.leg.side * (price - r.leg.price_ticks)
        if behind > 0:
            return
        now = size if behind == 0 else 0
        if behind < 0:
            r.ahead = 0.0
        elif not r.is_known:
            r.ahead = size * DEEP_SHARE[self.model]
        elif self.has(Theirs.CANCELS):
            r.ahead = self.their_queue(r, now)
        else:
            after_trades = r.shown - r.traded
            gone = after_trades - now
            if gone > 0:
                share = {QueueModel.PESSIMISTIC: 0.0, QueueModel.OPTIMISTIC: 1.0}
                part = share.get(self.model, min(r.ahead / after_trades, 1.0))
                r.ahead = max(r.ahead - gone * part, 0.0)
        r.is_known, r.shown, r.traded = True, now, 0

    def their_queue(self, r: Resting, now: int) -> float:
        """Risk-averse: never more than is displayed. Probability, power 1: the share of what was displayed before the trades."""
        gone = r.shown - now - r.traded
        if self.model == QueueModel.PESSIMISTIC or gone < 0:
            return min(r.ahead, now)
        back = r.shown - r.ahead
        stays = back / r.shown if r.shown else 1.0
        return max(min(r.ahead - (1.0 - stays) * gone + min(back - stays * gone, 0.0), now), 0.0)


def play(tape: Any, legs: list[Leg], model: QueueModel, theirs: Theirs) -> list[dict[int, int]]:
    """Fills of every leg, lots by venue time, under a set of rules."""
    venue = Rules(model, theirs)
    moves = [(leg.arrival_ns, leg.number, 1, leg) for leg in legs] + [(leg.end_ns, leg.number, 0, leg) for leg in legs]
    moves.sort(key=lambda move: move[:3])
    k = 0
    for row in tape:
        while k < len(moves) and moves[k][0] < row[0]:
            (venue.arrive if moves[k][2] else venue.end)(moves[k][3])
            k += 1
        if row[1] == RowKind.TRADE:
            venue.trade(row[0], row[2], row[3], 1 if row[6] else -1)
        else:
            venue.book(row[0], {1: (row[2], row[3]), -1: (row[4], row[5])})
    return [venue.fills.get(leg.number, {}) for leg in legs]


def plain_rows(tape: Any) -> list[tuple[int, ...]]:
    """Rows as tuples of time, kind, price, lots, ask price, ask lots, buyer is maker."""
    names = ("ts_event", "kind", "price_ticks", "lots", "ask_ticks", "ask_lots", "buyer_maker")
    return list(zip(*(np.asarray(tape[name]).tolist() for name in names), strict=True))


def explain(tape: list[tuple[int, ...]], legs: list[Leg], theirs: list[dict[int, int]], model: QueueModel, rules: Theirs) -> dict[int, str]:
    """For every leg that differs, the fewest rules that turn our result into theirs; `together` when more than a few are needed."""
    ours = [leg.fills for leg in legs]
    open_legs = {leg.number for leg in legs if ours[leg.number] != theirs[leg.number]}
    found: dict[int, str] = {}
    for size in range(1, FEW + 1):
        for chosen in combinations(rules, size):
            if not open_legs:
                return found
            flags = Theirs.NONE
            for rule in chosen:
                flags |= rule
            result = play(tape, legs, model, flags)
            for number in [n for n in open_legs if result[n] == theirs[n]]:
                found[number] = " + ".join(str(rule.name).lower() for rule in chosen)
                open_legs.discard(number)
    return found | dict.fromkeys(open_legs, "together")
