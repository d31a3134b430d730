"""A run at one moment: the tape is replayed up to it, and every gate is read as the strategy asked it at the last book.

The replay is the run's own loop with the run's configuration, symbols, seed and span, on a tape with the run's hash.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from slackwater.config.loading import load
from slackwater.data.tape import open_tape
from slackwater.decision.inspect import GateReading, look_at_book, read_gates
from slackwater.decision.inspect_targets import TargetReading, read_targets
from slackwater.decision.inverse import catch_up, zone_price
from slackwater.errors import DataError, UsageError
from slackwater.kernel.record import Box, as_box, new, rows
from slackwater.market.book import is_valid_book
from slackwater.runtime import gates
from slackwater.runtime.backtest import Request, open_session
from slackwater.runtime.explain import choose_symbols, read_document, read_table
from slackwater.runtime.halts import RECOVERY_ONLY, entries_off, halts, with_halts
from slackwater.runtime.latencies import fingerprint
from slackwater.runtime.session import Session
from slackwater.runtime.tables import EDGE_FIELDS, TABLES
from slackwater.schema.audit import EdgeRow
from slackwater.schema.enums import GATE_COUNT, CloseStep, Context, ExitReason, Gate, GroupStatus, InverseMode, OrderStatus
from slackwater.schema.events import RowKind
from slackwater.schema.units import SEC

Progress = Callable[[float], None]
COUNTED_TARGETS = ("rest_ticks", "rest_lots")  # shown as price and quantity instead
OPEN_TARGETS = ("decay", "rest_bps", "exit_hurdle_bps", "required_spacing_bps", "rise_bps", "net_bps", "unrealised_usd", "cost_usd")


def explain_at(run: Path, at_ns: int, symbol: str | None = None, advance: Progress = lambda rows: None) -> dict[str, Any]:
    """Every gate's value and threshold at a moment, with targets, position and pauses, for one symbol or all of the run.

    Args:
        advance: told the number of rows replayed since the last call.

    Raises:
        DataError: it is no run directory, or the tape is gone or not the run's.
        UsageError: the moment is outside the run, or the run does not have the symbol.
    """
    document = with_halts(read_document(run), lambda stem, columns: read_table(run, stem, columns))
    symbols = choose_symbols(document, symbol)
    first_ns, last_ns = int(document["first_ns"]), int(document["last_ns"])
    if not first_ns <= at_ns <= last_ns:
        raise UsageError(
            f"--at: expected a moment of the run, {np.datetime64(first_ns, 'ns')} to {np.datetime64(last_ns, 'ns')} UTC, "
            f"found {np.datetime64(at_ns, 'ns')}"
        )
    request = request_of(run, document)
    check_tape(request, document)
    check_latencies(request, document)
    found = []
    for name in symbols:
        session, _ = open_session(request)
        k = list(document["symbols"]).index(name)
        part = explain_session(session, k, at_ns, document["config"], advance)
        found.append({**part, **_halted(document, name, session.states[k], at_ns)})
    return {"run": str(run), "at_ns": at_ns, "symbols": found}


def request_of(run: Path, document: dict[str, Any]) -> Request:
    """What the run was asked for.

    Raises:
        DataError: the run does not say.
    """
    if "asked" not in document:
        raise DataError(f"{run}: expected what the run was asked for in its run.json, found no `asked`; run the back-test again")
    venues, asked = document["tape"]["venues"], document["asked"]
    names = tuple(f"{venues[name]}/{name}" for name in document["symbols"])
    config = load(run / "config.yaml")
    return Request(Path(document["tape"]["path"]), run, config, names, asked["start_ns"], asked["end_ns"], document["seed"])


def check_tape(request: Request, document: dict[str, Any]) -> None:
    """Refuse a tape that is not the run's.

    Raises:
        DataError: its content has another hash.
    """
    found = open_tape(request.data, list(request.symbols)).tape_sha256
    if found != document["tape"]["sha256"]:
        raise DataError(
            f"{request.data}: expected the tape of the run, sha256 {document['tape']['sha256'][:12]}, found {found[:12]}; "
            "a moment can only be explained on the tape it happened on, so run the back-test again"
        )


def check_latencies(request: Request, document: dict[str, Any]) -> None:
    """Refuse a table of measured delays that is not the run's.

    Raises:
        DataError: it is gone, or its content has another hash.
    """
    known, found = document.get("latencies"), fingerprint(request.config)
    if known is not None and found is not None and found["sha256"] != known["sha256"]:
        raise DataError(
            f"{found['path']}: expected the measured delays of the run, sha256 {known['sha256'][:12]}, found {found['sha256'][:12]}; "
            "a moment can only be explained with the delays it happened with, so run the back-test again"
        )


def _discard(out: Box) -> None:
    for _, counter, _ in TABLES.values():
        out[0][counter] = 0
    out[0]["is_nearly_full"] = False


def last_book(session: Session, k: int, at_ns: int) -> int | None:
    """Row of the last valid book that reached the strategy at or before a moment."""
    tape = session.inputs[k].rows
    cursor = session.cursors[k]
    end = min(int(np.searchsorted(tape["ts_recv"], session.fed_until_ns(k, at_ns), "right")), int(cursor.stop))
    for index in range(end - 1, int(cursor.first) - 1, -1):
        row = tape[index]
        if row.kind == RowKind.BOOK and is_valid_book(int(row.price_ticks), int(row.lots), int(row.ask_ticks), int(row.ask_lots)):
            return index
    return None


def states_at_book(session: Session, k: int, book: int) -> Box:
    """A copy of all states as they are when the strategy asks a symbol's gates at a book, before it acts on the answer.

    Args:
        session: one that has come to this row and not passed it.
        book: row of a valid book.
    """
    states = as_box(np.array(session.states))
    tape = session.inputs[k].rows
    look_at_book(states, k, session.params, session.heard_ns(k, book), as_box(np.array(tape[book : book + 1])))
    return states


def explain_session(session: Session, k: int, at_ns: int, config: dict[str, Any], advance: Progress = lambda rows: None) -> dict[str, Any]:
    """What the strategy answered at a symbol's last book, the gates and where everything stands; runs the session up to the moment.

    The gates are those of the answer (`gates_as_of` is `book`), or, where nothing was asked or a fill has changed what would be asked
    since, those of the moment itself (`at`).

    Args:
        session: one that has not come to that book.
        config: the run's, resolved.
    """
    done = 0

    def drop(out: Box) -> None:
        nonlocal done
        _discard(out)
        advance(session.rows_done - done)
        done = session.rows_done

    book = last_book(session, k, at_ns)
    if book is None:
        return {"symbol": session.inputs[k].name, "note": "no valid book had been seen yet: nothing was asked"}
    for out in session.run_to_row(k, book):
        drop(out)
    view = states_at_book(session, k, book)
    book_ns = session.heard_ns(k, book)
    asked_before = np.array(view[k].gate_counts)
    for out in session.run_until(at_ns):
        drop(out)
    state = session.states[k]
    answer = np.flatnonzero(np.array(state.gate_counts) - asked_before).tolist()
    context, decided = (Context(answer[0] // GATE_COUNT), Gate(answer[0] % GATE_COUNT)) if answer else (None, None)
    # What was not asked at the book is read as of the moment itself.
    if decided is None or bool(view[k].ledger.short_lots) != bool(state.ledger.short_lots):
        read, states, now_ns = "at", session.states, at_ns
    else:
        read, states, now_ns = "book", view, book_ns
    part: dict[str, Any] = {"symbol": session.inputs[k].name, "book_ns": book_ns}
    part["decided"] = None if decided is None else decided.name.lower()
    part["decided_context"] = None if context is None else context.name.lower()
    part["not_asked"] = None if decided is not None else _why_not_asked(state, book_ns)
    part["gates_as_of"] = read
    part.update(gates_of(states, k, session.params, now_ns, config))
    return {**part, **_standing(session, k, at_ns)}


def _halted(document: dict[str, Any], symbol: str, state: Any, at_ns: int) -> dict[str, Any]:
    """The symbol's liquidations up to the moment, and why entries are off at it, as words and in one sentence."""
    causes = [*halts(state), *([RECOVERY_ONLY] if document["config"]["orphans"]["recovery_only"] else [])]
    liquidated = [entry for entry in document["liquidated"] if entry["symbol"] == symbol and entry["ts_ns"] <= at_ns]
    return {"liquidated": liquidated, "halted": causes, "entries_off": entries_off(document, symbol, causes)}


