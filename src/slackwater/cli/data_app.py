"""The `data` command itself, which the files of its sub-commands put them on, and what those share."""

from __future__ import annotations

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]

app = cyclopts.App(name="data", help="Make, convert, download, record, export, list and check tapes.", help_format="plaintext")


def rows_text(entry: dict[str, Any]) -> str:
    """What was put on a tape for a symbol, on one line."""
    rows = entry["rows"]
    counts = f"{rows.get('quotes.parquet', 0):,} quotes, {rows.get('trades.parquet', 0):,} trades"
    return f"{entry['venue']}/{entry['symbol']}: {counts}, {entry['first']} to {entry['last']}, in {entry['folder']}"
