"""A local server with the archive's layout: files given as lines, and the faults that networks and archives have."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from slackwater.data.archive.files import COLUMNS

DAY_MS = 86_400_000
START_MS = 1_711_670_400_000  # 2024-03-29
HEADERS = {kind: ",".join(names) for kind, names in COLUMNS.items()}


def zipped(name: str, lines: list[str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name.replace(".zip", ".csv"), (2024, 4, 1, 0, 0, 0))
        archive.writestr(info, "".join(f"{line}\n" for line in lines), zipfile.ZIP_DEFLATED)
    return content.getvalue()


class Archive:
    """What is served, and what was asked."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}  # path to what goes wrong at the next requests, in turn
        self.asked: list[tuple[str, str]] = []  # path and Range
        self.url = ""

    @property
    def counts(self) -> Counter[str]:
        return Counter(path for path, _ in self.asked)

    def put(self, path: str, lines: list[str]) -> bytes:
        return self.put_bytes(path, zipped(path.rpartition("/")[2], lines))

    def put_bytes(self, path: str, content: bytes) -> bytes:
        self.content[path] = content
        digest = hashlib.sha256(content).hexdigest()
        self.content[f"{path}.CHECKSUM"] = f"{digest}  {path.rpartition('/')[2]}\n".encode()
        return content


@contextmanager
def serving() -> Iterator[Archive]:
    archive = Archive()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, span = self.path.lstrip("/"), self.headers.get("Range", "")
            archive.asked.append((path, span))
            fault = archive.faults[path].pop(0) if archive.faults.get(path) else ""
            content = archive.content.get(path)
            if fault.isdigit() or content is None:
                self.send_response(int(fault) if fault else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(span.removeprefix("bytes=").rstrip("-")) if span and fault != "no_range" else 0
            if span and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            body = content[start:]
            cut = body[: len(body) // 2]
            self.send_header("Content-Length", str(len(cut) if fault == "short" else len(body)))
            self.end_headers()
            self.wfile.write(cut if fault in ("break", "short") else body)
            if fault == "break":
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `asked` instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    archive.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def book_lines(day: int, count: int = 50, first_id: int = 1000) -> list[str]:
    """Books of a day after the start, one each second: tick 0.1, lot 0.001."""
    start = START_MS + day * DAY_MS
    return [
        f"{first_id + 3 * k},{70000 + k % 7}.{k % 10},{1 + k % 3}.001,{70001 + k % 7}.{k % 10},2.5,{time},{time + 3}"
        for k, time in enumerate(range(start, start + count * 1000, 1000))
    ]


def trade_lines(day: int, count: int = 20) -> list[str]:
    start = START_MS + day * DAY_MS
    return [
        f"{500 + k},{70000 + k}.5,0.002,{900 + 2 * k},{901 + 2 * k},{start + k * 2000},{'true' if k % 2 else 'false'}" for k in range(count)
    ]


def candle_lines(day: int, minutes: int) -> list[str]:
    start, step = START_MS + day * DAY_MS, minutes * 60_000
    opens = range(start, start + DAY_MS, step)
    return [f"{t},70000.1,70010,69990.5,70005.25,12.5,{t + step - 1},875000,100,6,420000,0" for t in opens]


def fill(archive: Archive, symbol: str = "BTCUSDT", days: tuple[int, ...] = (0,), with_header: bool = True) -> None:
    """Everything that a fetch of these days asks for, with the look-back of candles."""

    def lines(kind: str, rows: list[str]) -> list[str]:
        return [HEADERS[kind], *rows] if with_header else rows

    base = "data/futures/um"
    for day in days:
        archive.put(f"{base}/daily/bookTicker/{symbol}/{symbol}-bookTicker-{date(day)}.zip", lines("bookTicker", book_lines(day)))
        archive.put(f"{base}/daily/aggTrades/{symbol}/{symbol}-aggTrades-{date(day)}.zip", lines("aggTrades", trade_lines(day)))
    for minutes, back in ((1, 1), (5, 2), (15, 7)):
        for day in range(min(days) - back, max(days) + 1):
            path = f"{base}/daily/klines/{symbol}/{minutes}m/{symbol}-{minutes}m-{date(day)}.zip"
            archive.put(path, lines("klines", candle_lines(day, minutes)))
    rates = [f"{START_MS + k * 28_800_000 + 1},8,0.000{k + 1}" for k in range(-6, 8) if k >= 0]
    archive.put(f"{base}/monthly/fundingRate/{symbol}/{symbol}-fundingRate-2024-03.zip", lines("fundingRate", rates))


def date(day: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp((START_MS + day * DAY_MS) / 1000, UTC).strftime("%Y-%m-%d")
