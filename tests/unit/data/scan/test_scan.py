"""Ranking symbols: figures of a tape against slow sums, parts and score, the scanner's limits, snapshots of tickers."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.cli.data_tables import PIPE_WIDTH
from slackwater.config import Config
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.scan import tape as tape_module
from slackwater.data.scan.ranking import Candidate, ranking, saturating
from slackwater.data.scan.tape import measure, scan_tape
from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.data.tape import open_tape
from tests.unit.data.tables import make_tape

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"
OPEN = Config.model_validate({"scanner": {"min_change_pct": -100, "min_quote_volume": 0}})


def measured(tape: Path, name: str = "AAAUSDT", config: Config = OPEN) -> dict[str, Any]:
    return measure(open_tape(tape, [name]).symbols[0], config)


def test_figures_are_weighed_by_time_and_silence_counts_for_nothing(tmp_path: Path) -> None:
    quotes = [
        (0.0, 99.95, 1.0, 100.05, 3.0),  # 10 bps for 10 s
        (10.0, 99.99, 2.0, 100.01, 1.0),  # 2 bps for 30 s
        (40.0, 99.75, 4.0, 100.25, 2.0),  # 50 bps for 20 s
        (60.0, 99.95, 1.0, 100.05, 1.0),  # 10 bps, then ten minutes of silence, of which one counts
        (660.0, 102.0, 1.0, 102.0, 1.0),
    ]
    trades = [(5.0, 100.05, 2.0, False), (45.0, 99.75, 4.0, True)]
    make_tape(tmp_path, quotes, trades, tick="0.01", lot="0.5")
    found = measured(tmp_path / "tape")
    assert found["hours"] == pytest.approx(120 / 3600)
    assert found["spread_share"] == pytest.approx((10 + 60) / 120)
    bid = (99.95 * 10 + 99.99 * 2 * 30 + 99.75 * 4 * 20 + 99.95 * 60) / 120
    ask = (100.05 * 3 * 10 + 100.01 * 30 + 100.25 * 2 * 20 + 100.05 * 60) / 120
    assert (found["bid_depth_usd"], found["ask_depth_usd"]) == (pytest.approx(bid), pytest.approx(ask))
    assert found["depth_usd"] == pytest.approx(min(bid, ask))
    assert found["usd_per_hour"] == pytest.approx((100.05 * 2 + 99.75 * 4) * 30)
    assert found["trades_per_min"] == pytest.approx(1.0)
    assert found["change_pct"] == pytest.approx(2.0)
    assert found["pumps_per_hour"] == 0.0


def test_the_rise_is_that_of_the_last_day(tmp_path: Path) -> None:
    quotes = [(hour * 3600.0, 50.0 + hour, 1.0, 50.0 + hour, 1.0) for hour in range(31)]
    make_tape(tmp_path, quotes, [(1.0, 50.0, 1.0, True)], tick="0.01", lot="0.5")
    assert measured(tmp_path / "tape")["change_pct"] == pytest.approx((80 / 56 - 1) * 100)


@pytest.fixture(scope="module")
def pumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    synthesise(SynthRequest(folder, ("SYNA", "SYNB"), None, 0.3, 1, "pumps"))
    return folder


@pytest.mark.parametrize("chunk_rows", [1000, 65_536])
def test_pumps_are_moments_when_both_scores_come_above_their_thresholds(
    pumps: Path, tmp_path: Path, chunk_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the rows of `slackwater signals`, counted one by one."""
    monkeypatch.setattr(tape_module, "CHUNK_ROWS", chunk_rows)
    assert main(["signals", "--data", str(pumps), "--symbol", "SYNA", "--out", str(tmp_path / "s.parquet")]) == 0
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    count, before = 0, False
    for row in rows:
        now = row["warm"] and row["pump_score"] > 2.0 and row["exhaust_score"] > 1.0
        count += now and not before
        before = now
    lasted = [min(after["ts_recv"] - row["ts_recv"], 60_000_000_000) for row, after in zip(rows, rows[1:], strict=False)]
    in_band = sum(ns for ns, row in zip(lasted, rows, strict=False) if 7.0 <= row["spread_bps"] <= 40.0)
    found = measured(pumps, "SYNA")
    hours = sum(lasted) / 3.6e12
    assert count > 10
    assert found["books"] == len(rows)
    assert found["pumps_per_hour"] == pytest.approx(count / hours)
    assert found["spread_share"] == pytest.approx(in_band / sum(lasted))
    trades = np.concatenate([pq.read_table(path)["lots"].to_numpy() for path in sorted(pumps.glob("synth/SYNA/*/trades.parquet"))])
    assert found["trades_per_min"] == pytest.approx(len(trades) / hours / 60)


