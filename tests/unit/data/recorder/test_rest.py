"""Requests within what the venue allows."""

from __future__ import annotations

import asyncio
import time

import pytest

from slackwater.data.recorder.backfill import Backfill
from slackwater.data.recorder.rest import RestClient, RestError
from tests.unit.data.recorder.messages import NOW_MS, intake_of


class Answer:
    """An answer of nothing but a status and headers."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers = status, headers

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, *error: object) -> None: ...

    async def read(self) -> bytes:
        return b""


class Session:
    """Gives the same answer to whatever is asked, and counts."""

    def __init__(self, status: int, **headers: str) -> None:
        self.answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()})
        self.count = 0

    def get(self, *words: object, **other: object) -> Answer:
        self.count += 1
        return self.answer


def test_a_shorter_wait_does_not_replace_the_one_for_the_used_weight():
    """The weight is used up and the answer is a 500: the next try comes after the back-off, not in the next minute."""

    async def go() -> int:
        session = Session(500, **{"X-MBX-USED-WEIGHT-1M": "2399"})
        client = RestClient(session, "http://x", back_off_s=0.01)  # type: ignore[arg-type]
        with pytest.raises((TimeoutError, RestError)):
            async with asyncio.timeout(0.5):
                await client.get("/p")
        return session.count

    if time.time() % 60 > 58:
        time.sleep(3)
    assert asyncio.run(go()) == 1


def test_a_venue_that_refuses_this_address_is_not_asked_at_full_speed():
    """403 is what the venue's firewall says: 3,000 look-backs of 1,000 symbols go out one behind the other."""

    async def go() -> int:
        session = Session(403)
        rest = RestClient(session, "http://x")  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(1.0):
                await Backfill(intake_of(*(f"A{k}USDT" for k in range(100))), rest, lambda line: None).look_back(NOW_MS * 1_000_000)
        except TimeoutError:
            pass
        return session.count

    assert asyncio.run(go()) <= 10
