"""Faults that are injected on purpose: refusals, answers lost, late or twice, and windows in which something stands still. All are off by
default and draw from generators of their own, so that turning one on leaves the latencies as they were."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.kernel.rng import uniform
from slackwater.schema.events import ReportKind
from slackwater.schema.params import Params
from slackwater.sim.records import VenueState


@jit
def is_within(at_ns: int, phase_ns: int, every_ns: int, length_ns: int) -> bool:
    """Whether a moment lies in one of the windows that begin at `phase_ns` and then every `every_ns`, each `length_ns` long."""
    return (at_ns - phase_ns) % every_ns < length_ns


@jit
def after_window_ns(at_ns: int, phase_ns: int, every_ns: int, length_ns: int) -> int:
    """A moment, or the end of the window that it lies in."""
    into_ns = (at_ns - phase_ns) % every_ns
    return at_ns - into_ns + length_ns if into_ns < length_ns else at_ns


@jit
def is_outage(v: VenueState, p: Params) -> bool:
    """Whether the venue is out of order at the event being worked off."""
    return p.outage_every_ns > 0 and is_within(v.event_ns, v.outage_phase_ns, p.outage_every_ns, p.outage_ns)


@jit
def is_refused(v: VenueState, p: Params) -> bool:
    """Whether a new order or modify is refused for no reason of its own. One draw each, whether or not it would have been accepted."""
    return p.reject_prob > 0.0 and uniform(v.request_fault_rng) < p.reject_prob


@jit
def has_answer_faults(p: Params) -> bool:
    """Whether reports can meet a fault on their way."""
    return p.lost_answer_prob > 0.0 or p.late_answer_prob > 0.0 or p.duplicate_prob > 0.0


@jit
def draw_answer_faults(v: VenueState, p: Params) -> tuple[bool, bool, bool]:
    """Whether a report is lost, late, and delivered twice. Always three draws, so that one fault does not move the others."""
    rng = v.answer_fault_rng
    is_lost = uniform(rng) < p.lost_answer_prob
    is_late = uniform(rng) < p.late_answer_prob
    is_twice = uniform(rng) < p.duplicate_prob
    return is_lost, is_late, is_twice


@jit
def can_be_lost(kind: int) -> bool:
    """Whether a report is one whose loss a query makes good."""
    return kind == ReportKind.ACK or kind == ReportKind.AMEND_ACK or kind == ReportKind.CANCEL_ACK or kind == ReportKind.FILL
