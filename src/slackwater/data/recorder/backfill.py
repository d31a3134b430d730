"""What the streams did not bring, asked of the venue: missing trades by id, candles by their start, funding by its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from slackwater.data.archive.files import FRAMES
from slackwater.data.layout import CANDLE_FRAMES
from slackwater.data.recorder.intake import RecorderIntake, SymbolState
from slackwater.data.recorder.rest import RestClient, RestError
from slackwater.schema.units import HOUR, MS

MOST_TRADES = 1000  # of one answer
MOST_CANDLES = 1500
LOOK_BACK_NS = {"1m": 6 * HOUR, "5m": 48 * HOUR, "15m": 168 * HOUR}  # what the volatility regime wants before the first quote
NOT_GIVEN_TRIES = 3  # of a range of which the venue gives nothing

Tell = Callable[[str], None]


class Backfill:
    """Looks every `every_s` for what is missing and asks for it. A gap younger than that may yet be filled by another socket."""

    def __init__(self, intake: RecorderIntake, rest: RestClient, tell: Tell, every_s: float = 2.0) -> None:
        self.unfilled: list[str] = []  # sentences about what the venue does not give
        self._intake, self._rest, self._tell, self._every_s = intake, rest, tell, every_s
        self._waiting: dict[str, set[tuple[int, int]]] = {}  # gaps seen at the last look, by symbol
        self._tries: dict[tuple[str, str, int], int] = {}

    async def run(self) -> None:
        """Fill gaps until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.fill(only_old=True)

    async def fill(self, only_old: bool = False) -> None:
        """Fill what is missing now; with `only_old` only trades that were missing at the last look already."""
        for state in self._intake.states.values():
            gaps = set(state.trades.missing)
            known = self._waiting.get(state.name, set())
            self._waiting[state.name] = gaps
            for gap in sorted(gaps if not only_old else _older(gaps, known)):
                await self._guarded(self._fill_trades(state, gap), state, "trades", gap[0])
            for number, sequence in enumerate(state.candles):
                for first_ns, last_ns in tuple(sequence.missing):
                    work = self._fill_candles(state, number, first_ns, last_ns + sequence.frame_ns)
                    if await self._guarded(work, state, CANDLE_FRAMES[number], first_ns):
                        sequence.missing.remove((first_ns, last_ns))
            for time_ms in tuple(state.funding.missing):
                if await self._guarded(self._fill_funding(state, time_ms), state, "funding", time_ms):
                    state.funding.missing.remove(time_ms)

    async def look_back(self, now_ns: int) -> None:
        """The candles that the volatility regime wants from before the first quote."""
        for state in self._intake.states.values():
            for number, frame in enumerate(CANDLE_FRAMES):
                first_ns = (now_ns - LOOK_BACK_NS[frame]) // FRAMES[frame] * FRAMES[frame]
                await self._guarded(self._look_back(state, number, first_ns, now_ns), state, f"{frame} look-back", first_ns)

    async def _look_back(self, state: SymbolState, number: int, first_ns: int, now_ns: int) -> bool:
        last_ns = await self._fill_candles(state, number, first_ns, now_ns)
        if last_ns:
            state.candles[number].continue_from(last_ns)
        return last_ns > 0

    async def _guarded(self, work: Awaitable[object], state: SymbolState, what: str, start: int) -> bool:
        """Run one request's work; whether it is done with, well or given up."""
        key = (state.name, what, start)
        try:
            if await work:
                return True
            reason = "the venue gives nothing"
        except RestError as error:
            reason = str(error)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            reason = f"an answer of another shape: {error!r}"
        self._tries[key] = self._tries.get(key, 0) + 1
        if self._tries[key] == NOT_GIVEN_TRIES:
            self.unfilled.append(f"{state.name}: {what} from {start}: {reason}")
            self._tell(f"could not be filled: {self.unfilled[-1]}")
        return self._tries[key] >= NOT_GIVEN_TRIES

    async def _fill_trades(self, state: SymbolState, gap: tuple[int, int]) -> bool:
        first, last = gap
        if self._tries.get((state.name, "trades", first), 0) >= NOT_GIVEN_TRIES or self._intake.is_full:
            return True
        before = state.backfilled_count
        at = first
        while at <= last:
            found = await self._rest.get(
                "/fapi/v1/aggTrades", {"symbol": state.name, "fromId": at, "limit": min(MOST_TRADES, last - at + 1)}
            )
            inside = [trade for trade in found if at <= int(trade["a"]) <= last]
            if not inside:
                break
            for trade in inside:
                self._intake.backfill_trade(state, int(trade["a"]), int(trade["T"]), (str(trade["p"]), str(trade["q"])), trade["m"] is True)
            at = int(inside[-1]["a"]) + 1
        count = state.backfilled_count - before
        if count:
            self._tell(f"{state.name}: {count:,} trades that no stream brought were asked for, from id {first}")
        return count > 0

    async def _fill_candles(self, state: SymbolState, number: int, first_ns: int, until_ns: int) -> int:
        """Ask for the candles that start from `first_ns` on and are over at `until_ns`; the start of the last one, 0 when there is none."""
        frame, length_ns = CANDLE_FRAMES[number], FRAMES[CANDLE_FRAMES[number]]
        at, last_ns = first_ns, 0
        while at + length_ns <= until_ns:
            span = {"startTime": at // MS, "endTime": until_ns // MS - 1, "limit": MOST_CANDLES}
            found: Sequence[Sequence[Any]] = await self._rest.get("/fapi/v1/klines", {"symbol": state.name, "interval": frame, **span})
            over = [candle for candle in found if at <= int(candle[0]) * MS <= until_ns - length_ns]
            if not over:
                break
            for candle in over:
                self._intake.put_candle(state, number, int(candle[0]) * MS, [str(value) for value in candle[1:6]])
            last_ns = int(over[-1][0]) * MS
            at = last_ns + length_ns
        return last_ns

    async def _fill_funding(self, state: SymbolState, time_ms: int) -> bool:
        span = {"startTime": time_ms - 60_000, "endTime": time_ms + 60_000, "limit": 10}
        found = await self._rest.get("/fapi/v1/fundingRate", {"symbol": state.name, **span})
        for paid in found:
            self._intake.put_funding(state, int(paid["fundingTime"]), 0, float(paid["fundingRate"]))
        return bool(found)


def _older(gaps: set[tuple[int, int]], known: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The gaps that lie within one that was known."""
    return {gap for gap in gaps if any(first <= gap[0] and gap[1] <= last for first, last in known)}
