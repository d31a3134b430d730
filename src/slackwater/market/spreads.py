"""Median spread: which books it is due at is decided at every book, the median itself is found when somebody asks.

The last 500 spreads lie in bins by size. Bins are first-in first-out lists, so a spread enters and leaves in constant time, and only
the spreads of the middle bin are ever compared. The result is the exact median, whenever it is asked for.
"""

from __future__ import annotations

from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.market import BINNED_SLOTS, SPREAD_BINS, SPREAD_BINS_PER_BPS, SPREAD_SLOTS, SPREAD_WINDOW, MarketState
from slackwater.schema.units import SEC

SPREAD_MASK = SPREAD_SLOTS - 1
BINNED_MASK = BINNED_SLOTS - 1
REFRESH_NS = 2 * SEC
MIN_SAMPLES = 10
LATEST = SPREAD_SLOTS - 2 * SPREAD_WINDOW  # books after which a due median, or the bins it starts from, would lose samples


@jit_inline
def push_spread(m: MarketState, now_ns: int, spread_bps: float) -> None:
    """Note the spread of the book that `n_books` already counts, and whether a median is due at it."""
    n = m.n_books
    if n - m.median_at == LATEST and m.median_at > 0:
        median_spread_bps(m)
    m.spreads[(n - 1) & SPREAD_MASK] = spread_bps
    if spread_bps == 0.0:
        m.zero_spreads += 1
    if now_ns - m.median_due_ns > REFRESH_NS and n > MIN_SAMPLES:
        m.median_at = n
        m.median_due_ns = now_ns


@jit
def has_median_spread(m: MarketState) -> bool:
    """Whether the median spread is above 0, without finding it as long as no spread was ever 0."""
    if m.median_at == 0:
        return False
    return m.zero_spreads == 0 or median_spread_bps(m) > 0.0


@jit
def median_spread_bps(m: MarketState) -> float:
    """Median of the last 500 spreads as of the book at which it was last due, bps; 0 before the first such book."""
    if m.median_known_at != m.median_at:
        bin_spreads(m)
        m.median_spread_bps = find_median(m)
        m.median_known_at = m.median_at
    return m.median_spread_bps


@jit
def bin_of(spread_bps: float) -> int:
    """The bin of a spread."""
    return int(min(spread_bps * SPREAD_BINS_PER_BPS, SPREAD_BINS - 1.0))


@jit
def bin_spreads(m: MarketState) -> None:
    """Bring the bins to the 500 spreads before `median_at`."""
    end = m.median_at
    k = m.spreads_binned
    first_kept = 0
    if end - k >= SPREAD_WINDOW:
        for old in range(max(0, k - SPREAD_WINDOW), k):
            m.spread_bins[m.spread_bin_of[old & BINNED_MASK]].count = 0
        m.below_bin = 0
        k = end - SPREAD_WINDOW
        first_kept = k
    while k < end:
        if k - SPREAD_WINDOW >= first_kept:
            drop_spread(m, k - SPREAD_WINDOW)
        add_spread(m, k)
        k += 1
    m.spreads_binned = end


@jit
def add_spread(m: MarketState, k: int) -> None:
    """Append book k's spread to its bin."""
    slot = k & SPREAD_MASK
    b = bin_of(m.spreads[slot])
    m.spread_bin_of[k & BINNED_MASK] = b
    held = m.spread_bins[b]
    if held.count == 0:
        held.first = slot
    else:
        m.spread_next[held.last] = slot
    held.last = slot
    held.count += 1
    if b < m.median_bin:
        m.below_bin += 1


@jit
def drop_spread(m: MarketState, k: int) -> None:
    """Take book k's spread, the oldest of all and so of its bin, out of its bin."""
    b = m.spread_bin_of[k & BINNED_MASK]
    held = m.spread_bins[b]
    held.first = m.spread_next[held.first]
    held.count -= 1
    if b < m.median_bin:
        m.below_bin -= 1


@jit
def find_median(m: MarketState) -> float:
    """The median of what lies in the bins: the mean of the two middle values when their number is even."""
    size = min(m.spreads_binned, SPREAD_WINDOW)
    rank = (size - 1) // 2
    b = m.median_bin
    below = m.below_bin
    while below > rank:
        b -= 1
        below -= m.spread_bins[b].count
    while below + m.spread_bins[b].count <= rank:
        below += m.spread_bins[b].count
        b += 1
    m.median_bin = b
    m.below_bin = below
    count, is_uniform = copy_bin(m, b)
    lower = m.spread_scratch[0] if is_uniform else select(m, count, rank - below)
    if size & 1 == 1:
        return lower
    if rank - below + 1 < count:
        return (lower + least_from(m, rank - below + 1, count)) / 2.0
    b += 1
    while m.spread_bins[b].count == 0:
        b += 1
    return (lower + least_from(m, 0, copy_bin(m, b)[0])) / 2.0


@jit
def copy_bin(m: MarketState, b: int) -> tuple[int, bool]:
    """Copy a bin's spreads to the scratch array; returns how many there are and whether all are equal."""
    held = m.spread_bins[b]
    slot = held.first
    first = m.spreads[slot]
    is_uniform = True
    for k in range(held.count):
        spread = m.spreads[slot]
        is_uniform = is_uniform and spread == first
        m.spread_scratch[k] = spread
        slot = m.spread_next[slot]
    return int(held.count), is_uniform


@jit
def least_from(m: MarketState, start: int, end: int) -> float:
    """The least of a part of the scratch array."""
    least = m.spread_scratch[start]
    for k in range(start + 1, end):
        least = min(least, m.spread_scratch[k])
    return least


@jit
def select(m: MarketState, count: int, rank: int) -> float:
    """The value with `rank` smaller or equal ones before it; afterwards no later value of the scratch array is smaller.

    Source: C. A. R. Hoare, "Algorithm 65: FIND", Communications of the ACM 4(7), 1961.
    """
    values = m.spread_scratch
    low = 0
    high = count - 1
    while low < high:
        pivot = values[rank]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                swapped = values[i]
                values[i] = values[j]
                values[j] = swapped
                i += 1
                j -= 1
        if j < rank:
            low = i
        if rank < i:
            high = j
    return values[rank]
