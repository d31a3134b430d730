"""What a review of the recorder found: each test says what should be, and fails."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.data.recorder import merge, sockets
from slackwater.data.recorder.backfill import Backfill, is_within
from slackwater.data.recorder.finish import NOTES, finish_logs, recording_folder
from slackwater.data.recorder.intake import RecorderIntake
from slackwater.data.recorder.keeper import KeeperHooks, KeeperTiming, LogKeeper
from slackwater.data.recorder.log import LOG_ROW, LogHeader, LogWriter, holding, is_being_written, read_log, symbols_being_recorded
from slackwater.data.recorder.plan import plan_recording
from slackwater.data.recorder.rest import RestClient
from slackwater.data.recorder.sockets import SocketTiming
from slackwater.errors import SafetyError
from slackwater.schema.units import HOUR
from tests.unit.data.recorder.recording import ETH, market, run
from tests.unit.data.recorder.rows import MINUTE, SPEC, T0, VENUE, S, candle, funding, quote, table, trade, write_log
from tests.unit.data.recorder.test_intake import NOW_MS, RECV, book, enveloped, kline, mark
from tests.unit.data.recorder.test_intake import trade as trade_message
from tests.unit.data.recorder.venue_server import Venue, serving

DATE = "2023-11-15"


def intake_of(*names: str, most: int = 10**7) -> RecorderIntake:
    return RecorderIntake(names or (ETH,), most)


def rows_of(intake: RecorderIntake) -> Any:
    return np.frombuffer(bytes(intake.swap()), LOG_ROW)


class Answers:
    """A REST that gives these answers, then the last one again."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []

    async def get(self, path: str, params: dict[str, Any]) -> Any:
        self.asked.append((path, params))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found(params) if callable(found) else found


# --- messages that end a recording


@pytest.mark.parametrize(
    "text",
    [
        b'{"e":[]}',
        b'{"stream":"x","data":{"e":{}}}',
        b'{"stream":"x","data":{"e":"bookTicker","zz":' + b"[" * 5000 + b"]" * 5000 + b"}}",
        b'{"x":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=["event is a list", "event is an object", "deep unknown field", "deep object"],
)
def test_no_message_ends_a_recording(text: bytes):
    intake = intake_of()
    intake.take(text, RECV, "/market")
    assert sum(intake.odd.values()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [{"a": 11, "p": "1", "q": "1", "T": NOW_MS * 1000, "m": True}],
        [{"a": 11, "p": "1", "q": "1", "T": 10**30, "m": True}],
    ],
)
def test_no_answer_about_trades_ends_a_recording(answer: list[Any]):
    intake = intake_of()
    for k in (10, 13):
        intake.take(enveloped(trade_message(k)), RECV, "/market")
    asyncio.run(Backfill(intake, Answers(answer, []), print).fill())  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[], ["1", "2"]])
def test_no_answer_about_candles_ends_a_recording(values: list[str]):
    start = NOW_MS // 60_000 * 60_000 - 60_000 * 5
    answer = lambda params: [[start, *values]] if params["interval"] == "1m" else []  # noqa: E731
    asyncio.run(Backfill(intake_of(), Answers(answer), print).look_back(NOW_MS * 1_000_000))  # type: ignore[arg-type]


# --- finished rows that vanish


def test_a_recording_after_the_clock_was_corrected_deletes_nothing_finished(tmp_path: Path):
    """A machine that boots with its clock ahead, records, restarts with the right time: the second log overlaps the first."""
    write_log(tmp_path, [quote(T0 + k * S, bid=50.0, ask=60.0) for k in range(1000, 1100)], T0 + 1000 * S)
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + k * S) for k in (900, 950, 1200)], T0 + 900 * S)
    finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "quotes")) == 103


def test_a_clock_that_stands_still_over_a_change_of_log_deletes_nothing_finished(tmp_path: Path):
    """`ReceiveClock` gives one time until a clock that was set back has caught up; logs change with the hour meanwhile."""
    for hour in range(3):
        write_log(tmp_path, [quote(T0 + S, number=1000 * hour + k, bid=10.0 + k / 100, ask=90.0) for k in range(100)], T0 + hour * HOUR)
        finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "quotes")) == 300


def test_candles_and_funding_are_kept_where_a_price_is_off_the_step(tmp_path: Path):
    rows = [quote(T0 + k * S) for k in range(1, 50)] + [candle(T0), funding(T0 + 8 * HOUR, 0.0001)]
    write_log(tmp_path, [*rows, quote(T0 + 60 * S, bid=100.0012345)])
    finish_logs(tmp_path, VENUE)
    kept = (
        [path.name for path in (recording_folder(tmp_path, VENUE) / "kept").glob("*.parquet")]
        if not (tmp_path / VENUE / ETH / DATE).exists()
        else []
    )
    there = [path.name for path in (tmp_path / VENUE / ETH).rglob("*.parquet")]
    assert any("klines" in name for name in kept + there) and any("funding" in name for name in kept + there)


