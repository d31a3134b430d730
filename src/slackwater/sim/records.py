"""The simulated venue's memory, one `VenueState` per symbol: layout only, no behaviour."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from slackwater.kernel.gather import row_of
from slackwater.kernel.record import Record, Vec, f64, flag, i32, i64, u8
from slackwater.kernel.rng import Rng
from slackwater.schema.events import Report

MAX_RESTING = 32  # orders that may rest at once
ORDER_SLOTS = MAX_RESTING + 1  # one more, so that a taking order always finds room while it is matched
MAX_REQUESTS = 64  # requests on their way to the venue
MAX_REPORTS = 256  # reports on their way to us
MAX_FINISHED = 64  # ended orders that a query still finds
BID = 0  # index of the bid in arrays of two sides
ASK = 1
NEVER_TICKS = 1 << 62
VENUES_OWN = 0  # the order number of what the venue does of its own accord, liquidations and funding; ours count from 1


class OrderState(IntEnum):
    """Whether a slot of the order table is in use."""

    FREE = 0
    LIVE = 1
    DONE = 2  # ended while its event is still being worked off; the slot is freed right after


class QueuePlace(IntEnum):
    """What is known of the quantity in front of an order."""

    UNKNOWN = 0  # it rests deeper than the touch and has not been at the touch since
    KNOWN = 1


class VenueOrder(Record):
    """One of our orders at the venue."""

    order_id: i64
    side: i64  # Side, as a number that arithmetic may use
    price_ticks: i64  # limit price; 0 for a market order
    total_lots: i64
    cum_lots: i64  # executed
    leaves_lots: i64  # not executed; 0 once ended
    cost_ticklots: i64  # price ticks times lots over its fills
    fee_usd: f64  # over its fills
    amend_count: i64
    priority: i64  # grows with each arrival and each modify; smaller is served first at one price
    ahead_lots: f64  # in front of us, while `place` is KNOWN
    shown_lots: i64  # size at our price when a book last showed it
    traded_lots: i64  # market trades at our price since then
    state: u8  # OrderState
    place: u8  # QueuePlace
    arrived_unknown: flag  # at its arrival or last modify nobody knew what stood in front of it
    type: u8  # OrderType
    tif: u8  # Tif
    reduce_only: flag


class Request(Record):
    """One command on its way to the venue."""

    arrival_ns: i64
    order_id: i64
    price_ticks: i64
    lots: i64
    side: i64
    kind: u8  # CommandKind
    type: u8  # OrderType
    tif: u8  # Tif
    reduce_only: flag


class VenueState(Record):
    """Everything the venue knows about one symbol. All zero is a venue that has seen nothing."""

    symbol: i32  # as in the latest command
    event_ns: i64  # venue time of the event being worked off
    position_lots: i64  # ours, as the venue has it; negative when short
    held_ticklots: i64  # what the position cost, at average cost: its average entry is this over its lots
    liquidation_ask_ticks: i64  # an ask from here on uses up a short's margin; NEVER_TICKS without a short
    liquidation_count: i64
    touch_ticks: Annotated[Vec[i64], 2]  # best bid and ask of the last valid book; 0 before the first
    touch_lots: Annotated[Vec[i64], 2]
    taken_lots: Annotated[Vec[i64], 2]  # what we took from that side, from the touch outwards, since it last changed
    orders: Annotated[Vec[VenueOrder], ORDER_SLOTS]
    rank: Annotated[Vec[i64], MAX_RESTING]  # slots of resting orders: buys, then sells; best price first, then priority
    resting_count: i64
    highest_buy_ticks: i64  # of the resting orders, 0 without any
    ask_reach_ticks: i64  # an ask or trade below it touches neither a sell of ours nor the liquidation
    ended_count: i64  # ranked orders that have ended and await removal
    last_priority: i64
    last_trade_id: i64
    last_sequence: i64
    requests: Annotated[Vec[Request], MAX_REQUESTS]  # ring by arrival time
    request_head: i64
    request_count: i64
    last_arrival_ns: i64  # no later request arrives before
    reports: Annotated[Vec[Report], MAX_REPORTS]  # ring by receive time
    report_head: i64
    report_count: i64
    last_receive_ns: i64  # no later report is received before, unless a fault holds one back
    draft: Report  # the report being written
    finished: Annotated[Vec[Report], MAX_FINISHED]  # ring of the reports that ended orders
    finished_count: i64  # ever written
    entry_rng: Rng  # delays of requests: the k-th request draws the same whatever else happens
    response_rng: Rng  # delays of reports
    request_fault_rng: Rng
    answer_fault_rng: Rng
    outage_phase_ns: i64  # when, within its period, an outage begins
    latency_address: i64  # recorded delays, one LatencySample each
    latency_count: i64
    lost_answer_count: i64  # reports that a fault kept from us
    refused_request_count: i64  # requests that found the ring full: a defect of the caller
    lost_report_count: i64  # reports that found the ring full: the run must not be trusted
    rejected_input_count: i64  # rows that made no sense
    funding_usd: f64  # received, less paid, since the start


venue_at = row_of(VenueState)
