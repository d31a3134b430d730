"""Connections to the streams: subscribed, read, watched for silence, kept up without end and replaced before the venue ends them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import msgspec

from slackwater.data.recorder.channels import Socket
from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.stream_messages import decode
from slackwater.schema.units import SEC

STREAMS_A_REQUEST = 100
REQUEST_EVERY_S = 0.25  # the venue closes a connection that sends more than ten messages a second
MOST_STILL_NS = 10 * SEC
LONGEST_WAIT_S = 30.0
SETTLE_S = 1.0  # how long an old connection goes on after the new one has spoken
STEADY_S = 10.0  # a connection that lived so long was no failure
MOST_MESSAGE_BYTES = 1 << 22

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SocketTiming:
    """Seconds: a connection's longest silence and its life, how long a new one may take to speak, the first back-off, a connect."""

    silent_s: float = 60.0
    life_s: float = 23 * 3600.0
    overlap_s: float = 30.0
    back_off_s: float = 0.5
    connect_s: float = 20.0


@dataclass(slots=True)
class SocketCounts:
    """What happened on the connections of one path."""

    connects: int = 0
    drops: int = 0
    silences: int = 0
    rotations: int = 0


class ReceiveClock:
    """The machine's clock, but one that does not run backwards: set back a little, it stands still until time has caught up.

    Set back by more than `MOST_STILL_NS` it is followed: one wrong reading must not stop time.
    """

    def __init__(self) -> None:
        self.last_ns = 0
        self.steps_back = 0

    def now_ns(self) -> int:
        """The time of what is received now."""
        now_ns = time.time_ns()
        if now_ns < self.last_ns:
            self.steps_back += 1
            if self.last_ns - now_ns <= MOST_STILL_NS:
                return self.last_ns
        self.last_ns = now_ns
        return now_ns


@dataclass(frozen=True, slots=True)
class Feed:
    """Where every connection puts what it reads, and the clock that all of them go by."""

    intake: RecorderIntake
    clock: ReceiveClock


class _Ended(Exception):
    """A connection is over; says why."""