def test_one_price_off_the_step_does_not_take_the_whole_log_off_the_tape(tmp_path: Path):
    write_log(tmp_path, [quote(T0 + k * S) for k in range(1, 500)] + [quote(T0 + 600 * S, bid=100.0012345)])
    finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "quotes")) == 499


def test_a_damaged_row_does_not_delete_all_rows_after_it(tmp_path: Path):
    path = write_log(tmp_path, [quote(T0 + k * S) for k in range(1, 1001)])
    head = path.read_bytes().index(b"\n") + 1
    with path.open("r+b") as file:
        file.seek(head + 72 * 10)
        file.write(b"\xff")
    finish_logs(tmp_path, VENUE)
    left = list(recording_folder(tmp_path, VENUE).glob("*.log")) + list(recording_folder(tmp_path, VENUE).glob("*.damaged"))
    assert left or len(table(tmp_path, DATE, "quotes")) >= 999


def test_a_disk_that_refuses_to_truncate_does_not_shift_the_rows_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Btrfs and zfs can refuse a truncate when full; the next append goes on behind the half row."""
    log = LogWriter(tmp_path, LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", T0))
    real, calls = os.write, 0

    def half(file: int, data: memoryview) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:100])

    def refuse(file: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(OSError, match="No space"):
            log.append(b"".join(quote(T0 + k * S) for k in range(5)))
    for _ in range(20):
        log.append(b"".join(quote(T0 + k * S) for k in range(5)))
    log.close()
    assert len(read_log(log.path)[1]) == 100


@pytest.mark.parametrize("content", ["", "{", "[]"], ids=["empty", "half", "a list"])
def test_notes_that_a_power_cut_left_empty_do_not_block_every_log(tmp_path: Path, content: str):
    """Notes are renamed without a sync; an empty one is what ext4 or XFS leave of that."""
    first = write_log(tmp_path, [quote(T0 + S)])
    write_log(tmp_path, [quote(T0 + 2 * S)], T0 + S)
    first.with_name(first.name + NOTES).write_text(content)
    assert finish_logs(tmp_path, VENUE)["logs"] == 2


def test_a_foreign_file_does_not_block_every_log(tmp_path: Path):
    path = write_log(tmp_path, [quote(T0 + S)])
    (path.parent / "stderr.log").write_text("hello")
    assert finish_logs(tmp_path, VENUE)["rows"][ETH]["quotes.parquet"] == 1


def test_what_a_killed_finish_left_is_cleared_away(tmp_path: Path):
    """Kill -9 runs no `finally`: a copy of the day stays for ever."""
    write_log(tmp_path, [quote(T0 + k * S) for k in range(1, 9)])
    child = os.fork()
    if child == 0:
        merge._put_day = lambda folder, present: os.kill(os.getpid(), 9)  # type: ignore[assignment]
        finish_logs(tmp_path, VENUE)
        os._exit(0)
    os.waitpid(child, 0)
    assert list((tmp_path / VENUE / ETH).glob(".merging*")), "the kill came too late"
    finish_logs(tmp_path, VENUE)
    assert not list((tmp_path / VENUE / ETH).glob(".merging*"))


def test_the_instrument_is_on_the_disk_before_the_log_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[str] = []
    real = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    write_log(tmp_path, [quote(T0 + S)])
    finish_logs(tmp_path, VENUE)
    assert any("instrument.json" in name for name in synced)


# --- streams that lose rows silently


def test_a_slower_old_connection_loses_nothing_to_the_new_one(tmp_path: Path):
    """At a hand-over the new connection may be ahead by a good part of a second."""

    async def scenario(venue: Venue) -> None:
        venue.lag_s = 0.4
        await market(venue, 1300)
        await asyncio.sleep(0.6)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=0.9, overlap_s=2.0))
    assert done["sockets"]["/public 2"]["rotations"] >= 1 and done["backfilled_trades"] == {}
    quotes = [row for path in tmp_path.rglob("quotes.parquet") for row in pq.read_table(path).to_pylist()]
    assert [row["ask_ticks"] for row in quotes] == [round(float(quote["a"]) * 100) for quote in venue.quotes[ETH]]
    assert [row["ts_recv"] for row in quotes] == sorted(row["ts_recv"] for row in quotes)


def test_a_hand_over_waits_until_all_is_subscribed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A socket of 1,000 streams takes ten requests, 2.5 s; the old one is closed a second after the first stream has spoken."""
    monkeypatch.setattr(sockets, "STREAMS_A_REQUEST", 1)
    names = tuple(f"A{k}USDT" for k in range(8))  # 8 requests at 0.25 s

    async def scenario(venue: Venue) -> None:
        for _ in range(700):
            for name in names:
                await venue.quote(name, ask=f"100.{10 + venue.update_id % 80}")
            await asyncio.sleep(0.01)

    with serving(scenario, names, wanted_streams=48) as venue:
        # Rotates once, some 4 s after the start; the second socket of `/market` does not matter here.
        done, _ = run(venue, tmp_path, symbols=names, sockets=SocketTiming(silent_s=15.0, life_s=12.0, overlap_s=5.0))
    assert done["sockets"]["/public 2"]["rotations"] >= 1
    lost = {name: len(venue.quotes[name]) - done["rows"][name]["quotes.parquet"] for name in names}
    assert max(lost.values()) <= 2, lost


