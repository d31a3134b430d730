"""All that trading remembers about one symbol, as one record: what we hold, owe, have learned and have working.

Signals live in `schema.market` and share no field with anything here.
"""

from __future__ import annotations

from typing import Annotated

from slackwater.kernel.gather import row_of
from slackwater.kernel.record import Record, Vec, f64, flag, i8, i32, i64, u8
from slackwater.kernel.rng import Rng
from slackwater.schema.enums import EXIT_COUNT, GATE_COUNT
from slackwater.schema.instrument import Instrument
from slackwater.schema.market import MarketState

MAX_LAYERS = 64  # grid.max_layers is validated against it
LAYER_SLOTS = 2 * MAX_LAYERS  # late fills of reaped groups may open a few more since flat
MAX_DEBT_PARTS = 256
MAX_SAMPLES = 512  # dynamic.behavior_lookback is validated against it
MAX_ADDS = 128  # adds remembered for the hourly cap
BID_STEPS = 5  # closes whose bids the falling-knife test looks at
MAX_ZONES = 16
MAX_SLICES = 5  # of a group; stealth.max_slices is validated against it
MAX_ASKS = 16  # changes of the ask that a fill's report may come late by
MAX_ENDED = 64  # ended orders whose late fills are still booked
MAX_ORDERS = 16  # five entry slices, five take-profit slices, one close, and room for those still ending


class Layer(Record):
    """One grid entry: the fills of one entry group."""

    lots: i64  # still held; exits take from the oldest layer first
    opened_lots: i64
    price: f64  # volume-weighted entry price
    opened_ns: i64


class Episode(Record):
    """Sums from flat to flat: what becomes one row of closes."""

    open_ns: i64
    opened_lots: i64
    closed_lots: i64
    entry_notional_usd: f64
    exit_notional_usd: f64
    gross_usd: f64
    fees_usd: f64
    funding_usd: f64
    max_cost_usd: f64  # the largest cost notional since flat
    debt_before_usd: f64
    lapsed_before_usd: f64
    slippage_bps_lots: f64  # sum of lots times slippage against each exit group's own ask
    slippage_lots: i64


class Ledger(Record):
    """What we hold and what it has earned. Shorts only: `short_lots` is never negative."""

    short_lots: i64
    avg_entry: f64  # average cost; a partial exit leaves it
    fees_open_usd: f64  # entry fees that no exit has realised yet
    funding_open_usd: f64  # funding likewise; told of while flat, it waits for the next position
    realised_usd: f64  # gross, since the start
    fees_usd: f64  # since the start
    funding_usd: f64
    funding_sequence: i64  # the venue's number of the newest funding booked
    opened_ns: i64  # of the position; 0 when flat
    layers_opened: i64  # since flat
    first_layer: i64  # the oldest layer that still holds something
    layers: Annotated[Vec[Layer], LAYER_SLOTS]
    episode_count: i64  # grows at each opening, so that a late fill knows whether its layer is gone
    episode: Episode
    last_entry_placed_ns: i64
    last_entry_fill_ns: i64
    last_entry_price: f64  # of the last layer
    last_add_ns: i64  # of this position; 0 when none
    add_ns: Annotated[Vec[i64], MAX_ADDS]  # ring of the symbol's adds
    adds: i64
    equity_usd: f64  # at the last mark
    equity_peak_usd: f64
    max_drawdown_usd: f64
    max_notional_usd: f64  # the largest cost notional ever
    excess_lots: i64  # exits beyond the position: a liquidation tells of what it bought before the entry fills that it was for do
    excess_price_lots: f64  # sum of their price times lots
    excess_fee_usd: f64  # what they paid
    excess_ask: f64  # what the last of them was judged by
    close_count: i64
    maker_notional_usd: f64
    taker_notional_usd: f64
    post_only_rejects: i64


class DebtPart(Record):
    """One realised loss, as far as it is not paid yet."""

    since_ns: i64
    usd: f64


class Recovery(Record):
    """The debt ledger: parts in order of time, oldest at `first`."""

    first: i64
    count: i64
    parts: Annotated[Vec[DebtPart], MAX_DEBT_PARTS]  # ring
    total_usd: f64
    lapsed_usd: f64  # since the start
    peak_usd: f64
    merged_count: i64  # losses that joined the newest part because the ring was full


class CloseSample(Record):
    """What one close taught."""

    close_ns: i64
    net_bps: f64
    slippage_bps: f64
    layers: i64
    reason: i64  # ExitReason


class EntrySample(Record):
    """When and where an entry group first filled."""

    fill_ns: i64
    is_dup: flag  # soon after the group before it, and near it


