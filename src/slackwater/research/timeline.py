"""The chart a trader looks at first: price with every fill and level, position, equity and drawdown, debt, on one time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from slackwater.research import figures as fig
from slackwater.research.accounts import Account, account, drawn
from slackwater.research.levels import Pieces, average_entries, layers, orders_by_id, take_profit_levels, thinned
from slackwater.research.page import Figure
from slackwater.research.prices import PriceLine
from slackwater.research.read_run import Run, numbers, words
from slackwater.research.thinning import KEPT, even_edges, extremes
from slackwater.research.wording import spoken
from slackwater.runtime.tables import VENUES_OWN
from slackwater.runtime.trade_columns import LEARNED, LIQUIDATION

MARKS_PER_POINT = 4  # fills marked for each point a line may have: every one of most runs
SHAPES = {"entry": "triangle-down", "take_profit": "triangle-up", "close": "diamond", "liquidation": "x"}
COLORS = {"entry": fig.ENTRY, "take_profit": fig.TAKE_PROFIT, "close": fig.CLOSE, "liquidation": fig.DRAWDOWN}
NAMES = {"entry": "Entry sell", "take_profit": "Take-profit buy", "close": "Closing buy", "liquidation": "Liquidation"}
ENDINGS = {"queue": "", "trade_through": "-open", "book_through": "-dot", "taker": "-open-dot", LEARNED: ""}
PALE = 0.4  # what was learned: filled, as those of the queue are, and pale
FILL_HOVER = (
    f"%{{x|{fig.TIME_HOVER}}}<br>price %{{y}}, quantity %{{customdata[1]}}<br>"
    "queue ahead %{customdata[3]}, fee %{customdata[2]:.5f} usd<br>"
    "position after %{customdata[4]}, average entry %{customdata[5]:.10~g}<br>%{customdata[0]}"
)
# Share of the height from bottom to top; debt takes its row only when there was any.
ROWS = {"price": (0.50, 1.0), "position": (0.37, 0.48), "equity": (0.205, 0.35), "drawdown": (0.0, 0.185)}
ROWS_WITH_DEBT = {"price": (0.53, 1.0), "position": (0.415, 0.51), "equity": (0.26, 0.395), "drawdown": (0.125, 0.24), "debt": (0.0, 0.105)}
HEIGHTS = {1: 420, 4: 820, 5: 880}  # by number of rows
TITLES = {"price": "Price", "position": "Position", "equity": "Equity, usd", "drawdown": "Drawdown, usd", "debt": "Debt, usd"}


@dataclass(frozen=True)
class Timeline:
    """The chart of a symbol and the sentences that belong above it."""

    figure: Figure
    notes: list[str]


def timeline(run: Run, symbol: str, price: PriceLine, points: int) -> Timeline:
    """The chart of one symbol. Lines have at most about `points` points."""
    fills = run.table("fills", symbol)
    money = account(run, symbol)
    has_debt = bool(np.any(money.debt > 0.0))
    rows = ROWS_WITH_DEBT if has_debt else ROWS
    if fills.num_rows == 0:
        rows = {"price": (0.0, 1.0)}
    axes = {name: f"y{k + 1}" if k else "y" for k, name in enumerate(rows)}
    traces, notes = _market(price), [price.source]
    traces += _levels(run, symbol, fills, points)
    marks, note = _fill_marks(run, symbol, fills, MARKS_PER_POINT * points)
    traces += marks
    if "position" in axes:
        traces += _position(run, fills, axes["position"])
        traces += _money(money, axes, points)
    notes += note
    if not has_debt and "position" in axes:
        notes.append("No recovery debt arose.")
    return Timeline({"data": traces, "layout": _layout(run, rows, axes)}, notes)


def _layout(run: Run, rows: dict[str, tuple[float, float]], axes: dict[str, str]) -> dict[str, Any]:
    span = [run.document["first_ns"] / fig.NS_PER_MS, run.document["last_ns"] / fig.NS_PER_MS]
    result = fig.layout(HEIGHTS[len(rows)], hovermode="closest")
    # The time axis belongs to the lowest row, so its numbers stand at the bottom.
    result["xaxis"] = fig.time_axis(range=span, anchor=axes[list(rows)[-1]])
    for name, domain in rows.items():
        more: dict[str, Any] = {"rangemode": "tozero"} if name != "price" else {"tickformat": ",.10~g"}
        result[f"yaxis{axes[name][1:]}"] = fig.axis(
            TITLES[name], domain=list(domain), anchor="x", nticks=12 if name == "price" else 4, **more
        )
    result["legend"] |= {"tracegroupgap": 4, "itemwidth": 30}
    return result


def _market(price: PriceLine) -> list[Figure]:
    traces = []
    if price.bid is not None:
        traces.append(fig.line("Bid", price.times, price.bid, fig.BID, width=1.0, shape="hv", hoverinfo="x+y+name"))
    return [*traces, fig.line("Ask", price.times, price.ask, fig.ASK, width=1.0, shape="hv", hoverinfo="x+y+name")]


def _levels(run: Run, symbol: str, fills: pa.Table, points: int) -> list[Figure]:
    last_ns = int(run.document["last_ns"])
    parts: list[tuple[str, Pieces, str, dict[str, Any]]] = [
        ("Layer", layers(run, symbol), fig.ENTRY, {"width": 1.2, "dash": "dot"}),
        ("Average entry", average_entries(fills, last_ns), fig.ENTRY, {"width": 2.2}),
        ("Resting take-profit", take_profit_levels(run, symbol), fig.TAKE_PROFIT, {"width": 1.6}),
    ]
    return [
        fig.level_line(name, thinned(pieces, points), color, hoverinfo="x+y+name", **style)
        for name, pieces, color, style in parts
        if len(pieces)
    ]


def _fill_marks(run: Run, symbol: str, fills: pa.Table, most: int) -> tuple[list[Figure], list[str]]:
    """Marks by purpose (shape and colour) and cause (filling), with everything about the fill when pointed at."""
    note = []
    total = fills.num_rows
    if total > most:
        times = numbers(fills, "ts_ns")
        chosen = extremes(times, numbers(fills, "price"), even_edges(int(times[0]), int(times[-1]) + 1, max(most // KEPT, 1)))
        fills = fills.take(pa.array(chosen))
        note.append(f"{len(chosen):,} of {total:,} fills are marked: of each stretch of time the lowest, the highest and the last.")
    orders = orders_by_id(run, symbol)
    ids, causes, sides = words(fills, "client_order_id"), words(fills, "cause"), words(fills, "side")
    kinds = [
        (orders[key][0] if key in orders else _fallback(key, side), cause) for key, cause, side in zip(ids, causes, sides, strict=True)
    ]
    traces = []
    for purpose in SHAPES:
        for cause in ENDINGS:
            rows = np.array([k for k, kind in enumerate(kinds) if kind == (purpose, cause)], np.int64)
            if len(rows):
                traces.append(_marks(fills.take(pa.array(rows)), purpose, cause))
    return traces, note


def _fallback(client_order_id: str, side: str) -> str:
    """The purpose of a fill whose order has not ended, or is the venue's."""
    return LIQUIDATION if client_order_id.endswith(VENUES_OWN) else "entry" if side == "sell" else "close"


