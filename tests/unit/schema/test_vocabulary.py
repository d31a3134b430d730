"""What must hold between enums, records and limits for the rest to be able to rely on it."""

from __future__ import annotations

import inspect
from enum import IntEnum

import numpy as np
import pytest

from slackwater.kernel.record import Record, dtype_of
from slackwater.schema import audit, commands, enums, events, instrument, market, params, state, units
from slackwater.schema.enums import GATE_COUNT, ExitReason, Gate, OrderReason, OrderStatus
from slackwater.schema.events import TapeRow, VenueReason

MODULES = (audit, commands, enums, events, instrument, market, params, state)
RECORDS = [
    kind
    for module in MODULES
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Record) and kind is not Record and kind.__module__ == module.__name__
]
ENUMS = [
    kind
    for module in MODULES
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, IntEnum) and kind is not IntEnum and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_has_a_layout(record: type[Record]) -> None:
    dtype = dtype_of(record)
    assert dtype.names == tuple(record.__annotations__)
    assert dtype.isalignedstruct


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_enum_fits_a_small_field(kind: type[IntEnum]) -> None:
    values = [member.value for member in kind]
    assert len(set(values)) == len(kind.__members__)  # no two names for one value
    assert all(-128 <= value <= 255 for value in values)
    assert all(value >= 0 for value in values) or max(values) <= 127


def test_a_tape_row_is_a_cache_line() -> None:
    assert dtype_of(TapeRow).itemsize == 64


def test_gates_fit_their_counters() -> None:
    assert max(Gate) < GATE_COUNT
    assert dtype_of(state.SymbolState)["gate_counts"].shape == (2 * GATE_COUNT,)
    assert [gate.value for gate in Gate] == list(range(len(Gate)))


def test_the_venues_reasons_keep_their_numbers_among_ours() -> None:
    assert all(OrderReason[reason.name] == reason.value for reason in VenueReason)
    assert all((reason.value < 32) == (reason.name in VenueReason.__members__) for reason in OrderReason)


def test_zero_is_nothing() -> None:
    assert [kind(0).name for kind in (Gate, ExitReason, OrderStatus, enums.GroupStatus, enums.CloseStep, enums.InverseMode)] == [
        "PASS",
        "NONE",
        "FREE",
        "IDLE",
        "IDLE",
        "NONE",
    ]


@pytest.mark.parametrize("name", ["TRADE_SLOTS", "RUN_SLOTS", "DEPTH_SLOTS", "SPREAD_SLOTS", "CANDLE_SLOTS"])
def test_rings_that_are_masked_are_powers_of_two(name: str) -> None:
    size = getattr(market, name)
    assert size > 0
    assert size & (size - 1) == 0


def test_candles_of_every_look_back_fit() -> None:
    frames = ((units.MINUTE, 6 * units.HOUR), (5 * units.MINUTE, 2 * units.DAY), (15 * units.MINUTE, 7 * units.DAY))
    assert len(frames) == params.TIME_FRAMES
    assert max(look_back // length for length, look_back in frames) < market.CANDLE_SLOTS


def test_late_fills_have_layers_to_go_to() -> None:
    assert state.LAYER_SLOTS > state.MAX_LAYERS
    assert state.MAX_ZONES <= state.MAX_LAYERS


def test_never_is_the_last_moment() -> None:
    assert np.iinfo(np.int64).max == units.NEVER_NS
    assert units.DAY == 86_400 * units.SEC == 24 * units.HOUR == 1440 * units.MINUTE
    assert units.SEC == 1000 * units.MS == 1_000_000 * units.US


def test_signals_share_no_field_with_trading() -> None:
    assert market.MarketState.__annotations__.keys().isdisjoint(state.Ledger.__annotations__)
    sources = inspect.getsource(market)
    assert "schema.state" not in sources
