"""`slackwater data record`: live streams to a tape."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, note, stderr_console
from slackwater.cli.data_app import Json, app


@app.command
def record(
    *,
    to: Annotated[Path, Parameter(help="The tape's folder; made when missing.")],
    symbols: Annotated[str, Parameter(help="Names, separated by commas: BTCUSDT, BTC-USDT or BTC/USDT:USDT.")] = "",
    top: Annotated[int | None, Parameter(help="In place of names: so many of the perpetuals in USDT that trade most.")] = None,
    seconds: Annotated[float | None, Parameter(help="End after so long. Left out: record until Ctrl-C or SIGTERM.")] = None,
    venue: Annotated[str, Parameter(help="Whose streams; also the name of the folder.")] = "binance-um",
    stream_url: Annotated[str | None, Parameter(help="Another host that speaks the venue's streams.")] = None,
    rest_url: Annotated[str | None, Parameter(help="Another host that speaks the venue's REST.")] = None,
    exchange_info: Annotated[str | None, Parameter(help="exchangeInfo, a file or URL, in place of the venue's own.")] = None,
    channels: Annotated[Path | None, Parameter(help="Another table of streams and the paths that carry them, TOML.")] = None,
    recover: Annotated[bool, Parameter(help="Only put on the tape what earlier recordings left there.", negative="")] = False,
    json: Json = False,
) -> int:
    """Record quotes, trades, candles and funding as they come, with both clocks. Exits with 4 when something of the time is missing."""
    from slackwater.data.placing import told
    from slackwater.data.recorder.channels import TABLE
    from slackwater.data.recorder.finish import finish_logs
    from slackwater.data.recorder.record import REST_URL, STREAM_URL, RecordRequest
    from slackwater.data.recorder.record import record as run
    from slackwater.errors import DataError, UsageError

    names = tuple(name.strip() for name in symbols.split(",") if name.strip())
    if recover:
        if names or top is not None:
            raise UsageError("--recover: expected neither --symbols nor --top, found one")
        with told(to):
            done = finish_logs(to, venue)
        for line in (*done["kept_aside"], *done["damaged"]):
            note(line)
        emit(json, done, lambda: "\n".join(_recovered_text(done)))
        return DataError.exit_code if done["damaged"] or done["kept_aside"] else 0
    request = RecordRequest(
        to, venue, names, top, stream_url or STREAM_URL, rest_url or REST_URL, exchange_info, channels or TABLE, seconds
    )
    with _status() as show:
        done = run(request, _tell, show)
    emit(json, done, lambda: "\n".join(_record_text(done)))
    return 0 if done["ok"] else DataError.exit_code


def _tell(sentence: str) -> None:
    """Say what happens; a reader that went away, or a terminal that was closed, does not end a recording."""
    with suppress(OSError):
        note(sentence)


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says how it goes; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    with stderr_console().status("connecting") as status:
        yield status.update


def _recovered_text(done: dict[str, Any]) -> list[str]:
    lines = [f"{done['logs']} log(s) of recordings put on the tape"] + _rows_lines(done["rows"])
    if done["cut_off_bytes"]:
        lines.append(f"{done['cut_off_bytes']:,} bytes at their ends were no whole row")
    return lines


def _rows_lines(rows: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"{symbol}: " + ", ".join(f"{count:,} {name.removesuffix('.parquet')}" for name, count in sorted(found.items()))
        for symbol, found in sorted(rows.items())
    ]


def _record_text(done: dict[str, Any]) -> list[str]:
    lines = [f"{done['venue']}: {done['messages']:,} messages in {done['seconds']:,.0f} s, on the tape in {done['folder']}"]
    lines += _rows_lines(done["rows"])
    filled = sum(done["backfilled_trades"].values())
    lines.append(
        f"{sum(socket['drops'] for socket in done['sockets'].values())} dropped connection(s), {filled:,} trades asked for afterwards, "
        f"{done['repeated']:,} repeats left out"
    )
    if done["odd"]:
        lines.append("not used: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(done["odd"].items())))
    for symbol, gaps in sorted(done["missing_trade_ids"].items()):
        lines.append(f"{symbol}: {sum(last - first + 1 for first, last in gaps):,} trades missing in {len(gaps)} gap(s)")
    if done["unwritten_rows"]:
        lines.append(f"{done['unwritten_rows']:,} rows lost: the disk did not take them")
    if done["lost_messages"]:
        lines.append(f"{done['lost_messages']:,} messages lost: the disk did not take them")
    if done["silent_streams"]:
        lines.append(f"never heard: {', '.join(done['silent_streams'][:5])}{' ...' if len(done['silent_streams']) > 5 else ''}")
    return lines
