"""The reference's signals against expected values on real tapes."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tests.reference.signals import ReferenceMarket
from tests.reference.tapes import GOLDEN_TAPES, SHARED, events

INPUTS = {"ts_recv", "bid", "bid_qty", "ask", "ask_qty"}
BOOKS = 1500
TOLERANCE = 1e-12  # worst over the whole files: 5e-14, a z score of sums in another order

pytestmark = pytest.mark.skipif(not (SHARED / "golden").is_dir(), reason="the shared data is not beside the project")


@pytest.mark.parametrize("name", sorted(GOLDEN_TAPES))
def test_every_column_of_the_first_books_is_as_expected(name: str) -> None:
    tape = GOLDEN_TAPES[name]
    golden = pq.read_table(SHARED / "golden" / f"{tape.golden}.parquet").slice(0, BOOKS).to_pydict()
    columns = sorted(golden.keys() - INPUTS)
    assert len(columns) == 30
    market = ReferenceMarket(tape.settings)
    row_count = 0
    for event in events(tape.tape, tape.settings):
        if event.ask_ticks is None:
            market.on_trade(event.ns, event.bid_ticks, event.bid_lots, event.buyer_maker)
            continue
        row = market.on_book(event.ns, event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots)
        if row is None:
            continue
        assert golden["ts_recv"][row_count] == event.ns
        for column in columns:
            expected = golden[column][row_count]
            assert row[column] == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE), f"{column} at row {row_count}"
        row_count += 1
        if row_count == len(golden["ts_recv"]):
            break
    assert row_count == len(golden["ts_recv"])