def test_books_without_an_update_id_are_kept():
    intake = intake_of()
    for k in range(20):
        data = book(0, NOW_MS + k * 10, b=f"100.{k}")
        del data["u"]
        intake.take(enveloped(data), RECV + k, "/public")
    assert len(rows_of(intake)) == 20


def test_trade_ids_that_begin_anew_are_followed():
    """A venue that counts anew, as a testnet does when it is reset: quotes follow, trades are dropped as repeats for ever."""
    intake = intake_of()
    for k in (900, 901):
        intake.take(enveloped(trade_message(k)), RECV, "/market")
    for k in range(5, 55):
        intake.take(enveloped(trade_message(k, T=NOW_MS + 60_000 + k)), RECV + k, "/market")
    assert len(rows_of(intake)) == 52


def test_a_tape_whose_ids_are_higher_does_not_silence_the_trades():
    intake = intake_of()
    intake.states[ETH].trades.continue_from(10**9)
    for k in range(5, 55):
        intake.take(enveloped(trade_message(k, T=NOW_MS + k)), RECV + k, "/market")
    assert len(rows_of(intake)) == 50


def test_one_absurd_id_does_not_end_the_trades_of_the_next_recording():
    """The largest id goes on the tape; the next recording continues from it."""
    first = intake_of()
    for k in (10, 2**62, 11, 12):
        first.take(enveloped(trade_message(k)), RECV, "/market")
    second = intake_of()
    second.states[ETH].trades.continue_from(int(rows_of(first)["number"].max()))
    for k in range(13, 60):
        second.take(enveloped(trade_message(k)), RECV, "/market")
    assert len(rows_of(second)) == 47


def see(intake: RecorderIntake, seen_ms: int, paid_ms: int, rate: str = "0.0001") -> None:
    """An estimate that is received when it is made."""
    intake.take(enveloped(mark(seen_ms, paid_ms, rate)), seen_ms * 1_000_000, "/market")


def test_funding_goes_on_when_the_interval_is_shortened():
    """The next payment is at 8:00, then the venue says 4:00: what is paid at 4:00 must be a row, or be asked for."""
    intake, hour = intake_of(), 3_600_000
    for seen, paid_at in ((0, 8), (1, 4)):
        see(intake, NOW_MS + seen * hour, NOW_MS + paid_at * hour)
    for second in range(-5, 1):
        see(intake, NOW_MS + 4 * hour + second * 1000 - 1, NOW_MS + 4 * hour, "0.0007")
    see(intake, NOW_MS + 4 * hour + 1000, NOW_MS + 8 * hour, "0.0001")
    found = rows_of(intake)
    assert len(found) == 1 or intake.states[ETH].funding.missing == [NOW_MS + 4 * hour]


def test_one_absurd_funding_time_does_not_end_funding():
    intake, hour = intake_of(), 3_600_000
    see(intake, NOW_MS, 9 * 10**12)
    for k in (1, 2, 3):
        at = NOW_MS + k * 8 * hour
        see(intake, at - 1000, at, "0.0003")
        see(intake, at + 1000, at + 8 * hour, "0.0003")
    assert len(rows_of(intake)) == 3


def test_no_payment_is_made_up_before_its_time():
    """The time of the next payment moves from 12:00 to 16:00 a moment before 12:00: nothing was paid at 12:00."""
    intake, hour = intake_of(), 3_600_000
    intake.take(enveloped(mark(NOW_MS - 10_000, NOW_MS)), RECV, "/market")
    intake.take(enveloped(mark(NOW_MS - 9_000, NOW_MS + 4 * hour)), RECV, "/market")
    assert len(rows_of(intake)) == 0


def test_one_absurd_candle_does_not_end_candles():
    intake = intake_of()
    intake.take(enveloped(kline(9 * 10**12)), RECV, "/market")
    for k in range(5):
        intake.take(enveloped(kline(NOW_MS + k * 60_000)), RECV, "/market")
    assert len(rows_of(intake)) >= 5


