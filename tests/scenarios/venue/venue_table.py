"""Venue scenarios as text tables: one line an event, behind `->` the reports that the venue writes because of it.

    set    position -5 100.0
    0.000  book   100.0x5 100.1x10
    0.001  place  1 sell 100.1x4          -> ack 1 100.1x4 ahead 10
    0.002  trade  100.1x12 buy            -> fill 1 100.1x2 queue ahead 10

Times are seconds at the venue, prices in ticks of 0.1, sizes in lots. An order is post-only unless `ioc`, `gtc` or `market` follows;
`reduce` makes it reduce-only. Latencies are zero unless set, so that a request arrives when it is sent. `set` takes a position with its
average entry, a queue model, a limit of the instrument, or a parameter by its name, times in `_ms` or `_sec`.
`mirrored` gives the same scenario with the sides exchanged: what holds for a sell must hold for a buy.
"""

from __future__ import annotations

import re

import numpy as np

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.schema.commands import Command, CommandKind, OrderType, Side, Tif
from slackwater.schema.events import FillCause, Report, ReportKind, RowKind, TapeRow, VenueReason
from slackwater.schema.instrument import Instrument
from slackwater.schema.params import Params, QueueModel
from slackwater.schema.units import MS, SEC
from slackwater.sim import exchange
from slackwater.sim.margin import book_position, note_liquidation
from slackwater.sim.records import VenueState
from slackwater.sim.resting import note_reach
from slackwater.sim.seeding import seed_venue

MIRROR = 2001  # ticks; exchanges 100.0 and 100.1
PRICE = re.compile(r"(\d+)\.(\d)x")
SWAP = {"buy": "sell", "sell": "buy"}


@jit
def _submit(v, p, cmd):
    exchange.submit(v[0], p[0], cmd[0])


@jit
def _arrive_until(v, ins, p, now_ns):
    while exchange.next_arrival_ns(v[0]) <= now_ns:
        exchange.on_arrival(v[0], ins[0], p[0])


@jit
def _row(v, ins, p, row, passes_over):
    if not passes_over or not exchange.is_out_of_reach(v[0], row[0]):
        exchange.on_row(v[0], ins[0], p[0], row[0])
    elif row[0].kind == RowKind.BOOK:
        exchange.set_book(v[0], row[0].price_ticks, row[0].lots, row[0].ask_ticks, row[0].ask_lots)


@jit
def _pop(v, dest):
    return exchange.pop_report(v[0], dest[0])


@jit
def _expire_all(v, now_ns):
    exchange.expire_all(v[0], now_ns, VenueReason.END_OF_TAPE)


@jit
def _set_book(v, bid_ticks, bid_lots, ask_ticks, ask_lots):
    exchange.set_book(v[0], bid_ticks, bid_lots, ask_ticks, ask_lots)


@jit
def _hold(v, p, side, price_ticks, lots):
    book_position(v[0], side, price_ticks, lots)
    note_liquidation(v[0], p[0])
    note_reach(v[0])


