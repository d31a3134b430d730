"""Units of time, and the value that means never."""

from __future__ import annotations

US = 1_000
MS = 1_000_000
SEC = 1_000_000_000
MINUTE = 60 * SEC
HOUR = 3600 * SEC
DAY = 24 * HOUR
NEVER_NS = 9_223_372_036_854_775_807  # later than any event
BPS = 1e4  # one whole in basis points