def test_candles_that_were_half_given_are_asked_for_again():
    """The first of three missing candles is given, the others not yet: the gap must stay known."""
    intake = intake_of()
    for k in (0, 4):
        intake.take(enveloped(kline(NOW_MS + k * 60_000)), RECV, "/market")
    one = [[NOW_MS + 60_000, "1", "2", "0.5", "1.5", "8", 0]]
    asyncio.run(Backfill(intake, Answers(one, []), print).fill())  # type: ignore[arg-type]
    missing = intake.states[ETH].candles[0].missing
    assert missing and missing[0][0] <= NOW_MS * 1_000_000 + 2 * MINUTE


def test_a_candle_asked_for_before_its_end_is_corrected_by_the_stream():
    """The machine's clock is 2 s ahead of the venue's: REST gives the running candle, and the finished one is then not taken."""
    intake, minute = intake_of(), NOW_MS // 60_000 * 60_000
    given = lambda params: [[minute - 60_000, "1", "2", "0.5", "1.5", "8", 0]] if params["interval"] == "1m" else []  # noqa: E731
    asyncio.run(
        Backfill(
            intake,
            Answers(
                given,
            ),
            print,
        ).look_back((minute + 1) * 1_000_000)
    )  # type: ignore[arg-type]
    intake.take(enveloped(kline(minute - 60_000, c="1.75", v="9.5")), RECV, "/market")
    mine = rows_of(intake)
    assert mine["d"][-1] == 1.75


def test_streams_that_never_spoke_make_the_result_not_ok(tmp_path: Path):
    """Exit 0 and `ok` for a tape without one quote."""

    async def scenario(venue: Venue) -> None:
        await market(venue, 30)
        await asyncio.sleep(0.5)

    with serving(scenario, wanted_streams=2) as venue:
        wrong = tmp_path / "wrong.toml"
        wrong.write_text("".join(f'"{name}" = "{path}"\n' for name, path in (("bookTicker", "/elsewhere"), ("aggTrade", "/market"))))
        done, _ = run(venue, tmp_path / "tape", channels=wrong)
    assert "quotes.parquet" not in done["rows"][ETH] and done["silent_streams"]
    assert not done["ok"]


# --- memory, time and what is asked


def test_rows_that_wait_for_a_slow_and_full_disk_stay_within_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """While a write is tried its rows do not count, so each try lets as many rows in as arrive while it lasts."""
    limit = 72 * 100
    intake = intake_of(most=limit)

    def refuse(log: LogWriter, content: bytes) -> None:
        time.sleep(0.02)
        raise OSError(errno.ENOSPC, "No space left on device")

    async def go() -> None:
        header = LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", 0)
        keeper = LogKeeper(
            tmp_path, header, intake, KeeperTiming(write_s=0.01, most_waiting_bytes=limit), KeeperHooks(print, lambda: None, list)
        )
        stop = asyncio.Event()
        task = asyncio.create_task(keeper.run(stop))
        for k in range(3000):
            intake.take(enveloped(book(k + 1, NOW_MS + k)), RECV + k, "/x")
            await asyncio.sleep(0.0005)
        stop.set()
        await task

    with monkeypatch.context() as patch:
        real, calls = LogWriter.append, 0

        def append(log: LogWriter, content: bytes) -> None:
            nonlocal calls
            calls += 1
            (real if calls == 1 else refuse)(log, content)

        patch.setattr(LogWriter, "append", append)
        asyncio.run(go())
    assert len(intake.buffer) <= 2 * limit


def test_many_gaps_do_not_stop_the_sockets():
    """A disk that is full for hours leaves a gap for each second and symbol."""
    gaps = [(k * 10, k * 10 + 5) for k in range(20_000)]
    start = time.monotonic()
    assert all(is_within(gap, gaps) for gap in gaps)
    assert time.monotonic() - start < 1.0


def test_the_notes_of_a_log_name_only_its_outages(tmp_path: Path):
    intake = intake_of()
    old = {"path": "/market", "from": T0, "to": T0 + S}

    async def go() -> Path:
        header = LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", 0)
        keeper = LogKeeper(tmp_path, header, intake, KeeperTiming(), KeeperHooks(print, lambda: None, lambda: [old]))
        intake.take(enveloped(book(1)), RECV, "/x")
        await keeper.write()
        await keeper.close()
        return next(tmp_path.glob("*.log"))

    path = asyncio.run(go())
    assert "outages" not in json.loads(path.with_name(path.name + NOTES).read_text())[ETH]


def test_the_look_back_asks_for_no_more_weight_than_it_needs():
    """Limit 1500 costs 10 each; 360, 576 and 672 candles cost 2, 5 and 5. For 1,000 symbols: 30,000 against 12,000."""
    rest = Answers([])
    asyncio.run(Backfill(intake_of(), rest, print).look_back(NOW_MS * 1_000_000))  # type: ignore[arg-type]
    assert max(params["limit"] for _, params in rest.asked) <= 1000


