"""Charts without the time line: the gate funnel, forecast against result, and the equity of all symbols or runs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slackwater.research import figures as fig
from slackwater.research.accounts import Account, drawn
from slackwater.research.forecast import Forecast
from slackwater.research.funnel import GateStep
from slackwater.research.page import Figure
from slackwater.research.wording import MISSING, share, spoken

MS_PER_HOUR = 3.6e6
REACHED, STOPPED, SHOT = "#dbe2ea", "#475569", fig.ENTRY


def funnel_chart(steps: Sequence[GateStep]) -> Figure:
    """Horizontal bars in gate order: how many evaluations reached a gate, and how many of them it stopped."""
    shown = [step for step in steps if step.stopped or step.gate == "pass"]
    total = max((step.reached for step in steps), default=0)
    names = ["a shot" if step.gate == "pass" else spoken(step.gate) for step in shown]
    parts = [share(step.reached / total) if total else MISSING for step in shown]
    about = [_said(step, part) for step, part in zip(shown, parts, strict=True)]
    hover = "%{y}: %{customdata}<extra></extra>"
    bars: dict[str, Any] = {"type": "bar", "orientation": "h", "y": names, "customdata": about, "hovertemplate": hover}
    colors = [SHOT if step.gate == "pass" else STOPPED for step in shown]
    layout = fig.layout(110 + 25 * max(len(shown), 3), barmode="overlay", bargap=0.3)
    layout["margin"] |= {"l": 126, "t": 46, "r": 160}
    layout["yaxis"] = fig.axis(autorange="reversed", showgrid=False, ticks="")
    layout["xaxis"] = fig.axis(type="log", range=_decades(total), dtick=1, tickformat=",d")
    layout["updatemenus"] = [_scale_switch(total)]
    rows = [
        (-0.9, "went no further", "reached"),
        *((k, f"{step.stopped:,}", part) for k, (step, part) in enumerate(zip(shown, parts, strict=True))),
    ]
    layout["annotations"] = [item for row in rows for item in _beside(*row)]
    return {
        "data": [
            {**bars, "name": "reached the gate", "x": [step.reached for step in shown], "marker": {"color": REACHED}},
            {**bars, "name": "went no further", "x": [step.stopped for step in shown], "marker": {"color": colors}},
        ],
        "layout": layout,
    }


def _said(step: GateStep, part: str) -> str:
    if step.gate == "pass":
        return f"{step.stopped:,} ({part} of all)"
    return f"{step.reached:,} ({part} of all) came here, {step.stopped:,} went no further"


def _beside(row: float, stopped: str, reached: str) -> list[dict[str, Any]]:
    """The numbers of a gate in two columns to the right of its bar."""
    place = {"xref": "paper", "x": 1.0, "xanchor": "right", "yref": "y", "y": row, "yanchor": "middle", "showarrow": False}
    columns = ((stopped, STOPPED, 96), (reached, fig.SOFT, 152))
    return [{"text": text, "xshift": shift, "font": {"size": 11, "color": color}, **place} for text, color, shift in columns]


def _decades(total: int) -> list[float]:
    # A bar of one evaluation must be seen, so the axis begins below 1.
    return [-0.3, float(np.log10(max(total, 1))) + 0.1]


def _scale_switch(total: int) -> dict[str, Any]:
    log = {"xaxis.type": "log", "xaxis.range": _decades(total), "xaxis.dtick": 1}
    linear = {"xaxis.type": "linear", "xaxis.range": [0, max(total, 1) * 1.04], "xaxis.dtick": None}
    buttons = [{"label": name, "method": "relayout", "args": [change]} for name, change in (("log scale", log), ("linear", linear))]
    place = {"x": 0, "xanchor": "left", "y": 0, "yanchor": "top", "pad": {"t": 22, "l": -4}}
    return {
        "type": "buttons",
        "direction": "left",
        "buttons": buttons,
        "font": {"size": 11},
        "bordercolor": "#c9d0d7",
        "showactive": True,
        **place,
    }


def forecast_chart(found: Sequence[Forecast], max_closes: int) -> Figure:
    """Left: what was expected against what came, one mark a close. Right: the same in the order of closing."""
    shown = list(found)[-max_closes:]
    net = np.array([item.net_bps for item in shown])
    expected = np.array([item.expected_bps for item in shown])
    lcb = np.array([item.lcb_bps for item in shown])
    adds = [item for item in shown if item.add_expected_bps is not None]
    numbers = np.arange(1, len(shown) + 1, dtype=np.float64)
    about = [f"{spoken(item.reason)}, {item.layers} layer{'s' if item.layers != 1 else ''}" for item in shown]
    low, high = float(min(net.min(), expected.min(), lcb.min(), 0.0)), float(max(net.max(), expected.max(), lcb.max()))
    diagonal = {"type": "scatter", "mode": "lines", "x": [low, high], "y": [low, high], "name": "came as forecast", "hoverinfo": "skip"}
    data = [
        {**diagonal, "line": {"color": "#94a3b8", "width": 1, "dash": "dash"}},
        _scatter("expected at the opening entry", expected, net, fig.ENTRY, "circle", about),
        _scatter("lower bound at the opening entry", lcb, net, fig.EQUITY, "circle-open", about),
    ]
    if adds:
        x, y = np.array([item.add_expected_bps for item in adds]), np.array([item.net_bps for item in adds])
        text = [f"{spoken(item.reason)}, {item.layers} layers" for item in adds]
        data.append(_scatter("expected at the last add", x, y, fig.CLOSE, "x-thin-open", text))
    colors = [fig.TAKE_PROFIT if value > 0 else fig.DRAWDOWN for value in net]
    right: dict[str, Any] = {"xaxis": "x2", "yaxis": "y2", "showlegend": False, "customdata": about}
    hover = "close %{x}: %{y:+.2f} bps realised<br>%{customdata}<extra></extra>"
    data.append({"type": "bar", "x": numbers, "y": net, "marker": {"color": colors, "opacity": 0.45}, "hovertemplate": hover, **right})
    data.append(_scatter("expected", numbers, expected, fig.ENTRY, "circle", about) | right)
    data.append(_scatter("lower bound", numbers, lcb, fig.EQUITY, "circle-open", about) | right)
    layout = fig.layout(400)
    layout["xaxis"] = fig.axis("forecast, bps", domain=[0, 0.44], zeroline=True, zerolinecolor="#c9d0d7")
    layout["yaxis"] = fig.axis("realised net, bps", zeroline=True, zerolinecolor="#c9d0d7")
    layout["xaxis2"] = fig.axis(
        "close, in order of time (bars: realised)", domain=[0.53, 1.0], anchor="y2", tickformat=",d", showgrid=False
    )
    layout["yaxis2"] = fig.axis("bps", anchor="x2", zeroline=True, zerolinecolor="#c9d0d7")
    return {"data": data, "layout": layout}


def _scatter(name: str, x: Any, y: Any, color: str, symbol: str, about: list[str]) -> Figure:
    hover = f"{name}: %{{x:+.2f}} bps<br>realised %{{y:+.2f}} bps<br>%{{customdata}}<extra></extra>"
    if name in ("expected", "lower bound"):
        hover = f"{name}: %{{y:+.2f}} bps<br>%{{customdata}}<extra></extra>"
    marker = {"color": color, "symbol": symbol, "size": 8, "line": {"width": 1.6, "color": color}}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": x,
        "y": y,
        "marker": marker,
        "customdata": about,
        "hovertemplate": hover,
    }


def equity_chart(parts: dict[str, Account], bold: str | None, points: int, is_elapsed: bool = False) -> Figure:
    """Equity and drawdown of several symbols or runs on one axis: UTC, or hours since each one's start when `is_elapsed`.

    `bold` names the one drawn thick and black.
    """
    data = []
    for k, (name, money) in enumerate(parts.items()):
        is_bold = name == bold
        color, width = (fig.INK, 2.2) if is_bold else (fig.MANY[k % len(fig.MANY)], 1.3)
        style: dict[str, Any] = {"width": width, "shape": "hv", "legendgroup": name}
        pair = [
            fig.line(name, *drawn(money.times, money.equity, points), color, **style),
            fig.line(name, *drawn(money.times, money.drawdown, points), color, showlegend=False, yaxis="y2", **style),
        ]
        if is_elapsed:
            for trace in pair:
                trace["x"] = (trace["x"] - float(trace["x"][0])) / MS_PER_HOUR
        data += pair
    layout = fig.layout(460)
    layout["xaxis"] = fig.axis("hours since the start of the run", anchor="y2") if is_elapsed else fig.time_axis(anchor="y2")
    layout["yaxis"] = fig.axis("Equity, usd", domain=[0.36, 1.0], zeroline=True, zerolinecolor="#c9d0d7")
    layout["yaxis2"] = fig.axis("Drawdown, usd", domain=[0.0, 0.3], anchor="x", nticks=4)
    return {"data": data, "layout": layout}
