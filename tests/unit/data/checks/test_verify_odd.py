"""Rows that are odd and usable: each is counted under its kind with its place, nothing else is, and the tape stays good."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.cli.data_tables import PIPE_WIDTH
from slackwater.cli.verify_tables import verify_text
from slackwater.data.checks import row_checks, verify
from slackwater.data.formats.importer import ImportRequest, import_tape
from tests.unit.data.odd_tapes import COUNT, DAY_NS, MS, OddTape, counts_of, found_in, repeat_row, write

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"


def crossed(tape: OddTape) -> None:
    tape.quotes["ask_ticks"][7] = tape.quotes["bid_ticks"][7] - 1


def locked(tape: OddTape) -> None:
    tape.quotes["ask_ticks"][7] = tape.quotes["bid_ticks"][7]


def one_sided(tape: OddTape) -> None:
    tape.quotes["bid_ticks"][7] = tape.quotes["bid_lots"][7] = 0


def empty_touch(tape: OddTape) -> None:
    tape.quotes["ask_lots"][7] = 0


def trade_of_nothing(tape: OddTape) -> None:
    tape.trades["lots"][7] = 0


def quote_twice(tape: OddTape) -> None:
    repeat_row(tape.quotes, 6)


def trade_twice_without_id(tape: OddTape) -> None:
    tape.trades["trade_id"] = None  # type: ignore[assignment]
    repeat_row(tape.trades, 6)


def id_twice(tape: OddTape) -> None:
    tape.trades["trade_id"][7] = 2


def spike(tape: OddTape) -> None:
    for name in ("bid_ticks", "ask_ticks"):
        tape.quotes[name][7:9] += 1000  # 100 bps for two books, and traded there
    tape.trades["price_ticks"][7:9] += 1000


def trade_afar(tape: OddTape) -> None:
    tape.trades["price_ticks"][7] += 2500  # 250 bps


def venue_back(tape: OddTape) -> None:
    tape.quotes["ts_event"][7] -= 10_001 * MS


def received_early(tape: OddTape) -> None:
    tape.trades["ts_event"][7] += 7 * MS


ODD: dict[Callable[[OddTape], None], dict[str, int]] = {
    crossed: {"crossed_book": 1},
    locked: {"locked_book": 1},
    one_sided: {"one_sided_book": 1},
    empty_touch: {"zero_size_quote": 1},
    trade_of_nothing: {"zero_size_trade": 1},
    quote_twice: {"repeated_quote": 1},
    trade_twice_without_id: {"repeated_trade": 1},
    id_twice: {"repeated_trade_id": 1},
    spike: {"mid_spike": 1},
    trade_afar: {"trade_off_book": 1},
    venue_back: {"venue_time_back": 1},
    received_early: {"negative_latency": 1},
}


def test_a_regular_tape_has_nothing_odd(tmp_path: Path) -> None:
    found = found_in(tmp_path, OddTape(0), OddTape(1))
    assert (counts_of(found), found["damage"], found["step_changes"], found["missing_days"]) == ({}, [], [], [])


@pytest.mark.parametrize("batch_rows", [8, 1 << 18])
@pytest.mark.parametrize("change", ODD, ids=lambda change: change.__name__)
def test_what_is_odd_is_counted_with_its_place(
    tmp_path: Path, change: Callable[[OddTape], None], batch_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 8 is where each change is, and where the second batch of the small ones begins or the first one ends."""
    monkeypatch.setattr(verify, "BATCH_ROWS", batch_rows)
    tape = OddTape()
    change(tape)
    found = found_in(tmp_path, tape)
    assert counts_of(found) == ODD[change]
    (places,) = found["places"].values()
    assert places[0].startswith("2023-11-15/")
    assert places[0].endswith(" row 8")
    assert found["damage"] == []
    assert main(["data", "verify", "--data", str(tmp_path / "tape")]) == 0


