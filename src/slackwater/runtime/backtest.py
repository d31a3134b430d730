"""Back-test: open the tape, run the loop over it, write the run directory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from slackwater import __version__
from slackwater.config.loading import anchored, with_seed
from slackwater.config.model import Config
from slackwater.data.cache import load_rows
from slackwater.data.parquet import read_columns
from slackwater.data.tape import SymbolTape, Tape, open_tape
from slackwater.errors import DataError
from slackwater.kernel.jit import note_warm
from slackwater.kernel.record import Box, new
from slackwater.runtime.execution import Traded, execution, read_trades
from slackwater.runtime.fill_models import MODELS, Tally, run_dry, with_model
from slackwater.runtime.halts import FILL_COLUMNS, REALISATION_COLUMNS, Liquidation, halts, liquidations
from slackwater.runtime.latencies import fingerprint, latency_file, load_latencies
from slackwater.runtime.run_directory import RUN_FILE, RunWriter, check_place, new_run_folder
from slackwater.runtime.session import Session, SymbolInput
from slackwater.runtime.summary import summarise
from slackwater.runtime.tape_books import TapeBooks
from slackwater.schema.enums import GATE_COUNT, Context, Gate
from slackwater.schema.events import RowKind
from slackwater.schema.instrument import Instrument
from slackwater.schema.units import SEC

Progress = Callable[[float], None]
SEARCH_ROWS = 1 << 16


@dataclass(frozen=True)
class Request:
    """What to back-test.

    Args:
        start_ns, end_ns: first moment and the moment after the last; None is open.
        seed: takes the place of the configuration's; None leaves that.
        is_one_model: whether the other queue models are left out, for speed.

    Raises:
        UsageError: a seed that the configuration does not allow.
    """

    data: Path
    out: Path
    config: Config
    symbols: Sequence[str] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    seed: int | None = None
    is_one_model: bool = False

    def __post_init__(self) -> None:
        """Put the seed and absolute paths into the configuration: what is run is what is written down, wherever that is read."""
        config = self.config if self.seed is None else with_seed(self.config, self.seed)
        object.__setattr__(self, "config", anchored(config, Path()))


@dataclass(frozen=True)
class _Task:
    """A request with its tape opened: what every session of it begins from."""

    tape: Tape
    inputs: Sequence[SymbolInput]
    seed: int
    start_ns: int | None
    end_ns: int | None
    delays: Box | None

    def session(self, config: Config) -> Session:
        return Session(self.inputs, config.to_params(), self.seed, self.start_ns, self.end_ns, self.delays)


def open_session(request: Request) -> tuple[Session, Tape]:
    """The tape of a request and a session at its first row.

    Raises:
        DataError: no tape, no rows in the time asked for, or recorded latencies that cannot be used.
        UsageError: a symbol that is not on the tape.
    """
    task = _open(request)
    return _first_session(request, task), task.tape


def _open(request: Request) -> _Task:
    tape = open_tape(request.data, list(request.symbols) or None)
    feed_latency_ns = int(request.config.to_params()[0].feed_latency_ns)
    inputs = [_input(entry, feed_latency_ns) for entry in tape.symbols]
    path = latency_file(request.config)
    delays = None if path is None else load_latencies(path)
    return _Task(tape, inputs, request.config.seed, request.start_ns, _end_ns(request, inputs), delays)


def _first_session(request: Request, task: _Task) -> Session:
    session = task.session(request.config)
    if session.row_count == 0:
        raise DataError(f"{request.data}: expected rows in the time asked for, found none; `slackwater data ls` shows what a tape spans")
    return session


def _input(entry: SymbolTape, feed_latency_ns: int) -> SymbolInput:
    loaded = load_rows(entry, feed_latency_ns)
    instrument = new(Instrument)
    entry.instrument.to_instrument(instrument[0])
    return SymbolInput(entry.symbol, loaded.rows, loaded.venue_order, instrument, loaded.zones, entry.candle_frames)


def _end_ns(request: Request, inputs: Sequence[SymbolInput]) -> int | None:
    duration_ns = int(request.config.session.duration_sec * SEC)
    if duration_ns == 0:
        return request.end_ns
    first_ns = min(_first_market_ns(source.rows) for source in inputs)
    last_ns = max(first_ns, request.start_ns or first_ns) + duration_ns
    return last_ns if request.end_ns is None else min(request.end_ns, last_ns)


def _first_market_ns(rows: Box) -> int:
    """When the first quote or trade comes; candles from before it are history."""
    for at in range(0, len(rows), SEARCH_ROWS):
        part = rows[at : at + SEARCH_ROWS]
        found = np.flatnonzero((part["kind"] == RowKind.BOOK) | (part["kind"] == RowKind.TRADE))
        if len(found):
            return int(part["ts_recv"][found[0]])
    return int(rows["ts_recv"][0])


def run_backtest(request: Request, advance: Progress = lambda rows: None) -> dict[str, Any]:
    """Run a back-test and write its run directory; returns what `run.json` holds.

    Args:
        advance: told the number of rows done since the last call; 0 first, when everything is compiled and the run begins.

    Raises:
        DataError, UsageError: as `open_session`, or the run directory's place is not free.
    """
    check_place(request.out)
    task = _open(request)
    session = _first_session(request, task)
    session.load_kernels()
    with new_run_folder(request.out) as folder:
        writer, tally = RunWriter(folder, session.names(), session.first_end_ns), Tally(len(session.inputs))
        advance(0)
        started = time.perf_counter()
        try:
            _run_through(session, writer, tally, advance)
            writer.close()
        except BaseException:
            writer.abort()
            raise
        wall_sec = time.perf_counter() - started
        note_warm()
        write_gates(folder, session)
        (folder / "config.yaml").write_text(request.config.resolved_yaml())
        document = describe(request, session, task.tape, writer, folder, wall_sec)
        note_execution(document, session, task.tape, folder)
        asked = tally.figures(session, document["orders_sha256"])
        document["fill_models"] = _fill_models(request, task, asked, advance)
        (folder / RUN_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
    return document


def _run_through(session: Session, writer: RunWriter, tally: Tally, advance: Progress) -> None:
    done = 0
    for out in session.run():
        tally.add(out)
        writer.drain(out)
        advance(session.rows_done - done)
        done = session.rows_done


def _fill_models(request: Request, task: _Task, asked: dict[str, Any], advance: Progress) -> dict[str, dict[str, Any]]:
    """The result by queue model: the asked one as it came, the others run for their figures alone."""
    own = str(request.config.sim.queue_model)
    if request.is_one_model:
        return {own: asked}
    return {model: asked if model == own else run_dry(task.session(with_model(request.config, model)), advance) for model in MODELS}


def note_execution(document: dict[str, Any], session: Session, tape: Tape, folder: Path) -> None:
    """Add `execution` to the summary's total and to each of its symbols."""
    traded = [
        Traded(source.name, TapeBooks(source.rows, source.venue_order), entry.instrument.tick)
        for source, entry in zip(session.inputs, tape.symbols, strict=True)
    ]
    together, singles = execution(read_trades(folder), traded, (document["first_ns"], document["last_ns"]))
    summary = document["summary"]
    summary["total"]["execution"] = together
    for symbol, figures in singles.items():
        summary["symbols"][symbol]["execution"] = figures


