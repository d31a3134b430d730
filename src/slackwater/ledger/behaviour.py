"""What the last closes and entry groups taught: samples in, and the figures that the adaptive modifiers and the edge gate judge by.

The figures change only when a sample comes or ages out, so they are computed then and kept.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.enums import ExitReason
from slackwater.schema.params import Params
from slackwater.schema.state import BID_STEPS, MAX_SAMPLES, Behaviour
from slackwater.schema.units import BPS, NEVER_NS

MIN_SHARE_SAMPLES = 10  # below this a share is noise and reads 0
DEEP_LAYERS = 3  # a close that deep judges the grid's depth


@jit
def add_close(beh: Behaviour, now_ns: int, net: float, slippage: float, layers: int, reason: int) -> None:
    """Remember one close."""
    sample = beh.closes[beh.close_head % MAX_SAMPLES]
    sample.close_ns = now_ns
    sample.net_bps = net
    sample.slippage_bps = slippage
    sample.layers = layers
    sample.reason = reason
    beh.close_head += 1
    beh.valid_until_ns = 0


@jit
def add_close_bid(beh: Behaviour, bid: float) -> None:
    """Remember the bid at a close, for the falling-knife test."""
    if beh.bid_count == BID_STEPS:
        for k in range(BID_STEPS - 1):
            beh.bids[k] = beh.bids[k + 1]
        beh.bid_count -= 1
    beh.bids[beh.bid_count] = bid
    beh.bid_count += 1
    beh.falling_frac = _falling_frac(beh, beh.bid_count)


@jit
def _falling_frac(beh: Behaviour, count: int) -> float:
    """Share of falling steps among the newest `count` of the remembered bids; 0 for fewer than two."""
    if count < 2:
        return 0.0
    falling = 0
    for k in range(beh.bid_count - count + 1, beh.bid_count):
        if beh.bids[k] < beh.bids[k - 1]:
            falling += 1
    return falling / (count - 1)


@jit
def add_entry(beh: Behaviour, p: Params, now_ns: int, price: float, median_spread_bps: float) -> None:
    """Remember an entry group at its first fill, and whether it repeats the one before."""
    is_dup = False
    if beh.entry_head > 0 and now_ns - beh.last_group_ns <= p.dup_gap_ns:
        distance_bps = abs(price - beh.last_group_price) / beh.last_group_price * BPS
        is_dup = distance_bps <= max(0.5, p.dup_gap_spread_frac * median_spread_bps)
    sample = beh.entries[beh.entry_head % MAX_SAMPLES]
    sample.fill_ns = now_ns
    sample.is_dup = is_dup
    beh.entry_head += 1
    beh.last_group_ns = now_ns
    beh.last_group_price = price
    beh.valid_until_ns = 0


@jit_inline
def refresh(beh: Behaviour, p: Params, now_ns: int, fee_floor_bps: float) -> None:
    """Compute the figures again when a sample came or aged out."""
    if now_ns < beh.valid_until_ns:
        return
    beh.valid_until_ns = NEVER_NS
    _refresh_entries(beh, p, now_ns)
    _refresh_closes(beh, p, now_ns, fee_floor_bps)


@jit
def _is_fresh(beh: Behaviour, p: Params, now_ns: int, sample_ns: int) -> bool:
    """Whether a sample still counts; notes when the first of those that count will not."""
    if p.behavior_max_age_ns == 0:
        return True
    if now_ns - sample_ns > p.behavior_max_age_ns:
        return False
    beh.valid_until_ns = min(beh.valid_until_ns, sample_ns + p.behavior_max_age_ns + 1)
    return True


@jit
def _refresh_entries(beh: Behaviour, p: Params, now_ns: int) -> None:
    count = 0
    dups = 0
    for k in range(min(beh.entry_head, p.behavior_lookback)):
        sample = beh.entries[(beh.entry_head - 1 - k) % MAX_SAMPLES]
        if not _is_fresh(beh, p, now_ns, sample.fill_ns):
            break
        count += 1
        if sample.is_dup:
            dups += 1
    beh.dup = dups / count if count >= MIN_SHARE_SAMPLES else 0.0


@jit
def _refresh_closes(beh: Behaviour, p: Params, now_ns: int, fee_floor_bps: float) -> None:
    near_limit = max(1.0, 0.5 * fee_floor_bps)
    net = np.empty(MAX_SAMPLES, np.float64)
    slippage = np.empty(MAX_SAMPLES, np.float64)
    count = 0
    near = 0
    losses = 0
    deep = 0
    deep_sum = 0.0
    for k in range(min(beh.close_head, p.behavior_lookback)):
        sample = beh.closes[(beh.close_head - 1 - k) % MAX_SAMPLES]
        if not _is_fresh(beh, p, now_ns, sample.close_ns):
            break
        net[count] = min(max(sample.net_bps, -p.uncertainty_winsor_bps), p.uncertainty_winsor_bps)
        slippage[count] = max(sample.slippage_bps, 0.0)
        count += 1
        if abs(sample.net_bps) <= near_limit:
            near += 1
        if is_forced(sample.reason):
            losses += 1
        if sample.layers >= DEEP_LAYERS:
            deep += 1
            deep_sum += sample.net_bps
    beh.sample_count = count
    beh.falling_frac = _falling_frac(beh, min(count, beh.bid_count))
    beh.near = near / count if count >= MIN_SHARE_SAMPLES else 0.0
    beh.loss = losses / count if count >= MIN_SHARE_SAMPLES else 0.0
    beh.deep_count = deep
    beh.deep_mean_bps = deep_sum / deep if deep > 0 else 0.0
    beh.net_std_bps = population_std(net, count)
    beh.slippage_est_bps = percentile(slippage, count, p.slippage_percentile) if count >= p.min_samples else p.default_slippage_bps


@jit
def is_forced(reason: int) -> bool:
    """Whether an exit was forced on us rather than taken."""
    return (
        reason == ExitReason.STOP
        or reason == ExitReason.TIMEOUT
        or reason == ExitReason.INVERSE_TP_TIMEOUT
        or reason == ExitReason.DRAWDOWN
        or reason == ExitReason.SHUTDOWN
    )


@jit
def population_std(values: NDArray[np.float64], count: int) -> float:
    """Standard deviation of the first `count` values, divided by their number; 0 for none."""
    if count == 0:
        return 0.0
    mean = 0.0
    for k in range(count):
        mean += values[k]
    mean /= count
    square = 0.0
    for k in range(count):
        square += (values[k] - mean) * (values[k] - mean)
    return math.sqrt(square / count)


@jit
def percentile(values: NDArray[np.float64], count: int, percent: float) -> float:
    """Percentile with linear interpolation between neighbours. Sorts the first `count` values in place."""
    for k in range(1, count):
        value = values[k]
        j = k
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    rank = percent / 100.0 * (count - 1)
    low = int(math.floor(rank))
    high = min(low + 1, count - 1)
    return float(values[low] + (values[high] - values[low]) * (rank - low))
