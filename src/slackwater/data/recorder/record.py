"""A recording from its start to its end: sockets, back-fill and disk side by side, and finished logs to the tape."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa

from slackwater.data.exchange_info import listing_of, spec_of
from slackwater.data.layout import check_name
from slackwater.data.placing import told
from slackwater.data.recorder.backfill import Backfill
from slackwater.data.recorder.channels import TABLE, plan_sockets
from slackwater.data.recorder.finish import recording_folder
from slackwater.data.recorder.finisher import Finisher
from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.recorder.keeper import KeeperHooks, KeeperTiming, LogKeeper
from slackwater.data.recorder.log import LogHeader, holding
from slackwater.data.recorder.plan import RecordingPlan, check_tape, earlier_trades, plan_recording
from slackwater.data.recorder.rest import RestClient, RestError
from slackwater.data.recorder.sockets import Feed, KeptSocket, ReceiveClock, SocketTiming
from slackwater.errors import DataError, UsageError
from slackwater.schema.units import SEC

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # those that the caller ignores, as nohup does, stay ignored
INFO_PATH = "/fapi/v1/exchangeInfo"
STREAM_URL = "wss://fstream.binance.com"
REST_URL = "https://fapi.binance.com"
LAST_FILL_S = 20.0  # how long the last gaps may take when a recording ends
LAST_WRITES = 5  # tries when a recording ends and the disk refuses
STATUS_S = 1.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to record and where. `exchange_info` is a file or URL in place of the venue's; `seconds` ends the recording by itself."""

    to: Path
    venue: str = "binance-um"
    symbols: tuple[str, ...] = ()
    top: int | None = None
    stream_url: str = STREAM_URL
    rest_url: str = REST_URL
    exchange_info: str | None = None
    channels: Path = TABLE
    seconds: float | None = None
    sockets: SocketTiming = SocketTiming()
    keeper: KeeperTiming = KeeperTiming()
    fill_every_s: float = 2.0
    steps_every_s: float = 600.0


def record(request: RecordRequest, tell: Tell, show: Tell = lambda line: None) -> dict[str, Any]:
    """Record until asked to end by SIGINT or SIGTERM, or until the time is over; then put everything on the tape.

    `tell` is given a sentence about each thing that happens, `show` a line about how it goes, again and again.

    Returns `ok`, rows by symbol and file, and everything that was counted: `ok` is false where something is missing of the time recorded.

    Raises:
        UsageError: an option makes no sense.
        SafetyError: another process records one of the symbols into the same tape, or its days are not of a recording.
        DataError: the venue does not say what there is to record.
        SlackwaterError: the folder cannot be written.
    """
    check_name("--venue", request.venue)
    for name, url, schemes in (("--stream-url", request.stream_url, ("ws", "wss")), ("--rest-url", request.rest_url, ("http", "https"))):
        if url.partition("://")[0] not in schemes:
            raise UsageError(f"{name}: expected a URL with {' or '.join(schemes)}, found {url!r}")
    if request.seconds is not None and not request.seconds > 0:
        raise UsageError(f"--seconds: expected more than 0, found {request.seconds:g}")
    plan = plan_recording(request.symbols, request.top, request.rest_url, request.exchange_info)
    check_tape(request.to / request.venue, plan)
    for line in plan.notes:
        tell(line)
    recorder = Recorder(request, plan, tell, show)
    with told(request.to), holding(recording_folder(request.to, request.venue), plan.symbols):
        asyncio.run(recorder.run())
    recorder.finisher.finish_the_last()
    return recorder.result()


