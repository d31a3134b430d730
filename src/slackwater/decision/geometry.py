"""Grid geometry: how large a layer is and how far it stands from the average."""

from __future__ import annotations

from slackwater.decision.adapt import layer_gap_bps
from slackwater.kernel.jit import jit
from slackwater.market.signals import signal_strength
from slackwater.market.spreads import median_spread_bps
from slackwater.market.trades import rv_1s_bps
from slackwater.market.volatility_regime import drift_mult
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState

MIN_BASE_SPACING_BPS = 5.0
MIN_GROWTH = 1.05
MAX_GROWTH = 8.0
MIN_STRENGTH = 0.5


@jit
def power(base: float, exponent: int) -> float:
    """A whole power by multiplication: the same bits compiled or not."""
    result = 1.0
    for _ in range(exponent):
        result *= base
    return result


@jit
def base_notional_usd(p: Params, spread_bps: float) -> float:
    """Wider spreads justify more: from the minimum at `min_spread_bps` to the maximum at three times that."""
    low = max(p.min_spread_bps, 1.0)
    t = min(max((spread_bps - low) / max(3.0 * low - low, 1.0), 0.0), 1.0)
    return p.min_notional_usd + (p.max_notional_usd - p.min_notional_usd) * t


@jit
def entry_notional_usd(s: SymbolState, p: Params, now_ns: int) -> float:
    """Size of a first entry: scaled by spread, and by signal strength over realised volatility where that is known."""
    base = base_notional_usd(p, s.market.spread_bps)
    if not p.vol_normalize:
        return base
    rv = rv_1s_bps(s.market, now_ns)
    if rv < p.vol_floor_bps:
        return base
    scaled = max(signal_strength(s.market, p.signals), MIN_STRENGTH) / rv * base
    return min(max(scaled, p.min_notional_usd), p.max_notional_usd)


@jit
def layer_notional_usd(s: SymbolState, p: Params) -> float:
    """Size of the next layer of an open position."""
    grown = base_notional_usd(p, s.market.spread_bps) * power(p.size_growth, s.ledger.layers_opened)
    return min(grown, p.max_notional_usd)


@jit
def base_spacing_bps(s: SymbolState, p: Params) -> float:
    """Spacing of the first add."""
    return spacing_at_bps(s, p, s.market.blended_bps)


@jit
def spacing_at_bps(s: SymbolState, p: Params, blended_bps: float) -> float:
    """What that spacing is at some blended volatility."""
    if p.base_spacing_bps > 0.0:
        return p.base_spacing_bps
    return max(median_spread_bps(s.market), blended_bps, MIN_BASE_SPACING_BPS)


@jit
def least_spacing_bps(p: Params, blended_bps: float) -> float:
    """What that spacing is at least, whatever the median spread."""
    return p.base_spacing_bps if p.base_spacing_bps > 0.0 else max(blended_bps, MIN_BASE_SPACING_BPS)


@jit
def effective_growth(s: SymbolState, p: Params) -> float:
    """How much wider each further spacing is: more in a market livelier than its baseline."""
    return growth_at(p, drift_mult(s.market, p.signals))


@jit
def growth_at(p: Params, drift: float) -> float:
    """What that growth is at some drift multiplier."""
    return min(max(p.spacing_growth * drift, MIN_GROWTH), MAX_GROWTH)


@jit
def required_spacing_bps(s: SymbolState, p: Params, rise_bps: float) -> float:
    """How far above the average the ask must stand for the next layer."""
    return spacing_for_next_bps(s, p, rise_bps, base_spacing_bps(s, p), effective_growth(s, p))


@jit
def spacing_for_next_bps(s: SymbolState, p: Params, rise_bps: float, spacing_bps: float, growth: float) -> float:
    """What that is at some base spacing and growth."""
    steps = max(s.ledger.layers_opened - 1, 0)
    required = max(spacing_bps * power(growth, steps), layer_gap_bps(s, p))
    if p.trend_spacing_scale > 0.0 and rise_bps > 0.0:
        required *= 1.0 + rise_bps / p.trend_spacing_scale
    return required


@jit
def is_too_near(s: SymbolState, p: Params, rise_bps: float) -> bool:
    """Whether the ask stands nearer than `required_spacing_bps`: each further step only widens it, so the first that is too far tells."""
    if is_below_step(base_spacing_bps(s, p), effective_growth(s, p), s.ledger.layers_opened, rise_bps):
        return True
    return rise_bps < required_spacing_bps(s, p, rise_bps)


@jit
def is_below_step(spacing_bps: float, growth: float, layers: int, rise_bps: float) -> bool:
    """Whether a rise is below one of the spacings up to the next layer's. What is below at some spacing and growth is so at any larger."""
    if rise_bps < spacing_bps:
        return True
    factor = 1.0
    for _ in range(layers - 1):
        factor *= growth
        if rise_bps < spacing_bps * factor:
            return True
    return False
