"""Runs side by side: key figures, differing settings, equity together, and whether they saw the same tape and sent the same orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from slackwater.errors import UsageError
from slackwater.research import charts, headline
from slackwater.research.accounts import account
from slackwater.research.page import Cell, Column, caption, chart, heading, page, paragraph, prose, table, write_whole
from slackwater.research.read_run import Run, open_run
from slackwater.research.tables import figure, setting
from slackwater.research.thinning import MAX_POINTS
from slackwater.research.wording import MISSING, moment

FIGURES = {
    "closes": "Closes",
    "win_rate": "Won",
    "net_usd": "Net of closes, usd",
    "gross_usd": "Gross of closes, usd",
    "fees_usd": "Fees of closes, usd",
    "funding_usd": "Funding of closes, usd",
    "net_bps_mean": "Net a close, mean bps",
    "open_symbols": "Still open",
    "unrealised_usd": "Unrealised at the ask, usd",
    "equity_usd": "Equity, usd",
    "max_drawdown_usd": "Largest drawdown, usd",
    "max_notional_usd": "Largest position, usd",
    "maker_share": "Maker share of notional",
    "post_only_rejects": "Post-only rejects",
    "debt_peak_usd": "Debt at its peak, usd",
}


@dataclass(frozen=True)
class Comparison:
    """Runs with the names they go by, their key figures, differing settings, and what to mind when comparing them.

    `figures` is by run, then figure; `differences` by `section.key`, then run (None where a run has no such setting).
    """

    runs: dict[str, Run]
    figures: dict[str, dict[str, Any]]
    differences: dict[str, dict[str, Any]]
    notes: list[headline.Note]


def compare_runs(folders: Sequence[Path]) -> Comparison:
    """Read the runs and set them side by side.

    Raises:
        DataError: a folder is no run directory, or a table is missing or damaged.
        UsageError: fewer than two runs, or one given twice.
    """
    if len(folders) < 2:
        raise UsageError(f"compare: expected two run directories or more, found {len(folders)}")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("compare: expected different run directories, found one given twice")
    runs = {name: open_run(folder) for name, folder in zip(short_names(folders), folders, strict=True)}
    figures = {name: {key: run.total.get(key) for key in FIGURES} for name, run in runs.items()}
    return Comparison(runs, figures, _differences(runs), _notes(runs))


def short_names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many parts before it as it takes to tell them apart."""
    resolved = [folder.resolve() for folder in folders]
    depth = 1
    while True:
        names = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
        depth += 1


def _differences(runs: dict[str, Run]) -> dict[str, dict[str, Any]]:
    flat = {name: _flat(run) for name, run in runs.items()}
    keys = dict.fromkeys(key for settings in flat.values() for key in settings)
    found = {key: {name: flat[name].get(key) for name in runs} for key in keys}
    return {key: values for key, values in found.items() if len({setting(value) for value in values.values()}) > 1}


def _flat(run: Run) -> dict[str, Any]:
    settings = {f"{section}.{key}": value for section, keys in run.document["config"].items() for key, value in keys.items()}
    # A seed given on the command line is the one that counts.
    return settings | {"session.seed": run.document["seed"]}


