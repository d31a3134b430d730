"""Rows out of their place: which go, which are sorted in, what is said of them, and that nothing else is touched by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slackwater.data.formats import take_in
from slackwater.data.formats.importer import ImportRequest, import_tape, open_sources
from slackwater.data.formats.longest_run import ASIDE, KEPT, mark_rows
from slackwater.data.formats.time_order import Watch
from slackwater.errors import DataError
from tests.market_kit import SHARED
from tests.unit.data.tables import QUOTES, SEC, T0, TRADES, Quote, make_tape, quote_table, trade_table, write_inputs

DAY = "2023-11-14"
FAR = 400_000_000.0  # seconds: years


def rows(count: int, step: float = 0.5) -> list[Quote]:
    """Quotes whose bid sizes are their numbers from 1."""
    return [(k * step, 99.9, float(k + 1), 100.1, 1.0) for k in range(count)]


def late(quote: Quote, second: float) -> Quote:
    return (second, *quote[1:])


def kept(folder: Path) -> list[int]:
    """The numbers of the quotes on the tape, in its order."""
    paths = sorted(folder.glob("tape/binance/AAAUSDT/*/quotes.parquet"))
    return [lots // 4 for path in paths for lots in pq.read_table(path).column("bid_lots").to_pylist()]


def imported(folder: Path, quotes: list[Quote], **options: Any) -> dict[str, Any]:
    return make_tape(folder, quotes, TRADES, lot="0.25", **options)


def marks_of(times: list[int]) -> tuple[list[int], int]:
    room = np.zeros((2, len(times)), np.int64)
    marks = np.zeros(len(times), np.int8)
    count = mark_rows(np.array(times, np.int64), room[0], room[1], marks)
    return marks.tolist(), count


def longest(times: list[int]) -> int:
    """The length of a longest run without a step back, the simple way."""
    best: list[int] = []
    for k, time in enumerate(times):
        best.append(1 + max((best[j] for j in range(k) if times[j] <= time), default=0))
    return max(best)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40).map(lambda halves: [T0 + half * SEC // 2 for half in halves]))
@settings(max_examples=300, deadline=None, derandomize=True)
@example([-(2**63), 2**63 - 1, 0])
@example([2**63 - 1, -(2**63)])
def test_the_rows_to_go_by_are_a_longest_run_and_only_those_far_from_it_go(times: list[int]) -> None:
    marks, count = marks_of(times)
    run = [time for time, mark in zip(times, marks, strict=True) if mark == KEPT]
    assert run == sorted(run)
    assert len(run) == longest(times)
    assert count == marks.count(ASIDE)
    for k, (time, mark) in enumerate(zip(times, marks, strict=True)):
        ahead = max((times[j] for j in range(k) if marks[j] == KEPT), default=time)
        behind = min((times[j] for j in range(k + 1, len(times)) if marks[j] == KEPT), default=time)
        assert (mark == ASIDE) == (mark != KEPT and (time < ahead - SEC or time > behind + SEC))


@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 30))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_the_watch_sees_steps_back_of_more_than_a_second_whatever_the_batches(halves: list[int], size: int) -> None:
    times = np.array([T0 + half * SEC // 2 for half in halves], np.int64)
    watch = Watch()
    for start in range(0, len(times), size):
        watch(times[start : start + size])
    far = [times[j] - times[k] > SEC for k in range(len(times)) for j in range(k)]
    assert watch.has_found == any(far)
    if len(times) and not watch.has_found:
        assert marks_of(times.tolist())[1] == 0, "without one nothing goes"


def test_rows_within_a_second_of_their_place_are_sorted_in_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(take_in, "spooling")  # what is in order but for that takes one pass
    quotes = rows(10)
    quotes[4], quotes[6] = quotes[6], quotes[4]  # 2 s and 3 s: a second apart
    done = imported(tmp_path, quotes)
    assert kept(tmp_path) == list(range(1, 11))
    assert (done["quarantined"], done["time_backwards"]) == ({}, {"quotes": 2})


@pytest.mark.parametrize("kind", ["ahead", "behind", "first", "other_day"])
def test_one_wrong_time_costs_its_row(tmp_path: Path, kind: str) -> None:
    quotes = rows(50)
    place, second = {"ahead": (20, FAR), "behind": (20, -FAR), "first": (0, FAR), "other_day": (49, -86_400.0)}[kind]
    quotes[place] = late(quotes[place], second)
    done = imported(tmp_path, quotes)
    assert kept(tmp_path) == [k for k in range(1, 51) if k != place + 1]
    assert (done["quarantined"], done["time_backwards"], done["days"]) == ({"time_backwards": 1}, {}, [DAY])
    assert done["places"] == {"q.parquet": {"time_backwards": [place + 1]}}
    assert done["notes"][-1].startswith(
        f"q.parquet: 1 of 50 rows stand more than a second out of their place and were left out, the first at row {place + 1}; --sort"
    )
    assert sorted(path.name for path in (tmp_path / "tape/binance/AAAUSDT").iterdir()) == [DAY, "instrument.json"]
    manifest = json.loads((tmp_path / f"tape/binance/AAAUSDT/{DAY}/manifest.json").read_text())
    assert (manifest["quarantined"], manifest["time_backwards"]) == ({"time_backwards": 1}, {})


def test_a_row_far_from_its_place_goes_and_one_near_it_stays_in_the_same_file(tmp_path: Path) -> None:
    quotes = rows(30)
    quotes[5], quotes[6] = quotes[6], quotes[5]
    quotes.insert(25, quotes.pop(10))
    done = imported(tmp_path, quotes)
    assert kept(tmp_path) == [k for k in range(1, 31) if k != 11]
    assert (done["quarantined"], done["time_backwards"]) == ({"time_backwards": 1}, {"quotes": 1})
    assert done["places"]["q.parquet"]["time_backwards"] == [26]


def test_rows_that_are_dropped_anyway_have_no_place(tmp_path: Path) -> None:
    quotes = rows(30)
    quotes[10] = (FAR, float("nan"), 1.0, 100.1, 1.0)
    quotes[11] = (FAR, 99.9, -1.0, 100.1, 1.0)
    assert imported(tmp_path, quotes)["quarantined"] == {"negative_size": 1, "not_finite": 1}
    quotes[20] = late(quotes[20], FAR)
    done = imported(tmp_path, quotes)
    assert done["quarantined"] == {"negative_size": 1, "not_finite": 1, "time_backwards": 1}, "each counts once, whatever the passes"
    assert done["places"]["q.parquet"]["time_backwards"] == [21]


def test_a_crossed_book_out_of_its_place_is_not_one_that_was_kept(tmp_path: Path) -> None:
    quotes = rows(30)
    quotes[10] = (FAR, 100.2, 1.0, 100.1, 1.0)
    done = imported(tmp_path, quotes)
    assert (done["quarantined"], done["kept_odd"]) == ({"time_backwards": 1}, {})


def test_the_receive_time_judges_where_there_is_one(tmp_path: Path) -> None:
    received = [T0 + k * SEC for k in range(20)]
    happened = [time - 5 * SEC * (k % 2) for k, time in enumerate(received)]
    table = quote_table(rows(20)).set_column(0, "ts_event", pa.array(happened)).append_column("ts_recv", pa.array(received))
    assert make_tape(tmp_path, table, TRADES)["quarantined"] == {}
    received[7] = received[7] + 100 * SEC
    table = table.set_column(5, "ts_recv", pa.array(received))
    done = make_tape(tmp_path, table, TRADES)
    assert (done["quarantined"], done["places"]["q.parquet"]) == ({"time_backwards": 1}, {"time_backwards": [8]})


def test_trades_and_funding_are_held_to_the_same_rule(tmp_path: Path) -> None:
    trades = [(k * 1.0, 100.0, float(k + 1), True) for k in range(20)]
    trades[4] = (FAR, *trades[4][1:])
    funding = [T0, T0 + 7 * SEC, T0 + 3 * SEC, T0 + 8 * SEC]
    pq.write_table(pa.table({"ts_event": funding, "rate": [0.0001] * 4}), tmp_path / "f.parquet")
    done = make_tape(tmp_path, QUOTES, trades, funding=tmp_path / "f.parquet")
    assert done["quarantined"] == {"time_backwards": 2}
    assert done["rows"] == {"quotes.parquet": 3, "trades.parquet": 19, "funding.parquet": 3}


def test_lines_of_csv_are_told(tmp_path: Path) -> None:
    quotes = rows(400)
    quotes[300] = late(quotes[300], FAR)
    _, trades = write_inputs(tmp_path, quote_table(quotes), trade_table(TRADES))
    pacsv.write_csv(quote_table(quotes), tmp_path / "q.csv")
    done = import_tape(ImportRequest("binance", "AAAUSDT", tmp_path / "q.csv", trades, tmp_path / "tape", lot="0.25"))
    assert done["places"] == {"q.csv": {"time_backwards": [302]}}


def test_a_file_of_which_more_than_half_would_go_is_refused_until_it_is_to_be_sorted(tmp_path: Path) -> None:
    quotes = rows(100, 2.0)[::-1]
    words = r"q.parquet: expected quotes in the order of their times, found 99 of 100 rows more than a second out of their place; --sort"
    with pytest.raises(DataError, match=words):
        imported(tmp_path, quotes)
    assert not (tmp_path / "tape").exists()
    done = imported(tmp_path, quotes, sort=True)
    assert kept(tmp_path) == list(range(1, 101))
    assert (done["quarantined"], done["time_backwards"]) == ({}, {"quotes": 99})
    half = rows(50, 2.0)[25:] + rows(50, 2.0)[:25]
    assert imported(tmp_path, half)["quarantined"] == {"time_backwards": 25}


@pytest.mark.parametrize("fault", ["none", "moved", "future", "descending", "off_tick"])
def test_a_real_day_with_one_fault_loses_that_row_or_is_refused(tmp_path: Path, fault: str) -> None:
    stem = SHARED / "data/gemini_spot_20210702__ETHUSD"
    if not stem.with_name(f"{stem.name}__quotes.parquet").exists():
        pytest.skip("the shared data is not beside the project")
    quotes, trades = (pq.read_table(stem.with_name(f"{stem.name}__{kind}.parquet")) for kind in ("quotes", "trades"))
    count = len(quotes)
    order = np.arange(count)
    if fault == "moved":
        order = np.insert(np.delete(order, 5000), 40_000, 5000)
    elif fault == "descending":
        order = order[::-1]
    elif fault in ("future", "off_tick"):
        name, value = ("ts_event", 2_051_222_400 * SEC) if fault == "future" else ("bid", 2099.873)
        values = quotes[name].to_numpy().copy()
        values[123] = value
        quotes = quotes.set_column(quotes.column_names.index(name), name, pa.array(values))
    quotes = quotes.take(pa.array(order))
    if fault in ("descending", "off_tick"):
        words = {"descending": "found 74,359 of 74,361 rows more than", "off_tick": "row 124: .* found 2099.873, the first of 1 such rows"}
        with pytest.raises(DataError, match=words[fault]):
            make_tape(tmp_path, quotes, trades, tick="0.01")
        assert not (tmp_path / "tape").exists()
        return
    done = make_tape(tmp_path, quotes, trades, tick="0.01")
    lost = {"none": {}, "moved": {"q.parquet": {"time_backwards": [40_001]}}, "future": {"q.parquet": {"time_backwards": [124]}}}[fault]
    assert (done["places"], done["days"]) == (lost, ["2021-07-02"])
    assert done["rows"]["quotes.parquet"] == count - len(lost)


def test_progress_ends_at_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slackwater.data.formats.source.BATCH_ROWS", 16)
    quotes = rows(100)
    quotes[50] = late(quotes[50], FAR)
    paths = write_inputs(tmp_path, quote_table(quotes), trade_table(TRADES))
    request = ImportRequest("binance", "AAAUSDT", *paths, tmp_path / "tape", lot="0.25")
    told: list[float] = []
    assert import_tape(request, told.append, open_sources(request))["quarantined"] == {"time_backwards": 1}
    assert sum(told) == 103
    assert max(np.cumsum(told)) == 103
