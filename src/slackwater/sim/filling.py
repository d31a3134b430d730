"""Filling: one fill of one order, from its draft to order, position, fee and report."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.events import FillCause, ReportKind, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim.fees import fee_usd, notional_usd
from slackwater.sim.in_flight import draft_order, send_report
from slackwater.sim.margin import book_position, note_liquidation
from slackwater.sim.records import VENUES_OWN, VenueOrder, VenueState
from slackwater.sim.resting import end_order, end_surplus, note_reach


@jit
def draft_fill(v: VenueState, order: VenueOrder, price_ticks: int, lots: int, cause: FillCause) -> None:
    """Write a fill into the draft; call it before the queue learns from the event, so that it shows what stood before us."""
    reason = VenueReason.LIQUIDATION if order.order_id == VENUES_OWN else VenueReason.NONE
    draft_order(v, order, ReportKind.FILL.value, reason)
    v.draft.price_ticks = price_ticks
    v.draft.lots = lots
    v.draft.cause = cause
    v.draft.maker = cause != FillCause.TAKER


@jit
def settle_fill(v: VenueState, ins: Instrument, p: Params, order: VenueOrder) -> None:
    """Book the fill in the draft: order, position, fee, report, and reduce-only orders that no longer fit."""
    draft = v.draft
    draft.fee_usd = fee_usd(ins, p, draft.price_ticks, draft.lots, draft.maker)
    if order.order_id == VENUES_OWN:
        draft.fee_usd += notional_usd(ins, draft.price_ticks, draft.lots) * p.liquidation_fee
    order.cum_lots += draft.lots
    order.leaves_lots -= draft.lots
    order.cost_ticklots += draft.price_ticks * draft.lots
    order.fee_usd += draft.fee_usd
    book_position(v, order.side, draft.price_ticks, draft.lots)
    note_liquidation(v, p)
    note_reach(v)
    v.last_trade_id += 1
    draft.trade_id = v.last_trade_id
    draft.cum_lots = order.cum_lots
    draft.cum_cost_ticklots = order.cost_ticklots
    draft.cum_fee_usd = order.fee_usd
    send_report(v, p)
    if order.leaves_lots == 0:
        end_order(v, order)
    end_surplus(v, p)