def _why_not_asked(s: Any, book_ns: int) -> str:
    if s.close.step != CloseStep.IDLE or s.close.decided_ns == book_ns:
        return f"a close is under way ({ExitReason(int(s.close.reason)).name.lower()})"
    if s.entry.status != GroupStatus.IDLE:
        return "an entry group is working"
    return "an order had just ended"


def gates_of(states: Box, k: int, params: Box, now_ns: int, config: dict[str, Any]) -> dict[str, Any]:
    """Every gate of the context that applies, in order, with the first that fails and every term of the edge gate."""
    readings, edge = rows(GateReading, GATE_COUNT), new(EdgeRow)
    count = int(read_gates(states, k, params, now_ns, readings, edge))
    context = Context.AVERAGE if states[k].ledger.short_lots > 0 else Context.ENTRY
    listed = []
    for row in readings[:count]:
        gate = Gate(int(row.gate))
        fact = gates.POSITION_BELOW_MIN if row.is_of_position else gates.fact_of(gate, context)
        reading = {
            "gate": gate.name.lower(),
            "is": fact.value,
            "value": float(row.value),
            "asks": fact.asks,
            "threshold": float(row.threshold),
        }
        switches = {"unit": fact.unit, "is_on": bool(row.is_on), "passes": bool(row.passes), "settings": gates.settings(config, fact)}
        listed.append({**reading, **switches})
    failing = next((row["gate"] for row in listed if not row["passes"]), None)
    terms = {name: edge[0][name].item() for name in EDGE_FIELDS}
    return {"context": context.name.lower(), "first_failing": failing, "gates": listed, "edge": terms}