class Venue:
    """A venue with its boxes, driven from Python."""

    def __init__(self) -> None:
        self.v, self.ins, self.p = new(VenueState), new(Instrument), new(Params)
        self.cmd, self.row, self.dest = new(Command), new(TapeRow), new(Report)
        for name in ("tick_num", "lot_num", "lot_den"):
            self.ins[0][name] = 1.0
        self.ins[0].tick_den = 10.0
        self.ins[0].min_lots = 1
        self.p[0].queue_model = QueueModel.PROPORTIONAL
        self.p[0].depth_decay = 0.5
        self.p[0].max_slippage_bps = 50.0
        self.p[0].balance_usd, self.p[0].leverage = 1e9, 1.0
        self.p[0].maintenance_rate = 0.01
        self.p[0].maker_fee, self.p[0].taker_fee = 0.0002, 0.0004

    @property
    def state(self) -> np.record:
        """The venue's record."""
        return self.v[0]

    def send(self, now_ns: int, kind: CommandKind, order_id: int, **fields: int) -> None:
        """Submit a command; post-only limit sell unless said otherwise."""
        cmd = self.cmd[0]
        cmd.ts_ns, cmd.kind, cmd.order_id = now_ns, kind, order_id
        cmd.side, cmd.type, cmd.tif, cmd.reduce_only, cmd.price_ticks, cmd.lots = Side.SELL, OrderType.LIMIT, Tif.GTX, False, 0, 0
        for name, value in fields.items():
            cmd[name] = value
        _submit(self.v, self.p, self.cmd)

    def seed(self, seed: int, name: str = "TEST", delays: Box | None = None) -> None:
        """Start its generators; the parameters must be set by then."""
        seed_venue(self.v[0], self.p, seed, name, delays)

    def hold(self, lots: int, price_ticks: int = 1000) -> None:
        """Give us a position at a price; negative lots are a short."""
        if lots != 0:
            _hold(self.v, self.p, Side.BUY if lots > 0 else Side.SELL, price_ticks, abs(lots))

    def arrive_until(self, now_ns: int) -> None:
        """Work off the requests that are at the venue by `now_ns`."""
        _arrive_until(self.v, self.ins, self.p, now_ns)

    def book(self, now_ns: int, bid: int, bid_lots: int, ask: int, ask_lots: int, passes_over: bool = False) -> None:
        """A book of the tape. With `passes_over` it is only remembered when it is out of reach."""
        row = self.row[0]
        row.ts_event, row.kind, row.price_ticks, row.lots, row.ask_ticks, row.ask_lots = now_ns, RowKind.BOOK, bid, bid_lots, ask, ask_lots
        _row(self.v, self.ins, self.p, self.row, passes_over)

    def trade(self, now_ns: int, price: int, lots: int, aggressor: int, passes_over: bool = False) -> None:
        """A trade of the tape; `passes_over` as with a book."""
        row = self.row[0]
        row.ts_event, row.kind, row.price_ticks, row.lots, row.buyer_maker = now_ns, RowKind.TRADE, price, lots, aggressor < 0
        _row(self.v, self.ins, self.p, self.row, passes_over)

    def funding(self, now_ns: int, rate: float) -> None:
        """A funding time of the tape."""
        row = self.row[0]
        row.ts_event, row.kind, row.value = now_ns, RowKind.FUNDING, rate
        _row(self.v, self.ins, self.p, self.row, False)

    def jump_book(self, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        """Set the book as the loop does after rows it skipped."""
        _set_book(self.v, bid, bid_lots, ask, ask_lots)

    def expire_all(self, now_ns: int) -> None:
        """The end of the tape."""
        _expire_all(self.v, now_ns)

    def pop_all(self) -> list[np.record]:
        """All reports under way, in the order in which they reach us."""
        found = []
        while _pop(self.v, self.dest):
            found.append(self.dest.copy()[0])
        return found


def report_text(report: np.record) -> str:
    """A report as scenarios write it."""
    kind = ReportKind(int(report.kind))
    reason = VenueReason(int(report.reason))
    ahead = "?" if report.queue_ahead_lots < 0 else str(report.queue_ahead_lots)
    level = f"{report.price_ticks // 10}.{report.price_ticks % 10}x{report.lots}"
    words = [kind.name.lower(), str(report.order_id)]
    if kind in (ReportKind.ACK, ReportKind.AMEND_ACK, ReportKind.STATUS):
        words += [level, "ahead", ahead] + (["cum", str(report.cum_lots)] if report.cum_lots else [])
    elif kind == ReportKind.FILL:
        cause = FillCause(int(report.cause))
        words += [level, cause.name.lower()] + (["ahead", ahead] if report.maker else [])
    elif kind in (ReportKind.CANCEL_ACK, ReportKind.EXPIRE):
        words += ["cum", str(report.cum_lots)]
    elif kind == ReportKind.FUNDING:
        words.append(f"{report.funding_usd:.9f}")
    if reason != VenueReason.NONE:
        words.append(reason.name.lower())
    return " ".join(words)


def lines_of(table: str) -> list[str]:
    """The lines of a scenario, blank ones left out, spaces evened out; a line that ends in `;` goes on in the next."""
    return [" ".join(line.split()) for line in re.sub(r";\s*\n", "; ", table).strip().splitlines() if line.strip()]


def _mirrored_line(line: str) -> str:
    def flip(match: re.Match[str]) -> str:
        ticks = int(match[1] + match[2])
        ticks = MIRROR - ticks if ticks else 0
        return f"{ticks // 10}.{ticks % 10}x"

    words = [SWAP.get(word, word) for word in PRICE.sub(flip, line).split()]
    if len(words) > 1 and words[1] == "book":
        words[2], words[3] = words[3], words[2]
    if words[:2] == ["set", "position"]:
        words[2] = str(-int(words[2]))
    return " ".join(words)


def mirrored(table: str) -> str:
    """The scenario with buys and sells exchanged and prices reflected."""
    return "\n".join(_mirrored_line(line) for line in lines_of(table))


def _level(word: str) -> tuple[int, int]:
    price, lots = word.split("x")
    return round(float(price) * 10), int(lots)


def _set(venue: Venue, name: str, value: str, *more: str) -> None:
    if name == "position":
        venue.hold(int(value), round(float(more[0]) * 10) if more else 1000)
    elif name == "model":
        venue.p[0].queue_model = QueueModel[value.upper()]
    elif name == "min_lots":
        venue.ins[0].min_lots = int(value)
    elif name == "min_notional":
        venue.ins[0].min_notional_usd = float(value)
    elif name.endswith(("_ms", "_sec")):
        unit_ns = SEC if name.endswith("_sec") else MS
        venue.p[0][name.rpartition("_")[0] + "_ns"] = round(float(value) * unit_ns)
    else:
        venue.p[0][name] = float(value)


def _place(venue: Venue, now_ns: int, words: list[str]) -> None:
    price, lots = _level(words[2])
    fields = {"price_ticks": price, "lots": lots, "side": Side[words[1].upper()], "reduce_only": "reduce" in words}
    if "market" in words:
        fields |= {"type": OrderType.MARKET, "price_ticks": 0, "tif": Tif.IOC}
    for name in ("ioc", "gtc"):
        if name in words:
            fields["tif"] = Tif[name.upper()]
    venue.send(now_ns, CommandKind.PLACE, int(words[0]), **fields)


def _apply(venue: Venue, now_ns: int, verb: str, words: list[str]) -> None:
    if verb in ("book", "trade"):
        venue.arrive_until(now_ns - 1)  # at equal times the tape comes before our requests
    if verb == "book":
        venue.book(now_ns, *_level(words[0]), *_level(words[1]))
    elif verb == "trade":
        venue.trade(now_ns, *_level(words[0]), Side[words[1].upper()])
    elif verb == "place":
        _place(venue, now_ns, words)
    elif verb == "amend":
        price, lots = _level(words[1])
        venue.send(now_ns, CommandKind.AMEND, int(words[0]), price_ticks=price, lots=lots)
    elif verb in ("cancel", "query"):
        venue.send(now_ns, CommandKind[verb.upper()], int(words[0]))
    elif verb == "expire_all":
        venue.expire_all(now_ns)
    elif verb != "wait":
        raise ValueError(f"{verb}: not an event of a scenario")
    venue.arrive_until(now_ns)


def play(table: str) -> tuple[list[str], Venue]:
    """Run a scenario; returns its lines with the reports that really came, and the venue."""
    venue = Venue()
    told = []
    for line in lines_of(table):
        event = line.split("->")[0].split()
        if event[0] == "set":
            _set(venue, *event[1:])
            told.append(line)
            continue
        _apply(venue, round(float(event[0]) * SEC), event[1], event[2:])
        reports = "; ".join(report_text(report) for report in venue.pop_all())
        told.append(" ".join(event) + (f" -> {reports}" if reports else ""))
    return told, venue


def check(table: str) -> Venue:
    """Run a scenario and compare every line with what it promises; returns the venue."""
    told, venue = play(table)
    assert told == lines_of(table)
    assert venue.state.lost_report_count == 0
    return venue
