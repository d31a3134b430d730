"""The tables of a report: key figures, closes, parameters, and where it all comes from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from slackwater.research.page import Cell, Column, caption, heading, table
from slackwater.research.read_run import Run, numbers
from slackwater.research.wording import MISSING, bps, count, duration, is_number, moment, plain, plural, share, signed, spoken, usd

MAX_ROWS = 2_000
SYMBOL_COLUMNS = {
    "closes": "Closes",
    "win_rate": "Won",
    "net_usd": "Net",
    "fees_usd": "Fees",
    "net_bps_mean": "Mean a close",
    "open_qty": "Open",
    "unrealised_usd": "Unrealised",
    "equity_usd": "Equity",
    "max_drawdown_usd": "Drawdown",
    "max_notional_usd": "Largest position",
    "maker_share": "Maker",
    "debt_peak_usd": "Debt peak",
}
# What a reader looks for first; the other columns follow as the table has them.
CLOSE_FIRST = ("symbol", "open_ns", "close_ns", "held", "layers", "reason", "net_usd", "net_bps")


def key_figures(run: Run) -> str:
    """The run's figures as a grid of large numbers with what they mean under them."""
    total = run.total
    still = [symbol for symbol in run.symbols if run.figures(symbol).get("open_qty")]
    cells = [
        ("Equity", f"{usd(total['equity_usd'])} usd", "everything, the open position at the ask"),
        (
            "Net of closes",
            f"{usd(total['net_usd'])} usd",
            f"{plural(total['closes'], 'close')}, {share(total['win_rate'])} won" if total["closes"] else "no closes",
        ),
        ("Still open", f"{usd(total['unrealised_usd'])} usd", ", ".join(still[:4]) + (" …" if len(still) > 4 else "") or "nothing is open"),
        ("Net per close", f"{bps(total['net_bps_mean'])} bps" if total["closes"] else MISSING, "mean, on the notional entered"),
        ("Largest drawdown", f"{usd(total['max_drawdown_usd'], False)} usd", "of equity from its peak"),
        ("Largest position", f"{usd(total['max_notional_usd'], False)} usd", "at cost"),
        ("Fees", f"{usd(total['fees_usd'], False)} usd", f"of closes; gross {usd(total['gross_usd'])}"),
        ("Maker share", share(total["maker_share"]), f"of notional; {count(total['post_only_rejects'])} post-only rejects"),
        ("Fills", count(run.table("fills").num_rows), f"{usd(_traded(run), False)} usd bought and sold"),
        ("Debt at its peak", f"{usd(total['debt_peak_usd'], False)} usd", "what losses left to earn back"),
    ]
    items = [
        f'<div><dt>{escape(name)}</dt><dd>{escape(value)}<span class="under">{escape(under)}</span></dd></div>'
        for name, value, under in cells
    ]
    return f'<dl class="figures">{"".join(items)}</dl>'


def _traded(run: Run) -> float:
    fills = run.table("fills")
    return float((numbers(fills, "price") * numbers(fills, "qty")).sum())


def symbol_figures(run: Run) -> str:
    """One row a symbol, the total last."""
    columns = [Column("Symbol", False), *(Column(text) for text in SYMBOL_COLUMNS.values())]
    rows = [[symbol, *(figure(name, run.figures(symbol).get(name)) for name in SYMBOL_COLUMNS)] for symbol in run.symbols]
    rows.append(["All", *(figure(name, run.total.get(name)) for name in SYMBOL_COLUMNS)])
    return f'<div class="wide">{table(columns, rows, {len(rows) - 1: "total"})}</div>'


def figure(name: str, value: Any) -> str | Cell:
    """A figure of the summary as its name asks for."""
    if name in ("win_rate", "maker_share"):
        return share(value)
    if name in ("net_usd", "unrealised_usd", "equity_usd", "gross_usd", "funding_usd"):
        return signed(value, usd(value))
    if name.endswith("_usd"):
        return usd(value, False)
    if name.endswith(("_bps", "_bps_mean")):
        return signed(value, bps(value))
    return plain(value)


def closes(run: Run) -> str:
    """Every close with all its columns, at most 2,000 of them, the last ones."""
    found = run.table("closes")
    total = found.num_rows
    if total == 0:
        return caption("No position went back to flat.")
    found = found.sort_by([("close_ns", "ascending"), ("symbol", "ascending")])
    found = found.slice(max(total - MAX_ROWS, 0))
    order = [*CLOSE_FIRST, *(name for name in found.schema.names if name not in CLOSE_FIRST)]
    columns = [Column(_heading(name), name not in ("symbol", "open_ns", "close_ns", "reason")) for name in order]
    values = {name: found[name].to_pylist() for name in found.schema.names}
    values["held"] = [last - first for first, last in zip(values["open_ns"], values["close_ns"], strict=True)]
    rows = [[_close_cell(name, values[name][k]) for name in order] for k in range(found.num_rows)]
    said = (
        f"The last {MAX_ROWS:,} of {total:,} closes; closes.parquet has all."
        if total > MAX_ROWS
        else "One row from flat to flat. Times are UTC."
    )
    return caption(said) + f'<div class="scroll">{table(columns, rows)}</div>'


def _heading(name: str) -> str:
    for unit in ("_usd", "_bps"):
        if name.endswith(unit):
            return f"{spoken(name.removesuffix(unit)).capitalize()}, {unit[1:]}"
    return {"open_ns": "Opened", "close_ns": "Closed"}.get(name, spoken(name).capitalize())


def _close_cell(name: str, value: Any) -> str | Cell:
    if name in ("open_ns", "close_ns"):
        return moment(value)
    if name == "held":
        return duration(value)
    if isinstance(value, str):
        if name == "reason":
            return "liquidated" if value == "external" else spoken(value)
        return value
    return figure(name, value)


def parameters(config: dict[str, Any], defaults: dict[str, Any]) -> str:
    """The resolved configuration by section; what differs from the default is marked and its default shown."""
    parts = []
    for section, keys in config.items():
        rows: list[list[str]] = []
        marked: dict[int, str] = {}
        for key, value in keys.items():
            text, usual = setting(value), setting(defaults.get(section, {}).get(key))
            if text != usual:
                marked[len(rows)] = "changed"
                text = f"{text} (default {usual})"
            rows.append([key, text])
        parts.append(f"<section>{heading(section, 3)}{table([Column('Setting', False), Column('Value', False)], rows, marked)}</section>")
    return f'<div class="columns">{"".join(parts)}</div>'


def setting(value: Any) -> str:
    """A setting as it stands in a configuration file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return f"{value:.12g}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {setting(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(setting(item) for item in value) or "none"
    return MISSING if value is None else str(value)


def provenance(run: Run) -> str:
    """What it takes to make this run again."""
    document = run.document
    rows = [
        ["Tape", str(document["tape"].get("path", MISSING))],
        ["Tape, SHA-256", str(document["tape"].get("sha256", MISSING))],
        ["Orders, SHA-256", str(document.get("orders_sha256", MISSING))],
        ["Seed", setting(document["seed"])],
        ["Version", f"{document.get('version', MISSING)}, commit {document.get('git_commit') or 'unknown'}"],
        ["Events", f"{count(document.get('events'))} in {duration(int(float(document.get('wall_sec') or 0) * 1e9))}"],
    ]
    return table([Column("", False), Column("", False)], [(name, Cell(text, "long")) for name, text in rows])
