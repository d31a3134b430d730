"""Faults on the way: what comes late, how often, and that faults leave the latencies alone."""

from __future__ import annotations

import pytest

from slackwater.kernel.jit import jit
from slackwater.schema.commands import CommandKind, Side
from slackwater.schema.events import ReportKind
from slackwater.schema.params import LatencyModel
from slackwater.schema.units import MS, SEC
from slackwater.sim import faults
from slackwater.sim.seeding import phase_ns
from tests.scenarios.venue.venue_table import Venue


@jit
def _windows(at_ns, phase, every, length):
    return faults.is_within(at_ns, phase, every, length), faults.after_window_ns(at_ns, phase, every, length)


def open_venue(seed: int = 1, **parameters: float) -> Venue:
    """A seeded venue with a book of 100.0x5 and 100.3x10, and answers after 5 ms."""
    venue = Venue()
    venue.p[0].response_latency_ns = 5 * MS
    for name, value in parameters.items():
        venue.p[0][name] = value
    venue.seed(seed)
    venue.book(0, 1000, 5, 1003, 10)
    return venue


def place_many(venue: Venue, count: int) -> list[int]:
    """Place and cancel orders, 1 ms apart; returns their numbers."""
    for k in range(count):
        venue.send((2 * k + 1) * MS, CommandKind.PLACE, 1 + k, price_ticks=1002, lots=1)
        venue.send((2 * k + 2) * MS, CommandKind.CANCEL, 1 + k)
        venue.arrive_until((2 * k + 2) * MS)
    return list(range(1, count + 1))


def test_late_answers_come_that_much_later_and_out_of_order() -> None:
    venue = open_venue(late_answer_prob=1.0, late_answer_ns=100 * MS)
    venue.send(MS, CommandKind.PLACE, 1, price_ticks=1002, lots=4)
    venue.arrive_until(MS)
    venue.p[0].late_answer_prob = 0.0
    venue.trade(2 * MS, 1002, 3, Side.BUY)
    told = [(int(r.kind), int(r.ts_venue_ns), int(r.ts_recv_ns), int(r.sequence)) for r in venue.pop_all()]
    assert told == [(ReportKind.FILL, 2 * MS, 7 * MS, 2), (ReportKind.ACK, MS, 106 * MS, 1)]


def test_a_duplicate_is_the_same_report() -> None:
    venue = open_venue(duplicate_prob=1.0)
    venue.send(MS, CommandKind.PLACE, 1, price_ticks=1002, lots=4)
    venue.arrive_until(MS)
    first, second = venue.pop_all()
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("name", "low", "high"), [("lost_answer_prob", 0.2, 0.4), ("late_answer_prob", 0.2, 0.4), ("duplicate_prob", 0.2, 0.4)]
)
def test_faults_come_as_often_as_they_should(name: str, low: float, high: float) -> None:
    venue = open_venue(late_answer_ns=SEC, **{name: 0.3})
    seen: list[bytes] = []
    for k in range(100):
        venue.send((2 * k + 1) * MS, CommandKind.PLACE, 1 + k, price_ticks=1002, lots=1)
        venue.send((2 * k + 2) * MS, CommandKind.CANCEL, 1 + k)
        venue.arrive_until((2 * k + 2) * MS)
        reports = venue.pop_all()
        on_time = [r for r in reports if r.ts_recv_ns < SEC // 2 + r.ts_venue_ns]
        seen += [r.tobytes() for r in on_time]
    if name == "duplicate_prob":
        assert low < (len(seen) - len(set(seen))) / 200 < high
    else:
        assert low < 1 - len(seen) / 200 < high
    assert venue.state.lost_answer_count == (200 - len(seen) if name == "lost_answer_prob" else 0)


def test_refusals_come_as_often_as_they_should() -> None:
    venue = open_venue(reject_prob=0.3)
    place_many(venue, 100)
    kinds = [int(r.kind) for r in venue.pop_all()]
    assert 20 < kinds.count(ReportKind.REJECT) < 40
    assert kinds.count(ReportKind.REJECT) == kinds.count(ReportKind.CANCEL_REJECT)


def test_faults_do_not_change_latencies() -> None:
    def receipts(**parameters: float) -> dict[int, int]:
        lognormal = {"latency_model": LatencyModel.LOGNORMAL, "entry_latency_ns": MS, "entry_latency_sigma": 1.0}
        venue = open_venue(**lognormal, response_latency_sigma=1.0, **parameters)
        for k in range(60):
            venue.send((k + 1) * MS, CommandKind.CANCEL, 1 + k)
        venue.arrive_until(10 * SEC)
        return {int(r.order_id): int(r.ts_recv_ns) for r in venue.pop_all()}

    plain = receipts()
    assert len(plain) == 60
    assert receipts(duplicate_prob=0.5, lost_answer_prob=0.5, reject_prob=0.5) == plain
    late = receipts(late_answer_prob=0.5, late_answer_ns=SEC)
    assert all(late[k] - plain[k] in (0, SEC) for k in plain)
    assert 15 < sum(late[k] != plain[k] for k in plain) < 45


def test_one_fault_does_not_move_another() -> None:
    def lost(**parameters: float) -> set[int]:
        venue = open_venue(lost_answer_prob=0.3, **parameters)
        numbers = place_many(venue, 60)
        acknowledged = {int(r.order_id) for r in venue.pop_all() if r.kind == ReportKind.ACK}
        return set(numbers) - acknowledged

    assert lost() == lost(duplicate_prob=0.5, late_answer_prob=0.5)
    assert 5 < len(lost()) < 35


WINDOWS = [
    (0, 30, 100, 10, False, 0),
    (29, 30, 100, 10, False, 29),
    (30, 30, 100, 10, True, 40),
    (39, 30, 100, 10, True, 40),
    (40, 30, 100, 10, False, 40),
    (135, 30, 100, 10, True, 140),
    (5, 0, 100, 0, False, 5),
]


@pytest.mark.parametrize(("at", "phase", "every", "length", "inside", "after"), WINDOWS)
def test_windows(at: int, phase: int, every: int, length: int, inside: bool, after: int) -> None:
    assert _windows(at, phase, every, length) == (inside, after)


def test_windows_begin_anywhere_in_their_period_and_by_the_seed() -> None:
    phases = [phase_ns(seed, "outage", SEC) for seed in range(50)]
    assert all(0 <= phase < SEC for phase in phases)
    assert len(set(phases)) == 50
    assert phases[7] == phase_ns(7, "outage", SEC) != phase_ns(7, "stall", SEC)
    assert phase_ns(1, "outage", 0) == 0


def test_all_symbols_meet_the_same_outage() -> None:
    one, other = Venue(), Venue()
    for venue, name in ((one, "A"), (other, "B")):
        venue.p[0].outage_every_ns = SEC
        venue.seed(5, name)
    assert one.state.outage_phase_ns == other.state.outage_phase_ns > 0
    assert list(one.state.entry_rng.word) != list(other.state.entry_rng.word)
