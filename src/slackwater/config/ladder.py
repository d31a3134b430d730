"""The grid that a configuration implies in a market that holds still: what the settings mean in prices and money."""

from __future__ import annotations

from typing import NamedTuple

from slackwater.config.model import Config

BPS = 1e4
MIN_SPACING_BPS = 5.0  # strategy: the least adaptive first gap
MIN_GROWTH, MAX_GROWTH = 1.05, 8.0  # strategy: limits of the effective growth
FAR_BPS = 50_000.0  # six times the price: what comes after it says nothing about markets


class Rung(NamedTuple):
    """One layer of the ladder, filled at its price."""

    layer: int
    price: float
    gap_bps: float  # rise above the average that the layer asks; 0 for the first
    size_usd: float
    total_usd: float  # cost of the position with it
    average: float  # average entry with it
    to_average_bps: float  # fall from this price to that average


class Ladder(NamedTuple):
    """The rungs that can be reached, and what ends them."""

    rungs: list[Rung]
    end: str


def ladder(config: Config, price: float, spread_bps: float, volatility_bps: float) -> Ladder:
    """The layers as `grid` lays them out from a first sale at `price`, one after the other, at a steady spread.

    Volatility (blended, bps a minute) stands at its baseline, so the drift factor is 1 (or the nearest that the limits allow),
    and no record of past closes widens or shortens anything.
    """
    grid = config.grid
    base = _base_notional(config, spread_bps)
    spacing = grid.base_spacing_bps or max(spread_bps, volatility_bps, MIN_SPACING_BPS)
    drift = min(max(1.0, config.volatility.drift_min), config.volatility.drift_max)
    growth = min(max(grid.spacing_growth * drift, MIN_GROWTH), MAX_GROWTH)
    gap_bps = max(config.signals.min_spread_bps, spread_bps, 0.5 * (config.fees.maker + config.fees.taker) * BPS)
    rungs = [Rung(1, price, 0.0, base, base, price, 0.0)]
    quantity = base / price
    while len(rungs) < grid.max_layers:
        last = rungs[-1]
        required = _stretched(max(spacing * growth ** (last.layer - 1), gap_bps), grid.trend_spacing_scale)
        if required > FAR_BPS:
            return Ladder(rungs, f"layer {last.layer + 1} would ask a rise of more than {FAR_BPS / 100:.0f} %")
        size = min(base * grid.size_growth**last.layer, grid.max_notional)
        total = last.total_usd + size
        for name, cap in (("grid.max_symbol_notional", grid.max_symbol_notional), ("portfolio.max_total_notional", _cap(config))):
            if 0.0 < cap < total:
                return Ladder(rungs, f"layer {last.layer + 1} would bring the position to {total:.2f} usd, over {name} ({cap:g})")
        level = max(last.average * (1.0 + required / BPS), last.price * (1.0 + gap_bps / BPS))
        quantity += size / level
        average = total / quantity
        rise = (level / last.average - 1.0) * BPS
        rungs.append(Rung(last.layer + 1, level, rise, size, total, average, (1.0 - average / level) * BPS))
    return Ladder(rungs, f"grid.max_layers ({grid.max_layers}) is reached")


def _base_notional(config: Config, spread_bps: float) -> float:
    grid = config.grid
    low = max(config.signals.min_spread_bps, 1.0)
    share = min(max((spread_bps - low) / max(2.0 * low, 1.0), 0.0), 1.0)
    return grid.min_notional + (grid.max_notional - grid.min_notional) * share


def _cap(config: Config) -> float:
    return config.portfolio.max_total_notional


def _stretched(required_bps: float, scale_bps: float) -> float:
    """The rise at which a gap that widens with the rise itself is met: rise = required * (1 + rise / scale)."""
    if scale_bps == 0.0:
        return required_bps
    return required_bps / (1.0 - required_bps / scale_bps) if required_bps < scale_bps else float("inf")
