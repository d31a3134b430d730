"""Profit and loss at average cost, as the venue keeps it. Pure readings of the ledger; nothing here writes."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.instrument import Instrument, qty_of
from slackwater.schema.state import Ledger
from slackwater.schema.units import BPS


@jit
def position_qty(led: Ledger, ins: Instrument) -> float:
    """Size of the short, positive, in the base asset."""
    return qty_of(ins, led.short_lots)


@jit
def cost_usd(led: Ledger, ins: Instrument) -> float:
    """The position at cost."""
    return led.avg_entry * qty_of(ins, led.short_lots)


@jit
def unrealised_usd(led: Ledger, ins: Instrument, ask: float) -> float:
    """Gross profit of leaving at the ask now."""
    return (led.avg_entry - ask) * qty_of(ins, led.short_lots)


@jit
def rise_bps(led: Ledger, ask: float) -> float:
    """How far the ask stands above the average entry; a loss is positive."""
    return (ask - led.avg_entry) / led.avg_entry * BPS


@jit
def net_bps(led: Ledger, ins: Instrument, ask: float, taker_fee: float) -> float:
    """Net result of taking the ask for everything now, in bps of cost: after open entry fees, funding and the taker fee."""
    qty = qty_of(ins, led.short_lots)
    net_usd = (led.avg_entry - ask) * qty - led.fees_open_usd + led.funding_open_usd - taker_fee * ask * qty
    return net_usd / (led.avg_entry * qty) * BPS


@jit
def equity_usd(led: Ledger, ins: Instrument, ask: float) -> float:
    """Realised and unrealised profit after fees and funding, from 0."""
    return led.realised_usd + unrealised_usd(led, ins, ask) - led.fees_usd + led.funding_usd