def test_gaps_are_filled_while_the_look_back_goes_on(tmp_path: Path):
    """For 1,000 symbols the look-back takes 25 minutes of the allowed weight, and no gap is asked for before its end."""
    names = tuple(f"A{k}USDT" for k in range(20))

    async def scenario(venue: Venue) -> None:
        await venue.trade(names[0])
        await venue.trade(names[0], is_sent=False)
        await venue.trade(names[0])
        await venue.until(lambda: any(what == "aggTrades" for what, _ in venue.asked))

    with serving(scenario, names, slow_s=0.2) as venue:
        run(venue, tmp_path, symbols=names, sockets=SocketTiming(silent_s=20.0))
    asked = [what for what, _ in venue.asked]
    assert asked[: asked.index("aggTrades")].count("klines") < 55


def test_a_shorter_wait_does_not_replace_the_one_for_the_used_weight():
    """The weight is used up and the answer is a 500: the next try comes after the back-off, not in the next minute."""

    class Answer:
        headers, status = {"X-MBX-USED-WEIGHT-1M": "2399"}, 500

        async def __aenter__(self) -> Answer:
            return self

        async def __aexit__(self, *error: object) -> None: ...

        async def read(self) -> bytes:
            return b""

    class Session:
        count = 0

        def get(self, *words: object, **other: object) -> Answer:
            self.count += 1
            return Answer()

    async def go() -> int:
        session = Session()
        client = RestClient(session, "http://x", back_off_s=0.01)  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(0.5):
                await client.get("/p")
        except Exception:  # noqa: BLE001
            pass
        return session.count

    if time.time() % 60 > 58:
        time.sleep(3)
    assert asyncio.run(go()) == 1


def test_a_gap_outlives_an_hour_without_rest():
    """Three failures, some seconds each, and a range is never asked for again though the venue has it."""
    from slackwater.data.recorder.rest import RestError

    intake = intake_of()
    for k in (10, 12):
        intake.take(enveloped(trade_message(k)), RECV, "/market")

    class Down(Answers):
        is_down = True

        async def get(self, path: str, params: dict[str, Any]) -> Any:
            if self.is_down:
                raise RestError("HTTP 503")
            return [{"a": 11, "p": "1", "q": "1", "T": NOW_MS, "m": True}]

    async def go() -> None:
        rest = Down()
        backfill = Backfill(intake, rest, lambda line: None)  # type: ignore[arg-type]
        for _ in range(5):
            await backfill.fill()
        rest.is_down = False
        for _ in range(5):
            await backfill.fill()

    asyncio.run(go())
    assert intake.states[ETH].trades.missing == []


def test_names_that_the_venue_says_are_checked(tmp_path: Path):
    """`--top` takes names from the venue's answer; they become folders."""
    name = "../../OUTSIDE"

    async def nothing(venue: Venue) -> None: ...

    with serving(nothing, (name,), ends_recorder=False) as venue:
        try:
            plan = plan_recording((), 1, venue.url, None)
        except Exception:  # noqa: BLE001
            return
    assert ".." not in plan.symbols[0]


# --- more: other processes, ends and starts


def test_a_recorder_holds_its_symbols_from_its_start_to_its_end(tmp_path: Path):
    """Also before its first row, and between two logs."""
    with holding(tmp_path, ["AUSDT", ETH]):
        with pytest.raises(SafetyError, match="only recorder of ETHUSDT"), holding(tmp_path, [ETH, "BUSDT"]):
            pass
        with holding(tmp_path, ["BUSDT"]):
            assert symbols_being_recorded(tmp_path) == {"AUSDT", "BUSDT", ETH}
    assert symbols_being_recorded(tmp_path) == set() and not list(tmp_path.iterdir())


