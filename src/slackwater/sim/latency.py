"""Latency: when what is sent arrives. Constant, log-normal or drawn from recorded delays; what goes one way never overtakes.

Every message takes its own draw, requests and reports from two generators: the k-th request has the same place in the distribution
whatever else happens, so that a longer latency never makes it arrive earlier.
"""

from __future__ import annotations

import math

from slackwater.kernel.gather import row_of
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Record, i64
from slackwater.kernel.rng import Rng, below, uniform
from slackwater.schema.params import LatencyModel, Params
from slackwater.schema.units import SEC
from slackwater.sim.records import VenueState

MAX_DELAY_NS = 60 * SEC  # the configuration's limit for a median; nobody waits longer for one message


class LatencySample(Record):
    """One row of recorded delays. Both columns are sorted, each by itself."""

    entry_ns: i64
    response_ns: i64


sample_at = row_of(LatencySample)


@jit
def standard_normal(rng: Rng) -> float:
    """A draw from the normal distribution with mean 0 and deviation 1 (Box and Muller, 1958): always two uniform draws."""
    radius = math.sqrt(-2.0 * math.log(uniform(rng)))
    return radius * math.cos(2.0 * math.pi * uniform(rng))


@jit
def lognormal_ns(rng: Rng, median_ns: int, sigma: float) -> int:
    """A log-normal delay: half are below the median, and two in three within a factor of exp(sigma) of it."""
    return int(min(median_ns * math.exp(sigma * standard_normal(rng)), float(MAX_DELAY_NS)))


@jit
def entry_delay_ns(v: VenueState, p: Params) -> int:
    """How long the next request takes to the venue."""
    if p.latency_model == LatencyModel.CONSTANT:
        return p.entry_latency_ns
    if p.latency_model == LatencyModel.LOGNORMAL:
        return lognormal_ns(v.entry_rng, p.entry_latency_ns, p.entry_latency_sigma)
    return sample_at(v.latency_address, below(v.entry_rng, v.latency_count)).entry_ns


@jit
def response_delay_ns(v: VenueState, p: Params) -> int:
    """How long the next report takes to us."""
    if p.latency_model == LatencyModel.CONSTANT:
        return p.response_latency_ns
    if p.latency_model == LatencyModel.LOGNORMAL:
        return lognormal_ns(v.response_rng, p.response_latency_ns, p.response_latency_sigma)
    return sample_at(v.latency_address, below(v.response_rng, v.latency_count)).response_ns


@jit
def arrival_ns(v: VenueState, p: Params, sent_ns: int) -> int:
    """When a request that leaves us at `sent_ns` is at the venue: not before the one sent before it."""
    v.last_arrival_ns = max(v.last_arrival_ns, sent_ns + entry_delay_ns(v, p))
    return v.last_arrival_ns


@jit
def receive_ns(v: VenueState, p: Params, venue_ns: int) -> int:
    """When a report that the venue writes at `venue_ns` is with us: not before the one written before it."""
    v.last_receive_ns = max(v.last_receive_ns, venue_ns + response_delay_ns(v, p))
    return v.last_receive_ns
