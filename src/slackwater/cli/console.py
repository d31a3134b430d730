"""What commands say: results on stdout, everything else on stderr.

With `--json` stdout carries one JSON object and nothing more; progress bars and notes never touch it.
"""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from slackwater.cli.leaving import by_steps, leave_if_told

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[float], None]


def stderr_console() -> Console:
    """A console on stderr, with colours only when that is a terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def note(message: str) -> None:
    """Say one thing the user should know, on stderr."""
    print(f"slackwater: {message}", file=sys.stderr)


@contextmanager
def progress(description: str, total: float | None = None, *, is_shown: bool = True) -> Iterator[Advance]:
    """A progress bar on stderr while the block runs; yields the function that moves it by some amount, and leaves where that was asked for.

    In a pipe there is no bar. Without a total the bar only shows that work goes on.

    Args:
        is_shown: whether the bar is there at once; else it comes when it is first moved, be it by 0.
    """
    if not sys.stderr.isatty():
        with by_steps():
            yield lambda amount: leave_if_told()
        return
    from rich.progress import Progress

    bar = Progress(console=stderr_console(), transient=True)
    task = bar.add_task(description, total=total)
    with ExitStack() as shown:
        shown.callback(bar.stop)
        shown.enter_context(by_steps())
        if is_shown:
            bar.start()

        def advance(amount: float) -> None:
            leave_if_told()
            bar.start()
            bar.advance(task, amount)

        yield advance


def emit(as_json: bool, payload: Mapping[str, Any], text: Callable[[], str]) -> None:
    """Print a command's result on stdout: the payload as one JSON object, or the text that `text()` makes.

    Args:
        as_json: the command's `--json`.
        payload: names to values; NumPy scalars are written as numbers, NaN and infinities as null.
        text: called only when the text is wanted.
    """
    print(_as_json(payload) if as_json else text().removesuffix("\n"))


def _as_json(payload: Mapping[str, Any]) -> str:
    """The payload as JSON; letters that stdout does not know are escaped."""
    written = msgspec.json.encode(payload, enc_hook=_plain).decode()
    try:
        written.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json_text.dumps(json_text.loads(written))
    return written


def _plain(value: Any) -> Any:
    # NumPy scalars and arrays give themselves as Python values; anything else that JSON lacks is a programming error.
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"no JSON for {type(value).__name__}")
