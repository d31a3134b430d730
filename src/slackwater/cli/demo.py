"""`slackwater demo`: a synthetic tape with pumps, its back-test, and the report, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.errors import UsageError

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]

SYMBOLS = ("SYNA", "SYNB", "SYNC")
HOURS = 6.0
MOST_HOURS = 87_600.0  # ten years, as `data synth`
FOLDER = Path("build/demo")


def demo(
    *,
    to: Annotated[Path, Parameter(help="Where the tape and the run are written; an earlier demo there is replaced.")] = FOLDER,
    hours: Annotated[float, Parameter(help="Length of the tape.")] = HOURS,
    seed: Annotated[int, Parameter(help="The same seed is the same demo.")] = 1,
    json: Json = False,
) -> None:
    """Make a synthetic tape with pumps, back-test it with the default configuration, and write the report."""
    from slackwater.cli.backtest import say_if_compiling, summary_text, write_report_of
    from slackwater.cli.explain import headline
    from slackwater.config.loading import with_seed
    from slackwater.config.model import Config
    from slackwater.data.synth.synth import SynthRequest, synthesise
    from slackwater.runtime.run_directory import check_place

    if not 0.0 < hours <= MOST_HOURS:
        raise UsageError(f"--hours: expected more than 0 and at most {MOST_HOURS:g}, found {hours:g}")
    config = with_seed(Config(), seed)
    tape, run = to / "tape", to / "run"
    check_place(run)
    say_if_compiling()
    note(f"making a synthetic tape of {hours:g} h for {', '.join(SYMBOLS)}")
    with progress("Generating", len(SYMBOLS)) as advance:
        synthesise(SynthRequest(tape, SYMBOLS, None, hours, seed), advance)
    from slackwater.runtime.backtest import Request, run_backtest
    from slackwater.runtime.explain import explain_run

    note("back-testing it with the default configuration")
    with progress("Back-testing", is_shown=False) as advance:
        document = run_backtest(Request(tape, run, config, SYMBOLS), advance)
    report = write_report_of(run)
    found = explain_run(run)
    lines = [line for part in found["symbols"] for line in headline(part)]
    last = f"report: {report}"
    payload = {"run": run, "tape": tape, "report": report, "reading": lines, **document["summary"]}
    emit(json, payload, lambda: "\n".join([summary_text(run, document), *lines, last]))
