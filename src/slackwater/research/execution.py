"""The execution part of a report: fills and what caused them, orders and why they ended, markouts, closes by step, time in position."""

from __future__ import annotations

from typing import Any

from slackwater.data.cache import load_rows
from slackwater.research.markout_chart import markout_chart
from slackwater.research.page import Cell, Column, caption, chart, heading, table
from slackwater.research.prices import PriceSource
from slackwater.research.read_run import Run, check_columns
from slackwater.research.wording import MISSING, bps, count, duration, plain, plural, reason, seconds, share, signed, spoken, usd
from slackwater.runtime.close_steps import STEPS
from slackwater.runtime.execution import Traded, execution
from slackwater.runtime.tape_books import TapeBooks
from slackwater.runtime.trade_columns import FILL_PURPOSES, LEARNED, NEEDED, TradeTables

Figures = dict[str, Any]
CAUSES_SAID = (
    "Queue: trades at our price used up what stood in front. Trade through: a trade beyond our price. Book through: the other side of "
    "the book came to our price. Taker: we took what was there."
)
LEARNED_SAID = (
    " Learned: its own report was overtaken or lost, and another one told that it was filled. By what and when is not known, and the "
    "market after such fills is left out below."
)
MARKOUTS_SAID = (
    "The mid at the venue some time after each fill, against the fill's price: positive is good for us, a market that fell after a sell or "
    "rose after a buy. The band is two standard errors of the mean on either side; fills in clusters leave more doubt than it shows."
)
STEPS_SAID = (
    "An active close tries to rest as maker first, then takes at the ask, then goes to market. Slippage is what its fills paid above "
    "the ask at the moment of the decision; negative is cheaper."
)
STEP_NAMES = {"maker": "Maker", "ioc": "Taking at the ask (IOC)", "market": "Market"}
UNTIL_NAMES = {
    "10s": "up to 10 s",
    "1min": "to 1 min",
    "10min": "to 10 min",
    "1h": "to 1 h",
    "6h": "to 6 h",
    "1d": "to 1 d",
    "longer": "longer",
}


def figures_of(run: Run, source: PriceSource) -> tuple[Figures, dict[str, Figures]]:
    """The execution figures of the run and of its symbols: as `run.json` has them, else counted from the tables and the tape.

    Raises:
        DataError: a table is missing or damaged.
    """
    if "execution" in run.total:
        return run.total["execution"], {symbol: run.figures(symbol)["execution"] for symbol in run.symbols}
    tables = TradeTables(*(run.table(stem) for stem in NEEDED))
    for stem, table_read in zip(NEEDED, (tables.orders, tables.fills), strict=True):
        check_columns(run.folder / f"{stem}.parquet", table_read, NEEDED[stem].split())
    traded = [_traded(run, source, symbol) for symbol in run.symbols]
    return execution(tables, traded, (int(run.document["first_ns"]), int(run.document["last_ns"])))


def _traded(run: Run, source: PriceSource, symbol: str) -> Traded:
    if source.tape is None:
        return Traded(symbol)
    entry = next(part for part in source.tape.symbols if part.symbol == symbol)
    loaded = load_rows(entry, int(float(run.document["config"]["sim"]["feed_latency_ms"]) * 1e6))
    return Traded(symbol, TapeBooks(loaded.rows, loaded.venue_order), entry.instrument.tick)


def section(figures: Figures, why_no_tape: str, name: str, level: int) -> list[str]:
    """The execution of one symbol or of all.

    Args:
        why_no_tape: why there are no prices of the tape, for where they are missing.
        name: unique on the page.
        level: of the heading; its parts are one below.
    """
    orders = figures["orders"]
    parts = [heading("Execution", level)]
    if not orders["all"]["placed"]:
        return [*parts, caption("No order was placed. There were no fills.")]
    parts += [heading("Fills by cause", level + 1), caption(_fills_said(orders["all"])), _causes(orders)]
    parts += [heading("Orders", level + 1), caption(_orders_said(orders["all"])), _orders(orders), _endings(orders)]
    if not orders["all"]["fills"]:
        return parts
    parts += [heading("After the fill: did the market run us over?", level + 1), *_markouts(figures["markouts"], why_no_tape, name)]
    parts += [heading("What active closes paid", level + 1), *_close_steps(figures["close_steps"])]
    return [*parts, heading("Time in position", level + 1), *_held(figures["held"])]