def _notes(runs: dict[str, Run]) -> list[headline.Note]:
    found = []
    documents = [run.document for run in runs.values()]
    if len({document["tape"]["sha256"] for document in documents}) > 1:
        parts = ", ".join(f"{name} {run.document['tape']['sha256'][:12]}" for name, run in runs.items())
        found.append(headline.Note(f"The runs were made on different tapes, so their results do not compare directly ({parts}).", "bad"))
    else:
        found.append(headline.Note(f"All runs were made on the same tape ({documents[0]['tape']['sha256'][:12]})."))
    if len({(document["first_ns"], document["last_ns"]) for document in documents}) > 1:
        spans = "; ".join(f"{name} {headline.span(run)}" for name, run in runs.items())
        found.append(headline.Note(f"The runs span different times: {spans}.", "warn"))
    if len({document.get("version") for document in documents}) > 1:
        found.append(headline.Note(f"The runs were made by different versions: {_each(runs, 'version')}.", "warn"))
    if len({document.get("orders_sha256") for document in documents}) == 1:
        found.append(headline.Note("All runs sent the same orders and got the same fills."))
    if any(run.document["liquidated"] for run in runs.values()):
        counted = ", ".join(f"{name} {len(run.document['liquidated'])}" for name, run in runs.items())
        found.append(headline.Note(f"Positions were liquidated by the venue, and their symbols halted after it: {counted}.", "bad"))
    open_ended = [name for name, run in runs.items() if not run.document.get("has_stop")]
    if open_ended:
        where = "any run" if len(open_ended) == len(runs) else ", ".join(open_ended)
        text = f"Neither a stop nor an age limit is set in {where}: losing positions are held until they come back, and closes flatter."
        found.append(headline.Note(text, "warn"))
    return found


def _each(runs: dict[str, Run], key: str) -> str:
    return ", ".join(f"{name} {run.document.get(key, MISSING)}" for name, run in runs.items())


def figure_rows(found: Comparison) -> list[list[str | Cell]]:
    """One row a figure, one column a run."""
    rows: list[list[str | Cell]] = [["Symbols", *(headline.title(run) for run in found.runs.values())]]
    rows.append(["First", *(moment(int(run.document["first_ns"]), False) for run in found.runs.values())])
    rows.append(["Last", *(moment(int(run.document["last_ns"]), False) for run in found.runs.values())])
    for key, name in FIGURES.items():
        rows.append([name, *(_value(key, found.figures[run][key]) for run in found.runs)])
    return rows


def _value(key: str, value: Any) -> str | Cell:
    return (", ".join(value or []) or "nothing") if key == "open_symbols" else figure(key, value)


def difference_rows(found: Comparison) -> list[list[str]]:
    """One row a setting that is not the same everywhere."""
    return [[key, *(setting(values[name]) for name in found.runs)] for key, values in found.differences.items()]


def write_comparison(found: Comparison, path: Path) -> Path:
    """Write the comparison as one self-contained HTML file and return its path."""
    names = list(found.runs)
    marks = "".join(f'<li class="{note.kind}">{prose(note.text)}</li>' for note in found.notes)
    columns = [Column("", False), *(Column(name) for name in names)]
    differences = difference_rows(found)
    lines = {name: account(run) for name, run in found.runs.items()}
    parts = [
        heading(f"{len(names)} runs compared", 1),
        paragraph(", ".join(names), "soft"),
        f'<ul class="notes">{marks}</ul>',
        heading("Key figures"),
        f'<div class="wide">{table(columns, figure_rows(found))}</div>',
        heading("Settings that differ"),
        f'<div class="wide">{table(columns, differences)}</div>' if differences else caption("All settings are the same."),
        heading("Equity and drawdown"),
        caption("Over all symbols, open positions at the ask. Click a name to hide its line, double-click to see it alone."),
        chart("equity", charts.equity_chart(lines, None, MAX_POINTS, is_elapsed=_starts_differ(found))),
        heading("Where this comes from"),
        table(
            [Column("Run", False), Column("Folder", False), Column("Tape, SHA-256", False), Column("Orders, SHA-256", False)],
            _origins(found),
        ),
    ]
    return write_whole(path, page(f"Slackwater: {escape(' and '.join(names))}", parts))


def _starts_differ(found: Comparison) -> bool:
    return len({run.document["first_ns"] for run in found.runs.values()}) > 1


def _origins(found: Comparison) -> list[list[str | Cell]]:
    return [
        [name, str(run.folder), Cell(run.document["tape"]["sha256"], "long"), Cell(str(run.document.get("orders_sha256", MISSING)), "long")]
        for name, run in found.runs.items()
    ]
