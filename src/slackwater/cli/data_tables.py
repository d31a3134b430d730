"""How listings and findings of tapes are printed for people: tables that fit 100 columns, and what they mean below them."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 100  # columns when nobody tells, as in a pipe
LONG_VENUE = 12  # a longer name stands on a line of its own
LONG_SOURCE = 24  # a longer one is cut in the middle; --json has it whole


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: Collection[int] = (0,), folded: str = "") -> str:
    """Rows under a head as wide as the terminal, or 100 columns in a pipe.

    The columns numbered `left` are text, the others numbers, set to the right. The column `folded` is text too and takes what room
    remains. It and the first one go on in the next line if they must; nothing is cut as long as the numbers have room.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for k, name in enumerate(head):
        is_text = k in left or name == folded
        table.add_column(Text(name), justify="left" if is_text else "right", overflow="fold", no_wrap=k > 0 and name != folded)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    sink = io.StringIO()
    Console(file=sink, width=_width(), color_system=None).print(table)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def records_text(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows of any columns: a table where they fit side by side, else a block of lines for each row."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[k]) for row in cells), 0) for k, name in enumerate(names)]
    if sum(widths) + 2 * (len(names) - 1) <= _width():
        texts = {k for k in range(len(names)) if any(isinstance(row[k], str) for row in rows)}
        return text_table(names, cells, left=texts)
    longest = max(map(len, names))
    blocks = ["\n".join(f"{name:<{longest}}  {cell}" for name, cell in zip(names, row, strict=True)) for row in cells]
    return "\n\n".join(f"row {number:,}\n{block}" for number, block in enumerate(blocks, 1))


def _width() -> int:
    return Console().width if sys.stdout.isatty() else PIPE_WIDTH


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def listing_text(entries: Sequence[dict[str, Any]]) -> str:
    """The symbols of a tape: two lines of span, then days, rows, sizes, gaps and where it came from."""
    head = ("SYMBOL", "FIRST .. LAST", "DAYS", "QUOTES", "TRADES", "MB", "B/ROW", "GAPS", "SOURCE")
    rows = []
    for entry in entries:
        counts = entry["rows"]
        rows.append(
            (
                symbol_cell(f"{entry['venue']}/{entry['symbol']}"),
                f"{_moment(entry['first'])}\n{_moment(entry['last'])}",
                str(entry["days"]),
                f"{counts.get('quotes', 0):,}",
                f"{counts.get('trades', 0):,}",
                f"{entry['bytes'] / 1e6:,.1f}",
                "-" if entry["bytes_per_row"] is None else f"{entry['bytes_per_row']:.1f}",
                f"{entry['gaps']:,}",
                few([_shortened(name) for name in entry["source"]], 1) or "-",
            )
        )
    return text_table(head, rows, left=(0, 1), folded="SOURCE")


def symbol_cell(name: str) -> str:
    """A symbol's name, its venue on a line of its own when that is long."""
    venue, slash, symbol = name.partition("/")
    return f"{venue}/\n{symbol}" if slash and len(venue) > LONG_VENUE else name


def _moment(text: str | None) -> str:
    return text[:19].replace("T", " ") if text else "-"


def _shortened(name: str) -> str:
    return name if len(name) <= LONG_SOURCE else f"{name[: LONG_SOURCE // 2]}…{name[-LONG_SOURCE // 2 :]}"


def few(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
