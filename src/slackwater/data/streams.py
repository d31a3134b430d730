"""Reading a tape's files as TapeRow chunks, and merging them into the one order that runs see.

Order is receive time; at equal times candles, funding, trades, quotes, and within one of these file order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.layout import CANDLE_FRAMES, FUNDING, MAY_BE_NULL, QUOTES, TRADES, kline_name, time_text
from slackwater.data.parquet import open_parquet
from slackwater.data.writer import order_keys
from slackwater.errors import DataError
from slackwater.kernel.record import dtype_of
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.units import NEVER_NS, SEC

CHUNK_ROWS = 1 << 17  # 8 MB of rows: large enough for NumPy to be fast, small enough to hold several
ROW_DTYPE = dtype_of(TapeRow)

Rows = NDArray[np.void]
Fill = Callable[[pa.RecordBatch, Rows], None]


def ints(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    """An int64 column without nulls as an array."""
    found: NDArray[np.int64] = batch.column(name).to_numpy(zero_copy_only=True)
    return found


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other. Copied as words: faster than field by field, and the padding stays zero."""
    return np.concatenate([_words(part) for part in parts]).view(ROW_DTYPE).reshape(-1)


def taken(rows: Rows, order: NDArray[np.int64]) -> Rows:
    """The rows of the given numbers, copied as words."""
    return _words(rows)[order].view(ROW_DTYPE).reshape(-1)


def _words(rows: Rows) -> NDArray[np.int64]:
    return rows.view(np.int64).reshape(len(rows), -1)


def receive_times(batch: pa.RecordBatch, ts_event: NDArray[np.int64], feed_latency_ns: int) -> NDArray[np.int64]:
    """`ts_recv`, modelled as `ts_event + feed_latency_ns` where it is null."""
    column = batch.column("ts_recv")
    if column.null_count == len(column):
        return ts_event + feed_latency_ns
    if column.null_count == 0:
        return ints(batch, "ts_recv")
    known = column.is_valid().to_numpy(zero_copy_only=False)
    return np.where(known, column.fill_null(0).to_numpy(), ts_event + feed_latency_ns)


class Stream:
    """One kind of file over all dates of a symbol, as chunks of rows in file order; files that are not in order are refused."""

    def __init__(self, paths: Sequence[Path], columns: Sequence[str], fill: Fill) -> None:
        self._chunks = self._read(paths, list(columns), fill)
        self.rows: Rows = np.zeros(0, ROW_DTYPE)
        self.is_exhausted = False

    def refill(self) -> None:
        """Append the next chunk to `rows`, or note that there is none."""
        chunk = next(self._chunks, None)
        if chunk is None:
            self.is_exhausted = True
        else:
            self.rows = joined([self.rows, chunk]) if len(self.rows) else chunk

    def take(self, horizon: int | None) -> Rows:
        """Remove and return the rows received before the horizon, all of them without one."""
        count = len(self.rows) if horizon is None else int(np.searchsorted(self.rows["ts_recv"], horizon, side="left"))
        taken, self.rows = self.rows[:count], self.rows[count:]
        return taken

    @staticmethod
    def _read(paths: Sequence[Path], columns: list[str], fill: Fill) -> Iterator[Rows]:
        last_ns = -NEVER_NS
        for path in paths:
            try:
                with open_parquet(path) as file:
                    for batch in file.iter_batches(CHUNK_ROWS, columns=columns, use_threads=False):
                        _check_known(path, batch)
                        last_ns = _last_in_order(path, batch, last_ns)
                        rows = np.zeros(batch.num_rows, ROW_DTYPE)
                        fill(batch, rows)
                        yield rows
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError, OSError) as error:
                raise DataError(f"{path}: expected a tape file with {', '.join(columns)}, found: {error}") from error


def _check_known(path: Path, batch: pa.RecordBatch) -> None:
    """Say whether every row has its values; a receive time or an identifier may be unknown.

    Raises:
        DataError: one lacks one. An import leaves such rows out, so somebody else wrote the file.
    """
    for name in batch.schema.names:
        count = batch.column(name).null_count
        if count and name not in MAY_BE_NULL:
            raise DataError(f"{path}: expected {name} in every row, found {count} without; import the files again")


def _last_in_order(path: Path, batch: pa.RecordBatch, last_ns: int) -> int:
    """The last time of a batch, whose times go on from `last_ns`, that of the rows before.

    Raises:
        DataError: they step back somewhere. An import puts rows into order, so somebody else wrote the file or its folder.
    """
    times = order_keys(batch)
    if not len(times):
        return last_ns
    back = np.flatnonzero(times < np.concatenate(([last_ns], times[:-1])))
    if len(back):
        place = int(back[0])
        back_sec = ((int(times[place - 1]) if place else last_ns) - int(times[place])) / SEC
        raise DataError(
            f"{path}: expected times in order, found {time_text(int(times[place]))}, {back_sec:.9g} s before the row ahead of it; "
            "import the files again"
        )
    return int(times[-1])


