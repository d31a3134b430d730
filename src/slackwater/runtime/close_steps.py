"""What each step of an active close paid: its fills against the ask that the strategy judges them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slackwater.runtime.trade_columns import FillColumns, OrderColumns, Real, Whole, Words
from slackwater.schema.units import BPS

STEPS = ("maker", "ioc", "market")


@dataclass(frozen=True)
class CloseSteps:
    """The closes of a symbol: `groups` and `steps` of their orders, and of every fill its step, quantity, worth and slippage."""

    groups: Whole
    steps: Words
    fill_steps: Words
    qty: Real
    notional_usd: Real
    slippage_bps: Real


def close_steps(orders: OrderColumns, fills: FillColumns) -> CloseSteps:
    """The closes of one symbol, from its orders and fills."""
    rows = np.flatnonzero(orders.purpose == "close")
    steps = _steps(orders, rows)
    own = np.flatnonzero(np.isin(fills.order, rows))
    at = np.searchsorted(rows, fills.order[own])
    ask = fills.reference_ask[own]
    slippage = (fills.price[own] - ask) / ask * BPS
    return CloseSteps(orders.group_id[rows], steps, steps[at], fills.qty[own], fills.notional_usd[own], slippage)


def _steps(orders: OrderColumns, rows: Whole) -> Words:
    """The step each order is: a market order, sweeps included, a limit that takes, or a limit that rests."""
    found = np.empty(len(rows), object)
    found[:] = np.where(orders.type[rows] == "market", "market", np.where(orders.tif[rows] == "ioc", "ioc", "maker")).tolist()
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
        found[step] = {
            "closes": reached,
            "orders": orders,
            "fills": len(notional),
            "notional_usd": float(notional.sum()),
            "slippage_bps": float(np.average(slippage, weights=weights)) if len(slippage) else None,
        }
    return found
