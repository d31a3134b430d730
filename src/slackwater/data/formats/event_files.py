"""Files of hftbacktest events as sources of an import: quotes from depth events, trades from trade events.

A file of our own export has a sidecar, `NAME.json` beside `NAME.npz`, and its rows come back exactly: `ival` is the row's number and what
the event cannot say. Any other file has its book rebuilt: a quote is the touch after a batch of depth events of one exchange and one
local time that changed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.formats.column_plan import BOOK, LINE
from slackwater.data.formats.hftbacktest import DEPTH, DEPTH_SNAPSHOT, EVENT, LOCAL, TRADE, Events, count_events, read_events
from slackwater.data.formats.source import Source
from slackwater.data.formats.touch import BUY, DEPTH_BBO, DEPTH_CLEAR, KIND_MASK, SELL, TouchBook
from slackwater.data.instrument import check_contract
from slackwater.data.layout import read_json
from slackwater.data.tally import Tally
from slackwater.errors import DataError

SIDECAR_FORMAT = "slackwater hftbacktest export"
SIDECAR_VERSION = 1
# `ival` of our own events: the row's number, then what the event cannot say.
ROW_SHIFT, NO_RECEIVE_TIME, HAS_TRADE_ID = 2, 1, 2

Numbered = Iterator[tuple[Events, NDArray[np.int64]]]


def sidecar_path(path: Path) -> Path:
    """Where the sidecar of a file of events lies."""
    return path.with_suffix(".json")


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """The sidecar of a file of events of our own; None for any other file.

    Raises:
        DataError: it is damaged, of a version that is not known, or of a contract that is not linear.
    """
    beside = sidecar_path(path)
    if not beside.exists():
        return None
    found = read_json(beside)
    if found.get("format") != SIDECAR_FORMAT:
        return None
    if found.get("version") != SIDECAR_VERSION or found.get("events") != count_events(path):
        raise DataError(f"{beside}: expected version {SIDECAR_VERSION} and {path.name}'s events, found another file's; export again")
    check_contract(str(beside), found["instrument"])
    return found


def event_sources(paths: Sequence[Path]) -> tuple[tuple[Source, Source], dict[str, Any] | None]:
    """Quotes and trades of files of events, one after the other, and the sidecar of the first if all have one.

    Places are numbers of events, from 1, counted on over all files.

    Raises:
        DataError: a file is missing or none of events.
    """
    count = sum(count_events(path) for path in paths)
    sidecars = [read_sidecar(path) for path in paths]
    is_ours = all(sidecar is not None for sidecar in sidecars)
    files = tuple(paths)

    def quotes(columns: Sequence[str], tally: Tally) -> Iterator[pa.RecordBatch]:
        rows = _own_quotes(_numbered(files, tally)) if is_ours else _rebuilt_quotes(_numbered(files, tally), tally)
        return (batch.select([*columns, LINE]) for batch in rows)

    def trades(columns: Sequence[str], tally: Tally) -> Iterator[pa.RecordBatch]:
        return (batch.select([*columns, LINE]) for batch in _trades(_numbered(files, tally), is_ours))

    sources = (
        Source(paths[0], "quotes", ("ts_event", *BOOK, "ts_recv"), count, quotes),
        Source(paths[0], "trades", ("ts_event", "price", "qty", "buyer_maker", "ts_recv", "trade_id"), count, trades),
    )
    return sources, sidecars[0] if is_ours else None


def _numbered(paths: Sequence[Path], tally: Tally) -> Numbered:
    """Chunks of events that the strategy sees, and their numbers."""
    first = 1
    for path in paths:
        for events in read_events(path, tally, first):
            numbers = np.arange(first, first + len(events), dtype=np.int64)
            first += len(events)
            is_seen = events["ev"] & np.uint64(LOCAL) != 0
            yield (events, numbers) if is_seen.all() else (events[is_seen], numbers[is_seen])


def _kinds(events: Events) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = events["ev"] & np.uint64(KIND_MASK)
    return found


def _receive_times(events: Events, is_ours: bool) -> pa.Array:
    unknown = (events["ival"] & NO_RECEIVE_TIME) != 0 if is_ours else None
    return pa.array(events["local_ts"], mask=unknown)


def _trades(chunks: Numbered, is_ours: bool) -> Iterator[pa.RecordBatch]:
    for events, numbers in chunks:
        is_trade = _kinds(events) == TRADE
        events, numbers = events[is_trade], numbers[is_trade]
        if not len(events):
            continue
        bought, sold = (events["ev"] & np.uint64(flag) != 0 for flag in (BUY, SELL))
        unknown_id = (events["ival"] & HAS_TRADE_ID) == 0 if is_ours else np.ones(len(events), np.bool_)
        yield pa.RecordBatch.from_pydict(
            {
                "ts_event": pa.array(events["exch_ts"]),
                "price": pa.array(events["px"]),
                "qty": pa.array(events["qty"]),
                "buyer_maker": pa.array(sold, mask=bought == sold),
                "ts_recv": _receive_times(events, is_ours),
                "trade_id": pa.array(events["order_id"].astype(np.int64), mask=unknown_id),
                LINE: pa.array(numbers),
            }
        )


def _own_quotes(chunks: Numbered) -> Iterator[pa.RecordBatch]:
    """Rows of our own export: of each row and side the first event is the level."""
    waiting: list[tuple[Events, NDArray[np.int64]]] = [(np.zeros(0, EVENT), np.zeros(0, np.int64))] * 2
    last_row = [-1, -1]
    for events, numbers in chunks:
        for side, flag in enumerate((BUY, SELL)):
            wanted = (_kinds(events) == DEPTH) & (events["ev"] & np.uint64(flag) != 0)
            level, place = events[wanted], numbers[wanted]
            rows = level["ival"] >> ROW_SHIFT
            is_first = np.diff(rows, prepend=last_row[side]) != 0
            last_row[side] = int(rows[-1]) if len(rows) else last_row[side]
            before, places = waiting[side]
            waiting[side] = np.concatenate([before, level[is_first]]), np.concatenate([places, place[is_first]])
        count = min(len(waiting[0][0]), len(waiting[1][0]))
        bid, ask = waiting[0][0][:count], waiting[1][0][:count]
        if (bid["ival"] != ask["ival"]).any():
            raise pa.ArrowInvalid("bids and asks of different rows, so it is not the file that was exported")
        if count:
            touch = np.stack([bid["px"], bid["qty"], ask["px"], ask["qty"]], axis=1)
            yield _quote_batch(bid, touch, waiting[0][1][:count], is_ours=True)
        waiting = [(level[count:], place[count:]) for level, place in waiting]


def _rebuilt_quotes(chunks: Numbered, tally: Tally) -> Iterator[pa.RecordBatch]:
    """The touch after each batch of depth events that changed it."""
    book = TouchBook()
    waiting, places = np.zeros(0, EVENT), np.zeros(0, np.int64)
    for events, numbers in chunks:
        depth, depth_places = _usable_depth(events, numbers, tally)
        waiting, places = np.concatenate([waiting, depth]), np.concatenate([places, depth_places])
        is_new = (waiting["exch_ts"][1:] != waiting["exch_ts"][:-1]) | (waiting["local_ts"][1:] != waiting["local_ts"][:-1])
        # The last batch may go on in the next chunk.
        whole = int(np.flatnonzero(is_new)[-1]) + 1 if is_new.any() else 0
        if whole:
            yield from _touches(book, waiting[:whole], is_new[:whole], places)
            waiting, places = waiting[whole:], places[whole:]
    if len(waiting):
        ends = np.zeros(len(waiting), np.bool_)
        ends[-1] = True
        yield from _touches(book, waiting, ends, places)


def _touches(book: TouchBook, events: Events, ends: NDArray[np.bool_], places: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    touch, last = book.apply(events, ends)
    if len(last):
        yield _quote_batch(events[last], touch, places[last], is_ours=False)


def _usable_depth(events: Events, numbers: NDArray[np.int64], tally: Tally) -> tuple[Events, NDArray[np.int64]]:
    """The depth events that a book can be made of; orders of a level-3 feed and other unknown kinds are counted."""
    kinds = _kinds(events)
    is_depth = np.isin(kinds, (DEPTH, DEPTH_CLEAR, DEPTH_SNAPSHOT, DEPTH_BBO))
    unknown = ~is_depth & (kinds != TRADE)
    tally.add("unknown_event", numbers[unknown], int(unknown.sum()))
    with np.errstate(invalid="ignore"):
        sound = np.isfinite(events["px"]) & np.isfinite(events["qty"]) & (events["px"] >= 0) & (events["qty"] >= 0)
    bad = is_depth & ~sound & (kinds != DEPTH_CLEAR)
    tally.add("bad_level", numbers[bad], int(bad.sum()))
    return events[is_depth & ~bad], numbers[is_depth & ~bad]


def _quote_batch(events: Events, touch: NDArray[np.float64], places: NDArray[np.int64], is_ours: bool) -> pa.RecordBatch:
    columns = {name: pa.array(np.ascontiguousarray(touch[:, k])) for k, name in enumerate(BOOK)}
    times = {"ts_event": pa.array(events["exch_ts"]), "ts_recv": _receive_times(events, is_ours)}
    return pa.RecordBatch.from_pydict(times | columns | {LINE: pa.array(places)})
