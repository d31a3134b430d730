"""What happens: rows of the tape and reports of the venue."""

from __future__ import annotations

from enum import IntEnum

from slackwater.kernel.record import Record, f64, flag, i32, i64, u8


class RowKind(IntEnum):
    """What a tape row says."""

    BOOK = 1
    TRADE = 2
    CANDLE = 3
    FUNDING = 4


class TapeRow(Record):
    """One row of the tape as runs read it: 64 bytes, ordered by `ts_recv`.

    BOOK: `price_ticks`, `lots` are the bid, `ask_ticks`, `ask_lots` the ask. TRADE: price and size, `buyer_maker` true when the
    aggressor sold. CANDLE: `value` is the close, `price_ticks` the time frame (0, 1, 2 for 1m, 5m, 15m), `ask_ticks` its end in ns;
    usable at `ts_recv`. FUNDING: `value` is the rate that longs pay to shorts.
    """

    ts_event: i64  # when it happened at the venue
    ts_recv: i64  # when it reached us (modelled at load where the tape has none)
    price_ticks: i64
    lots: i64
    ask_ticks: i64
    ask_lots: i64
    value: f64
    symbol: i32  # row of the state array; 0 in a symbol's own cache
    kind: u8  # RowKind
    buyer_maker: flag


ZONE_BITS = 6
ZONE_ROWS = 1 << ZONE_BITS


class TapeZone(Record):
    """Between which prices `ZONE_ROWS` consecutive rows stay, the first of a tape from its first row on. Candles do not count.

    A zone with a funding payment lies between no prices: its limits are the other way round from everything.
    """

    low_ticks: i64  # lowest bid or trade
    high_ticks: i64  # highest bid, ask or trade


class ReportKind(IntEnum):
    """What the venue says about one of our orders, or that it paid funding for our position."""

    ACK = 1
    REJECT = 2
    FILL = 3
    AMEND_ACK = 4
    AMEND_REJECT = 5
    CANCEL_ACK = 6
    CANCEL_REJECT = 7
    EXPIRE = 8
    STATUS = 9  # the answer to a query about a live order, or about a filled one: its total is executed then
    FUNDING = 10  # about no order: what the position brought at a funding time


class FillCause(IntEnum):
    """Which event of the tape explains a fill. No venue reports LEARNED: whoever missed a fill's own report books it so."""

    NONE = 0
    QUEUE = 1
    TRADE_THROUGH = 2
    BOOK_THROUGH = 3
    TAKER = 4
    LEARNED = 5  # another report told its quantity and cost; which event it was, and when, is not known


class VenueReason(IntEnum):
    """Why the venue refused or ended an order."""

    NONE = 0
    WOULD_CROSS = 1  # post-only would have taken
    REDUCE_ONLY = 2  # more than the position, or than what resting reduce-only orders leave of it
    OFF_TICK = 3
    BELOW_MIN_QTY = 4
    BELOW_MIN_NOTIONAL = 5
    UNKNOWN_ORDER = 6
    NO_LIQUIDITY = 7  # an IOC or market order found nothing (more) within its limit
    NO_CHANGE = 8  # a modify that changes nothing
    AMEND_CROSS = 9  # a modify that would cross cancels the post-only order
    AMEND_FILLED = 10  # a modify to a total at or below what is executed cancels the order
    END_OF_TAPE = 11
    NO_BOOK = 12  # nothing to trade against yet
    TOO_MANY = 13  # the simulated venue's order table is full
    MARGIN = 14  # position and entry orders would need more margin than there is
    LIQUIDATION = 15  # the margin is used up: the venue ends our orders and closes the position
    BUSY = 16  # refused for nothing that is wrong with the order: an injected fault
    OUTAGE = 17  # arrived while the venue was out of order: nothing was done, resting orders stay
    AMEND_LIMIT = 18  # modified as often as one order may be


UNKNOWN_AHEAD = -1  # a queue that nobody knows


class Report(Record):
    """One message from the venue about one order. The `cum_` fields are the order's as the venue had them when it wrote the message: who
    missed a fill can book the difference. Order 0 is the venue's own: its fills are a liquidation that buys the short back, and its FUNDING
    tells of money alone."""

    ts_venue_ns: i64  # when it happened there
    ts_recv_ns: i64  # when it reaches us
    order_id: i64
    price_ticks: i64  # FILL: its price; ACK, AMEND_ACK: the order's price now
    lots: i64  # FILL: this fill's; ACK, AMEND_ACK: the order's total now
    cum_lots: i64  # executed so far
    cum_cost_ticklots: i64  # exact: price ticks times lots over all fills so far
    trade_id: i64  # FILL: unique per symbol
    sequence: i64  # the venue's running number, per symbol
    queue_ahead_lots: i64  # FILL of a resting order: what stood before us when the filling event came, or UNKNOWN_AHEAD
    fee_usd: f64  # FILL: positive when paid
    cum_fee_usd: f64  # over all fills so far
    funding_usd: f64  # FUNDING: positive when received
    reason: i64  # VenueReason
    symbol: i32
    kind: u8  # ReportKind
    cause: u8  # FillCause
    maker: flag
    arrived_unknown: flag  # FILL of a resting order: its place in the queue was not known when it arrived