def test_thresholds_and_band_are_the_configuration_s(pumps: Path) -> None:
    narrow = Config.model_validate({"signals": {"pump_threshold": 2.5, "min_spread_bps": 12.0}})
    usual, strict = measured(pumps, "SYNA"), measured(pumps, "SYNA", narrow)
    assert 0 < strict["pumps_per_hour"] < usual["pumps_per_hour"]
    assert strict["spread_share"] < usual["spread_share"]


def test_the_score_is_a_hundred_times_the_product_of_its_parts(pumps: Path) -> None:
    config = Config.model_validate({"scanner": {"min_change_pct": -100, "min_quote_volume": 24_000_000}})
    found = scan_tape(pumps, config)
    entries = found["ranked"] + found["refused"]
    assert {entry["name"] for entry in entries} == {"synth/SYNA", "synth/SYNB"}
    for entry in entries:
        parts = entry["parts"]
        assert parts == {
            "spread": entry["spread_share"],
            "pumps": entry["pumps_per_hour"] / (entry["pumps_per_hour"] + 60),
            "depth": entry["depth_usd"] / (entry["depth_usd"] + 80.0),
            "volume": entry["usd_per_hour"] / (entry["usd_per_hour"] + 1e6),
            "trades": entry["trades_per_min"] / (entry["trades_per_min"] + 30),
        }
        product = parts["spread"] * parts["pumps"] * parts["depth"] * parts["volume"] * parts["trades"]
        assert entry["score"] == pytest.approx(100 * product)
    assert (saturating(None, 1.0), saturating(-5.0, 1.0), saturating(0.0, 0.0), saturating(3.0, 3.0)) == (0.0, 0.0, 0.0, 0.5)


@pytest.mark.parametrize(
    ("scanner", "why"),
    [
        ({"blacklist": ("SYNA",)}, "on scanner.blacklist"),
        ({"symbols": ("SYNB",)}, "not among scanner.symbols"),
        ({"min_change_pct": 50}, "below scanner.min_change_pct 50"),
        ({"min_quote_volume": 1e12}, "below scanner.min_quote_volume 1,000,000,000,000"),
    ],
)
def test_the_scanner_s_limits_leave_symbols_out_and_say_why(pumps: Path, scanner: dict[str, Any], why: str) -> None:
    config = Config.model_validate({"scanner": {"min_change_pct": -100, "min_quote_volume": 0} | scanner})
    refused = {entry["name"]: entry["refused"] for entry in scan_tape(pumps, config)["refused"]}
    assert any(why in sentence for sentence in refused["synth/SYNA"])


def test_only_the_best_are_named() -> None:
    candidates = [Candidate(name, name, {}, {"spread": share}) for name, share in (("A", 0.1), ("B", 0.3), ("C", 0.3), ("D", 0.2))]
    found = ranking(candidates, 3)
    assert ([entry["name"] for entry in found["ranked"]], found["more"]) == (["B", "C", "D"], 1)


