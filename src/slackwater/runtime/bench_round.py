"""One round of the benchmark, run as a module in a process of its own: the back-test's whole loop over one tape, nothing left out.

Prints one JSON object. `slackwater.runtime.bench` starts it, pins it to a core and watches its memory.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from slackwater.config.model import Config
from slackwater.kernel.jit import IS_WARM, note_warm
from slackwater.kernel.record import Box, as_box
from slackwater.runtime.backtest import Request, open_session
from slackwater.runtime.run_directory import RunWriter
from slackwater.runtime.session import Session, SymbolInput
from slackwater.schema.units import SEC


class Task(msgspec.Struct, frozen=True):
    """What a round is told.

    Args:
        data: the tape's folder.
        started_sec: the system's monotonic clock when the process was asked for.
        only_start: stop once the kernels are there and the first row is done.
    """

    data: str
    started_sec: float
    only_start: bool = False


def main(words: list[str]) -> int:
    """Run the round that the first word describes."""
    task = msgspec.json.decode(words[0], type=Task)
    with tempfile.TemporaryDirectory(prefix="slackwater-bench-") as folder:
        session, _ = open_session(Request(Path(task.data), Path(folder), Config()))
        answer: dict[str, Any] = {"was_compiled": IS_WARM, "first_event_sec": first_event_sec(session, task.started_sec)}
        if not task.only_start:
            answer |= timed_loop(session, Path(folder))
    print(msgspec.json.encode(answer).decode())
    return 0


def first_event_sec(session: Session, started_sec: float) -> float:
    """Seconds from the process's start until the first row of the tape has gone through strategy and venue.

    A session of that row alone is run to its end, so that the timed loop finds every kernel loaded.
    """
    beginning = [SymbolInput(source.name, as_box(source.rows[:1]), None, source.instrument) for source in session.inputs]
    pauses = Session(beginning, session.params, 1).run()
    next(pauses)
    passed_sec = time.monotonic() - started_sec
    drop_logs(pauses)
    note_warm()
    return passed_sec


def drop_logs(pauses: Iterator[Box]) -> None:
    """Run a session to its end; what it logs is thrown away."""
    for out in pauses:
        out[0].is_nearly_full = False


def timed_loop(session: Session, folder: Path) -> dict[str, Any]:
    """Run the tape and write its Parquet files; returns seconds in all, those of the writing, and what was done."""
    writer = RunWriter(folder, session.names(), session.first_end_ns)
    writing_ns = fills = closes = 0
    begin_ns = time.perf_counter_ns()
    for out in session.run():
        fills += int(out[0].fill_count)
        closes += int(out[0].close_count)
        before_ns = time.perf_counter_ns()
        writer.drain(out)
        writing_ns += time.perf_counter_ns() - before_ns
    before_ns = time.perf_counter_ns()
    writer.close()
    end_ns = time.perf_counter_ns()
    return {
        "loop_sec": (end_ns - begin_ns) / SEC,
        "writing_sec": (writing_ns + end_ns - before_ns) / SEC,
        "rows": session.rows_done,
        "fills": fills,
        "closes": closes,
        "orders_sha256": writer.digest.finish()[0],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
