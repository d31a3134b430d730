"""Spellings of symbols, and steps from exchangeInfo as the venue once served it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from slackwater.cli.app import main
from slackwater.data.cache import load_rows
from slackwater.data.catalog import list_tape
from slackwater.data.checks.verify import verify_tape
from slackwater.data.exchange_info import spec_from_exchange_info
from slackwater.data.layout import check_name
from slackwater.data.symbols import canonical_symbol
from slackwater.data.tape import open_tape
from slackwater.errors import DataError, UsageError
from tests.unit.data.tables import QUOTES, TRADES, quote_table, trade_table, write_inputs

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
        ("币安人生/USDT:USDT", "币安人生USDT"),
        ("Éa\u0301X-usdt", "ÉÁXUSDT"),
    ],
)
def test_spellings(text: str, expected: str) -> None:
    assert canonical_symbol(text) == expected
    assert canonical_symbol(expected) == expected


@pytest.mark.parametrize(("text", "words"), [("BTC/USD:BTC", "settles in BTC"), ("  ", "found nothing")])
def test_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        canonical_symbol(text)


@pytest.mark.parametrize("name", ["币安人生USDT", "ЖUSDT", "हिन्दीUSDT", "1000PEPEUSDT", "_x", "A.b:c+d-e_1", "é" * 50])
def test_letters_and_digits_of_any_script_are_a_name(name: str) -> None:
    assert check_name("--symbol", name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".A",
        "-A",
        "A/B",
        "A\\B",
        "A B",
        "A\nB",
        "A\0",
        "A\u202eB",
        "A\u200bB",
        "e\u0301",
        "\u0301A",
        "A🚀",
        "é" * 51,
        "A" * 101,
    ],
)
def test_what_a_folder_should_not_be_called(name: str) -> None:
    with pytest.raises(UsageError, match="--symbol: expected letters and digits of any script"):
        check_name("--symbol", name)


def test_a_symbol_of_another_script_is_imported_listed_and_read(tmp_path: Path) -> None:
    words = ["data", "import", "--venue", "binance", "--symbol", "币安人生/USDT", "--to", str(tmp_path / "tape")]
    quotes, trades = write_inputs(tmp_path, quote_table(QUOTES), trade_table(TRADES))
    assert main([*words, "--quotes", str(quotes), "--trades", str(trades)]) == 0
    assert [entry["symbol"] for entry in list_tape(tmp_path / "tape")["symbols"]] == ["币安人生USDT"]
    assert verify_tape(tmp_path / "tape", ["币安人生USDT"])["ok"]
    assert len(load_rows(open_tape(tmp_path / "tape", ["binance/币安人生USDT"]).symbols[0], 0).rows) == 6


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
