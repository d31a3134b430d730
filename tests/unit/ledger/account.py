"""One symbol's account driven fill by fill: ticks of 0.01, whole lots, so that money can be worked out on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from slackwater.config import from_mapping
from slackwater.kernel.jit import jit
from slackwater.kernel.record import new
from slackwater.ledger import booking, layers, pnl, recovery
from slackwater.schema.audit import Out
from slackwater.schema.enums import ExitReason
from slackwater.schema.instrument import price_of
from slackwater.schema.state import SymbolState


@jit
def _entry_fill(box, p, now_ns, ticks, lots, fee_usd, median_bps):
    booking.apply_entry_fill(box[0], p[0], box[0].entry, now_ns, price_of(box[0].ins, ticks), lots, fee_usd, median_bps)


@jit
def _exit_fill(box, p, out, now_ns, ticks, lots, fee_usd, reason, reference_ask):
    booking.apply_exit_fill(box[0], p[0], out[0], now_ns, price_of(box[0].ins, ticks), lots, fee_usd, reason, reference_ask)


@jit
def _net_excess(box, p, out, now_ns, reason):
    booking.net_excess(box[0], p[0], out[0], now_ns, reason)


@jit
def _funding(box, usd):
    booking.apply_funding(box[0].ledger, usd)


@jit
def _mark(box, ask):
    box[0].market.ask = ask
    booking.mark(box[0])


@jit
def _debt(box, p, now_ns):
    return recovery.debt_usd(box[0].recovery, p[0], now_ns)


@jit
def _reading(box, p, ask):
    s = box[0]
    led = s.ledger
    return (
        pnl.position_qty(led, s.ins),
        pnl.cost_usd(led, s.ins),
        pnl.unrealised_usd(led, s.ins, ask),
        pnl.rise_bps(led, ask),
        pnl.net_bps(led, s.ins, ask, p[0].taker_fee),
        pnl.equity_usd(led, s.ins, ask),
        layers.layers_held(led),
    )


READINGS = ("qty", "cost", "unrealised", "rise_bps", "net_bps", "equity", "layers_held")


class Account:
    """Calls of the ledger with the default configuration. Times are whole nanoseconds, prices ticks of 0.01."""

    def __init__(self) -> None:
        self.box, self.out, self.p = new(SymbolState), new(Out), from_mapping({}).to_params()
        ins = self.box[0].ins
        ins.tick_num, ins.tick_den, ins.lot_num, ins.lot_den, ins.min_lots = 1.0, 100.0, 1.0, 1.0, 1
        self.box[0].market.bid = 99.0

    @property
    def state(self) -> np.record:
        """The symbol's record."""
        return self.box[0]

    @property
    def ledger(self) -> np.record:
        """What is held."""
        return self.box[0].ledger

    def start_group(self) -> None:
        """What sending a new entry group does to the ledger's side of it."""
        entry = self.box[0].entry
        entry.layer_episode = entry.first_fill_ns = entry.filled_lots = 0

    def sell(self, now_ns: int, ticks: int, lots: int, fee_usd: float = 0.0, median_bps: float = 4.0) -> None:
        """A fill of the working entry group."""
        _entry_fill(self.box, self.p, now_ns, ticks, lots, fee_usd, median_bps)

    def sell_layer(self, now_ns: int, ticks: int, lots: int, fee_usd: float = 0.0) -> None:
        """A whole entry group in one fill."""
        self.start_group()
        self.sell(now_ns, ticks, lots, fee_usd)

    def buy(
        self, now_ns: int, ticks: int, lots: int, fee_usd: float = 0.0, reason: ExitReason = ExitReason.TP_REST, reference: float = 100.0
    ) -> None:
        """A fill of an exit."""
        _exit_fill(self.box, self.p, self.out, now_ns, ticks, lots, fee_usd, reason.value, reference)

    def net_excess(self, now_ns: int) -> None:
        """What follows an entry fill: what of it was bought back already is closed."""
        _net_excess(self.box, self.p, self.out, now_ns, ExitReason.EXTERNAL.value)

    def fund(self, usd: float) -> None:
        """Funding received; negative when paid."""
        _funding(self.box, usd)

    def mark(self, ask: float) -> None:
        """Take the equity at an ask."""
        _mark(self.box, ask)

    def debt(self, now_ns: int) -> float:
        """The debt, read at a time."""
        return float(_debt(self.box, self.p, now_ns))

    def read(self, ask: float) -> dict[str, Any]:
        """All readings at an ask, by name."""
        return dict(zip(READINGS, _reading(self.box, self.p, ask), strict=True))

    def held(self) -> list[int]:
        """Lots of each layer opened since flat."""
        return [int(self.ledger.layers[k].lots) for k in range(self.ledger.layers_opened)]

    @property
    def close_rows(self) -> np.recarray[Any, Any]:
        """Closes booked so far."""
        return self.out[0].closes[: self.out[0].close_count]

    @property
    def realisation_rows(self) -> np.recarray[Any, Any]:
        """Realised parts so far."""
        return self.out[0].realisations[: self.out[0].realisation_count]