def write_gates(folder: Path, session: Session) -> None:
    """How often each gate was the one that stopped an entry or an add, and how often none did (`pass`)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "symbol": source.name,
            "context": context.name.lower(),
            "reason": gate.name.lower(),
            "count": int(counts[context * GATE_COUNT + gate]),
        }
        for source, counts in zip(session.inputs, session.states["gate_counts"], strict=True)
        for context in Context
        for gate in Gate
        if counts[context * GATE_COUNT + gate] > 0
    ]
    word = pa.dictionary(pa.int32(), pa.string())
    fields = (("symbol", word), ("context", word), ("reason", word), ("count", pa.int64()))
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "gates.parquet", compression="snappy")


def describe(request: Request, session: Session, tape: Tape, writer: RunWriter, folder: Path, wall_sec: float) -> dict[str, Any]:
    """The contents of `run.json`."""
    total_hash, single_hashes = writer.digest.finish()
    symbols = writer.names.symbols
    summary = summarise(folder, symbols, session.states)
    for symbol, digest in zip(symbols, single_hashes, strict=True):
        summary["symbols"][symbol]["orders_sha256"] = digest
    config = request.config
    halted_ns = zip(symbols, (s.risk.drawdown_halt_ns for s in session.states), strict=True)
    return {
        "version": __version__,
        "git_commit": git_commit(),
        "tape": {
            "path": str(request.data.resolve()),
            "sha256": tape.tape_sha256,
            "manifests": tape.manifest_hashes,
            "venues": {entry.symbol: entry.venue for entry in tape.symbols},
        },
        "latencies": fingerprint(config),
        "symbols": symbols,
        "asked": {"symbols": list(request.symbols), "start_ns": request.start_ns, "end_ns": request.end_ns},
        "first_ns": min(int(s.market.first_ns) for s in session.states),
        "last_ns": int(session.loop[0].now_ns),
        "seed": config.seed,
        "config": config.to_mapping(),
        "events": session.rows_done,
        "wall_sec": wall_sec,
        "events_per_sec": session.rows_done / wall_sec if wall_sec > 0 else None,
        "quarantined": quarantined(session, tape),
        "time_backwards": {entry.symbol: entry.time_backwards for entry in tape.symbols},
        "drift_clamped_frac": {source.name: _clamped(s) for source, s in zip(session.inputs, session.states, strict=True)},
        "overflows": overflows(session),
        "liquidations": {source.name: int(v.liquidation_count) for source, v in zip(session.inputs, session.venues, strict=True)},
        "liquidated": _liquidated(folder, session),
        "halted": {source.name: causes for source, s in zip(session.inputs, session.states, strict=True) if (causes := halts(s))},
        "drawdown_halts": {name: int(ns) for name, ns in halted_ns if ns},
        "lost_answers": {source.name: int(v.lost_answer_count) for source, v in zip(session.inputs, session.venues, strict=True)},
        "late_reports": {source.name: int(s.stray_reports) for source, s in zip(session.inputs, session.states, strict=True)},
        "slicing": slicing_words(config),
        "fill_model": {
            "queue_model": str(config.sim.queue_model),
            "latency_model": str(config.sim.latency_model),
            "feed_latency_ms": config.sim.feed_latency_ms,
            "entry_latency_ms": config.sim.entry_latency_ms,
            "response_latency_ms": config.sim.response_latency_ms,
        },
        "has_funding": {entry.symbol: any(path.name == "funding.parquet" for path in entry.files) for entry in tape.symbols},
        "has_stop": config.exit.stop_loss_bps > 0 or config.exit.max_age_sec > 0,
        "orders_sha256": total_hash,
        "summary": summary,
    }


def _liquidated(folder: Path, session: Session) -> list[Liquidation]:
    if not any(v.liquidation_count for v in session.venues):
        return []
    fills = read_columns(folder / "fills.parquet", FILL_COLUMNS)
    return liquidations(fills, read_columns(folder / "realisations.parquet", REALISATION_COLUMNS))


def slicing_words(config: Config) -> str:
    """How groups are cut, in words."""
    stealth = config.stealth
    fewest = stealth.min_slices if stealth.always_split else 1
    most = min(stealth.max_slices, stealth.max_ticks)
    if most <= 1:
        return "one slice per group"
    return f"{min(fewest, most)} to {most} slices per group, fewer where the venue's minimums ask"


def _clamped(s: Any) -> float | None:
    return float(s.market.clamped_ns) / float(s.market.regime_ns) if s.market.regime_ns > 0 else None


def quarantined(session: Session, tape: Tape) -> dict[str, dict[str, int]]:
    """Input that never traded, by symbol and kind: left out of the tape when it was imported, or rejected in the run."""
    result = {}
    for entry, s in zip(tape.symbols, session.states, strict=True):
        kinds = dict(entry.quarantined)
        for kind in ("rejected_books", "rejected_trades", "rejected_candles"):
            if s.market[kind] > 0:
                kinds[kind] = int(s.market[kind])
        result[entry.symbol] = kinds
    return result


def overflows(session: Session) -> dict[str, dict[str, int]]:
    """What did not fit and is therefore not exact; empty in a run that can be trusted whole."""
    result = {}
    for source, s, v in zip(session.inputs, session.states, session.venues, strict=True):
        found = {
            "market_rings": int(s.market.ring_overflows),
            "debt_parts_merged": int(s.recovery.merged_count),
            "excess_exit_lots": int(s.ledger.excess_lots),
            "refused_requests": int(v.refused_request_count),
            "lost_reports": int(v.lost_report_count),
        }
        kept = {name: count for name, count in found.items() if count > 0}
        if kept:
            result[source.name] = kept
    return result


def git_commit() -> str | None:
    """The commit of the source tree this package runs from, or None."""
    here = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
