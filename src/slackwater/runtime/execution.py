"""Execution of a run: how its orders fared, where the market went after its fills, what its closes paid, how long it held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from slackwater.data.parquet import give_back, read_columns
from slackwater.runtime.activity import activities
from slackwater.runtime.close_steps import CloseSteps, close_steps, step_figures
from slackwater.runtime.holding import Holdings, holding_figures, holdings
from slackwater.runtime.markouts import Markouts, markout_figures, markouts_bps
from slackwater.runtime.tape_books import TapeBooks
from slackwater.runtime.trade_columns import NEEDED, FillColumns, TradeTables, fill_columns, order_columns

Figures = dict[str, Any]
NO_TICK = Fraction(0)  # where there are no books, no tick is needed


@dataclass(frozen=True)
class Traded:
    """A symbol of a run and its market.

    Args:
        books: of its tape; None leaves markouts out.
        tick: its price step.
    """

    symbol: str
    books: TapeBooks | None = None
    tick: Fraction = NO_TICK


@dataclass(frozen=True)
class _Part:
    fills: FillColumns
    markouts: Markouts | None
    steps: CloseSteps
    held: Holdings
    figures: Figures


def read_trades(folder: Path) -> TradeTables:
    """The tables of a run directory, with the columns that are needed here only."""
    return TradeTables(*(_read(folder / f"{stem}.parquet", names.split()) for stem, names in NEEDED.items()))


def _read(path: Path, columns: list[str]) -> pa.Table:
    return read_columns(path, columns).unify_dictionaries().combine_chunks()


def execution(tables: TradeTables, traded: Sequence[Traded], span_ns: tuple[int, int]) -> tuple[Figures, dict[str, Figures]]:
    """The `execution` figures of a run: of all its symbols together, and of each.

    Args:
        span_ns: first and last moment of the run.
    """
    is_alone = len(traded) == 1
    parts = {entry.symbol: _part(tables if is_alone else tables.of(entry.symbol), entry, span_ns) for entry in traded}
    singles = {symbol: part.figures for symbol, part in parts.items()}
    if is_alone:
        return next(iter(singles.values())), singles
    return _together(tables, list(parts.values()), span_ns), singles


def _part(tables: TradeTables, entry: Traded, span_ns: tuple[int, int]) -> _Part:
    orders = order_columns(tables.orders)
    fills = fill_columns(tables.fills, orders)
    give_back()
    markouts = None if entry.books is None else markouts_bps(fills, entry.books, entry.tick)
    steps = close_steps(orders, fills)
    held = holdings(fills, span_ns[1])
    figures = {
        "orders": activities(orders, fills),
        "markouts": None if markouts is None else markout_figures(markouts, fills.purpose, fills.is_maker),
        "close_steps": step_figures([steps]),
        "held": holding_figures([held], span_ns[1] - span_ns[0]),
    }
    return _Part(fills, markouts, steps, held, figures)


def _together(tables: TradeTables, parts: list[_Part], span_ns: tuple[int, int]) -> Figures:
    orders = order_columns(tables.orders)
    together = activities(orders, fill_columns(tables.fills, orders))
    for figures in together.values():
        # Quantities of different symbols have no sum.
        figures["qty"] = None
        for cause in figures["by_cause"].values():
            cause["qty"] = None
    known = [part.markouts for part in parts if part.markouts is not None]
    markouts = None
    if len(known) == len(parts) > 0:
        purposes = np.concatenate([part.fills.purpose for part in parts])
        markouts = markout_figures(np.concatenate(known), purposes, np.concatenate([part.fills.is_maker for part in parts]))
    return {
        "orders": together,
        "markouts": markouts,
        "close_steps": step_figures([part.steps for part in parts]),
        "held": holding_figures([part.held for part in parts], span_ns[1] - span_ns[0]),
    }