def test_the_command_speaks_text_and_json_and_exit_codes(pumps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("scanner: {min_change_pct: -100, min_quote_volume: 1000, top_n: 1}\n")
    assert main(["data", "scan", "--data", str(pumps), "--config", str(config), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (len(found["ranked"]), found["more"], found["kind"]) == (1, 1, "tape")
    assert main(["data", "scan", "--data", str(pumps), "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert found["ranked"][0]["name"] in out
    assert "1 more are taken" in out
    assert max(map(len, out.splitlines())) <= PIPE_WIDTH
    assert main(["data", "scan", "--data", str(tmp_path / "none")]) == 4
    assert main(["data", "scan"]) == 2
    assert main(["data", "scan", "--data", str(pumps), "--tickers", "x.json"]) == 2
    assert main(["data", "scan", "--data", str(pumps), "--top", "0"]) == 2


DAMAGES: dict[str, Callable[[Path], object]] = {
    "quotes": lambda folder: next(folder.glob("2*/quotes.parquet")).write_bytes(b"PAR1 and nothing"),
    "instrument": lambda folder: (folder / "instrument.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_symbol_is_skipped_and_said_and_the_others_are_ranked(
    pumps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    tape = tmp_path / "tape"
    shutil.copytree(pumps, tape)
    first, *others = sorted(path for path in tape.glob("*/*") if path.is_dir())
    DAMAGES[damage](first)
    config = tmp_path / "c.yaml"
    config.write_text("scanner: {min_change_pct: -100, min_quote_volume: 1000}\n")
    assert main(["data", "scan", "--data", str(tape), "--config", str(config), "--json"]) == 4
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert [entry["name"] for entry in found["skipped"]] == [f"synth/{first.name}"]
    assert f"synth/{first.name}: skipped: {first}" in shown.err
    assert {entry["name"] for entry in found["ranked"]} == {f"synth/{path.name}" for path in others}
    for path in others:
        DAMAGES[damage](path)
    assert main(["data", "scan", "--data", str(tape), "--config", str(config), "--json"]) == 4
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("skipped")) == ("", 1 + len(others))


def ticker(symbol: str, change: Any, volume: Any, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "priceChangePercent": change, "quoteVolume": volume, "lastPrice": "1.1"} | more


TICKERS: list[Any] = [
    ticker("AUSDT", "20.0", "48000000.0", highPrice="1.2", lowPrice="1.0", count=43_200),
    ticker("BUSDT", "5.0", "480000000.0", highPrice="1.2", lowPrice="1.0", count=432_000),
    ticker("SLOWUSDT", "1.0", "48000000"),
    ticker("THINUSDT", "30.0", "1000"),
    ticker("XAUUSDT", "30.0", "48000000"),
    ticker("ETHBTC", "30.0", "48000000"),
    ticker("AUSDT", "1.0", "1"),
    ticker("NANUSDT", "nan", "1"),
    ticker("", "1", "1"),
    ticker("NOVOLUSDT", "1", None),
    "not a ticker",
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_a_snapshot_is_ranked_by_what_it_has_from_a_file_or_a_url(tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(TICKERS))
    assert main(["data", "scan", "--tickers", str(path), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [entry["name"] for entry in found["ranked"]] == ["AUSDT", "BUSDT"]
    first = found["ranked"][0]
    assert first["parts"] == {"rise": 20 / 30, "range": pytest.approx(20 / 30), "volume": 2e6 / (2e6 + 5e6 / 24), "trades": 0.5}
    assert found["unknown"] == ["spread_share", "pumps_per_hour", "depth_usd"]
    refused = {entry["name"]: " ".join(entry["refused"]) for entry in found["refused"]}
    for name, why in {"SLOWUSDT": "min_change_pct", "THINUSDT": "turnover", "XAUUSDT": "blacklist", "ETHBTC": "quoted in none"}.items():
        assert why in refused[name]
    assert found["quarantined"] == {"symbol_twice": 1, "no_change": 1, "no_symbol": 1, "no_volume": 1, "no_object": 1}
    assert found["places"]["no_object"] == ["entry 11"]
    assert "1 entries passed over: no_object, first entry 11" in printed.err
    assert main(["data", "scan", "--tickers", f"{server}/t.json", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["ranked"], again["refused"]) == (found["ranked"], found["refused"])
    assert main(["data", "scan", "--tickers", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Not known from a snapshot: spreads, pumps, depth." in out
    assert max(map(len, out.splitlines())) <= PIPE_WIDTH


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"code": -1003, "msg": "Too many requests"}'])
def test_what_is_no_snapshot_ends_with_4(tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.json"
    if content is not None:
        path.write_text(content)
    assert main(["data", "scan", "--tickers", str(path)]) == 4
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not DATA.is_dir(), reason="no real market data beside the project")
def test_the_tape_that_trades_ranks_above_the_tight_one(tmp_path: Path) -> None:
    for stem in ("binance_usdm_20240718__BTCUSDT", "gemini_spot_20210702__ETHUSD"):
        quotes, trades = (DATA / f"{stem}__{kind}.parquet" for kind in ("quotes", "trades"))
        import_tape(ImportRequest("v", stem.partition("__")[2], quotes, trades, tmp_path / "tape"))
    best, other = scan_tape(tmp_path / "tape", OPEN)["ranked"]
    assert best["name"] == "v/ETHUSD"
    assert best["spread_share"] > 0.1 > 0.001 > other["spread_share"]
