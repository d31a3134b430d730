"""Booking: a fill changes position, layers, fees, debt and, when it makes us flat, becomes a close. A fill is a fact, never refused."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.ledger.behaviour import add_close, add_close_bid, add_entry
from slackwater.ledger.layers import grow_layer, open_layer, take_from_oldest
from slackwater.ledger.pnl import equity_usd
from slackwater.ledger.recovery import apply_realised, debt_usd
from slackwater.ledger.risk import on_close
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, Out
from slackwater.schema.instrument import qty_of
from slackwater.schema.params import Params
from slackwater.schema.state import MAX_ADDS, EntryGroup, Ledger, SymbolState
from slackwater.schema.units import BPS


@jit
def apply_entry_fill(
    s: SymbolState, p: Params, g: EntryGroup, now_ns: int, price: float, lots: int, fee_usd: float, median_spread_bps: float
) -> None:
    """An entry sold: the position grows, in the layer of its group."""
    led = s.ledger
    if led.short_lots == 0:
        _open_episode(s, p, now_ns)
    if g.layer_episode != led.episode_count:
        _open_group_layer(s, p, g, now_ns, price, median_spread_bps)
    g.filled_lots += lots
    total = led.short_lots + lots
    led.avg_entry = (led.avg_entry * led.short_lots + price * lots) / total
    led.short_lots = total
    grow_layer(led, g.layer, lots, price)
    led.last_entry_fill_ns = now_ns
    led.fees_open_usd += fee_usd
    led.fees_usd += fee_usd
    led.episode.fees_usd += fee_usd
    led.episode.opened_lots += lots
    led.episode.entry_notional_usd += price * qty_of(s.ins, lots)
    cost = led.avg_entry * qty_of(s.ins, total)
    led.episode.max_cost_usd = max(led.episode.max_cost_usd, cost)
    led.max_notional_usd = max(led.max_notional_usd, cost)


@jit
def _open_episode(s: SymbolState, p: Params, now_ns: int) -> None:
    led = s.ledger
    led.episode_count += 1
    led.opened_ns = now_ns
    led.layers_opened = 0
    led.first_layer = 0
    led.avg_entry = 0.0
    led.last_add_ns = 0
    ep = led.episode
    ep.open_ns = now_ns
    ep.opened_lots = 0
    ep.closed_lots = 0
    ep.entry_notional_usd = 0.0
    ep.exit_notional_usd = 0.0
    ep.gross_usd = 0.0
    ep.fees_usd = 0.0
    ep.funding_usd = led.funding_open_usd
    ep.max_cost_usd = 0.0
    ep.debt_before_usd = debt_usd(s.recovery, p, now_ns)
    ep.lapsed_before_usd = s.recovery.lapsed_usd
    ep.slippage_bps_lots = 0.0
    ep.slippage_lots = 0


@jit
def _open_group_layer(s: SymbolState, p: Params, g: EntryGroup, now_ns: int, price: float, median_spread_bps: float) -> None:
    """First fill of a group in this episode: a new layer, and an add when others stand already."""
    led = s.ledger
    g.layer = open_layer(led, now_ns)
    g.layer_episode = led.episode_count
    if led.layers_opened > 1:
        led.last_add_ns = now_ns
        led.add_ns[led.adds % MAX_ADDS] = now_ns
        led.adds += 1
    if g.first_fill_ns == 0:
        g.first_fill_ns = now_ns
        add_entry(s.behaviour, p, now_ns, price, median_spread_bps)


@jit
def apply_exit_fill(
    s: SymbolState, p: Params, out: Out, now_ns: int, price: float, lots: int, fee_usd: float, reason: int, reference_ask: float
) -> None:
    """An exit bought: its part is realised at average cost with its share of entry fees and funding, and moves the debt at once.

    What goes beyond the position is kept for the entry fills that are still to come.
    """
    led = s.ledger
    led.fees_usd += fee_usd
    closed = min(lots, led.short_lots)
    fee_closed_usd = fee_usd if closed == lots else fee_usd * closed / lots
    if closed < lots:
        _keep_excess(led, price, lots - closed, fee_usd - fee_closed_usd, reference_ask)
    if closed > 0:
        _realise(s, p, out, now_ns, price, closed, fee_closed_usd, reason, reference_ask)


@jit
def _keep_excess(led: Ledger, price: float, lots: int, fee_usd: float, reference_ask: float) -> None:
    """More was bought back than we know to have sold: the entry fills that are missing come late, and find their exit here."""
    led.excess_lots += lots
    led.excess_price_lots += price * lots
    led.excess_fee_usd += fee_usd
    led.excess_ask = reference_ask


@jit
def net_excess(s: SymbolState, p: Params, out: Out, now_ns: int, reason: int) -> None:
    """After an entry fill: what of it was bought back before we knew of it is closed, at the price and with the fees of that exit."""
    led = s.ledger
    lots = min(led.excess_lots, led.short_lots)
    if lots == 0:
        return
    price = led.excess_price_lots / led.excess_lots
    fee_usd = led.excess_fee_usd if lots == led.excess_lots else led.excess_fee_usd * lots / led.excess_lots
    led.excess_price_lots = 0.0 if lots == led.excess_lots else led.excess_price_lots - price * lots
    led.excess_fee_usd -= fee_usd
    led.excess_lots -= lots
    _realise(s, p, out, now_ns, price, lots, fee_usd, reason, led.excess_ask)


@jit
def _realise(
    s: SymbolState, p: Params, out: Out, now_ns: int, price: float, closed: int, fee_usd: float, reason: int, reference_ask: float
) -> None:
    """Take lots that were bought back off the position."""
    led = s.ledger
    qty = qty_of(s.ins, closed)
    gross = (led.avg_entry - price) * qty
    fee_share = led.fees_open_usd if closed == led.short_lots else led.fees_open_usd * closed / led.short_lots
    funding_share = led.funding_open_usd if closed == led.short_lots else led.funding_open_usd * closed / led.short_lots
    net = gross - fee_usd - fee_share + funding_share
    led.fees_open_usd -= fee_share
    led.funding_open_usd -= funding_share
    led.realised_usd += gross
    led.short_lots -= closed
    take_from_oldest(led, closed)
    ep = led.episode
    ep.closed_lots += closed
    ep.exit_notional_usd += price * qty
    ep.gross_usd += gross
    ep.fees_usd += fee_usd
    ep.slippage_bps_lots += (price - reference_ask) / reference_ask * BPS * closed
    ep.slippage_lots += closed
    apply_realised(s.recovery, p, now_ns, net)
    _log_realisation(s, p, out, now_ns, closed, net, reason)
    if led.short_lots == 0:
        _book_close(s, p, out, now_ns, reason)


@jit
def _log_realisation(s: SymbolState, p: Params, out: Out, now_ns: int, lots: int, net_usd: float, reason: int) -> None:
    row = out.realisations[out.realisation_count]
    row.ts_ns = now_ns
    row.symbol = s.symbol
    row.lots = lots
    row.net_usd = net_usd
    row.debt_after_usd = debt_usd(s.recovery, p, now_ns)
    row.reason = reason
    out.realisation_count += 1
    if out.realisation_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True


@jit
def _book_close(s: SymbolState, p: Params, out: Out, now_ns: int, reason: int) -> None:
    """Flat: one row, one sample, one cooldown."""
    led = s.ledger
    ep = led.episode
    net_usd = ep.gross_usd - ep.fees_usd + ep.funding_usd
    net_bps = net_usd / ep.entry_notional_usd * BPS
    row = out.closes[out.close_count]
    row.symbol = s.symbol
    row.open_ns = ep.open_ns
    row.close_ns = now_ns
    row.layers = led.layers_opened
    row.lots = ep.opened_lots
    row.notional_usd = ep.entry_notional_usd
    row.avg_entry = ep.entry_notional_usd / qty_of(s.ins, ep.opened_lots)
    row.avg_exit = ep.exit_notional_usd / qty_of(s.ins, ep.closed_lots)
    row.gross_usd = ep.gross_usd
    row.fees_usd = ep.fees_usd
    row.funding_usd = ep.funding_usd
    row.net_usd = net_usd
    row.net_bps = net_bps
    row.reason = reason
    row.debt_before_usd = ep.debt_before_usd
    row.debt_lapsed_usd = s.recovery.lapsed_usd - ep.lapsed_before_usd
    row.debt_after_usd = debt_usd(s.recovery, p, now_ns)
    out.close_count += 1
    if out.close_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
    add_close(s.behaviour, now_ns, net_bps, ep.slippage_bps_lots / ep.slippage_lots, led.layers_opened, reason)
    add_close_bid(s.behaviour, s.market.bid)
    on_close(s.risk, p, now_ns, net_usd, net_bps, reason)
    led.close_count += 1
    led.avg_entry = 0.0
    led.opened_ns = 0
    led.layers_opened = 0
    led.first_layer = 0
    led.last_add_ns = 0


@jit
def apply_funding(led: Ledger, usd: float) -> None:
    """Funding received, negative when paid: it counts at once, and is realised with the quantity as entry fees are.

    Told of while we are flat, it is the next position's: reports come in the order written, so that the fill it is about is still unknown.
    """
    led.funding_usd += usd
    led.funding_open_usd += usd
    led.episode.funding_usd += usd


@jit
def mark(s: SymbolState) -> None:
    """Take the equity at the ask, its peak and the drawdown from it."""
    led = s.ledger
    led.equity_usd = equity_usd(led, s.ins, s.market.ask)
    led.equity_peak_usd = max(led.equity_peak_usd, led.equity_usd)
    led.max_drawdown_usd = max(led.max_drawdown_usd, led.equity_peak_usd - led.equity_usd)