def _standing(session: Session, k: int, at_ns: int) -> dict[str, Any]:
    """Targets, position, pauses and working orders as of the moment."""
    states, names = as_box(np.array(session.states)), session.names()
    s = states[k]
    catch_up(s, session.params[0])  # the loop puts zones off while nothing rests on them
    box = new(TargetReading)
    read_targets(states, k, session.params, at_ns, box)
    tick, lot = names.tick[k], names.lot[k]
    is_open = bool(s.ledger.short_lots > 0)
    shown = [name for name in box.dtype.names or () if name not in COUNTED_TARGETS and (is_open or name not in OPEN_TARGETS)]
    targets = {name: box[0][name].item() for name in shown}
    if is_open:
        targets["rest_price"] = float(box[0].rest_ticks * tick[0] / tick[1])
        targets["rest_qty"] = float(box[0].rest_lots * lot[0] / lot[1])
    live = [o for o in s.orders if o.status != OrderStatus.FREE]
    mode = InverseMode(int(s.inverse.mode))
    zone_count = (
        int(s.inverse.zone_count) if mode in (InverseMode.ARMED, InverseMode.ACTIVE) else 0
    )  # else they are of an earlier unwinding
    return {
        "market": {name: float(s.market[name]) for name in ("bid", "ask", "spread_bps", "baseline_bps", "live_bps", "blended_bps")},
        "targets": targets,
        "position": {
            "qty": 0.0 - float(s.ledger.short_lots * lot[0] / lot[1]),
            "avg_entry": float(s.ledger.avg_entry) if is_open else None,
            "layers": int(s.ledger.layers_opened),
            "age_sec": (at_ns - int(s.ledger.opened_ns)) / SEC if is_open else None,
            "realised_usd": float(s.ledger.realised_usd),
            "fees_usd": float(s.ledger.fees_usd),
            "funding_usd": float(s.ledger.funding_usd),
        },
        "pauses_sec": {
            "close_cooldown": max((int(s.risk.cooldown_until_ns) - at_ns) / SEC, 0.0),
            "breaker": max((int(s.risk.breaker_until_ns) - at_ns) / SEC, 0.0),
            "layer_cooldown": max((int(s.risk.layer_cooldown_until_ns) - at_ns) / SEC, 0.0),
        },
        "record": {name: s.behaviour[name].item() for name in ("sample_count", "dup", "near", "loss", "net_std_bps", "slippage_est_bps")},
        "inverse_mode": mode.name.lower(),
        "zones": [
            {"price": zone_price(s, k), "left_qty": float((zone.lots - zone.filled_lots) * lot[0] / lot[1])}
            for k, zone in enumerate(s.inverse.zones[:zone_count])
        ],
        "closing": CloseStep(int(s.close.step)).name.lower(),
        "orders": [
            {
                "side": "buy" if o.side > 0 else "sell",
                "price": float(o.price_ticks * tick[0] / tick[1]),
                "qty": float((o.lots - o.cum_lots) * lot[0] / lot[1]),
                "status": OrderStatus(int(o.status)).name.lower(),
            }
            for o in live
        ],
    }
