"""How a ranking of symbols is printed for people: figures with the parts of the score they make, then who is left out and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slackwater.cli.data_tables import symbol_cell, text_table

Show = Callable[[float], str]
MOST_REFUSED = 20  # a venue has hundreds; --json has them all

# Head, figure, part of the score, how it is shown.
COLUMNS: dict[str, tuple[tuple[str, str, str, Show], ...]] = {
    "tape": (
        ("IN BAND", "spread_share", "spread", lambda value: f"{value:.1%}"),
        ("PUMPS/H", "pumps_per_hour", "pumps", lambda value: f"{value:.1f}"),
        ("DEPTH USD", "depth_usd", "depth", lambda value: f"{value:,.0f}"),
        ("USD/H", "usd_per_hour", "volume", lambda value: f"{value:,.0f}"),
        ("TRADES/MIN", "trades_per_min", "trades", lambda value: f"{value:.1f}"),
    ),
    "tickers": (
        ("RISE 24H", "change_pct", "rise", lambda value: f"{value:+.1f}%"),
        ("RANGE", "range_pct", "range", lambda value: f"{value:.1f}%"),
        ("USD/H", "usd_per_hour", "volume", lambda value: f"{value:,.0f}"),
        ("TRADES/MIN", "trades_per_min", "trades", lambda value: f"{value:.1f}"),
    ),
}
MEANING = {
    "tape": "SCORE is 100 times the product of the parts below each figure. IN BAND: time with the spread within\n"
    "signals.min_spread_bps..max_spread_bps. Others: x / (x + half), half being 60 pumps,\n"
    "grid.max_notional, scanner.min_quote_volume / 24, 30 trades.\n"
    "CHANGE is over a day, or the tape where it is shorter.",
    "tickers": "SCORE is 100 times the product of the parts below each figure: x / (x + half), half being a rise of\n"
    "10 %, a range of 10 %, scanner.min_quote_volume / 24, 30 trades.\n"
    "Not known from a snapshot: spreads, pumps, depth.",
}


def scan_text(found: dict[str, Any]) -> str:
    """The whole answer."""
    columns = COLUMNS[found["kind"]]
    lines = []
    if found["ranked"]:
        lines += [_ranked_text(found["kind"], columns, found["ranked"]), ""]
        if found["more"]:
            lines[-1:] = [f"{found['more']:,} more are taken; --top names them", ""]
    else:
        lines += ["the scanner takes none of the symbols", ""]
    if found["refused"]:
        shown = found["refused"][:MOST_REFUSED]
        cells = [(symbol_cell(entry["name"]), _score(entry), "; ".join(entry["refused"])) for entry in shown]
        lines.append(text_table(("LEFT OUT", "SCORE", "WHY"), cells, folded="WHY"))
        rest = len(found["refused"]) - len(shown)
        lines += [f"and {rest:,} more; --json names them", ""] if rest else [""]
    return "\n".join([*lines, MEANING[found["kind"]]])


def _ranked_text(kind: str, columns: tuple[tuple[str, str, str, Show], ...], entries: list[dict[str, Any]]) -> str:
    tape = kind == "tape"
    head = ("SYMBOL", "SCORE", *(column[0] for column in columns), *(("HOURS", "CHANGE") if tape else ()))
    rows = []
    for entry in entries:
        cells = [f"{_shown(entry[figure], show)}\n{entry['parts'][part]:.3f}" for _, figure, part, show in columns]
        if tape:
            cells += [_shown(entry["hours"], lambda value: f"{value:.1f}"), _shown(entry["change_pct"], lambda value: f"{value:+.1f}%")]
        rows.append((symbol_cell(entry["name"]), f"{entry['score']:.2f}", *cells))
    return text_table(head, rows)


def _score(entry: dict[str, Any]) -> str:
    return f"{entry['score']:.2f}" if entry["parts"] else "-"


def _shown(value: float | None, show: Show) -> str:
    return "-" if value is None else show(value)
