"""Median spread: which books it is due at is decided at every book, the median itself is found when somebody asks.

Spreads are kept as runs of equal ones, since most books bring the spread of the one before. The runs of the last 500 books lie in bins
by size. Bins are first-in first-out lists, so a run enters and leaves in constant time, and only the runs of the middle bin are ever
compared. The result is the exact median, whenever it is asked for.
"""

from __future__ import annotations

import math

from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.market import BINNED_SLOTS, SPREAD_BINS, SPREAD_BINS_PER_BPS, SPREAD_SLOTS, SPREAD_WINDOW, MarketState
from slackwater.schema.units import SEC

SPREAD_MASK = SPREAD_SLOTS - 1
BINNED_MASK = BINNED_SLOTS - 1
REFRESH_NS = 2 * SEC
MIN_SAMPLES = 10
LATEST = SPREAD_SLOTS - 2 * SPREAD_WINDOW  # books after which a due median, or the bins it starts from, would lose samples


@jit_inline
def push_spread(m: MarketState, now_ns: int) -> None:
    """Note whether a median is due at the book that `n_books` counts by now."""
    n = m.n_books
    if rare(n - m.median_at == LATEST and m.median_at > 0):
        median_spread_bps(m)
    if rare(now_ns - m.median_due_ns > REFRESH_NS and n > MIN_SAMPLES):
        m.median_at = n
        m.median_due_ns = now_ns


@jit
def start_spread_run(m: MarketState) -> None:
    """Begin a run with the book that is being taken in, before `n_books` counts it."""
    run = m.spread_runs[m.n_spread_runs & SPREAD_MASK]
    run.first_book = m.n_books
    run.spread_bps = m.spread_bps
    m.n_spread_runs += 1
    if m.spread_bps == 0.0:
        m.has_zero_spread = True


@jit
def has_median_spread(m: MarketState) -> bool:
    """Whether the median spread is above 0, without finding it as long as no spread was ever 0."""
    if m.median_at == 0:
        return False
    return not m.has_zero_spread or median_spread_bps(m) > 0.0


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
def end_of_run(m: MarketState, r: int) -> int:
    """Running number of the first book after run r."""
    return m.n_books if r + 1 == m.n_spread_runs else m.spread_runs[(r + 1) & SPREAD_MASK].first_book


@jit
def bin_spreads(m: MarketState) -> None:
    """Bring the bins to the 500 books before `median_at`."""
    start = max(m.median_at - SPREAD_WINDOW, 0)
    if start >= m.binned_to:
        empty_bins(m, start)
    else:
        drop_spreads(m, start)
    add_spreads(m, m.median_at)
    m.binned_from = start


@jit
def empty_bins(m: MarketState, start: int) -> None:
    """Begin anew before the run of book `start`: nothing in the bins is wanted any more."""
    for r in range(m.first_binned_run, m.next_binned_run):
        m.spread_bins[m.spread_bin_of[r & BINNED_MASK]].count = 0
    m.below_bin = 0
    r = m.n_spread_runs - 1
    while m.spread_runs[r & SPREAD_MASK].first_book > start:
        r -= 1
    m.first_binned_run = r
    m.next_binned_run = r
    m.binned_to = start


@jit
def count_books(m: MarketState, b: int, books: int) -> None:
    """Change a bin's number of books."""
    m.spread_bins[b].count += books
    if b < m.median_bin:
        m.below_bin += books


@jit
def drop_spreads(m: MarketState, start: int) -> None:
    """Take the books before `start` out of their bins; a run that has none left was the oldest of all and so of its bin."""
    k = m.binned_from
    r = m.first_binned_run
    while k < start:
        b = m.spread_bin_of[r & BINNED_MASK]
        end = end_of_run(m, r)
        stop = min(end, start)
        count_books(m, b, k - stop)
        k = stop
        if k == end:
            m.spread_bins[b].first_run = m.spread_runs[r & SPREAD_MASK].next_run
            r += 1
    m.first_binned_run = r


@jit
def add_spreads(m: MarketState, end: int) -> None:
    """Append the books before `end` to their bins."""
    k = m.binned_to
    while k < end:
        r = m.next_binned_run - 1
        stop = min(end_of_run(m, r), end)
        if stop > k:
            count_books(m, m.spread_bin_of[r & BINNED_MASK], stop - k)
            k = stop
        else:
            append_run(m, r + 1)
    m.binned_to = end


@jit
def append_run(m: MarketState, r: int) -> None:
    """Append a run to its bin, with no books yet."""
    b = bin_of(m.spread_runs[r & SPREAD_MASK].spread_bps)
    m.spread_bin_of[r & BINNED_MASK] = b
    held = m.spread_bins[b]
    if held.count == 0:
        held.first_run = r
    else:
        m.spread_runs[held.last_run & SPREAD_MASK].next_run = r
    held.last_run = r
    m.next_binned_run = r + 1


@jit
def find_median(m: MarketState) -> float:
    """The median of what lies in the bins: the mean of the two middle values when their number is even."""
    size = m.binned_to - m.binned_from
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
    runs = copy_bin(m, b)
    lower = select(m, runs, rank - below)
    if size & 1 == 1:
        return lower
    upper = value_above(m, runs, lower, rank - below + 1)
    if upper == math.inf:
        b += 1
        while m.spread_bins[b].count == 0:
            b += 1
        upper = value_above(m, copy_bin(m, b), lower, 0)
    return (lower + upper) / 2.0


@jit
def copy_bin(m: MarketState, b: int) -> int:
    """Copy a bin's runs, as far as they lie in the window, to the scratch array; returns how many there are."""
    held = m.spread_bins[b]
    left = held.count
    r = held.first_run
    runs = 0
    while left > 0:
        run = m.spread_runs[r & SPREAD_MASK]
        books = min(end_of_run(m, r), m.binned_to) - max(run.first_book, m.binned_from)
        m.spread_scratch[runs].spread_bps = run.spread_bps
        m.spread_scratch[runs].books = books
        left -= books
        runs += 1
        r = run.next_run
    return runs


@jit
def value_above(m: MarketState, runs: int, lower: float, rank: int) -> float:
    """The value with `rank` smaller or equal ones before it, which is `lower` or the next; infinite when the scratch array ends before."""
    upper = math.inf
    for k in range(runs):
        held = m.spread_scratch[k]
        if held.spread_bps <= lower:
            rank -= held.books
        else:
            upper = min(upper, held.spread_bps)
    return lower if rank < 0 else upper


@jit
def select(m: MarketState, runs: int, rank: int) -> float:
    """The value with `rank` smaller or equal ones before it, of scratch runs that stand for as many values as they have books.

    Source: C. A. R. Hoare, "Algorithm 65: FIND", Communications of the ACM 4(7), 1961.
    """
    values = m.spread_scratch
    low = 0
    high = runs - 1
    while low < high:
        pivot = float(values[(low + high) // 2].spread_bps)
        i = low
        j = high
        below = 0  # books before i
        while i <= j:
            while values[i].spread_bps < pivot:
                below += values[i].books
                i += 1
            while pivot < values[j].spread_bps:
                j -= 1
            if i <= j:
                spread_bps = values[i].spread_bps
                books = values[i].books
                values[i].spread_bps = values[j].spread_bps
                values[i].books = values[j].books
                values[j].spread_bps = spread_bps
                values[j].books = books
                below += values[i].books
                i += 1
                j -= 1
        if rank >= below:
            rank -= below
            low = i
        elif j + 2 == i and rank >= below - values[j + 1].books:
            return pivot
        else:
            high = j
    return float(values[low].spread_bps)
