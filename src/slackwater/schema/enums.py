"""The words of the strategy: why it did not trade, why it left, and what its orders are doing."""

from __future__ import annotations

from enum import IntEnum

GATE_COUNT = 32  # size of a counter row; every Gate is below it


class Context(IntEnum):
    """Which list of gates is asked."""

    ENTRY = 0
    AVERAGE = 1


class Gate(IntEnum):
    """Why an entry or an add was not made; PASS when it was."""

    PASS = 0
    ENTRY_DISABLED = 1  # drawdown, a halt, or recovery_only; an operator resumes
    REWARM = 2  # a restored session looks on first
    WARMUP = 3
    CLOSE_COOLDOWN = 4
    BREAKER = 5
    NO_MEDIAN_SPREAD = 6
    ENTRY_COOLDOWN = 7
    WATERFALL = 8  # the price is falling already
    NOT_WARM = 9
    SPREAD_LOW = 10
    SPREAD_HIGH = 11
    PUMP = 12
    EXHAUST = 13
    TREND_2S = 14
    TREND_30S = 15
    BUY_RATIO = 16
    BELOW_MIN = 17
    SYMBOL_CAP = 18
    EDGE = 19
    PORTFOLIO_CAP = 20
    INVERSE_MODE = 21
    MAX_LAYERS = 22
    LAYER_COOLDOWN = 23  # a heavy tail
    SPACING = 24
    BURST = 25
    RECOVERY_DRAWDOWN = 26
    RECOVERY_COOLDOWN = 27
    RECOVERY_HOURLY = 28
    RECOVERY_HURDLE = 29


EXIT_COUNT = 16  # size of a row by reason; every ExitReason is below it


class ExitReason(IntEnum):
    """Why a position, or a part of it, was given back."""

    NONE = 0
    TP_REST = 1
    TP = 2
    FAST_TP = 3
    INVERSE_TP = 4
    INVERSE_TP_TIMEOUT = 5
    STOP = 6
    TIMEOUT = 7
    DRAWDOWN = 8
    SHUTDOWN = 9
    EXTERNAL = 10


class OrderStatus(IntEnum):
    """Where an order of ours stands, as far as we know."""

    FREE = 0  # the slot is empty
    PENDING = 1  # sent, not answered
    LIVE = 2
    AMENDING = 3  # a modify is on its way
    CANCELING = 4  # a cancel is on its way
    FILLED = 5
    CANCELED = 6
    REJECTED = 7
    EXPIRED = 8


class GroupStatus(IntEnum):
    """Where an order group stands."""

    IDLE = 0
    WORKING = 1
    REAPING = 2  # being cancelled; what it still fills counts


class Occasion(IntEnum):
    """What made us look after our working orders."""

    OTHER = 0  # a report, a timer, an operator
    BOOK = 1


class CloseStep(IntEnum):
    """Where an active close stands on its ladder."""

    IDLE = 0
    CLEARING = 1  # the take-profit and entry groups are being cancelled
    MAKER = 2
    IOC = 3
    MARKET = 4
    SWEEP = 5  # a remainder nobody intended waits for the next market order


class InverseMode(IntEnum):
    """Whether a deep position is unwound in zones."""

    NONE = 0
    ARMED = 1  # zones follow the market
    ACTIVE = 2  # a zone has filled: everything is frozen
    OFF = 3  # given up until another layer opens or flat


class OrderReason(IntEnum):
    """Why an order was sent, changed or ended. Below 32 the venue's reasons, from 32 on ours."""

    NONE = 0
    WOULD_CROSS = 1
    REDUCE_ONLY = 2
    OFF_TICK = 3
    BELOW_MIN_QTY = 4
    BELOW_MIN_NOTIONAL = 5
    UNKNOWN_ORDER = 6
    NO_LIQUIDITY = 7
    NO_CHANGE = 8
    AMEND_CROSS = 9
    AMEND_FILLED = 10
    END_OF_TAPE = 11
    NO_BOOK = 12
    TOO_MANY = 13
    MARGIN = 14
    LIQUIDATION = 15
    BUSY = 16
    OUTAGE = 17
    AMEND_LIMIT = 18
    ENTRY = 32
    AVERAGE = 33
    CHASE = 34
    REAP_AGE = 35
    REAP_SIGNAL = 36
    REAP_CHASE = 37
    REAP_FLAT = 38  # the take-profit closed the position
    REAP_CLOSE = 39  # an active close needs the book to itself
    REAP_INVERSE = 40
    SELF_TRADE = 41
    POST_ONLY = 42  # refused as crossing too often
    RETRY = 43
    TAKE_PROFIT = 44
    STEP = 45  # the take-profit kept in step with price or position
    CLOSE_MAKER = 46
    CLOSE_IOC = 47
    CLOSE_MARKET = 48
    SWEEP = 49
    MAKER_TIMEOUT = 50
    UPGRADED = 51  # a stop, timeout, drawdown or shutdown takes over
    CLEARING = 52
    UNANSWERED = 53
    LATE = 54  # a fill that came after its order's end
    TOO_SMALL = 55  # what is left of a refused slice is below the venue's minimums, and is not sent again


class OrderEvent(IntEnum):
    """The rows of an order's history."""

    PLACE = 1
    ACK = 2
    REJECT = 3
    AMEND = 4
    AMEND_ACK = 5
    CANCEL = 6
    CANCEL_ACK = 7
    FILL = 8
    EXPIRE = 9
    AMEND_REJECT = 10
    CANCEL_REJECT = 11
    QUERY = 12  # an answer that stays out is asked after
    STATUS = 13  # and given
