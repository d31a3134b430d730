"""Tardis files: quotes or book_ticker and trades as they are downloaded, of one symbol or of several in one file."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.imports import FormatRequest, open_format
from slackwater.errors import DataError, UsageError

T_US = 1_700_000_000_000_000
QUOTE_HEAD = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
TRADE_HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
QUOTES = [
    f"binance-futures,AUSDT,{T_US},{T_US + 5},2.5,100.1,99.9,1.5",
    f"binance-futures,BUSDT,{T_US},{T_US + 6},9,9,8,9",
    f"binance-futures,AUSDT,{T_US + 1},{T_US + 7},,,99.9,1",
]
TRADES = [
    f"binance-futures,AUSDT,{T_US},{T_US + 5},17,buy,100.1,0.5",
    f"binance-futures,AUSDT,{T_US},{T_US + 6},18,sell,99.9,1",
    f"binance-futures,AUSDT,{T_US},{T_US + 7},19,unknown,99.9,1",
]


def imported(folder: Path, quotes: list[str], trades: list[str], symbol: str = "AUSDT") -> dict[str, Any]:
    paths = []
    for name, head, lines in (("quotes", QUOTE_HEAD, quotes), ("trades", TRADE_HEAD, trades)):
        paths.append(folder / f"{name}.csv.gz")
        paths[-1].write_bytes(gzip.compress("\n".join([head, *lines, ""]).encode()))
    base = ImportRequest("tardis", "", Path(), Path(), folder / "tape")
    completed, sources = open_format(FormatRequest("tardis", base, (symbol,), *paths))
    return import_tape(completed, sources=sources)


def rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"tape/tardis/AUSDT/2023-11-14/{kind}.parquet").to_pylist()
    return found


def test_both_files_become_a_tape(tmp_path: Path) -> None:
    done = imported(tmp_path, QUOTES, TRADES)
    assert done["quarantined"] == {"no_side": 1, "other_symbol": 1}
    assert done["places"] == {"quotes.csv.gz": {"one_sided_book": [4], "other_symbol": []}, "trades.csv.gz": {"no_side": [4]}}
    book = {"bid_ticks": 999, "bid_lots": 15, "ask_ticks": 1001, "ask_lots": 25}
    assert rows(tmp_path, "quotes")[0] == {"ts_event": T_US * 1000, "ts_recv": (T_US + 5) * 1000, **book}
    assert rows(tmp_path, "quotes")[1]["ask_ticks"] == rows(tmp_path, "quotes")[1]["ask_lots"] == 0
    found = [(row["price_ticks"], row["lots"], row["buyer_maker"], row["trade_id"]) for row in rows(tmp_path, "trades")]
    assert found == [(1001, 5, False, 17), (999, 10, True, 18)], "side is the aggressor's"


def test_an_identifier_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    imported(tmp_path, QUOTES, [TRADES[0].replace(",17,", ",a1b2-c3,"), TRADES[1]])
    assert [row["trade_id"] for row in rows(tmp_path, "trades")] == [None, 18]


def test_bad_lines_are_counted(tmp_path: Path) -> None:
    done = imported(
        tmp_path, [*QUOTES, "binance-futures,AUSDT,1", QUOTES[0].replace("99.9", "99,9")], [TRADES[0], TRADES[1].replace("99.9", "x")]
    )
    assert done["quarantined"] == {"malformed_line": 2, "other_symbol": 1, "wrong_type": 1}
    assert done["places"]["quotes.csv.gz"]["malformed_line"] == [5, 6]
    assert done["places"]["trades.csv.gz"] == {"wrong_type": [3]}


def test_a_symbol_that_is_not_in_the_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tardis/CUSDT: expected rows for the tape, found none that make sense, only 6 other_symbol"):
        imported(tmp_path, QUOTES, TRADES, "CUSDT")


def test_other_columns_are_refused(tmp_path: Path) -> None:
    for name in ("q.csv", "t.csv"):
        (tmp_path / name).write_text("symbol,timestamp,price\nAUSDT,1,2\n")
    base = ImportRequest("tardis", "", Path(), Path(), tmp_path / "tape")
    with pytest.raises(
        DataError, match="expected quotes with the columns bid_price, bid_amount, ask_price, ask_amount, found symbol, timestamp, price$"
    ):
        open_format(FormatRequest("tardis", base, ("AUSDT",), tmp_path / "q.csv", tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"format": "xml"}, "--format: expected one of generic, tardis, hftbacktest, binance-raw, found 'xml'"),
        ({"format": "tardis", "quotes": Path("q")}, "expected --quotes FILE and --trades FILE, and no --input"),
        ({"format": "hftbacktest", "quotes": Path("q")}, "expected --input FILE, and neither"),
        ({"format": "binance-raw", "inputs": (Path("a"), Path("b"))}, "expected one --input, found 2"),
        ({"format": "hftbacktest", "inputs": (Path("a"),), "symbols": ()}, "--symbol: expected one"),
        ({"format": "hftbacktest", "inputs": (Path("a"),), "time_unit": "us"}, "expected with --format generic only"),
        ({"format": "generic", "quotes": Path("q"), "trades": Path("t"), "time_unit": "h"}, "expected one of ns, us, ms, s, found 'h'"),
    ],
)
def test_options_that_do_not_belong_together(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    base = ImportRequest("v", "", Path(), Path(), tmp_path)
    with pytest.raises(UsageError, match=text):
        open_format(FormatRequest(**{"base": base, "symbols": ("S",)} | options))
