"""What charts have in common: colours, axes, lines over time. A figure is a plain dictionary as plotly.js reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.research.levels import Pieces
from slackwater.research.page import Figure

INK, SOFT, GRID = "#1c2530", "#5b6774", "#e8ebee"
BID, ASK = "#94a3b8", "#475569"
ENTRY, TAKE_PROFIT, CLOSE = "#c2410c", "#0f766e", "#6d28d9"
EQUITY, DRAWDOWN, DEBT, POSITION = "#1d4ed8", "#b42318", "#92400e", "#334155"
MANY = ("#1d4ed8", "#c2410c", "#0f766e", "#6d28d9", "#a16207", "#be185d", "#0369a1", "#4d7c0f", "#7c2d12", "#475569")
FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
NS_PER_MS = 1e6
TIME_HOVER = "%Y-%m-%d %H:%M:%S.%L"


def milliseconds(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Nanoseconds as plotly.js counts dates."""
    return np.asarray(times / NS_PER_MS)


def layout(height: int, **more: Any) -> dict[str, Any]:
    """A layout with the report's looks."""
    return {
        "height": height,
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 74, "r": 16, "t": 12, "b": 36},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": "#c9d0d7", "font": {"size": 12}, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        **more,
    }


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis with a quiet grid."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": SOFT}, "standoff": 8},
        "gridcolor": GRID,
        "linecolor": "#c9d0d7",
        "tickfont": {"size": 11, "color": SOFT},
        "zeroline": False,
        "automargin": False,
        **more,
    }


def time_axis(**more: Any) -> dict[str, Any]:
    """A date axis in UTC."""
    return axis(type="date", hoverformat=TIME_HOVER, showline=True, ticks="outside", tickcolor="#c9d0d7", **more)


def line(name: str, times: NDArray[np.int64], values: NDArray[np.float64], color: str, **more: Any) -> Figure:
    """A line over time. `width`, `dash` and `shape` style it; everything else is the trace's."""
    style = {"color": color, "width": more.pop("width", 1.2)}
    style |= {key: more.pop(key) for key in ("dash", "shape") if key in more}
    return {"type": "scatter", "mode": "lines", "name": name, "x": milliseconds(times), "y": values, "line": style, **more}


def level_line(name: str, pieces: Pieces, color: str, **more: Any) -> Figure:
    """Horizontal pieces as one trace."""
    times, values = pieces.as_line()
    return line(name, times, values, color, connectgaps=False, **more)
