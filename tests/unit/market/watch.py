"""One way to show events to the market, so that all tests share one compilation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slackwater.kernel.record import Box, new, rows
from slackwater.market.batch import SignalRow, fill_signals
from slackwater.schema.market import MarketState
from tests.market_kit import Book, Trade, instrument, signal_params, tape_of


def watch_tape(tape: Box, **changes: float) -> tuple[Any, Any]:
    """All signal rows of a tape and the state after it."""
    market = new(MarketState)
    out = rows(SignalRow, len(tape))
    filled = fill_signals(market, instrument(), signal_params(**changes), tape, out)
    return out[:filled], market[0]


def watch(events: Sequence[Book | Trade], **changes: float) -> tuple[Any, Any]:
    """All signal rows of some events and the state after them."""
    return watch_tape(tape_of(events), **changes)


def last(events: Sequence[Book | Trade], **changes: float) -> Any:
    """The signals after the last book."""
    return watch(events, **changes)[0][-1]


def steps(count: int, first_ns: int, step_ns: int) -> list[int]:
    """Times at even distances."""
    return [int(t) for t in first_ns + step_ns * np.arange(count)]
