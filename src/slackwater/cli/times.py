"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

from slackwater.errors import UsageError

MIN_EPOCH_NS = 10**17  # shorter numbers are not nanoseconds since the epoch (1973)


def parse_time(name: str, text: str | None) -> int | None:
    """Nanoseconds UTC of `2021-07-02`, `2021-07-02T10:30:00.5` (UTC unless it says otherwise) or a number of nanoseconds.

    Raises:
        UsageError: it is none of these.
    """
    if text is None:
        return None
    if text.isdigit() and int(text) >= MIN_EPOCH_NS:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a time such as 2021-07-02T10:30:00 (UTC) or nanoseconds since 1970, found {text!r}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def show_time(ns: int) -> str:
    """A moment as ISO 8601 UTC with milliseconds."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 1_000_000_000 // 1_000_000:03d}Z"
