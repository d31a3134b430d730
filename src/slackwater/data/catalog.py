"""What lies in a tape's folder: one line per symbol, from the manifests and the files' footers. Reads hardly any rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slackwater.data.layout import QUOTES, TRADES, time_text
from slackwater.data.parquet import row_count
from slackwater.data.tape import SymbolTape, find_symbol_folders, open_symbol
from slackwater.data.writer import gaps_between_days
from slackwater.errors import DataError


def list_tape(folder: Path) -> dict[str, Any]:
    """All symbols of a tape with span, days with quotes or trades, rows, sizes, gaps of the quotes and sources.

    `damaged` names those that cannot be listed, with the reason; `recording_logs` is how many logs of recordings are not on it yet.

    Raises:
        DataError: there is no tape.
    """
    listed, damaged = [], []
    for path in find_symbol_folders(folder):
        try:
            listed.append(_describe(open_symbol(path)))
        except DataError as error:
            damaged.append({"name": f"{path.parent.name}/{path.name}", "reason": str(error)})
    logs = len(list(folder.glob(".recording/*/*.log")))
    return {"folder": str(folder), "symbols": listed, "damaged": damaged, "recording_logs": logs}


def _describe(entry: SymbolTape) -> dict[str, Any]:
    entry.check_files()
    days = entry.manifest.values()
    starts = [day["first_ns"] for day in days if day.get("first_ns") is not None]
    ends = [day["last_ns"] for day in days if day.get("last_ns") is not None]
    rows: dict[str, int] = {}
    for path in entry.files:
        rows[path.stem] = rows.get(path.stem, 0) + row_count(path)
    quotes = [path for path in entry.files if path.name == QUOTES]
    size = sum(path.stat().st_size for path in entry.files)
    sources = [part.get("from") or part.get("name") or part.get("kind", "") for day in days for part in day.get("source", [])]
    return {
        "venue": entry.venue,
        "symbol": entry.symbol,
        "first": time_text(min(starts)) if starts else None,
        "last": time_text(max(ends)) if ends else None,
        "first_ns": min(starts, default=None),
        "last_ns": max(ends, default=None),
        "days": len({path.parent for path in entry.files if path.name in (QUOTES, TRADES)}),
        "rows": rows,
        "bytes": size,
        "bytes_per_row": size / sum(rows.values()) if any(rows.values()) else None,
        "files": len(entry.files),
        "gaps": sum(len(day.get("gaps", [])) for day in days) + len(gaps_between_days(quotes)),
        "quarantined": entry.quarantined,
        "source": list(dict.fromkeys(sources)),
        "instrument": entry.instrument.as_json(),
    }
