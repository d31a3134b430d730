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

STREAMS_A_REQUEST = 100
REQUEST_EVERY_S = 0.25  # the venue closes a connection that sends more than ten messages a second
LONGEST_WAIT_S = 30.0
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
    """The machine's clock, but one that never runs backwards: set back, it stands still until time has caught up."""

    def __init__(self) -> None:
        self.last_ns = 0
        self.steps_back = 0

    def now_ns(self) -> int:
        """The time of what is received now."""
        now_ns = time.time_ns()
        if now_ns < self.last_ns:
            self.steps_back += 1
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
    """One websocket, from its opening to its end."""

    def __init__(self, url: str, socket: Socket, feed: Feed) -> None:
        self.has_spoken = asyncio.Event()
        self.last_message = time.monotonic()
        self.last_ns = 0  # receive time of the last message
        self._url, self._socket, self._feed = url, socket, feed

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
                if take(message.data, recv_ns, path):
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
        self.outages: list[tuple[int, int]] = []  # receive times of the last message before and the first after, ns
        self._down_since_ns = 0
        self._url = f"{base_url.rstrip('/')}{socket.path}/stream"
        self._feed, self._timing, self._tell = feed, timing, tell

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Keep the streams coming until cancelled."""
        failures, opened = 0, time.monotonic()
        connection, reading = self._open(session)
        try:
            while True:
                done, _ = await asyncio.wait({reading}, timeout=self._timing.life_s)
                if not done:
                    connection, reading = await self._hand_over(session, connection, reading)
                    opened = time.monotonic()
                    continue
                failures = 0 if time.monotonic() - opened >= STEADY_S else failures + 1
                self._note_end(connection, reading)
                await asyncio.sleep(self._wait_s(failures))
                opened = time.monotonic()
                connection, reading = self._open(session)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _open(self, session: aiohttp.ClientSession) -> tuple[Connection, asyncio.Task[None]]:
        self.counts.connects += 1
        connection = Connection(self._url, self.socket, self._feed)
        return connection, asyncio.create_task(self._follow(connection, session))

    async def _follow(self, connection: Connection, session: aiohttp.ClientSession) -> None:
        speaking = asyncio.create_task(connection.has_spoken.wait())
        speaking.add_done_callback(lambda task: None if task.cancelled() else self._note_up())
        try:
            await connection.run(session, self._timing)
        finally:
            speaking.cancel()

    async def _hand_over(
        self, session: aiohttp.ClientSession, old: Connection, reading: asyncio.Task[None]
    ) -> tuple[Connection, asyncio.Task[None]]:
        """Have a new connection speak before the old one goes; while both are up each message comes twice, and counts once."""
        fresh, fresh_reading = self._open(session)
        speaking = asyncio.create_task(fresh.has_spoken.wait())
        await asyncio.wait({speaking, fresh_reading}, timeout=self._timing.overlap_s, return_when=asyncio.FIRST_COMPLETED)
        speaking.cancel()
        if fresh_reading.done() or not fresh.has_spoken.is_set():
            # The old one is better than none; it is tried again when the life of a connection has passed, or when the venue ends it.
            fresh_reading.cancel()
            await asyncio.gather(fresh_reading, return_exceptions=True)
            self._tell(f"{self.socket.path}: the connection that was to take over did not speak; the old one goes on")
            return old, reading
        # What is on its way on the old connection comes on the new one too, a little later or earlier.
        await asyncio.sleep(min(1.0, self._timing.overlap_s))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        self.counts.rotations += 1
        self._tell(f"{self.socket.path}: a new connection took over")
        return fresh, fresh_reading

    def _note_up(self) -> None:
        self.is_up = True
        if self._down_since_ns:
            self.outages.append((self._down_since_ns, self._feed.clock.last_ns))
            self._down_since_ns = 0
        self._tell(f"{self.socket.path}: up, {len(self.socket.streams)} streams")

    def _note_end(self, connection: Connection, reading: asyncio.Task[None]) -> None:
        self.is_up = False
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