def test_two_that_ask_at_once_do_not_take_each_other_for_a_writer(tmp_path: Path):
    """A probe takes the exclusive lock itself: a finished log is skipped, or a start refused, when two probe at one moment."""
    path = write_log(tmp_path, [quote(T0 + S)])
    found: list[bool] = []

    def probe() -> None:
        found.extend(is_being_written(path) for _ in range(3000))

    threads = [threading.Thread(target=probe) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(found)


def test_a_gap_that_was_open_when_the_recorder_was_killed_is_asked_for_by_the_next(tmp_path: Path):
    async def scenario(venue: Venue) -> None:
        now = int(time.time() * 1000)
        earlier = [{"a": 500 + k, "p": "100.00", "q": "0.5", "f": 1, "l": 1, "T": now - 60_000 + k, "m": k % 2 == 0} for k in range(20)]
        venue.trades[ETH] = earlier
        await venue.until(lambda: any(what == "klines" for what, _ in venue.asked))
        await asyncio.sleep(1.0)
        await market(venue, 10)
        await asyncio.sleep(1.5)

    now = time.time_ns() // 1_000_000
    there = [k for k in range(20) if k not in (10, 11)]  # of 500 to 519 two were missing when it was killed
    rows = [trade(500 + k, (now - 60_000 + k) * 1_000_000, (now - 60_000 + k) * 1_000_000 + 5) for k in there]
    write_log(tmp_path, [*rows, quote(time.time_ns() - 60 * S)], time.time_ns() - 61 * S)
    with serving(scenario) as venue:
        run(venue, tmp_path, sockets=SocketTiming(silent_s=20.0))
    ids = sorted(row for path in tmp_path.rglob("trades.parquet") for row in pq.read_table(path)["trade_id"].to_pylist())
    assert ids == list(range(500, 530))


def test_a_finish_on_a_full_disk_leaves_no_copies_behind(tmp_path: Path):
    """Each try, one an hour, would leave another, and fill the disk further."""
    rng = np.random.default_rng(1)
    path = write_log(
        tmp_path, [quote(T0 + k * S // 100, bid=round(float(rng.integers(1, 10**6)) / 100, 2), ask=20000.0) for k in range(200_000)]
    )
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            finish_logs(tmp_path, VENUE)
        except OSError:
            os._exit(7)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7 and path.exists()
    assert not list((tmp_path / VENUE / ETH).glob(".merging*"))


def test_a_process_that_cannot_be_started_does_not_end_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def scenario(venue: Venue) -> None:
        await market(venue, 30)

    async def refuse(*words: object, **other: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    try:
        with serving(scenario) as venue:
            done, _ = run(venue, tmp_path)
    except KeyboardInterrupt:
        pytest.fail("the recording had ended before it was interrupted")
    assert done["rows"][ETH]["quotes.parquet"] == 30


def test_a_log_whose_folder_cannot_be_synced_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each try, one a second, leaves an open file and a locked empty log."""
    from slackwater.data.recorder import log as log_module

    def refuse(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(log_module, "sync_folder", refuse)
        for k in range(5):
            with pytest.raises(OSError, match="Input/output"):
                LogWriter(tmp_path, LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", T0 + k))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_clock_that_leapt_for_a_moment_does_not_stop_time(monkeypatch: pytest.MonkeyPatch):
    """One reading ten years ahead, and every row of the next ten years is received then, in that day's folder."""
    clock = sockets.ReceiveClock()
    readings = [T0, T0 + 10 * 365 * 24 * HOUR, T0 + S, T0 + 100 * S, T0 + HOUR]
    monkeypatch.setattr(time, "time_ns", lambda: readings.pop(0))
    got = [clock.now_ns() for _ in range(5)]
    assert got[-1] <= T0 + 2 * HOUR


def test_a_stream_that_does_not_come_back_is_noticed(tmp_path: Path):
    """After a reconnect one of the streams stays silent (its subscription was lost); the others speak."""
    names = ("AUSDT", "BUSDT")

    async def scenario(venue: Venue) -> None:
        for name in names:
            await market(venue, 20, symbol=name)
        await venue.drop("/public")
        await venue.until(lambda: venue.is_subscribed(12))
        for where, streams in venue.sockets.values():
            if where == "/public":
                streams.discard("busdt@bookTicker")
        for _ in range(100):
            for name in names:
                await venue.quote(name)
            await market(venue, 1, symbol="AUSDT")
            await asyncio.sleep(0.03)

    with serving(scenario, names, wanted_streams=12) as venue:
        done, told = run(venue, tmp_path, symbols=names)
    assert done["rows"]["BUSDT"]["quotes.parquet"] <= 21
    assert "busdt@bookTicker" in done["silent_streams"] or any("busdt@bookTicker" in line for line in told)


def test_neighbouring_gaps_are_asked_for_together():
    """Each request for trades weighs 20; a thousand one-trade gaps within 2,000 ids need two or three of them."""
    intake = intake_of()
    for k in range(0, 400, 2):
        intake.take(enveloped(trade_message(k)), RECV, "/market")
    rest = Answers(
        lambda params: [
            {"a": a, "p": "1", "q": "1", "T": NOW_MS, "m": True}
            for a in range(params["fromId"], min(params["fromId"] + params["limit"], 400))
        ]
    )
    asyncio.run(Backfill(intake, rest, lambda line: None).fill())  # type: ignore[arg-type]
    assert intake.states[ETH].trades.missing == [] and len(rest.asked) <= 5


def test_an_interrupt_during_a_hand_over_ends_quietly(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    async def scenario(venue: Venue) -> None:
        for k in range(400):
            if k == 150:
                venue.muted |= set()
            await venue.quote(ETH, ask=f"100.{10 + k % 80}")
            await asyncio.sleep(0.005)
            if venue.connects["/public"] == 2:
                return

    with serving(scenario) as venue:
        run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=0.8, overlap_s=5.0))
    assert "never retrieved" not in capfd.readouterr().err


def test_a_damaged_note_does_not_cost_the_result(tmp_path: Path):
    """`record` catches OSError of the last finish, not DataError: everything that was counted is lost with it."""

    async def scenario(venue: Venue) -> None:
        await market(venue, 30)
        await asyncio.sleep(0.3)
        for path in tmp_path.rglob("*.log"):
            other = path.with_name(f"5-5{path.suffix}")
            other.write_bytes(path.read_bytes())
            other.with_name(other.name + NOTES).write_text("")

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path)
    assert done["rows"][ETH]["quotes.parquet"] >= 30


def test_a_recovery_that_kept_rows_aside_does_not_exit_with_zero(tmp_path: Path):
    from tests.end_to_end.command import slackwater

    write_log(tmp_path, [quote(T0 + S), quote(T0 + 2 * S, bid=100.0012345)])
    done = slackwater("data", "record", "--to", tmp_path, "--recover", "--venue", VENUE)
    assert "kept aside" in done.stderr and done.returncode != 0


def test_trades_of_a_new_count_do_not_delete_those_of_the_old(tmp_path: Path):
    """A venue counts anew within a day: an id alone does not say that two trades are one."""
    write_log(tmp_path, [quote(T0 + S)] + [trade(k, T0 + k * S, T0 + k * S) for k in range(1, 11)])
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + HOUR)] + [trade(k, T0 + HOUR + k * S, T0 + HOUR + k * S) for k in range(1, 6)], T0 + HOUR)
    finish_logs(tmp_path, VENUE)
    assert len(table(tmp_path, DATE, "trades")) == 15


