"""What each step of an active close paid: its fills against the ask at the moment the close was decided."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from slackwater.runtime.tape_books import TapeBooks
from slackwater.runtime.trade_columns import OrderColumns, Real, TradeColumns, Whole, Words, cancels
from slackwater.schema.units import BPS

STEPS = ("maker", "ioc", "market")
CLEARED = ("clearing", "reap_close")  # why a close cancels what else works
UPGRADED = ("upgraded",)


@dataclass(frozen=True)
class CloseSteps:
    """The closes of a symbol: `groups` and `steps` of their orders, and of every fill its step, quantity, worth and slippage.

    `slippage_bps` is NaN where the ask at the decision is not known.
    """

    groups: Whole
    steps: Words
    fill_steps: Words
    qty: Real
    notional_usd: Real
    slippage_bps: Real


def close_steps(trades: TradeColumns, books: TapeBooks | None, tick: Fraction) -> CloseSteps:
    """The closes of one symbol, from its orders, the cancels that made room for them, and the asks of its tape."""
    orders, fills = trades.orders, trades.fills
    rows = np.flatnonzero(orders.purpose == "close")
    steps = _steps(orders, rows)
    own = np.flatnonzero(np.isin(fills.order, rows))
    decided_ns = _decided_ns(trades, rows)
    at = np.searchsorted(rows, fills.order[own])
    ask = np.zeros(len(own))
    if books is not None:
        ask = books.at_receive(decided_ns[at]).ask_ticks * tick.numerator / tick.denominator
    with np.errstate(divide="ignore", invalid="ignore"):
        slippage = np.where(ask > 0.0, (fills.price[own] - ask) / ask * BPS, np.nan)
    return CloseSteps(orders.group_id[rows], steps, steps[at], fills.qty[own], fills.notional_usd[own], slippage)


def _steps(orders: OrderColumns, rows: Whole) -> Words:
    """The step each order is: a market order, sweeps included, a limit that takes, or a limit that rests."""
    found = np.empty(len(rows), object)
    found[:] = np.where(orders.type[rows] == "market", "market", np.where(orders.tif[rows] == "ioc", "ioc", "maker")).tolist()
    return found


def _decided_ns(trades: TradeColumns, rows: Whole) -> Whole:
    """When what each closing order belongs to was decided.

    A close first cancels what else works, and its first order leaves when the last of that has ended: the cancel was sent at the decision.
    With nothing to cancel the order leaves at once. An upgrade decides anew. What waited for another answer first is late by that answer.
    """
    orders = trades.orders
    sent_by_end: dict[int, int] = {}
    renewed: dict[int, list[int]] = {}
    for k, sent_ns in cancels(trades, CLEARED).items():
        end_ns = int(orders.final_ns[k])
        sent_by_end[end_ns] = min(sent_ns, sent_by_end.get(end_ns, sent_ns))
    for k, sent_ns in cancels(trades, UPGRADED).items():
        renewed.setdefault(int(orders.group_id[k]), []).append(sent_ns)
    first_ns: dict[int, int] = {}
    found = np.zeros(len(rows), np.int64)
    for k in np.argsort(orders.created_ns[rows], kind="stable"):
        group, created_ns = int(orders.group_id[rows[k]]), int(orders.created_ns[rows[k]])
        decided_ns = first_ns.setdefault(group, sent_by_end.get(created_ns, created_ns))
        found[k] = max([decided_ns, *(ts_ns for ts_ns in renewed.get(group, []) if ts_ns <= created_ns)])
    return found


def step_figures(parts: list[CloseSteps]) -> dict[str, Any]:
    """How many closes were sent, how many reached each step, and what it paid.

    Slippage is the mean in bps, weighted by quantity in one symbol and by notional over several; positive is dearer than the ask was.
    """
    is_single = len(parts) == 1
    found: dict[str, Any] = {"closes": sum(len(set(part.groups.tolist())) for part in parts)}
    for step in STEPS:
        reached = sum(len(set(part.groups[part.steps == step].tolist())) for part in parts)
        orders = sum(int((part.steps == step).sum()) for part in parts)
        own = [part.fill_steps == step for part in parts]
        notional, slippage = (
            np.concatenate([np.zeros(0), *(getattr(part, name)[rows] for part, rows in zip(parts, own, strict=True))])
            for name in ("notional_usd", "slippage_bps")
        )
        weights = parts[0].qty[own[0]] if is_single else notional
        is_known = ~np.isnan(slippage)
        found[step] = {
            "closes": reached,
            "orders": orders,
            "fills": len(notional),
            "notional_usd": float(notional.sum()),
            "slippage_bps": float(np.average(slippage[is_known], weights=weights[is_known])) if is_known.any() else None,
        }
    return found
