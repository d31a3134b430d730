"""The gate funnel of a finished run: which gates stopped trading how often, which did for hours, and what that means in words.

Reads the run directory; the tape only for the median spread, and only while its manifests are still those of the run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from slackwater.data.layout import QUOTES
from slackwater.data.tape import open_tape
from slackwater.errors import DataError, SlackwaterError, UsageError
from slackwater.runtime import gates
from slackwater.runtime.halts import entries_off, freed_by, liquidation_said, off_causes, with_halts
from slackwater.runtime.input_faults import faults_said
from slackwater.runtime.run_directory import NEEDED_KEYS, RUN_FILE
from slackwater.schema.enums import Context, Gate
from slackwater.schema.units import HOUR

LONG_REFUSAL_NS = HOUR  # a gate that refuses everything for so long is worth a sentence
MAX_REFUSALS = 20  # the longest ones are listed


def read_document(run: Path) -> dict[str, Any]:
    """What `run.json` of a run directory holds.

    Raises:
        DataError: it is no run directory, or the file is damaged.
    """
    path = run / RUN_FILE
    if not path.is_file():
        raise DataError(f"{run}: expected a run directory, found no {RUN_FILE}; `slackwater backtest --out {run}` writes one")
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.MsgspecError, OSError) as error:
        raise DataError(f"{path}: expected a JSON object, found: {error}") from error
    missing = [key for key in NEEDED_KEYS if key not in document]
    if missing:
        raise DataError(f"{path}: expected the keys {', '.join(NEEDED_KEYS)}, {', '.join(missing)} missing; run the back-test again")
    return document


def read_table(run: Path, stem: str, columns: list[str]) -> pa.Table:
    """Columns of one table of a run, words as strings.

    Raises:
        DataError: the file is missing, damaged or lacks a column.
    """
    path = run / f"{stem}.parquet"
    try:
        table = pq.read_table(path, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a table of the run, found: {str(error).splitlines()[0]}") from error
    if table.column_names != columns:
        raise DataError(f"{path}: expected the columns {', '.join(columns)}, found {', '.join(table.column_names) or 'none'}")
    for k, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(k, field.name, table[field.name].cast(pa.string()))
    return table


def choose_symbols(document: dict[str, Any], symbol: str | None) -> list[str]:
    """The symbol asked for, or all of the run.

    Raises:
        UsageError: the run does not have it.
    """
    known = list(document["symbols"])
    if symbol is None:
        return known
    if symbol not in known:
        raise UsageError(f"--symbol: expected one of {', '.join(known)}, found {symbol!r}")
    return [symbol]


def explain_run(run: Path, symbol: str | None = None) -> dict[str, Any]:
    """The funnel of every symbol and context, with its reading in words.

    Raises:
        DataError: it is no run directory, or a table is missing or damaged.
        UsageError: a symbol that the run does not have.
    """
    document = with_halts(read_document(run), lambda stem, columns: read_table(run, stem, columns))
    symbols = choose_symbols(document, symbol)
    counts = read_table(run, "gates", ["symbol", "context", "reason", "count"]).to_pylist()
    fired = _fired(run)
    parts = []
    for name in symbols:
        own = [row for row in counts if row["symbol"] == name]
        contexts = [_context(document, context, own, fired.get((name, context.name.lower()), (0, 0))) for context in Context]
        refusals = long_refusals(run, document, name)
        part = {"symbol": name, "contexts": contexts, "refused_for_an_hour": refusals}
        part["liquidated"] = [entry for entry in document["liquidated"] if entry["symbol"] == name]
        part["halted"] = document["halted"].get(name, [])
        part |= {what: document.get(what, {}).get(name, {}) for what in ("quarantined", "time_backwards")}
        part["input_faults"] = faults_said(document, name)
        parts.append({**part, "reading": _reading(document, name, contexts, refusals)})
    return {"run": str(run), "symbols": parts}


def _fired(run: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Orders placed and fills got, by symbol and context."""
    events = read_table(run, "order_events", ["symbol", "client_order_id", "event", "reason"])
    placed = events.filter(pc.and_(pc.equal(events["event"], "place"), pc.is_in(events["reason"], pa.array(["entry", "average", "retry"]))))
    filled = read_table(run, "fills", ["client_order_id"])["client_order_id"].value_counts().to_pylist()
    fills = {row["values"]: row["counts"] for row in filled}
    result: dict[tuple[str, str], tuple[int, int]] = {}
    groups: dict[str, str] = {}
    for row in placed.to_pylist():
        group = row["client_order_id"].rsplit("-", 2)[0]
        # What is sent again belongs to the context that its group was fired in.
        context = groups.setdefault(group, "average" if row["reason"] == "average" else "entry")
        orders, got = result.get((row["symbol"], context), (0, 0))
        result[row["symbol"], context] = (orders + 1, got + fills.get(row["client_order_id"], 0))
    return result