def test_steps_that_do_not_fit_the_tape_are_told_before_recording(tmp_path: Path):
    """Today each hour of the recording is kept aside, for as long as nobody looks."""
    home = tmp_path / VENUE / ETH
    home.mkdir(parents=True)
    (home / "instrument.json").write_text('{"tick_size":"0.1","lot_size":"0.001","min_qty":"0.001","min_notional":"5"}')

    async def scenario(venue: Venue) -> None:
        await market(venue, 5)

    from slackwater.errors import SlackwaterError

    try:
        with serving(scenario, ends_recorder=False) as venue, pytest.raises(SlackwaterError):
            run(venue, tmp_path, seconds=2.0)
    finally:
        pass


def test_a_hand_over_that_failed_is_tried_again_soon(tmp_path: Path):
    """One refused connect at 23 h, and the next try would be at 46 h: the venue ends the old one at 24 h."""

    async def scenario(venue: Venue) -> None:
        venue.refuse_connects["/public"] = 1  # of the connect that is to take over
        for _ in range(330):
            await venue.quote(ETH)
            await asyncio.sleep(0.01)

    with serving(scenario) as venue:
        done, _ = run(venue, tmp_path, sockets=SocketTiming(silent_s=5.0, life_s=2.2, overlap_s=0.3, back_off_s=0.05))
    assert done["sockets"]["/public 2"]["connects"] >= 2
    assert done["sockets"]["/public 2"]["rotations"] >= 1


def test_a_venue_that_refuses_this_address_is_not_asked_at_full_speed():
    """403 is what the venue's firewall says: 3,000 look-backs of 1,000 symbols go out one behind the other."""

    class Answer:
        headers: dict[str, str] = {}
        status = 403

        async def __aenter__(self) -> Answer:
            return self

        async def __aexit__(self, *error: object) -> None: ...

        async def read(self) -> bytes:
            return b"<html>"

    class Session:
        count = 0

        def get(self, *words: object, **other: object) -> Answer:
            self.count += 1
            return Answer()

    async def go() -> int:
        session = Session()
        rest = RestClient(session, "http://x")  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(1.0):
                await Backfill(intake_of(*(f"A{k}USDT" for k in range(100))), rest, lambda line: None).look_back(NOW_MS * 1_000_000)
        except TimeoutError:
            pass
        return session.count

    assert asyncio.run(go()) <= 10


def test_a_reader_of_stderr_that_goes_does_not_end_the_recording(tmp_path: Path):
    """`slackwater data record ... 2>&1 | tee log`, or a terminal that closes: the next sentence ends the recording."""
    import subprocess

    from tests.end_to_end.command import PROGRAM

    async def endless(venue: Venue) -> None:
        while True:
            await market(venue, 1, 0.01)

    with serving(endless, ends_recorder=False) as venue:
        words = [str(PROGRAM), "data", "record", "--to", str(tmp_path), "--symbols", ETH, "--json"]
        words += ["--stream-url", venue.ws_url, "--rest-url", venue.url]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            end = time.monotonic() + 30
            while len(venue.trades[ETH]) < 50 and time.monotonic() < end:
                time.sleep(0.05)
            process.stderr.close()
            process.stderr = None
            for socket in list(venue.sockets):
                assert socket._req is not None and socket._req.transport is not None
                socket._req.task.get_loop().call_soon_threadsafe(socket._req.transport.abort)
            time.sleep(4)
            ended = process.poll()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    assert ended is None


