"""The table of verbs, and the one place where errors become messages and exit codes.

A verb's module is imported when the verb runs, so `slackwater --help` needs neither NumPy nor Numba: its line of help
stands here.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from slackwater import __version__
from slackwater.cli.leaving import listen
from slackwater.errors import SlackwaterError, UsageError

if TYPE_CHECKING:
    from cyclopts import App

ABOUT = "Back-test and trade one strategy on crypto perpetuals: short an exhausted pump with post-only sells."
EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused for safety, 4 data missing or damaged."
INTERRUPTED = 130  # 128 + SIGINT, as shells count


class Verb(NamedTuple):
    """One line of `slackwater --help`."""

    name: str
    target: str  # module in this package and the App or function in it
    help: str


VERBS = (
    Verb("demo", "demo:demo", "Make a synthetic tape with pumps, back-test it, write the report and say where."),
    Verb("data", "data:app", "Make, convert, download, record, export, list and check tapes."),
    Verb("signals", "signals:signals", "Write every signal after every valid book of a tape to a Parquet file."),
    Verb("backtest", "backtest:backtest", "Run the strategy over a tape and write a run directory."),
    Verb("explain", "explain:explain", "Say which gates stopped trading in a run, or every gate's value at one moment."),
    Verb("report", "report:report", "Write a run's self-contained HTML report."),
    Verb("compare", "report:compare", "Compare runs side by side."),
    Verb("config", "config:app", "Check, show and describe the configuration."),
    Verb("bench", "bench:bench", "Measure throughput on this machine."),
)


def verbs() -> tuple[Verb, ...]:
    """The verbs whose module is there."""
    return tuple(verb for verb in VERBS if find_spec(f"slackwater.cli.{verb.target.partition(':')[0]}") is not None)


def build() -> App:
    """The command line with every verb. Call it with tokens; it returns what the verb returned."""
    from cyclopts import App

    app = App(
        name="slackwater",
        help_format="plaintext",
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for verb in verbs():
        app.command(f"slackwater.cli.{verb.target}", name=verb.name, help=verb.help)
    return app


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; the message of a failure goes to stderr, one line for each problem.

    An error that nobody foresaw is left to Python, which prints it through `_report_unexpected` and exits with 1.
    """
    sys.excepthook = _report_unexpected
    listen()
    _take_any_letter()
    words = list(sys.argv[1:] if tokens is None else tokens)
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except SlackwaterError as error:
        for line in str(error).splitlines():
            print(f"slackwater: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("slackwater: interrupted, nothing half-written is left", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`slackwater ... | head`): not our failure, and Python must not report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if os.environ.get("SLACKWATER_DEBUG") == "1":
            raise
        print(f"slackwater: {disk_said(error)}", file=sys.stderr)
        return SlackwaterError.exit_code


def disk_said(error: OSError) -> str:
    """What the system refused, in a sentence: the path, and its reason."""
    reason = (error.strerror or str(error) or type(error).__name__).partition("\n")[0]
    reason = reason[:1].lower() + reason[1:]
    if error.filename is None:
        return f"expected files and folders that can be read and written, found: {reason}"
    path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else str(error.filename)
    cache = os.environ.get("SLACKWATER_CACHE")
    hint = "; SLACKWATER_CACHE names the cache's folder" if cache and path.startswith(cache) else ""
    return f"{path}: expected something that can be read or written here, found: {reason}{hint}"


def _take_any_letter() -> None:
    """From now on a letter that stdout's encoding lacks is a question mark there, not an error. Python sees to stderr itself."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _run(words: list[str]) -> int:
    # What is asked most needs no parser, and importing one takes ten times as long as the answer.
    if not words or words in (["--help"], ["-h"]):
        print(_overview())
        return 0
    if words == ["--version"]:
        print(__version__)
        return 0
    from cyclopts import CycloptsError

    try:
        result = build()(words)
    except CycloptsError as error:
        raise UsageError(f"{' '.join(str(error).split())} (slackwater --help lists the commands)") from error
    return result if isinstance(result, int) else 0


def _overview() -> str:
    known = verbs()
    width = max(len(verb.name) for verb in known)
    lines = ["Usage: slackwater COMMAND [OPTIONS]", "", ABOUT, "", "Commands:"]
    lines += [f"  {verb.name:<{width}}  {verb.help}" for verb in known]
    lines += ["", "Every command has --help and --json. --version prints the version.", EXIT_CODES]
    return "\n".join(lines)


def _report_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if os.environ.get("SLACKWATER_DEBUG") == "1":
        sys.__excepthook__(kind, error, trace)
        return
    print(f"slackwater: unexpected {kind.__name__}: {error} (SLACKWATER_DEBUG=1 shows where)", file=sys.stderr)
