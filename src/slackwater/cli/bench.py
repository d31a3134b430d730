"""`slackwater bench`: throughput, start and memory on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]
LEAST_EVENTS = 1000  # fewer measure the start of the loop
WIDTHS = (9, 12, 8, 8, 8, 10, 8)


def bench(
    *,
    events: Annotated[int, Parameter(help="Quotes and trades of each tape.")] = 5_000_000,
    profile: Annotated[
        Literal["calm", "alt", "pumps", "all"],
        Parameter(help="calm: the strategy only watches. alt: it trades as on a usual day. pumps: it trades whenever it can."),
    ] = "all",
    rounds: Annotated[int, Parameter(help="Rounds of each tape; their median counts.")] = 5,
    json: Json = False,
) -> None:
    """Measure whole back-tests on one core over seeded synthetic tapes: signals, strategy, venue, logs and files together."""
    from slackwater.errors import UsageError

    if events < LEAST_EVENTS or rounds < 1:
        raise UsageError(f"--events, --rounds: expected at least {LEAST_EVENTS} and 1, found {events} and {rounds}")
    from slackwater.cli.backtest import say_if_compiling
    from slackwater.runtime.bench import PROFILES, Plan, run_bench

    say_if_compiling()
    plan = Plan(events, PROFILES if profile == "all" else (profile,), rounds)
    note(f"{len(plan.profiles)} tape(s) of {events:,} events, {rounds} round(s) each; tapes stay in the cache folder")
    with progress("Measuring", rounds * len(plan.profiles)) as advance:
        document = run_bench(plan, advance)
    emit(json, document, lambda: bench_text(document))


def bench_text(document: dict[str, Any]) -> str:
    """A line for each round and each median, and what the columns mean."""
    machine = document["machine"]
    lines = [
        f"slackwater {machine['slackwater']}, Python {machine['python']}, Numba {machine['numba']}, {machine['processor']}, one core",
        f"{document['events']:,} events a tape (one quote or one trade each)",
        "",
        _row("tape", "round", ("ns/event", "events/s", "fills", "start s", "anon MB", "command s", "anon MB")),
    ]
    for profile, measured in document["profiles"].items():
        lines += [_line(profile, str(number), entry) for number, entry in enumerate(measured["rounds"], 1)]
        lines.append(_line(profile, "median", measured["median"]))
    return "\n".join([*lines, "", EXPLANATION])


EXPLANATION = """ns/event: the loop over all rows with signals, strategy, venue, logs and Parquet files; rows cached, kernels compiled.
start: from the process's start to its first event. command: `slackwater backtest` as a whole, without the report.
anon: peak anonymous memory (RssAnon) of the loop's process and of the command."""


def _line(profile: str, number: str, entry: dict[str, Any]) -> str:
    cells = (
        f"{entry['ns_per_event']:.1f}",
        f"{entry['events_per_sec']:,.0f}",
        f"{entry['fills']:,}" if "fills" in entry else "",
        f"{entry['first_event_sec']:.2f}",
        _figure(entry["peak_anon_mb"], 0),
        _figure(entry["command_sec"], 2),
        _figure(entry["command_peak_anon_mb"], 0),
    )
    return _row(profile, number, cells)


def _row(profile: str, number: str, cells: Sequence[str]) -> str:
    return f"{profile:6} {number:>6} " + " ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
