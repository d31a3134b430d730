"""`slackwater data sql` and `slackwater data scan`: questions to a tape."""

from __future__ import annotations

import csv
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.cli.data import Json, app
from slackwater.errors import UsageError

if TYPE_CHECKING:
    from slackwater.data.query import Answer

FORMATS = ("table", "csv", "json")
CHUNK_ROWS = 1000  # written at once, so that a long answer needs no memory


@app.command
def sql(
    query: Annotated[str, Parameter(help="One SELECT over quotes, trades, klines, funding and instruments.")],
    /,
    *,
    data: Annotated[Path, Parameter(help="The tape's folder.")],
    format: Annotated[str, Parameter(help="table, capped at --rows; csv or json, with every row.")] = "table",
    rows: Annotated[int, Parameter(help="How many rows a table shows.")] = 40,
    memory_mb: Annotated[int, Parameter(help="What a query may use of memory; beyond it a temporary folder helps out.")] = 1024,
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
        {"table": lambda: _print_table(found, rows), "csv": lambda: _print_csv(found), "json": lambda: _print_json(found)}[kind]()


@app.command
def scan(
    *,
    data: Annotated[Path | None, Parameter(help="The tape's folder: everything is measured.")] = None,
    tickers: Annotated[str | None, Parameter(help="A file or URL with the venue's ticker/24hr: no spreads, no pumps, no depth.")] = None,
    config: Annotated[Path | None, Parameter(help="A configuration file. Left out: the defaults.")] = None,
    top: Annotated[int | None, Parameter(help="How many to name. Left out: scanner.top_n.")] = None,
    json: Json = False,
) -> None:
    """Rank symbols by what the strategy needs, within the limits of the configuration's scanner section."""
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
    emit(json, found, lambda: scan_text(found))


def _print_table(found: Answer, most: int) -> None:
    from slackwater.cli.data_tables import records_text

    shown = list(itertools.islice(found.rows, most))
    print(records_text(found.columns, [[_plain(value) for value in row] for row in shown]))
    if next(found.rows, None) is not None:
        note(f"the first {most:,} rows; --rows shows more, --format csv or json all")


def _print_csv(found: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(found.columns)
    for row in found.rows:
        writer.writerow(["" if value is None else _plain(value) for value in row])


def _print_json(found: Answer) -> None:
    """One object, written as its rows come."""
    import msgspec

    def encoded(value: Any) -> str:
        return msgspec.json.encode(value).decode()

    chunks = iter(lambda: list(itertools.islice(found.rows, CHUNK_ROWS)), [])
    first = next(chunks, [])  # a query that fails does so before anything is printed
    print(f'{{"columns":{encoded(found.columns)},"types":{encoded(found.types)},"rows":[', end="")
    for number, chunk in enumerate(itertools.chain([first], chunks)):
        text = ",".join(encoded([_plain(value) for value in row]) for row in chunk)
        print("," + text if number and text else text, end="")
    print("]}")


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
