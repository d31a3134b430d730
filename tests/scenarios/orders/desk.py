"""The machine at a desk: scenarios hand it books, trades and reports one by one, and read behind `->` what it then does.

    set    execution.max_chase_bps 5
    0.000  book 99.80x50 100.00x50        -> place 1 100.00x5 entry
    0.010  ack 1
    0.500  book 99.80x50 100.02x50        -> amend 1 100.02x5 chase
    0.510  amended 1
    8.000  wait                           -> cancel 1 reap_age

Times are seconds, prices in ticks of 0.01, sizes in whole units. Before 0.000 the market stands still at 99.80/100.00 for ten
seconds, which is also the warm-up, so that the first book is the first that may trade: 5 lots, with every gate open. The take-profit
of an entry at 100.00 rests at 99.75 and an active one asks 10 bps. A timer that fires between two lines belongs to the first, with `@`
and its time.

    place ID PRICExLOTS REASON     amend, cancel: likewise (a market order has the price 0.00)
    end ID STATUS FILLED/LOTS REASON
    close REASON LOTS              the position is flat

`show` tells the state: position, take-profit or entry at work, step of a close and what it leaves.
"""

from __future__ import annotations

import json
import re

import numpy as np

from slackwater.config.loading import from_mapping
from slackwater.config.lowering import lower
from slackwater.kernel.gather import address_of
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new, rows
from slackwater.kernel.rng import seed_rng
from slackwater.machine import grid_trader
from slackwater.schema.audit import Out
from slackwater.schema.commands import CommandKind, OrderType, Purpose, Side, Tif
from slackwater.schema.enums import CloseStep, ExitReason, GroupStatus, OrderEvent, OrderReason, OrderStatus
from slackwater.schema.events import Report, ReportKind, RowKind, TapeRow
from slackwater.schema.instrument import Instrument
from slackwater.schema.state import Portfolio, SymbolState
from slackwater.schema.units import MS, NEVER_NS, SEC

T0 = 1_700_000_000 * SEC  # second 0 of every scenario
TICKS = 100  # to one unit of price
STILL_BOOKS = 60
STILL_NS = 150 * MS  # between two of them
STILL = (9980, 50, 10_000, 50)
QUIET = {
    "portfolio": {"max_total_notional": 1e6},
    "grid": {"min_notional": 503.0, "max_notional": 503.0, "max_layers": 1, "vol_normalize": False, "cooldown_sec": 3600.0},
    "volatility": {"drift_enabled": False},
    "signals": {
        "min_spread_bps": 0.0,
        "max_spread_bps": 10_000.0,
        "pump_threshold": -100.0,
        "exhaust_threshold": -100.0,
        "max_trend_bps": 10_000.0,
        "max_trend_30s_bps": 0.0,
        "waterfall_vol_threshold": 1e6,
        "warmup_sec": 10.0,
    },
    "exit": {"tp_decay_floor": 1.0, "tp_vol_capture_ratio": 0.0},
    "inverse_tp": {"enabled": False},
    "dynamic": {"enabled": False},
    "edge": {"min_edge_bps": -10_000.0},
    "recovery": {"enabled": False, "avg_enabled": False},
    "stealth": {"always_split": False, "min_slices": 1, "max_slices": 1},
    "execution": {"entry_keep_pump": -100.0},
}
EVENT, REPORT, TIMER, SHUTDOWN = range(4)
REPORTS = {
    "ack": ReportKind.ACK,
    "reject": ReportKind.REJECT,
    "fill": ReportKind.FILL,
    "amended": ReportKind.AMEND_ACK,
    "amend_reject": ReportKind.AMEND_REJECT,
    "canceled": ReportKind.CANCEL_ACK,
    "cancel_reject": ReportKind.CANCEL_REJECT,
    "expired": ReportKind.EXPIRE,
    "status": ReportKind.STATUS,
}


@jit
def _feed(portfolio: Box, states: Box, params: Box, out: Box, row: Box, report: Box, kind: int, now_ns: int) -> None:
    if kind == EVENT:
        grid_trader.on_row(portfolio[0], states[0], params[0], out[0], row[0], now_ns)
    elif kind == REPORT:
        grid_trader.on_report(portfolio[0], states[0], params[0], out[0], report[0])
    elif kind == TIMER:
        grid_trader.on_timer(portfolio[0], states[0], params[0], out[0], now_ns)
    else:
        grid_trader.request_shutdown(portfolio[0], states[0], params[0], out[0], now_ns)


