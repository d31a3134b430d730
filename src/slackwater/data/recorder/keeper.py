"""Rows from memory to the disk: written every second, synced every ten, a new log every hour; what a full or slow disk does to that.

Sockets are never held up: rows wait in memory while the disk is slow or refuses, up to a limit, and are lost and counted beyond it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import write_json
from slackwater.data.recorder.finish import NOTES
from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.recorder.log import LOG_ROW, LogHeader, LogWriter
from slackwater.schema.units import HOUR

MB = 1_000_000
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class KeeperTiming:
    """How often rows are written and synced, seconds; how long a log may grow, ns on the clock and rows; how many bytes may wait."""

    write_s: float = 1.0
    sync_s: float = 10.0
    log_ns: int = HOUR
    log_rows: int = 6_000_000
    most_waiting_bytes: int = 128 * MB


@dataclass(frozen=True, slots=True)
class KeeperHooks:
    """What a keeper tells and asks: sentences, that a log was closed and can go to the tape, and when which streams did not come."""

    tell: Tell
    on_finished: Callable[[], object]
    outages: Callable[[], list[dict[str, Any]]]


class LogKeeper:
    """Owns the log that is being written."""

    def __init__(self, folder: Path, header: LogHeader, intake: RecorderIntake, timing: KeeperTiming, hooks: KeeperHooks) -> None:
        self.slowest_write_s = 0.0
        self.failures = 0
        self._folder, self._header, self._intake, self._timing = folder, header, intake, timing
        self._hooks = hooks
        self._log: LogWriter | None = None
        self._turn = asyncio.Lock()  # one thread at a time is at the log
        self._synced = time.monotonic()
        self._is_failing = False
        self._lost_told = 0
        self._noted: dict[str, tuple[int, ...]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Write until asked to stop."""
        while not stop.is_set():
            await wait_for_event(stop, self._timing.write_s)
            await self.write()
            if self._is_log_done():
                await self.close()

    async def write(self) -> bool:
        """Write what waits; whether that worked."""
        async with self._turn:
            return await self._write()

    async def _write(self) -> bool:
        rows = self._intake.swap()
        start = time.monotonic()
        try:
            await asyncio.to_thread(self._append, rows)
        except OSError as error:
            self._intake.put_back(rows)
            self.failures += 1
            if not self._is_failing:
                self._is_failing = True
                waiting = f"up to {self._timing.most_waiting_bytes // MB} MB of rows wait in memory, what comes after that is lost"
                self._hooks.tell(f"{self._folder}: expected to write, found: {error.strerror or error}; {waiting}")
            return False
        self._intake.let_go()
        self.slowest_write_s = max(self.slowest_write_s, time.monotonic() - start)
        if self._is_failing:
            self._is_failing = False
            self._hooks.tell(f"{self._folder}: writing again")
        if self._intake.lost_count > self._lost_told:
            self._hooks.tell(f"{self._intake.lost_count - self._lost_told:,} messages were lost while the disk could not take them")
            self._lost_told = self._intake.lost_count
        return True

    async def change_steps(self, specs: tuple[InstrumentSpec, ...]) -> None:
        """Begin another log with the next row, as the venue's steps are these from now on."""
        await self.write()
        await self.close()
        self._header = replace(self._header, specs=specs)

    async def close(self) -> None:
        """Close the log, if there is one; the next row begins another."""
        async with self._turn:
            if self._log is not None:
                log, self._log = self._log, None
                await asyncio.to_thread(self._close, log)
                self._hooks.on_finished()

    def _append(self, rows: bytes) -> None:
        if rows:
            if self._log is None:
                self._log = LogWriter(self._folder, replace(self._header, started_ns=time.time_ns()))
                self._noted = self._counts()
            self._log.append(rows)
        if self._log is not None and time.monotonic() - self._synced >= self._timing.sync_s:
            self._sync(self._log)

    def _sync(self, log: LogWriter) -> None:
        self._synced = time.monotonic()
        try:
            log.sync()
            write_json(log.path.with_name(log.path.name + NOTES), self._notes(log))
        except OSError as error:
            # The rows are with the operating system: they are not written again.
            self.failures += 1
            self._hooks.tell(f"{log.path}: expected to sync, found: {error.strerror or error}")

    def _close(self, log: LogWriter) -> None:
        self._sync(log)
        log.close()

    def _is_log_done(self) -> bool:
        log, timing = self._log, self._timing
        if log is None or self._is_failing:
            return False
        is_old = time.time_ns() // timing.log_ns != int(log.path.stem.partition("-")[0]) // timing.log_ns
        return is_old or log.length >= timing.log_rows * LOG_ROW.itemsize

    def _counts(self) -> dict[str, tuple[int, ...]]:
        return {
            name: (state.backfilled_count, state.trades.repeated_count, state.quotes.repeated_count)
            for name, state in self._intake.states.items()
        }

    def _notes(self, log: LogWriter) -> dict[str, Any]:
        """What the manifests are to say of this log beside its rows, by symbol."""
        names = ("backfilled_trades", "repeated_trades", "repeated_quotes")
        notes: dict[str, Any] = {}
        outages = [entry for entry in self._hooks.outages() if entry["to"] >= log.header.started_ns]
        for name, counts in self._counts().items():
            since = (now - before for now, before in zip(counts, self._noted.get(name, (0, 0, 0)), strict=True))
            notes[name] = {what: count for what, count in zip(names, since, strict=True) if count}
            missing = self._intake.states[name].trades.missing[:20]
            if missing:
                notes[name]["missing_trade_ids"] = [list(gap) for gap in missing]
            if self._intake.lost_count:
                notes[name]["lost_messages_of_all_symbols"] = self._intake.lost_count
            if outages:
                notes[name]["outages"] = outages
            if self._intake.odd:
                notes[name]["odd_messages_of_all_symbols"] = dict(self._intake.odd)
        return notes


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait until an event, at most so long; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
