"""The back-test's loop: tapes of all symbols merged by time, strategy and venue in between, without touching Python.

A tape row happens at the venue at `ts_event` and reaches the strategy at `ts_recv`. At one moment the venue's events come first
(the tape's before what arrives from us), then reports, then tape rows, then timers; within each, symbols by name.
While we hold nothing, none of our orders rests and none is on its way, the venue's book is not followed: it is looked up when an order
arrives.
"""

from __future__ import annotations

from enum import IntEnum

from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline, jit_loop
from slackwater.kernel.record import Box, Record, flag, i64
from slackwater.machine import grid_trader
from slackwater.market.signals import on_candle
from slackwater.schema.audit import Out
from slackwater.schema.events import Report, RowKind
from slackwater.schema.params import Params
from slackwater.schema.state import Portfolio, SymbolState, state_at
from slackwater.schema.units import NEVER_NS
from slackwater.sim import exchange
from slackwater.sim.cursors import Cursor, cursor_at, recv_ns, row_at
from slackwater.sim.ending import Phase, drain, end_tape, is_shut_down, tell_ends
from slackwater.sim.following import happen, seek, show_until
from slackwater.sim.records import VenueState, venue_at


class Pause(IntEnum):
    """Why the loop came back."""

    DONE = 0
    LOGS = 1  # the rows written must be taken away
    EVENTS = 2  # as many rows as asked for


class Step(IntEnum):
    """What became of the earliest thing that is due."""

    NOTHING_LEFT = 0
    TAKEN = 1
    ROW_IS_NEXT = 2


class Loop(Record):
    """The loop's own memory."""

    now_ns: i64
    rows_done: i64
    pause_at: i64  # come back after this many rows
    until_ns: i64  # nothing later than this happens
    due_ns: i64  # earliest `due_ns` of all symbols
    venue_ns: i64  # earliest `venue_ns` of all symbols
    venue_symbol: i64  # whose it is
    current: i64  # symbol whose row is next
    rival_ns: i64  # no other symbol's row is earlier than this
    rival: i64  # the symbol it belongs to
    started: flag
    has_ended: flag  # a symbol's last row, or last event of all, has come, and what follows from that has not happened
    report: Report  # the one being delivered
    venues_address: i64  # one VenueState and one Cursor per symbol, as the portfolio's states
    cursors_address: i64
    portfolio: Portfolio


@jit_inline
def _state(lp: Loop, k: int) -> SymbolState:
    return state_at(lp.portfolio.states_address, k)


@jit_inline
def _venue(lp: Loop, k: int) -> VenueState:
    return venue_at(lp.venues_address, k)


@jit_inline
def _cursor(lp: Loop, k: int) -> Cursor:
    return cursor_at(lp.cursors_address, k)


@jit
def _refresh_due(lp: Loop, k: int) -> None:
    """Look again at what is next for a symbol, after something of it changed."""
    s = _state(lp, k)
    v = _venue(lp, k)
    c = _cursor(lp, k)
    due_ns = min(exchange.next_arrival_ns(v), exchange.next_report_ns(v))
    if c.phase == Phase.SHUTDOWN and (is_shut_down(s) or min(due_ns, s.wake_ns) > c.limit_ns):
        drain(s, c)
    c.due_ns = min(due_ns, s.wake_ns)
    if c.phase == Phase.DRAIN and c.due_ns == NEVER_NS:
        lp.has_ended = True
    lp.due_ns = NEVER_NS
    for j in range(lp.portfolio.count):
        lp.due_ns = min(lp.due_ns, _cursor(lp, j).due_ns)
    _choose_venue(lp)


@jit
def _choose_venue(lp: Loop) -> None:
    """Find the symbol whose venue has the next row."""
    lp.venue_ns = NEVER_NS
    for j in range(lp.portfolio.count):
        if _cursor(lp, j).venue_ns < lp.venue_ns:
            lp.venue_ns = _cursor(lp, j).venue_ns
            lp.venue_symbol = j


@jit
def _follow_venue(lp: Loop, p: Params, horizon_ns: int) -> None:
    """Rows happen at one symbol's venue, up to a moment or until the venue has something to say. Venues do not know each other, so their
    order among symbols does not matter."""
    k = lp.venue_symbol
    c = _cursor(lp, k)
    v = _venue(lp, k)
    spoken = v.last_sequence
    while c.venue_ns <= horizon_ns and c.venue_ns < NEVER_NS and v.last_sequence == spoken:
        lp.now_ns = max(lp.now_ns, c.venue_ns)
        happen(v, c, _state(lp, k).ins, p)
    if v.last_sequence != spoken:
        _refresh_due(lp, k)
    else:
        _choose_venue(lp)


