"""Spellings of symbols, and steps from exchangeInfo as the venue once served it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from slackwater.data.exchange_info import spec_from_exchange_info
from slackwater.data.symbols import canonical_symbol
from slackwater.errors import DataError, UsageError

CAPTURE = Path(__file__).parents[4] / "shared/messages/wire_captures/binance_usdm_2021__rest_exchangeInfo.json"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BTCUSDT", "BTCUSDT"),
        (" BTC/USDT:USDT ", "BTCUSDT"),
        ("BTC/USDT", "BTCUSDT"),
        ("btc-usdt", "BTCUSDT"),
        ("1000PEPE/USDT:USDT", "1000PEPEUSDT"),
        ("BTCUSDT_240628", "BTCUSDT_240628"),
        ("kPEPE", "kPEPE"),
        ("SYN-A", "SYN-A"),
    ],
)
def test_spellings(text: str, expected: str) -> None:
    assert canonical_symbol(text) == expected
    assert canonical_symbol(expected) == expected


@pytest.mark.parametrize(("text", "words"), [("BTC/USD:BTC", "settles in BTC"), ("  ", "found nothing")])
def test_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        canonical_symbol(text)


@pytest.mark.skipif(not CAPTURE.exists(), reason="no shared folder beside the repository")
def test_the_venue_s_own_answer() -> None:
    content = CAPTURE.read_bytes()
    spec = spec_from_exchange_info("capture", content, "ETHUSDT")
    assert (spec.tick_size, spec.lot_size, spec.min_qty) == (Decimal("0.01"), Decimal("0.001"), Decimal("0.001"))
    assert spec.min_notional == 5
    with pytest.raises(DataError, match="expected the symbol NOSUCH"):
        spec_from_exchange_info("capture", content, "NOSUCH")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "expected exchangeInfo as JSON"),
        (b"[]", "with a list of symbols"),
        (b'{"symbols":[{"symbol":"A","filters":[]}]}', "expected tickSize in the filter PRICE_FILTER"),
        (b'{"symbols":[{"symbol":"A","filters":[{"filterType":"PRICE_FILTER","tickSize":"0"}]}]}', "tickSize: expected a positive decimal"),
    ],
)
def test_what_is_no_exchange_info(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        spec_from_exchange_info("info.json", content, "A")
