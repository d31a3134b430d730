"""Import: a file of quotes and a file of trades become a symbol's days on a tape, streamed, all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from slackwater.data.formats.quarantine import INFERRED, OF_TAPE, Intake
from slackwater.data.formats.source import Source, floats, open_source, place_word
from slackwater.data.formats.take_in import Advance, take_in
from slackwater.data.formats.text_input import BAD_CHECKSUM, CUT_OFF
from slackwater.data.formats.time_order import TIME_BACKWARDS
from slackwater.data.instrument import DEFAULT_MIN_NOTIONAL, InstrumentSpec, parse_step, plain, read_instrument
from slackwater.data.layout import INSTRUMENT, check_name, sha256_of, time_text
from slackwater.data.steps import MAX_STEPS, DecimalScale, too_large
from slackwater.data.writer import writing
from slackwater.errors import DataError, UsageError
from slackwater.schema.units import DAY, SEC

# The columns whose values lie on the price step and on the size step.
STEPPED = {
    "price": {"quotes": ("bid", "ask"), "trades": ("price",)},
    "size": {"quotes": ("bid_qty", "ask_qty"), "trades": ("qty",)},
}


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import. Steps and minimums are decimals as text; None means infer the step, one lot, and 5 in the quote currency.

    `few_off` leaves out rows off the steps while they are few, `sort` puts rows into order however far they stand from their place.
    """

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
    few_off: bool = False
    sort: bool = False


def import_tape(
    request: ImportRequest, advance: Advance = lambda amount: None, sources: tuple[Source, ...] | None = None
) -> dict[str, Any]:
    """Import one symbol; days already on the tape are replaced. `advance` is told the rows done, of `row_count`.

    `sources` are what to read where it is not simply the request's files; their rows are of the request's symbol.

    Returns what was done: venue, symbol, folder, instrument and which steps were inferred, rows and days, what was dropped
    (`quarantined`), sorted (`time_backwards`) or odd but kept, the first `places` of what was dropped or odd by file and kind, gaps,
    `long_gaps` (of more than a day, by kind of file), first and last time.

    Raises:
        UsageError: an option makes no sense.
        DataError: a file is missing, unreadable, lacks a column, is off the steps, is mostly out of order, or of its quotes or trades not
            one is usable.
    """
    check_name("--venue", request.venue)
    check_name("--symbol", request.symbol)
    sources = sources or open_sources(request)
    spec, inferred, notes = settle_instrument(request, sources)
    given = {"tick": request.tick, "lot": request.lot}
    origins = {word: INFERRED if f"{word}_size" in inferred else OF_TAPE for word, text in given.items() if not text}
    with writing(request.to, request.venue, request.symbol, spec) as writer:
        intakes = []
        for source in sources:
            fresh = partial(Intake, source.path, spec, request.few_off, origins, source.unit_ns)
            intakes.append(take_in(source, fresh, request.sort, writer, advance))
        dropped = dict(sorted(sum((intake.dropped for intake in intakes), Counter[str]()).items()))
        if not writer.files:
            _refuse_nothing(f"{request.venue}/{request.symbol}", "rows for the tape", dropped, spec)
        for source, intake in zip(sources, intakes, strict=True):
            if not intake.rows_kept and source.kind in STEPPED["price"]:
                _refuse_nothing(str(source.path), source.kind, intake.dropped, spec)
        manifest = {
            "source": [
                {"kind": source.kind, "name": source.path.name, "sha256": sha256_of(source.path), "rows": intake.rows_seen}
                for source, intake in zip(sources, intakes, strict=True)
            ],
            "quarantined": dropped,
            "kept_odd": dict(sorted(sum((intake.odd for intake in intakes), Counter[str]()).items())),
            "places": {intake.path.name: places for intake in intakes if (places := intake.dropped.places | intake.odd.places)},
        }
        notes += [sentence for intake in intakes for sentence in _faults_of(intake)]
        done = writer.finish(manifest)
        notes += [_long_gap_text(stem, gaps) for stem, gaps in done["long_gaps"].items()]
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
        "places": manifest["places"],
        "source": manifest["source"],
        "notes": notes,
    }


def _refuse_nothing(place: str, wanted: str, dropped: Mapping[str, int], spec: InstrumentSpec) -> None:
    """Refuse what had rows and gave none; what says of the file as a whole that it is damaged is no row."""
    rows = {kind: count for kind, count in sorted(dropped.items()) if kind not in (CUT_OFF, BAD_CHECKSUM)}
    if rows:
        found = ", ".join(f"{count:,} {kind}" for kind, count in rows.items())
        hint = "; look at the unit of its times (--time-unit)" if set(rows) == {"no_time"} else ""
        if "out_of_range" in rows:
            hint = (
                f"; prices must be below {MAX_STEPS * float(spec.tick):.9g} and sizes below {MAX_STEPS * float(spec.lot):.9g}, 2**53 steps"
            )
        raise DataError(f"{place}: expected {wanted}, found none that make sense, only {found}{hint}")