@pytest.mark.parametrize("batch_rows", [1, 7, 1 << 18])
def test_batches_do_not_change_what_is_found(tmp_path: Path, batch_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = OddTape()
    for change in (spike, crossed, id_twice, trade_afar, received_early, quote_twice):
        change(tape)
    path = write(tmp_path, tape)
    whole = verify.verify_tape(path)["symbols"][0]
    monkeypatch.setattr(verify, "BATCH_ROWS", batch_rows)
    assert verify.verify_tape(path)["symbols"][0] == whole
    assert len(counts_of(whole)) >= 5


def test_equal_trades_with_one_clock_are_two_trades(tmp_path: Path) -> None:
    tape = OddTape().one_clock()
    tape.trades["trade_id"] = None  # type: ignore[assignment]
    repeat_row(tape.trades, 6)
    assert counts_of(found_in(tmp_path, tape)) == {}


def test_equal_books_at_other_times_are_no_repeat(tmp_path: Path) -> None:
    tape = OddTape()
    for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"):
        tape.quotes[name][7] = tape.quotes[name][6]
    assert counts_of(found_in(tmp_path, tape)) == {}


def test_a_repeated_id_is_known_after_midnight_and_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = OddTape(0), OddTape(1)
    days[1].trades["trade_id"][3] = 5
    assert counts_of(found_in(tmp_path, *days)) == {"repeated_trade_id": 1}
    monkeypatch.setattr(row_checks, "RECENT_IDS", 2)
    assert counts_of(verify.verify_tape(tmp_path / "tape")["symbols"][0]) == {}


def test_a_jump_that_stays_is_the_market_s(tmp_path: Path) -> None:
    tape = OddTape()
    for columns, names in ((tape.quotes, ("bid_ticks", "ask_ticks")), (tape.trades, ("price_ticks",))):
        for name in names:
            columns[name][200:] += 1000
    assert counts_of(found_in(tmp_path, tape)) == {}


def test_a_coarse_tick_makes_no_spikes(tmp_path: Path) -> None:
    tape = OddTape()
    coarse = 100 + np.arange(COUNT) % 2  # 100 bps there and back, always
    tape.quotes["bid_ticks"], tape.quotes["ask_ticks"] = coarse, coarse + 1
    tape.trades["price_ticks"] = coarse.copy()
    assert "mid_spike" not in counts_of(found_in(tmp_path, tape))


def test_rows_in_the_folder_of_another_date(tmp_path: Path) -> None:
    tape = write(tmp_path, OddTape(0))
    (tape / "v/S/2023-11-15").rename(tape / "v/S/2023-11-16")
    (found,) = verify.verify_tape(tape)["symbols"]
    assert counts_of(found)["other_day"] == 2 * COUNT


def test_clocks_that_drift(tmp_path: Path) -> None:
    tape = OddTape()
    hours = np.arange(COUNT) * 10 / 3600
    tape.quotes["ts_recv"] = tape.quotes["ts_event"] + np.rint((20 + 30 * hours) * MS).astype(np.int64)
    (day,) = found_in(tmp_path, tape)["days"]
    quotes, trades = day["files"]["quotes"]["latency"], day["files"]["trades"]["latency"]
    assert quotes["slope_ms_per_hour"] == pytest.approx(30, rel=0.01)
    assert trades["slope_ms_per_hour"] == pytest.approx(0, abs=1e-9)
    delays = (tape.quotes["ts_recv"] - tape.quotes["ts_event"]) / MS
    for name, share in (("p1_ms", 0.01), ("median_ms", 0.5), ("p99_ms", 0.99)):
        assert quotes[name] == pytest.approx(np.quantile(delays, share, method="inverted_cdf"), rel=0.011)
    assert (quotes["min_ms"], quotes["max_ms"], quotes["negative"]) == (20.0, pytest.approx(delays.max()), 0)


def test_clocks_that_disagree_have_negative_delays(tmp_path: Path) -> None:
    tape = OddTape()
    tape.quotes["ts_event"] = tape.quotes["ts_recv"] + 40 * MS
    (day,) = found_in(tmp_path, tape)["days"]
    latency = day["files"]["quotes"]["latency"]
    assert (latency["median_ms"], latency["min_ms"], latency["negative"]) == (pytest.approx(-40, rel=0.011), -40.0, COUNT)


def test_one_clock_has_no_latency(tmp_path: Path) -> None:
    (day,) = found_in(tmp_path, OddTape().one_clock())["days"]
    assert day["files"]["quotes"]["latency"] is None


def test_steps_that_change_from_day_to_day(tmp_path: Path) -> None:
    days = [OddTape(number) for number in range(3)]
    for name in ("bid_ticks", "ask_ticks"):
        days[1].quotes[name] *= 10
    days[1].trades["price_ticks"] *= 10
    days[2].quotes["bid_lots"] *= 5
    days[2].quotes["ask_lots"] *= 5
    found = found_in(tmp_path, *days)
    assert [(change["date"], change["file"], change["what"], change["from"], change["to"]) for change in found["step_changes"]] == [
        ("2023-11-16", "quotes", "price", "0.01", "0.1"),
        ("2023-11-16", "trades", "price", "0.01", "0.1"),
        ("2023-11-17", "quotes", "price", "0.1", "0.01"),
        ("2023-11-17", "quotes", "size", "0.001", "0.005"),
        ("2023-11-17", "trades", "price", "0.1", "0.01"),
    ]
    assert counts_of(found) == {"coarse_step": 3, "step_change": 5}
    assert found["days"][1]["files"]["quotes"]["steps"] == {"price": 10, "size": 1}


def test_a_price_that_hardly_moves_tells_no_step(tmp_path: Path) -> None:
    tape = OddTape()
    for columns, names in ((tape.quotes, ("bid_ticks", "ask_ticks")), (tape.trades, ("price_ticks",))):
        for name in names:
            columns[name][:] = 100_000
    found = found_in(tmp_path, tape)
    assert found["days"][0]["files"]["trades"]["steps"] == {"price": None, "size": 1}


def test_gaps_hours_and_days_that_are_missing(tmp_path: Path) -> None:
    days = OddTape(0), OddTape(2)
    for name, values in days[0].quotes.items():
        days[0].quotes[name] = np.delete(values, slice(10, 30))
    found = found_in(tmp_path, *days)
    assert [round(gap["seconds"]) for gap in found["gaps"]] == [210, 2 * 86_400 - (COUNT - 1) * 10]
    assert found["missing_days"] == ["2023-11-16"]
    first, last = found["days"]
    assert (first["gaps"], last["gaps"]) == (1, 1)
    quotes = first["files"]["quotes"]
    assert (quotes["hours"], quotes["hour_share"]) == (2, pytest.approx(2 / 24))
    assert (quotes["first"], quotes["last"]) == ("2023-11-15T00:00:00.005Z", "2023-11-15T01:06:30.005Z")


def test_a_size_that_is_missing_is_damage(tmp_path: Path) -> None:
    tape = write(tmp_path, OddTape())
    path = tape / "v/S/2023-11-15/quotes.parquet"
    table = pq.read_table(path)
    sizes = table["ask_lots"].to_pylist()
    sizes[3] = None
    pq.write_table(table.set_column(5, "ask_lots", pa.array(sizes, pa.int64())), path)
    (found,) = verify.verify_tape(tape)["symbols"]
    assert "2023-11-15/quotes.parquet: expected ask_lots in every row, found 1 without" in found["damage"]


def test_a_day_whose_files_are_all_gone_is_damage(tmp_path: Path) -> None:
    tape = write(tmp_path, OddTape(0), OddTape(1))
    for path in (tape / "v/S/2023-11-16").glob("*.parquet"):
        path.unlink()
    (found,) = verify.verify_tape(tape)["symbols"]
    assert len([sentence for sentence in found["damage"] if "expected the file, found none" in sentence]) == 2
    assert main(["data", "verify", "--data", str(tape)]) == 4


def test_a_symbol_whose_files_are_all_gone_is_damaged_and_the_others_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = write(tmp_path, OddTape(0), OddTape(1))
    for symbol in ("GONE", "EMPTY", "BARE"):
        shutil.copytree(tape / "v/S", tape / "v" / symbol)
    for path in (tape / "v/GONE").glob("*/*.parquet"):
        path.unlink()
    for path in (tape / "v/EMPTY").glob("*/*"):
        path.unlink()
    for path in (tape / "v/BARE").glob("2*"):
        shutil.rmtree(path)
    found = {entry["symbol"]: entry["damage"] for entry in verify.verify_tape(tape)["symbols"]}
    assert found["S"] == []
    assert len(found["GONE"]) == 4 and all("expected the file, found none" in sentence for sentence in found["GONE"])
    assert "2023-11-15: expected files, found none" in found["EMPTY"]
    assert found["BARE"] == [f"{tape}/v/BARE: expected days, found none"]
    assert main(["data", "verify", "--data", str(tape)]) == 4
    assert main(["data", "verify", "--data", str(tape), "--symbol", "GONE", "--json"]) == 4
    assert main(["data", "verify", "--data", str(tape), "--symbol", "S"]) == 0
    assert "v/GONE: damaged; no rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("instrument.json", b"{", "instrument.json: expected JSON"),
        ("2023-11-15/manifest.json", b'{"files": ["quotes.parquet"]}', "expected files as an object for each file"),
        ("2023-11-15/manifest.json", b'{"files": {}, "first_ns": 1e300}', "expected first_ns as a time"),
        ("2023-11-15/manifest.json", b'{"files": {}, "quarantined": {"a": "b"}}', "expected quarantined as counts"),
        ("2023-11-15/manifest.json", b"[]", "expected a JSON object, found list"),
    ],
)
def test_what_tells_of_the_tape_may_be_damaged_itself(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    tape = write(tmp_path, OddTape(0))
    (tape / "v/S" / name).write_bytes(content)
    (found,) = verify.verify_tape(tape)["symbols"]
    assert any(said in sentence for sentence in found["damage"])
    assert found["rows"] == {"quotes": COUNT, "trades": COUNT}, "the rows are checked all the same"


def test_a_day_s_coverage_is_the_share_of_its_hours_with_quotes(tmp_path: Path) -> None:
    day = OddTape(0)
    for name, values in day.quotes.items():
        day.quotes[name] = np.delete(values, slice(10, 30))
    (told,) = found_in(tmp_path, day)["days"]
    assert told["coverage"] == pytest.approx((COUNT - 1 - 21) * 10 / 86_400)


def test_the_printed_tables_say_it_all_in_100_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = [OddTape(number) for number in range(len(ODD))]
    for change, day in zip(ODD, days, strict=True):
        change(day)
    write(tmp_path, *days)
    assert main(["data", "verify", "--data", str(tmp_path / "tape")]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= PIPE_WIDTH
    heads = ("QUOTES", "COVERED", "GAPS", "TWICE", "CROSSED", "BACK", "LIERS", "STEP", "HALF BELOW", "DRIFT AN HOUR")
    for text in (*heads, "2023-11-16", "first: 2023-11-15/quotes row 8", "2/24", *(kind for kinds in ODD.values() for kind in kinds)):
        assert text in out


def test_a_symbol_that_nobody_may_look_into_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = write(tmp_path, OddTape(0))
    shutil.copytree(tape / "v/S", tape / "v/SHUT")
    shut = str(tape / "v/SHUT")
    real_access, real_iterdir = os.access, Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if str(path) == shut:
            raise PermissionError(13, "Permission denied", shut)
        return real_iterdir(path)

    for path in (tape / "v/SHUT").glob("*"):  # what a pattern finds in a folder that is shut
        path.rename(tmp_path / f"aside-{path.name}")
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != shut and real_access(path, mode))
    monkeypatch.setattr(Path, "iterdir", iterdir)
    found = {entry["symbol"]: entry["damage"] for entry in verify.verify_tape(tape)["symbols"]}
    assert found["S"] == []
    assert f"{shut}: expected a folder that can be read, found: Permission denied" in found["SHUT"]


def test_a_day_of_millions_that_is_damaged_fits_the_line() -> None:
    counts = {"repeated_quote": 12_345, "crossed_book": 123_456, "mid_spike": 1234}
    files = {
        stem: {"rows": rows, "hours": 24, "first": None, "last": None, "latency": None}
        for stem, rows in (("quotes", 39_999_999), ("trades", 9_999_999))
    }
    day = {"date": "2024-03-29", "damage": ["it is"], "counts": counts, "gaps": 123, "coverage": 1.0, "files": files}
    entry = {"venue": "v", "symbol": "S", "damage": ["it is"], "counts": {}, "places": {}, "rows": {}, "gaps": [], "coverage": 1.0}
    text = verify_text(entry | {"days": [day], "missing_days": [], "step_history": []})
    (line,) = [line for line in text.splitlines() if "DAMAGED" in line]
    assert line.split() == [
        "2024-03-29",
        "39,999,999",
        "9,999,999",
        "100.0%",
        "123",
        "12,345",
        "123,456",
        "0",
        "1,234",
        "0",
        "0",
        "DAMAGED",
    ]
    assert max(map(len, text.splitlines())) <= PIPE_WIDTH


def test_a_long_tape_shows_the_days_that_have_something_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = [OddTape(number) for number in range(45)]
    for day in days:
        last = DAY_NS // (10_000 * MS) - 1
        for columns in (day.quotes, day.trades):
            for name in ("ts_event", "ts_recv"):
                columns[name] = columns[name] + np.linspace(0, (last - COUNT) * 10_000, COUNT).astype(np.int64) * MS
    write(tmp_path, *days)
    assert main(["data", "verify", "--data", str(tmp_path / "tape")]) == 0
    assert "2023-11-20" in capsys.readouterr().out, "every day has gaps"


@pytest.mark.skipif(not DATA.is_dir(), reason="no real market data beside the project")
@pytest.mark.parametrize(
    ("stem", "kinds"),
    [
        ("aster_usdm_20250929__ASTERUSDT", {"coarse_step"}),
        ("binance_usdm_20240718__BTCUSDT", set()),
        ("binance_usdm_alts_20210722__SUSHIUSDT", set()),
        ("gemini_spot_20210702__ETHUSD", set()),
        ("hyperliquid_20250903__BTC", set()),
    ],
)
def test_real_sets_are_good(tmp_path: Path, stem: str, kinds: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    quotes, trades = (DATA / f"{stem}__{kind}.parquet" for kind in ("quotes", "trades"))
    import_tape(ImportRequest("v", "S", quotes, trades, tmp_path / "tape"))
    assert main(["data", "verify", "--data", str(tmp_path / "tape"), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["symbols"]
    assert set(counts_of(found)) == kinds
    assert found["rows"]["quotes"] == pq.read_metadata(quotes).num_rows
