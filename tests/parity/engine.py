"""A compiled run taken apart: it stops before and after every row of the tape, and says what happened in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np

from slackwater.config import Config
from slackwater.kernel.record import Box, dtype_of
from slackwater.runtime.session import Session, SymbolInput
from slackwater.schema.enums import OrderStatus
from slackwater.schema.params import Params, SignalParams
from slackwater.schema.units import NEVER_NS
from slackwater.sim import loop
from tests.market_kit import instrument
from tests.reference.settings import Settings

LOGS = {
    "order_events": "order_event_count",
    "fills": "fill_count",
    "closes": "close_count",
    "realisations": "realisation_count",
    "edges": "edge_count",
    "decisions": "decision_count",
    "equities": "equity_count",
    "orders": "order_count",
}
# Not whole milliseconds: no answer of the venue meets a row of the tape.
LATENCIES = {"entry_latency_ns": 5_137_000, "response_latency_ns": 5_211_000}
NOTHING_NS = -1  # up to here nothing happens but the end of a tape whose last row has been delivered
NOT_IN_PARAMS = {"klines", "tick_num", "tick_den", "lot_num", "lot_den", "min_lots", "venue_min_notional_usd", "cooldown_step_ns"}
Rows = dict[str, list[SimpleNamespace]]


class Stop(Enum):
    """Where a run stopped."""

    BEFORE_ROW = 0
    AFTER_ROW = 1
    ENDED = 2  # a symbol's tape has ended: everything of it is to be closed, or no more is decided
    DRAINED = 3  # all that was still to happen has


@dataclass(frozen=True)
class Step:
    """What happened since the stop before. `row` is the row that was delivered or comes next."""

    stop: Stop
    symbol: int
    row: Any
    logs: Rows


def params_of(settings: Settings) -> Box:
    """The reference's settings, and the defaults of everything it does not know, as the machine reads them."""
    box = Config().to_params()
    params = box[0]
    params.always_split, params.min_slices, params.max_slices = False, 1, 1  # the reference decides, it does not cut
    for name, value in asdict(settings).items():
        if name in NOT_IN_PARAMS:
            continue
        record = params.signals if name in (dtype_of(SignalParams).names or ()) else params
        assert name in (dtype_of(Params).names or ()) or record is not params
        record[name] = value
    params.cooldown_steps = len(settings.cooldown_step_ns)
    params.cooldown_step_ns[: params.cooldown_steps] = settings.cooldown_step_ns
    for name, latency_ns in LATENCIES.items():
        params[name] = latency_ns
    return box


def settings_of(params: Box) -> dict[str, Any]:
    """What parameters say under the reference's names."""
    signal_names = dtype_of(SignalParams).names or ()
    found = {}
    for one in fields(Settings):
        if one.name in NOT_IN_PARAMS:
            continue
        value = params[0].signals[one.name] if one.name in signal_names else params[0][one.name]
        found[one.name] = tuple(value.tolist()) if isinstance(value, np.ndarray) else value.item()
    found["cooldown_step_ns"] = tuple(params[0].cooldown_step_ns[: params[0].cooldown_steps].tolist())
    return found


def instrument_of(settings: Settings) -> Box:
    """The instrument that the settings describe."""
    box = instrument(settings.tick_den, settings.lot_den)
    box[0].min_lots, box[0].min_notional_usd = settings.min_lots, settings.venue_min_notional_usd
    return box


class EngineRun:
    """The engine on tapes of one or more symbols.

    Args:
        changes: parameters that the reference does not know.
    """

    def __init__(self, tapes: Mapping[str, Box], settings: Settings, changes: Mapping[str, Any] | None = None) -> None:
        params = params_of(settings)
        for name, value in (changes or {}).items():
            params[0][name] = value
        self.tapes = dict(sorted(tapes.items()))
        inputs = [SymbolInput(name, tape, None, instrument_of(settings)) for name, tape in self.tapes.items()]
        self.session = Session(inputs, params, 1)
        self.keeps_positions = bool(params[0].keep_positions)
        self.is_sliced = bool(params[0].max_slices > 1)

    @property
    def states(self) -> Box:
        """The machine's state, one row a symbol."""
        return self.session.states

    def steps(self) -> Iterator[Step]:
        """Run everything."""
        session, tapes = self.session, list(self.tapes.values())
        for _ in range(session.row_count):
            symbol = self._next_symbol()
            row = tapes[symbol][int(session.cursors[symbol].local)]
            yield Step(Stop.BEFORE_ROW, symbol, row, self._gather(session.run_until(int(row.ts_recv) - 1)))
            yield Step(Stop.AFTER_ROW, symbol, row, self._gather(self._one_row(int(row.ts_recv))))
            if session.cursors[symbol].local == session.cursors[symbol].stop:
                yield Step(Stop.ENDED, symbol, row, self._gather(session.run_until(NOTHING_NS)))
        yield Step(Stop.DRAINED, 0, row, self._gather(session.run_until(NEVER_NS)))

    def _next_symbol(self) -> int:
        """Whose row comes next: at the same time the first by name."""
        cursors = self.session.cursors
        waiting = [(int(tape.ts_recv[cursors[k].local]), k) for k, tape in enumerate(self.tapes.values()) if cursors[k].local < len(tape)]
        return min(waiting)[1]

    def _one_row(self, ns: int) -> Iterator[Box]:
        session = self.session
        done = session.rows_done
        while session.rows_done == done:
            session.loop[0].until_ns, session.loop[0].pause_at = ns, done + 1
            loop.run(*session._arguments())
            yield session.out

    def _gather(self, outs: Iterator[Box]) -> Rows:
        """Let it run and take what it writes."""
        logs: Rows = {name: [] for name in LOGS}
        for _ in outs:
            self._take(logs)
        return logs

    def _take(self, logs: Rows) -> None:
        out = self.session.out[0]
        for name, counter in LOGS.items():
            count = int(out[counter])
            if count:
                rows = np.asarray(out[name][:count])
                logs[name] += [SimpleNamespace(**dict(zip(rows.dtype.names or (), row, strict=True))) for row in rows.tolist()]
                out[counter] = 0
        out.is_nearly_full = False


def split(logs: Rows, index: int) -> Rows:
    """One symbol's rows."""
    return {name: [row for row in rows if row.symbol == index] if rows else rows for name, rows in logs.items()}


def live_orders(state: Any) -> list[int]:
    """Orders that have not ended."""
    orders = state["orders"]
    return list(orders["order_id"][orders["status"] != OrderStatus.FREE].tolist()) if state["live_orders"] > 0 else []
