"""Made-up tapes that ask much of the strategy: pumps that revert and pumps that do not, jumps, pauses, ties, bursts and senseless books.

All times are whole milliseconds, so that answers of the venue, whose latencies are not, never meet a row of the tape. No other row
happens at the moment of a funding payment, so that what is held then can be told from times alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slackwater.kernel.record import Box, rows
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.units import HOUR, MINUTE, MS, SEC
from tests.market_kit import T0

FEED_NS = 2 * MS
START_TICKS = 20_000


@dataclass(frozen=True)
class Shape:
    """What a tape is like.

    Args:
        pause_ms: times between events are drawn from these.
        gap_chance: how often nothing happens for minutes or hours, per event.
        jump_chance: how often the price leaps by per cents, per event.
        spread_ticks: spreads are drawn from these; 0 locks the book, a negative one crosses it.
        step_ticks: how far the price walks at an event.
        revert_chance: how often a pump falls back instead of going on.
        funding_chance: how often funding is paid, per event.
    """

    pause_ms: Sequence[int] = (0, 0, 1, 20, 51, 200, 400, 1000)
    gap_chance: float = 0.001
    jump_chance: float = 0.002
    spread_ticks: Sequence[int] = (14, 16, 20, 24, 40)
    step_ticks: int = 6
    revert_chance: float = 0.7
    funding_chance: float = 0.0


CALM = Shape(gap_chance=0.0, jump_chance=0.0)
WILD = Shape(jump_chance=0.01, gap_chance=0.004, spread_ticks=(0, 1, 6, 14, 20, 60, 120, -3), step_ticks=25, funding_chance=0.003)
BURSTS = Shape(pause_ms=(0, 0, 0, 0, 1, 3, 50, 2000), spread_ticks=(8, 14, 16, 30))
STEADY_RISE = Shape(revert_chance=0.1, step_ticks=5)
SLOW = Shape(pause_ms=(100, 500, 1500, 4000), gap_chance=0.01)
SHAPES = (CALM, WILD, BURSTS, STEADY_RISE, SLOW, Shape())


class _Walk:
    """A price with moods: it drifts, pumps, and comes back or not."""

    def __init__(self, rng: random.Random, shape: Shape) -> None:
        self.rng = rng
        self.shape = shape
        self.ticks = float(START_TICKS)
        self.base = self.ticks
        self.drift = 0.0
        self.left = 0

    def step(self) -> None:
        rng, shape = self.rng, self.shape
        if self.left == 0:
            self._change_mood()
        self.left -= 1
        self.ticks += self.drift + rng.uniform(-1.0, 1.0) * shape.step_ticks
        if rng.random() < shape.jump_chance:
            self.ticks *= rng.choice((0.97, 0.99, 1.006, 1.01, 1.03))
        self.ticks = min(max(self.ticks, 4_000.0), 90_000.0)

    def _change_mood(self) -> None:
        rng = self.rng
        self.left = rng.randrange(20, 160)
        if self.drift > 0.0 and rng.random() < self.shape.revert_chance:
            self.drift = (self.base - self.ticks) / self.left
        elif rng.random() < 0.5:
            self.base = self.ticks
            self.drift = rng.uniform(0.5, 4.0)
        else:
            self.drift = rng.uniform(-0.5, 0.5)


def make_tape(seed: int, length: int, shape: Shape) -> Box:
    """A tape of books and trades, with a little funding where the shape has it, in order of receipt."""
    rng = random.Random(seed)
    walk = _Walk(rng, shape)
    tape = rows(TapeRow, length)
    now = T0
    was_funding = False
    for row in tape:
        now += rng.choice(shape.pause_ms) * MS
        if rng.random() < shape.gap_chance:
            now += rng.choice((MINUTE, 3 * MINUTE, 10 * MINUTE, 2 * HOUR if rng.random() < 0.2 else MINUTE))
        walk.step()
        _fill_row(row, rng, walk, shape)
        is_funding = row.kind == RowKind.FUNDING
        now += MS if is_funding or was_funding else 0
        was_funding = is_funding
        row.ts_recv, row.ts_event = now, now - FEED_NS
    return tape


def _fill_row(row: np.record, rng: random.Random, walk: _Walk, shape: Shape) -> None:
    spread = rng.choice(shape.spread_ticks)
    bid = int(walk.ticks)
    if rng.random() < shape.funding_chance:
        row.kind, row.value = RowKind.FUNDING, rng.uniform(-0.002, 0.002)
    elif rng.random() < 0.6:
        row.kind = RowKind.BOOK
        row.price_ticks, row.lots = bid, _size(rng)
        row.ask_ticks, row.ask_lots = bid + spread, _size(rng)
        if rng.random() < 0.003:
            row.price_ticks = 0  # one side is missing
    else:
        is_buy = rng.random() < (0.75 if walk.drift > 0.0 else 0.4)
        row.kind, row.buyer_maker = RowKind.TRADE, not is_buy
        row.price_ticks, row.lots = (bid + spread if is_buy else bid), rng.choice((0, 1, 40, 900, 6_000))


def _size(rng: random.Random) -> int:
    return rng.choice((0, 3, 200, 1_500, 2_000, 5_000)) if rng.random() < 0.2 else rng.randrange(200, 6_000)


def seconds(tape: Box) -> float:
    """How long a tape lasts."""
    return float(tape.ts_recv[-1] - tape.ts_recv[0]) / SEC
