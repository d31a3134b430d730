"""Looking up books by time: the same answers as looking through the whole tape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackwater.runtime import tape_books
from slackwater.runtime.tape_books import TapeBooks
from slackwater.schema.events import RowKind
from tests.unit.runtime.trade_kit import at, tape_rows, venue_order


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 5), st.booleans()), min_size=1, max_size=40), st.integers(1, 7))
def test_a_lookup_finds_what_a_search_of_everything_finds(made: list[tuple[int, int, bool]], block: int) -> None:
    # Rows are in receive order while their venue times jump; some are no books, some books make no sense.
    rows = tape_rows([(float(seconds), 10 + bid, 12) for seconds, bid, _ in made])
    rows["ts_recv"] = at(100) + np.arange(len(rows))
    rows["kind"] = [int(RowKind.BOOK if is_book else RowKind.TRADE) for *_, is_book in made]
    rows["lots"] = [bid for _, bid, _ in made]
    order = venue_order(rows)
    moments = np.array([at(second) for second in (41, 0, 7, 7, 20, -1, 33)], np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tape_books, "BLOCK_ROWS", block)
        found = TapeBooks(rows, order).at_venue(moments)
    for k, moment in enumerate(moments.tolist()):
        valid = [row for row in rows[order] if row.kind == RowKind.BOOK and row.lots >= 0 and row.ts_event <= moment]
        valid = [row for row in valid if row.ask_ticks >= row.price_ticks]
        expected = (int(valid[-1].price_ticks), int(valid[-1].ask_ticks)) if valid else (0, 0)
        assert (int(found.bid_ticks[k]), int(found.ask_ticks[k])) == expected


def test_the_tape_reaches_to_its_last_valid_book() -> None:
    rows = tape_rows([(1.0, 10, 11), (2.0, 20, 21), (3.0, 31, 30)])
    assert TapeBooks(rows, None).last_venue_ns == at(2.0)
    assert TapeBooks(rows[2:], None).last_venue_ns < 0
