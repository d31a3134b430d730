"""`slackwater data export`: a symbol of a tape as files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, progress
from slackwater.cli.data_app import Json, app


@app.command
def export(
    *,
    data: Annotated[Path, Parameter(help="The tape's folder.")],
    symbol: Annotated[str, Parameter(help="A symbol of the tape, SYMBOL or venue/SYMBOL.")],
    format: Annotated[str, Parameter(help="hftbacktest: an npz of events. nautilus: Parquet of its ticks. csv: what import reads.")],
    out: Annotated[Path, Parameter(help="The folder to write into; made when missing, files of the same names are replaced.")],
    start: Annotated[str | None, Parameter(help="First receive time, such as 2024-07-19T00:00:10 (UTC).")] = None,
    end: Annotated[str | None, Parameter(help="Up to, without, this receive time.")] = None,
    json: Json = False,
) -> None:
    """Write a symbol's quotes and trades for another program; hftbacktest and csv import back to the same rows."""
    from slackwater.cli.times import parse_time
    from slackwater.data.formats.exports import ExportRequest, export_tape

    request = ExportRequest(data, symbol, format, out, parse_time("--start", start), parse_time("--end", end))
    with progress(f"Exporting {symbol}"):
        done = export_tape(request)
    emit(json, done, lambda: _text(done))


def _text(done: dict[str, Any]) -> str:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in done["rows"].items())
    lines = [f"{done['venue']}/{done['symbol']}: {counts}, as {done['format']}", *done["files"]]
    if "import" in done:
        lines.append(f"back again: slackwater data import {done['import']} with these files and --to")
    return "\n".join(lines)
