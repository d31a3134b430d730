"""A local venue: streams over websockets by path, REST beside them, and what goes wrong with both."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiohttp import WSMsgType, web

PUBLIC, MARKET = "/public", "/market"
PATHS = {"bookTicker": PUBLIC}
FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]
ALL_KINDS = 6

Scenario = Callable[["Venue"], Awaitable[None]]


class Venue:
    """What is served, what was asked and sent. Everything but `url` belongs to the server's own loop."""

    def __init__(self, symbols: tuple[str, ...], filters: list[dict[str, str]], slow_s: float) -> None:
        self.symbols, self.filters, self.slow_s = symbols, filters, slow_s  # the last is how long a REST answer takes
        self.url = ""
        self.lag_s = 0.0  # by which the oldest connection of a path is behind the others
        self.late: set[asyncio.Future[None]] = set()
        self.sockets: dict[web.WebSocketResponse, tuple[str, set[str]]] = {}
        self.connects: Counter[str] = Counter()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.faults: dict[str, list[int]] = defaultdict(list)  # REST path to the statuses of the next answers
        self.refuse_connects: Counter[str] = Counter()
        self.muted: set[str] = set()
        self.trades: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.candles: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
        self.funding: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.update_id = 1000
        self.quotes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.error: BaseException | None = None

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    async def send(self, stream: str, data: dict[str, Any] | str) -> None:
        """To every connection that subscribed to the stream on the path that carries it."""
        text = data if isinstance(data, str) else json.dumps({"stream": stream, "data": data})
        path = PATHS.get(stream.partition("@")[2], MARKET)
        targets = [socket for socket, (where, streams) in self.sockets.items() if where == path and stream in streams]
        for number, socket in enumerate(targets if path not in self.muted else []):
            if self.lag_s and number == 0:
                asyncio.get_running_loop().call_later(self.lag_s, self._send_late, socket, text)
            elif not socket.closed:
                with suppress(ConnectionError):
                    await socket.send_str(text)

    def _send_late(self, socket: web.WebSocketResponse, text: str) -> None:
        if not socket.closed:
            task = asyncio.ensure_future(socket.send_str(text))
            self.late.add(task)
            task.add_done_callback(self.late.discard)

    async def send_to(self, path: str, text: str) -> None:
        """To every connection on a path, asked for or not."""
        for socket, (where, _) in list(self.sockets.items()):
            if where == path and not socket.closed:
                await socket.send_str(text)

    async def quote(self, symbol: str, bid: str = "100.00", ask: str = "100.01", is_sent: bool = True) -> None:
        self.update_id += 3
        now = int(time.time() * 1000)
        data = {"e": "bookTicker", "u": self.update_id, "s": symbol, "b": bid, "B": "1.5", "a": ask, "A": "2.5", "T": now, "E": now}
        self.quotes[symbol].append(data)
        if is_sent:
            await self.send(f"{symbol.lower()}@bookTicker", data)

    async def trade(self, symbol: str, price: str = "100.00", is_sent: bool = True) -> None:
        now = int(time.time() * 1000)
        trade = {
            "a": 500 + len(self.trades[symbol]),
            "p": price,
            "q": "0.5",
            "f": 1,
            "l": 1,
            "T": now,
            "m": len(self.trades[symbol]) % 2 == 0,
        }
        self.trades[symbol].append(trade)
        if is_sent:
            await self.send(f"{symbol.lower()}@aggTrade", {"e": "aggTrade", "E": now, "s": symbol} | trade)

    async def mark(self, symbol: str, rate: str, next_ms: int, now_ms: int | None = None) -> None:
        now = now_ms or int(time.time() * 1000)
        await self.send(
            f"{symbol.lower()}@markPrice@1s", {"e": "markPriceUpdate", "E": now, "s": symbol, "p": "100", "r": rate, "T": next_ms}
        )

    async def candle(self, symbol: str, frame: str, start_ms: int, is_over: bool, close: str = "100.5") -> None:
        candle = {
            "t": start_ms,
            "T": start_ms + 1,
            "s": symbol,
            "i": frame,
            "o": "100",
            "h": "101",
            "l": "99",
            "c": close,
            "v": "7",
            "x": is_over,
        }
        await self.send(f"{symbol.lower()}@kline_{frame}", {"e": "kline", "E": start_ms, "s": symbol, "k": candle})

    async def drop(self, path: str) -> None:
        """End every connection of a path without a word."""
        for socket, (where, _) in list(self.sockets.items()):
            if where == path:
                self.sockets.pop(socket)
                assert socket._req is not None and socket._req.transport is not None
                socket._req.transport.abort()

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the recorder did not do what was waited for"
            await asyncio.sleep(0.01)

    def is_subscribed(self, count: int | None = None) -> bool:
        wanted = len(self.symbols) * ALL_KINDS if count is None else count
        return sum(len(streams) for _, streams in self.sockets.values()) >= wanted

    async def stream(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        self.connects[path] += 1
        if self.refuse_connects[path]:
            self.refuse_connects[path] -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        streams: set[str] = set()
        self.sockets[socket] = (path, streams)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = json.loads(message.data)
            # A stream that the path does not carry is acknowledged, and stays silent.
            streams |= set(asked["params"])
            await socket.send_str(json.dumps({"result": None, "id": asked["id"]}))
        self.sockets.pop(socket, None)
        return socket

    async def rest(self, request: web.Request) -> web.StreamResponse:
        what, query = request.path.rpartition("/fapi/v1/")[2], dict(request.query)
        self.asked.append((what, query))
        await asyncio.sleep(self.slow_s)
        if self.faults[what]:
            status = self.faults[what].pop(0)
            return web.Response(status=status, headers={"Retry-After": "0"}, text="{" if status == 200 else "")
        return web.json_response(self.answer(what, query))

    def answer(self, what: str, query: dict[str, str]) -> Any:
        symbol, limit = query.get("symbol", ""), int(query.get("limit", 500))
        if what == "exchangeInfo":
            kind = {"status": "TRADING", "contractType": "PERPETUAL", "quoteAsset": "USDT", "baseAsset": "X", "marginAsset": "USDT"}
            return {"symbols": [{"symbol": name, "filters": self.filters} | kind for name in (*self.symbols, "\u5e01USDT")]}
        if what == "ticker/24hr":
            listed = [{"symbol": name, "quoteVolume": str(1000 - k)} for k, name in enumerate(self.symbols)]
            return [*reversed(listed), {"symbol": "\u5e01USDT", "quoteVolume": "9999"}, {"symbol": "DELISTEDUSDT", "quoteVolume": "9999"}]
        if what == "aggTrades":
            return [trade for trade in self.trades[symbol] if trade["a"] >= int(query["fromId"])][:limit]
        start, end = int(query["startTime"]), int(query["endTime"])
        if what == "klines":
            return [candle for candle in self.candles[symbol, query["interval"]] if start <= candle[0] <= end][:limit]
        return [paid for paid in self.funding[symbol] if start <= paid["fundingTime"] <= end]


@contextmanager
def serving(
    scenario: Scenario,
    symbols: tuple[str, ...] = ("ETHUSDT",),
    ends_recorder: bool = True,
    wanted_streams: int | None = None,
    filters: list[dict[str, str]] = FILTERS,
    slow_s: float = 0.0,
) -> Iterator[Venue]:
    """A venue that runs the scenario once every stream was subscribed to, and then interrupts this process as a user does."""
    venue = Venue(symbols, filters, slow_s)
    ready = threading.Event()
    ending = threading.Event()

    async def play() -> None:
        try:
            await venue.until(lambda: venue.is_subscribed(wanted_streams), 20)
            await scenario(venue)
        finally:
            if ends_recorder and not ending.is_set():
                os.kill(os.getpid(), signal.SIGINT)

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{path}/stream", venue.stream)
        app.router.add_get("/fapi/v1/{rest:.*}", venue.rest)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        venue.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        playing = asyncio.create_task(play())
        ready.set()
        while not ending.is_set():
            await asyncio.sleep(0.02)
        playing.cancel()
        (outcome,) = await asyncio.gather(playing, return_exceptions=True)
        if not isinstance(outcome, asyncio.CancelledError):
            venue.error = outcome  # told by the test's own thread
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield venue
    finally:
        ending.set()
        thread.join(10)
    if venue.error is not None:
        raise venue.error
