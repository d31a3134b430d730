"""Finished logs become days of the tape: whole, once, in order, whatever happened in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.data import swap
from slackwater.data.catalog import list_tape
from slackwater.data.checks.verify import verify_tape
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.recorder import merge
from slackwater.data.recorder.finish import finish_logs, recording_folder
from slackwater.data.recorder.log import LogHeader, LogWriter
from slackwater.data.tape import open_tape
from slackwater.schema.units import DAY, HOUR
from tests.unit.data.recorder.rows import MINUTE, SPEC, T0, VENUE, S, candle, funding, quote, table, trade, write_log

DATE, BEFORE = "2023-11-15", "2023-11-14"
HOUR_ROWS = [
    *(quote(T0 + k * S, bid=100.0 + k / 100, ask=101.0) for k in range(1, 30)),
    *(trade(500 + k, T0 + k * S - 4_000_000, T0 + k * S) for k in range(1, 20)),
    *(candle(T0 + k * MINUTE) for k in range(3)),
    funding(T0 + 8 * HOUR, 0.0001),
]


def contents(to: Path) -> dict[str, object]:
    paths = sorted((to / VENUE).glob("*/[0-9]*/*.parquet"))
    return {str(path.relative_to(to)): table(to, path.parent.name, path.stem, path.parent.parent.name) for path in paths}


def test_a_log_becomes_a_tape(tmp_path: Path):
    path = write_log(tmp_path, HOUR_ROWS)
    done = finish_logs(tmp_path, VENUE)
    names = {"quotes.parquet": 29, "trades.parquet": 19, "klines_1m.parquet": 3, "funding.parquet": 1}
    assert (done["logs"], done["rows"], done["kept_aside"], done["damaged"]) == (1, {"ETHUSDT": names}, [], [])
    assert not path.exists()
    first = {"ts_event": T0 + S - 5_000_000, "ts_recv": T0 + S, "bid_ticks": 10001, "bid_lots": 1500, "ask_ticks": 10100, "ask_lots": 2500}
    assert table(tmp_path, DATE, "quotes")[0] == first
    assert table(tmp_path, DATE, "trades")[0] == {
        "ts_event": T0 + S - 4_000_000,
        "ts_recv": T0 + S,
        "price_ticks": 10000,
        "lots": 500,
        "buyer_maker": True,
        "trade_id": 501,
    }
    assert [row["ts_close"] for row in table(tmp_path, DATE, "klines_1m")] == [T0 + k * MINUTE for k in (1, 2, 3)]
    assert table(tmp_path, DATE, "funding") == [{"ts_event": T0 + 8 * HOUR, "ts_recv": T0 + 8 * HOUR + 1, "rate": 0.0001}]
    assert open_tape(tmp_path).symbols[0].instrument == SPEC
    found = verify_tape(tmp_path)
    assert found["ok"], found
    assert list_tape(tmp_path)["symbols"][0]["source"] == ["wss://somewhere"]


def test_hours_follow_each_other_in_a_day(tmp_path: Path):
    for hour in range(3):
        start = T0 + hour * HOUR
        rows = [quote(start + k * S) for k in range(1, 9)] + [trade(hour * 10 + k, start + k * S, start + k * S + 1) for k in range(10)]
        write_log(tmp_path, [*rows, candle(start)], start)
        finish_logs(tmp_path, VENUE)
    assert [row["ts_recv"] for row in table(tmp_path, DATE, "quotes")] == [T0 + h * HOUR + k * S for h in range(3) for k in range(1, 9)]
    assert [row["trade_id"] for row in table(tmp_path, DATE, "trades")] == list(range(30))
    assert len(table(tmp_path, DATE, "klines_1m")) == 3
    manifest = json.loads((tmp_path / VENUE / "ETHUSDT" / DATE / "manifest.json").read_text())
    assert [entry["rows"] for entry in manifest["source"]] == [{"quotes.parquet": 8, "trades.parquet": 10, "klines_1m.parquet": 1}] * 3
    assert verify_tape(tmp_path)["ok"]


def test_finishing_a_log_again_changes_nothing(tmp_path: Path):
    write_log(tmp_path, [quote(T0 - 60 * S), trade(400, T0 - 60 * S, T0 - 60 * S)], T0 - 61 * S)
    finish_logs(tmp_path, VENUE)
    path = write_log(tmp_path, [*HOUR_ROWS, trade(499, T0 - 30 * S)])
    saved = tmp_path / "saved"
    shutil.copy(path, saved)
    finish_logs(tmp_path, VENUE)
    once = contents(tmp_path)
    shutil.copy(saved, path)
    finish_logs(tmp_path, VENUE)
    assert contents(tmp_path) == once
    assert verify_tape(tmp_path)["ok"]


def die_at(step: int) -> None:
    """Have this process killed when it is about to do its n-th step that the disk remembers."""
    left = step

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return real(*words, **options)

        return call

    for owner, name in ((os, "fsync"), (os, "link"), (os, "mkdir"), (Path, "rename"), (Path, "replace"), (Path, "unlink")):
        setattr(owner, name, guarded(getattr(owner, name)))
    swap._exchange = guarded(swap._exchange)  # type: ignore[assignment]


def test_a_finish_that_is_killed_anywhere_is_completed_by_the_next(tmp_path: Path):
    """Two days with several files each; the process is killed before every step of its work in turn."""
    first = [quote(T0 - 60 * S), trade(400, T0 - 60 * S, T0 - 60 * S)]
    later = [quote(T0 - 9 * S), quote(T0 - 8 * S), *HOUR_ROWS, trade(401, T0 - 9 * S)]
    plain = tmp_path / "plain"
    write_log(plain, first, T0 - 61 * S)
    finish_logs(plain, VENUE)
    start = contents(plain)
    shutil.copytree(plain, tmp_path / "start")
    write_log(plain, later, T0 - 10 * S)
    finish_logs(plain, VENUE)
    status = signal.SIGKILL
    steps = 0
    while status == signal.SIGKILL:
        killed = tmp_path / f"killed-{steps}"
        shutil.copytree(tmp_path / "start", killed)
        write_log(killed, later, T0 - 10 * S)
        child = os.fork()
        if child == 0:
            die_at(steps)
            finish_logs(killed, VENUE)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        there = contents(killed)
        assert all(there[name] in (rows, contents(plain)[name]) for name, rows in start.items()), f"killed at step {steps}"
        finish_logs(killed, VENUE)
        assert contents(killed) == contents(plain), f"killed at step {steps}"
        assert verify_tape(killed)["ok"] and not list((killed / VENUE / "ETHUSDT").glob(".incoming*"))
        assert not list(recording_folder(killed, VENUE).glob("*.log"))
        steps += 1
    assert status == 0 and steps > 20


def test_what_a_killed_merge_was_building_is_cleared_away(tmp_path: Path):
    stale = tmp_path / VENUE / "ETHUSDT" / ".incoming-abc" / DATE
    stale.mkdir(parents=True)
    (stale / "quotes.parquet").write_bytes(b"half")
    write_log(tmp_path, HOUR_ROWS)
    finish_logs(tmp_path, VENUE)
    assert sorted(path.name for path in (tmp_path / VENUE / "ETHUSDT").iterdir()) == [DATE, "instrument.json"]


def test_trades_asked_for_later_stand_where_they_happened_without_a_receive_time(tmp_path: Path):
    write_log(tmp_path, [trade(k, T0 + k * S, T0 + k * S + 2) for k in (1, 2, 6)] + [quote(T0 + S)])
    finish_logs(tmp_path, VENUE)
    late = [trade(k, T0 + k * S) for k in (3, 4, 5)]
    write_log(tmp_path, [quote(T0 + 9 * S), trade(9, T0 + 9 * S, T0 + 9 * S + 2), *late], T0 + 8 * S)
    finish_logs(tmp_path, VENUE)
    found = table(tmp_path, DATE, "trades")
    assert [row["trade_id"] for row in found] == [1, 2, 3, 4, 5, 6, 9]
    assert [row["ts_recv"] for row in found] == [*(T0 + k * S + 2 for k in (1, 2)), None, None, None, *(T0 + k * S + 2 for k in (6, 9))]
    assert verify_tape(tmp_path)["ok"]


def test_midnight_divides_a_log(tmp_path: Path):
    write_log(tmp_path, [quote(T0 - S), quote(T0 + S), trade(1, T0 - S, T0 - S + 1), trade(2, T0 - 1000, T0 + 5)], T0 - 2 * S)
    done = finish_logs(tmp_path, VENUE)
    assert done["rows"]["ETHUSDT"] == {"quotes.parquet": 2, "trades.parquet": 2}
    assert [row["trade_id"] for row in table(tmp_path, BEFORE, "trades")] == [1]
    assert [row["trade_id"] for row in table(tmp_path, DATE, "trades")] == [2]
    for date in (BEFORE, DATE):
        manifest = json.loads((tmp_path / VENUE / "ETHUSDT" / date / "manifest.json").read_text())
        assert manifest["source"][0]["rows"] == {"quotes.parquet": 1, "trades.parquet": 1}


def test_candles_of_earlier_days_make_days_of_candles_only(tmp_path: Path):
    write_log(tmp_path, [candle(T0 - DAY + k * MINUTE, 100.0 + k) for k in range(3)] + [quote(T0 + S)])
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [candle(T0 - DAY + MINUTE, 555.0), quote(T0 + 2 * S)], T0 + S)
    finish_logs(tmp_path, VENUE)
    assert [row["close"] for row in table(tmp_path, BEFORE, "klines_1m")] == [100.0, 555.0, 102.0]
    assert not (tmp_path / VENUE / "ETHUSDT" / BEFORE / "quotes.parquet").exists()


def test_what_makes_no_sense_is_left_out_and_counted_once(tmp_path: Path):
    nan = float("nan")
    odd = [quote(T0 + 40 * S, bid=nan), quote(T0 + 41 * S, bid=-1.0), quote(T0 + 42 * S, bid=102.0, ask=101.0), candle(T0 - DAY, nan)]
    write_log(tmp_path, [*HOUR_ROWS, *odd, candle(T0 - DAY + MINUTE), trade(9, T0 + S, T0 + S, price=0.0)])
    finish_logs(tmp_path, VENUE)
    tape = open_tape(tmp_path).symbols[0]
    assert tape.quarantined == {"negative_price": 1, "no_candle": 1, "not_finite": 1, "not_positive_price": 1}
    assert len(table(tmp_path, DATE, "quotes")) == 30


def test_several_symbols_go_to_their_own_folders(tmp_path: Path):
    rows = [quote(T0 + k * S, symbol=k % 3) for k in range(1, 31)]
    write_log(tmp_path, rows, symbols=("AUSDT", "BUSDT", "CUSDT", "DUSDT"))
    done = finish_logs(tmp_path, VENUE)
    assert {symbol: rows["quotes.parquet"] for symbol, rows in done["rows"].items()} == {"AUSDT": 10, "BUSDT": 10, "CUSDT": 10}


def test_a_log_that_is_being_written_is_left_alone(tmp_path: Path):
    log = LogWriter(recording_folder(tmp_path, VENUE), LogHeader(VENUE, ("ETHUSDT",), (SPEC,), "wss://x", T0))
    log.append(quote(T0 + S))
    assert finish_logs(tmp_path, VENUE)["logs"] == 0 and log.path.exists()
    log.close()
    assert finish_logs(tmp_path, VENUE)["logs"] == 1


def test_a_damaged_log_is_kept_and_told_and_the_others_go_on(tmp_path: Path):
    path = write_log(tmp_path, HOUR_ROWS)
    (path.parent / "5-5.log").write_bytes(b"rubbish\n" * 100)
    done = finish_logs(tmp_path, VENUE)
    assert done["logs"] == 2 and done["rows"]["ETHUSDT"]["quotes.parquet"] == 29
    assert len(done["damaged"]) == 1 and (path.parent / "5-5.damaged").exists()


def test_a_torn_log_gives_what_is_whole(tmp_path: Path):
    path = write_log(tmp_path, HOUR_ROWS[:20])
    with path.open("ab") as file:
        file.write(b"\x01half a row")
    done = finish_logs(tmp_path, VENUE)
    assert done["cut_off_bytes"] == 11 and done["rows"]["ETHUSDT"] == {"quotes.parquet": 20}


def test_finer_steps_than_the_tape_has_are_kept_aside_and_can_be_imported(tmp_path: Path):
    write_log(tmp_path, HOUR_ROWS)
    finish_logs(tmp_path, VENUE)
    fine = replace(SPEC, tick_size=Decimal("0.001"))
    rows = [quote(T0 + HOUR + k * S, bid=round(100.001 + k / 1000, 3), ask=101.0) for k in range(3000)]
    write_log(tmp_path, [*rows, trade(900, T0 + HOUR, T0 + HOUR, price=100.001)], T0 + HOUR, spec=fine)
    done = finish_logs(tmp_path, VENUE)
    assert len(done["kept_aside"]) == 1 and "data import" in done["kept_aside"][0]
    assert len(table(tmp_path, DATE, "quotes")) == 29 and verify_tape(tmp_path)["ok"]
    kept = recording_folder(tmp_path, VENUE) / "kept"
    quotes, trades = (kept / f"ETHUSDT-{T0 + HOUR}-{kind}.parquet" for kind in ("quotes", "trades"))
    assert f"--quotes {quotes} --trades {trades} --tick 0.001 --lot 0.001 --to" in done["kept_aside"][0]
    imported = import_tape(ImportRequest(VENUE, "ETHUSDT", quotes, trades, tmp_path / "other", "0.001", "0.001"))
    assert imported["rows"] == {"quotes.parquet": 3000, "trades.parquet": 1}


def test_coarser_steps_of_the_venue_are_noted_in_the_history(tmp_path: Path):
    write_log(tmp_path, HOUR_ROWS)
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + DAY + S)], T0 + DAY, spec=replace(SPEC, tick_size=Decimal("0.1")))
    assert finish_logs(tmp_path, VENUE)["kept_aside"] == []
    found = open_tape(tmp_path).symbols[0].instrument
    assert found.tick_size == SPEC.tick_size
    assert found.history == (
        {"from": DATE, "tick_size": "0.01", "lot_size": "0.001"},
        {"from": "2023-11-16", "tick_size": "0.1", "lot_size": "0.001"},
    )


def test_a_day_that_came_from_elsewhere_is_not_mixed_with(tmp_path: Path):
    write_log(tmp_path, HOUR_ROWS)
    finish_logs(tmp_path, VENUE)
    quotes = tmp_path / VENUE / "ETHUSDT" / DATE / "quotes.parquet"
    there = pq.read_table(quotes)
    pq.write_table(there.set_column(1, "ts_recv", pa.nulls(len(there), pa.int64())), quotes)
    write_log(tmp_path, [quote(T0 + HOUR)], T0 + HOUR)
    assert "without receive times" in finish_logs(tmp_path, VENUE)["kept_aside"][0]


def test_no_recording_is_nothing_to_do(tmp_path: Path):
    assert finish_logs(tmp_path / "none", VENUE)["logs"] == 0
    assert not (tmp_path / "none").exists()


def test_large_logs_are_merged_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(merge, "BATCH_ROWS", 7)
    write_log(tmp_path, HOUR_ROWS)
    assert finish_logs(tmp_path, VENUE)["rows"]["ETHUSDT"]["quotes.parquet"] == 29
    assert [row["bid_ticks"] for row in table(tmp_path, DATE, "quotes")] == [10000 + k for k in range(1, 30)]
