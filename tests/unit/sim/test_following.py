"""The tape as a venue sees it: what is passed over tells the same story as every row, and any moment has its book."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from slackwater.data.cache import zones_of
from slackwater.kernel.gather import address_of
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new, rows
from slackwater.schema.commands import CommandKind, Side, Tif
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.units import MS, NEVER_NS
from slackwater.sim import exchange, following
from slackwater.sim.cursors import Cursor
from slackwater.sim.following import LOOK_AHEAD
from tests.scenarios.venue.venue_table import Venue, report_text


@jit
def _until(v, ins, p, c, moment_ns):
    """Rows up to a moment happen as the loop lets them."""
    while c[0].venue_ns <= moment_ns and c[0].venue_ns < NEVER_NS:
        following.happen(v[0], c[0], ins[0], p[0])


@jit
def _arrive(v, ins, p, c):
    following.show_until(v[0], c[0], exchange.next_arrival_ns(v[0]))
    exchange.on_arrival(v[0], ins[0], p[0])
    following.seek(v[0], c[0])


@jit
def _seek(v, c):
    following.seek(v[0], c[0])


@jit
def _show_until(v, c, moment_ns):
    following.show_until(v[0], c[0], moment_ns)


@jit
def _on_rows(v, ins, p, tape, first, moment_ns):
    """Every row up to a moment happens; returns the first one that does not."""
    while first < len(tape) and tape[first].ts_event <= moment_ns:
        exchange.on_row(v[0], ins[0], p[0], tape[first])
        first += 1
    return first


def book(row: np.record, at_ns: int, bid: int, ask: int, bid_lots: int = 9, ask_lots: int = 9) -> None:
    row.ts_event = row.ts_recv = at_ns
    row.kind, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots = RowKind.BOOK, bid, bid_lots, ask, ask_lots


def steady_tape(length: int) -> Box:
    """A book of 100.0 and 100.2 each millisecond, its size telling which one it is."""
    tape = rows(TapeRow, length)
    for k in range(length):
        book(tape[k], (k + 1) * MS, 1000, 1002, 10 + k)
    return tape


# The cursor knows the tape, its order and its zones by their addresses: a test keeps all three.
def cursor_over(
    tape: Box, order: np.ndarray | None = None, first: int = 0, stop: int | None = None, zones: np.ndarray | None = None
) -> Box:
    c = new(Cursor)
    c[0].rows_address, c[0].row_count = address_of(tape), len(tape)
    c[0].order_address = 0 if order is None else address_of(order)
    c[0].zones_address = 0 if zones is None else address_of(zones)
    c[0].first, c[0].stop = first, len(tape) if stop is None else stop
    return c


def resting_venue(sell_ticks: int) -> Venue:
    """A venue at which a sell of ours rests."""
    venue = Venue()
    venue.book(0, 1000, 5, 1002, 5)
    venue.send(0, CommandKind.PLACE, 1, price_ticks=sell_ticks, lots=2)
    venue.arrive_until(0)
    assert [report_text(r).split()[0] for r in venue.pop_all()] == ["ack"]
    return venue


def test_rows_that_touch_nothing_are_passed_over() -> None:
    tape = steady_tape(40)
    book(tape[30], 31 * MS, 1004, 1006)
    venue, c = resting_venue(1005), cursor_over(tape)
    _seek(venue.v, c)
    assert (c[0].venue, c[0].venue_ns) == (30, 31 * MS)
    _until(venue.v, venue.ins, venue.p, c, 31 * MS)
    # It only comes near: the ask above our price shows that nobody stands before us any more.
    assert c[0].shown == 31
    assert list(venue.state.touch_ticks) == [1004, 1006]


def test_nothing_is_sought_while_nothing_of_ours_is_there() -> None:
    tape = steady_tape(5)
    c, venue = cursor_over(tape), Venue()
    _seek(venue.v, c)
    assert (c[0].venue, c[0].venue_ns) == (0, NEVER_NS)


def test_a_look_ahead_ends_and_goes_on_when_its_time_has_come() -> None:
    tape = steady_tape(2 * LOOK_AHEAD + 10)
    venue, c = resting_venue(1100), cursor_over(tape)
    _seek(venue.v, c)
    assert (c[0].venue, c[0].venue_ns) == (LOOK_AHEAD, (LOOK_AHEAD + 1) * MS)
    _until(venue.v, venue.ins, venue.p, c, (LOOK_AHEAD + 1) * MS)
    assert c[0].venue == 2 * LOOK_AHEAD + 1
    _until(venue.v, venue.ins, venue.p, c, 10_000 * MS)
    assert c[0].venue_ns == NEVER_NS


@pytest.mark.parametrize(("first", "stop", "found"), [(0, 250, 130), (64, 250, 130), (65, 250, 70), (20, 100, 100), (127, 250, 127)])
def test_a_zone_of_rows_is_passed_over_at_once(first: int, stop: int, found: int) -> None:
    tape = steady_tape(250)
    book(tape[130], 131 * MS, 1099, 1101)
    zones = zones_of(tape)
    for k in (70, 80, 127):
        book(tape[k], (k + 1) * MS, 1099, 1101)  # the zone of rows 64 to 127 does not know
    venue, c = resting_venue(1100), cursor_over(tape, first=first, stop=stop, zones=zones)
    _seek(venue.v, c)
    assert c[0].venue == found


def test_a_zone_that_comes_near_is_gone_through() -> None:
    tape = steady_tape(250)
    book(tape[70], 71 * MS, 1099, 1101)
    zones = zones_of(tape)
    venue, c = resting_venue(1100), cursor_over(tape, zones=zones)
    _seek(venue.v, c)
    assert c[0].venue == 70
    tape[10].kind = RowKind.FUNDING
    zones = zones_of(tape)
    c = cursor_over(tape, zones=zones)
    _seek(venue.v, c)
    assert c[0].venue == 10


@pytest.mark.parametrize("at_ms", [0, 1, 2, 17, 63, 64, 99, 100, 5_000])
def test_any_moment_has_its_book(at_ms: int) -> None:
    tape = steady_tape(100)
    venue, c = resting_venue(1100), cursor_over(tape)
    _seek(venue.v, c)
    _show_until(venue.v, c, at_ms * MS)
    assert int(venue.state.touch_lots[0]) == (10 + min(at_ms, 100) - 1 if at_ms else 5)
    assert (c[0].shown, c[0].venue) == (min(at_ms, 100), min(at_ms, 100))


def test_only_valid_books_of_the_run_are_shown() -> None:
    tape = steady_tape(12)
    book(tape[8], 9 * MS, 1005, 1003)  # crossed
    tape[9].kind, tape[9].price_ticks, tape[9].lots = RowKind.TRADE, 1001, 3
    venue, c = resting_venue(1100), cursor_over(tape, first=5, stop=10)
    _show_until(venue.v, c, 12 * MS)
    assert int(venue.state.touch_lots[0]) == 10 + 7
    venue, c = resting_venue(1100), cursor_over(tape, first=5, stop=10)
    _show_until(venue.v, c, 5 * MS)
    assert int(venue.state.touch_lots[0]) == 5


def test_rows_after_the_run_are_not_gone_through() -> None:
    tape = steady_tape(50)
    venue, c = resting_venue(1100), cursor_over(tape, stop=20)
    _seek(venue.v, c)
    assert (c[0].venue, c[0].venue_ns) == (20, NEVER_NS)
    _show_until(venue.v, c, 100 * MS)
    assert (c[0].shown, int(venue.state.touch_lots[0])) == (20, 10 + 19)


def test_rows_are_followed_in_venue_time() -> None:
    tape = steady_tape(6)
    tape.ts_event[2], tape.ts_event[3] = 40 * MS // 10, 3 * MS
    order = np.array([0, 1, 3, 2, 4, 5])
    venue, c = resting_venue(1100), cursor_over(tape, order)
    _show_until(venue.v, c, 3 * MS)
    assert (int(venue.state.touch_lots[0]), int(c[0].shown)) == (13, 3)
    _seek(venue.v, c)
    assert (c[0].venue, c[0].venue_ns) == (3, 4 * MS)


def random_tape(rng: np.random.Generator, length: int) -> Box:
    """Books, trades, candles and funding about a price that walks, some of them senseless, several at one moment."""
    tape = rows(TapeRow, length)
    bid, now_ns = 1000, 0
    for k in range(length):
        now_ns += int(rng.choice([0, 0, 1, 1, 2, 9])) * MS
        bid += int(rng.choice([-1, 0, 0, 0, 0, 0, 1]))
        row = tape[k]
        if rng.random() < 0.6:
            spread = int(rng.choice([2, 2, 3, 5, 0, -1], p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05]))
            book(row, now_ns, bid, bid + spread, int(rng.integers(0, 9)), int(rng.integers(0, 9)))
            continue
        row.ts_event = row.ts_recv = now_ns
        row.kind = RowKind.TRADE if rng.random() < 0.95 else RowKind.FUNDING
        row.price_ticks, row.lots, row.buyer_maker = bid + int(rng.integers(0, 4)), int(rng.integers(0, 6)), rng.random() < 0.5
        row.value = 1e-4
        if rng.random() < 0.05:
            row.kind, row.price_ticks, row.ask_ticks = RowKind.CANDLE, int(rng.integers(0, 3)), now_ns
    return tape


def commands(rng: np.random.Generator, last_ns: int, below: int, above: int) -> list[Callable[[Venue], None]]:
    """Orders, amends and cancels at moments of the tape, so far below and above where its price begins."""
    found: list[Callable[[Venue], None]] = []
    for k, at_ns in enumerate(sorted(int(t) for t in rng.integers(0, last_ns, 60))):
        side = Side.SELL if rng.random() < 0.6 else Side.BUY
        price, lots = 1000 + int(rng.integers(-below, above)), int(rng.integers(1, 5))
        tif, target = (Tif.IOC if rng.random() < 0.2 else Tif.GTX), int(rng.integers(1, k + 2))
        kind = CommandKind(int(rng.choice([CommandKind.PLACE, CommandKind.PLACE, CommandKind.AMEND, CommandKind.CANCEL])))
        order_id = k + 1 if kind == CommandKind.PLACE else target
        fields = {"price_ticks": price, "lots": lots, "side": side, "tif": tif}

        def send(venue: Venue, at_ns: int = at_ns, kind: CommandKind = kind, order_id: int = order_id, fields: dict = fields) -> None:
            venue.send(at_ns, kind, order_id, **fields)

        found.append(send)
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("model", [0, 1, 2])
def test_what_is_passed_over_tells_the_same_story(seed: int, model: int) -> None:
    rng = np.random.default_rng(seed)
    tape = random_tape(rng, 900)
    last_ns = int(tape.ts_event[-1])
    schedule = commands(rng, last_ns, 6, 9) if seed % 2 else commands(rng, last_ns, 20, 30)
    order = None if seed % 3 else np.arange(len(tape))
    zones = zones_of(tape) if seed % 4 else None
    ahead, naive, c = Venue(), Venue(), cursor_over(tape, order, zones=zones)
    first = 0
    for venue in (ahead, naive):
        venue.p[0].queue_model = model
        venue.p[0].entry_latency_ns = 3 * MS
    for send in [*schedule, None]:
        for venue in (ahead, naive):
            if send is not None:
                send(venue)
        moment_ns = int(exchange.next_arrival_ns(naive.state)) if send is not None else last_ns
        _until(ahead.v, ahead.ins, ahead.p, c, moment_ns)
        first = _on_rows(naive.v, naive.ins, naive.p, tape, first, moment_ns)
        if send is not None:
            _arrive(ahead.v, ahead.ins, ahead.p, c)
            naive.arrive_until(moment_ns)
    _show_until(ahead.v, c, last_ns)
    told = [report_text(r) for r in ahead.pop_all()]
    assert told == [report_text(r) for r in naive.pop_all()]
    assert any("fill" in line for line in told)
    for name in ("position_lots", "touch_ticks", "touch_lots", "taken_lots", "funding_usd", "resting_count", "liquidation_count"):
        assert np.array_equal(ahead.state[name], naive.state[name]), name
