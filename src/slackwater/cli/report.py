"""`slackwater report` and `slackwater compare`: what runs say, as self-contained HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from slackwater.cli.console import emit

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]


def report(run: Annotated[Path, Parameter(help="A run directory.")], /, *, json: Json = False) -> None:
    """Write RUN/report.html, one file that opens offline."""
    from slackwater.research.report import write_report

    path = write_report(run)
    size = path.stat().st_size
    emit(json, {"run": run, "report": path, "bytes": size}, lambda: f"{path} ({size / 1e6:.1f} MB)")