@jit
def _send_commands(v: VenueState, p: Params, out: Out) -> None:
    for k in range(out.command_count):
        exchange.submit(v, p, out.commands[k])
    out.command_count = 0


@jit
def _choose_tape(lp: Loop) -> None:
    """Find the symbol whose row comes next and how long nobody else's does."""
    best = 0
    for k in range(1, lp.portfolio.count):
        if _cursor(lp, k).recv_ns < _cursor(lp, best).recv_ns:
            best = k
    lp.current = best
    lp.rival_ns = NEVER_NS
    lp.rival = lp.portfolio.count
    for k in range(lp.portfolio.count):
        if k != best and _cursor(lp, k).recv_ns < lp.rival_ns:
            lp.rival_ns = _cursor(lp, k).recv_ns
            lp.rival = k


@jit
def _deliver_rows(lp: Loop, p: Params, out: Out, k: int, before_ns: int) -> None:
    """The next row of a tape reaches the strategy, and the ones after it as long as nothing else can come in between.

    Args:
        before_ns: nothing else happens earlier than this, unless the strategy asks for it.
    """
    c = _cursor(lp, k)
    s = _state(lp, k)
    wake_ns = s.wake_ns
    first = c.local
    last = first + lp.pause_at - lp.rows_done - 1
    while True:
        now_ns = c.recv_ns
        is_quiet = grid_trader.on_row(lp.portfolio, s, p, out, row_at(c.rows_address, c.local), now_ns)
        c.local += 1
        c.recv_ns = recv_ns(c)
        if rare(c.recv_ns >= before_ns or c.local > last):
            break
        if rare(not is_quiet) and (out.command_count > 0 or s.wake_ns != wake_ns or out.is_nearly_full):
            break
    lp.rows_done += c.local - first
    lp.now_ns = now_ns
    c.heard_ns = now_ns
    if out.command_count > 0 or s.wake_ns != wake_ns or c.recv_ns == NEVER_NS:
        _after_row(lp, p, out, k)


@jit
def _after_row(lp: Loop, p: Params, out: Out, k: int) -> None:
    """What a row led to: commands leave, timers are noted, and a tape that has ended is."""
    if _cursor(lp, k).recv_ns == NEVER_NS:
        lp.has_ended = True
    _send_commands(_venue(lp, k), p, out)
    _refresh_due(lp, k)


@jit
def _end_one(lp: Loop, p: Params, out: Out) -> None:
    """Let one symbol whose last row has been delivered end, or mark the account of one that has ended; else nothing is left to do."""
    for k in range(lp.portfolio.count):
        c = _cursor(lp, k)
        if c.phase == Phase.DRAIN and c.due_ns == NEVER_NS:
            c.phase = Phase.OVER
            if _state(lp, k).ledger.short_lots > 0:
                grid_trader.log_equity(_state(lp, k), p, out, c.heard_ns)
            return
        if c.phase == Phase.TAPE and c.recv_ns == NEVER_NS:
            end_tape(lp.portfolio, _state(lp, k), p, out, c)
            _send_commands(_venue(lp, k), p, out)
            _refresh_due(lp, k)
            return
    lp.has_ended = False


@jit
def _earliest(lp: Loop) -> tuple[int, int]:
    """Which symbol's which kind of event is due: 0 arrival, 1 report, 2 row, 3 timer; -1 when nothing is."""
    symbol = -1
    kind = -1
    when = NEVER_NS
    for k in range(lp.portfolio.count):
        if _cursor(lp, k).due_ns > when:
            continue
        arrival_ns = exchange.next_arrival_ns(_venue(lp, k))
        report_ns = exchange.next_report_ns(_venue(lp, k))
        first_ns = _cursor(lp, k).due_ns
        first_kind = 0 if arrival_ns == first_ns else (1 if report_ns == first_ns else 3)
        if first_ns < when or (first_ns == when and first_kind < kind and first_ns < NEVER_NS):
            when = first_ns
            kind = first_kind
            symbol = k
    row_ns = _cursor(lp, lp.current).recv_ns
    if row_ns < when or (row_ns == when and kind == 3 and row_ns < NEVER_NS):
        return lp.current, 2
    return symbol, kind