class Connection:
    """One websocket, from its opening to its end. One that is to take over holds back what it reads until it is released."""

    def __init__(self, url: str, socket: Socket, feed: Feed, is_held: bool) -> None:
        self.has_spoken = asyncio.Event()
        self.has_subscribed = asyncio.Event()
        self.last_message = time.monotonic()
        self.last_ns = 0  # receive time of the last message
        self._url, self._socket, self._feed = url, socket, feed
        self._held: list[tuple[bytes, int]] | None = [] if is_held else None

    def release(self, not_before_ns: int) -> None:
        """Take in what was held back, as received at its time but not before the given one, and from now on everything at once."""
        held, self._held = self._held or [], None
        for text, recv_ns in held:
            self._feed.intake.take(text, max(recv_ns, not_before_ns), self._socket.path)

    async def run(self, session: aiohttp.ClientSession, timing: SocketTiming) -> None:
        """Read until the connection ends.

        Raises:
            _Ended: always, with the reason.
        """
        try:
            async with asyncio.timeout(timing.connect_s):
                websocket = await session.ws_connect(
                    self._url, decode_text=False, max_msg_size=MOST_MESSAGE_BYTES, timeout=aiohttp.ClientWSTimeout(ws_close=2.0)
                )
        except TimeoutError as error:
            raise _Ended(f"no connection within {timing.connect_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _Ended(f"no connection: {error or type(error).__name__}") from error
        self.last_message = time.monotonic()
        tasks = [
            asyncio.create_task(self._read(websocket)),
            asyncio.create_task(self._subscribe(websocket)),
            asyncio.create_task(self._watch(timing.silent_s)),
        ]
        try:
            # Subscribing ends by itself; reading and watching end only with the connection.
            await asyncio.gather(*tasks)
        except (aiohttp.ClientError, OSError) as error:
            raise _Ended(str(error) or type(error).__name__) from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await websocket.close()

    async def _read(self, websocket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        take, clock, path = self._feed.intake.take, self._feed.clock.now_ns, self._socket.path
        while True:
            message = await websocket.receive()
            if message.type is aiohttp.WSMsgType.TEXT or message.type is aiohttp.WSMsgType.BINARY:
                recv_ns = clock()
                if self._held is not None:
                    self._held.append((message.data, recv_ns))
                    is_message = not isinstance(decode(message.data), str)
                else:
                    is_message = take(message.data, recv_ns, path)
                if is_message:
                    self.last_ns, self.last_message = recv_ns, time.monotonic()
                    self.has_spoken.set()
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise _Ended(f"broken: {message.data}")
            else:
                raise _Ended(f"closed by the venue with code {websocket.close_code}")

    async def _subscribe(self, websocket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        streams = self._socket.streams
        for number, start in enumerate(range(0, len(streams), STREAMS_A_REQUEST), start=1):
            if number > 1:
                await asyncio.sleep(REQUEST_EVERY_S)
            request = {"method": "SUBSCRIBE", "params": list(streams[start : start + STREAMS_A_REQUEST]), "id": number}
            await websocket.send_str(msgspec.json.encode(request).decode())
        self.has_subscribed.set()

    async def _watch(self, silent_s: float) -> None:
        while True:
            left = self.last_message + silent_s - time.monotonic()
            if left <= 0:
                raise _Silent(f"no message for {silent_s:g} s")
            await asyncio.sleep(min(left, 1.0) + 0.001)


class _Silent(_Ended):
    """A connection that is open and says nothing: half dead, or on a path that does not carry its streams."""


class KeptSocket:
    """Keeps one socket's streams coming: connects again after a failure, and hands over to a new connection when one grows old."""

    def __init__(self, base_url: str, socket: Socket, feed: Feed, timing: SocketTiming, tell: Tell) -> None:
        self.counts = SocketCounts()
        self.socket = socket
        self.is_up = False
        self.up_since_ns = 0  # receive time of the first message of the connection that is up
        self.outages: list[tuple[int, int]] = []  # receive times of the last message before and the first after, ns
        self._down_since_ns = 0
        self._readings: set[asyncio.Task[None]] = set()
        self._url = f"{base_url.rstrip('/')}{socket.path}/stream"
        self._feed, self._timing, self._tell = feed, timing, tell

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Keep the streams coming until cancelled."""
        failures, opened = 0, time.monotonic()
        life_s = self._timing.life_s
        try:
            connection, reading = self._open(session)
            while True:
                done, _ = await asyncio.wait({reading}, timeout=max(0.0, opened + life_s - time.monotonic()))
                if not done:
                    fresh = await self._hand_over(session, connection, reading)
                    if fresh is None:
                        # The old one is better than none. It is tried again before the venue ends it.
                        life_s = time.monotonic() - opened + self._timing.overlap_s
                    else:
                        (connection, reading), opened, life_s = fresh, time.monotonic(), self._timing.life_s
                    continue
                failures = 0 if time.monotonic() - opened >= STEADY_S else failures + 1
                self._note_end(connection, reading)
                await asyncio.sleep(self._wait_s(failures))
                opened, life_s = time.monotonic(), self._timing.life_s
                connection, reading = self._open(session)
        finally:
            for task in self._readings:
                task.cancel()
            await asyncio.gather(*self._readings, return_exceptions=True)

    def quiet_streams(self) -> list[str]:
        """Streams that spoke on an earlier connection, and have not on the one that is up."""
        return [name for name in self.socket.streams if 0 < self._feed.intake.heard_ns(name) < self.up_since_ns]

    def _open(self, session: aiohttp.ClientSession, is_held: bool = False) -> tuple[Connection, asyncio.Task[None]]:
        self.counts.connects += 1
        connection = Connection(self._url, self.socket, self._feed, is_held)
        reading = asyncio.create_task(connection.run(session, self._timing))
        self._readings.add(reading)
        if not is_held:
            speaking = asyncio.create_task(connection.has_spoken.wait())
            speaking.add_done_callback(lambda task: None if task.cancelled() else self._note_up())
            reading.add_done_callback(lambda task: speaking.cancel())
        return connection, reading

    async def _hand_over(
        self, session: aiohttp.ClientSession, old: Connection, reading: asyncio.Task[None]
    ) -> tuple[Connection, asyncio.Task[None]] | None:
        """Have a new connection speak before the old one goes; what it reads meanwhile is held back, and taken in where that ends."""
        fresh, fresh_reading = self._open(session, is_held=True)
        ready = asyncio.create_task(_all_set(fresh.has_subscribed, fresh.has_spoken))
        try:
            await asyncio.wait({ready, fresh_reading, reading}, timeout=self._timing.overlap_s, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and not fresh_reading.done():
                # What is on its way on the old connection may be a little behind the new one.
                await asyncio.wait(
                    {fresh_reading, reading}, timeout=min(SETTLE_S, self._timing.overlap_s), return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            ready.cancel()
        if fresh_reading.done() or not ready.done() or ready.cancelled():
            await self._end(fresh_reading)
            self._tell(f"{self.socket.path}: the connection that was to take over did not speak; the old one goes on")
            return None
        await self._end(reading)
        fresh.release(old.last_ns)
        self.up_since_ns = old.last_ns
        self.counts.rotations += 1
        self._tell(f"{self.socket.path}: a new connection took over")
        return fresh, fresh_reading

    async def _end(self, reading: asyncio.Task[None]) -> None:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        self._readings.discard(reading)

    def _note_up(self) -> None:
        self.is_up = True
        self.up_since_ns = self._feed.clock.last_ns
        if self._down_since_ns:
            self.outages.append((self._down_since_ns, self._feed.clock.last_ns))
            self._down_since_ns = 0
        self._tell(f"{self.socket.path}: up, {len(self.socket.streams)} streams")

    def _note_end(self, connection: Connection, reading: asyncio.Task[None]) -> None:
        self.is_up = False
        self._readings.discard(reading)
        self._down_since_ns = self._down_since_ns or connection.last_ns
        self.counts.drops += 1
        error = reading.exception()
        if not isinstance(error, _Ended):
            raise error or RuntimeError("a connection ended without a reason")
        hint = ""
        if isinstance(error, _Silent):
            self.counts.silences += 1
            hint = "; does this path carry these streams?"
        self._tell(f"{self.socket.path}: {error}{hint}; connecting again")

    def _wait_s(self, failures: int) -> float:
        """At once after a connection that held, twice as long after each that did not, and never two recorders in step."""
        longest = min(LONGEST_WAIT_S, self._timing.back_off_s * 2.0 ** min(failures - 1, 10)) if failures else 0.0
        return longest * (0.5 + random.random() / 2)


async def _all_set(*events: asyncio.Event) -> None:
    for event in events:
        await event.wait()
