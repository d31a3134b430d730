"""The touch rebuilt from depth events of other makers, against a book that is slow and plain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slackwater.data.formats import hftbacktest as hft
from slackwater.data.formats.event_files import event_sources
from slackwater.data.formats.touch import BUY, DEPTH_BBO, DEPTH_CLEAR, KIND_MASK, SELL
from slackwater.data.tally import Tally
from slackwater.errors import DataError
from tests.unit.data.tables import T0

SEEN = hft.LOCAL | hft.EXCHANGE


def events(rows: list[tuple[int, int, float, float]]) -> Any:
    """Events from (milliseconds, kind and side, price, size), received a millisecond later."""
    found = np.zeros(len(rows), hft.EVENT)
    for k, (ms, flags, price, size) in enumerate(rows):
        found[k] = (SEEN | flags, T0 + ms * 1_000_000, T0 + ms * 1_000_000 + 1_000_000, price, size, 0, 0, 0.0)
    return found


def quotes_of(path: Path, found: Any, tally: Tally | None = None) -> list[tuple[int, float, float, float, float]]:
    np.savez_compressed(path, data=found)
    (quotes, _), sidecar = event_sources([path])
    assert sidecar is None
    rows = [row for batch in quotes.batches(tally=tally) for row in batch.to_pylist()]
    assert all(row["ts_recv"] - row["ts_event"] == 1_000_000 for row in rows)
    return [((row["ts_event"] - T0) // 1_000_000, row["bid"], row["bid_qty"], row["ask"], row["ask_qty"]) for row in rows]


def plain_touches(found: Any) -> list[tuple[int, float, float, float, float]]:
    """The same by dictionaries, one event after the other."""
    book: dict[int, dict[float, float]] = {BUY: {}, SELL: {}}
    rows: list[tuple[int, float, float, float, float]] = []
    last: tuple[float, ...] | None = None
    depth = [event for event in found if int(event["ev"]) & KIND_MASK != hft.TRADE]
    for k, event in enumerate(depth):
        kind, side = int(event["ev"]) & KIND_MASK, int(event["ev"]) & (BUY | SELL)
        price, size = float(event["px"]), float(event["qty"])
        if kind == DEPTH_CLEAR:
            for each in (side,) if side else (BUY, SELL):
                book[each] = {p: q for p, q in book[each].items() if side and (p < price if side == BUY else p > price)}
        else:
            if kind == DEPTH_BBO:
                book[side] = {p: q for p, q in book[side].items() if (p < price if side == BUY else p > price)}
            book[side].pop(price, None)
            if size > 0:
                book[side][price] = size
                other = SELL if side == BUY else BUY
                book[other] = {p: q for p, q in book[other].items() if (p > price if side == BUY else p < price)}
        is_end = k + 1 == len(depth) or depth[k + 1]["exch_ts"] != event["exch_ts"]
        if not is_end or (last is None and not (book[BUY] and book[SELL])):
            continue
        bid, ask = max(book[BUY], default=0.0), min(book[SELL], default=0.0)
        now = (bid, book[BUY].get(bid, 0.0), ask, book[SELL].get(ask, 0.0))
        if now != last:
            rows.append(((int(event["exch_ts"]) - T0) // 1_000_000, *now))
            last = now
    return rows


@pytest.mark.parametrize("seed", range(6))
def test_against_a_plain_book(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.formats.hftbacktest.CHUNK_EVENTS", 61)
    monkeypatch.setattr("slackwater.data.formats.touch.FIRST_LEVELS", 4)
    draw = np.random.default_rng(seed)
    kinds = draw.choice([hft.DEPTH, hft.DEPTH_SNAPSHOT, DEPTH_BBO, DEPTH_CLEAR, hft.TRADE], 3000, p=[0.7, 0.1, 0.08, 0.02, 0.1])
    middle = 100 + np.cumsum(draw.integers(-1, 2, 3000)) // 5
    rows = []
    for k, kind in enumerate(kinds):
        side = BUY if draw.random() < 0.5 else SELL
        if kind == DEPTH_CLEAR and draw.random() < 0.3:
            side = 0
        distance = int(draw.integers(0, 8))
        price = float(middle[k] - distance if side == BUY else middle[k] + 1 + distance)
        rows.append((int(k // 3), int(kind) | side, price, float(draw.integers(0, 4))))
    found = events(rows)
    expected = plain_touches(found)
    assert len(expected) > 300
    assert quotes_of(tmp_path / "e.npz", found) == expected


def test_a_quote_is_what_a_whole_batch_leaves(tmp_path: Path) -> None:
    found = events(
        [
            (0, hft.DEPTH | BUY, 99.0, 1.0),  # one side only: nothing yet
            (1, hft.DEPTH | SELL, 101.0, 2.0),
            (2, hft.DEPTH | BUY, 100.0, 5.0),  # moves twice within one batch
            (2, hft.DEPTH | BUY, 100.0, 0.0),
            (2, hft.DEPTH | BUY, 99.0, 3.0),
            (3, hft.DEPTH | BUY, 98.0, 9.0),  # below the touch: no change of it
            (4, hft.DEPTH | BUY, 101.0, 1.0),  # takes the ask out
        ]
    )
    expected = [(1, 99.0, 1.0, 101.0, 2.0), (2, 99.0, 3.0, 101.0, 2.0), (4, 101.0, 1.0, 0.0, 0.0)]
    assert quotes_of(tmp_path / "e.npz", found) == expected


def test_what_makes_no_level_is_counted_with_its_place(tmp_path: Path) -> None:
    found = events(
        [
            (0, hft.DEPTH | BUY, 99.0, 1.0),
            (0, hft.DEPTH | BUY, float("nan"), 1.0),
            (0, hft.DEPTH | SELL, 101.0, -1.0),
            (0, 10 | SELL, 101.0, 1.0),  # an order of a level-3 feed
            (0, hft.DEPTH | SELL, 101.0, 2.0),
        ]
    )
    tally = Tally()
    assert quotes_of(tmp_path / "e.npz", found, tally) == [(0, 99.0, 1.0, 101.0, 2.0)]
    assert tally == {"bad_level": 2, "unknown_event": 1}
    assert tally.places == {"bad_level": [2, 3], "unknown_event": [4]}


def test_trades_and_events_of_the_exchange_alone(tmp_path: Path) -> None:
    found = events(
        [(0, hft.TRADE | BUY, 100.0, 1.0), (1, hft.TRADE | SELL, 99.0, 2.0), (2, hft.TRADE, 99.0, 3.0), (3, hft.TRADE | BUY, 1.0, 1.0)]
    )
    found["ev"][3] &= ~np.uint64(hft.LOCAL)
    np.savez(tmp_path / "e.npz", data=found)
    (_, trades), _ = event_sources([tmp_path / "e.npz"])
    rows = [row for batch in trades.batches(["price", "buyer_maker", "trade_id"]) for row in batch.to_pylist()]
    assert [(row["price"], row["buyer_maker"], row["trade_id"], row["line"]) for row in rows] == [
        (100.0, False, None, 1),
        (99.0, True, None, 2),
        (99.0, None, None, 3),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"no zip at all", "expected an npz of events"),
        ({"events": np.zeros(2, hft.EVENT)}, "expected the key data, found events"),
        ({"data": np.zeros(2)}, "expected events with ev, exch_ts"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any, text: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / "e.npz").write_bytes(content)
    else:
        np.savez(tmp_path / "e.npz", **content)
    with pytest.raises(DataError, match=text):
        event_sources([tmp_path / "e.npz"])
