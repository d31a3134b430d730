"""`slackwater data`: make, convert, list and check tapes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts
from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress

if TYPE_CHECKING:
    from slackwater.data.importer import ImportRequest

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]

app = cyclopts.App(name="data", help="Make, convert, list and check tapes.", help_format="plaintext")


@app.command(name="import")
def import_(
    *,
    venue: Annotated[str, Parameter(help="Where the data comes from, such as binance; a folder of the tape.")],
    symbol: Annotated[str, Parameter(help="The symbol, such as ETHUSDT; a folder of the venue.")],
    quotes: Annotated[Path, Parameter(help="Parquet or CSV with ts_event,bid,bid_qty,ask,ask_qty and optional ts_recv.")],
    trades: Annotated[Path, Parameter(help="Parquet or CSV with ts_event,price,qty,buyer_maker and optional ts_recv,trade_id.")],
    to: Annotated[Path, Parameter(help="The tape's folder; made when missing.")],
    tick: Annotated[str | None, Parameter(help="Price step. Left out: inferred from the prices and printed.")] = None,
    lot: Annotated[str | None, Parameter(help="Size step. Left out: inferred from the sizes and printed.")] = None,
    min_qty: Annotated[str | None, Parameter(help="The venue's smallest order. Left out: one lot.")] = None,
    min_notional: Annotated[
        str | None, Parameter(help="The venue's smallest order value. Left out: 5, as most Binance USD-M symbols have.")
    ] = None,
    json: Json = False,
) -> None:
    """Convert a file of quotes and a file of trades into a symbol's days on a tape; days already there are replaced."""
    from slackwater.data.importer import ImportRequest, import_tape, row_count

    request = ImportRequest(venue, symbol, quotes, trades, to, tick, lot, min_qty, min_notional)
    with progress(f"Importing {symbol}", row_count(request)) as advance:
        done = import_tape(request, advance)
    for name in done["inferred"]:
        note(f"{name} {done['instrument'][name]}, inferred from the data")
    for line in done["notes"]:
        note(line)
    emit(json, done, lambda: _import_text(request, done))


def _import_text(request: ImportRequest, done: dict[str, Any]) -> str:
    instrument = done["instrument"]
    rows = ", ".join(f"{count:,} {name.removesuffix('.parquet')}" for name, count in done["rows"].items())
    lines = [
        f"{request.venue}/{request.symbol}: {rows}, {len(done['days'])} day(s), in {done['folder']}",
        f"{done['first']} to {done['last']}",
        f"tick {instrument['tick_size']}, lot {instrument['lot_size']}, "
        f"min_qty {instrument['min_qty']}, min_notional {instrument['min_notional']}",
    ]
    for what, word in (
        ("quarantined", "dropped"),
        ("kept_odd", "kept, rejected at run time"),
        ("time_backwards", "sorted, steps back in time"),
    ):
        if done[what]:
            lines.append(f"{word}: " + ", ".join(f"{count:,} {kind}" for kind, count in done[what].items()))
    if done["gaps"]:
        lines.append(f"{done['gaps']} gap(s) of more than 60 s without quotes, listed in the manifests")
    return "\n".join(lines)
