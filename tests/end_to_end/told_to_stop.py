"""A program that is told to stop in the middle of a step of its work: while a finaliser runs, or for longer than anybody waits."""

from __future__ import annotations

import os
import signal
import sys
import time

from slackwater.cli import leaving
from slackwater.cli.console import progress

SIGNAL, SLEEP_SEC = int(sys.argv[1]), float(sys.argv[2])


class Told:
    """Sends the signal while it is being taken away."""

    def __del__(self) -> None:
        os.kill(os.getpid(), SIGNAL)
        signal.sigpending()  # Python looks for signals before it goes on


leaving.listen()
leaving.PATIENCE_SEC = 0.2
with progress("Working", 2) as advance:
    told = Told()
    del told
    time.sleep(SLEEP_SEC)
    print("a step was finished", flush=True)
    advance(1)
    print("went on", flush=True)
