"""Ranking symbols by what the strategy needs: a score that is the product of parts, each from 0 to 1, and who is left out and why.

A part that grows without limit, x, counts as x / (x + half): 0 for nothing, one half at `half`, never quite 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slackwater.config import Config

HALF_PUMPS_PER_HOUR = 60.0  # one a minute: the scores pass their thresholds that often before the other gates are asked
HALF_TRADES_PER_MIN = 30.0  # one in each 2 s window that the signals look at
HALF_RISE_PCT = 10.0
HALF_RANGE_PCT = 10.0
DAY_HOURS = 24.0


@dataclass(slots=True)
class Candidate:
    """One symbol: what was measured (None: not known), the parts of its score, and why it is left out, if it is."""

    name: str  # as the user knows it: SYMBOL or venue/SYMBOL
    symbol: str
    measured: dict[str, float | None] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @property
    def score(self) -> float:
        """100 times the product of the parts; 0 without any."""
        return 100.0 * math.prod(self.parts.values()) if self.parts else 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "score": self.score, "parts": self.parts, **self.measured, "refused": self.refused}


def saturating(value: float | None, half: float) -> float:
    """The share `value / (value + half)`: 0 for none or less, 0.5 at `half`."""
    if value is None or value <= 0:
        return 0.0
    return value / (value + half)


def tape_parts(measured: Mapping[str, float | None], config: Config) -> dict[str, float]:
    """The parts of a score from a tape: spread, pumps, depth, volume, trades."""
    return {
        "spread": measured["spread_share"] or 0.0,
        "pumps": saturating(measured["pumps_per_hour"], HALF_PUMPS_PER_HOUR),
        "depth": saturating(measured["depth_usd"], config.grid.max_notional),
        "volume": saturating(measured["usd_per_hour"], config.scanner.min_quote_volume / DAY_HOURS),
        "trades": saturating(measured["trades_per_min"], HALF_TRADES_PER_MIN),
    }


def ticker_parts(measured: Mapping[str, float | None], config: Config) -> dict[str, float]:
    """The parts of a score from a snapshot of 24 hours: rise, range, volume, trades."""
    return {
        "rise": saturating(measured["change_pct"], HALF_RISE_PCT),
        "range": saturating(measured["range_pct"], HALF_RANGE_PCT),
        "volume": saturating(measured["usd_per_hour"], config.scanner.min_quote_volume / DAY_HOURS),
        "trades": saturating(measured["trades_per_min"], HALF_TRADES_PER_MIN),
    }


def refusals_by_name(symbol: str, config: Config) -> list[str]:
    """Why the scanner never takes a symbol, whatever it does; nothing when it may."""
    scanner = config.scanner
    if symbol in scanner.blacklist:
        return ["on scanner.blacklist"]
    if scanner.symbols and symbol not in scanner.symbols:
        return ["not among scanner.symbols"]
    return []


def refusals_by_figures(measured: Mapping[str, float | None], config: Config) -> list[str]:
    """Why the scanner does not take a symbol now. A tape shorter than a day is held to its own rise, its turnover to a day's."""
    scanner, found = config.scanner, []
    change, hourly = measured["change_pct"], measured["usd_per_hour"]
    if change is None or change < scanner.min_change_pct:
        shown = "not known" if change is None else f"{change:+.2f} %"
        found.append(f"rise {shown}, below scanner.min_change_pct {scanner.min_change_pct:g}")
    if hourly is None or hourly * DAY_HOURS < scanner.min_quote_volume:
        shown = "not known" if hourly is None else f"{hourly * DAY_HOURS:,.0f} usd"
        found.append(f"turnover of 24 h {shown}, below scanner.min_quote_volume {scanner.min_quote_volume:,.0f}")
    return found


def ranking(candidates: Sequence[Candidate], top: int) -> dict[str, Any]:
    """The best `top` that the scanner takes, how many more there are, and those it does not take; each list by score, then name."""
    ordered = sorted(candidates, key=lambda one: (-one.score, one.name))
    taken = [one for one in ordered if not one.refused]
    return {
        "ranked": [one.as_json() for one in taken[:top]],
        "more": max(len(taken) - top, 0),
        "refused": [one.as_json() for one in ordered if one.refused],
    }
