"""What was wrong with a run's input, in words: what never traded, and what was put into order first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def left_out_said(document: Mapping[str, Any], symbol: str) -> str | None:
    """A sentence on a symbol's input that never traded, from a run's `run.json`; None when there was none."""
    kinds = document.get("quarantined", {}).get(symbol, {})
    return f"{symbol}: input that made no sense was left out ({_counts(kinds)})" if kinds else None


def sorted_said(document: Mapping[str, Any], symbol: str) -> str | None:
    """A sentence on a symbol's rows that were put into order; None when all came in order."""
    files = document.get("time_backwards", {}).get(symbol, {})
    return f"{symbol}: rows were put into the order of their times (steps back: {_counts(files)})" if files else None


def faults_said(document: Mapping[str, Any], symbol: str) -> list[str]:
    """Both sentences, those that there are."""
    return [said for said in (left_out_said(document, symbol), sorted_said(document, symbol)) if said]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind.replace('_', ' ')} {number:,}" for kind, number in counts.items())
