"""One HTML file that needs nothing else: style, script, charts as data, and the pieces that pages are put together from."""

from __future__ import annotations

import os
import re
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

Figure = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers (aligned right)."""

    heading: str
    is_number: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell that says more than its text: `kind` is a class of the style sheet (`gain`, `loss`, `long`)."""

    text: str
    kind: str


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], marked: dict[int, str] | None = None) -> str:
    """An HTML table; `marked` gives rows, by number, a class of the style sheet."""
    kinds = [' class="number"' if column.is_number else "" for column in columns]
    head = "".join(f"<th{kind}>{escape(column.heading)}</th>" for kind, column in zip(kinds, columns, strict=True))
    lines = [f"<table><thead><tr>{head}</tr></thead><tbody>"]
    for k, row in enumerate(rows):
        mark = (marked or {}).get(k)
        cells = "".join(_cell(cell, column.is_number) for cell, column in zip(row, columns, strict=True))
        lines.append(f'<tr class="{mark}">{cells}</tr>' if mark else f"<tr>{cells}</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def _cell(cell: str | Cell, is_number: bool) -> str:
    text, kind = (cell.text, cell.kind) if isinstance(cell, Cell) else (cell, "")
    names = " ".join(name for name in ("number" if is_number else "", kind) if name)
    return f'<td class="{names}">{escape(text)}</td>' if names else f"<td>{escape(text)}</td>"


def prose(text: str) -> str:
    """A sentence as HTML; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of prose."""
    return f'<p class="{kind}">{prose(text)}</p>' if kind else f"<p>{prose(text)}</p>"


def caption(text: str) -> str:
    """What a chart or table shows, above it."""
    return paragraph(text, "caption")


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def chart(name: str, figure: Figure) -> str:
    """A place for a chart and its data; `name` is unique on the page."""
    data = msgspec.json.encode(figure, enc_hook=_packed).decode()
    # A closing tag inside the data would end the script element.
    data = data.replace("</", "<\\/")
    height = int(figure["layout"]["height"])
    return (
        f'<div class="chart" id="{escape(name)}" style="height:{height}px"></div>'
        f'<script type="application/json" id="{escape(name)}-data">{data}</script>'
    )


def _packed(value: Any) -> Any:
    # Plotly reads typed arrays as base64, a third of the size of digits.
    if isinstance(value, np.ndarray):
        kind = {"f": "f8", "i": "i4"}[value.dtype.kind]
        return {"dtype": kind, "bdata": b64encode(np.ascontiguousarray(value, dtype=f"<{kind}").tobytes()).decode()}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"no JSON for {type(value).__name__}")


def page(title: str, body: Sequence[str]) -> str:
    """The whole document, with the charting library, style and script inside."""
    from plotly.offline import get_plotlyjs

    own = files("slackwater.research")
    style, script = (own.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>\n{style}</style></head><body><main>",
        *body,
        f"</main><script>{get_plotlyjs()}</script><script>\n{script}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def write_whole(path: Path, text: str) -> Path:
    """Write a file under a temporary name, then give it its own: nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
