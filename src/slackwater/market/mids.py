"""Windows over mids: returns, realised volatility and the highest mid.

Mids are kept as runs of equal ones, appended only on change. The sum of squared returns of the last second is a queue of two parts, so
that nothing is ever subtracted and a jump leaves no rounding behind: entries of the front part hold the sum from themselves to
that part's end, the back part is one running sum.
"""

from __future__ import annotations

import math

from slackwater.kernel.hints import rare, usual
from slackwater.kernel.jit import jit, jit_inline
from slackwater.market.logs import log_change
from slackwater.schema.market import RUN_SLOTS, MarketState
from slackwater.schema.units import BPS, NEVER_NS, SEC

RUN_MASK = RUN_SLOTS - 1
LONGEST_NS = 30 * SEC


@jit
def observe_mid(m: MarketState, now_ns: int) -> None:
    """Take in another mid than the one before, ahead of `book_ns` moving on to its book."""
    start_run(m, now_ns, m.mid)
    refresh_windows(m, now_ns, True)


@jit
def refresh_windows(m: MarketState, now_ns: int, changed: bool) -> None:
    """Bring the 1 s and 2 s windows up to date, because the mid has changed or one has left them."""
    refresh_rv(m, now_ns - SEC, changed)
    tail = first_run(m, m.run_tail_2s, now_ns - 2 * SEC)
    m.run_tail_2s = tail
    reference = m.runs[tail & RUN_MASK].mid
    m.ret_2s = (m.mid - reference) / reference * BPS
    m.mids_due_ns = NEVER_NS
    if m.change_tail < m.n_runs:
        m.mids_due_ns = m.runs[m.change_tail & RUN_MASK].first_ns + SEC
    if tail < m.n_runs - 1:
        m.mids_due_ns = min(m.mids_due_ns, m.runs[tail & RUN_MASK].last_ns + 2 * SEC)


@jit
def start_run(m: MarketState, now_ns: int, mid: float) -> None:
    """End the current run at the last book and begin one with another mid."""
    n = m.n_runs
    square = 0.0
    if usual(n > 0):
        ended = m.runs[(n - 1) & RUN_MASK]
        ended.last_ns = m.book_ns
        step = log_change(mid, ended.mid)
        square = step * step
    run = m.runs[n & RUN_MASK]
    if rare(n >= RUN_SLOTS and run.last_ns >= now_ns - LONGEST_NS):
        m.ring_overflows += 1
    run.first_ns = now_ns
    run.last_ns = now_ns
    run.mid = mid
    run.square = square
    m.change_back_sum += square
    m.n_runs = n + 1
    back = m.high_back
    while back > m.high_front and m.highs[(back - 1) & RUN_MASK].mid < mid:
        back -= 1
    m.high_front = max(m.high_front, back + 1 - RUN_SLOTS)
    high = m.highs[back & RUN_MASK]
    high.mid = mid
    high.run = n
    m.high_back = back + 1


@jit_inline
def first_run(m: MarketState, tail: int, from_ns: int) -> int:
    """Running number of the run of the oldest book at or after `from_ns`, searched from `tail` up; the newest run always qualifies."""
    newest = m.n_runs - 1
    tail = max(tail, m.n_runs - RUN_SLOTS)
    while tail < newest and m.runs[tail & RUN_MASK].last_ns < from_ns:
        tail += 1
    return tail


@jit
def refresh_rv(m: MarketState, from_ns: int, changed: bool) -> None:
    """Recompute `rv_mid_1s` when a mid change has entered or left the window."""
    n = m.n_runs
    old_tail = m.change_tail
    tail = max(old_tail, n - RUN_SLOTS)
    while tail < n and m.runs[tail & RUN_MASK].first_ns < from_ns:
        tail += 1
    if tail == old_tail and not changed:
        return
    m.change_tail = tail
    if tail >= m.change_front_end:
        total = 0.0
        for k in range(n - 1, tail - 1, -1):
            total += m.runs[k & RUN_MASK].square
            m.runs[k & RUN_MASK].square = total
        m.change_front_end = n
        m.change_back_sum = 0.0
    front = m.runs[tail & RUN_MASK].square if tail < n else 0.0
    m.rv_mid_1s = math.sqrt(front + m.change_back_sum) * BPS


@jit
def ret_2s_bps(m: MarketState) -> float:
    """Return of the mid over the oldest mid of the 2 s before the last book, bps."""
    return m.ret_2s


@jit
def ret_30s_bps(m: MarketState) -> float:
    """Return of the mid over the oldest mid of the 30 s before the last book, bps; 0 before the first book."""
    if m.n_runs == 0:
        return 0.0
    tail = first_run(m, m.run_tail_30s, m.book_ns - LONGEST_NS)
    m.run_tail_30s = tail
    reference = m.runs[tail & RUN_MASK].mid
    return (m.mid - reference) / reference * BPS


@jit
def rv_mid_1s_bps(m: MarketState) -> float:
    """Root of the summed squared log changes of the mid in the second before the last book, bps."""
    return m.rv_mid_1s


@jit
def highest_mid(m: MarketState, from_ns: int) -> float:
    """The highest mid since `from_ns`. There must have been a book."""
    return float(m.runs[highest_run(m, from_ns) & RUN_MASK].mid)


@jit
def highest_run(m: MarketState, from_ns: int) -> int:
    """Running number of the earliest run with the highest mid since `from_ns`. There must have been a book."""
    front = m.high_front
    oldest = m.n_runs - RUN_SLOTS
    while front < m.high_back - 1:
        run = m.highs[front & RUN_MASK].run
        if run >= oldest and m.runs[run & RUN_MASK].last_ns >= from_ns:
            break
        front += 1
    m.high_front = front
    return m.highs[front & RUN_MASK].run