def quiet_params(changes: dict[str, dict[str, object]]) -> Box:
    """Parameters with every gate open and nothing adaptive, but for some changes by section and name."""
    merged = {name: {**QUIET.get(name, {}), **changes.get(name, {})} for name in {**QUIET, **changes} if name != "instrument"}
    return lower(from_mapping(merged))


def instrument(**changes: object) -> Box:
    """Steps of 0.01 and 1, a minimum of one lot and 5 usd, but for some changes by name: those that a scenario has of `instrument`."""
    box = new(Instrument)
    ins = box[0]
    ins.tick_num = ins.lot_num = ins.lot_den = 1.0
    ins.tick_den = TICKS
    ins.min_lots, ins.min_notional_usd = 1, 5.0
    for name, value in changes.items():
        ins[name] = value
    return box


def still_market() -> list[tuple[int, ...]]:
    """The ten seconds before a scenario: (ns, bid, size, ask, size) and (ns, price, size, aggressor), prices in ticks."""
    events: list[tuple[int, ...]] = []
    for k in range(STILL_BOOKS):
        at_ns = T0 - 10 * SEC + k * STILL_NS
        events += [(at_ns, *STILL), (at_ns, STILL[2 if k % 2 else 0], 1, 1 if k % 2 else -1)]
    return events


def set_row(row: np.record, at_ns: int, event: tuple[float, ...]) -> None:
    """Write a book (four numbers), a trade (price, size, sign of the aggressor), funding (its rate) or, with none, a row of no meaning."""
    row.ts_event = row.ts_recv = at_ns
    if len(event) == 4:
        row.kind = RowKind.BOOK
        row.price_ticks, row.lots, row.ask_ticks, row.ask_lots = event
    elif len(event) == 3:
        row.kind = RowKind.TRADE
        row.price_ticks, row.lots, row.buyer_maker = event[0], event[1], event[2] < 0
    else:
        row.kind = RowKind.FUNDING
        row.value = event[0] if event else 0.0


def level(word: str) -> tuple[int, int]:
    """Ticks and lots of `100.00x5`."""
    price, lots = word.split("x")
    return round(float(price) * TICKS), int(lots)


def level_text(price_ticks: int, lots: int) -> str:
    """`100.00x5` of ticks and lots."""
    return f"{price_ticks // TICKS}.{price_ticks % TICKS:02d}x{lots}"


def market_event(verb: str, words: list[str]) -> tuple[float, ...]:
    """What `set_row` takes, of a line's words."""
    if verb == "book":
        return (*level(words[0]), *level(words[1]))
    if verb == "funding":
        return (float(words[0]),)
    return (*level(words[0]), Side[words[1].upper()] * 1) if verb == "trade" else ()


def lines_of(table: str) -> list[str]:
    """The lines of a scenario with spaces evened out, blank ones left out; a line that ends in `;` or `->` goes on in the next."""
    joined = re.sub(r"(;|->)\s*\n", r"\1 ", table)
    return [" ".join(line.split()) for line in joined.strip().splitlines() if line.strip()]


def settings_of(table: str) -> dict[str, dict[str, object]]:
    """The `set section.name value` lines of a scenario."""
    changes: dict[str, dict[str, object]] = {}
    for line in lines_of(table):
        if line.startswith("set "):
            name, value = line.split()[1:]
            section, key = name.split(".")
            changes.setdefault(section, {})[key] = json.loads(value)
    return changes


def name_of(reason: int) -> str:
    """An order's reason as scenarios write it."""
    return OrderReason(reason).name.lower()


def take_told(out: np.record, with_fills: bool) -> list[tuple[int, str]]:
    """Empty the logs into (time, words): what was filled, what ended, what was sent; in this order at one time."""
    told, sent = [], []
    for e in out.order_events[: out.order_event_count]:
        event = OrderEvent(int(e["event"]))
        words = f"{event.name.lower()} {e['order_id']}"
        if event in (OrderEvent.PLACE, OrderEvent.AMEND):
            sent.append((int(e["ts_ns"]), f"{words} {level_text(e['price_ticks'], e['lots'])} {name_of(e['reason'])}"))
        elif event in (OrderEvent.CANCEL, OrderEvent.QUERY):
            sent.append((int(e["ts_ns"]), f"{words} {name_of(e['reason'])}"))
        elif event == OrderEvent.FILL and with_fills:
            told.append((int(e["ts_ns"]), f"{words} {level_text(e['price_ticks'], e['lots'])}"))
    for o in out.orders[: out.order_count]:
        status = OrderStatus(int(o["status"])).name.lower()
        told.append((int(o["final_ns"]), f"end {o['order_id']} {status} {o['cum_lots']}/{o['lots']} {name_of(o['reason'])}"))
    for c in out.closes[: out.close_count]:
        told.append((int(c["close_ns"]), f"close {ExitReason(int(c['reason'])).name.lower()} {c['lots']}"))
    for name in ("command", "order_event", "order", "close", "fill", "realisation", "edge", "decision", "equity"):
        out[f"{name}_count"] = 0
    return sorted(told + sent, key=lambda item: item[0])


