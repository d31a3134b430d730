"""Hashes of orders: the same however rows come in pieces, and of a symbol the same alone and beside others."""

from __future__ import annotations

import numpy as np
import pytest

from slackwater.kernel.record import Box, rows
from slackwater.runtime.run_directory import OrdersDigest
from slackwater.schema.audit import OrderEventRow

# Symbol and time, in the order in which a run writes them. The first symbol's tape ends at 40; it is closed until 55 beside rows of the
# second, and what the end takes back of it, at 55, comes after all of them.
WRITTEN = [(0, 10), (1, 10), (1, 20), (0, 30), (1, 35), (0, 40), (1, 42), (0, 45), (1, 50), (0, 55), (1, 60), (1, 70), (0, 55), (1, 71)]
FIRST_END_NS = 40


def events(steps: list[tuple[int, int]]) -> Box:
    """Order events of some symbols at some times, each with a number of its own."""
    box = rows(OrderEventRow, len(steps))
    for row, (symbol, ts_ns) in zip(box, steps, strict=True):
        row.symbol, row.ts_ns = symbol, ts_ns
    for symbol in (0, 1):
        own = box["symbol"] == symbol
        box["order_id"][own] = 100 + np.arange(own.sum())
    return box


def digest_of(box: Box, symbols: list[str], first_end_ns: int, pieces: int) -> tuple[str, list[str]]:
    """The hashes of rows that come in pieces of some length."""
    digest = OrdersDigest(symbols, first_end_ns)
    for at in range(0, len(box), pieces):
        digest.add(box[at : at + pieces])
    return digest.finish()


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, len(WRITTEN)])
def test_rows_count_by_time_and_symbol_however_they_come(pieces: int) -> None:
    box = events(WRITTEN)
    sorted_rows = box[np.lexsort((box["symbol"], box["ts_ns"]))]
    expected = digest_of(sorted_rows, ["A", "B"], 0, len(WRITTEN))
    assert digest_of(box, ["A", "B"], FIRST_END_NS, pieces) == expected
    assert digest_of(box[::-1], ["A", "B"], 0, len(WRITTEN)) != expected  # rows of one moment stay as they came


@pytest.mark.parametrize("pieces", [1, 4])
@pytest.mark.parametrize(("symbol", "end_ns"), [(0, 40), (1, 71)])
def test_a_symbols_hash_is_that_of_its_own_run(symbol: int, end_ns: int, pieces: int) -> None:
    box = events(WRITTEN)
    _, singles = digest_of(box, ["A", "B"], FIRST_END_NS, pieces)
    alone = box[box["symbol"] == symbol].copy()
    alone["symbol"] = 0
    total, own = digest_of(alone, ["AB"[symbol]], end_ns, pieces)
    assert own == [total] == [singles[symbol]]