def _purposes(orders: dict[str, Figures]) -> list[str]:
    return [purpose for purpose in FILL_PURPOSES if purpose in orders]


def _fills_said(figures: Figures) -> str:
    if not figures["fills"]:
        return "There were no fills."
    unknown = ""
    if figures["queue_unknown_fills"]:
        unknown = (
            f" For {count(figures['queue_unknown_fills'])} of {plural(figures['maker_fills'], 'maker fill')} the place "
            "in the queue was not known when the order arrived."
        )
    learned = LEARNED_SAID if LEARNED in figures["by_cause"] else ""
    return f"{share(figures['maker_share'])} of the notional was filled as maker.{unknown} {CAUSES_SAID}{learned}"


def _causes(orders: dict[str, Figures]) -> str:
    """Fills by purpose and cause; shares are of everything bought and sold."""
    everything = orders["all"]
    if not everything["fills"]:
        return ""
    rows: list[list[str]] = []
    for purpose in _purposes(orders):
        rows += [
            [spoken(purpose), spoken(cause), *_cause_cells(found, everything, cause)]
            for cause, found in orders[purpose]["by_cause"].items()
        ]
    first_sum = len(rows)
    rows += [["all", spoken(cause), *_cause_cells(found, everything, cause)] for cause, found in everything["by_cause"].items()]
    rows.append(["all", "", *_cause_cells(everything, everything, "")])
    quantity = () if everything["qty"] is None else ("Quantity",)
    headings = ("Fills", *quantity, "Notional, usd", "Share", "Fees, usd", "Queue unknown")
    columns = [Column("Order", False), Column("Cause", False), *(Column(text) for text in headings)]
    return f'<div class="wide">{table(columns, rows, dict.fromkeys(range(first_sum, len(rows)), "total"))}</div>'


def _cause_cells(found: Figures, everything: Figures, cause: str) -> list[str]:
    return [
        count(found["fills"]),
        *(() if found["qty"] is None else (plain(found["qty"]),)),
        usd(found["notional_usd"], False),
        share(found["notional_usd"] / everything["notional_usd"]),
        usd(found["fees_usd"], False),
        MISSING if cause == "taker" else count(found["queue_unknown_fills"]),
    ]


def _orders_said(figures: Figures) -> str:
    rejected = f"{share(figures['reject_rate'])} of them were rejected" if figures["rejected"] else "none was rejected"
    amends = f", {figures['amends_per_fill']:.1f} for each fill" if figures["fills"] else ""
    refused = f", {count(figures['amends_refused'])} of them refused" if figures["amends_refused"] else ""
    return f"{plural(figures['placed'], 'order')} placed, {rejected}; {plural(figures['amends'], 'amend')} asked for{refused}{amends}."


def _orders(orders: dict[str, Figures]) -> str:
    headings = (
        "Placed",
        "Rejected",
        "Reject rate",
        "Cancelled",
        "Expired",
        "Amends",
        "Amends refused",
        "Amends a fill",
        "Fills",
        "Maker",
        "To first fill, median",
    )
    rows = []
    for kind in (*_purposes(orders), "all"):
        found = orders[kind]
        per_fill = found["amends_per_fill"]
        rows.append(
            [
                spoken(kind),
                *(count(found[name]) for name in ("placed", "rejected")),
                share(found["reject_rate"]),
                *(count(found[name]) for name in ("canceled", "expired", "amends", "amends_refused")),
                MISSING if per_fill is None else f"{per_fill:,.1f}",
                count(found["fills"]),
                share(found["maker_share"]),
                seconds(found["first_fill_median_sec"]),
            ]
        )
    columns = [Column("Order", False), *(Column(text) for text in headings)]
    return f'<div class="wide">{table(columns, rows, {len(rows) - 1: "total"})}</div>'


def _endings(orders: dict[str, Figures]) -> str:
    """Why orders were rejected or cancelled, by purpose."""
    rows = []
    for key, said in (("reject_reasons", "Rejected"), ("cancel_reasons", "Cancelled")):
        for word in orders["all"][key]:
            rows.append([said, reason(word), *(count(orders[kind][key].get(word, 0)) for kind in (*_purposes(orders), "all"))])
    if not rows:
        return caption("No order was rejected or cancelled.")
    columns = [Column("", False), Column("Why", False), *(Column(spoken(kind).capitalize()) for kind in (*_purposes(orders), "all"))]
    return f'<div class="wide">{table(columns, rows)}</div>'


