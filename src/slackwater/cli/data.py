"""`slackwater data`: make, convert, list and check tapes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.errors import DataError, UsageError

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]

app = cyclopts.App(name="data", help="Make, convert, download, export, list and check tapes.", help_format="plaintext")


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
    json: Json = False,
) -> int:
    """Convert quotes and trades into a symbol's days on a tape; days already there are replaced."""
    from slackwater.data.formats import RAW, FormatRequest, import_raw, open_format
    from slackwater.data.importer import ImportRequest, import_tape, row_count
    from slackwater.data.symbols import canonical_symbol

    symbols = tuple(canonical_symbol(name) for name in symbol or ())
    if exchange_info:
        from slackwater.data.exchange_info import read_exchange_info

        if len(symbols) != 1:
            raise UsageError(f"--exchange-info: expected one --symbol to look up, found {len(symbols)}")
        told = read_exchange_info(exchange_info, symbols[0]).as_json()
        tick, lot = tick or told["tick_size"], lot or told["lot_size"]
        min_qty, min_notional = min_qty or told["min_qty"], min_notional or told["min_notional"]
    base = ImportRequest(venue, "", Path(), Path(), to, tick, lot, min_qty, min_notional, funding)
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
        _rows_text(done),
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
        lines.append(f"{done['gaps']} gap(s) of more than 60 s without quotes, listed in the manifests")
    return "\n".join(lines)


def _first_place(done: dict[str, Any], kind: str) -> str:
    from slackwater.data.source import place_word

    for name, places in done["places"].items():
        if places.get(kind):
            return f" ({name} {place_word(Path(name))} {places[kind][0]})"
    return ""


@app.command
def synth(
    *,
    to: Annotated[Path, Parameter(help="The tape's folder; made when missing.")],
    symbols: Annotated[str, Parameter(help="Names, separated by commas.")] = "SYNA",
    events: Annotated[
        int | None, Parameter(help="Quotes and trades of each symbol. With --hours too, what is reached first ends it.")
    ] = None,
    hours: Annotated[float | None, Parameter(help="Length of the tape. Left out, without --events either: 1.")] = None,
    seed: Annotated[int, Parameter(help="The same seed is the same tape.")] = 1,
    profile: Annotated[
        str, Parameter(help="pumps: wide spreads and pushes that exhaust. calm: tight spreads, a hundred rows a second.")
    ] = "pumps",
    json: Json = False,
) -> None:
    """Generate a tape: two-sided markets with bursts, spread regimes, and pumps that revert or run on."""
    from slackwater.data.synth import SynthRequest, synthesise

    names = tuple(name.strip() for name in symbols.split(",") if name.strip())
    request = SynthRequest(to, names, events, hours, seed, profile)
    with progress(f"Generating {', '.join(names)}", len(names)) as advance:
        done = synthesise(request, advance)
    emit(json, done, lambda: "\n".join(_rows_text(entry) for entry in done["symbols"]))


@app.command
def ls(*, data: Annotated[Path, Parameter(help="The tape's folder.")], json: Json = False) -> int:
    """List the symbols of a tape: span, rows, size on disk, bytes a row, sources. Exits with 4 when one cannot be read."""
    from slackwater.cli.data_tables import listing_text
    from slackwater.data.catalog import list_tape

    found = list_tape(data)
    for entry in found["damaged"]:
        note(f"{entry['name']}: damaged: {entry['reason']}")
    emit(json, found, lambda: listing_text(found["symbols"]))
    return DataError.exit_code if found["damaged"] else 0


@app.command
def verify(
    *,
    data: Annotated[Path, Parameter(help="The tape's folder.")],
    symbol: Annotated[list[str] | None, Parameter(help="Only this one, SYMBOL or venue/SYMBOL; may be given again.", negative="")] = None,
    json: Json = False,
) -> int:
    """Check a tape against its manifests and for rows that make no sense. Exits with 4 when it is damaged, with 0 when only odd."""
    from slackwater.cli.verify_tables import verify_text
    from slackwater.data.verify import verify_tape

    with progress("Checking", None) as advance:
        found = verify_tape(data, symbol, advance)
    emit(json, found, lambda: "\n".join(verify_text(entry) for entry in found["symbols"]))
    return 0 if found["ok"] else DataError.exit_code


def _rows_text(entry: dict[str, Any]) -> str:
    rows = entry["rows"]
    counts = f"{rows.get('quotes.parquet', 0):,} quotes, {rows.get('trades.parquet', 0):,} trades"
    return f"{entry['venue']}/{entry['symbol']}: {counts}, {entry['first']} to {entry['last']}, in {entry['folder']}"


import slackwater.cli.data_export  # noqa: E402  (registers `export` on the app above)
import slackwater.cli.data_fetch  # noqa: E402  (registers `fetch`)
import slackwater.cli.data_query  # noqa: E402, F401  (registers `sql` and `scan`)