def _fill_quotes(feed_latency_ns: int) -> Fill:
    def fill(batch: pa.RecordBatch, rows: Rows) -> None:
        ts_event = ints(batch, "ts_event")
        rows["ts_event"], rows["ts_recv"] = ts_event, receive_times(batch, ts_event, feed_latency_ns)
        rows["price_ticks"], rows["lots"] = ints(batch, "bid_ticks"), ints(batch, "bid_lots")
        rows["ask_ticks"], rows["ask_lots"] = ints(batch, "ask_ticks"), ints(batch, "ask_lots")
        rows["kind"] = RowKind.BOOK

    return fill


def _fill_trades(feed_latency_ns: int) -> Fill:
    def fill(batch: pa.RecordBatch, rows: Rows) -> None:
        ts_event = ints(batch, "ts_event")
        rows["ts_event"], rows["ts_recv"] = ts_event, receive_times(batch, ts_event, feed_latency_ns)
        rows["price_ticks"], rows["lots"] = ints(batch, "price_ticks"), ints(batch, "lots")
        rows["buyer_maker"] = batch.column("buyer_maker").to_numpy(zero_copy_only=False)
        rows["kind"] = RowKind.TRADE

    return fill


def _fill_funding(feed_latency_ns: int) -> Fill:
    def fill(batch: pa.RecordBatch, rows: Rows) -> None:
        ts_event = ints(batch, "ts_event")
        rows["ts_event"], rows["ts_recv"] = ts_event, receive_times(batch, ts_event, feed_latency_ns)
        rows["value"], rows["kind"] = batch.column("rate").to_numpy(), RowKind.FUNDING

    return fill


def _fill_candles(frame: int, feed_latency_ns: int) -> Fill:
    def fill(batch: pa.RecordBatch, rows: Rows) -> None:
        end = ints(batch, "ts_close")
        # A candle is usable at its end by our clock. No venue event stands behind it, so its venue time is set back by the feed
        # latency: then it does not by itself make the venue's order differ from ours.
        rows["ts_event"], rows["ts_recv"], rows["ask_ticks"] = end - feed_latency_ns, end, end
        rows["price_ticks"], rows["value"], rows["kind"] = frame, batch.column("close").to_numpy(), RowKind.CANDLE

    return fill


def open_streams(folder: Path, dates: Sequence[str], feed_latency_ns: int) -> list[Stream]:
    """The streams of a symbol's folder in the order that holds at equal times."""

    def paths(name: str) -> list[Path]:
        return [path for date in dates if (path := folder / date / name).exists()]

    streams = [
        Stream(paths(kline_name(name)), ("ts_close", "close"), _fill_candles(frame, feed_latency_ns))
        for frame, name in enumerate(CANDLE_FRAMES)
    ]
    streams.append(Stream(paths(FUNDING), ("ts_event", "ts_recv", "rate"), _fill_funding(feed_latency_ns)))
    streams.append(Stream(paths(TRADES), ("ts_event", "ts_recv", "price_ticks", "lots", "buyer_maker"), _fill_trades(feed_latency_ns)))
    quote_columns = ("ts_event", "ts_recv", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    streams.append(Stream(paths(QUOTES), quote_columns, _fill_quotes(feed_latency_ns)))
    return streams


def merged(streams: Sequence[Stream]) -> Iterator[Rows]:
    """All rows of the streams in order, in chunks; memory is a few chunks, whatever the length of the tape.

    Rows with a receive time may come before ones ahead of them whose receive time is modelled; they are passed on as they are, nothing is
    lost: `cache` notices and sorts.
    """
    for stream in streams:
        stream.refill()
    while True:
        open_ends = [int(stream.rows["ts_recv"][-1]) for stream in streams if len(stream.rows) and not stream.is_exhausted]
        horizon = min(open_ends, default=None)
        # Rows at the horizon itself wait: the stream that ends there may go on with the same time, and may come first at ties.
        parts = [part for stream in streams if len(part := stream.take(horizon))]
        if parts:
            yield _in_order(parts)
        if horizon is None:
            return
        for stream in streams:
            if not stream.is_exhausted and (not len(stream.rows) or int(stream.rows["ts_recv"][-1]) <= horizon):
                stream.refill()


def _in_order(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    rows = joined(parts)
    return taken(rows, np.argsort(rows["ts_recv"], kind="stable"))


def is_sorted(times: NDArray[Any]) -> bool:
    """Whether times never run backwards."""
    return len(times) < 2 or bool((times[1:] >= times[:-1]).all())
