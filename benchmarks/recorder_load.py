"""What a recording costs: CPU share at a steady rate, and whether a burst loses messages.

    python benchmarks/recorder_load.py [--rate 5000] [--seconds 20] [--burst 20000] [--symbols 20]

A venue in a process of its own sends books (four of five messages) and trades over websockets; `slackwater data record` takes them in.
The share is CPU time of the recorder over wall time, in the middle of the steady phase. Afterwards the tape is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import web

FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]
SLICE_S = 0.01


class Sender:
    """Sends to whoever has subscribed; counts what it sent."""

    def __init__(self, names: list[str]) -> None:
        self.names, self.sockets = names, {}
        self.sent = {"quotes": 0, "trades": 0}
        self.update_id = 0
        self.trade_ids = dict.fromkeys(names, 0)

    async def send(self, count: int) -> None:
        for k in range(count):
            name = self.names[k % len(self.names)]
            now = int(time.time() * 1000)
            if k % 5 == 4:
                self.trade_ids[name] += 1
                self.sent["trades"] += 1
                await self._put(
                    "/market",
                    f'{{"stream":"{name.lower()}@aggTrade","data":{{"e":"aggTrade","E":{now},"a":{self.trade_ids[name]},'
                    f'"s":"{name}","p":"2681.62","q":"1.165","f":1,"l":1,"T":{now},"m":true,"nq":"1.165"}}}}',
                )
            else:
                self.update_id += 7
                self.sent["quotes"] += 1
                bid, ask = self.update_id % 60 + 10, self.update_id % 29 + 70
                await self._put(
                    "/public",
                    f'{{"stream":"{name.lower()}@bookTicker","data":{{"e":"bookTicker","u":{self.update_id},"s":"{name}",'
                    f'"b":"2681.{bid}","B":"1.165","a":"2681.{ask}","A":"73.077","T":{now},"E":{now}}}}}',
                )

    async def _put(self, path: str, text: str) -> None:
        await self.sockets[path].send_str(text)


def serve(options: argparse.Namespace, port: Any, told: Any) -> None:
    """The venue: a steady rate, a pause, a burst. Runs in a process of its own."""
    sender = Sender([f"S{k:03}USDT" for k in range(options.symbols)])

    async def stream(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            asked = json.loads(message.data)
            await socket.send_str(json.dumps({"result": None, "id": asked["id"]}))
            sender.sockets["/" + request.match_info["path"]] = socket
        return socket

    async def rest(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("exchangeInfo"):
            return web.json_response({"symbols": [{"symbol": name, "status": "TRADING", "filters": FILTERS} for name in sender.names]})
        return web.json_response([])

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{path}/stream", stream)
        app.router.add_get("/fapi/v1/{rest:.*}", rest)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.put(runner.addresses[0][1])
        while len(sender.sockets) < 2:
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        start, done = time.monotonic(), 0
        told.put("steady")
        while (passed := time.monotonic() - start) < options.seconds:
            due = int(passed * options.rate)
            await sender.send(due - done)
            done = due
            await asyncio.sleep(SLICE_S)
        told.put(done / (time.monotonic() - start))
        await asyncio.sleep(2)
        start = time.monotonic()
        await sender.send(options.burst)
        told.put(time.monotonic() - start)
        await asyncio.sleep(5)
        told.put(sender.sent)
        await asyncio.sleep(3600)

    asyncio.run(main())


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads included, its children not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_anon_mb(pid: int) -> float:
    """Anonymous memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--burst", type=int, default=20_000)
    parser.add_argument("--symbols", type=int, default=20)
    options = parser.parse_args()
    port: Any = multiprocessing.Queue()
    told: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(options, port, told), daemon=True)
    server.start()
    address = f"127.0.0.1:{port.get(timeout=20)}"
    with tempfile.TemporaryDirectory() as folder:
        symbols = ",".join(f"S{k:03}USDT" for k in range(options.symbols))
        command = [sys.executable, "-m", "slackwater", "data", "record", "--to", folder, "--symbols", symbols, "--json"]
        command += ["--stream-url", f"ws://{address}", "--rest-url", f"http://{address}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as recorder:
            assert told.get(timeout=60) == "steady"
            time.sleep(2)
            before, start = cpu_seconds(recorder.pid), time.monotonic()
            time.sleep(options.seconds - 4)
            share = (cpu_seconds(recorder.pid) - before) / (time.monotonic() - start)
            rate = told.get(timeout=60)
            burst_s = told.get(timeout=60)
            sent = told.get(timeout=60)
            memory = resident_anon_mb(recorder.pid)
            recorder.send_signal(signal.SIGINT)
            output = recorder.communicate(timeout=120)[0]
        done = json.loads(output)
        rows = {kind: sum(found.get(f"{kind}.parquet", 0) for found in done["rows"].values()) for kind in sent}
    server.terminate()
    print(f"steady: {rate:,.0f} messages/s, {share:.1%} of a core, {share / rate * 1e6:.1f} us a message, {memory:.0f} MB")
    print(f"burst: {options.burst:,} messages in {burst_s:.2f} s")
    for kind, count in sent.items():
        print(f"{kind}: {count:,} sent, {rows[kind]:,} on the tape, {count - rows[kind]:,} lost")
    print(f"most rows waiting for the disk: {done['most_waiting_bytes'] / 72:,.0f}, slowest write {done['slowest_write_s']:.3f} s")


if __name__ == "__main__":
    main()
