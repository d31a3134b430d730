"""Closed logs go to the tape in a process of its own while the recording goes on; what each of them did is summed up here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from slackwater.data.recorder.finish import finish_logs, recording_folder
from slackwater.errors import DataError


class Finisher:
    """Starts `data record --recover` for a tape and a venue, and waits for it in the end."""

    def __init__(self, to: Path, venue: str, tell: Callable[[str], None]) -> None:
        self.sums: dict[str, Any] = {"logs": 0, "rows": {}, "kept_aside": [], "damaged": [], "cut_off_bytes": 0}
        self.unfinished: str | None = None  # a sentence, where rows wait for a disk that takes them
        self._to, self._venue, self._tell = to, venue, tell
        self._running: set[asyncio.Task[None]] = set()

    def start(self) -> asyncio.Task[None]:
        """Finish beside the recording what is closed by now."""
        task = asyncio.create_task(self._finish())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def wait(self) -> None:
        """Wait for all that was started."""
        await asyncio.gather(*self._running)

    def finish_the_last(self) -> None:
        """Finish what is left, in this process; a disk that refuses leaves it for another time."""
        try:
            self._add(finish_logs(self._to, self._venue))
        except (DataError, OSError) as error:
            folder = recording_folder(self._to, self._venue)
            self.unfinished = f"{folder}: rows are not on the tape yet ({error}); later: slackwater data record --recover"
            self._tell(self.unfinished)

    async def _finish(self) -> None:
        command = [sys.executable, "-m", "slackwater", "data", "record", "--recover", "--json"]
        command += ["--to", str(self._to), "--venue", self._venue]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # an interrupt at the terminal is for the recorder
                preexec_fn=_be_nice,
            )
        except OSError as error:
            self._tell(f"finished rows could not go to the tape yet: {error}")
            return
        output, errors = await process.communicate()
        try:
            self._add(msgspec.json.decode(output))
        except msgspec.DecodeError:
            self._tell(f"finished rows could not go to the tape yet: {errors.decode('utf-8', 'replace').strip() or process.returncode}")

    def _add(self, done: dict[str, Any]) -> None:
        for name in ("logs", "cut_off_bytes"):
            self.sums[name] += done[name]
        for name in ("kept_aside", "damaged"):
            self.sums[name] += done[name]
            for line in done[name]:
                self._tell(line)
        for symbol, rows in done["rows"].items():
            self.sums["rows"].setdefault(symbol, Counter()).update(rows)


def _be_nice() -> None:
    os.nice(10)
