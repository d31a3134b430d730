"""The venue's front: what the loop may ask of it, and the rows of the tape as they happen there."""

from __future__ import annotations

from slackwater.kernel.jit import jit, jit_inline
from slackwater.schema.events import RowKind, TapeRow, TapeZone
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params
from slackwater.sim.arrival import on_arrival
from slackwater.sim.fees import funding_usd
from slackwater.sim.in_flight import next_arrival_ns, next_report_ns, pop_report, report_funding, submit
from slackwater.sim.matching import is_valid_book, on_book, on_trade, set_book
from slackwater.sim.records import ASK, BID, VenueState
from slackwater.sim.resting import expire_all

__all__ = [
    "expire_all",
    "has_resting",
    "is_out_of_reach",
    "needs_rows",
    "next_arrival_ns",
    "next_report_ns",
    "on_arrival",
    "on_row",
    "pop_report",
    "set_book",
    "submit",
]


@jit
def has_resting(v: VenueState) -> bool:
    """Whether any of our orders rests."""
    return v.resting_count > 0


@jit
def needs_rows(v: VenueState) -> bool:
    """Whether the next tape row can matter: an order rests, a position has margin to lose and funding to get, or what we took from the book
    has to come back with an update.

    While this is false, rows may be skipped and the book be set by `set_book` before the next arrival.
    """
    return v.resting_count > 0 or v.position_lots != 0 or is_owed_size(v)


@jit_inline
def is_out_of_reach(v: VenueState, row: TapeRow) -> bool:
    """Whether a row can neither fill our orders, tell of their queues, nor liquidate us: of a book only the picture is new then."""
    return not is_owed_size(v) and is_between(row, v.highest_buy_ticks, v.ask_reach_ticks)


@jit_inline
def is_owed_size(v: VenueState) -> bool:
    """Whether what we took from the book has to come back with an update."""
    return v.taken_lots[BID] > 0 or v.taken_lots[ASK] > 0


@jit_inline
def is_between(row: TapeRow, highest_buy_ticks: int, ask_reach_ticks: int) -> bool:
    """Whether a row stays between our best buy and what touches a sell of ours or liquidates us.

    Rows that make no sense may, since they change nothing; funding never does.
    """
    # Without branches: rows are passed over by the hundred, and what comes next is anyone's guess. A trade's ask is 0.
    is_clear = (row.price_ticks > highest_buy_ticks) & (row.price_ticks < ask_reach_ticks) & (row.ask_ticks < ask_reach_ticks)
    return (is_clear & (row.kind != RowKind.FUNDING)) | (row.kind == RowKind.CANDLE)


@jit_inline
def is_zone_between(zone: TapeZone, highest_buy_ticks: int, ask_reach_ticks: int) -> bool:
    """Whether every row of a zone surely stays there."""
    return zone.low_ticks > highest_buy_ticks and zone.high_ticks < ask_reach_ticks


@jit
def on_row(v: VenueState, ins: Instrument, p: Params, row: TapeRow) -> None:
    """Work off a tape row that happens at the venue at `row.ts_event`. Rows that make no sense change nothing and are counted."""
    v.event_ns = row.ts_event
    if row.kind == RowKind.BOOK:
        if is_valid_book(row):
            on_book(v, ins, p, row)
        else:
            v.rejected_input_count += 1
    elif row.kind == RowKind.TRADE:
        if row.price_ticks > 0 and row.lots > 0:
            on_trade(v, ins, p, row)
        else:
            v.rejected_input_count += 1
    elif row.kind == RowKind.FUNDING:
        _pay_funding(v, ins, p, row.value)


@jit
def _pay_funding(v: VenueState, ins: Instrument, p: Params, rate: float) -> None:
    """A funding time: what is held then is paid for at the mid of then, and a report tells how much, unless that is nothing."""
    if v.position_lots == 0 or rate == 0.0:
        return
    mid = (v.touch_ticks[BID] + v.touch_ticks[ASK]) * ins.tick_num / (2.0 * ins.tick_den)
    usd = funding_usd(ins, -v.position_lots, mid, rate)
    v.funding_usd += usd
    report_funding(v, p, usd)