def _faults_of(intake: Intake) -> list[str]:
    """What the user should know of a file beyond the counts: that it was not whole, or gave nothing."""
    where = f"{intake.path.name}: "
    told = {kind: f"{place_word(intake.path)} {places[0]}" for kind, places in intake.dropped.places.items() if places}
    sentences = []
    if CUT_OFF in intake.dropped:
        sentences.append(f"{where}the file is cut off or goes on with something else at {told[CUT_OFF]}; what is before that was imported")
    if BAD_CHECKSUM in intake.dropped:
        sentences.append(f"{where}its checksum does not fit, so some of what was imported may be wrong; get the file again")
    if TIME_BACKWARDS in intake.dropped:
        sentences.append(
            f"{where}{intake.dropped[TIME_BACKWARDS]:,} of {intake.rows_seen:,} rows stand more than a second out of their place and were "
            f"left out, the first at {told[TIME_BACKWARDS]}; --sort puts rows into order however far they stand from it"
        )
    if not intake.rows_kept:
        sentences.append(f"{where}none of its rows could be used")
    return sentences


def _long_gap_text(stem: str, gaps: Sequence[Mapping[str, Any]]) -> str:
    """Silences longer than a day, which are days left out or rows whose time is wrong."""
    longest = max(gaps, key=lambda gap: gap["seconds"])
    return (
        f"{stem}: {len(gaps)} gap(s) longer than a day, the longest {longest['seconds'] * SEC / DAY:,.1f} days from {longest['from']} "
        f"to {longest['to']}; look whether the times around it are right"
    )


def open_sources(request: ImportRequest) -> tuple[Source, ...]:
    """The files of a request, quotes and trades first.

    Raises:
        DataError: a file is missing or not what it should be.
    """
    funding = (open_source(request.funding, "funding"),) if request.funding else ()
    return (open_source(request.quotes, "quotes"), open_source(request.trades, "trades"), *funding)


def row_count(sources: tuple[Source, ...]) -> int | None:
    """The rows of all sources, to show progress against; None when only reading tells."""
    counts = [source.row_count for source in sources]
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
    found, rare = _infer(sources, [what for what, step in (("price", tick), ("size", lot)) if step is None])
    if tick is None:
        book_tick, tick = found["price"]
        if rare is not None:
            notes.append(
                f"{rare[0]:,} of {rare[1]:,} prices need the tick {plain(tick)}, all others lie on {plain(rare[2])}; "
                f"where those few are wrong, import with --tick {plain(rare[2])}"
            )
        if tick < book_tick:
            notes.append(f"books are in steps of {plain(book_tick)}, some trades in {plain(tick)}: the finer one is the tape's tick")
        inferred.append("tick_size")
    if lot is None:
        _, lot = found["size"]
        inferred.append("lot_size")
    min_qty = parse_step("--min-qty", request.min_qty) if request.min_qty else lot
    if (Fraction(min_qty) / Fraction(lot)).denominator != 1:
        raise UsageError(f"--min-qty: expected whole lots of {plain(lot)}, found {plain(min_qty)}")
    least = request.min_notional or DEFAULT_MIN_NOTIONAL
    min_notional = Decimal(0) if least in ("0", "0.0") else parse_step("--min-notional", least)
    history = read_instrument(present).history if present.exists() else ()
    return InstrumentSpec(tick, lot, min_qty, min_notional, history=history), inferred, notes


def _infer(sources: tuple[Source, ...], wanted: list[str]) -> tuple[dict[str, tuple[Decimal, Decimal]], tuple[int, int, Decimal] | None]:
    """Of `price`, `size` or both: the step of the quotes' columns alone, and that of both files'; and `DecimalScale.rare` of the prices.

    One pass over the files, or none for nothing.
    """
    scales = {what: DecimalScale(what) for what in wanted}
    found: dict[str, list[Decimal]] = {what: [] for what in wanted}
    for source in sources if wanted else ():
        columns = {what: STEPPED[what].get(source.kind, ()) for what in wanted}
        if not any(columns.values()):
            continue
        for batch in source.batches([name for names in columns.values() for name in names]):
            for what, names in columns.items():
                for name in names:
                    values = floats(batch, name)
                    usable = np.isfinite(values) & ~too_large(values, Fraction(1))
                    scales[what].see(values[usable])
        for what in wanted:
            scales[what].check()
            found[what].append(scales[what].step)
    rare = scales["price"].rare if "price" in scales else None
    return {what: (steps[0], steps[-1]) for what, steps in found.items()}, rare
