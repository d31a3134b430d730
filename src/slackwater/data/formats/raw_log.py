"""Raw logs of websocket streams: lines of a receive time and a message, read once and laid out by symbol for an import.

A line is `1680652800005184 {...}` or `1626992741.06217: {...}`; a number without a point is seconds, milli-, micro- or nanoseconds by its
length. The first line may be a header. `ts_event` is the message's `T`, `ts_recv` the recorder's clock. Of a symbol with both kinds of
trades only `aggTrade` is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.data.formats.column_plan import BOOK, LINE
from slackwater.data.formats.csv_rows import PATTERNS
from slackwater.data.formats.source import OLDEST_NS, Source
from slackwater.data.formats.text_input import TextInput
from slackwater.data.layout import is_name
from slackwater.data.stream_messages import NAMES, AggTrade, BookTicker, SingleTrade, decode
from slackwater.data.tally import Tally
from slackwater.errors import DataError

READ_BYTES = 1 << 20
BUFFERED_ROWS = 1 << 16
UNIT_NS_BY_DIGITS = {10: 1_000_000_000, 13: 1_000_000, 16: 1_000, 19: 1}
MS_NS = 1_000_000
QUOTE_KIND, AGG_KIND, TRADE_KIND = "bookTicker", "aggTrade", "trade"
TRADE_TEXTS = ("price", "qty")
MARKET = "MARKET"


@dataclass(slots=True)
class RawLog:
    """One log laid out in a folder by symbol and kind. `messages` counts those that became rows and those of known kinds left out."""

    path: Path
    folder: Path
    wanted: frozenset[str]  # symbols; all when empty
    lines: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)  # by symbol and kind
    _waiting: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def read(self, advance: Callable[[float], None] = lambda amount: None) -> None:
        """Read the log once.

        Raises:
            DataError: it is missing, unreadable, or holds no message that a tape could use.
        """
        self._waiting = {kind: [] for kind in (QUOTE_KIND, AGG_KIND, TRADE_KIND)}
        for line in self._read_lines():
            self._take(line)
            if self.lines % BUFFERED_ROWS == 0:
                self._flush()
                advance(BUFFERED_ROWS)
        self._flush()
        if not self.rows:
            found = ", ".join(f"{count:,} {kind}" for kind, count in (self.messages + self.tally).items()) or "nothing"
            raise DataError(f"{self.path}: expected lines of a time and a bookTicker, aggTrade or trade message, found {found}")

    def symbols(self) -> list[str]:
        """The symbols that have rows, by name."""
        return sorted({symbol for symbol, _ in self.rows})

    def sources(self, symbol: str) -> tuple[Source, ...]:
        """A symbol's quotes and trades, those that it has."""
        trades = AGG_KIND if self.rows[symbol, AGG_KIND] else TRADE_KIND
        return tuple(
            self._source(symbol, kind, name) for kind, name in ((QUOTE_KIND, "quotes"), (trades, "trades")) if self.rows[symbol, kind]
        )

    def _source(self, symbol: str, kind: str, name: str) -> Source:
        spool = self._spool(symbol, kind)
        columns = ("ts_event", "ts_recv", *(BOOK if kind == QUOTE_KIND else (*TRADE_TEXTS, "buyer_maker", "trade_id")))

        def read(wanted: Sequence[str], tally: Tally) -> Iterator[pa.RecordBatch]:
            with spool.open("rb") as file:
                while file.peek(1):
                    with pa.ipc.open_stream(file) as stream:
                        yield from (batch.select([*wanted, LINE]) for batch in stream)

        return Source(self.path, name, columns, self.rows[symbol, kind], read)

    def _spool(self, symbol: str, kind: str) -> Path:
        return self.folder / f"{symbol}.{kind}.arrows"

    def _read_lines(self) -> Iterator[bytes]:
        """The lines of the log, `lines` being the number of the last one; of a packed log that ends early those before that."""
        try:
            with closing(TextInput(self.path)) as text:
                rest = b""
                while piece := text.read(READ_BYTES):
                    *whole, rest = (rest + piece).split(b"\n")
                    for line in whole:
                        self.lines += 1
                        yield line
                if rest:
                    self.lines += 1
                    yield rest
                if text.fault is not None:
                    self.tally.add(text.fault, (self.lines + 1,), 1)
        except OSError as error:
            raise DataError(f"{self.path}: expected a readable log, found: {error.strerror or error}") from error

    def _take(self, line: bytes) -> None:
        stamp, _, text = line.partition(b" ")
        received = receive_time(stamp)
        if received is None:
            if self.lines == 1 and not line[:1].isdigit() and not line.startswith(b"{"):
                self.messages["header"] += 1
            elif line.strip():
                self._refuse("malformed_line")
            return
        message = decode(text)
        kind = type(message)
        if kind is BookTicker:
            self._waiting[QUOTE_KIND].append((self.lines, received, message.T, message.s, message.b, message.B, message.a, message.A))
        elif kind is AggTrade:
            self._waiting[AGG_KIND].append((self.lines, received, message.T, message.s, message.p, message.q, message.m, message.a))
        elif kind is SingleTrade and message.X == MARKET:
            self._waiting[TRADE_KIND].append((self.lines, received, message.T, message.s, message.p, message.q, message.m, message.t))
        elif kind is SingleTrade:
            self.messages["trade_not_of_the_market"] += 1
        elif kind is str:
            self._refuse(message)
        else:
            self.messages[NAMES[kind]] += 1

    def _refuse(self, kind: str) -> None:
        self.tally.add(kind, (self.lines,), 1)

    def _flush(self) -> None:
        for kind, rows in self._waiting.items():
            if rows:
                self._lay_out(kind, self._batch(kind, rows))
                rows.clear()

    def _batch(self, kind: str, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
        """Messages as a batch of ours; those with a price or size that is no number are counted and left out."""
        lines, received, happened, symbols, *values = zip(*rows, strict=True)
        names = BOOK if kind == QUOTE_KIND else TRADE_TEXTS
        texts = dict(zip(names, (pa.array(column, pa.string()) for column in values[: len(names)]), strict=True))
        fits = np.ones(len(rows), np.bool_)
        for text in texts.values():
            fits &= pc.match_substring_regex(text, PATTERNS[pa.float64()]).to_numpy(zero_copy_only=False)
        arrays = {"ts_event": pa.array(np.array(happened, np.int64) * MS_NS), "ts_recv": pa.array(received, pa.int64())}
        arrays |= texts
        if kind != QUOTE_KIND:
            arrays |= {"buyer_maker": pa.array(values[2], pa.bool_()), "trade_id": pa.array(values[3], pa.int64())}
        batch = pa.RecordBatch.from_pydict(arrays | {LINE: pa.array(lines, pa.int64()), "symbol": pa.array(symbols, pa.string())})
        if not fits.all():
            self.tally.add("wrong_type", (lines[k] for k in np.flatnonzero(~fits)), int((~fits).sum()))
            batch = batch.filter(pa.array(fits))
        return pa.RecordBatch.from_pydict(
            {name: batch.column(name).cast(pa.float64()) if name in names else batch.column(name) for name in batch.schema.names}
        )

    def _lay_out(self, kind: str, batch: pa.RecordBatch) -> None:
        """Append each symbol's rows to its file, as an Arrow stream of its own: no file stays open, however many symbols."""
        coded = batch.column("symbol").dictionary_encode()
        codes: NDArray[np.int32] = coded.indices.to_numpy()
        plain = batch.drop_columns(["symbol"])
        for code, symbol in enumerate(coded.dictionary.to_pylist()):
            places = np.flatnonzero(codes == code)
            if self.wanted and symbol not in self.wanted:
                self.messages["of_other_symbols"] += len(places)
                continue
            if not is_name(symbol):
                self.tally.add("wrong_type", batch.column(LINE).to_numpy()[places], len(places))
                continue
            part = plain if len(places) == plain.num_rows else plain.take(pa.array(places))
            with self._spool(symbol, kind).open("ab") as file, pa.ipc.new_stream(file, part.schema) as stream:
                stream.write_batch(part)
            self.rows[symbol, kind] += len(places)
            self.messages[kind] += len(places)


def receive_time(stamp: bytes) -> int | None:
    """A recorder's time as nanoseconds, from whole units or from seconds with a fraction; None when it is none."""
    stamp = stamp.removesuffix(b":")
    whole, point, fraction = stamp.partition(b".")
    if not whole.isdigit() or (point and not fraction.isdigit()):
        return None
    unit_ns = UNIT_NS_BY_DIGITS[10] if point else UNIT_NS_BY_DIGITS.get(len(whole))
    if unit_ns is None or len(whole) > 19:
        return None
    found = int(whole) * unit_ns + (int(fraction[:9].ljust(9, b"0")) if point else 0)
    return found if OLDEST_NS <= found < 2**63 else None
