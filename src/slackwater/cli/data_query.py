"""`slackwater data sql` and `slackwater data scan`: questions to a tape."""

from __future__ import annotations

import csv
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.cli.data_app import Json, app
from slackwater.errors import DataError, SlackwaterError, UsageError

if TYPE_CHECKING:
    from slackwater.data.query import Answer

FORMATS = ("table", "csv", "json")
MOST_IN_MEMORY = 1 << 24  # bytes of an answer that waits
COPY_CHARACTERS = 1 << 20


@app.command
def sql(
    query: Annotated[str, Parameter(help="One SELECT over quotes, trades, klines, funding and instruments.")],
    /,
    *,
    data: Annotated[Path, Parameter(help="The tape's folder.")],
    format: Annotated[str, Parameter(help="table, capped at --rows; csv or json, with every row.")] = "table",
    rows: Annotated[int, Parameter(help="How many rows a table shows.")] = 40,
    memory_mb: Annotated[int, Parameter(help="What a query may use of memory; beyond it a temporary folder helps out.")] = 300,
    json: Json = False,
) -> None:
    """Ask a tape in SQL. Views: quotes, trades, klines, funding, instruments; `DESCRIBE quotes` lists the columns of one."""
    from slackwater.data.query import answer

    kind = "json" if json else format
    if kind not in FORMATS:
        raise UsageError(f"--format: expected {', '.join(FORMATS)}, found {format!r}")
    if rows <= 0:
        raise UsageError(f"--rows: expected a positive number, found {rows}")
    with answer(data, query, memory_mb) as found:
        {
            "table": lambda: _print_table(found, rows),
            "csv": lambda: _print_whole(_write_csv, found),
            "json": lambda: _print_whole(_write_json, found),
        }[kind]()


@app.command
def scan(
    *,
    data: Annotated[Path | None, Parameter(help="The tape's folder: everything is measured.")] = None,
    tickers: Annotated[str | None, Parameter(help="A file or URL with the venue's ticker/24hr: no spreads, no pumps, no depth.")] = None,
    config: Annotated[Path | None, Parameter(help="A configuration file. Left out: the defaults.")] = None,
    top: Annotated[int | None, Parameter(help="How many to name. Left out: scanner.top_n.")] = None,
    json: Json = False,
) -> int:
    """Rank symbols by what the strategy needs, within the configuration's scanner section. Exits with 4 when damaged ones were skipped."""
    from slackwater.cli.scan_tables import scan_text
    from slackwater.config.loading import load

    if (data is None) == (tickers is None):
        raise UsageError("expected either --data or --tickers, found " + ("none" if data is None else "both"))
    loaded = load(config)
    for line in loaded.notices:
        note(line)
    if data is not None:
        from slackwater.data.scan.tape import scan_tape

        with progress("Measuring") as advance:
            found = scan_tape(data, loaded, top, advance)
    else:
        from slackwater.data.scan.tickers import scan_tickers

        found = scan_tickers(str(tickers), loaded, top)
    for kind, count in found.get("quarantined", {}).items():
        note(f"{count:,} entries passed over: {kind}, first {found['places'][kind][0]}")
    for entry in found.get("skipped", []):
        note(f"{entry['name']}: skipped: {entry['reason']}")
    emit(json, found, lambda: scan_text(found))
    return DataError.exit_code if found.get("skipped") else 0


def _print_table(found: Answer, most: int) -> None:
    from slackwater.cli.data_tables import records_text

    shown = list(itertools.islice(found.rows, most))
    is_cut = next(found.rows, None) is not None  # a query that fails does so before anything is printed
    print(records_text(found.columns, [[_plain(value) for value in row] for row in shown]))
    if is_cut:
        note(f"the first {most:,} rows; --rows shows more, --format csv or json all")


def _print_whole(write: Callable[[Answer, IO[str]], None], found: Answer) -> None:
    """Print an answer of any length once it is complete: until then it waits, the long one on disk.

    Raises:
        SlackwaterError: there is no room for it.
    """
    with tempfile.SpooledTemporaryFile(MOST_IN_MEMORY, "w+", encoding="utf-8", newline="") as waiting:
        try:
            write(found, waiting)
            waiting.seek(0)
        except OSError as error:
            raise SlackwaterError(
                f"{tempfile.gettempdir()}: expected room for the answer, found: {error.strerror or error}; TMPDIR names another folder"
            ) from error
        shutil.copyfileobj(waiting, sys.stdout, COPY_CHARACTERS)


def _write_csv(found: Answer, out: IO[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(found.columns)
    for row in found.rows:
        writer.writerow(["" if value is None else _plain(value) for value in row])


def _write_json(found: Answer, out: IO[str]) -> None:
    """One object, written as its rows come."""
    import msgspec

    def encoded(value: Any) -> str:
        return msgspec.json.encode(value).decode()

    out.write(f'{{"columns":{encoded(found.columns)},"types":{encoded(found.types)},"rows":[')
    before = ""
    for row in found.rows:
        out.write(before + encoded([_plain(value) for value in row]))
        before = ","
    out.write("]}\n")


def _plain(value: Any) -> Any:
    """A value of SQL as JSON and people can have it."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)  # a number that JSON's readers would round
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
