"""From a stream's text to a packed row: decoded, told from what came before, counted. This runs once for every message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from slackwater.data.layout import CANDLE_FRAMES, FRAME_NS, time_text
from slackwater.data.recorder.answers import RestCandle, RestTrade
from slackwater.data.recorder.log import CANDLE, FUNDING, PACKER, QUOTE, TRADE
from slackwater.data.recorder.sequence import CandleSequence, FundingSequence, QuoteSequence, TradeSequence
from slackwater.data.stream_messages import NAMES, AggTrade, BookTicker, Kline, MarkPrice, decode
from slackwater.schema.units import HOUR, MS

KEPT_PLACES = 5  # of each kind of message that was not used
KEPT_BYTES = 200
MOST_AHEAD_NS = HOUR  # a candle or a funding estimate from further in the future would end its stream: it is counted, not used
STREAMS = ("bookTicker", "aggTrade", "markPrice@1s", *(f"kline_{name}" for name in CANDLE_FRAMES))  # in the order of `heard_ns`
QUOTES_AT, TRADES_AT, MARKS_AT, CANDLES_AT = range(4)
FRAME_NUMBERS = {name: number for number, name in enumerate(CANDLE_FRAMES)}


@dataclass(slots=True)
class SymbolState:
    """What was seen of one symbol."""

    name: str
    number: int
    quotes: QuoteSequence = field(default_factory=QuoteSequence)
    trades: TradeSequence = field(default_factory=TradeSequence)
    candles: tuple[CandleSequence, ...] = field(default_factory=lambda: tuple(CandleSequence(FRAME_NS[name]) for name in CANDLE_FRAMES))
    funding: FundingSequence = field(default_factory=FundingSequence)
    rows: Counter[str] = field(default_factory=Counter)
    backfilled_count: int = 0
    heard_ns: list[int] = field(default_factory=lambda: [0] * len(STREAMS))  # receive time of the last message of each stream


class RecorderIntake:
    """Turns texts into rows in `buffer`, at most `most_bytes` of them: what comes while it is full is lost, and counted."""

    def __init__(self, symbols: Sequence[str], most_bytes: int) -> None:
        self.states = {name: SymbolState(name, number) for number, name in enumerate(symbols)}
        self.buffer = bytearray()
        self.most_bytes = most_bytes
        self.most_buffered = 0
        self.message_count = 0
        self.odd: Counter[str] = Counter()
        self.places: dict[str, list[str]] = {}  # of each odd kind the first, as time, path and text
        self.answers: list[str] = []  # refusals of subscriptions, to be told
        self.in_flight = 0  # bytes that are being written
        self.lost_count = 0  # messages
        self.lost_from_ns = self.lost_until_ns = 0
        self._pack = PACKER.pack

    def take(self, text: bytes, recv_ns: int, path: str) -> bool:
        """Take in one text that came on a path; whether it was a message of a stream.

        While the buffer is full nothing is taken in: the ids of trades that are lost stay unseen, so that they are asked for later.
        """
        self.message_count += 1
        if self.is_full:
            self.lost_count += 1
            self.lost_from_ns = self.lost_from_ns or recv_ns
            self.lost_until_ns = recv_ns
            return True
        message = decode(text)
        kind = type(message)
        if kind is BookTicker:
            self._take_quote(message, text, recv_ns, path)
        elif kind is AggTrade:
            self._take_trade(message, text, recv_ns, path)
        elif kind is Kline:
            self._take_candle(message, text, recv_ns, path)
        elif kind is MarkPrice:
            self._take_mark(message, text, recv_ns, path)
        elif kind is not str:
            self._refuse(f"unused_{NAMES[kind]}", text, recv_ns, path)
        elif message == "unknown_message" and self._is_answer(text):
            return False
        else:
            self._refuse(message, text, recv_ns, path)
            return False
        return True

    def backfill_trade(self, state: SymbolState, trade: RestTrade) -> None:
        """Take in a trade that the venue told on request, if it is one that is missing; a number that is none is counted."""
        if not state.trades.is_missing(trade.a):
            return
        try:
            price, qty = float(trade.p), float(trade.q)
        except ValueError:
            self._refuse("wrong_type", repr(trade).encode(), trade.T * MS, "backfill")
            return
        state.trades.is_new(trade.a, trade.T)
        state.backfilled_count += 1
        state.rows["trades"] += 1
        self.buffer += self._pack(TRADE, trade.m, state.number, trade.T * MS, 0, trade.a, price, qty, 0.0, 0.0, 0.0)

    def put_candle(self, state: SymbolState, frame: int, candle: RestCandle) -> None:
        """Put a finished candle that the venue told on request; a number that is none is counted."""
        try:
            values = float(candle.o), float(candle.h), float(candle.l), float(candle.c), float(candle.v)
        except ValueError:
            self._refuse("wrong_type", repr(candle).encode(), candle.t * MS, "backfill")
            return
        state.rows["candles"] += 1
        self.buffer += self._pack(CANDLE, frame, state.number, candle.t * MS, 0, candle.t * MS, *values)

    def put_funding(self, state: SymbolState, event_ms: int, recv_ns: int, rate: float) -> None:
        """Put a payment of funding; `recv_ns` is 0 when it was told on request."""
        state.rows["funding"] += 1
        self.buffer += self._pack(FUNDING, 0, state.number, event_ms * MS, recv_ns, event_ms, rate, 0.0, 0.0, 0.0, 0.0)

    @property
    def is_full(self) -> bool:
        """Whether no further row is taken in."""
        return len(self.buffer) + self.in_flight >= self.most_bytes

    @property
    def waiting_rows(self) -> int:
        """How many rows wait to be written."""
        return len(self.buffer) // PACKER.size

    def swap(self) -> bytes:
        """Take the rows that wait, and begin anew. They count as waiting until `put_back` or `let_go`."""
        taken = bytes(self.buffer)
        self.buffer.clear()
        self.in_flight = len(taken)
        self.most_buffered = max(self.most_buffered, len(taken))
        return taken

    def put_back(self, rows: bytes) -> None:
        """Rows that could not be written wait again, before those that came since."""
        self.in_flight = 0
        self.buffer[:0] = rows

    def let_go(self) -> None:
        """What was taken last is written."""
        self.in_flight = 0

    def heard_ns(self, stream: str) -> int:
        """When a stream of a plan of sockets spoke last, ns; 0 for never, or for one that nothing is known of."""
        name, _, kind = stream.partition("@")
        state = self.states.get(name.upper())
        return state.heard_ns[STREAMS.index(kind)] if state is not None and kind in STREAMS else 0

    def _take_quote(self, message: BookTicker, text: bytes, recv_ns: int, path: str) -> None:
        state = self.states.get(message.s)
        if state is None:
            self._refuse("other_symbol", text, recv_ns, path)
            return
        state.heard_ns[QUOTES_AT] = recv_ns
        try:
            values = float(message.b), float(message.B), float(message.a), float(message.A)
        except ValueError:
            self._refuse("wrong_type", text, recv_ns, path)
            return
        if not state.quotes.is_new(message.u, message.T):
            return
        state.rows["quotes"] += 1
        self.buffer += self._pack(QUOTE, 0, state.number, message.T * MS, recv_ns, message.u, *values, 0.0)

    def _take_trade(self, message: AggTrade, text: bytes, recv_ns: int, path: str) -> None:
        state = self.states.get(message.s)
        if state is None:
            self._refuse("other_symbol", text, recv_ns, path)
            return
        try:
            price, qty = float(message.p), float(message.q)
        except ValueError:
            self._refuse("wrong_type", text, recv_ns, path)
            return
        state.heard_ns[TRADES_AT] = recv_ns
        if not state.trades.is_new(message.a, message.T):
            return
        state.rows["trades"] += 1
        self.buffer += self._pack(TRADE, message.m, state.number, message.T * MS, recv_ns, message.a, price, qty, 0.0, 0.0, 0.0)

    def _take_candle(self, message: Kline, text: bytes, recv_ns: int, path: str) -> None:
        state, candle = self.states.get(message.s), message.k
        frame = FRAME_NUMBERS.get(candle.i)
        if state is None or frame is None:
            self._refuse("other_symbol" if state is None else "unused_kline", text, recv_ns, path)
            return
        state.heard_ns[CANDLES_AT + frame] = recv_ns
        if not candle.x:
            return
        if candle.t * MS > recv_ns + MOST_AHEAD_NS:
            self._refuse("wrong_time", text, recv_ns, path)
            return
        try:
            values = float(candle.o), float(candle.h), float(candle.l), float(candle.c), float(candle.v)
        except ValueError:
            self._refuse("wrong_type", text, recv_ns, path)
            return
        if state.candles[frame].is_new(candle.t * MS):
            state.rows["candles"] += 1
            self.buffer += self._pack(CANDLE, frame, state.number, candle.t * MS, recv_ns, candle.t * MS, *values)

    def _take_mark(self, message: MarkPrice, text: bytes, recv_ns: int, path: str) -> None:
        state = self.states.get(message.s)
        if state is None:
            self._refuse("other_symbol", text, recv_ns, path)
            return
        state.heard_ns[MARKS_AT] = recv_ns
        if not message.T or not message.r:
            return  # a contract without funding
        if message.E * MS > recv_ns + MOST_AHEAD_NS:
            self._refuse("wrong_time", text, recv_ns, path)
            return
        try:
            rate = float(message.r)
        except ValueError:
            self._refuse("wrong_type", text, recv_ns, path)
            return
        paid = state.funding.see(message.E, message.T, rate)
        if paid is not None:
            self.put_funding(state, paid[0], recv_ns, paid[1])

    def _is_answer(self, text: bytes) -> bool:
        """Whether a text answers a subscription; refusals are kept to be told."""
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if not isinstance(found, dict) or "id" not in found:
            return False
        if found.get("error") is not None:
            self.answers.append(text[:KEPT_BYTES].decode("utf-8", "replace"))
        return "result" in found or "error" in found

    def _refuse(self, kind: str, text: bytes, recv_ns: int, path: str) -> None:
        self.odd[kind] += 1
        kept = self.places.setdefault(kind, [])
        if len(kept) < KEPT_PLACES:
            kept.append(f"{time_text(recv_ns)} {path} {text[:KEPT_BYTES].decode('utf-8', 'replace')}")