@dataclass(slots=True)
class Recorder:
    """One recording while it runs."""

    request: RecordRequest
    plan: RecordingPlan
    tell: Tell
    show: Tell
    started: float = 0.0
    ended: float = 0.0
    unwritten_rows: int = 0  # when the disk refused to the end
    intake: RecorderIntake = field(init=False)
    clock: ReceiveClock = field(default_factory=ReceiveClock)
    finisher: Finisher = field(init=False)
    keeper: LogKeeper = field(init=False)
    sockets: list[KeptSocket] = field(init=False)
    backfill: Backfill | None = None

    def __post_init__(self) -> None:
        """Make the parts that need no connection."""
        request = self.request
        self.intake = RecorderIntake(self.plan.symbols, request.keeper.most_waiting_bytes)
        header = LogHeader(request.venue, self.plan.symbols, self.plan.specs, request.stream_url, 0)
        folder = recording_folder(request.to, request.venue)
        self.finisher = Finisher(request.to, request.venue, self.tell)
        hooks = KeeperHooks(self.tell, self.finisher.start, self._outages)
        self.keeper = LogKeeper(folder, header, self.intake, request.keeper, hooks)
        feed = Feed(self.intake, self.clock)
        self.sockets = [
            KeptSocket(request.stream_url, socket, feed, request.sockets, self.tell)
            for socket in plan_sockets(self.plan.symbols, request.channels)
        ]

    async def run(self) -> None:
        """Record until the end."""
        self.started = time.monotonic()
        stop, disk_stop = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        handlers = {number: found for number in ENDINGS if (found := signal.getsignal(number)) is not signal.SIG_IGN}
        for number in handlers:
            loop.add_signal_handler(number, stop.set)
        disk = asyncio.create_task(self.keeper.run(disk_stop))
        try:
            async with aiohttp.ClientSession() as session:
                rest = RestClient(session, self.request.rest_url)
                self.backfill = Backfill(self.intake, rest, self.tell, self.request.fill_every_s)
                work = [socket.run(session) for socket in self.sockets] + [self._catch_up(self.backfill), self._report()]
                if self.request.exchange_info is None:
                    work.append(self._follow_steps(rest))
                await self._until(stop, work, disk)
                self.tell("ending: the last rows go to the tape")
                await self._last_gaps(self.backfill)
        finally:
            self.ended = time.monotonic()
            disk_stop.set()
            await asyncio.gather(disk, return_exceptions=True)
            for number, handler in handlers.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
            await self._write_the_last()
            await self.finisher.wait()
        disk.result()

    async def _write_the_last(self) -> None:
        """Write what waits, with some patience for a disk that refuses."""
        for _ in range(LAST_WRITES):
            if await self.keeper.write():
                break
            await asyncio.sleep(self.request.keeper.write_s)
        else:
            self.unwritten_rows = self.intake.waiting_rows
            self.tell(f"{self.unwritten_rows:,} rows are lost: the disk does not take them")
        await self.keeper.close()

    async def _until(self, stop: asyncio.Event, work: list[Coroutine[Any, Any, None]], disk: asyncio.Task[None]) -> None:
        """Run everything until the stop or the time is over; an error that nobody foresaw in any of it ends all."""
        tasks = [asyncio.create_task(part) for part in work]
        stopping: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*tasks, stopping, disk}, timeout=self.request.seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)

    async def _catch_up(self, backfill: Backfill) -> None:
        """What lies before the first message: an earlier recording, candles for the regime; then gaps as they come."""
        # Not ended with the rest: a process that puts logs on the tape is waited for, and what it did is counted.
        await asyncio.shield(self.finisher.start())
        try:
            earlier = await asyncio.to_thread(earlier_trades, self.request.to / self.request.venue, self.plan.symbols)
            for symbol, trades in earlier.items():
                self.intake.states[symbol].trades.continue_from(trades.last_id, trades.last_ms)
                self.intake.states[symbol].trades.add_missing(trades.missing)
        except (pa.ArrowInvalid, OSError) as error:
            self.tell(f"trades since an earlier recording are not asked for: {error}")
        await asyncio.gather(backfill.look_back(time.time_ns()), backfill.run())

    async def _follow_steps(self, rest: RestClient) -> None:
        """Ask the venue for its steps again and again: where they change, another log begins that says so."""
        specs = self.plan.specs
        while True:
            await asyncio.sleep(self.request.steps_every_s)
            try:
                listing = listing_of(INFO_PATH, await rest.get(INFO_PATH))
                told = tuple(spec_of(INFO_PATH, listing, name) for name in self.plan.symbols)
            except (RestError, DataError) as error:
                self.tell(f"steps could not be asked for again: {error}")
                continue
            for name, before, now in zip(self.plan.symbols, specs, told, strict=True):
                if now != before:
                    self.tell(f"{name}: the venue changed its steps, from {before.as_json()} to {now.as_json()}")
            if told != specs:
                specs = told
                await self.keeper.change_steps(specs)

    async def _last_gaps(self, backfill: Backfill) -> None:
        try:
            async with asyncio.timeout(LAST_FILL_S):
                await backfill.fill()
        except TimeoutError:
            self.tell("gaps were left open: the venue took too long to answer")

    async def _report(self) -> None:
        seen = 0
        told_silent = False
        settled: dict[str, int] = {}
        while True:
            await asyncio.sleep(STATUS_S)
            count, seen = self.intake.message_count - seen, self.intake.message_count
            up = sum(socket.is_up for socket in self.sockets)
            self.show(f"{up} of {len(self.sockets)} sockets up, {count / STATUS_S:,.0f} messages/s, {seen:,} in all")
            while self.intake.answers:
                self.tell(f"the venue refused a subscription: {self.intake.answers.pop(0)}")
            if not told_silent and time.monotonic() - self.started > self.request.sockets.silent_s:
                told_silent = True
                silent = self.silent_streams()
                if silent:
                    self.tell(f"{len(silent)} streams have not spoken yet: {_some(silent)}")
            self._tell_quiet(settled)

    def silent_streams(self) -> list[str]:
        """Streams that were subscribed to and never heard, or not since the last connection came up."""
        never = [name for socket in self.sockets for name in socket.socket.streams if not self.intake.heard_ns(name)]
        return never + [name for socket in self.sockets if self._has_settled(socket) for name in socket.quiet_streams()]

    def _has_settled(self, socket: KeptSocket) -> bool:
        return socket.is_up and self.clock.last_ns - socket.up_since_ns >= self.request.sockets.silent_s * SEC

    def _tell_quiet(self, told: dict[str, int]) -> None:
        """Once for each connection: what does not come on it any more. `told` remembers which were looked at."""
        for number, socket in enumerate(self.sockets):
            key = f"{socket.socket.path} {number}"
            if self._has_settled(socket) and told.get(key) != socket.up_since_ns:
                told[key] = socket.up_since_ns
                quiet = socket.quiet_streams()
                if quiet:
                    self.tell(f"{socket.socket.path}: {len(quiet)} streams have not come back with the new connection: {_some(quiet)}")

    def _outages(self) -> list[dict[str, Any]]:
        """When which streams did not come, oldest first."""
        found = [{"path": socket.socket.path, "from": start, "to": end} for socket in self.sockets for start, end in socket.outages]
        return sorted(found, key=lambda entry: entry["from"])

    def result(self) -> dict[str, Any]:
        """Everything that was counted."""
        intake, states = self.intake, self.intake.states.values()
        missing = {state.name: [list(gap) for gap in state.trades.missing] for state in states if state.trades.missing}
        silent = self.silent_streams()
        is_lossy = missing or intake.lost_count or self.unwritten_rows
        is_whole = not (is_lossy or self.finisher.unfinished or self.finisher.sums["kept_aside"] or self.finisher.sums["damaged"])
        return {
            "ok": is_whole and all(state.rows["quotes"] for state in states),
            "venue": self.request.venue,
            "folder": str(self.request.to),
            "symbols": list(self.plan.symbols),
            "seconds": self.ended - self.started,
            "messages": intake.message_count,
            **self.finisher.sums,
            "backfilled_trades": {state.name: state.backfilled_count for state in states if state.backfilled_count},
            "repeated": sum(state.trades.repeated_count + state.quotes.repeated_count for state in states),
            "missing_trade_ids": missing,
            "not_filled": self.backfill.unfilled if self.backfill else [],
            "odd": dict(intake.odd),
            "places": intake.places,
            "lost_messages": intake.lost_count,
            "unwritten_rows": self.unwritten_rows,
            "unfinished": self.finisher.unfinished,
            "lost_ns": [intake.lost_from_ns, intake.lost_until_ns] if intake.lost_count else None,
            "silent_streams": silent,
            "sockets": {f"{socket.socket.path} {number}": _counts(socket) for number, socket in enumerate(self.sockets, start=1)},
            "outages": self._outages(),
            "clock_steps_back": self.clock.steps_back,
            "most_waiting_bytes": intake.most_buffered,
            "slowest_write_s": self.keeper.slowest_write_s,
            "disk_failures": self.keeper.failures,
        }


def _counts(socket: KeptSocket) -> dict[str, int]:
    counts = socket.counts
    return {"connects": counts.connects, "drops": counts.drops, "silences": counts.silences, "rotations": counts.rotations}


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
