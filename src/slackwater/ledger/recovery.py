"""Recovery debt: realised losses not yet paid by profits, and the hurdle they raise.

A part lapses when it is older than the look-back: without that, one loss on a first layer asks more than the edge gate can
ever forecast, and trading ends for good.
"""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_DEBT_PARTS, Recovery
from slackwater.schema.units import BPS, NEVER_NS


@jit
def _drop_oldest(rec: Recovery) -> None:
    rec.first = (rec.first + 1) % MAX_DEBT_PARTS
    rec.count -= 1


@jit
def _sum_up(rec: Recovery) -> None:
    """The sum is taken anew from the parts, so that nothing accumulates and no parts means exactly 0."""
    total = 0.0
    for k in range(rec.count):
        total += rec.parts[(rec.first + k) % MAX_DEBT_PARTS].usd
    rec.total_usd = total
    rec.peak_usd = max(rec.peak_usd, total)


@jit
def debt_usd(rec: Recovery, p: Params, now_ns: int) -> float:
    """The debt now. Parts older than the look-back lapse at this reading."""
    if rec.count == 0:
        return 0.0
    if p.debt_lookback_ns > 0 and now_ns - rec.parts[rec.first].since_ns > p.debt_lookback_ns:
        while rec.count > 0 and now_ns - rec.parts[rec.first].since_ns > p.debt_lookback_ns:
            rec.lapsed_usd += rec.parts[rec.first].usd
            _drop_oldest(rec)
        _sum_up(rec)
    return rec.total_usd


@jit
def next_lapse_ns(rec: Recovery, p: Params) -> int:
    """When the oldest part lapses; NEVER_NS while none does."""
    if rec.count == 0 or p.debt_lookback_ns == 0:
        return NEVER_NS
    return int(rec.parts[rec.first].since_ns + p.debt_lookback_ns + 1)


@jit
def apply_realised(rec: Recovery, p: Params, now_ns: int, net_usd: float) -> None:
    """A loss adds a part; a profit pays the oldest parts first; the cap makes the oldest give way."""
    debt_usd(rec, p, now_ns)
    if net_usd < 0.0:
        _add_part(rec, now_ns, -net_usd)
    elif net_usd > 0.0:
        _pay(rec, net_usd)
    _sum_up(rec)
    if p.debt_cap_usd > 0.0 and rec.total_usd > p.debt_cap_usd:
        excess = rec.total_usd - p.debt_cap_usd
        rec.lapsed_usd += excess
        _pay(rec, excess)
        _sum_up(rec)


@jit
def _add_part(rec: Recovery, now_ns: int, usd: float) -> None:
    if rec.count == MAX_DEBT_PARTS:
        # Both lapse as late as the later one: what is merged is never forgotten early.
        rec.merged_count += 1
        newest = rec.parts[(rec.first + rec.count - 1) % MAX_DEBT_PARTS]
        newest.since_ns = now_ns
        newest.usd += usd
        return
    part = rec.parts[(rec.first + rec.count) % MAX_DEBT_PARTS]
    part.since_ns = now_ns
    part.usd = usd
    rec.count += 1


@jit
def _pay(rec: Recovery, usd: float) -> None:
    left = usd
    while left > 0.0 and rec.count > 0:
        part = rec.parts[rec.first]
        if part.usd > left:
            part.usd -= left
            left = 0.0
        else:
            left -= part.usd
            _drop_oldest(rec)


@jit
def raw_hurdle_bps(p: Params, debt: float, notional_usd: float) -> float:
    """What the debt asks of a notional, unclamped."""
    if not p.recovery_enabled or debt <= 0.0 or notional_usd <= 0.0:
        return 0.0
    return debt * p.paydown_ratio / notional_usd * BPS


@jit
def hurdle_bps(p: Params, debt: float, notional_usd: float) -> float:
    """What the debt asks of a notional, at most `max_paydown_bps`."""
    return min(max(raw_hurdle_bps(p, debt, notional_usd), 0.0), p.max_paydown_bps)
