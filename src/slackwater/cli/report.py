"""`slackwater report` and `slackwater compare`: what runs say, as self-contained HTML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from slackwater.cli.console import emit
from slackwater.errors import UsageError

if TYPE_CHECKING:
    from slackwater.research.compare import Comparison
    from slackwater.research.page import Cell

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]


def report(run: Annotated[Path, Parameter(help="A run directory.")], /, *, json: Json = False) -> None:
    """Write RUN/report.html, one file that opens offline."""
    from slackwater.research.read_run import open_run
    from slackwater.research.report import write_report

    path = write_report(run)
    size = path.stat().st_size
    found = open_run(run)
    figures = {"fill_models": found.document.get("fill_models"), "execution": found.total.get("execution")}
    emit(json, {"run": run, "report": path, "bytes": size, **figures}, lambda: f"{path} ({size / 1e6:.1f} MB)")


def compare(
    *runs: Annotated[Path, Parameter(help="Two run directories or more.")],
    out: Annotated[Path, Parameter(help="The HTML file to write.")] = Path("compare.html"),
    json: Json = False,
) -> None:
    """Set runs side by side: print their figures and differing settings, and write them with their equity as one HTML file."""
    from slackwater.research.compare import compare_runs, write_comparison

    if out.is_dir():
        raise UsageError(f"--out: expected a file to write, found the folder {out}")
    found = compare_runs(runs)
    path = write_comparison(found, out)
    payload = {
        "report": path,
        "runs": {name: run.folder for name, run in found.runs.items()},
        "same_tape": len({run.document["tape"]["sha256"] for run in found.runs.values()}) == 1,
        "same_orders": len({run.document.get("orders_sha256") for run in found.runs.values()}) == 1,
        "figures": found.figures,
        "differences": found.differences,
        "notes": [note.text for note in found.notes],
    }
    emit(json, payload, lambda: _compare_text(found, path))


def _compare_text(found: Comparison, path: Path) -> str:
    from slackwater.research.compare import difference_rows, figure_rows

    rows = [["", *found.runs], *([_text(cell) for cell in row] for row in figure_rows(found))]
    differences = difference_rows(found)
    if differences:
        rows += [["" for _ in rows[0]], ["Settings that differ", *("" for _ in found.runs)], *differences]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *(note.text for note in found.notes), str(path)])


def _text(cell: str | Cell) -> str:
    return cell if isinstance(cell, str) else cell.text
