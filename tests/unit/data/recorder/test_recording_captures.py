"""Streams captured from the venue, played by the local one and recorded."""

from __future__ import annotations

import asyncio
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from slackwater.data.formats.importer import ImportRequest
from slackwater.data.formats.imports import FormatRequest, import_raw
from slackwater.data.recorder.sockets import SocketTiming
from tests.unit.data.recorder.recording import rows, run
from tests.unit.data.recorder.venue_server import MARKET, PUBLIC, Venue, serving

CAPTURES = Path(__file__).parents[4].parent / "shared" / "messages" / "wire_captures"


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures of real streams are not on this machine")
def test_captured_streams_are_played_and_kept(tmp_path: Path):
    files = [CAPTURES / f"binance_usdm_2021_alts__{kind}.jsonl" for kind in ("bookTicker", "aggTrade", "kline")]
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    lines.sort(key=lambda line: float(line["recv"]))
    names = tuple(sorted({line["msg"]["data"]["s"] for line in lines}))
    listing = CAPTURES / "binance_usdm_2021__rest_exchangeInfo.json"

    async def scenario(venue: Venue) -> None:
        for line in lines:
            await venue.send(line["msg"]["stream"], json.dumps(line["msg"]))
        await asyncio.sleep(0.5)

    with serving(scenario, names) as venue:
        done, _ = run(venue, tmp_path, symbols=names, exchange_info=str(listing), sockets=SocketTiming(silent_s=30.0))
    sent = [line["msg"]["data"] for line in lines]
    assert done["messages"] == len(lines) + sum(socket["connects"] for socket in done["sockets"].values())
    assert done["odd"] == {}
    specs = {entry["symbol"]: entry for entry in json.loads(listing.read_text())["symbols"]}
    for name in names:
        tick = float(next(item["tickSize"] for item in specs[name]["filters"] if item["filterType"] == "PRICE_FILTER"))
        books = [data for data in sent if data["e"] == "bookTicker" and data["s"] == name]
        found = rows(tmp_path, "quotes", name) if books else []
        assert [(row["ts_event"], row["bid_ticks"]) for row in found] == [
            (data["T"] * 1_000_000, round(float(data["b"]) / tick)) for data in books
        ]
        trades = [data for data in sent if data["e"] == "aggTrade" and data["s"] == name]
        assert [row["trade_id"] for row in (rows(tmp_path, "trades", name) if trades else [])] == [data["a"] for data in trades]


FINE_FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.00001"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]
RAW = Path(__file__).parents[4].parent / "shared" / "data" / "raw_wire"


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw logs of real streams are not on this machine")
@pytest.mark.parametrize("name", ["binance_usdm_alts_20210722.ws.txt", "binance_usdm_btcusdt_20230405.jsonl.gz"])
def test_a_raw_log_played_is_the_tape_that_its_import_makes(tmp_path: Path, name: str):
    done = import_raw(FormatRequest("binance-raw", ImportRequest("raw", "", Path(), Path(), tmp_path / "import"), inputs=(RAW / name,)))
    imported = {entry["symbol"]: entry for entry in done["symbols"]}
    with (gzip.open if name.endswith(".gz") else open)(RAW / name, "rb") as file:
        texts = [line[line.index(b"{") :].decode() for line in file if b"{" in line]

    async def scenario(venue: Venue) -> None:
        for text in texts:
            # Depth and single trades come where nobody asked for them.
            await venue.send_to(PUBLIC if '"bookTicker"' in text else MARKET, text)
        await asyncio.sleep(0.5)

    names = tuple(imported)
    with serving(scenario, names, filters=FINE_FILTERS) as venue:
        recorded, _ = run(venue, tmp_path / "live", symbols=names, sockets=SocketTiming(silent_s=60.0))
    used = {kind: sum(f'"e":"{kind}"' in text for text in texts) for kind in ("depthUpdate", "trade")}
    assert recorded["odd"] == {f"unused_{kind}": count for kind, count in used.items() if count}
    for symbol in names:
        tick = Decimal(imported[symbol]["instrument"]["tick_size"]) / Decimal("0.00001")
        theirs = pq.read_table(next((tmp_path / "import" / "raw" / symbol).glob("*/quotes.parquet")))
        ours = pq.read_table(next((tmp_path / "live" / "binance-um" / symbol).glob("*/quotes.parquet")))
        assert ours["ts_event"] == theirs["ts_event"] and ours["bid_lots"].length() == theirs.num_rows
        assert ours["ask_ticks"].to_pylist() == [int(ticks * tick) for ticks in theirs["ask_ticks"].to_pylist()]
        if "aggTrade" in done["log"]["messages"]:
            path = next((tmp_path / "import" / "raw" / symbol).glob("*/trades.parquet"), None)
            expected = pq.read_table(path)["trade_id"].to_pylist() if path else []
            assert [row["trade_id"] for row in rows(tmp_path / "live", "trades", symbol)] == expected