@jit
def _arrive(s: SymbolState, v: VenueState, c: Cursor, p: Params, lp: Loop) -> None:
    """What we sent reaches the venue, which shows its book of that moment; from then on other rows may matter."""
    arrival_ns = exchange.next_arrival_ns(v)
    lp.now_ns = max(lp.now_ns, arrival_ns)
    show_until(v, c, arrival_ns)
    exchange.on_arrival(v, s.ins, p)
    seek(v, c)


@jit
def _step_due(lp: Loop, p: Params, out: Out) -> int:
    """Do the earliest of everything that is due, unless that is a row: the caller delivers it. Returns the Step."""
    k, kind = _earliest(lp)
    if kind < 0:
        return Step.NOTHING_LEFT.value
    if kind == 2:
        return Step.ROW_IS_NEXT.value
    s = _state(lp, k)
    v = _venue(lp, k)
    if kind == 0:
        _arrive(s, v, _cursor(lp, k), p, lp)
    elif kind == 1:
        exchange.pop_report(v, lp.report)
        lp.now_ns = max(lp.now_ns, lp.report.ts_recv_ns)
        _cursor(lp, k).heard_ns = lp.report.ts_recv_ns
        grid_trader.on_report(lp.portfolio, s, p, out, lp.report)
    else:
        lp.now_ns = max(lp.now_ns, s.wake_ns)
        grid_trader.on_timer(lp.portfolio, s, p, out, s.wake_ns)
    _send_commands(v, p, out)
    _refresh_due(lp, k)
    return Step.TAKEN.value


@jit_loop
def run(loop_box: Box, params: Box, out_box: Box) -> int:
    """Run until `until_ns`, until nothing is left, or for a reason to come back; returns the Pause.

    Args:
        loop_box: one row, which knows where the symbols' states, venues and cursors lie, each sorted by name.
        params, out_box: one row each.
    """
    p = params[0]
    out = out_box[0]
    lp = loop_box[0]
    if not lp.started:
        start(lp)
    while True:
        if out.is_nearly_full:
            return Pause.LOGS.value
        if lp.rows_done >= lp.pause_at:
            return Pause.EVENTS.value
        if lp.has_ended:
            _end_one(lp, p, out)
            continue
        row_ns = _cursor(lp, lp.current).recv_ns
        next_ns = min(row_ns, lp.due_ns)
        if min(next_ns, lp.venue_ns) > lp.until_ns:
            return Pause.DONE.value
        if lp.venue_ns <= next_ns and lp.venue_ns < NEVER_NS:
            _follow_venue(lp, p, next_ns)
            continue
        if row_ns >= lp.due_ns:
            step = _step_due(lp, p, out)
            if step == Step.NOTHING_LEFT:
                return Pause.DONE.value
            if step == Step.TAKEN:
                continue
        k = lp.current
        _deliver_rows(lp, p, out, k, min(lp.due_ns, lp.venue_ns, lp.rival_ns, lp.until_ns))
        next_row_ns = _cursor(lp, k).recv_ns
        if next_row_ns > lp.rival_ns or (next_row_ns == lp.rival_ns and lp.rival < k):
            _choose_tape(lp)


@jit
def start(lp: Loop) -> None:
    """Put every symbol at its first row."""
    for k in range(lp.portfolio.count):
        _state(lp, k).wake_ns = NEVER_NS
        _cursor(lp, k).recv_ns = recv_ns(_cursor(lp, k))
        _cursor(lp, k).due_ns = NEVER_NS
        _cursor(lp, k).venue_ns = NEVER_NS
    lp.due_ns = NEVER_NS
    lp.venue_ns = NEVER_NS
    _choose_tape(lp)
    lp.has_ended = True  # one without rows has ended before it begins
    lp.started = True


@jit_loop
def preload(loop_box: Box, params: Box) -> None:
    """Make known the candles from before the run's first row."""
    lp = loop_box[0]
    sp = params[0].signals
    for k in range(lp.portfolio.count):
        c = _cursor(lp, k)
        for index in range(c.first):
            row = row_at(c.rows_address, index)
            if row.kind == RowKind.CANDLE:
                on_candle(_state(lp, k).market, sp, row.price_ticks, row.value, row.ask_ticks)


@jit_loop
def expire(loop_box: Box) -> None:
    """When nothing is left, end every order that has not ended."""
    lp = loop_box[0]
    for k in range(lp.portfolio.count):
        tell_ends(_state(lp, k), _venue(lp, k), _cursor(lp, k).heard_ns)
        _refresh_due(lp, k)
