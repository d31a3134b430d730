"""One back-test in memory: state, venues and cursors of its symbols, and the calls into the compiled loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slackwater.kernel.gather import address_of
from slackwater.kernel.jit import make_ready
from slackwater.kernel.record import Box, new, rows
from slackwater.kernel.rng import seed_rng
from slackwater.runtime.tables import Names
from slackwater.schema.audit import Out
from slackwater.schema.state import SymbolState
from slackwater.schema.units import NEVER_NS
from slackwater.sim import loop
from slackwater.sim.cursors import Cursor
from slackwater.sim.faults import after_window_ns
from slackwater.sim.records import VenueState
from slackwater.sim.seeding import seed_feed, seed_venue

Arguments = tuple[Box, Box, Box]  # of every entry point of the loop
ROWS_PER_CALL = 1 << 20  # the loop comes back this often, so that a bar can move and Ctrl-C is heard


@dataclass(frozen=True)
class SymbolInput:
    """What a run needs of one symbol.

    Args:
        rows: record array of TapeRow in receive order.
        venue_order: row numbers in venue-time order, or None when that is the rows' own.
        instrument: one row of Instrument.
        zones: TapeZone of the rows, which make passing over them quicker; None for none.
        candle_frames: time frames whose candles the tape brings, from whenever on; the others are built from mids.
    """

    name: str
    rows: Box
    venue_order: NDArray[np.int64] | None
    instrument: Box
    zones: Box | None = None
    candle_frames: tuple[int, ...] = ()


class Session:
    """State of a run from its first row to its end.

    Args:
        symbols: sorted by name.
        params: one row of Params.
        seed: start of all randomness.
        start_ns, end_ns: rows that reach us from `start_ns` on and before `end_ns` are run; None is open. Candles
            before the start are known.
        delays: rows of LatencySample, for the recorded latency model.
    """

    def __init__(
        self,
        symbols: Sequence[SymbolInput],
        params: Box,
        seed: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        delays: Box | None = None,
    ) -> None:
        count = len(symbols)
        self.inputs = list(symbols)
        self.params = params
        self.delays = delays
        self.states = rows(SymbolState, count)
        self.venues = rows(VenueState, count)
        self.cursors = rows(Cursor, count)
        self.out = new(Out)
        self.loop = new(loop.Loop)
        self.loop[0].portfolio.states_address = address_of(self.states)
        self.loop[0].portfolio.count = count
        self.loop[0].venues_address = address_of(self.venues)
        self.loop[0].cursors_address = address_of(self.cursors)
        for k, source in enumerate(symbols):
            self._set_up(k, source, seed, start_ns, end_ns)
        # One without rows writes nothing.
        ends = [self.heard_ns(k, c.stop - 1) for k, c in enumerate(self.cursors) if c.stop > c.first]
        self.first_end_ns, self.last_ns = min(ends, default=0), max(ends, default=0)

    def heard_ns(self, k: int, row: int) -> int:
        """When a row of a symbol's tape reaches the strategy: its receive time, or the end of the stall that this falls into."""
        at_ns, c = int(self.inputs[k].rows["ts_recv"][row]), self.cursors[k]
        return at_ns if c.stall_every_ns == 0 else int(after_window_ns(at_ns, c.stall_phase_ns, c.stall_every_ns, c.stall_ns))

    def fed_until_ns(self, k: int, moment_ns: int) -> int:
        """The last receive time of the tape whose rows have reached the strategy by a moment: inside a stall, the time before it."""
        c = self.cursors[k]
        into_ns = (moment_ns - int(c.stall_phase_ns)) % int(c.stall_every_ns) if c.stall_every_ns > 0 else int(c.stall_ns)
        return moment_ns - into_ns - 1 if into_ns < c.stall_ns else moment_ns

    def _set_up(self, k: int, source: SymbolInput, seed: int, start_ns: int | None, end_ns: int | None) -> None:
        state = self.states[k]
        state.symbol = k
        self.states["ins"][k] = source.instrument[0]
        for frame in source.candle_frames:
            state.market.frames[frame].from_tape = True
        self.venues[k].symbol = k
        seed_rng(state.rng, seed, source.name)
        seed_venue(self.venues[k], self.params, seed, source.name, self.delays)
        recv = source.rows["ts_recv"]
        cursor = self.cursors[k]
        seed_feed(cursor, self.params, seed)
        cursor.rows_address = address_of(source.rows)
        cursor.row_count = len(source.rows)
        cursor.order_address = 0 if source.venue_order is None else address_of(source.venue_order)
        cursor.zones_address = 0 if source.zones is None else address_of(source.zones)
        cursor.first = 0 if start_ns is None else np.searchsorted(recv, start_ns, "left")
        cursor.stop = len(recv) if end_ns is None else np.searchsorted(recv, end_ns, "left")
        cursor.local = cursor.first

    @property
    def row_count(self) -> int:
        """Rows of the tapes within the run."""
        return int(sum(max(int(c.stop) - int(c.first), 0) for c in self.cursors))

    @property
    def rows_done(self) -> int:
        """Rows that have reached the strategy."""
        return int(self.loop[0].rows_done)

    def names(self, epoch: int = 0) -> Names:
        """What translates this run's rows for files."""
        ins = self.states["ins"]
        tick = np.stack([ins["tick_num"], ins["tick_den"]], axis=1)
        lot = np.stack([ins["lot_num"], ins["lot_den"]], axis=1)
        return Names([source.name for source in self.inputs], tick, lot, epoch)

    def load_kernels(self) -> None:
        """Compile what `run` calls, or load it from the cache, so that the run's time is its own."""
        arguments = self._arguments()
        make_ready(loop.preload, arguments[:2])
        make_ready(loop.run, arguments)
        make_ready(loop.expire, (self.loop,))

    def run(self) -> Iterator[Box]:
        """Run the tape to its end and finish. Yields the buffers whenever they must be emptied or some rows have gone by."""
        arguments = self._arguments()
        self.loop[0].until_ns = NEVER_NS
        yield from self._run_tape(arguments)
        loop.expire(self.loop)
        yield from self._until_done(arguments)

    def run_until(self, moment_ns: int) -> Iterator[Box]:
        """Run the tape up to and including a moment and leave everything as it stands then; may go on to a later one. Yields like `run`."""
        self.loop[0].until_ns = moment_ns
        yield from self._run_tape(self._arguments())

    def run_to_row(self, symbol: int, row: int) -> Iterator[Box]:
        """Run the tape until a symbol's row is the next of its rows to reach the strategy. Yields like `run`."""
        moment_ns = self.heard_ns(symbol, row)
        yield from self.run_until(moment_ns - 1)
        self.loop[0].until_ns = moment_ns
        while self.cursors[symbol].local < row:
            self.loop[0].pause_at = self.rows_done + 1
            loop.run(*self._arguments())
            yield self.out

    def _arguments(self) -> Arguments:
        return self.loop, self.params, self.out

    def _run_tape(self, arguments: Arguments) -> Iterator[Box]:
        if not self.loop[0].started:
            loop.preload(self.loop, self.params)
        yield from self._until_done(arguments)

    def _until_done(self, arguments: Arguments) -> Iterator[Box]:
        pause = int(loop.Pause.EVENTS)
        while pause != loop.Pause.DONE:
            if pause == loop.Pause.EVENTS:
                self.loop[0].pause_at = self.rows_done + ROWS_PER_CALL
            pause = loop.run(*arguments)
            yield self.out
