"""The report of a run: `report.html` in its directory, one file that opens offline and says what happened and what to make of it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from slackwater.research import charts, execution, fill_models, headline, tables
from slackwater.research.accounts import account
from slackwater.research.forecast import Forecast, forecasts
from slackwater.research.funnel import GATE_ORDER, funnel
from slackwater.research.page import caption, chart, heading, page, paragraph, prose, write_whole
from slackwater.research.prices import PriceSource, price_line, price_source
from slackwater.research.read_run import Run, numbers, open_run
from slackwater.research.thinning import MAX_POINTS
from slackwater.research.timeline import timeline
from slackwater.research.wording import bps, plural

REPORT_FILE = "report.html"
LINES_BUDGET = 40_000  # points of one kind of line over all symbols, so that fifty symbols do not make a file of 100 MB
LEAST_POINTS = 500
MAX_FORECASTS = 2_000
HOW_TO_READ = (
    "Drag to zoom, double-click to see all. Fills are marked by purpose (colour and shape) and cause (filling); "
    "pointing at one shows its price, quantity and what stood before it in the queue."
)
CONTEXTS = {"entry": ("Gates between flat and a first entry", "entry"), "average": ("Gates between a position and a further layer", "add")}


def write_report(folder: Path) -> Path:
    """Write the report of the run in `folder` and return its path.

    The run directory is all that is needed; with the tape still in place and unchanged the price chart shows its bid and ask.

    Raises:
        DataError: the folder is no run directory, or a table is missing or damaged.
    """
    run = open_run(Path(folder))
    return write_whole(run.folder / REPORT_FILE, page(f"Slackwater: {headline.title(run)}", body(run)))


def body(run: Run) -> list[str]:
    """The parts of the page, in the order a trader reads."""
    marks = "".join(f'<li class="{note.kind}">{prose(note.text)}</li>' for note in headline.notes(run))
    parts = [
        heading(headline.title(run), 1),
        paragraph(headline.span(run), "soft"),
        paragraph(headline.result(run), "result"),
        tables.key_figures(run),
        f'<ul class="notes">{marks}</ul>',
    ]
    source = price_source(run)
    together, singles = execution.figures_of(run, source)
    parts += fill_models.section(run)
    if len(run.symbols) > 1:
        parts += [*_all_symbols(run), *execution.section(together, source.why_not, "all", 3)]
    parts += _per_symbol(run, source, singles)
    parts += [heading("Closes"), tables.closes(run)]
    parts += _parameters(run)
    return [*parts, heading("Where this comes from"), tables.provenance(run)]


def _all_symbols(run: Run) -> list[str]:
    parts = {"All": account(run)} | {symbol: account(run, symbol) for symbol in run.symbols}
    figure = charts.equity_chart(parts, "All", _points(run))
    return [
        heading("All symbols"),
        caption("Money in usd, means in bps. Closes stand beside what is still open."),
        tables.symbol_figures(run),
        heading("Equity and drawdown", 3),
        caption("Click a name to hide its line, double-click to see it alone."),
        chart("equity-all", figure),
    ]


def _points(run: Run) -> int:
    return max(min(MAX_POINTS, LINES_BUDGET // len(run.symbols)), LEAST_POINTS)


def _per_symbol(run: Run, source: PriceSource, executions: dict[str, Any]) -> list[str]:
    if len(run.symbols) == 1:
        symbol = run.symbols[0]
        return [*_symbol(run, source, symbol, 0), *execution.section(executions[symbol], source.why_not, "0", 2)]
    # The busiest symbol is shown first; of equals the first by name.
    shown = min(run.symbols, key=lambda symbol: (-int(run.figures(symbol).get("closes", 0)), symbol))
    options = "".join(f"<option{' selected' if symbol == shown else ''}>{escape(symbol)}</option>" for symbol in run.symbols)
    parts = [
        heading("By symbol"),
        f'<div class="picker"><label>Symbol <select id="symbol" autocomplete="off">{options}</select></label></div>',
    ]
    for k, symbol in enumerate(run.symbols):
        hidden = "" if symbol == shown else " hidden"
        parts += [f'<section data-symbol="{escape(symbol)}"{hidden}>', *_symbol(run, source, symbol, k)]
        parts += [*execution.section(executions[symbol], source.why_not, str(k), 3), "</section>"]
    return parts


def _symbol(run: Run, source: PriceSource, symbol: str, number: int) -> list[str]:
    moments = numbers(run.table("fills", symbol), "ts_ns")
    drawn = timeline(run, symbol, price_line(run, source, symbol, moments, _points(run)), _points(run))
    several = len(run.symbols) > 1
    parts = [
        heading(f"{symbol} over time" if several else "Price, position and money", 3 if several else 2),
        caption(" ".join((HOW_TO_READ, *drawn.notes))),
        chart(f"time-{number}", drawn.figure),
    ]
    parts += _gates(run, symbol, number)
    return [*parts, heading("Forecast and result", 3 if several else 2), *_forecast(forecasts(run, symbol), number)]


def _gates(run: Run, symbol: str, number: int) -> list[str]:
    several = len(run.symbols) > 1
    parts = [heading("What stopped it", 3 if several else 2)]
    boxes = []
    for context in GATE_ORDER:
        name, shot = CONTEXTS[context]
        steps = funnel(run, symbol, context)
        total, shots = steps[0].reached, steps[-1].stopped
        if not total:
            boxes.append(f"<div>{heading(name, 4)}{caption('Nothing was asked.')}</div>")
            continue
        text = f"{total:,} evaluations, {plural(shots, f'{shot} order group')} sent. Gates that stopped nothing are left out."
        boxes.append(f"<div>{heading(name, 4)}{caption(text)}{chart(f'gates-{context}-{number}', charts.funnel_chart(steps))}</div>")
    return [*parts, f'<div class="beside">{"".join(boxes)}</div>']


def _forecast(found: list[Forecast], number: int) -> list[str]:
    if not found:
        return [caption("No position was closed, so there is nothing to compare the forecasts with.")]
    expected, lcb, net = (np.mean([getattr(item, name) for item in found]) for name in ("expected_bps", "lcb_bps", "net_bps"))
    text = (
        f"Over {plural(len(found), 'close')} the edge gate expected {bps(expected)} bps at the opening entry, "
        f"with a lower bound of {bps(lcb)} bps; {bps(net)} bps came, net of fees and funding."
    )
    if len(found) > MAX_FORECASTS:
        text += f" The chart shows the last {MAX_FORECASTS:,}."
    return [caption(text), chart(f"forecast-{number}", charts.forecast_chart(found, MAX_FORECASTS))]


def _parameters(run: Run) -> list[str]:
    from slackwater.config import Config

    defaults: dict[str, Any] = Config().to_mapping()
    return [
        heading("Parameters"),
        caption("The resolved configuration. Settings that differ from their default are marked."),
        tables.parameters(run.document["config"], defaults),
    ]
