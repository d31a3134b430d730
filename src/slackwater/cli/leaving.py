"""Being told to stop, by SIGINT or SIGTERM: an exception takes the program out, and what is half-written is cleared away on its way.

An exception from a signal's handler may fall into a callback or a finaliser of another library, which swallows it or leaves that library
in pieces. Work that goes by steps therefore leaves between two of them; only when a step takes too long, or a second signal comes, it is
left where it is.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

PATIENCE_SEC = 3.0  # for the step that is under way

_told: list[int] = []  # the signals that came
_stepping: list[bool] = []  # blocks that go by steps


def listen() -> None:
    """From now on both signals are heard. In another thread than the first they cannot be, and are left as they are."""
    _told.clear()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _on_signal)
        signal.signal(signal.SIGTERM, _on_signal)
        signal.signal(signal.SIGALRM, _on_alarm)


@contextmanager
def by_steps() -> Iterator[None]:
    """A block that calls `leave_if_told` between its steps."""
    _stepping.append(True)
    try:
        yield
    finally:
        _stepping.pop()
    leave_if_told()


def leave_if_told() -> None:
    """Between two steps: leave when that was asked for and the program is still running.

    Raises:
        KeyboardInterrupt, SystemExit: for SIGINT and SIGTERM.
    """
    if _told:
        _leave(_told[-1])


def _on_signal(number: int, frame: FrameType | None) -> None:
    _told.append(number)
    if not _stepping or len(_told) > 1:
        _leave(number)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_SEC)


def _on_alarm(number: int, frame: FrameType | None) -> None:
    leave_if_told()


def _leave(number: int) -> NoReturn:
    signal.setitimer(signal.ITIMER_REAL, 0.0)  # nothing interrupts the clearing away
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
