"""Candles that a tape brings: a back-test takes the same ones as `signals`, from whenever they begin, and counts what makes no sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.config.model import Config
from slackwater.data.cache import load_rows
from slackwater.data.layout import KLINE_SCHEMA
from slackwater.kernel.record import as_box
from slackwater.market.batch import signal_chunks
from slackwater.runtime.backtest import Request, open_session, quarantined
from tests.unit.data.tables import SEC, T0, make_tape

MINUTE = 60 * SEC
FIRST_NS = T0 // MINUTE * MINUTE + MINUTE
DAY = "tape/binance/AAAUSDT/2023-11-14"


def make(folder: Path, candles: list[tuple[int, float]]) -> Request:
    """Twenty minutes of books about a price that walks, and candles of a minute by the minute they end at."""
    mids = 100 + np.cumsum(np.random.default_rng(1).integers(-3, 4, 1200)) / 100
    quotes = [((FIRST_NS - T0) / SEC + k, round(m - 0.01, 2), 1.0, round(m + 0.01, 2), 1.0) for k, m in enumerate(mids)]
    make_tape(folder, quotes, [((FIRST_NS - T0) / SEC, 100.0, 1.0, True)], tick="0.01", lot="0.1")
    ends = [(FIRST_NS + minute * MINUTE, close) for minute, close in candles]
    rows = [{"ts_open": end - MINUTE, "ts_close": end, "open": c, "high": c, "low": c, "close": c, "volume": 1.0} for end, c in ends]
    pq.write_table(pa.Table.from_pylist(rows, KLINE_SCHEMA), folder / DAY / "klines_1m.parquet")
    return Request(folder / "tape", folder / "run", Config())


def test_no_candle_is_built_where_the_tape_brings_some_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACKWATER_CACHE", str(tmp_path / "cache"))
    request = make(tmp_path, [(minute, 100.0 + minute % 3) for minute in range(10, 20)])
    session, tape = open_session(request)
    params = session.params["signals"].copy()
    rows = load_rows(tape.symbols[0], int(session.params[0].feed_latency_ns)).rows
    instrument = session.inputs[0].instrument
    chunks = signal_chunks(rows, instrument, as_box(params), tape_frames=tape.symbols[0].candle_frames)
    expected = np.concatenate([chunk.copy() for chunk in chunks])
    seen = set()
    for minute in (5, 7, 9, 11, 12, 15, 19):
        for _ in session.run_until(FIRST_NS + minute * MINUTE + 30 * SEC):
            pass
        market = session.states[0].market
        row = expected[np.searchsorted(expected["ts_recv"], market.book_ns)]
        assert market.baseline_bps == row["baseline_bps"], minute
        seen.add(float(market.baseline_bps))
    assert len(seen) > 3
    assert [bool(frame.from_tape) for frame in session.states[0].market.frames] == [True, False, False]


def test_candles_that_make_no_sense_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACKWATER_CACHE", str(tmp_path / "cache"))
    session, tape = open_session(make(tmp_path, [(2, 100.0), (3, -1.0), (4, 101.0), (5, 0.0)]))
    for _ in session.run():
        pass
    assert quarantined(session, tape) == {"AAAUSDT": {"rejected_candles": 2}}