def _markouts(found: dict[str, dict[str, Figures]] | None, why_no_tape: str, name: str) -> list[str]:
    if found is None:
        return [caption(f"Markouts are left out, because {why_no_tape}.")]
    kinds = [kind for kind in found if kind == "all" or found[kind]["1s"]["fills"] < found["all"]["1s"]["fills"] or kind in FILL_PURPOSES]
    rows: list[list[str | Cell]] = []
    marked = {}
    for kind in kinds:
        marked[len(rows)] = "first"
        for horizon, figures in found[kind].items():
            rows.append([spoken(kind) if marked.get(len(rows)) else "", _horizon(horizon), *_markout_cells(figures)])
    headings = ("Fills", "Mean, bps", "Median, bps", "Good for us")
    columns = [Column("Fills", False), Column("After"), *(Column(text) for text in headings)]
    drawn = chart(f"markouts-{name}", markout_chart({kind: found[kind] for kind in kinds}))
    return [
        caption(f"{_run_over_said(found)} {MARKOUTS_SAID}"),
        f'<div class="beside"><div>{table(columns, rows, marked)}</div><div>{drawn}</div></div>',
    ]


def _markout_cells(figures: Figures) -> list[str | Cell]:
    mean, median = figures["mean_bps"], figures["median_bps"]
    return [count(figures["fills"]), signed(mean, bps(mean)), signed(median, bps(median)), share(figures["positive_share"])]


def _run_over_said(found: dict[str, dict[str, Figures]]) -> str:
    """Where the market stood after entries, in words; after all fills where nothing else is known."""
    kind, subject = ("entry", "an entry") if "entry" in found else ("all", "a fill")
    parts = []
    for horizon, figures in found[kind].items():
        mean = figures["mean_bps"]
        if mean is not None:
            parts.append(f"{abs(mean):.2f} bps {'in our favour' if mean > 0 else 'against us'} after {_horizon(horizon)}")
    if not parts:
        return "The tape ends before the first of these moments."
    return f"After {subject} the market stood on average {', '.join(parts)}."


def _horizon(word: str) -> str:
    whole = int(word.removesuffix("s"))
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"


def _close_steps(found: Figures) -> list[str]:
    if not found["closes"]:
        return [caption("The strategy sent no close of its own: positions were left by the resting take-profit, if at all.")]
    rows: list[list[str | Cell]] = []
    for step in STEPS:
        figures = found[step]
        slippage = figures["slippage_bps"]
        cell = signed(-slippage, bps(slippage)) if slippage is not None else MISSING
        numbers = (count(figures["closes"]), share(figures["closes"] / found["closes"]), count(figures["orders"]), count(figures["fills"]))
        rows.append([STEP_NAMES[step], *numbers, usd(figures["notional_usd"], False), cell])
    headings = ("Closes that came here", "Share", "Orders", "Fills", "Notional, usd", "Slippage, bps")
    columns = [Column("Step", False), *(Column(text) for text in headings)]
    return [caption(f"{plural(found['closes'], 'close')} sent. {STEPS_SAID}"), f'<div class="wide">{table(columns, rows)}</div>']


def _held(found: Figures) -> list[str]:
    held, longest = _long(found["total_sec"]), _long(found["longest_sec"])
    text = f"A position was held for {held}, {share(found['share'])} of the run; the longest stood {longest}."
    if found["median_sec"] is not None:
        text += f" Half of those that were closed took {_long(found['median_sec'])} or less."
    if found["open_sec"] is not None:
        text += f" One has been open for {_long(found['open_sec'])} at the end, and is not among the closes below."
    closed = sum(found["closes_up_to"].values())
    if not closed:
        return [caption(text)]
    columns = [Column("Held for", False), *(Column(UNTIL_NAMES[until]) for until in found["closes_up_to"])]
    rows = [
        ["Closes", *(count(number) for number in found["closes_up_to"].values())],
        ["Share", *(share(number / closed) for number in found["closes_up_to"].values())],
    ]
    return [caption(text), f'<div class="wide">{table(columns, rows)}</div>']


def _long(sec: float | None) -> str:
    return MISSING if sec is None else duration(round(sec * 1e9))
