"""Synthetic tapes: seeded markets written as a tape, with candles before and during it. The same seed is the same tape anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slackwater.data.instrument import InstrumentSpec
from slackwater.data.layout import (
    CANDLE_FRAMES,
    FUNDING,
    FUNDING_SCHEMA,
    GENERATED,
    KLINE_SCHEMA,
    MANIFEST,
    QUOTE_SCHEMA,
    QUOTES,
    TRADE_SCHEMA,
    TRADES,
    check_name,
    date_folders,
    kline_name,
    read_manifest,
    time_text,
)
from slackwater.data.synth.market import (
    CANDLE_COLUMNS,
    QUOTE_COLUMNS,
    TRADE_COLUMNS,
    Filled,
    Profile,
    SynthState,
    draw_between,
    run_market,
    start_market,
    walk_back,
)
from slackwater.data.writer import TapeWriter, writing
from slackwater.errors import UsageError
from slackwater.kernel.record import Box, new
from slackwater.kernel.rng import seed_rng
from slackwater.schema.units import DAY, HOUR, MINUTE

Advance = Callable[[float], None]

VENUE = "synth"
CHUNK_ROWS = 1 << 18
CHUNK_CANDLES = 1 << 12
DEFAULT_START_NS = 1_736_121_600_000_000_000  # 2025-01-06T00:00:00Z, a Monday
LONGEST_NS = 3650 * DAY
FUNDING_NS = 8 * HOUR  # as most venues have it
FRAME_MINUTES = {"1m": 1, "5m": 5, "15m": 15}

# Price, tick, lot: a hundred, a small one, a tiny one, a large one. A symbol's name picks one, so it is the same whoever is made beside it.
TEMPLATES = (("100", "0.01", "0.1"), ("2.5", "0.0002", "1"), ("0.08", "0.00001", "10"), ("2400", "0.1", "0.001"))

# An altcoin with wide spreads, pushed about every minute; four pushes in five are pumps, one pump in seven runs on.
PUMPS = {
    "requotes_per_sec": 7.0,
    "trades_per_sec": 3.0,
    "sigma_bps": 0.7,
    "tight_bps": 6.5,
    "wide_bps": 17.0,
    "regime_sec": 120.0,
    "depth_usd": 2500.0,
    "trade_usd": 250.0,
    "idle_sec": 15.0,
    "slide_share": 0.22,
    "run_share": 0.15,
    "slide_run_share": 0.4,
    "burst_sec": 40.0,
    "burst_rate": 4.0,
    "pull_sec": 7200.0,
    "minute_sigma_bps": 6.0,  # the days before had the wandering and few pushes: the regime has something to notice
}

PROFILES: dict[str, dict[str, float]] = {
    # A liquid symbol: a tick or three of spread, a hundred rows a second, nothing that the strategy would touch.
    "calm": {
        "requotes_per_sec": 44.0,
        "trades_per_sec": 22.0,
        "sigma_bps": 0.35,
        "tight_bps": 1.0,
        "wide_bps": 2.6,
        "regime_sec": 90.0,
        "depth_usd": 16000.0,
        "trade_usd": 500.0,
        "idle_sec": 0.0,
        "slide_share": 0.0,
        "run_share": 0.0,
        "slide_run_share": 0.0,
        "burst_sec": 25.0,
        "burst_rate": 4.0,
        "pull_sec": 14400.0,
        "minute_sigma_bps": 2.7,
    },
    # A liquid altcoin on a usual day: spreads as on a real one (ETHUSD at Gemini, 2021-07-02: a tenth of its books below 1.9 bps, half
    # below 4.6, a tenth above 8.3), sixty rows a second, pushed every five minutes: first entries are shot about as often as on that day.
    "alt": PUMPS | {"requotes_per_sec": 28.0, "trades_per_sec": 12.0, "tight_bps": 2.0, "wide_bps": 10.0, "idle_sec": 300.0},
    "pumps": PUMPS,
}


@dataclass(frozen=True, slots=True)
class SynthRequest:
    """What to make. `events` counts quotes and trades of one symbol; whichever of `events` and `hours` is reached first ends the tape."""

    to: Path
    symbols: tuple[str, ...] = ("SYNA",)
    events: int | None = None
    hours: float | None = None
    seed: int = 1
    profile: str = "pumps"
    start_ns: int = DEFAULT_START_NS
    history_days: int = 7


def synthesise(request: SynthRequest, advance: Advance = lambda amount: None) -> dict[str, Any]:
    """Make the tapes of all symbols; a symbol that was generated before is replaced, all its days. `advance` is told shares of a symbol.

    Returns profile, seed and per symbol its folder, instrument, rows, days, first and last time.

    Raises:
        UsageError: an unknown profile, a symbol that is no name or named twice, nothing to make, or a symbol of which days are there
            that were not generated.
        DataError: a manifest that is there is damaged.
    """
    if request.profile not in PROFILES:
        raise UsageError(f"--profile: expected one of {', '.join(PROFILES)}, found {request.profile!r}")
    if not request.symbols or len(set(request.symbols)) != len(request.symbols):
        raise UsageError(f"--symbols: expected different names, found {','.join(request.symbols) or 'none'}")
    if (request.events is not None and request.events < 1) or (request.hours is not None and not 0 < request.hours <= LONGEST_NS / HOUR):
        raise UsageError(f"--events, --hours: expected more than 0 and at most ten years, found {request.events}, {request.hours}")
    for symbol in request.symbols:
        check_name("--symbols", symbol)
        _refuse_foreign(request.to / VENUE / symbol)
    made = [_make_symbol(request, symbol, advance) for symbol in request.symbols]
    return {"profile": request.profile, "seed": request.seed, "folder": str(request.to), "symbols": made}


def _refuse_foreign(home: Path) -> None:
    for day in date_folders(home) if home.is_dir() else ():
        manifest = read_manifest(day / MANIFEST) if (day / MANIFEST).exists() else {}
        kinds = [str(part.get("kind")) for part in manifest.get("source", [])]
        if set(kinds) != {GENERATED}:
            raise UsageError(
                f"{home}: expected generated days only, which are replaced, found {day.name} of {', '.join(kinds) or 'unknown origin'}; "
                "choose another --to or another name"
            )


def make_profile(name: str, template: tuple[str, str, str]) -> tuple[Box, InstrumentSpec]:
    """A profile's numbers for a symbol of some price, and that symbol's instrument."""
    price, tick, lot = (Decimal(text) for text in template)
    spec = InstrumentSpec(tick, lot, lot, Decimal(5))
    box = new(Profile)
    numbers = dict(PROFILES[name])
    del numbers["minute_sigma_bps"]
    lot_usd = float(price * lot)
    box[0].depth_lots = numbers.pop("depth_usd") / lot_usd
    box[0].trade_lots = numbers.pop("trade_usd") / lot_usd
    box[0].price_ticks = float(price / tick)
    for field, value in numbers.items():
        setattr(box[0], field, value)
    return box, spec


def template_of(symbol: str) -> tuple[str, str, str]:
    """Price, tick and lot for a name; SYNA, SYNB, SYNC and SYND have the four in order."""
    return TEMPLATES[(sum(symbol.encode()) + 1) % len(TEMPLATES)]


def _make_symbol(request: SynthRequest, symbol: str, advance: Advance) -> dict[str, Any]:
    profile, spec = make_profile(request.profile, template_of(symbol))
    with writing(request.to, VENUE, symbol, spec, alone=True) as writer:
        candles = list(_run(request, symbol, profile, writer, advance))
        minutes = np.concatenate(candles)
        _write_candles(writer, minutes, spec)
        _write_funding(writer, request, symbol, int(minutes[-1, 0]))
        source = {"kind": GENERATED, "profile": request.profile, "seed": request.seed, "events": request.events, "hours": request.hours}
        done = writer.finish({"source": [source], "quarantined": {}, "kept_odd": {}})
    times = {"first": time_text(done["first_ns"]), "last": time_text(done["last_ns"])}
    return {"venue": VENUE, "symbol": symbol, "folder": str(request.to / VENUE / symbol), "instrument": spec.as_json(), **done, **times}


def _run(request: SynthRequest, symbol: str, profile: Box, writer: TapeWriter, advance: Advance) -> Iterator[NDArray[np.int64]]:
    """Run one market to its end and write its rows; yields one-minute candles, the history first."""
    state, filled = new(SynthState), new(Filled)
    seed_rng(state[0].rng, request.seed, symbol)
    history = np.zeros((request.history_days * DAY // MINUTE, CANDLE_COLUMNS), np.int64)
    first_end_ns = (request.start_ns // MINUTE + 1 - len(history)) * MINUTE
    walk_back(state, profile, first_end_ns, PROFILES[request.profile]["minute_sigma_bps"], history)
    yield history
    start_market(state, profile, request.start_ns)
    hours = request.hours if request.hours or request.events else 1.0
    end_ns = request.start_ns + (int(hours * HOUR) if hours else LONGEST_NS)
    quotes, trades = np.zeros((CHUNK_ROWS, QUOTE_COLUMNS), np.int64), np.zeros((CHUNK_ROWS, TRADE_COLUMNS), np.int64)
    candles = np.zeros((CHUNK_CANDLES, CANDLE_COLUMNS), np.int64)
    written, share = 0, 0.0
    goes_on = True
    while goes_on and (request.events is None or written < request.events):
        room = CHUNK_ROWS if request.events is None else min(CHUNK_ROWS, request.events - written)
        goes_on = run_market(state, profile, end_ns, room, quotes, trades, candles, filled)
        n_quotes, n_trades, n_candles = int(filled[0].quotes), int(filled[0].trades), int(filled[0].candles)
        n_quotes -= max(n_quotes + n_trades - room, 0)  # a trade brings its book: the last one may be one too many
        writer.append(QUOTES, _quote_batch(quotes[:n_quotes]))
        writer.append(TRADES, _trade_batch(trades[:n_trades]))
        yield candles[:n_candles].copy()
        written += n_quotes + n_trades
        passed = (int(state[0].now_ns) - request.start_ns) / (end_ns - request.start_ns)
        now = min(max(passed, written / request.events if request.events else 0.0), 1.0) if goes_on else 1.0
        advance(now - share)
        share = now


def _quote_batch(rows: NDArray[np.int64]) -> pa.RecordBatch:
    columns = [pa.array(np.ascontiguousarray(rows[:, k])) for k in range(QUOTE_COLUMNS)]
    return pa.RecordBatch.from_arrays([columns[0], pa.nulls(len(rows), pa.int64()), *columns[1:]], schema=QUOTE_SCHEMA)


def _trade_batch(rows: NDArray[np.int64]) -> pa.RecordBatch:
    ts_event, ticks, lots = (pa.array(np.ascontiguousarray(rows[:, k])) for k in range(3))
    unknown = pa.nulls(len(rows), pa.int64())
    return pa.RecordBatch.from_arrays([ts_event, unknown, ticks, lots, pa.array(rows[:, 3] == 1), unknown], schema=TRADE_SCHEMA)


def _write_candles(writer: TapeWriter, minutes: NDArray[np.int64], spec: InstrumentSpec) -> None:
    for frame in CANDLE_FRAMES:
        rows = group_candles(minutes, FRAME_MINUTES[frame])
        length = FRAME_MINUTES[frame] * MINUTE
        prices = [rows[:, k] * float(spec.tick.numerator) / (2.0 * spec.tick.denominator) for k in range(1, 5)]
        volume = rows[:, 5] * float(spec.lot.numerator) / spec.lot.denominator
        columns = [rows[:, 0] - length, rows[:, 0], *prices, volume]
        writer.append(
            kline_name(frame), pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=KLINE_SCHEMA), "ts_open"
        )


def _write_funding(writer: TapeWriter, request: SynthRequest, symbol: str, end_ns: int) -> None:
    times = np.arange((request.start_ns // FUNDING_NS + 1) * FUNDING_NS, end_ns + 1, FUNDING_NS, dtype=np.int64)
    state = new(SynthState)
    seed_rng(state[0].rng, request.seed, f"{symbol}/funding")
    rates = np.array([draw_between(state, -0.00005, 0.00015) for _ in times], np.float64)
    writer.append(
        FUNDING, pa.RecordBatch.from_arrays([pa.array(times), pa.nulls(len(times), pa.int64()), pa.array(rates)], schema=FUNDING_SCHEMA)
    )


def group_candles(minutes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Candles of `size` minutes from one-minute ones (end, open, high, low, close, lots); an incomplete first or last one is left out."""
    length = size * MINUTE
    starts = np.flatnonzero((minutes[:, 0] - MINUTE) % length == 0)
    starts = starts[starts + size <= len(minutes)]
    if not len(starts):
        return np.zeros((0, CANDLE_COLUMNS), np.int64)
    whole = minutes[starts[0] : starts[-1] + size].reshape(-1, size, CANDLE_COLUMNS)
    columns = [
        whole[:, -1, 0],
        whole[:, 0, 1],
        whole[:, :, 2].max(axis=1),
        whole[:, :, 3].min(axis=1),
        whole[:, -1, 4],
        whole[:, :, 5].sum(axis=1),
    ]
    return np.stack(columns, axis=1)
