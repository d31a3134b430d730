"""Import: a file of quotes and a file of trades become a symbol's days on a tape, streamed, all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from slackwater.data.instrument import DEFAULT_MIN_NOTIONAL, InstrumentSpec, parse_step, plain, read_instrument
from slackwater.data.layout import FUNDING, INSTRUMENT, QUOTES, TRADES, check_name, sha256_of, time_text
from slackwater.data.quarantine import Intake
from slackwater.data.source import Source, floats, open_source
from slackwater.data.steps import DecimalScale, too_large
from slackwater.data.writer import TapeWriter, writing
from slackwater.errors import UsageError

Advance = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import. Steps and minimums are decimals as text; None means infer the step, one lot, and 5 in the quote currency."""

    venue: str
    symbol: str
    quotes: Path
    trades: Path
    to: Path
    tick: str | None = None
    lot: str | None = None
    min_qty: str | None = None
    min_notional: str | None = None
    funding: Path | None = None
    contract: str = "linear"


def import_tape(request: ImportRequest, advance: Advance = lambda amount: None) -> dict[str, Any]:
    """Import one symbol; days already on the tape are replaced. `advance` is told the rows done, of `row_count`.

    Returns what was done: venue, symbol, folder, instrument and which steps were inferred, rows and days, what was dropped
    (`quarantined`), sorted (`time_backwards`) or odd but kept, gaps, first and last time.

    Raises:
        UsageError: an option makes no sense.
        DataError: a file is missing, unreadable, lacks a column, is off the steps, or holds no usable row.
    """
    check_name("--venue", request.venue)
    check_name("--symbol", request.symbol)
    sources = open_sources(request)
    spec, inferred, notes = settle_instrument(request, sources)
    with writing(request.to, request.venue, request.symbol, spec) as writer:
        intakes = [_take_in(source, spec, writer, advance) for source in sources]
        manifest = {
            "source": [
                {"kind": source.kind, "name": source.path.name, "sha256": sha256_of(source.path), "rows": intake.rows_seen}
                for source, intake in zip(sources, intakes, strict=True)
            ],
            "quarantined": dict(sorted(sum((intake.dropped for intake in intakes), Counter[str]()).items())),
            "kept_odd": dict(sorted(intakes[0].odd.items())),
        }
        done = writer.finish(manifest)
    return {
        "venue": request.venue,
        "symbol": request.symbol,
        "folder": str(request.to / request.venue / request.symbol),
        "instrument": spec.as_json(),
        "inferred": inferred,
        **done,
        "first": time_text(done["first_ns"]),
        "last": time_text(done["last_ns"]),
        "quarantined": manifest["quarantined"],
        "kept_odd": manifest["kept_odd"],
        "source": manifest["source"],
        "notes": notes,
    }


def open_sources(request: ImportRequest) -> tuple[Source, ...]:
    """The files of a request, quotes and trades first.

    Raises:
        DataError: a file is missing or not what it should be.
    """
    funding = (open_source(request.funding, "funding"),) if request.funding else ()
    return (open_source(request.quotes, "quotes"), open_source(request.trades, "trades"), *funding)


def row_count(request: ImportRequest) -> int | None:
    """The rows of all files, to show progress against; None when only reading tells.

    Raises:
        DataError: a file is missing or not what it should be.
    """
    counts = [source.row_count for source in open_sources(request)]
    return None if None in counts else sum(count or 0 for count in counts)


def settle_instrument(request: ImportRequest, sources: tuple[Source, ...]) -> tuple[InstrumentSpec, list[str], list[str]]:
    """Steps and minimums, the names of those that were inferred, and what the user should know about them.

    A step that was not given is that of the tape's other days when there are any, else one unit of the last decimal found in the files.
    """
    inferred: list[str] = []
    notes: list[str] = []
    tick = parse_step("--tick", request.tick) if request.tick else None
    lot = parse_step("--lot", request.lot) if request.lot else None
    present = request.to / request.venue / request.symbol / INSTRUMENT
    if (tick is None or lot is None) and present.exists():
        before = read_instrument(present)
        tick, lot = tick or before.tick_size, lot or before.lot_size
    if tick is None:
        book_tick, tick = _infer(sources, "price", ("bid", "ask"), ("price",))
        if tick < book_tick:
            notes.append(f"books are in steps of {plain(book_tick)}, some trades in {plain(tick)}: the finer one is the tape's tick")
        inferred.append("tick_size")
    if lot is None:
        _, lot = _infer(sources, "size", ("bid_qty", "ask_qty"), ("qty",))
        inferred.append("lot_size")
    min_qty = parse_step("--min-qty", request.min_qty) if request.min_qty else lot
    if (Fraction(min_qty) / Fraction(lot)).denominator != 1:
        raise UsageError(f"--min-qty: expected whole lots of {plain(lot)}, found {plain(min_qty)}")
    least = request.min_notional or DEFAULT_MIN_NOTIONAL
    min_notional = Decimal(0) if least in ("0", "0.0") else parse_step("--min-notional", least)
    history = read_instrument(present).history if present.exists() else ()
    return InstrumentSpec(tick, lot, min_qty, min_notional, request.contract, history), inferred, notes


def _infer(
    sources: tuple[Source, ...], what: str, quote_columns: tuple[str, ...], trade_columns: tuple[str, ...]
) -> tuple[Decimal, Decimal]:
    """The step of the quotes' columns alone, and that of both files'."""
    scale = DecimalScale(what)
    found: list[Decimal] = []
    for source, columns in zip(sources, (quote_columns, trade_columns), strict=False):
        for batch in source.batches(columns):
            for name in columns:
                values = floats(batch, name)
                usable = np.isfinite(values) & ~too_large(values, Fraction(1))
                scale.see(values[usable])
        found.append(scale.step)
    return found[0], found[1]


def _take_in(source: Source, spec: InstrumentSpec, writer: TapeWriter, advance: Advance) -> Intake:
    intake = Intake(source.path, spec)
    convert, name = {"quotes": (intake.quotes, QUOTES), "trades": (intake.trades, TRADES), "funding": (intake.funding, FUNDING)}[
        source.kind
    ]
    for batch in source.batches():
        writer.append(name, convert(batch))
        advance(batch.num_rows)
    return intake
