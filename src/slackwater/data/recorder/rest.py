"""The venue's REST answers that a recording needs: read only, one request at a time, within the weight that the venue allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

WEIGHT_PER_MINUTE = 2400  # on the clock minute, for each address
WEIGHT_SHARE = 0.5  # of it that a recording may see used: what trades from the same address goes first
WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
TIMEOUT = aiohttp.ClientTimeout(total=30)
MINUTE_S = 60.0
ATTEMPTS = 4
REFUSALS = (403, 418, 429)  # of whoever asks, by the venue or by what stands before it; not of the request
BAN_S = 120.0  # when the venue bans without saying for how long


class RestError(Exception):
    """The venue did not give an answer that can be used; says why."""


class RestRefused(RestError):
    """The venue refuses the request as such: asking again will not help."""


class RestClient:
    """Asks the venue. `back_off_s` is the wait before the second try; it doubles."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, back_off_s: float = 0.5) -> None:
        self.base_url = base_url.rstrip("/")
        self.request_count = 0
        self._session, self._back_off_s = session, back_off_s
        self._turn = asyncio.Lock()
        self._not_before = 0.0  # monotonic seconds

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """The decoded answer.

        Raises:
            RestError: there is none after several tries, or as `RestRefused` the venue refuses the request.
        """
        reason = ""
        async with self._turn:
            for attempt in range(ATTEMPTS):
                await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
                try:
                    return await self._ask(path, params or {})
                except _Again as again:
                    reason = str(again)
                    self._wait_at_least(max(again.wait_s, self._back_off_s * 2**attempt))
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    reason = str(error) or type(error).__name__
                    self._wait_at_least(self._back_off_s * 2**attempt)
        raise RestError(f"{self.base_url}{path}: expected an answer, found after {ATTEMPTS} tries: {reason}")

    def _wait_at_least(self, seconds: float) -> None:
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    async def _ask(self, path: str, params: Mapping[str, str | int]) -> Any:
        self.request_count += 1
        async with self._session.get(self.base_url + path, params=params, timeout=TIMEOUT) as answer:
            content = await answer.read()
            used = answer.headers.get(WEIGHT_HEADER, "")
            if used.isdigit() and int(used) >= WEIGHT_PER_MINUTE * WEIGHT_SHARE:
                self._wait_at_least(MINUTE_S - time.time() % MINUTE_S)
            if answer.status in REFUSALS:
                wait = answer.headers.get("Retry-After", "")
                usual_s = MINUTE_S - time.time() % MINUTE_S if answer.status == 429 else BAN_S
                raise _Again(f"HTTP {answer.status}", float(wait) if wait.isdigit() else usual_s)
            if answer.status >= 500 or answer.status == 408:
                raise _Again(f"HTTP {answer.status}", 0.0)
            if answer.status >= 400:
                raise RestRefused(f"{self.base_url}{path}: expected an answer, found HTTP {answer.status}: {content[:200]!r}")
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError as error:
            raise _Again(f"no JSON: {error}", 0.0) from error


class _Again(Exception):
    """Worth another try; says why, and how long to wait at least."""

    def __init__(self, reason: str, wait_s: float) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
