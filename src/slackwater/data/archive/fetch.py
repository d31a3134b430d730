"""Fetch: the public archive's files of a symbol become days of a tape, each day all or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

from slackwater.data.archive.csv_file import ArchiveCsv
from slackwater.data.archive.day_build import DayBuild, DayTotals, SurveyedFile, build_day
from slackwater.data.archive.download import DownloadOptions, Outcome, download
from slackwater.data.archive.files import (
    BASE_URL,
    BOOK_TICKER_END,
    ArchiveFile,
    days_between,
    parse_date,
    parse_types,
    plan_files,
)
from slackwater.data.archive.ordering import StepFinder, survey
from slackwater.data.cache import cache_folder
from slackwater.data.exchange_info import read_exchange_info
from slackwater.data.instrument import DEFAULT_MIN_NOTIONAL, InstrumentSpec, parse_step, plain, read_instrument
from slackwater.data.layout import INSTRUMENT, check_name
from slackwater.data.symbols import canonical_symbol
from slackwater.errors import DataError, UsageError

TELLING_ROWS = 1000  # fewer rows of a day do not show its steps


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to fetch. Dates are UTC, both included; steps and minimums are decimals as text, None means ask exchangeInfo or infer."""

    venue: str
    symbol: str
    first: str
    last: str
    out: Path
    types: str = "bookTicker,aggTrades,klines,fundingRate"
    base_url: str = BASE_URL
    cache: Path | None = None
    exchange_info: str | None = None
    tick: str | None = None
    lot: str | None = None
    parallel: int = 4
    attempts: int = 6
    back_off_s: float = 0.5


@dataclass(slots=True)
class _Work:
    """What is known while a fetch goes on."""

    seen: dict[ArchiveFile, SurveyedFile | DataError] = field(default_factory=dict)
    surveyed: list[SurveyedFile] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # sentences
    skipped: dict[str, list[str]] = field(default_factory=dict)  # date to the names of files it lacks
    notes: list[str] = field(default_factory=list)

    def look_through(self, outcome: Outcome, stop: Event) -> None:
        """Survey a downloaded file, or note why that cannot be."""
        if outcome.path is None:
            return
        source = ArchiveCsv(outcome.path, outcome.file.kind)
        try:
            seen = survey(source, stop)
            if not seen.rows and outcome.file.kind != "fundingRate":
                raise DataError(f"{outcome.path}: expected rows, found none that can be read")
            self.seen[outcome.file] = SurveyedFile(outcome.file, source, seen, outcome.sha256)
        except DataError as error:
            self.seen[outcome.file] = error


