"""What the streams did not bring, asked of the venue: missing trades by id, candles by their start, funding by its time."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from slackwater.data.layout import CANDLE_FRAMES, FRAME_NS
from slackwater.data.recorder.answers import RestCandle, RestFunding, RestTrade
from slackwater.data.recorder.intake import RecorderIntake, SymbolState
from slackwater.data.recorder.rest import RestClient, RestError, RestRefused
from slackwater.data.recorder.sequence import NEVER_ID
from slackwater.schema.units import HOUR, MS, SEC

PAGE = 1000  # trades of one answer; asking for fewer weighs as much
MOST_CANDLES = 1500  # of one answer
MOST_MISSING = 200_000  # trades of one gap: beyond that it is told, not asked for
LOOK_BACK_NS = {"1m": 6 * HOUR, "5m": 48 * HOUR, "15m": 168 * HOUR}  # what the volatility regime wants before the first quote
MARGIN_NS = 10 * SEC  # a candle that ended so lately by our clock may not be over by the venue's
NOTHING = "the venue gives nothing"
NOT_GIVEN_TRIES = 3  # of a range of which the venue gives nothing

Gap = tuple[int, int]
Tell = Callable[[str], None]
Answer = TypeVar("Answer")


class Backfill:
    """Looks every `every_s` for what is missing and asks for it. A gap younger than that may yet be filled by another socket."""

    def __init__(self, intake: RecorderIntake, rest: RestClient, tell: Tell, every_s: float = 2.0) -> None:
        self.unfilled: list[str] = []  # sentences about what the venue does not give
        self._intake, self._rest, self._tell, self._every_s = intake, rest, tell, every_s
        self._known: dict[str, list[Gap]] = {}  # gaps seen at the last look, by symbol
        self._tries: dict[tuple[str, str, int], int] = {}
        self._is_answering = True
        self._reason = NOTHING  # why the last request brought nothing

    async def run(self) -> None:
        """Fill gaps until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.fill(only_old=True)

    async def fill(self, only_old: bool = False) -> None:
        """Fill what is missing now; with `only_old` only trades that were missing at the last look already.

        A venue that does not answer ends the round: what is missing stays so, and is asked for at the next.
        """
        try:
            for state in self._intake.states.values():
                await self._fill_symbol(state, only_old)
        except RestError as error:
            if self._is_answering:
                self._tell(f"gaps stay open for now: {error}")
            self._is_answering = False
            return
        self._is_answering = True

    async def look_back(self, now_ns: int) -> None:
        """The candles that the volatility regime wants from before the first quote."""
        until_ns = now_ns - MARGIN_NS
        for state in self._intake.states.values():
            for number, frame in enumerate(CANDLE_FRAMES):
                first_ns = (now_ns - LOOK_BACK_NS[frame]) // FRAME_NS[frame] * FRAME_NS[frame]
                try:
                    last_ns = await self._guarded(self._fill_candles(state, number, (first_ns, until_ns)))
                except RestError as error:
                    self._give_up(f"{state.name}: {frame} look-back: {error}")
                    continue
                if last_ns:
                    state.candles[number].continue_from(last_ns)
                elif last_ns is None:
                    self._give_up(f"{state.name}: {frame} look-back: {self._reason}")

    async def _fill_symbol(self, state: SymbolState, only_old: bool) -> None:
        gaps = list(state.trades.missing)
        known = self._known.get(state.name, [])
        self._known[state.name] = gaps
        await self._fill_trades(state, [gap for gap in gaps if not only_old or is_within(gap, known)])
        for number, sequence in enumerate(state.candles):
            for gap in tuple(sequence.missing):
                frame = CANDLE_FRAMES[number]
                last_ns = await self._guarded(self._fill_candles(state, number, (gap[0], gap[1] + sequence.frame_ns)))
                sequence.missing.remove(gap)
                rest = (max(gap[0], (last_ns or 0) + sequence.frame_ns), gap[1])
                if rest[0] <= rest[1] and not self._is_hopeless(state, frame, rest[0]):
                    sequence.missing.append(rest)
        for time_ms in tuple(state.funding.missing):
            count = await self._guarded(self._fill_funding(state, time_ms))
            if count or self._is_hopeless(state, "funding", time_ms):
                state.funding.missing.remove(time_ms)

    async def _fill_trades(self, state: SymbolState, gaps: list[Gap]) -> None:
        """Ask from the first id of each gap on; gaps that lie close together come with one answer."""
        before = state.backfilled_count
        for first, last in gaps:
            if last - first >= MOST_MISSING:
                self._refuse_gap(state, first, last)
                continue
            at = first
            while not self._intake.is_full and (gap := state.trades.first_gap(at, last)) is not None:
                at = gap[0]
                if self._tries.get((state.name, "trades", at), 0) >= NOT_GIVEN_TRIES:
                    at = gap[1] + 1
                    continue
                end = await self._guarded(self._ask_trades(state, at))
                if state.trades.is_missing(at):
                    self._is_hopeless(state, "trades", at)
                if end is None or end < at:
                    break
                at = end + 1
        count = state.backfilled_count - before
        if count:
            self._tell(f"{state.name}: {count:,} trades that no stream brought were asked for, from id {gaps[0][0]}")

    def _refuse_gap(self, state: SymbolState, first: int, last: int) -> None:
        key = (state.name, "trades", first)
        if self._tries.get(key, 0) < NOT_GIVEN_TRIES:
            self._tries[key] = NOT_GIVEN_TRIES
            self._give_up(f"{state.name}: {last - first + 1:,} trades from id {first}: too many to ask for")

    async def _ask_trades(self, state: SymbolState, first: int) -> int:
        """Take in one answer; its last id, 0 when it is empty."""
        found = await self._ask("/fapi/v1/aggTrades", {"symbol": state.name, "fromId": first, "limit": PAGE}, list[RestTrade])
        for trade in found:
            self._intake.backfill_trade(state, trade)
        return found[-1].a if found else 0

    async def _fill_candles(self, state: SymbolState, number: int, span_ns: Gap) -> int:
        """Ask for the candles that start from the first time on and are over at the second; the start of the last one, 0 for none."""
        frame, length_ns = CANDLE_FRAMES[number], FRAME_NS[CANDLE_FRAMES[number]]
        (at, until_ns), last_ns = span_ns, 0
        while at + length_ns <= until_ns:
            limit = min(MOST_CANDLES, (until_ns - at) // length_ns)
            span: dict[str, str | int] = {"startTime": at // MS, "endTime": until_ns // MS - 1, "limit": limit}
            found = await self._ask("/fapi/v1/klines", {"symbol": state.name, "interval": frame, **span}, list[RestCandle])
            over = [candle for candle in found if at <= candle.t * MS <= until_ns - length_ns]
            if not over:
                break
            for candle in over:
                self._intake.put_candle(state, number, candle)
            last_ns = over[-1].t * MS
            at = last_ns + length_ns
        return last_ns

    async def _fill_funding(self, state: SymbolState, time_ms: int) -> int:
        """Ask for the payment at a time; how many there were."""
        span: dict[str, str | int] = {"startTime": time_ms - 60_000, "endTime": time_ms + 60_000, "limit": 10}
        found = await self._ask("/fapi/v1/fundingRate", {"symbol": state.name, **span}, list[RestFunding])
        for paid in found:
            self._intake.put_funding(state, paid.fundingTime, 0, float(paid.fundingRate))
        return len(found)

    async def _ask(self, path: str, params: dict[str, str | int], kind: type[Answer]) -> Answer:
        return msgspec.convert(await self._rest.get(path, params), kind)

    async def _guarded(self, work: Awaitable[int]) -> int | None:
        """The result of a request's work; None where the venue refuses it, or answers in another shape."""
        self._reason = NOTHING
        try:
            return await work
        except RestRefused as error:
            self._reason = str(error)
        except (msgspec.ValidationError, ValueError) as error:
            self._reason = f"an answer of another shape: {error}"
        return None

    def _is_hopeless(self, state: SymbolState, what: str, start: int) -> bool:
        """Count one more try that brought nothing; whether it was the last."""
        key = (state.name, what, start)
        self._tries[key] = self._tries.get(key, 0) + 1
        if self._tries[key] == NOT_GIVEN_TRIES:
            self._give_up(f"{state.name}: {what} from {start}: {self._reason}")
        return self._tries[key] >= NOT_GIVEN_TRIES

    def _give_up(self, sentence: str) -> None:
        self.unfilled.append(sentence)
        self._tell(f"could not be filled: {sentence}")


def is_within(gap: Gap, known: list[Gap]) -> bool:
    """Whether a gap lies within one of the known ones, which are sorted and apart."""
    place = bisect_right(known, (gap[0], NEVER_ID)) - 1
    return place >= 0 and known[place][1] >= gap[1]
