"""The compiled signals against the slow reference, all columns, on generated tapes: bursts, ties, gaps, odd books, heavy tails."""

from __future__ import annotations

import random
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slackwater.kernel.record import Box, dtype_of, new
from slackwater.market.batch import SignalRow, signal_chunks
from slackwater.schema.events import RowKind
from slackwater.schema.params import SignalParams
from slackwater.schema.units import DAY, MINUTE, MS, SEC
from tests.market_kit import T0, Book, Trade, instrument, tape_of
from tests.reference.settings import Settings
from tests.reference.signals import ReferenceMarket

INPUTS = {"ts_recv", "bid", "bid_qty", "ask", "ask_qty"}
COLUMNS = [name for name in dtype_of(SignalRow).names or () if name not in INPUTS]
TOLERANCE = 1e-9
LOOSE = {"rv_1s_bps": 1e-6}
STEPS_NS = [0, 0, 1, MS, 49 * MS, 50 * MS, 50 * MS + 1, 300 * MS, 500 * MS, SEC - 1, SEC, SEC + 1, 2 * SEC, 2 * SEC + 1, 30 * SEC, MINUTE]
SETTINGS = [
    Settings(),
    Settings(vol_units=1),
    Settings(z_clock=1, md_norm=1),
    Settings(drift_enabled=False, z_clock=1, z_clamp=1.5),
    Settings(tf_ns=(5 * SEC, 20 * SEC, MINUTE), tf_look_back_ns=(MINUTE, 3 * MINUTE, 9 * MINUTE), refresh_ns=7 * SEC),
]

event = st.tuples(
    st.booleans(),  # a book
    st.sampled_from(STEPS_NS) | st.integers(0, 3 * SEC),
    st.sampled_from([0, 0, 0, 1, -1, 3, -7]) | st.integers(-400, 400),  # the price moves by this
    st.sampled_from([1, 1, 2, 0, -1, 9]) | st.integers(0, 60),  # spread in ticks; -1 is a crossed book
    st.sampled_from([0, 1, 1000]) | st.integers(0, 10**7),
    st.sampled_from([0, 1, 1000]) | st.integers(0, 10**7),
    st.booleans(),  # the aggressor sold
)


def params_of(given_settings: Settings) -> Box:
    """The reference's settings as the kernel reads them."""
    box = new(SignalParams)
    values = asdict(given_settings)
    for name in dtype_of(SignalParams).names or ():
        box[0][name] = values[name]
    return box


def expected_rows(events: list[Book | Trade], given_settings: Settings) -> list[dict[str, float]]:
    """What the reference says after each valid book."""
    market = ReferenceMarket(given_settings)
    found = []
    for item in events:
        if len(item) == 4:
            market.on_trade(*item)
        else:
            row = market.on_book(*item)
            if row is not None:
                found.append(dict(row))
    return found


def check_parity(events: list[Book | Trade], given_settings: Settings) -> None:
    """Every column of every book."""
    expected = expected_rows(events, given_settings)
    ins = instrument(given_settings.tick_den, given_settings.lot_den)
    chunks = [chunk.copy() for chunk in signal_chunks(tape_of(events), ins, params_of(given_settings), chunk_rows=1_024)]
    found = np.concatenate(chunks)
    assert len(found) == len(expected)
    for name in COLUMNS:
        for k, row in enumerate(expected):
            assert found[name][k] == pytest.approx(row[name], rel=LOOSE.get(name, TOLERANCE), abs=LOOSE.get(name, TOLERANCE)), (
                f"{name} at book {k} of {len(expected)}"
            )


def random_tape(seed: int, length: int, calm: bool) -> list[Book | Trade]:
    """A random walk with bursts, pauses and, unless calm, jumps of several per cent."""
    rng = random.Random(seed)
    now, price = T0, 200_000
    events: list[Book | Trade] = []
    for _ in range(length):
        now += rng.choice([0, 0, MS, 3 * MS, 20 * MS, 51 * MS, 200 * MS, rng.randrange(SEC)])
        if rng.random() < 0.003:
            now += rng.randrange(90 * SEC)
        price += rng.choice([0, 0, 0, 1, -1, 2, -2])
        if not calm and rng.random() < 0.01:
            price = max(int(price * rng.choice([0.9, 0.99, 1.01, 1.12])), 1_000)
        if rng.random() < 0.7:
            events.append((now, price, rng.randrange(5_000), price + rng.choice([0, 1, 1, 2, 90]), rng.randrange(5_000)))
        else:
            events.append((now, price, rng.randrange(900), rng.random() < 0.45))
    return events


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(event, min_size=1, max_size=120), which=st.sampled_from(range(len(SETTINGS))))
def test_parity_on_generated_tapes(steps: list[tuple[bool, int, int, int, int, int, bool]], which: int) -> None:
    now, price = T0, 50_000
    events: list[Book | Trade] = []
    for is_book, step_ns, move, spread, lots, ask_lots, sold in steps:
        now += step_ns
        price = max(price + move, 100)
        events.append((now, price, lots, price + spread, ask_lots) if is_book else (now, price, lots, sold))
    events.append((now, price, 5, price + 1, 5))
    check_parity(events, SETTINGS[which])


@pytest.mark.parametrize("which", range(len(SETTINGS)))
@pytest.mark.parametrize("calm", [True, False])
def test_parity_on_long_random_tapes(which: int, calm: bool) -> None:
    check_parity(random_tape(which + 10 * calm, 2_500, calm), SETTINGS[which])


def test_parity_through_a_gap_of_days() -> None:
    before = random_tape(7, 400, calm=True)
    after: list[Any] = [(item[0] + 3 * DAY, *item[1:]) for item in random_tape(8, 400, calm=True)]
    check_parity([*before, *after], SETTINGS[0])


def test_parity_with_candles_of_the_tape() -> None:
    given_settings = Settings(klines=(True, False, True))
    rng = random.Random(3)
    events = random_tape(11, 600, calm=False)
    tape = tape_of(events)
    closes = {}
    for k in range(20, 600, 20):
        tf = rng.choice([0, 2])
        row = tape[k]
        row.kind, row.value = RowKind.CANDLE, 100.0 + rng.random()
        row.price_ticks, row.ask_ticks = tf, row.ts_recv - rng.randrange(5)
        closes[k] = (tf, float(row.value), int(row.ask_ticks))
    market = ReferenceMarket(given_settings)
    expected = []
    for k, item in enumerate(events):
        if k in closes:
            market.on_candle(*closes[k])
        elif len(item) == 4:
            market.on_trade(*item)
        else:
            expected.append(dict(market.on_book(*item) or {}))
    (found,) = signal_chunks(tape, instrument(), params_of(given_settings), tape_frames=(0, 2))
    assert len(found) == len(expected)
    assert found["baseline_bps"][-1] != pytest.approx(8.0)
    for name in COLUMNS:
        assert found[name] == pytest.approx([row[name] for row in expected], rel=1e-6, abs=1e-6), name
