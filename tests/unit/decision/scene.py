"""One moment, set field by field: a market in which every gate passes, and a position that one more layer may join.

The market at NOW, in ticks of 0.01 and lots of 0.001: 99.95 x 100.05 and thus a spread of 10 bps (median 9), heavier on the ask; pump
0.4*3 + 0.8*2 + 0.6*1 = 3.4, exhaustion 1 + 0.5 + 1 = 2.5, strength 2.95; 5 bps up over 2 s, 20.04 over 30 s, 9.99 bps below a high of ten
seconds ago; every volatility 8 bps; no trade within the last second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from slackwater.config import from_mapping
from slackwater.decision import adapt, averaging, caps, entry, exits, inverse
from slackwater.decision.inspect import GateReading, read_gates
from slackwater.decision.inspect_targets import TargetReading, read_targets
from slackwater.kernel.gather import address_of
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new, rows
from slackwater.schema.audit import EdgeRow, Out
from slackwater.schema.enums import GATE_COUNT, ExitReason, Gate
from slackwater.schema.state import Portfolio, SymbolState
from slackwater.schema.units import NEVER_NS, SEC

NOW = 1_000_000 * SEC
TRADES = 30


@jit
def _entry_gate(portfolio, states, p, out, now_ns):
    return entry.entry_gate(portfolio[0], states[0], p[0], out[0], now_ns)


@jit
def _averaging_gate(portfolio, states, p, out, now_ns):
    return averaging.averaging_gate(portfolio[0], states[0], p[0], out[0], now_ns)


@jit
def _modifiers(states, p, unrealised_bps):
    s = states[0]
    relieved = adapt.relieved_min_spread_bps(p[0], unrealised_bps)
    return adapt.entry_cooldown_ns(s, p[0]), adapt.layer_gap_bps(s, p[0]), adapt.max_layers(s, p[0]), relieved


@jit
def _caps(portfolio, states, p, extra_usd):
    s = states[0]
    by_symbol = caps.breaks_symbol_cap(s, p[0], extra_usd)
    by_portfolio = caps.breaks_portfolio_cap(portfolio[0], p[0], extra_usd)
    return caps.committed_usd(s), by_symbol, by_portfolio, caps.room_usd(portfolio[0], s, p[0])


@jit
def _exits(states, p, now_ns):
    s = states[0]
    return exits.forced_exit(s, p[0], now_ns), exits.profit_exit(s, p[0], now_ns), exits.zone_exit(s, p[0], now_ns)


@jit
def _leaving(states, p, now_ns, reason):
    s = states[0]
    return exits.target_lots(s, reason), exits.resting_lots(s), exits.resting_price_ticks(s, p[0], now_ns), exits.resting_reason(s)


@jit
def _follow(states, p, now_ns):
    inverse.follow(states[0], p[0], now_ns)


@jit
def _zone_fill(states, now_ns, exit_lots, entry_lots):
    if exit_lots > 0:
        inverse.on_exit_fill(states[0], now_ns, exit_lots)
    if entry_lots > 0:
        inverse.on_entry_fill(states[0], entry_lots)


@jit
def _heavy_tail(states, p, now_ns):
    averaging.extend_layer_cooldown(states[0], p[0], now_ns)


class Scene:
    """Two symbols of which the first is looked at; the second is flat and only counts for the portfolio."""

    out = new(Out)  # one for all scenes: nothing reads a row that it has not written

    def __init__(self, **sections: dict[str, Any]) -> None:
        self.p = from_mapping(sections).to_params()
        self.p[0].max_slices = self.p[0].min_slices = 1  # a group is sent at one price
        self.states, self.portfolio = rows(SymbolState, 2), new(Portfolio)
        self.portfolio[0].count, self.portfolio[0].states_address = 2, address_of(self.states)
        self.out[0].edge_count = 0
        for k in range(2):
            ins = self.states[k].ins
            ins.tick_num, ins.tick_den, ins.lot_num, ins.lot_den = 1.0, 100.0, 1.0, 1000.0
            ins.min_lots, ins.min_notional_usd = 1, 5.0
        self.s.behaviour.valid_until_ns = NEVER_NS
        self.s.behaviour.slippage_est_bps = 0.5
        self._set_market()

    def _set_market(self) -> None:
        m = self.m
        m.started = True
        m.first_ns = NOW - 100 * SEC
        m.n_books, m.book_ns = 100, NOW
        m.bid_ticks, m.bid_lots, m.ask_lots = 9_995, 50, 80
        self.set_ask(10_005)
        m.mid, m.spread_bps, m.ret_2s = 100.0, 10.0, 5.0
        m.median_spread_bps, m.median_at, m.median_known_at = 9.0, 90, 90
        m.baseline_bps = m.live_bps = m.blended_bps = 8.0
        m.n_dti = m.n_dqi = 100
        self.set_scores(3.0, 2.0, 1.0, 1.0, 0.5)
        m.n_trades = m.rv_1s_at = m.tail_2s = m.tail_1s = m.tail_500ms = TRADES
        m.n_runs = 3
        for k, (mid, age_sec, end_sec) in enumerate(((99.8, 28, 11), (100.1, 10, 5), (100.0, 4, 0))):
            m.runs[k].mid, m.runs[k].first_ns, m.runs[k].last_ns = mid, NOW - age_sec * SEC, NOW - end_sec * SEC
        m.highs[0].mid, m.highs[0].run, m.highs[1].mid, m.highs[1].run = 100.1, 1, 100.0, 2
        m.high_back = 2

    @property
    def s(self) -> np.record:
        """The symbol's record."""
        return self.states[0]

    @property
    def m(self) -> np.record:
        """Its market."""
        return self.states[0].market

    @property
    def led(self) -> np.record:
        """Its ledger."""
        return self.states[0].ledger

    def set_ask(self, ticks: int) -> None:
        """Move the ask; everything else stands."""
        self.m.ask_ticks, self.m.ask = ticks, ticks / 100.0

    def set_scores(self, ret: float, ti: float, md: float, dti: float, dqi: float) -> None:
        """What the five trackers score."""
        for name, z in (("z_ret_2s", ret), ("z_ti_2s", ti), ("z_md", md), ("z_neg_dti", dti), ("z_neg_dqi", dqi)):
            self.m[name].d, self.m[name].variance = z, 1.0

    def set_flow_500ms(self, flow_lots: int, volume_lots: int) -> None:
        """One trade just now; only its sums are looked at."""
        self.m.n_trades = TRADES + 1
        self.m.trades[TRADES].ts_ns = NOW
        self.m.flow_lots, self.m.volume_lots = flow_lots, volume_lots

    def hold(self, *layers: int, price: float = 99.5) -> None:
        """A position opened a hundred seconds ago in layers of these lots, all at one price."""
        led = self.led
        led.short_lots, led.avg_entry, led.last_entry_price = sum(layers), price, price
        led.layers_opened, led.opened_ns = len(layers), NOW - 100 * SEC
        led.first_layer = 0
        for k, lots in enumerate(layers):
            led.layers[k].lots = led.layers[k].opened_lots = lots
            led.layers[k].price = price
        led.episode.max_cost_usd = price * sum(layers) / 1000.0

    def owe(self, usd: float) -> None:
        """A debt of one part."""
        rec = self.s.recovery
        rec.count, rec.total_usd = 1, usd
        rec.parts[0].usd, rec.parts[0].since_ns = usd, NOW - SEC

    def gate(self) -> Gate:
        """The gate that stops an entry, or an add when something is held."""
        asked = _averaging_gate if self.led.short_lots > 0 else _entry_gate
        return Gate(int(asked(self.portfolio, self.states, self.p, self.out, NOW)))

    @property
    def edge(self) -> np.record:
        """The last evaluation of the edge gate."""
        return self.out[0].edges[self.out[0].edge_count - 1]

    def readings(self) -> list[tuple[Gate, bool]]:
        """Every gate of the context in order, and whether it passes."""
        return [(Gate(int(row.gate)), bool(row.passes)) for row in self._read()]

    def reading(self, gate: Gate) -> np.record:
        """What is read of one gate."""
        return next(row for row in self._read() if row.gate == gate)

    def _read(self) -> Box:
        found, edge_box = rows(GateReading, GATE_COUNT), new(EdgeRow)
        return found[: read_gates(self.states, 0, self.p, NOW, found, edge_box)]

    def targets(self, now_ns: int = NOW) -> np.record:
        """Targets, spacing and result."""
        box: Box = new(TargetReading)
        read_targets(self.states, 0, self.p, now_ns, box)
        return box[0]

    def modifiers(self, unrealised_bps: float = 0.0) -> tuple[float, float, int, float]:
        """Entry cooldown in seconds, layer gap, deepest grid, spread asked of an add."""
        cooldown_ns, gap, depth, relieved = _modifiers(self.states, self.p, unrealised_bps)
        return cooldown_ns / SEC, float(gap), int(depth), float(relieved)

    def caps(self, extra_usd: float) -> tuple[float, bool, bool, float]:
        """Committed, whether the symbol's and the portfolio's cap would break, and the room left."""
        committed, by_symbol, by_portfolio, room = _caps(self.portfolio, self.states, self.p, extra_usd)
        return float(committed), bool(by_symbol), bool(by_portfolio), float(room)

    def exits(self, now_ns: int = NOW) -> tuple[ExitReason, ExitReason, ExitReason]:
        """What forces an exit, what profit would be taken, and what inverse mode asks."""
        forced, profit, zone = _exits(self.states, self.p, now_ns)
        return ExitReason(int(forced)), ExitReason(int(profit)), ExitReason(int(zone))

    def leaving(self, reason: ExitReason = ExitReason.INVERSE_TP) -> tuple[int, int, int, ExitReason]:
        """What stays after an exit, what rests, at which tick, and the reason of its fill."""
        stays, rests, ticks, why = _leaving(self.states, self.p, NOW, reason.value)
        return int(stays), int(rests), int(ticks), ExitReason(int(why))

    def follow(self, now_ns: int = NOW) -> None:
        """Arm, disarm and lay the zones."""
        _follow(self.states, self.p, now_ns)

    def zone_fill(self, exit_lots: int = 0, entry_lots: int = 0, now_ns: int = NOW) -> None:
        """An exit or a late entry fill while zones are laid."""
        _zone_fill(self.states, now_ns, exit_lots, entry_lots)

    def feel_tail(self) -> None:
        """What a heavy tail does to the layer cooldown."""
        _heavy_tail(self.states, self.p, NOW)