class Behaviour(Record):
    """The record that the adaptive modifiers and the edge gate judge by, and what follows from it."""

    closes: Annotated[Vec[CloseSample], MAX_SAMPLES]  # ring
    close_head: i64
    entries: Annotated[Vec[EntrySample], MAX_SAMPLES]  # ring
    entry_head: i64
    last_group_ns: i64
    last_group_price: f64
    bids: Annotated[Vec[f64], BID_STEPS]  # at the last closes, newest last
    bid_count: i64
    valid_until_ns: i64  # when a sample ages out; 0: to be computed
    sample_count: i64
    dup: f64
    near: f64
    loss: f64
    slippage_est_bps: f64
    net_std_bps: f64  # winsorized
    deep_count: i64  # closes with three and more layers
    deep_mean_bps: f64
    falling_frac: f64


class Risk(Record):
    """Pauses: cooldowns, breaker, halts."""

    losses_in_row: i64
    cooldown_until_ns: i64
    layer_cooldown_until_ns: i64
    breaker_sum_bps: f64
    breaker_trips: i64  # since the last reset
    breaker_until_ns: i64
    drawdown_halt_ns: i64  # when a drawdown halted us, until an operator resumes; 0 when none did
    is_halted: flag  # something outside us moved the position
    is_shutdown: flag  # close everything
    is_draining: flag  # the tape has ended: no new decisions
    remembered_exit: u8  # ExitReason that was forced while an answer was missing: it runs first
    restored_ns: i64  # 0: not restored


class Order(Record):
    """One order the venue has or may have."""

    order_id: i64
    group_id: i64
    price_ticks: i64  # as last confirmed, or as sent
    sent_price_ticks: i64  # of a modify on its way
    highest_ticks: i64  # the highest price ever sent, for the caps
    lots: i64  # total quantity
    sent_lots: i64
    cum_lots: i64
    cost_ticklots: i64  # exact: price ticks times lots over its fills
    fee_usd: f64  # over its fills
    tick_offset: i64  # of an entry or take-profit slice, away from the market
    created_ns: i64
    ack_ns: i64
    changed_ns: i64  # last placed or amended: the throttle counts from it
    asked_ns: i64  # when the request was sent whose answer is awaited
    queried_ns: i64  # when that answer was last asked after; 0 when it was not
    open_queries: i64  # sent and not answered
    stale_queries: i64  # of these, the first so many were about requests before the one that is awaited
    answer_sequence: i64  # the venue's number of the newest answer to a request about it
    amend_count: i64
    amends_refused: i64  # of these, as far as we were told
    retries: i64
    slice_index: i64
    status: u8  # OrderStatus
    purpose: u8  # Purpose
    side: i8
    type: u8
    tif: u8
    reduce_only: flag
    wants_cancel: flag  # cancel as soon as it is answered
    cancel_refused: flag  # nothing was done about its cancel, which is asked again
    reason: i64  # OrderReason of its placing


class EndedOrder(Record):
    """What a fill that comes after its order's end has to know."""

    order_id: i64
    group_id: i64
    slice_index: i64
    cum_lots: i64
    cost_ticklots: i64
    fee_usd: f64
    layer: i64  # of an entry: its group's layer, and the episode that belongs to; 0 when it has none
    layer_episode: i64
    first_fill_ns: i64  # of its group
    purpose: u8  # Purpose
    side: i8
    tif: u8
    reason: i64  # ExitReason of a close's order
    reference_ask: f64  # that an exit's group is judged against; 0 when that was not known yet


class Slice(Record):
    """One order of a group before it is sent."""

    lots: i64
    tick_offset: i64
    weight: f64


class WaitingSlice(Record):
    """An entry slice that was refused as crossing and is sent again at the next valid book."""

    lots: i64
    tick_offset: i64
    slice_index: i64
    retries: i64


class EntryGroup(Record):
    """The entry group at work: one or more slices that become one layer."""

    status: u8  # GroupStatus
    context: u8  # Context
    reap_reason: u8  # OrderReason
    group_id: i64
    placed_ns: i64
    placed_ask_ticks: i64
    first_fill_ns: i64
    filled_lots: i64
    layer: i64  # index of its layer
    layer_episode: i64  # the episode that layer belongs to; 0 when it has none
    waiting: Annotated[Vec[WaitingSlice], MAX_SLICES]
    waiting_count: i64


class AskChange(Record):
    """A book that brought another ask."""

    event_ns: i64  # when it happened at the venue
    ask_ticks: i64


