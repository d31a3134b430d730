"""What must hold on any tape: nothing is filled twice, models are ordered, waiting longer never helps, skipped rows change nothing, and the
same seed gives the same reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from slackwater.kernel.record import dtype_of
from slackwater.schema.commands import CommandKind, OrderType, Side, Tif
from slackwater.schema.events import FillCause, Report, ReportKind
from slackwater.schema.params import LatencyModel, QueueModel
from slackwater.schema.units import MS
from slackwater.sim.exchange import needs_rows
from tests.scenarios.venue.venue_table import Venue

STEP = 10 * MS  # between events of a tape


@dataclass(frozen=True)
class Book:
    """A book of the tape."""

    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


@dataclass(frozen=True)
class Trade:
    """A trade of the tape."""

    price: int
    lots: int
    aggressor: int


@dataclass(frozen=True)
class Ask:
    """A request of ours, sent half a step after the event before it."""

    kind: CommandKind
    order_id: int
    price: int
    lots: int
    side: int = Side.SELL
    type: int = OrderType.LIMIT
    tif: int = Tif.GTX
    reduce_only: bool = False


sizes = st.integers(1, 12)
prices = st.integers(998, 1005)
books = st.builds(
    lambda bid, spread, bid_lots, ask_lots: Book(bid, bid_lots, bid + spread, ask_lots),
    st.integers(997, 1003),
    st.integers(1, 3),
    sizes,
    sizes,
)
trades = st.builds(Trade, st.integers(997, 1006), st.integers(1, 15), st.sampled_from([1, -1]))
tapes = st.lists(st.one_of(books, trades), min_size=4, max_size=30)
placements = st.builds(
    Ask,
    st.just(CommandKind.PLACE),
    st.just(0),
    prices,
    sizes,
    side=st.sampled_from([1, -1]),
    type=st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET]),
    tif=st.sampled_from([Tif.GTX, Tif.GTX, Tif.IOC, Tif.GTC]),
    reduce_only=st.booleans(),
)
changes = st.builds(
    Ask, st.sampled_from([CommandKind.AMEND, CommandKind.AMEND, CommandKind.CANCEL, CommandKind.QUERY]), st.integers(1, 6), prices, sizes
)
events_and_requests = st.lists(st.one_of(books, trades, placements, changes), min_size=4, max_size=40)
passive_sells = st.builds(Ask, st.just(CommandKind.PLACE), st.just(0), st.integers(1000, 1004), sizes)


def a_venue(model: QueueModel, latency_ns: int = 0) -> Venue:
    """A venue that has seen one book."""
    venue = Venue()
    venue.p[0].queue_model = model
    venue.p[0].entry_latency_ns = latency_ns
    venue.book(0, 1000, 5, 1001, 5)
    return venue


def ask(venue: Venue, now_ns: int, request: Ask, order_id: int) -> None:
    """Send a request."""
    fields = {"price_ticks": request.price, "lots": request.lots}
    if request.kind == CommandKind.PLACE:
        fields |= {"side": request.side, "type": request.type, "tif": request.tif, "reduce_only": request.reduce_only}
    venue.send(now_ns, request.kind, request.order_id or order_id, **fields)


def show(venue: Venue, now_ns: int, event: Book | Trade, passes_over: bool = False) -> None:
    """Let a tape event happen at the venue; what is out of reach may be passed over, as the loop does."""
    if isinstance(event, Book):
        venue.book(now_ns, event.bid, event.bid_lots, event.ask, event.ask_lots, passes_over)
    else:
        venue.trade(now_ns, event.price, event.lots, event.aggressor, passes_over)


def fills_of(reports: list) -> list:
    """The fills among reports, without those a query repeats."""
    seen, found = set(), []
    for report in reports:
        if report.kind == ReportKind.FILL and report.trade_id not in seen:
            seen.add(report.trade_id)
            found.append(report)
    return found


def check_invariants(venue: Venue) -> None:
    """What holds between events: live orders are ranked and open, and the position covers all reduce-only ones."""
    v = venue.state
    live = [v.orders[v.rank[k]] for k in range(v.resting_count)]
    assert sum(1 for order in v.orders if order.state != 0) == len(live)
    assert all(order.leaves_lots > 0 and order.cum_lots + order.leaves_lots == order.total_lots for order in live)
    keys = [(-order.side * order.price_ticks, order.priority) for order in live]
    assert keys == sorted(keys)
    closing = [order for order in live if order.reduce_only]
    assert all(order.side * v.position_lots < 0 for order in closing)
    assert sum(order.leaves_lots for order in closing) <= abs(v.position_lots)
    assert all(order.ahead_lots >= 0.0 for order in live)


@given(events_and_requests, st.sampled_from(list(QueueModel)), st.integers(-20, 20))
@settings(max_examples=300, deadline=None)
def test_nothing_is_filled_twice(events: list, model: QueueModel, position: int) -> None:
    venue = a_venue(model)
    venue.hold(position)
    sides: dict[int, int] = {}
    done: dict[int, int] = {}
    last_trade_id = 0
    for k, event in enumerate(events, start=1):
        if isinstance(event, Ask):
            if event.kind == CommandKind.PLACE:
                sides[len(sides) + 1] = event.side
            ask(venue, k * STEP, event, len(sides))
            venue.arrive_until(k * STEP)
        else:
            show(venue, k * STEP, event)
        fills = [fill for fill in fills_of(venue.pop_all()) if fill.trade_id > last_trade_id]
        for fill in fills:
            assert fill.trade_id == last_trade_id + 1
            last_trade_id = int(fill.trade_id)
            position += sides[int(fill.order_id)] * int(fill.lots)
            done[int(fill.order_id)] = done.get(int(fill.order_id), 0) + int(fill.lots)
            assert fill.cum_lots == done[int(fill.order_id)]
            assert fill.lots > 0
        assert venue.state.position_lots == position
        check_invariants(venue)
        given_out = sum(int(fill.lots) for fill in fills)
        if isinstance(event, Trade):
            assert given_out <= event.lots
            for fill in fills:
                side = sides[int(fill.order_id)]
                assert side == -event.aggressor
                beyond = side * (int(fill.price_ticks) - event.price)
                assert (beyond == 0) if fill.cause == FillCause.QUEUE else (beyond > 0 and fill.cause == FillCause.TRADE_THROUGH)
                assert fill.cause != FillCause.QUEUE or fill.lots + fill.queue_ahead_lots <= event.lots
        elif isinstance(event, Book):
            assert all(fill.cause == FillCause.BOOK_THROUGH for fill in fills)
            for side, shown in ((Side.SELL, event.bid_lots), (Side.BUY, event.ask_lots)):
                assert sum(int(fill.lots) for fill in fills if sides[int(fill.order_id)] == side) <= shown
        else:
            assert all(fill.cause == FillCause.TAKER for fill in fills)


def filled_lots(model: QueueModel, tape: list, orders: list[tuple[int, Ask]]) -> int:
    """What a fixed schedule of passive orders fills in all."""
    venue = a_venue(model)
    total = 0
    for k, event in enumerate(tape, start=1):
        for index, (step, order) in enumerate(orders):
            if step == k:
                ask(venue, k * STEP - STEP // 2, order, 1 + index)
                venue.arrive_until(k * STEP - STEP // 2)
        show(venue, k * STEP, event)
        total += sum(int(fill.lots) for fill in fills_of(venue.pop_all()))
    return total


@given(tapes, st.lists(st.tuples(st.integers(1, 15), passive_sells), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_pessimistic_fills_at_most_proportional_fills_at_most_optimistic(tape: list, orders: list[tuple[int, Ask]]) -> None:
    pessimistic, proportional, optimistic = (filled_lots(model, tape, orders) for model in QueueModel)
    assert pessimistic <= proportional <= optimistic


def progress(model: QueueModel, tape: list, order: Ask, latency_steps: int) -> tuple[list[int], bool | None]:
    """Executed quantity after each event, and whether the place in the queue was known on arrival (none: refused)."""
    venue = a_venue(model, latency_steps * STEP)
    ask(venue, STEP // 2, order, 1)
    cum, known, told = 0, None, []
    for k, event in enumerate(tape, start=1):
        venue.arrive_until(k * STEP - 1)
        show(venue, k * STEP, event)
        for report in venue.pop_all():
            if report.kind == ReportKind.ACK:
                known = bool(report.queue_ahead_lots >= 0)
            elif report.kind == ReportKind.FILL:
                cum = int(report.cum_lots)
        told.append(cum)
    return told, known


@given(tapes, passive_sells, st.integers(0, 6), st.integers(1, 6), st.sampled_from([QueueModel.PROPORTIONAL, QueueModel.OPTIMISTIC]))
@settings(max_examples=300, deadline=None)
@example(
    [Book(1000, 5, 1001, 8), Trade(1001, 6, 1), Book(1000, 5, 1001, 2), Trade(1001, 9, 1)], Ask(CommandKind.PLACE, 0, 1001, 3), 0, 1, 1
)
def test_more_latency_never_fills_a_passive_order_earlier(tape: list, order: Ask, latency: int, more: int, model: QueueModel) -> None:
    """For the two models that let cancellations shorten the queue.

    Not claimed for an order that later arrives behind a better touch, where the deep-queue share stands for the unknown size and
    may be less than what an earlier arrival saw.
    """
    soon, known_soon = progress(model, tape, order, latency)
    late, known_late = progress(model, tape, order, latency + more)
    assume(not (known_soon and known_late is False))
    if known_soon is not None:
        assert all(a >= b for a, b in zip(soon, late, strict=True))


@given(events_and_requests, st.sampled_from(list(QueueModel)), st.sampled_from([1.0, 100.0]))
@settings(max_examples=200, deadline=None)
@example(
    [
        Ask(CommandKind.PLACE, 0, 1001, 3, side=Side.BUY, tif=Tif.IOC),
        Book(1000, 5, 1001, 9),
        Book(1000, 5, 1001, 5),  # as before, but what was taken is back
        Ask(CommandKind.PLACE, 0, 1001, 5, side=Side.BUY, tif=Tif.IOC),
    ],
    QueueModel.PROPORTIONAL,
    1.0,
)
@example(
    [Ask(CommandKind.PLACE, 0, 1001, 3, tif=Tif.GTX), Trade(1001, 9, 1), Book(1000, 5, 1001, 9), Book(1006, 5, 1007, 9)],
    QueueModel.PROPORTIONAL,
    100.0,
)
def test_rows_that_cannot_matter_may_be_skipped(events: list, model: QueueModel, leverage: float) -> None:
    """Feeding every row, leaving out those out of reach, and jumping to the last book before an arrival give the same reports, byte for
    byte. At a hundred to one a short is liquidated five ticks up."""

    def run(skips: bool) -> list[bytes]:
        venue = a_venue(model)
        venue.p[0].leverage, venue.p[0].maintenance_rate = leverage, 0.005
        last_book = Book(1000, 5, 1001, 5)
        told: list[bytes] = []
        placed = 0
        for k, event in enumerate(events, start=1):
            if isinstance(event, Ask):
                placed += event.kind == CommandKind.PLACE
                if skips and not needs_rows_of(venue):
                    venue.jump_book(last_book.bid, last_book.bid_lots, last_book.ask, last_book.ask_lots)
                ask(venue, k * STEP, event, placed)
                venue.arrive_until(k * STEP)
            elif not skips or needs_rows_of(venue):
                show(venue, k * STEP, event, passes_over=skips)
            if isinstance(event, Book):
                last_book = event
            told += [report.tobytes() for report in venue.pop_all()]
        return told

    assert run(skips=True) == run(skips=False)


def needs_rows_of(venue: Venue) -> bool:
    """Whether the venue has to see the next row."""
    return bool(getattr(needs_rows, "py_func", needs_rows)(venue.state))


def traded_and_given(events: list, model: QueueModel) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int, int], int]]:
    """Over a whole tape: lots traded by aggressor and price, and lots given to our orders by side, price and cause."""
    venue = a_venue(model)
    sides: dict[int, int] = {}
    traded: dict[tuple[int, int], int] = {}
    given_out: dict[tuple[int, int, int], int] = {}
    for k, event in enumerate(events, start=1):
        if isinstance(event, Ask):
            if event.kind == CommandKind.PLACE:
                sides[len(sides) + 1] = event.side
            ask(venue, k * STEP, event, len(sides))
            venue.arrive_until(k * STEP)
        else:
            show(venue, k * STEP, event)
            if isinstance(event, Trade):
                key = (event.aggressor, event.price)
                traded[key] = traded.get(key, 0) + event.lots
        for fill in fills_of([report for report in venue.pop_all() if report.ts_venue_ns == k * STEP]):
            place = (sides[int(fill.order_id)], int(fill.price_ticks), int(fill.cause))
            given_out[place] = given_out.get(place, 0) + int(fill.lots)
    return traded, given_out


@given(
    st.lists(st.one_of(books, trades, trades, placements, placements, changes), min_size=4, max_size=40), st.sampled_from(list(QueueModel))
)
@settings(max_examples=300, deadline=None)
def test_no_more_is_filled_than_traded_per_price_and_in_total(events: list, model: QueueModel) -> None:
    traded, given_out = traded_and_given(events, model)
    for side in (1, -1):
        mine = {place: lots for place, lots in given_out.items() if place[0] == side}
        for (_, price, cause), lots in mine.items():
            if cause == FillCause.QUEUE:
                assert lots <= traded.get((-side, price), 0)
            elif cause == FillCause.TRADE_THROUGH:
                assert lots <= sum(n for (aggressor, at), n in traded.items() if aggressor == -side and side * (price - at) > 0)
        by_trades = sum(lots for place, lots in mine.items() if place[2] in (FillCause.QUEUE, FillCause.TRADE_THROUGH))
        assert by_trades <= sum(n for (aggressor, _), n in traded.items() if aggressor == -side)


fractions = st.sampled_from([0.0, 0.3])


@given(events_and_requests, st.sampled_from(list(LatencyModel)[:2]), fractions, fractions, st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_the_same_seed_gives_the_same_reports(events: list, model: LatencyModel, fault: float, refusal: float, seed: int) -> None:
    def run() -> list[bytes]:
        venue = a_venue(QueueModel.PROPORTIONAL, STEP)
        p = venue.p[0]
        p.latency_model, p.entry_latency_sigma, p.response_latency_sigma = model, 0.5, 0.5
        p.response_latency_ns, p.late_answer_ns, p.reject_prob = STEP, 3 * STEP, refusal
        p.lost_answer_prob = p.late_answer_prob = p.duplicate_prob = fault
        p.outage_every_ns, p.outage_ns = 10 * STEP, 2 * STEP
        venue.seed(seed)
        for k, event in enumerate(events, start=1):
            if isinstance(event, Ask):
                ask(venue, k * STEP, event, k)
            venue.arrive_until(k * STEP)
            if not isinstance(event, Ask):
                show(venue, k * STEP, event)
            check_invariants(venue)
        venue.arrive_until(1000 * STEP)
        return [report.tobytes() for report in venue.pop_all()]

    first = run()
    assert first == run()
    sequences = [np.frombuffer(report, dtype_of(Report))[0]["sequence"] for report in first]
    assert fault > 0 or sequences == sorted(sequences)
