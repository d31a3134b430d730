"""`slackwater data fetch`: download the public archive's days of a symbol onto a tape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.cli.data_app import Json, app


@app.command
def fetch(
    *,
    symbol: Annotated[str, Parameter(help="BTCUSDT, BTC-USDT or BTC/USDT:USDT.")],
    from_: Annotated[str, Parameter(name="--from", help="First day, UTC, such as 2024-03-01.")],
    to: Annotated[str | None, Parameter(help="Last day, included. A date, not the tape: that is --out. Left out: the first day.")] = None,
    out: Annotated[Path, Parameter(help="The tape's folder; made when missing.")],
    venue: Annotated[str, Parameter(help="Whose archive: binance-um.")] = "binance-um",
    types: Annotated[
        str, Parameter(help="Some of these. bookTicker ends on 2024-03-30: later days need an own recording or a vendor's file.")
    ] = "bookTicker,aggTrades,klines,fundingRate",
    base_url: Annotated[str | None, Parameter(help="A mirror with the archive's layout. Left out: the archive.")] = None,
    exchange_info: Annotated[str | None, Parameter(help="exchangeInfo, a file or URL: steps and minimums. Left out: inferred.")] = None,
    tick: Annotated[str | None, Parameter(help="Price step, over what exchangeInfo says.")] = None,
    lot: Annotated[str | None, Parameter(help="Size step, over what exchangeInfo says.")] = None,
    cache: Annotated[Path | None, Parameter(help="Where downloads are kept. Left out: in the user's cache folder.")] = None,
    parallel: Annotated[int, Parameter(help="Downloads at a time, 1 to 16.")] = 4,
    json: Json = False,
) -> int:
    """Download a symbol's days of the public archive onto a tape; days there are replaced. Exits with 4 when files are missing."""
    from slackwater.data.archive.fetch import FetchRequest, fetch_tape
    from slackwater.data.archive.files import BASE_URL
    from slackwater.errors import DataError

    request = FetchRequest(
        venue, symbol, from_, to or from_, out, types, base_url or BASE_URL, cache, exchange_info, tick, lot, parallel=parallel
    )
    with progress(f"Fetching {symbol}", None) as advance:
        done = fetch_tape(request, advance)
    for line in (*done["notes"], *done["missing"]):
        note(line)
    for name in done["inferred"]:
        note(f"{name} {done['instrument'][name]}, inferred from the data")
    emit(json, done, lambda: _fetch_text(done))
    return 0 if done["ok"] else DataError.exit_code


def _fetch_text(done: dict[str, Any]) -> str:
    rows = ", ".join(f"{count:,} {name.removesuffix('.parquet')}" for name, count in done["rows"].items()) or "no rows"
    days = f"{len(done['days'])} day(s)" + (f" and {len(done['look_back_days'])} of candles before" if done["look_back_days"] else "")
    happened: dict[str, int] = {}
    for file in done["files"]:
        happened[file["status"]] = happened.get(file["status"], 0) + 1
    lines = [
        f"{done['venue']}/{done['symbol']}: {days}, {rows}, in {done['folder']}",
        f"files: {', '.join(f'{count:,} {status}' for status, count in happened.items()) or 'none'}",
    ]
    for what, word in (("quarantined", "dropped"), ("kept_odd", "kept, rejected at run time")):
        if done[what]:
            lines.append(f"{word}: " + ", ".join(f"{count:,} {kind}{_first_place(done, kind)}" for kind, count in done[what].items()))
    if done["quarantined"].get("other_day"):
        lines.append(
            "other_day: rows whose time lies outside their file's day; they are not put on the day they name, whose own file has it"
        )
    if done["skipped"]:
        lines.append(f"days not written: {', '.join(sorted(done['skipped']))}")
    return "\n".join(lines)


def _first_place(done: dict[str, Any], kind: str) -> str:
    places = done["places"].get(kind)
    return f" ({places[0]})" if places else ""
