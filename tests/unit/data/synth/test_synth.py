"""Synthetic markets: one seed is one tape, the book and trades agree, and the profiles are what they claim."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.cache import load_rows
from slackwater.data.checks.verify import verify_tape
from slackwater.data.synth.market import CANDLE_COLUMNS
from slackwater.data.synth.synth import DEFAULT_START_NS, SynthRequest, group_candles, synthesise
from slackwater.data.tape import open_tape
from slackwater.errors import SlackwaterError, UsageError
from slackwater.schema.events import RowKind
from slackwater.schema.units import HOUR, MINUTE
from tests.unit.data.tables import QUOTES, TRADES, make_tape

DAY = "synth/SYNA/2025-01-06"


def test_a_seed_is_a_tape(tmp_path: Path) -> None:
    request = SynthRequest(tmp_path / "a", ("SYNA", "SYNB"), events=5000)
    synthesise(request)
    synthesise(replace(request, to=tmp_path / "b", symbols=("SYNB", "SYNA")))
    synthesise(replace(request, to=tmp_path / "c", seed=2))
    hashes = {name: open_tape(tmp_path / name, ["SYNA"]).symbols[0].sha256 for name in "abc"}
    assert hashes["a"] == hashes["b"], "whoever is made beside it"
    assert hashes["a"] != hashes["c"]
    rows = [load_rows(open_tape(tmp_path / "a", [name]).symbols[0], 0).rows["ts_event"] for name in ("SYNA", "SYNB")]
    assert not np.array_equal(rows[0][-100:], rows[1][-100:]), "symbols differ"


def test_a_symbol_made_again_has_no_day_of_the_earlier_one(tmp_path: Path) -> None:
    synthesise(SynthRequest(tmp_path / "a", hours=25.0, profile="pumps"))
    synthesise(SynthRequest(tmp_path / "a", ("SYNB",), events=300))
    beside = open_tape(tmp_path / "a", ["SYNB"]).symbols[0].sha256
    assert "2025-01-07" in open_tape(tmp_path / "a", ["SYNA"]).symbols[0].dates
    for name in "ab":
        synthesise(SynthRequest(tmp_path / name, events=300, seed=2, history_days=1))
    again, fresh = (open_tape(tmp_path / name, ["SYNA"]).symbols[0] for name in "ab")
    assert again.dates == fresh.dates == ("2025-01-05", "2025-01-06")
    assert again.sha256 == fresh.sha256
    assert open_tape(tmp_path / "a", ["SYNB"]).symbols[0].sha256 == beside, "other symbols stay"
    assert sorted(path.name for path in (tmp_path / "a/synth/SYNA").iterdir()) == [*fresh.dates, "instrument.json"]


@pytest.mark.parametrize("seed", range(1, 6))
def test_as_many_events_as_were_asked_for(tmp_path: Path, seed: int) -> None:
    for events in (10, 11):
        done = synthesise(SynthRequest(tmp_path, events=events, hours=1.0, seed=seed, history_days=1))["symbols"][0]
        assert done["rows"]["quotes.parquet"] + done["rows"]["trades.parquet"] == events


def test_days_that_were_not_generated_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tape(tmp_path, QUOTES, TRADES, venue="synth", symbol="SYNA")
    before = open_tape(tmp_path / "tape").tape_sha256
    words = ["data", "synth", "--to", str(tmp_path / "tape"), "--symbols", "SYNB,SYNA", "--events", "100"]
    assert main(words) == UsageError.exit_code
    assert "expected generated days only, which are replaced, found 2023-11-14 of quotes, trades" in capsys.readouterr().err
    assert open_tape(tmp_path / "tape").tape_sha256 == before, "nor is a symbol before it made"


def test_a_disk_that_refuses_leaves_the_earlier_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesise(SynthRequest(tmp_path, events=300, history_days=2))
    before = open_tape(tmp_path).tape_sha256

    def refuse(fresh: Path, present: Path) -> None:
        raise OSError(5, "no")

    monkeypatch.setattr("slackwater.data.placing.swap_folders", refuse)
    with pytest.raises(SlackwaterError, match="no"):
        synthesise(SynthRequest(tmp_path, events=300, seed=2, history_days=1))
    assert open_tape(tmp_path).tape_sha256 == before


@pytest.mark.parametrize("profile", ["calm", "alt", "pumps"])
def test_trades_take_from_the_book_that_was_shown(tmp_path: Path, profile: str) -> None:
    synthesise(SynthRequest(tmp_path, events=30_000, profile=profile))
    assert verify_tape(tmp_path)["symbols"][0]["damage"] == []
    rows = load_rows(open_tape(tmp_path).symbols[0], 0).rows
    rows = rows[(rows["kind"] == RowKind.BOOK) | (rows["kind"] == RowKind.TRADE)]
    books = np.flatnonzero(rows["kind"] == RowKind.BOOK)
    trades = np.flatnonzero(rows["kind"] == RowKind.TRADE)
    trades = trades[trades > books[0]]
    first = trades[rows["kind"][trades - 1] == RowKind.BOOK]  # the first trade after each book
    book, trade = rows[first - 1], rows[first]
    sells = trade["buyer_maker"]
    assert (trade["price_ticks"] == np.where(sells, book["price_ticks"], book["ask_ticks"])).all()
    assert (trade["lots"] <= np.where(sells, book["lots"], book["ask_lots"])).all()
    assert (rows["ask_ticks"][books] > rows["price_ticks"][books]).all()
    after = rows[first + 1]
    single = (after["kind"] == RowKind.BOOK) & ~sells & (trade["lots"] < book["ask_lots"])
    assert (after["ask_lots"][single] == (book["ask_lots"] - trade["lots"])[single]).all()
    assert 0.35 < sells.mean() < 0.65, "both sides trade"


def test_profiles_are_what_they_claim(tmp_path: Path) -> None:
    spreads, rates = {}, {}
    for profile in ("calm", "alt", "pumps"):
        synthesise(SynthRequest(tmp_path / profile, events=200_000, profile=profile))
        table = pq.read_table(tmp_path / profile / DAY / "quotes.parquet")
        bid, ask, times = (table[name].to_numpy() for name in ("bid_ticks", "ask_ticks", "ts_event"))
        spreads[profile] = (ask - bid) / (ask + bid) * 2e4
        rates[profile] = 200_000 / ((times[-1] - times[0]) / 1e9)
    assert np.quantile(spreads["calm"], 0.999) < 7.0
    assert 1.0 <= np.median(spreads["calm"]) <= 3.0
    assert 70.0 < rates["calm"] < 140.0
    assert (spreads["pumps"] >= 7.0).mean() > 0.5
    assert np.quantile(spreads["pumps"], 0.99) < 40.0
    assert np.std(spreads["pumps"]) > 1.0, "there are regimes"
    assert np.quantile(spreads["alt"], [0.1, 0.5, 0.9]) == pytest.approx([1.9, 4.6, 8.3], abs=1.0), "as on a real day"
    assert 45.0 < rates["alt"] < 75.0


def test_pumps_rise_and_most_of_them_revert(tmp_path: Path) -> None:
    synthesise(SynthRequest(tmp_path, hours=6.0))
    table = pq.read_table(tmp_path / DAY / "quotes.parquet")
    times = table["ts_event"].to_numpy()
    mid = (table["bid_ticks"].to_numpy() + table["ask_ticks"].to_numpy()) / 2.0
    grid = np.arange(times[0], times[-1] - MINUTE, 1_000_000_000)
    at = mid[np.searchsorted(times, grid)]
    rise = (at[8:] / at[:-8] - 1.0) * 1e4
    tops = np.flatnonzero((rise[:-60] > 14.0) & (at[8:-60] >= np.array([at[k : k + 69].max() for k in range(len(at) - 68)])))
    later = np.array([at[k + 48] / at[k + 8] - 1.0 for k in tops]) * 1e4
    assert len(tops) > 60
    assert (later < -7.0).mean() > 0.6


def test_hours_and_events_whichever_is_first(tmp_path: Path) -> None:
    shares: list[float] = []
    done = synthesise(SynthRequest(tmp_path / "a", hours=0.25, events=10**9), shares.append)["symbols"][0]
    assert DEFAULT_START_NS < done["first_ns"] < done["last_ns"] < DEFAULT_START_NS + HOUR // 4
    assert sum(shares) == pytest.approx(1.0)
    few = synthesise(SynthRequest(tmp_path / "b", events=1000))["symbols"][0]
    assert 1000 <= few["rows"]["quotes.parquet"] + few["rows"]["trades.parquet"] < 1010


def test_candles_lead_up_to_the_tape_and_follow_its_mids(tmp_path: Path) -> None:
    synthesise(SynthRequest(tmp_path, hours=1.0))
    files = sorted((tmp_path / "synth/SYNA").glob("*/klines_1m.parquet"))
    ends = np.concatenate([pq.read_table(path)["ts_close"].to_numpy() for path in files])
    closes = np.concatenate([pq.read_table(path)["close"].to_numpy() for path in files])
    assert (np.diff(ends) == MINUTE).all()
    assert ends[0] == DEFAULT_START_NS - 7 * 1440 * MINUTE + MINUTE
    quotes = pq.read_table(tmp_path / DAY / "quotes.parquet")
    last = np.searchsorted(quotes["ts_event"].to_numpy(), ends[-1], side="left") - 1
    mid = (quotes["bid_ticks"][last].as_py() + quotes["ask_ticks"][last].as_py()) / 200
    assert closes[-1] == mid
    five = pq.read_table(tmp_path / DAY / "klines_5m.parquet")
    assert five["close"][-1].as_py() == closes[np.searchsorted(ends, five["ts_close"][-1].as_py())]


def test_grouping_leaves_incomplete_candles_out() -> None:
    minutes = np.zeros((12, CANDLE_COLUMNS), np.int64)
    minutes[:, 0] = (np.arange(12) + 4) * MINUTE  # the first begins at minute 3
    minutes[:, 1:] = np.arange(12)[:, None] + 1
    assert group_candles(minutes, 5).tolist() == [[10 * MINUTE, 3, 7, 3, 7, 25], [15 * MINUTE, 8, 12, 8, 12, 50]]
    assert len(group_candles(minutes[:6], 5)) == 0


@pytest.mark.parametrize(
    "wrong", [{"profile": "wild"}, {"symbols": ("A", "A")}, {"symbols": ()}, {"symbols": ("../A",)}, {"events": 0}, {"hours": 0.0}]
)
def test_requests_that_make_no_sense_are_usage_errors(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        synthesise(replace(SynthRequest(tmp_path / "x"), **wrong))  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_the_same_rows_with_and_without_compilation(tmp_path: Path) -> None:
    program = "import sys; from slackwater.cli.app import main; sys.exit(main(['data', 'synth', '--events', '1500', '--to', sys.argv[1]]))"
    for switch in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": switch}
        subprocess.run([sys.executable, "-c", program, str(tmp_path / switch)], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert open_tape(tmp_path / "0").tape_sha256 == open_tape(tmp_path / "1").tape_sha256


def test_funding_comes_every_eight_hours(tmp_path: Path) -> None:
    synthesise(SynthRequest(tmp_path, hours=16.5))
    table = pq.read_table(tmp_path / DAY / "funding.parquet")
    assert [(time - DEFAULT_START_NS) // HOUR for time in table["ts_event"].to_pylist()] == [8, 16]
    assert all(-0.00005 < rate < 0.00015 for rate in table["rate"].to_pylist())
