"""Messages and answers as the venue gives them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.recorder.log import LOG_ROW
from tests.unit.data.recorder.recording import ETH

MS = 1_000_000
NOW_MS = 1_700_006_400_000
RECV = NOW_MS * MS + 123


def enveloped(data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": f"{data.get('s', '').lower()}@x", "data": data}).encode()


def book(update_id: int, time_ms: int = NOW_MS, **other: Any) -> dict[str, Any]:
    return {
        "e": "bookTicker",
        "u": update_id,
        "s": "ETHUSDT",
        "b": "100.1",
        "B": "1",
        "a": "100.2",
        "A": "2",
        "T": time_ms,
        "st": 1,
    } | other


def trade_message(trade_id: int, **other: Any) -> dict[str, Any]:
    return {"e": "aggTrade", "s": "ETHUSDT", "a": trade_id, "p": "100.1", "q": "3", "T": NOW_MS, "m": True, "nq": "3"} | other


def kline(start_ms: int, is_over: bool = True, **other: Any) -> dict[str, Any]:
    candle = {"t": start_ms, "i": "1m", "o": "1", "h": "4", "l": "0.5", "c": "2", "v": "9", "x": is_over} | other
    return {"e": "kline", "s": "ETHUSDT", "k": candle}


def mark(seen_ms: int, next_ms: int, rate: str = "0.0001") -> dict[str, Any]:
    return {"e": "markPriceUpdate", "s": "ETHUSDT", "E": seen_ms, "r": rate, "T": next_ms}


def intake_of(*names: str, most: int = 10**7) -> RecorderIntake:
    return RecorderIntake(names or (ETH,), most)


def rows_of(intake: RecorderIntake) -> Any:
    return np.frombuffer(bytes(intake.swap()), LOG_ROW)


class Answers:
    """A REST that gives these answers, then the last one again."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []

    async def get(self, path: str, params: dict[str, Any]) -> Any:
        self.asked.append((path, params))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found(params) if callable(found) else found


def see(intake: RecorderIntake, seen_ms: int, paid_ms: int, rate: str = "0.0001") -> None:
    """An estimate that is received when it is made."""
    intake.take(enveloped(mark(seen_ms, paid_ms, rate)), seen_ms * 1_000_000, "/market")
