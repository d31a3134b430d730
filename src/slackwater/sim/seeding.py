"""What a symbol's venue and feed start from: their generators, the phases of their windows, the recorded delays. Runs once, in Python."""

from __future__ import annotations

from typing import Any

from slackwater.kernel.gather import address_of
from slackwater.kernel.record import Box, new
from slackwater.kernel.rng import TWO_POW_32, Rng, seed_rng
from slackwater.schema.params import LatencyModel


def phase_ns(seed: int, name: str, every_ns: int) -> int:
    """Where in its period a window begins: anywhere, the same for all symbols of a run, since they share the venue and the line to it."""
    rng = new(Rng)
    seed_rng(rng[0], seed, name)
    return int(int(rng[0].word[0]) / TWO_POW_32 * every_ns)


def seed_venue(venue: Any, params: Box, seed: int, name: str, delays: Box | None = None) -> None:
    """Make one zeroed `VenueState` ready for a run.

    Args:
        venue: the record; a row of the caller's array.
        params: one row of Params.
        seed, name: the run's seed and the symbol's name: a symbol draws the same whoever trades beside it.
        delays: rows of LatencySample, kept alive by the caller; needed by the recorded latency model only.

    Raises:
        ValueError: the recorded model without delays.
    """
    for part in ("entry", "response", "request_fault", "answer_fault"):
        seed_rng(venue[f"{part}_rng"], seed, f"{name}/venue/{part}")
    venue.outage_phase_ns = phase_ns(seed, "outage", int(params[0].outage_every_ns))
    if params[0].latency_model == LatencyModel.RECORDED:
        if delays is None or len(delays) == 0:
            raise ValueError("expected recorded delays for the recorded latency model, found none")
        venue.latency_address, venue.latency_count = address_of(delays), len(delays)


def seed_feed(cursor: Any, params: Box, seed: int) -> None:
    """Tell a `Cursor` when its feed stalls."""
    cursor.stall_every_ns, cursor.stall_ns = params[0].stall_every_ns, params[0].stall_ns
    cursor.stall_phase_ns = phase_ns(seed, "stall", int(params[0].stall_every_ns))
