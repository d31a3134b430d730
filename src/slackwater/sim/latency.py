"""Latency: when what is sent arrives. One model so far, constant delays, as the configuration has them."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.params import Params


@jit
def arrival_ns(p: Params, sent_ns: int) -> int:
    """When a request that left us at `sent_ns` is at the venue."""
    return sent_ns + p.entry_latency_ns


@jit
def receive_ns(p: Params, venue_ns: int) -> int:
    """When a report that the venue wrote at `venue_ns` is with us."""
    return venue_ns + p.response_latency_ns
