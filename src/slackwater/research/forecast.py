"""What the edge gate forecast when a position was opened or added to, beside what its close brought."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from slackwater.research.levels import orders_by_id
from slackwater.research.read_run import Run, numbers, words


@dataclass(frozen=True)
class Forecast:
    """One close: forecasts in bps at the entry that opened it and at the last add (None without one), and its net result in bps."""

    symbol: str
    close_ns: int
    layers: int
    reason: str
    net_bps: float
    expected_bps: float
    lcb_bps: float
    add_expected_bps: float | None
    add_lcb_bps: float | None


def forecasts(run: Run, symbol: str) -> list[Forecast]:
    """Every close of a symbol whose opening entry was judged by the edge gate, in the order of closing.

    A layer belongs to the close within which it first filled, and its forecast is the evaluation at the moment its orders were sent.
    """
    judged = _judged(run, symbol)
    opened = _first_fills(run, symbol)
    closes = run.table("closes", symbol)
    columns = [numbers(closes, name).tolist() for name in ("open_ns", "close_ns", "layers", "net_bps")]
    starts = [first_ns for first_ns, _ in opened]
    found = []
    for reason, open_ns, close_ns, layer_count, net_bps in zip(words(closes, "reason"), *columns, strict=True):
        within = opened[bisect_left(starts, open_ns) : bisect_right(starts, close_ns)]
        own = [judged[sent_ns] for _, sent_ns in within if sent_ns in judged]
        if not own:
            continue
        expected, lcb = own[0]
        add_expected, add_lcb = own[-1] if len(own) > 1 else (None, None)
        found.append(Forecast(symbol, close_ns, layer_count, reason, net_bps, expected, lcb, add_expected, add_lcb))
    return found


def _judged(run: Run, symbol: str) -> dict[int, tuple[float, float]]:
    """Expected edge and its lower bound by the time of every evaluation that passed."""
    edge = run.table("edge", symbol)
    passed = np.flatnonzero(np.asarray(edge["edge_ok"].to_numpy(zero_copy_only=False), np.bool_))
    columns = (numbers(edge, name)[passed].tolist() for name in ("ts_ns", "expected_edge_bps", "edge_lcb_bps"))
    return {ts_ns: (expected, lcb) for ts_ns, expected, lcb in zip(*columns, strict=True)}


def _first_fills(run: Run, symbol: str) -> list[tuple[int, int]]:
    """First fill and first sending of every entry group that filled, by first fill."""
    orders = orders_by_id(run, symbol)
    fills = run.table("fills", symbol)
    groups: dict[int, tuple[int, int]] = {}
    for key, ts_ns in zip(words(fills, "client_order_id"), numbers(fills, "ts_ns").tolist(), strict=True):
        purpose, group, sent_ns, _ = orders.get(key, ("", -1, 0, 0))
        if purpose != "entry":
            continue
        first_ns, known_ns = groups.get(group, (ts_ns, sent_ns))
        groups[group] = (first_ns, min(known_ns, sent_ns))
    return sorted(groups.values())