def told_text(told: list[tuple[int, str]], at_ns: int) -> str:
    """What happened because of a line: with its time where that is not the line's."""
    return "; ".join(words if ns == at_ns else f"@{(ns - T0) / SEC:.3f} {words}" for ns, words in told)


class Desk:
    """One symbol's machine, driven from Python."""

    def __init__(self, changes: dict[str, dict[str, object]]) -> None:
        self.states, self.params = rows(SymbolState, 1), quiet_params(changes)
        self.out, self.row, self.report = new(Out), new(TapeRow), new(Report)
        self.portfolio = new(Portfolio)
        self.portfolio[0].states_address, self.portfolio[0].count = address_of(self.states), 1
        self.states["ins"][0] = instrument(**changes.get("instrument", {}))[0]
        self.states[0].wake_ns = NEVER_NS
        seed_rng(self.states[0].rng, 1, "DESK")
        self.told: list[tuple[int, str]] = []
        self.fill_rows: list[tuple[int, int]] = []  # order and lots of the fills in the orders' history
        self.realised_usd = 0.0  # net, over the realised parts
        self.sent: dict[int, tuple[int, int]] = {}  # price and total last sent, by order id
        self.filled: dict[int, int] = {}
        self.cost: dict[int, int] = {}  # ticks times lots, by order id
        for at_ns, *event in still_market():
            self.market(at_ns, tuple(event))

    @property
    def state(self) -> np.record:
        """The symbol's record."""
        return self.states[0]

    def _do(self, kind: int, now_ns: int) -> None:
        _feed(self.portfolio, self.states, self.params, self.out, self.row, self.report, kind, now_ns)
        self._check_commands(now_ns)
        events = self.out[0].order_events[: self.out[0].order_event_count]
        self.fill_rows += [(int(e["order_id"]), int(e["lots"])) for e in events if e["event"] == OrderEvent.FILL]
        self.realised_usd += float(self.out[0].realisations[: self.out[0].realisation_count]["net_usd"].sum())
        self.told += take_told(self.out[0], with_fills=False)

    def _check_commands(self, now_ns: int) -> None:
        """Commands are what the orders' history says, and of the kind their purpose asks."""
        out = self.out[0]
        sent = [
            e
            for e in out.order_events[: out.order_event_count]
            if e["event"] in (OrderEvent.PLACE, OrderEvent.AMEND, OrderEvent.CANCEL, OrderEvent.QUERY)
        ]
        assert len(sent) == out.command_count
        kinds = {CommandKind.PLACE: OrderEvent.PLACE, CommandKind.AMEND: OrderEvent.AMEND, CommandKind.CANCEL: OrderEvent.CANCEL}
        kinds[CommandKind.QUERY] = OrderEvent.QUERY
        for cmd, event in zip(out.commands[: out.command_count], sent, strict=True):
            assert (cmd["ts_ns"], cmd["order_id"], kinds[CommandKind(cmd["kind"])]) == (now_ns, event["order_id"], event["event"])
            is_entry = cmd["purpose"] == Purpose.ENTRY
            assert (cmd["side"], bool(cmd["reduce_only"])) == ((Side.SELL, False) if is_entry else (Side.BUY, True))
            is_market = event["event"] == OrderEvent.PLACE and event["reason"] in (OrderReason.CLOSE_MARKET, OrderReason.SWEEP)
            takes = is_market or (event["event"] == OrderEvent.PLACE and event["reason"] == OrderReason.CLOSE_IOC)
            if event["event"] == OrderEvent.PLACE:
                assert cmd["type"] == (OrderType.MARKET if is_market else OrderType.LIMIT)
                assert cmd["tif"] == (Tif.IOC if takes else Tif.GTX)
            if event["event"] in (OrderEvent.PLACE, OrderEvent.AMEND):
                assert (cmd["price_ticks"], cmd["lots"]) == (event["price_ticks"], event["lots"])
                self.sent[int(cmd["order_id"])] = (int(cmd["price_ticks"]), int(cmd["lots"]))

    def market(self, at_ns: int, event: tuple[float, ...]) -> None:
        """A row of the tape."""
        set_row(self.row[0], at_ns, event)
        self._do(EVENT, at_ns)

    def tell(self, at_ns: int, verb: str, words: list[str]) -> None:
        """A report about an order: `ID [PRICExLOTS] [cum N] [taker] [REASON]`.

        `cum` tells more lots as executed than were reported, at the price of the report or of the order; of a status it is the order's now.
        """
        order_id, rest = int(words[0]), words[1:]
        r = self.report[0]
        r.kind, r.order_id, r.ts_recv_ns, r.ts_venue_ns = REPORTS[verb], order_id, at_ns, at_ns
        r.maker, r.fee_usd, r.reason = "taker" not in rest, 0.0, OrderReason.NONE
        r.price_ticks, r.lots = self.sent[order_id]
        if verb == "fill":
            r.price_ticks, r.lots = level(rest[0])
            told = self.filled.get(order_id, 0) + int(r.lots)
        else:
            if rest and "x" in rest[0]:
                r.price_ticks, r.lots = level(rest[0])
            elif rest and rest[0] not in ("cum", "taker"):
                r.reason = OrderReason[rest[0].upper()]
            told = self.filled.get(order_id, 0)
        cum = int(rest[rest.index("cum") + 1]) if "cum" in rest else told
        self.cost[order_id] = self.cost.get(order_id, 0) + (cum - self.filled.get(order_id, 0)) * int(r.price_ticks)
        self.filled[order_id] = cum
        rate = float(self.params[0].maker_fee if r.maker else self.params[0].taker_fee)
        r.fee_usd = rate * int(r.lots) * int(r.price_ticks) / TICKS if verb == "fill" else 0.0
        r.cum_lots, r.cum_cost_ticklots, r.cum_fee_usd = cum, self.cost[order_id], rate * self.cost[order_id] / TICKS
        self._do(REPORT, at_ns)

    def fund(self, at_ns: int, usd: float, sequence: int) -> None:
        """A report of what was received for the position at a funding time."""
        r = self.report[0]
        r.kind, r.order_id, r.ts_recv_ns, r.ts_venue_ns = ReportKind.FUNDING, 0, at_ns, at_ns
        r.funding_usd, r.sequence = usd, sequence
        self._do(REPORT, at_ns)

    def wake(self, until_ns: int) -> None:
        """Let the timers fire that are due by then."""
        while self.state.wake_ns <= until_ns:
            self._do(TIMER, int(self.state.wake_ns))

    def show(self) -> str:
        """Position, groups, close and stray reports."""
        s = self.state
        words = [f"short {s.ledger.short_lots}", f"entry {GroupStatus(int(s.entry.status)).name.lower()}"]
        words.append(f"close {CloseStep(int(s.close.step)).name.lower()}")
        if s.close.step != CloseStep.IDLE:
            words.append(f"{ExitReason(int(s.close.reason)).name.lower()} leaves {s.close.target_lots}")
        return " ".join(words) + (f" stray {s.stray_reports}" if s.stray_reports else "")

    def apply(self, at_ns: int, verb: str, words: list[str]) -> str:
        """One line of a scenario; returns what `show` shows, else nothing."""
        if verb in REPORTS:
            self.tell(at_ns, verb, words)
        elif verb == "funded":
            self.fund(at_ns, float(words[0]), int(words[1]))
        elif verb == "shutdown":
            self._do(SHUTDOWN, at_ns)
        elif verb in ("book", "trade"):
            self.market(at_ns, market_event(verb, words))
        elif verb == "show":
            return self.show()
        elif verb != "wait":
            raise ValueError(f"{verb}: not an event of a scenario")
        self.wake(at_ns)
        return ""


def play(table: str) -> tuple[list[str], Desk]:
    """Run a scenario; returns its lines with what really happened, and the desk."""
    desk = Desk(settings_of(table))
    assert desk.told == []
    lines = lines_of(table)
    told = [line for line in lines if line.startswith("set ")]
    events = [line.split("->")[0].split() for line in lines if not line.startswith("set ")]
    times = [T0 + round(float(event[0]) * SEC) for event in events]
    for event, at_ns, next_ns in zip(events, times, [*times[1:], times[-1] + 1], strict=True):
        shown = desk.apply(at_ns, event[1], event[2:])
        desk.wake(next_ns - 1)
        text = "; ".join(part for part in (shown, told_text(desk.told, at_ns)) if part)
        told.append(" ".join(event) + (f" -> {text}" if text else ""))
        desk.told = []
    return told, desk


def check(table: str) -> Desk:
    """Run a scenario and compare every line with what it promises; returns the desk."""
    told, desk = play(table)
    assert told == lines_of(table), "\n".join(["what happened:", *told])
    assert desk.state.ledger.excess_lots == 0
    return desk