def fetch_tape(request: FetchRequest, advance: Callable[[float], None] = lambda amount: None) -> dict[str, Any]:
    """Fetch one symbol's days; days already on the tape are replaced, but for the kinds of file not asked for.

    Returns `ok`, the days written (`look_back_days` hold candles only) and skipped, rows, what was dropped with its first places,
    every file and what happened to it, and `missing`: a sentence for each file that is not there or not fit. `advance` is told 1 for
    each file had and each file looked through.

    Raises:
        UsageError: an option makes no sense.
        DataError: exchangeInfo cannot be had, or the tape in the folder has steps that these days do not fit.
    """
    symbol = check_name("--symbol", canonical_symbol(request.symbol).upper())
    types = parse_types(request.types)
    days = days_between(parse_date("--from", request.first), parse_date("--to", request.last))
    if not 1 <= request.parallel <= 16:
        raise UsageError(f"--parallel: expected 1 to 16, found {request.parallel}")
    if not request.base_url.startswith(("http://", "https://")):
        raise UsageError(f"--base-url: expected a URL such as {BASE_URL}, found {request.base_url!r}")
    work = _Work()
    open_days = _published(days, types, request, work)
    options = DownloadOptions(
        request.base_url, request.cache or cache_folder().parent / "downloads", request.parallel, request.attempts, request.back_off_s
    )
    told = _told_steps(request, symbol)
    files = plan_files(request.venue, symbol, open_days, types) if open_days else []
    outcomes = download(files, options, advance, work.look_through)
    for outcome in outcomes:
        _keep_survey(outcome, work)
    totals = DayTotals()
    home = request.out / request.venue / symbol
    dates = sorted({entry.date for entry in work.surveyed if entry.date} - set(work.skipped))
    if dates:
        spec = _settle(told, home, work)
        build = DayBuild(request.out, request.venue, symbol, spec, work.surveyed)
        for day in dates:
            _write_day(build, day, totals, work)
    written = [day for day in dates if day not in work.skipped]
    return {
        "ok": not work.missing,
        "venue": request.venue,
        "symbol": symbol,
        "folder": str(home),
        "base_url": request.base_url,
        "instrument": read_instrument(home / INSTRUMENT).as_json() if written else None,
        "inferred": [name for name, step in (("tick_size", told[0]), ("lot_size", told[1])) if step is None] if written else [],
        "days": [day for day in written if day >= request.first],
        "look_back_days": [day for day in written if day < request.first],
        "skipped": work.skipped,
        "rows": dict(totals.rows),
        "quarantined": dict(sorted(totals.rejects.dropped.items())),
        "places": totals.rejects.places,
        "kept_odd": dict(sorted(totals.odd.items())),
        "gaps": totals.gaps,
        "files": [_file_json(outcome, work) for outcome in outcomes],
        "missing": work.missing,
        "notes": work.notes,
    }


def _published(days: list[date], types: tuple[str, ...], request: FetchRequest, work: _Work) -> list[date]:
    """The days to ask for. After its end bookTicker is not asked of the public archive; a mirror may have more."""
    late = [day for day in days if day > BOOK_TICKER_END]
    if "bookTicker" not in types or not late:
        return days
    work.notes.append(
        f"the public archive's bookTicker ends on {BOOK_TICKER_END}: for later days record the market yourself (slackwater data record), "
        "or import a vendor's file such as Tardis CSV (slackwater data import); trades, candles and funding alone come with "
        "--types aggTrades,klines,fundingRate"
    )
    if request.base_url.rstrip("/") != BASE_URL:
        return days
    for day in late:
        work.skipped[str(day)] = ["bookTicker"]
        work.missing.append(f"{day}: expected bookTicker, which the archive has until {BOOK_TICKER_END} only; the day was not written")
    return [day for day in days if day <= BOOK_TICKER_END]


def _told_steps(request: FetchRequest, symbol: str) -> tuple[Decimal | None, Decimal | None, InstrumentSpec | None]:
    """Tick and lot as given or as exchangeInfo says, None where neither does, and what exchangeInfo says."""
    spec = read_exchange_info(request.exchange_info, symbol) if request.exchange_info else None
    tick = parse_step("--tick", request.tick) if request.tick else spec.tick_size if spec else None
    lot = parse_step("--lot", request.lot) if request.lot else spec.lot_size if spec else None
    return tick, lot, spec


def _write_day(build: DayBuild, day: str, totals: DayTotals, work: _Work) -> None:
    try:
        build_day(build, day, totals)
    except DataError as error:
        work.skipped.setdefault(day, []).extend(entry.file.name for entry in build.files_of(day))
        work.missing.append(f"{day}: not written: {error}")


def _keep_survey(outcome: Outcome, work: _Work) -> None:
    """Take in what is known of a file; one that is not there or not fit skips its day, a look-back or funding file only itself."""
    file = outcome.file
    if outcome.path is not None:
        found = work.seen[file]
        if isinstance(found, SurveyedFile):
            work.surveyed.append(found)
            return
        outcome.status, outcome.message = "damaged", str(found)
    if file.is_look_back:
        work.notes.append(f"{file.name}: candles before the first day are missing, the volatility regime starts without them")
        return
    work.missing.append(outcome.message)
    if file.kind != "fundingRate":
        work.skipped.setdefault(file.period, []).append(file.name)


