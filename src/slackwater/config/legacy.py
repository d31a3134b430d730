"""Settings of V7 that nothing here reads: accepted, so that an operator's file loads, and named, so that nobody relies on them."""

from __future__ import annotations

import difflib
from typing import Any

from slackwater.config.market import Session

UNUSED_SECTIONS = {
    "resilience": "it tuned V7's own connection services",
    "adaptive": "V7's adaptive service is gone, `dynamic` is what adapts now",
}
UNUSED_KEYS = {
    "volatility.candle_service_url": "candles come from the tape or are built from the books",
    "recovery.db_path": "debt is part of the state",
    "recovery.state_sync_sec": "debt is part of the state",
    "risk.loss_cooldown_sec": "risk.cooldown_steps_sec says how long to pause",
}
UNUSED_SESSION = "this session setting of V7 has no counterpart"


def drop_unused(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values without what V7 alone used, and a one-line notice for each thing dropped."""
    kept: dict[str, Any] = {}
    notices: list[str] = []
    for name, section in values.items():
        if name in UNUSED_SECTIONS:
            notices.extend(f"{key}: ignored, {UNUSED_SECTIONS[name]}" for key in _keys(name, section))
            continue
        kept[name] = section
        if not isinstance(section, dict):
            continue
        reasons = {key: _reason(name, key) for key in section}
        kept[name] = {key: value for key, value in section.items() if reasons[key] is None}
        notices.extend(f"{name}.{key}: ignored, {reason}" for key, reason in reasons.items() if reason is not None)
    return kept, notices


def _keys(name: str, section: Any) -> list[str]:
    return [f"{name}.{key}" for key in section] if isinstance(section, dict) and section else [name]


def _reason(section: str, key: str) -> str | None:
    if section == "session" and key not in Session.model_fields:
        near = difflib.get_close_matches(key, Session.model_fields, 1)
        return f"{UNUSED_SESSION}; was session.{near[0]} meant?" if near else UNUSED_SESSION
    return UNUSED_KEYS.get(f"{section}.{key}")
