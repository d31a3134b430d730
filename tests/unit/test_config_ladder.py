"""The ladder that `config check` prints asks the gaps and sizes that the machine's own geometry asks."""

from __future__ import annotations

from typing import Any

import pytest

from slackwater.config import from_mapping
from slackwater.config.ladder import ladder
from slackwater.decision.geometry import layer_notional_usd, required_spacing_bps
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.schema.state import SymbolState

SPREAD_BPS = 9.0
VOLATILITY_BPS = 11.0
SETTINGS: list[dict[str, Any]] = [
    {},
    {"grid": {"base_spacing_bps": 3.0, "spacing_growth": 1.4, "size_growth": 1.2, "max_notional": 400.0}},
    {"grid": {"trend_spacing_scale": 900.0}, "volatility": {"drift_min": 1.5}},
    {"dynamic": {"enabled": False}, "grid": {"spacing_growth": 0.5}, "signals": {"min_spread_bps": 12.0}},
]


@jit
def asked(state_box: Box, params_box: Box, rise_bps: float) -> tuple[float, float]:
    """What the machine asks for the next layer: rise above the average, size."""
    s = state_box[0]
    p = params_box[0]
    return required_spacing_bps(s, p, rise_bps), layer_notional_usd(s, p)


@pytest.mark.parametrize("settings", SETTINGS)
def test_ladder_asks_what_the_geometry_asks(settings: dict[str, Any]) -> None:
    config = from_mapping(settings)
    params_box = config.to_params()
    state_box = new(SymbolState)
    market = state_box[0].market
    market.n_books = 1
    market.spread_bps = market.median_spread_bps = SPREAD_BPS
    market.baseline_bps = market.blended_bps = VOLATILITY_BPS
    rungs = ladder(config, 100.0, SPREAD_BPS, VOLATILITY_BPS).rungs
    assert len(rungs) > 4
    for rung in rungs[1:]:
        state_box[0].ledger.layers_opened = rung.layer - 1
        required_bps, size_usd = asked(state_box, params_box, rung.gap_bps)
        assert rung.size_usd == pytest.approx(size_usd, rel=1e-12)
        assert rung.gap_bps >= required_bps * (1 - 1e-9)
        # Beyond what the geometry asks there is only the least distance from the layer before.
        is_burst_bound = rung.gap_bps > required_bps * (1 + 1e-9)
        assert not is_burst_bound or rung.price == pytest.approx(rungs[rung.layer - 2].price * (1 + gap_bps(config) / 1e4), rel=1e-12)


def gap_bps(config: Any) -> float:
    return max(config.signals.min_spread_bps, SPREAD_BPS, 0.5 * (config.fees.maker + config.fees.taker) * 1e4)