def _marks(fills: pa.Table, purpose: str, cause: str) -> Figure:
    fields = ("qty", "fee_usd", "queue_ahead_qty", "position_qty_after", "avg_entry_after")
    columns = [numbers(fills, name).tolist() for name in fields]
    # An unknown queue has no number: say so in words.
    columns[2] = ["unknown" if ahead != ahead else f"{ahead:.10g}" for ahead in columns[2]]
    details = [list(row) for row in zip(words(fills, "client_order_id"), *columns, strict=True)]
    color = COLORS[purpose]
    rim = color if "open" in ENDINGS[cause] else "#ffffff"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{NAMES[purpose]}, {spoken(cause)}",
        "x": fig.milliseconds(numbers(fills, "ts_ns")),
        "y": numbers(fills, "price"),
        "customdata": details,
        "marker": {
            "symbol": SHAPES[purpose] + ENDINGS[cause],
            "size": 9 if rim == color else 11,
            "color": color,
            "opacity": PALE if cause == LEARNED else 1.0,
            "line": {"width": 1.4, "color": rim},
        },
        "hovertemplate": f"<b>{NAMES[purpose]}</b>, {spoken(cause)}<br>{FILL_HOVER}<extra></extra>",
    }


def _position(run: Run, fills: pa.Table, axis: str) -> list[Figure]:
    times = np.concatenate(([run.document["first_ns"]], numbers(fills, "ts_ns"), [run.document["last_ns"]]))
    held = numbers(fills, "position_qty_after")
    held = np.concatenate(([0.0], held, held[-1:] if len(held) else [0.0]))
    times, held = drawn(times, held)
    style = {"width": 1.2, "shape": "hv", "fill": "tozeroy", "fillcolor": "rgba(51,65,85,0.14)"}
    return [fig.line("Position", times, held, fig.POSITION, yaxis=axis, showlegend=False, hoverinfo="x+y+name", **style)]


def _money(money: Account, axes: dict[str, str], points: int) -> list[Figure]:
    quiet: dict[str, Any] = {"showlegend": False, "hoverinfo": "x+y+name"}
    equity, drawdown, debt = (drawn(money.times, values, points) for values in (money.equity, money.drawdown, money.debt))
    traces = [
        fig.line("Equity", *equity, fig.EQUITY, yaxis=axes["equity"], width=1.4, shape="hv", **quiet),
        fig.line(
            "Drawdown",
            *drawdown,
            fig.DRAWDOWN,
            yaxis=axes["drawdown"],
            shape="hv",
            fill="tozeroy",
            fillcolor="rgba(180,35,24,0.12)",
            **quiet,
        ),
    ]
    if "debt" in axes:
        traces.append(
            fig.line("Debt", *debt, fig.DEBT, yaxis=axes["debt"], shape="hv", fill="tozeroy", fillcolor="rgba(146,64,14,0.12)", **quiet)
        )
    return traces
