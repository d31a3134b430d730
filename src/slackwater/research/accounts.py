"""Money over time: equity, its fall from the peak, debt, for one symbol and summed over all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slackwater.research.read_run import Run, numbers
from slackwater.research.thinning import MAX_POINTS, Times, Values, thin


@dataclass(frozen=True)
class Account:
    """Equity, drawdown (zero or negative) and debt in usd at `times`, from nothing at the run's start to its end."""

    times: Times
    equity: Values
    drawdown: Values
    debt: Values


def account(run: Run, symbol: str | None = None) -> Account:
    """The account of a symbol, or of the whole run: at each row the sum of what every symbol last had.

    Rows that share a moment count once, at their last.
    """
    table = run.table("equity", symbol)
    times = numbers(table, "ts_ns")
    owners = np.zeros(len(times), np.int64)
    if symbol is None and len(run.symbols) > 1:
        owners = np.asarray(table["symbol"].combine_chunks().dictionary_encode().indices.to_numpy())
    order = np.argsort(times, kind="stable")
    times, owners = times[order], owners[order]
    equity = _summed(numbers(table, "equity_usd")[order], owners)
    debt = _summed(numbers(table, "debt_usd")[order], owners)
    is_last = np.append(times[1:] != times[:-1], True) if len(times) else np.zeros(0, np.bool_)
    times, equity, debt = times[is_last], equity[is_last], debt[is_last]
    first_ns, last_ns = int(run.document["first_ns"]), int(run.document["last_ns"])
    times = np.concatenate(([first_ns], times, [max(last_ns, int(times[-1]) if len(times) else first_ns)]))
    equity, debt = (np.concatenate(([0.0], values, values[-1:] if len(values) else [0.0])) for values in (equity, debt))
    return Account(times, equity, equity - np.maximum.accumulate(equity), debt)


def _summed(values: Values, owners: NDArray[np.int64]) -> Values:
    total = np.zeros(len(values))
    for owner in np.unique(owners):
        moves = np.zeros(len(values))
        own = owners == owner
        moves[own] = np.diff(values[own], prepend=0.0)
        total += np.cumsum(moves)
    return total


def drawn(times: Times, values: Values, points: int = MAX_POINTS) -> tuple[Times, Values]:
    """A line thinned for drawing."""
    rows = thin(times, values, points)
    return times[rows], values[rows]
