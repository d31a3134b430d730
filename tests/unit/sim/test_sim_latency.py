"""Latency models: their distributions, that nothing overtakes, and that a longer latency never makes anything arrive earlier."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new, rows
from slackwater.schema.params import LatencyModel, Params
from slackwater.schema.units import MS, SEC
from slackwater.sim import latency
from slackwater.sim.latency import MAX_DELAY_NS, LatencySample
from slackwater.sim.records import VenueState
from slackwater.sim.seeding import seed_venue


@jit
def _delays(v, p, entry, response):
    for k in range(len(entry)):
        entry[k] = latency.entry_delay_ns(v[0], p[0])
        response[k] = latency.response_delay_ns(v[0], p[0])


@jit
def _arrivals(v, p, sent, reports_between, found):
    for k in range(len(sent)):
        found[k] = latency.arrival_ns(v[0], p[0], sent[k])
        for _ in range(reports_between[k]):
            latency.receive_ns(v[0], p[0], found[k])


@jit
def _receipts(v, p, written, found):
    for k in range(len(written)):
        found[k] = latency.receive_ns(v[0], p[0], written[k])


def parameters(model: LatencyModel, entry_ms: float = 5.0, response_ms: float = 8.0, sigma: float = 0.5) -> Box:
    p = new(Params)
    p[0].latency_model = model
    p[0].entry_latency_ns, p[0].response_latency_ns = round(entry_ms * MS), round(response_ms * MS)
    p[0].entry_latency_sigma = p[0].response_latency_sigma = sigma
    return p


def venue(p: Box, seed: int = 1, name: str = "TEST", delays: Box | None = None) -> Box:
    v = new(VenueState)
    seed_venue(v[0], p, seed, name, delays)
    return v


def drawn(p: Box, count: int, **start: object) -> tuple[np.ndarray, np.ndarray]:
    """Delays of requests and of reports."""
    entry, response = np.zeros(count, np.int64), np.zeros(count, np.int64)
    _delays(venue(p, **start), p, entry, response)
    return entry, response


def arrivals(p: Box, sent: list[int], reports_between: list[int] | None = None, delays: Box | None = None) -> list[int]:
    found = np.zeros(len(sent), np.int64)
    _arrivals(venue(p, delays=delays), p, np.array(sent), np.array(reports_between or [0] * len(sent)), found)
    return [int(at) for at in found]


def recorded(entry_ms: list[float], response_ms: list[float]) -> Box:
    delays = rows(LatencySample, len(entry_ms))
    delays["entry_ns"], delays["response_ns"] = np.sort(np.array(entry_ms) * MS), np.sort(np.array(response_ms) * MS)
    return delays


def test_constant_delays_take_no_draw() -> None:
    p = parameters(LatencyModel.CONSTANT)
    v = venue(p)
    before = v.tobytes()
    entry, response = np.zeros(3, np.int64), np.zeros(3, np.int64)
    _delays(v, p, entry, response)
    assert (list(entry), list(response)) == ([5 * MS] * 3, [8 * MS] * 3)
    assert v.tobytes() == before


def test_lognormal_delays_have_their_median_and_scatter() -> None:
    entry, response = drawn(parameters(LatencyModel.LOGNORMAL, sigma=0.7), 20_000)
    for found, median_ms in ((entry, 5.0), (response, 8.0)):
        logs = np.log(found / (median_ms * MS))
        assert abs(statistics.median(logs)) < 0.02
        assert math.isclose(float(np.std(logs)), 0.7, rel_tol=0.03)
        assert abs(float(np.mean(((logs - logs.mean()) / logs.std()) ** 3))) < 0.06  # a normal deviate is not skewed
    assert abs(np.corrcoef(entry, response)[0, 1]) < 0.03


def test_no_scatter_is_the_median() -> None:
    entry, response = drawn(parameters(LatencyModel.LOGNORMAL, sigma=0.0), 50)
    assert (set(entry), set(response)) == ({5 * MS}, {8 * MS})


def test_no_delay_is_over_a_minute() -> None:
    entry, _ = drawn(parameters(LatencyModel.LOGNORMAL, entry_ms=60_000, sigma=3.0), 200)
    assert entry.max() == MAX_DELAY_NS == 60 * SEC


def test_recorded_delays_are_drawn_evenly_from_their_table() -> None:
    delays = recorded([1, 2, 3, 4], [10, 20, 30, 40])
    entry, response = drawn(parameters(LatencyModel.RECORDED), 8_000, delays=delays)
    for found, expected in ((entry, [1, 2, 3, 4]), (response, [10, 20, 30, 40])):
        values, counts = np.unique(found, return_counts=True)
        assert list(values) == [ms * MS for ms in expected]
        assert all(1_850 < count < 2_150 for count in counts)


def test_the_recorded_model_needs_a_table() -> None:
    with pytest.raises(ValueError, match="recorded delays"):
        venue(parameters(LatencyModel.RECORDED))


def test_a_symbol_draws_its_own_and_a_seed_draws_the_same() -> None:
    p = parameters(LatencyModel.LOGNORMAL)
    same, again, other_name, other_seed = (drawn(p, 20, **start)[0].tolist() for start in ({}, {}, {"name": "OTHER"}, {"seed": 2}))
    assert same == again
    assert same != other_name
    assert same != other_seed


def test_reports_are_received_in_the_order_written() -> None:
    p = parameters(LatencyModel.LOGNORMAL, sigma=2.0)
    written = np.arange(0, 2000, dtype=np.int64) * MS
    found = np.zeros(2000, np.int64)
    _receipts(venue(p), p, written, found)
    assert (np.diff(found) >= 0).all()
    assert (found > written).all()


schedules = st.lists(st.tuples(st.integers(0, 40 * MS), st.integers(0, 3)), min_size=1, max_size=30)


@given(schedules, st.floats(1.0, 20.0), st.floats(0.0, 2.0), st.floats(0.1, 20.0))
@settings(max_examples=200, deadline=None)
def test_a_longer_latency_makes_no_arrival_earlier(schedule: list[tuple[int, int]], factor: float, sigma: float, median_ms: float) -> None:
    """Even if it changes how many reports come in between: those draw elsewhere."""
    sent = [int(at) for at in np.cumsum([gap for gap, _ in schedule])]
    soon = arrivals(parameters(LatencyModel.LOGNORMAL, median_ms, sigma=sigma), sent)
    late = arrivals(parameters(LatencyModel.LOGNORMAL, median_ms * factor, sigma=sigma), sent, [count for _, count in schedule])
    assert all(a <= b for a, b in zip(soon, late, strict=True))
    assert soon == sorted(soon)


@given(schedules, st.lists(st.floats(0.0, 50.0), min_size=1, max_size=8), st.floats(1.0, 3.0))
@settings(max_examples=100, deadline=None)
def test_slower_measurements_make_no_arrival_earlier(schedule: list[tuple[int, int]], measured: list[float], factor: float) -> None:
    sent = [int(at) for at in np.cumsum([gap for gap, _ in schedule])]
    p = parameters(LatencyModel.RECORDED)
    slower = [ms * factor for ms in measured]
    soon = arrivals(p, sent, delays=recorded(measured, measured))
    late = arrivals(p, sent, [count for _, count in schedule], recorded(slower, slower))
    assert all(a <= b for a, b in zip(soon, late, strict=True))
