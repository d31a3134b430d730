"""`slackwater data import`: files that users have become a tape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.cli.data_app import Json, app, rows_text
from slackwater.errors import DataError, UsageError


@app.command(name="import")
def import_(
    *,
    venue: Annotated[str, Parameter(help="Where the data comes from, such as binance; a folder of the tape.")],
    symbol: Annotated[
        list[str] | None,
        Parameter(help="The symbol, such as ETHUSDT; a folder of the venue. Of a raw log some or, left out, all.", negative=""),
    ] = None,
    quotes: Annotated[
        Path | None, Parameter(help="Parquet or CSV with ts_event,bid,bid_qty,ask,ask_qty and optional ts_recv; or Tardis quotes.")
    ] = None,
    trades: Annotated[
        Path | None,
        Parameter(help="Parquet or CSV with ts_event,price,qty,buyer_maker and optional ts_recv,trade_id; or Tardis trades."),
    ] = None,
    format: Annotated[
        str, Parameter(help="generic, or tardis: --quotes and --trades. hftbacktest: --input NPZ. binance-raw: --input LOG of a websocket.")
    ] = "generic",
    input: Annotated[list[Path] | None, Parameter(name="--input", help="A file of both; of events several.", negative="")] = None,
    map: Annotated[list[str] | None, Parameter(name="--map", help="Columns by other names: ts_event=time,bid=bid_px.", negative="")] = None,
    time_unit: Annotated[str | None, Parameter(help="What whole-number times count: s, ms, us or ns. Left out: ns.")] = None,
    to: Annotated[Path, Parameter(help="The tape's folder; made when missing.")],
    tick: Annotated[str | None, Parameter(help="Price step. Left out: inferred from the prices and printed.")] = None,
    lot: Annotated[str | None, Parameter(help="Size step. Left out: inferred from the sizes and printed.")] = None,
    min_qty: Annotated[str | None, Parameter(help="The venue's smallest order. Left out: one lot.")] = None,
    min_notional: Annotated[
        str | None, Parameter(help="The venue's smallest order value. Left out: 5, as most Binance USD-M symbols have.")
    ] = None,
    funding: Annotated[Path | None, Parameter(help="Parquet or CSV with ts_event,rate: what longs pay to shorts.")] = None,
    exchange_info: Annotated[str | None, Parameter(help="exchangeInfo, a file or URL: what of steps and minimums is not given.")] = None,
    off_step: Annotated[
        Literal["refuse", "drop"],
        Parameter(help="Rows off the steps: refuse the import, or drop them while they are at most a thousandth of a file and a thousand."),
    ] = "refuse",
    sort: Annotated[
        bool, Parameter(help="Put all rows into order. Left out: drop rows that stand more than a second out of their place.", negative="")
    ] = False,
    json: Json = False,
) -> int:
    """Convert quotes and trades into a symbol's days on a tape; days already there are replaced."""
    from slackwater.data.formats.importer import ImportRequest, import_tape, row_count
    from slackwater.data.formats.imports import RAW, FormatRequest, import_raw, open_format
    from slackwater.data.symbols import canonical_symbol

    symbols = tuple(canonical_symbol(name) for name in symbol or ())
    if exchange_info:
        told = _told(exchange_info, symbols)
        tick, lot = tick or told["tick_size"], lot or told["lot_size"]
        min_qty, min_notional = min_qty or told["min_qty"], min_notional or told["min_notional"]
    base = ImportRequest(venue, "", Path(), Path(), to, tick, lot, min_qty, min_notional, funding, few_off=off_step == "drop", sort=sort)
    request = FormatRequest(format, base, symbols, quotes, trades, tuple(input or ()), tuple(map or ()), time_unit)
    if format == RAW:
        with progress(f"Importing {input[0] if input else 'a log'}") as advance:
            done = import_raw(request, advance)
    else:
        base, sources = open_format(request)
        with progress(f"Importing {base.symbol}", row_count(sources)) as advance:
            done = import_tape(base, advance, sources)
    entries = done["symbols"] if format == RAW else [done]
    for entry in entries:
        for name in entry["inferred"]:
            note(f"{entry['symbol']}: {name} {entry['instrument'][name]}, inferred from the data")
        for line in entry["notes"]:
            note(line)
    skipped = done.get("skipped", [])
    for entry in skipped:
        note(f"{entry['name']}: not imported: {entry['reason']}")
    emit(json, done, lambda: "\n".join([_import_text(entry) for entry in entries] + _log_text(done.get("log"))))
    return DataError.exit_code if skipped else 0


def _told(exchange_info: str, symbols: tuple[str, ...]) -> dict[str, Any]:
    """What exchangeInfo says of the symbol."""
    from slackwater.data.exchange_info import read_exchange_info

    if len(symbols) != 1:
        raise UsageError(f"--exchange-info: expected one --symbol to look up, found {len(symbols)}")
    return read_exchange_info(exchange_info, symbols[0]).as_json()


def _log_text(log: dict[str, Any] | None) -> list[str]:
    if log is None:
        return []
    lines = [f"{log['lines']:,} lines: " + ", ".join(f"{count:,} {kind}" for kind, count in log["messages"].items())]
    if log["quarantined"]:
        refused = (f"{count:,} {kind} from line {log['places'][kind][0]}" for kind, count in log["quarantined"].items())
        lines.append("refused: " + ", ".join(refused))
    return lines


def _import_text(done: dict[str, Any]) -> str:
    instrument = done["instrument"]
    lines = [
        rows_text(done),
        f"tick {instrument['tick_size']}, lot {instrument['lot_size']}, "
        f"min_qty {instrument['min_qty']}, min_notional {instrument['min_notional']}",
    ]
    for what, word in (
        ("quarantined", "dropped"),
        ("kept_odd", "kept, rejected at run time"),
        ("time_backwards", "sorted, steps back in time"),
    ):
        if done[what]:
            lines.append(f"{word}: " + ", ".join(f"{count:,} {kind}{_first_place(done, kind)}" for kind, count in done[what].items()))
    if done["gaps"]:
        lines.append(f"{done['gaps']} gap(s) of more than 60 s without quotes; the manifests list those within a day")
    return "\n".join(lines)


def _first_place(done: dict[str, Any], kind: str) -> str:
    from slackwater.data.formats.source import place_word

    for name, places in done["places"].items():
        if places.get(kind):
            return f" ({name} {place_word(Path(name))} {places[kind][0]})"
    return ""
