"""The one spelling of a symbol that tapes use, from the spellings people and libraries use."""

from __future__ import annotations

import re
import unicodedata

from slackwater.errors import UsageError

QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USD1", "USD", "BTC", "ETH", "BNB", "EUR")
PAIR_PATTERN = re.compile(r"([^\W_]+)([/-])([^\W_]+)(?::([^\W_]+))?")


def canonical_symbol(text: str) -> str:
    """`BTCUSDT` from `BTCUSDT`, `BTC/USDT`, `BTC/USDT:USDT` and `BTC-USDT`; a name that is no pair stays as it is.

    A dash joins a pair only before a known quote currency, so `kPEPE` and `SYN-A` keep their names. Letters are composed (NFC).

    Raises:
        UsageError: the name is empty, or the contract settles in another currency than it is quoted in (an inverse one).
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise UsageError("--symbol: expected a name such as BTCUSDT, found nothing")
    found = PAIR_PATTERN.fullmatch(name)
    if found is None:
        return name
    base, mark, quote, settle = found.groups()
    if mark == "-" and (quote.upper() not in QUOTES or settle):
        return name
    if settle and settle.upper() != quote.upper():
        raise UsageError(f"--symbol: expected a linear contract such as BTC/USDT:USDT, found {name}, which settles in {settle.upper()}")
    return unicodedata.normalize("NFC", (base + quote).upper())