def _context(document: dict[str, Any], context: Context, own: list[dict[str, Any]], fired: tuple[int, int]) -> dict[str, Any]:
    name = context.name.lower()
    stopped = {row["reason"]: int(row["count"]) for row in own if row["context"] == name}
    total = sum(stopped.values())
    left = total
    rows = []
    for gate in gates.ORDER[context]:
        count = stopped.get(gate.name.lower(), 0)
        left -= count
        past = left / total if total else None
        settings = gates.settings(document["config"], gates.fact_of(gate, context))
        rows.append({"gate": gate.name.lower(), "stopped": count, "past_frac": past, "settings": settings})
    shots = stopped.get(Gate.PASS.name.lower(), 0)
    return {"context": name, "evaluations": total, "gates": rows, "shots": shots, "orders": fired[0], "fills": fired[1]}


def long_refusals(run: Path, document: dict[str, Any], symbol: str) -> list[dict[str, Any]]:
    """Stretches of an hour and more in which one gate refused everything, longest first, with what would free them.

    A row of decisions stands wherever the reason changes, so a stretch lasts from its row to the symbol's next.
    """
    table = read_table(run, "decisions", ["ts_ns", "symbol", "context", "reason"])
    own = table.filter(pc.equal(table["symbol"], symbol))
    start = own["ts_ns"].to_numpy()
    if len(start) == 0:
        return []
    length = np.diff(start, append=max(int(document["last_ns"]), int(start[-1])))
    found = []
    for k in np.flatnonzero(length >= LONG_REFUSAL_NS).tolist():
        reason = own["reason"][k].as_py()
        if reason == Gate.PASS.name.lower():
            continue
        gate, context = Gate[reason.upper()], own["context"][k].as_py()
        freed = gates.frees(document["config"], gate, Context[context.upper()])
        if gate == Gate.ENTRY_DISABLED:
            freed = freed_by(off_causes(document, symbol)) or freed
        stretch = {"context": context, "gate": reason, "from_ns": int(start[k]), "to_ns": int(start[k] + length[k])}
        lasts = k == len(start) - 1
        found.append({**stretch, "until_the_end": lasts, "freed_by": freed})
    found.sort(key=lambda row: row["from_ns"] - row["to_ns"])
    return found[:MAX_REFUSALS]


def _reading(document: dict[str, Any], symbol: str, contexts: list[dict[str, Any]], refusals: list[dict[str, Any]]) -> list[str]:
    lines = [liquidation_said(entry) for entry in document["liquidated"] if entry["symbol"] == symbol]
    if not any(part["evaluations"] for part in contexts):
        return [*lines, "no gate was ever asked: the run saw no valid book"]
    lines += [_sentence(document, symbol, part) for part in contexts if part["evaluations"]]
    for row in refusals:
        hours = (row["to_ns"] - row["from_ns"]) / HOUR
        lasted = "to the end of the run" if row["until_the_end"] else "then it let go"
        lines.append(f"{row['gate']} alone refused everything for {hours:.1f} h ({row['context']}), {lasted}; freed by: {row['freed_by']}")
    return lines


def _sentence(document: dict[str, Any], symbol: str, part: dict[str, Any]) -> str:
    worst = max(part["gates"], key=lambda row: int(row["stopped"]))
    if worst["stopped"] == 0:
        return f"{part['context']}: nothing was refused"
    gate, context = Gate[worst["gate"].upper()], Context[part["context"].upper()]
    share = worst["stopped"] / part["evaluations"]
    text = f"{part['context']}: {worst['gate']} refused most: {gates.refused(document['config'], gate, context)} at {share:.1%} of books"
    if gate in (Gate.SPREAD_LOW, Gate.SPREAD_HIGH) and context == Context.ENTRY:
        median = tape_median_spread_bps(document, symbol)
        text += f"; the tape's median spread is {median:.3g} bps" if median is not None else ""
    # Settings of which none or only one may be at work say nothing here; the causes do.
    said = ", ".join(f"{key}: {value}" for key, value in worst["settings"].items())
    if gate == Gate.ENTRY_DISABLED:
        said = entries_off(document, symbol, off_causes(document, symbol))
    return f"{text} ({said})" if said else text


def tape_median_spread_bps(document: dict[str, Any], symbol: str) -> float | None:
    """Median spread of the quotes within the run; None when the tape is gone or its manifests have changed."""
    venue = document["tape"]["venues"].get(symbol)
    try:
        tape = open_tape(document["tape"]["path"], [f"{venue}/{symbol}"])
        if tape.manifest_hashes.get(f"{venue}/{symbol}") != document["tape"]["manifests"].get(f"{venue}/{symbol}"):
            return None
        folders = [tape.symbols[0].folder / date for date in tape.symbols[0].dates]
        columns = ["ts_event", "bid_ticks", "ask_ticks"]
        quotes = pa.concat_tables([pq.read_table(folder / QUOTES, columns=columns) for folder in folders if (folder / QUOTES).exists()])
    except (SlackwaterError, pa.ArrowException, OSError):
        return None  # the sentence does without
    ts, bid, ask = (quotes[name].to_numpy() for name in columns)
    kept = (ts >= document["first_ns"] - HOUR) & (ts <= document["last_ns"]) & (bid > 0) & (ask >= bid)
    if not kept.any():
        return None
    return float(np.median((ask[kept] - bid[kept]) / (ask[kept] + bid[kept]) * 2e4))
