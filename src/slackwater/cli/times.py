"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slackwater.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST_NS = 2**63 - 1
MIN_EPOCH_NS = 10**17  # shorter numbers are not nanoseconds since the epoch (1973)


def parse_time(name: str, text: str | None) -> int | None:
    """Nanoseconds UTC of `2021-07-02`, `2021-07-02T10:30:00.5` (UTC unless it says otherwise) or a number of nanoseconds.

    Raises:
        UsageError: it is none of these, or outside what nanoseconds in 64 bits reach (1677 to 2262).
    """
    if text is None:
        return None
    if text.isdigit() and int(text) >= MIN_EPOCH_NS:
        return _within(name, text, int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a time such as 2021-07-02T10:30:00 (UTC) or nanoseconds since 1970, found {text!r}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _within(name, text, (moment - EPOCH) // timedelta(microseconds=1) * 1_000)


def _within(name: str, text: str, ns: int) -> int:
    if -FARTHEST_NS <= ns <= FARTHEST_NS:
        return ns
    raise UsageError(f"{name}: expected a moment from 1678 to 2261, found {text!r}")


def show_time(ns: int) -> str:
    """A moment as ISO 8601 UTC with milliseconds."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 1_000_000_000 // 1_000_000:03d}Z"