class TakeProfitGroup(Record):
    """The resting take-profit."""

    group_id: i64
    reference_ask: f64  # at the venue just before its first fill; 0 until that is reported
    rejected_ns: i64  # a refused one is tried again when the ask has changed
    rejected_ask_ticks: i64
    want_ticks: i64  # what was wanted when the slices were last looked at
    want_lots: i64
    seen_changes: i64  # `order_changes` then
    wake_ns: i64  # when the first throttle ends that held something back then; NEVER_NS for none


class CloseGroup(Record):
    """The active close."""

    step: u8  # CloseStep
    reason: i64  # ExitReason
    group_id: i64
    target_lots: i64  # what of the position stays
    decided_ns: i64
    reference_ask: f64  # at the decision
    step_ns: i64  # when the step's order was sent
    swept_ns: i64
    refusals: i64  # of its orders in a row, because the venue holds nothing for them to close
    dropped_ns: Annotated[Vec[i64], EXIT_COUNT]  # by ExitReason, when a close was last dropped: it does not fire again at once
    slices: i64


class Zone(Record):
    """One step of the way out of a deep position."""

    bps: f64  # below the average
    lots: i64
    filled_lots: i64


class Inverse(Record):
    """Inverse mode: zones below the average entry that mirror the grid."""

    mode: u8  # InverseMode
    avg_entry: f64  # what the zones lie below
    zone_count: i64
    zones: Annotated[Vec[Zone], MAX_ZONES]
    active_ns: i64
    layers_seen: i64  # layers opened when it was given up
    layers_held: i64  # as of the zones
    has_new_fills: flag  # since the zones' shares were dealt
    due_ns: i64  # the book that the armed zones are still to be laid as of; 0 when they are


class Quiet(Record):
    """What the last book's decision rested on: a later book at which all of it holds decides the same, and nothing is done."""

    until_ns: i64  # from here on time alone may change something; 0: nothing is known
    known_until_ns: i64  # the same but for the next row of equity
    bid_ticks: i64  # 0: the bid does not matter
    ask_ticks: i64  # that the account was last marked at
    least_ask_ticks: i64  # an ask outside of these might change something
    most_ask_ticks: i64
    median_at: i64  # the median spread's; 0: it does not matter
    gate: i64  # which of `gate_counts` grows
    asks_pump: flag  # it was the pump score that stopped us
    least_blended_bps: f64  # a blended volatility outside of these might change something
    most_blended_bps: f64
    least_drift: f64  # likewise, its ratio to the baseline
    most_drift: f64
    min_tp_bps: f64  # parts of the take-profit's distance: the least profit asked when fresh, and at any age
    floor_bps: f64
    nearest_bps: f64  # distances of the take-profit known to give the price that it rests at: from here
    furthest_bps: f64  # to here
    most_first_bps: f64  # up to this distance of the first zone the zones stay as many as they are


class SymbolState(Record):
    """One symbol: a row of the state array."""

    ins: Instrument
    market: MarketState
    ledger: Ledger
    recovery: Recovery
    behaviour: Behaviour
    risk: Risk
    entry: EntryGroup
    take_profit: TakeProfitGroup
    close: CloseGroup
    inverse: Inverse
    quiet: Quiet
    orders: Annotated[Vec[Order], MAX_ORDERS]
    event_ns: i64  # when the last book happened at the venue
    asks: Annotated[Vec[AskChange], MAX_ASKS]  # ring
    ask_changes: i64
    ended: Annotated[Vec[EndedOrder], MAX_ENDED]  # ring
    ended_count: i64
    late_order: Order  # an ended order and its group, while a fill that came after the end is booked
    late_entry: EntryGroup
    slices: Annotated[Vec[Slice], MAX_SLICES]  # the group being cut
    rng: Rng
    symbol: i32  # own index
    last_reason: u8  # Gate
    last_context: u8  # Context
    has_decided: flag
    order_count: i64  # ids given out
    group_count: i64
    live_orders: i64  # slots in use
    order_changes: i64  # commands and reports so far
    answer_due_ns: i64  # from when on a missing answer blocks the symbol; 0 while none is awaited
    query_ns: i64  # when an answer is next asked after; 0 likewise
    recancel_ns: i64  # when a cancel that was refused is asked again; 0 when none was
    has_asked: flag  # something was sent or answered since these three were set
    upkeep_ns: i64  # when a timer of the working orders is due; NEVER_NS when none
    wake_ns: i64  # when any timer is due: that, or the next row of equity
    equity_logged_ns: i64
    gate_counts: Annotated[Vec[i64], 2 * GATE_COUNT]
    stray_reports: i64  # about orders we no longer know


class Portfolio(Record):
    """All symbols' states, for what looks beyond one symbol."""

    states_address: i64
    count: i64


state_at = row_of(SymbolState)
