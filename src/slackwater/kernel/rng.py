"""A seeded generator that lives inside the state: the same draws on any machine, any Python, compiled or not.

Marsaglia's xorshift128 on four 32-bit words held in int64, so that no operation overflows and none depends on the word size.
Source: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003.
"""

from __future__ import annotations

import hashlib
import math
from typing import Annotated

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Record, Vec, i64

WORD_MASK = 0xFFFFFFFF
TWO_POW_32 = 4294967296.0


class Rng(Record):
    """Generator state."""

    word: Annotated[Vec[i64], 4]


def seed_rng(rng: Rng, seed: int, name: str) -> None:
    """Start a generator from a run's seed and a name, so that a symbol draws the same whoever trades beside it."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    for k in range(4):
        rng.word[k] = int.from_bytes(digest[4 * k : 4 * k + 4], "little") | 1


@jit
def next_u32(rng: Rng) -> int:
    """The next 32 random bits."""
    x = rng.word[0]
    t = (x ^ (x << 11)) & WORD_MASK
    rng.word[0] = rng.word[1]
    rng.word[1] = rng.word[2]
    rng.word[2] = rng.word[3]
    w = rng.word[3]
    w = w ^ (w >> 19) ^ t ^ (t >> 8)
    rng.word[3] = w
    return w


@jit
def uniform(rng: Rng) -> float:
    """A draw in the open interval (0, 1)."""
    return (next_u32(rng) + 0.5) / TWO_POW_32


@jit
def below(rng: Rng, count: int) -> int:
    """A draw from 0 .. count-1."""
    return int(uniform(rng) * count)


@jit
def exponential(rng: Rng) -> float:
    """A draw from the exponential distribution with mean 1."""
    return -math.log(uniform(rng))
