"""What is asked of the venue, and what its answers do."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from slackwater.data.recorder.backfill import Backfill, is_within
from tests.unit.data.recorder.messages import NOW_MS, RECV, Answers, enveloped, intake_of, kline, rows_of, trade_message
from tests.unit.data.recorder.recording import ETH
from tests.unit.data.recorder.rows import MINUTE

DATE = "2023-11-15"


@pytest.mark.parametrize(
    "answer",
    [
        [{"a": 11, "p": "1", "q": "1", "T": NOW_MS * 1000, "m": True}],
        [{"a": 11, "p": "1", "q": "1", "T": 10**30, "m": True}],
    ],
)
def test_no_answer_about_trades_ends_a_recording(answer: list[Any]):
    intake = intake_of()
    for k in (10, 13):
        intake.take(enveloped(trade_message(k)), RECV, "/market")
    told: list[str] = []
    backfill = Backfill(intake, Answers(answer), told.append)  # type: ignore[arg-type]

    async def go() -> None:
        for _ in range(5):
            await backfill.fill()

    asyncio.run(go())
    assert intake.states[ETH].trades.missing == [(11, 12)] and len(told) == 1 and "an answer of another shape" in told[0]


@pytest.mark.parametrize("values", [[], ["1", "2"]])
def test_no_answer_about_candles_ends_a_recording(values: list[str]):
    start = NOW_MS // 60_000 * 60_000 - 60_000 * 5
    answer = lambda params: [[start, *values]] if params["interval"] == "1m" else []  # noqa: E731
    backfill = Backfill(intake_of(), Answers(answer), print)  # type: ignore[arg-type]
    asyncio.run(backfill.look_back(NOW_MS * 1_000_000))
    assert len(backfill.unfilled) == 1 and "1m look-back: an answer of another shape" in backfill.unfilled[0]


def test_candles_that_were_half_given_are_asked_for_again():
    """The first of three missing candles is given, the others not yet: the gap must stay known."""
    intake = intake_of()
    for k in (0, 4):
        intake.take(enveloped(kline(NOW_MS + k * 60_000)), RECV, "/market")
    one = [[NOW_MS + 60_000, "1", "2", "0.5", "1.5", "8", 0]]
    asyncio.run(Backfill(intake, Answers(one, []), print).fill())  # type: ignore[arg-type]
    missing = intake.states[ETH].candles[0].missing
    assert missing and missing[0][0] <= NOW_MS * 1_000_000 + 2 * MINUTE


def test_a_candle_asked_for_before_its_end_is_corrected_by_the_stream():
    """The machine's clock is 2 s ahead of the venue's: REST gives the running candle, and the finished one is then not taken."""
    intake, minute = intake_of(), NOW_MS // 60_000 * 60_000
    given = lambda params: [[minute - 60_000, "1", "2", "0.5", "1.5", "8", 0]] if params["interval"] == "1m" else []  # noqa: E731
    asyncio.run(
        Backfill(
            intake,
            Answers(
                given,
            ),
            print,
        ).look_back((minute + 1) * 1_000_000)
    )  # type: ignore[arg-type]
    intake.take(enveloped(kline(minute - 60_000, c="1.75", v="9.5")), RECV, "/market")
    mine = rows_of(intake)
    assert mine["d"][-1] == 1.75


def test_many_gaps_do_not_stop_the_sockets():
    """A disk that is full for hours leaves a gap for each second and symbol."""
    gaps = [(k * 10, k * 10 + 5) for k in range(20_000)]
    start = time.monotonic()
    assert all(is_within(gap, gaps) for gap in gaps)
    assert time.monotonic() - start < 1.0


def test_the_look_back_asks_for_no_more_weight_than_it_needs():
    """Limit 1500 costs 10 each; 360, 576 and 672 candles cost 2, 5 and 5. For 1,000 symbols: 30,000 against 12,000."""
    rest = Answers([])
    asyncio.run(Backfill(intake_of(), rest, print).look_back(NOW_MS * 1_000_000))  # type: ignore[arg-type]
    assert max(params["limit"] for _, params in rest.asked) <= 1000


def test_a_gap_outlives_an_hour_without_rest():
    """Three failures, some seconds each, and a range is never asked for again though the venue has it."""
    from slackwater.data.recorder.rest import RestError

    intake = intake_of()
    for k in (10, 12):
        intake.take(enveloped(trade_message(k)), RECV, "/market")

    class Down(Answers):
        is_down = True

        async def get(self, path: str, params: dict[str, Any]) -> Any:
            if self.is_down:
                raise RestError("HTTP 503")
            return [{"a": 11, "p": "1", "q": "1", "T": NOW_MS, "m": True}]

    async def go() -> None:
        rest = Down()
        backfill = Backfill(intake, rest, lambda line: None)  # type: ignore[arg-type]
        for _ in range(5):
            await backfill.fill()
        rest.is_down = False
        for _ in range(5):
            await backfill.fill()

    asyncio.run(go())
    assert intake.states[ETH].trades.missing == []


def test_neighbouring_gaps_are_asked_for_together():
    """Each request for trades weighs 20; a thousand one-trade gaps within 2,000 ids need two or three of them."""
    intake = intake_of()
    for k in range(0, 400, 2):
        intake.take(enveloped(trade_message(k)), RECV, "/market")
    rest = Answers(
        lambda params: [
            {"a": a, "p": "1", "q": "1", "T": NOW_MS, "m": True}
            for a in range(params["fromId"], min(params["fromId"] + params["limit"], 400))
        ]
    )
    asyncio.run(Backfill(intake, rest, lambda line: None).fill())  # type: ignore[arg-type]
    assert intake.states[ETH].trades.missing == [] and len(rest.asked) <= 5