def test_candles_from_before_leave_what_an_import_counted(tmp_path: Path):
    """The look-back puts candles into seven earlier days, which may be of an import: its counts are gone then."""
    import pyarrow as pa

    from slackwater.data.formats.importer import ImportRequest, import_tape

    day = T0 - 24 * HOUR
    values = {"ts_event": [day + k * S for k in range(1, 9)], "bid": [100.0] * 7 + [-1.0], "bid_qty": [1.0] * 8, "ask": [101.0] * 8}
    pq.write_table(pa.table(values | {"ask_qty": [1.0] * 8}), tmp_path / "q.parquet")
    trades = {"ts_event": [day + S], "price": [100.0], "qty": [1.0], "buyer_maker": [True]}
    pq.write_table(pa.table(trades), tmp_path / "t.parquet")
    import_tape(ImportRequest(VENUE, ETH, tmp_path / "q.parquet", tmp_path / "t.parquet", tmp_path / "tape", "0.01", "0.001"))
    manifest = tmp_path / "tape" / VENUE / ETH / "2023-11-14" / "manifest.json"
    before = json.loads(manifest.read_text())
    assert before["quarantined"] == {"negative_price": 1}
    write_log(tmp_path / "tape", [candle(day + MINUTE), quote(T0 + S)])
    finish_logs(tmp_path / "tape", VENUE)
    after = json.loads(manifest.read_text())
    assert after["quarantined"] == before["quarantined"]
    assert set(before) <= set(after)


def test_one_estimate_from_the_future_is_not_paid_every_second():
    intake, hour = intake_of(), 3_600_000
    intake.take(enveloped(mark(NOW_MS - 2000, NOW_MS)), RECV, "/market")
    intake.take(enveloped(mark(9 * 10**12, NOW_MS)), RECV, "/market")
    for k in range(100):
        intake.take(enveloped(mark(NOW_MS + k * 1000, NOW_MS + 8 * hour)), RECV, "/market")
    assert len(rows_of(intake)) == 1


@pytest.mark.skipif("SLACKWATER_DEEP" not in os.environ, reason="half a minute; 1.6 GB at 60 million rows")
def test_one_late_trade_does_not_have_the_rest_of_the_day_in_memory(tmp_path: Path):
    """A gap of the morning that is filled in the evening: `sort_file` holds every row in between, and sorts them again for each batch."""
    import subprocess
    import sys

    count = 4_000_000
    rows = np.zeros(count, LOG_ROW)
    rows["kind"], rows["number"], rows["a"], rows["b"] = 2, np.arange(count) + 10, 100.0, 1.0
    rows["ts_event"] = T0 + HOUR + np.arange(count) * 5_000_000
    rows["ts_recv"] = rows["ts_event"] + 1000
    write_log(tmp_path, [rows.tobytes()])
    finish_logs(tmp_path, VENUE)
    write_log(tmp_path, [quote(T0 + 20 * HOUR), trade(1, T0 + S)], T0 + 20 * HOUR)
    code = f"""
import threading, time
from pathlib import Path
from slackwater.data.recorder.finish import finish_logs
peak = 0
def watch():
    global peak
    while True:
        peak = max(peak, next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('RssAnon')))
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
finish_logs(Path({str(tmp_path)!r}), {VENUE!r})
print(peak)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300_000


def test_a_disk_that_is_really_full_does_not_end_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The error's traceback keeps `append`'s memoryview of the rows alive: neither `put_back` nor `take` may grow them then."""
    intake = intake_of()
    real, is_full = os.write, False

    def write(file: int, data: memoryview) -> int:
        if is_full and len(data) % 72 == 0:
            time.sleep(0.02)  # messages come meanwhile
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    async def go() -> None:
        nonlocal is_full
        header = LogHeader(VENUE, (ETH,), (SPEC,), "wss://x", 0)
        keeper = LogKeeper(tmp_path, header, intake, KeeperTiming(write_s=0.01), KeeperHooks(print, lambda: None, list))
        stop = asyncio.Event()
        task = asyncio.create_task(keeper.run(stop))
        for k in range(400):
            is_full = 100 < k < 300
            intake.take(enveloped(book(k + 1, NOW_MS + k)), RECV + k, "/x")
            await asyncio.sleep(0.001)
        stop.set()
        await task
        await keeper.write()
        await keeper.close()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        asyncio.run(go())
    assert len(read_log(next(tmp_path.glob("*.log")))[1]) == 400