def _settle(
    told: tuple[Decimal | None, Decimal | None, InstrumentSpec | None],
    home: Path,
    work: _Work,
) -> InstrumentSpec:
    """The steps that fit what is told, what the files hold and what the tape there has; untold ones as an import infers them.

    Raises:
        DataError: the tape there has steps that these do not fit.
    """
    tick, lot, spec = told
    before = read_instrument(home / INSTRUMENT) if (home / INSTRUMENT).exists() else None
    seen = [entry.seen for entry in work.surveyed]
    steps = (
        _settle_step("tick", tick, [found.price for found in seen], before.tick_size if before else None, work),
        _settle_step("lot", lot, [found.size for found in seen], before.lot_size if before else None, work),
    )
    min_qty = spec.min_qty if spec else before.min_qty if before else steps[1]
    min_notional = spec.min_notional if spec else before.min_notional if before else Decimal(DEFAULT_MIN_NOTIONAL)
    history = step_history(before.history if before else (), work.surveyed)
    return InstrumentSpec(*steps, min_qty, min_notional, history=history)


def _settle_step(word: str, told: Decimal | None, finders: list[StepFinder], there: Decimal | None, work: _Work) -> Decimal:
    found = [step for finder in finders if (step := finder.step) is not None]
    if told is None:
        least = there or min((finder.scale.step for finder in finders if finder.divisor), default=Decimal(1))
    else:
        least = told
    fitting = common_step([least, *found])
    if told is not None and fitting != told:
        work.notes.append(f"the {word} is told as {plain(told)}, the data needs {plain(fitting)}: the finer one is the tape's")
    if there is None:
        return fitting
    if Fraction(fitting) % Fraction(there):
        raise DataError(
            f"expected steps that fit the {word} of {plain(there)} on the tape, found {plain(fitting)}; fetch into another folder"
        )
    return there


def common_step(steps: list[Decimal]) -> Decimal:
    """The largest step of which all given ones are multiples."""
    places = max(0, *(-int(step.as_tuple().exponent) for step in steps))
    return Decimal(math.gcd(*(int(step.scaleb(places)) for step in steps))).scaleb(-places)


def step_history(before: tuple[dict[str, str], ...], surveyed: list[SurveyedFile]) -> tuple[dict[str, str], ...]:
    """The steps the venue traded in, day by day as its rows show them, told where they change; empty where they never do.

    Days with fewer than 1,000 rows tell nothing: their values may happen to lie on a coarser step.
    """
    by_day: dict[str, dict[str, str]] = {entry["from"]: entry for entry in before}
    for day in sorted({entry.date for entry in surveyed if entry.date}):
        seen = [entry.seen for entry in surveyed if entry.date == day and entry.seen.rows >= TELLING_ROWS]
        ticks = [step for found in seen if (step := found.price.step) is not None]
        lots = [step for found in seen if (step := found.size.step) is not None]
        if ticks and lots:
            by_day[day] = {"from": day, "tick_size": plain(common_step(ticks)), "lot_size": plain(common_step(lots))}
    changes: list[dict[str, str]] = []
    for _, entry in sorted(by_day.items()):
        if not changes or any(changes[-1][name] != entry[name] for name in ("tick_size", "lot_size")):
            changes.append(entry)
    return tuple(changes) if len(changes) > 1 else ()


def _file_json(outcome: Outcome, work: _Work) -> dict[str, Any]:
    file: ArchiveFile = outcome.file
    rows = next((entry.seen.rows for entry in work.surveyed if entry.file == file), None)
    return {
        "name": file.name,
        "path": file.path,
        "kind": file.kind,
        "period": file.period,
        "look_back": file.is_look_back,
        "status": outcome.status,
        "tries": outcome.tries,
        "sha256": outcome.sha256 or None,
        "rows": rows,
        "message": outcome.message or None,
    }
