"""Signals against expected values on slices of real tapes, which a separate and slow reading of the strategy computed."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.market.batch import signal_chunks
from tests.market_kit import SHARED, instrument, shared_tape, signal_params

pytestmark = pytest.mark.skipif(not (SHARED / "golden").is_dir(), reason="the shared data is not beside the project")

TOLERANCE = 1e-9  # absolute below 1, relative above
LOOSE = {"rv_1s_bps": 1e-6}
CASES = {
    # tape, expected values, ticks per unit of price, lots per unit of quantity, settings
    "units_v7": ("aster_usdm_20250929__ASTERUSDT", "signals__aster_usdm_20250929__ASTERUSDT__units_v7", 100_000, 100, {"vol_units": 1}),
    "dense": ("binance_usdm_20240718__BTCUSDT", "signals__binance_usdm_20240718__BTCUSDT__first20000events", 10, 1000, {}),
    "sparse": ("gemini_spot_20210702__ETHUSD", "signals__gemini_spot_20210702__ETHUSD__first30000events", 100, 100_000_000, {}),
    "time_mid": (
        "hyperliquid_20250903__WLFI",
        "signals__hyperliquid_20250903__WLFI__z_clock_time__md_norm_mid",
        100_000,
        1,
        {"z_clock": 1, "md_norm": 1},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_column_is_as_expected(case: str) -> None:
    tape_name, golden_name, tick_den, lot_den, settings = CASES[case]
    golden = pq.read_table(SHARED / "golden" / f"{golden_name}.parquet")
    assert golden.num_columns == 35
    tape = shared_tape(tape_name, tick_den, lot_den)
    # An odd chunk length: nothing may depend on where a chunk ends.
    chunks = signal_chunks(tape, instrument(tick_den, lot_den), signal_params(**settings), chunk_rows=4_099)
    found = np.concatenate([chunk.copy() for chunk in chunks])[: golden.num_rows]
    assert len(found) == golden.num_rows
    for name in golden.column_names:
        expected = golden[name].to_numpy()
        if expected.dtype.kind == "f":
            error = np.abs(found[name] - expected) / np.maximum(np.abs(expected), 1.0)
            worst = int(np.argmax(error))
            assert error[worst] <= LOOSE.get(name, TOLERANCE), f"{name} at row {worst}: {expected[worst]} expected, {found[name][worst]}"
        else:
            assert np.array_equal(found[name], expected), name
