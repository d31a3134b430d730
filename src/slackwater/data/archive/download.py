"""Downloading the archive's zips: several at a time, resumed, checked against their checksums, kept for the next time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import aiohttp

from slackwater.data.archive.files import ArchiveFile
from slackwater.data.layout import sha256_of
from slackwater.errors import DataError

CHUNK_BYTES = 1 << 18
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60)
RETRIED = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT_S = 60.0
CHECKSUM_PATTERN = re.compile(r"\b([0-9a-fA-F]{64})\b")

Advance = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """Where from, where to, how many at a time, how often each, and the first wait before another try in seconds (it doubles)."""

    base_url: str
    cache: Path
    parallel: int = 4
    attempts: int = 6
    back_off_s: float = 0.5


@dataclass(slots=True)
class Outcome:
    """What happened to one file: `status` is downloaded, resumed, reused, replaced, missing, damaged or failed."""

    file: ArchiveFile
    status: str = "failed"
    message: str = ""  # a sentence, when the file is not there in the end
    path: Path | None = None
    sha256: str = ""
    tries: int = 0

    @property
    def is_there(self) -> bool:
        """Whether the zip lies in the cache and is what its checksum says."""
        return self.path is not None


class _Again(Exception):
    """Worth another try; says why, and how long to wait at least."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Mismatch(Exception):
    """The content is not what its checksum says."""


class _Refused(Exception):
    """No further try helps."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def download(
    files: Sequence[ArchiveFile],
    options: DownloadOptions,
    advance: Advance = lambda amount: None,
    look: Callable[[Outcome, Event], None] = lambda outcome, stop: None,
) -> list[Outcome]:
    """Have every file in the cache, as far as that can be done.

    Args:
        files: what to have.
        options: from where, to where, how.
        advance: told 1 for each file had and each one looked at.
        look: given every outcome while others are still on their way, one at a time, in no order; it ends early once the event is set.

    Raises:
        DataError: the cache cannot be written.
    """
    return asyncio.run(_download(files, options, advance, look))


def fetch_bytes(url: str, attempts: int = 3) -> bytes:
    """The content of a small file.

    Raises:
        DataError: it cannot be had.
    """

    options = DownloadOptions("", Path(), attempts=attempts)

    async def get() -> bytes:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            return await _small(session, url, options)

    try:
        return asyncio.run(get())
    except (_Again, _Refused) as error:
        raise DataError(f"{url}: expected a file, found: {error}") from error


async def _download(
    files: Sequence[ArchiveFile], options: DownloadOptions, advance: Advance, look: Callable[[Outcome, Event], None]
) -> list[Outcome]:
    turn, looking, stop = asyncio.Semaphore(options.parallel), asyncio.Lock(), Event()
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:

        async def one(file: ArchiveFile) -> Outcome:
            async with turn:
                outcome = await _have(session, file, options)
                advance(1)
            async with looking:  # each needs some memory
                await asyncio.to_thread(look, outcome, stop)
                advance(1)
            return outcome

        try:
            return list(await asyncio.gather(*(one(file) for file in files)))
        finally:
            stop.set()


async def _have(session: aiohttp.ClientSession, file: ArchiveFile, options: DownloadOptions) -> Outcome:
    outcome = Outcome(file)
    url, target = f"{options.base_url.rstrip('/')}/{file.path}", options.cache / file.path
    try:
        wanted = await _checksum(session, url, options)
        was_there = target.exists()
        if was_there and await asyncio.to_thread(sha256_of, target) == wanted:
            outcome.status, outcome.path, outcome.sha256 = "reused", target, wanted
            return outcome
        target.parent.mkdir(parents=True, exist_ok=True)
        # Named by its content: what was begun of a file that has since been replaced is not continued.
        part = target.with_name(f"{target.name}.{wanted[:16]}.part")
        is_resumed = part.exists() and part.stat().st_size > 0
        try:
            outcome.tries = await _retried(options, lambda: _attempt(session, url, part, wanted))
        except _Mismatch:
            # Once more from the start: a resumed part may have been bad.
            outcome.tries = await _retried(options, lambda: _attempt(session, url, part, wanted))
        part.replace(target)
        for stale in target.parent.glob(f"{target.name}.*.part"):
            stale.unlink()
        outcome.status = "replaced" if was_there else "resumed" if is_resumed else "downloaded"
        outcome.path, outcome.sha256 = target, wanted
    except _Refused as error:
        outcome.status, outcome.message = error.status, f"{url}: {error}"
    except _Mismatch as error:
        outcome.status, outcome.message = "damaged", f"{url}: {error}, twice; ask for it again later, or of another mirror with --base-url"
    except _Again as error:
        outcome.message = f"{url}: expected the file, found after {options.attempts} tries: {error}"
    except OSError as error:
        raise DataError(f"{target}: expected a folder that can be written, found: {error.strerror or error}") from error
    return outcome


async def _retried(options: DownloadOptions, attempt: Callable[[], Any]) -> int:
    """Try until it works, waiting twice as long each time; how many tries it took."""
    for number in range(1, options.attempts + 1):
        try:
            await attempt()
            return number
        except _Again as again:
            if number == options.attempts:
                raise
            wait_s = max(options.back_off_s * 2 ** (number - 1), again.wait_s)
        await asyncio.sleep(min(wait_s, LONGEST_WAIT_S))
    return options.attempts


async def _small(session: aiohttp.ClientSession, url: str, options: DownloadOptions) -> bytes:
    found = b""

    async def attempt() -> None:
        nonlocal found
        try:
            async with session.get(url) as answer:
                _check_answer(answer)
                found = await answer.read()
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise _Again(str(error) or type(error).__name__) from error

    await _retried(options, attempt)
    return found


async def _checksum(session: aiohttp.ClientSession, url: str, options: DownloadOptions) -> str:
    content = await _small(session, f"{url}.CHECKSUM", options)
    found = CHECKSUM_PATTERN.search(content.decode("utf-8", "replace"))
    if found is None:
        raise _Refused("damaged", f"expected a sha256 in its .CHECKSUM, found {content[:40]!r}")
    return found[1].lower()


async def _attempt(session: aiohttp.ClientSession, url: str, part: Path, wanted: str) -> None:
    """Download what is missing of the part file; it is whole and checked when this returns."""
    start = part.stat().st_size if part.exists() else 0
    try:
        async with session.get(url, headers={"Range": f"bytes={start}-"} if start else {}) as answer:
            # 416: nothing is left to have, or the part is longer than the file; the hash tells which.
            if not (answer.status == 416 and start):
                _check_answer(answer)
                continues = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
                with part.open("ab" if continues else "wb") as file:
                    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                        file.write(chunk)
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise _Again(str(error) or type(error).__name__) from error
    found = await asyncio.to_thread(sha256_of, part)
    if found != wanted:
        part.unlink()
        raise _Mismatch(f"expected the sha256 {wanted[:16]}... of its .CHECKSUM, found {found[:16]}...")


def _check_answer(answer: aiohttp.ClientResponse) -> None:
    if answer.status in RETRIED:
        seconds = answer.headers.get("Retry-After", "")
        raise _Again(f"HTTP {answer.status}", float(seconds) if seconds.isdigit() else 0.0)
    if answer.status in (404, 410):
        raise _Refused("missing", f"expected the file, found none (HTTP {answer.status})")
    if answer.status >= 400:
        raise _Refused("failed", f"expected the file, found HTTP {answer.status}")
