"""How numbers, times and enum words are written for people."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from slackwater.research.page import Cell

MISSING = "–"
NS_PER_SEC = 1_000_000_000
REASONS = {
    "would_cross": "would have crossed the book",
    "post_only": "would have crossed, too often",
    "too_small": "too small a rest to send again",
    "amend_cross": "its amend would have crossed",
    "amend_filled": "its amend asked for no more than was filled",
    "reduce_only": "more than the position",
    "off_tick": "price off the tick",
    "below_min_qty": "below the least quantity",
    "below_min_notional": "below the least notional",
    "no_liquidity": "nothing left within its limit",
    "no_book": "no book yet",
    "too_many": "too many orders at the venue",
    "end_of_tape": "the tape ended",
    "reap_age": "too old",
    "reap_signal": "its signal was gone",
    "reap_chase": "the ask had fallen too far",
    "reap_flat": "the position was closed",
    "reap_close": "a close needed the book",
    "reap_inverse": "a deep position was being unwound",
    "self_trade": "would have met our own order",
    "step": "price or position had moved",
    "maker_timeout": "rested long enough as maker",
    "upgraded": "a forced exit took over",
    "clearing": "made room for a close",
}


def moment(ts_ns: int, has_millis: bool = True) -> str:
    """`2021-07-02 10:30:00.125`, UTC."""
    text = f"{datetime.fromtimestamp(ts_ns // NS_PER_SEC, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{ts_ns % NS_PER_SEC // 1_000_000:03d}" if has_millis else text


def duration(ns: int) -> str:
    """`3 d 4 h`, `2 h 5 min`, `4 min 10 s` or `8.3 s`."""
    sec = ns / NS_PER_SEC
    if sec < 60:
        return f"{sec:.1f} s"
    whole = round(sec)
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def is_number(value: Any) -> bool:
    """Whether there is a finite number to write."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def usd(value: Any, sign: bool = True) -> str:
    """Money with the cents that matter: four decimals below 100, two above."""
    if not is_number(value):
        return MISSING
    if value == 0:
        return "0"
    digits = 4 if abs(value) < 100 else 2
    return _minus(f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}")


def bps(value: Any) -> str:
    """Basis points with a sign."""
    return _minus(f"{value:+,.2f}") if is_number(value) else MISSING


def share(value: Any) -> str:
    """A fraction as per cent; what is not nothing never reads as nothing, nor what is not all as all."""
    if not is_number(value):
        return MISSING
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{value:.0%}" if value in (0, 1) else f"{value:.1%}"


def plain(value: Any) -> str:
    """A price or a quantity with the digits it has, up to ten."""
    return _minus(f"{value:,.10g}") if is_number(value) else MISSING


def count(value: Any) -> str:
    """A whole number."""
    return f"{int(value):,}" if is_number(value) else MISSING


def spoken(name: str) -> str:
    """An enum's word as people say it: `trade_through` is `trade through`."""
    return name.replace("_", " ")


def plural(number: int, word: str) -> str:
    """`1 close`, `8 closes`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def seconds(value: Any) -> str:
    """A length of time in seconds, as precise as it matters."""
    if not is_number(value):
        return MISSING
    return f"{value * 1e3:.0f} ms" if value < 1 else duration(round(value * NS_PER_SEC))


def reason(word: str) -> str:
    """Why an order was refused or taken back, in words."""
    return REASONS.get(word, spoken(word))


def signed(value: Any, text: str) -> str | Cell:
    """The text in the colour of its sign."""
    if not is_number(value) or value == 0:
        return text
    return Cell(text, "gain" if value > 0 else "loss")


def _minus(text: str) -> str:
    # A real minus is as wide as a plus, so columns of signs line up; nothing is not negative.
    zero = text.lstrip("+-").replace("0", "").replace(".", "").replace(",", "") == ""
    return (text.lstrip("+-") if zero else text).replace("-", "\N{MINUS SIGN}")
