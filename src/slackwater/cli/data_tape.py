"""`slackwater data synth`, `ls` and `verify`: tapes made, listed and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.cli.data_app import Json, app, rows_text
from slackwater.errors import DataError


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
        str,
        Parameter(
            help="pumps: wide spreads and pushes that exhaust. alt: a liquid altcoin on a usual day. calm: tight spreads, no pushes."
        ),
    ] = "pumps",
    json: Json = False,
) -> None:
    """Generate a tape: two-sided markets with bursts, spread regimes, and pumps that revert or run on.

    A symbol that was generated into the folder before is replaced as a whole, all its days. One with other days is left alone: the
    command ends with 2.
    """
    from slackwater.data.synth.synth import SynthRequest, synthesise

    names = tuple(name.strip() for name in symbols.split(",") if name.strip())
    request = SynthRequest(to, names, events, hours, seed, profile)
    with progress(f"Generating {', '.join(names)}", len(names)) as advance:
        done = synthesise(request, advance)
    emit(json, done, lambda: "\n".join(rows_text(entry) for entry in done["symbols"]))


@app.command
def ls(*, data: Annotated[Path, Parameter(help="The tape's folder.")], json: Json = False) -> int:
    """List the symbols of a tape: span, rows, size on disk, bytes a row, sources. Exits with 4 when one cannot be read."""
    from slackwater.cli.data_tables import listing_text
    from slackwater.data.catalog import list_tape

    found = list_tape(data)
    if found["recording_logs"]:
        note(f"{data}: {found['recording_logs']} log(s) of recordings are not on the tape yet; those left behind: `data record --recover`")
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
    from slackwater.data.checks.verify import verify_tape

    with progress("Checking", None) as advance:
        found = verify_tape(data, symbol, advance)
    emit(json, found, lambda: "\n".join(verify_text(entry) for entry in found["symbols"]))
    return 0 if found["ok"] else DataError.exit_code
