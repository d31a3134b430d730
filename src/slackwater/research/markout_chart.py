"""The markout chart: the mean by time after the fill, one line a kind of fill, with a band of two standard errors."""

from __future__ import annotations

from typing import Any

from slackwater.research import figures as fig
from slackwater.research.page import Figure
from slackwater.research.wording import spoken

COLORS = {"all": fig.INK, "entry": fig.ENTRY, "take_profit": fig.TAKE_PROFIT, "close": fig.CLOSE, "liquidation": fig.DRAWDOWN}
HIDDEN_AT_FIRST = ("maker", "taker")  # the purposes tell most of it; a click in the legend shows them
BAND_ERRORS = 2.0


def markout_chart(found: dict[str, dict[str, dict[str, Any]]]) -> Figure:
    """Lines of the mean over the times after the fill, by kind; times without a fill are left out."""
    data: list[Figure] = []
    for k, (kind, by_horizon) in enumerate(found.items()):
        known = {horizon: figures for horizon, figures in by_horizon.items() if figures["mean_bps"] is not None}
        if known:
            data += _line(kind, known, COLORS.get(kind, fig.MANY[k % len(fig.MANY)]))
    layout = fig.layout(330)
    words = [_label(horizon) for horizon in next(iter(found.values()))]
    layout["xaxis"] = fig.axis("after the fill", type="category", categoryorder="array", categoryarray=words, showline=True)
    layout["yaxis"] = fig.axis("mean, bps", zeroline=True, zerolinecolor="#7a8692", zerolinewidth=1.4)
    layout["margin"] |= {"t": 30, "b": 46}
    return {"data": data, "layout": layout}


def _line(kind: str, known: dict[str, dict[str, Any]], color: str) -> list[Figure]:
    x = [_label(horizon) for horizon in known]
    mean = [figures["mean_bps"] for figures in known.values()]
    reach = [BAND_ERRORS * (figures["stderr_bps"] or 0.0) for figures in known.values()]
    low, high = ([value + sign * half for value, half in zip(mean, reach, strict=True)] for sign in (-1, 1))
    about = [[figures["fills"], half] for figures, half in zip(known.values(), reach, strict=True)]
    visible: bool | str = "legendonly" if kind.endswith(HIDDEN_AT_FIRST) else True
    common: dict[str, Any] = {"type": "scatter", "legendgroup": kind, "visible": visible}
    band: Figure = {
        **common,
        "mode": "lines",
        "x": [*x, *reversed(x)],
        "y": [*high, *reversed(low)],
        "fill": "toself",
        "fillcolor": _faint(color),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    line: Figure = {
        **common,
        "mode": "lines+markers",
        "name": spoken(kind),
        "x": x,
        "y": mean,
        "customdata": about,
        "line": {"color": color, "width": 2.4 if kind == "all" else 1.6},
        "marker": {"size": 6, "color": color},
        "hovertemplate": f"{spoken(kind)}, %{{x}}: %{{y:+.2f}} ± %{{customdata[1]:.2f}} bps<br>%{{customdata[0]}} fills<extra></extra>",
    }
    return [band, line]


def _label(horizon: str) -> str:
    whole = int(horizon.removesuffix("s"))
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"


def _faint(color: str) -> str:
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"
