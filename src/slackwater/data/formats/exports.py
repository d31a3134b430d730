"""Export: a symbol of a tape as files of other programs, streamed, each file under a temporary name until all are complete."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.lib import format as npy

from slackwater.data.formats.event_files import SIDECAR_FORMAT, SIDECAR_VERSION
from slackwater.data.formats.event_rows import EventMaker, earliest_later, in_both_orders, tape_rows
from slackwater.data.formats.hftbacktest import EVENT, MEMBER
from slackwater.data.layout import QUOTES, TRADES, date_of, write_json
from slackwater.data.parquet import tape_batches
from slackwater.data.placing import told
from slackwater.data.tape import SymbolTape, open_tape
from slackwater.data.writer import order_keys
from slackwater.errors import DataError, SlackwaterError, UsageError
from slackwater.schema.events import RowKind
from slackwater.schema.units import DAY

FORMATS = ("hftbacktest", "nautilus", "csv")
BATCH_ROWS = 1 << 17
ALWAYS = (-(2**63), 2**63 - 1)
COPY_BYTES = 1 << 22
DEFLATE_LEVEL = 1  # higher ones take several times as long for a tenth less


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export: one symbol, received from `start_ns` up to but without `end_ns`."""

    data: Path
    symbol: str
    format: str
    out: Path
    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a symbol's tape that is exported."""

    entry: SymbolTape
    dates: tuple[str, ...]
    span: tuple[int, int]

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of one kind of file.

        Raises:
            DataError: a file is damaged.
        """
        for path in (self.entry.folder / date / name for date in self.dates):
            if not path.exists():
                continue
            for batch in tape_batches(path, rows=BATCH_ROWS):
                keys = order_keys(batch)
                is_within = (keys >= self.span[0]) & (keys < self.span[1])
                if is_within.any():
                    yield batch if is_within.all() else batch.filter(pa.array(is_within))

    def real(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """A column of ticks or lots as prices or sizes."""
        step = self.entry.instrument.lot if name.endswith("lots") else self.entry.instrument.tick
        return pa.array(batch.column(name).to_numpy() * float(step.numerator) / float(step.denominator))


def export_tape(request: ExportRequest) -> dict[str, Any]:
    """Write the files of a format into the folder `out`; those of the same names are replaced.

    Returns venue, symbol, format, files, rows by kind, the instrument, and for formats that can be imported the options that do it.

    Raises:
        UsageError: the format or symbol is unknown, or the span is empty.
        DataError: there is no tape, it is damaged, or it has no rows within the span.
        SlackwaterError: the folder cannot be written.
    """
    if request.format not in FORMATS:
        raise UsageError(f"--format: expected one of {', '.join(FORMATS)}, found {request.format!r}")
    start, end = request.start_ns, request.end_ns
    span = (ALWAYS[0] if start is None else start, ALWAYS[1] if end is None else end)
    if span[0] >= span[1]:
        raise UsageError("--start, --end: expected a start before the end, found none")
    (entry,) = open_tape(request.data, [request.symbol]).symbols
    dates = tuple(date for date in entry.dates if date_of_span(span[0]) <= date <= date_of_span(span[1] - 1))
    part = Part(entry, dates, span)
    made = not request.out.exists()
    try:
        with told(request.out):
            files, facts = _write(part, request)
    except BaseException:
        if made and request.out.is_dir() and not any(request.out.iterdir()):
            request.out.rmdir()
        raise
    return {
        "venue": entry.venue,
        "symbol": entry.symbol,
        "format": request.format,
        "files": [str(path) for path in files],
        "instrument": entry.instrument.as_json(),
        **facts,
    }


def _write(part: Part, request: ExportRequest) -> tuple[list[Path], dict[str, Any]]:
    """Write the files beside their place and rename them when all are complete; their paths and what is in them."""
    request.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=request.out) as name:
        building = Path(name)
        facts = WRITERS[request.format](part, building)
        if not sum(facts["rows"].values()):
            raise DataError(f"{request.data}: expected rows of {part.entry.symbol} within the span, found none")
        files = sorted(building.iterdir())
        taken = [request.out / path.name for path in files if (request.out / path.name).is_dir()]
        if taken:
            raise SlackwaterError(f"{taken[0]}: expected a name for a file, found a folder")
        for path in files:
            path.replace(request.out / path.name)
    return [request.out / path.name for path in files], facts


def date_of_span(ts_ns: int) -> str:
    """The date of a time, or of the first and last there can be."""
    return date_of(min(max(ts_ns, 0), 2**62) // DAY)


def _write_csv(part: Part, folder: Path) -> dict[str, Any]:
    def quotes(batch: pa.RecordBatch) -> dict[str, pa.Array]:
        reals = {name: part.real(batch, theirs) for name, theirs in QUOTE_NAMES.items()}
        return {"ts_event": batch.column("ts_event"), **reals, "ts_recv": batch.column("ts_recv")}

    def trades(batch: pa.RecordBatch) -> dict[str, pa.Array]:
        same = {name: batch.column(name) for name in ("buyer_maker", "ts_recv", "trade_id")}
        reals = {"price": part.real(batch, "price_ticks"), "qty": part.real(batch, "lots")}
        return {"ts_event": batch.column("ts_event"), **reals, **same}

    name = part.entry.symbol
    rows = {
        "quotes": _write_table(part, QUOTES, quotes, folder / f"{name}_quotes.csv"),
        "trades": _write_table(part, TRADES, trades, folder / f"{name}_trades.csv"),
    }
    steps = part.entry.instrument.as_json()
    options = " ".join(f"--{key.replace('_size', '').replace('_', '-')} {steps[key]}" for key in STEP_NAMES)
    return {"rows": rows, "import": f"--venue {part.entry.venue} --symbol {name} {options}"}


QUOTE_NAMES = {"bid": "bid_ticks", "bid_qty": "bid_lots", "ask": "ask_ticks", "ask_qty": "ask_lots"}
STEP_NAMES = ("tick_size", "lot_size", "min_qty", "min_notional")


def _write_nautilus(part: Part, folder: Path) -> dict[str, Any]:
    """Columns as NautilusTrader's wranglers read them: its second generation takes `aggressor_side` as whether the buyer was it, its
    first `side` as BUY or SELL."""
    first_id = 1

    def times(batch: pa.RecordBatch) -> dict[str, pa.Array]:
        return {"ts_event": batch.column("ts_event"), "ts_init": pc.coalesce(batch.column("ts_recv"), batch.column("ts_event"))}

    def quotes(batch: pa.RecordBatch) -> dict[str, pa.Array]:
        theirs = {"bid_price": "bid_ticks", "ask_price": "ask_ticks", "bid_size": "bid_lots", "ask_size": "ask_lots"}
        return times(batch) | {name: part.real(batch, column) for name, column in theirs.items()}

    def trades(batch: pa.RecordBatch) -> dict[str, pa.Array]:
        nonlocal first_id
        numbers = pa.array(np.arange(first_id, first_id + batch.num_rows)).cast(pa.string())
        first_id += batch.num_rows
        ids = batch.column("trade_id").cast(pa.string())
        bought = pc.invert(batch.column("buyer_maker"))
        return times(batch) | {
            "price": part.real(batch, "price_ticks"),
            "size": part.real(batch, "lots"),
            "aggressor_side": bought,
            "side": pc.if_else(bought, "BUY", "SELL"),
            "trade_id": pc.coalesce(ids, pc.binary_join_element_wise("row", numbers, "-")),
        }

    name = part.entry.symbol
    return {
        "rows": {
            "quotes": _write_table(part, QUOTES, quotes, folder / f"{name}_quotes.parquet"),
            "trades": _write_table(part, TRADES, trades, folder / f"{name}_trades.parquet"),
        }
    }


def _write_table(part: Part, name: str, convert: Callable[[pa.RecordBatch], dict[str, pa.Array]], path: Path) -> int:
    """Write one kind of rows, converted, as CSV or Parquet by the name; returns how many. Without rows there is no file."""
    rows = 0
    writer: Any = None
    try:
        for batch in part.batches(name):
            found = pa.RecordBatch.from_pydict(convert(batch))
            if writer is None:
                kind = pacsv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
                writer = kind(str(path), found.schema)
            writer.write_batch(found)
            rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _write_hftbacktest(part: Part, folder: Path) -> dict[str, Any]:
    name = part.entry.symbol
    later = earliest_later(tape_rows(part.entry, part.dates, part.span))
    maker = EventMaker(part.entry.instrument)
    rows = {"quotes": 0, "trades": 0}

    def chunks() -> Iterator[Any]:
        for found in tape_rows(part.entry, part.dates, part.span):
            is_trade = found["kind"] == RowKind.TRADE
            rows["trades"] += int(is_trade.sum())
            rows["quotes"] += int((~is_trade).sum())
            yield maker.events(found)

    count = 0
    plain = folder / ".events"
    with plain.open("wb") as file:
        for events in in_both_orders(chunks(), later):
            file.write(np.ascontiguousarray(events).tobytes())
            count += len(events)
    _pack(plain, count, folder / f"{name}.npz")
    plain.unlink()
    sidecar = {
        "format": SIDECAR_FORMAT,
        "version": SIDECAR_VERSION,
        "venue": part.entry.venue,
        "symbol": name,
        "instrument": part.entry.instrument.as_json(),
        "events": count,
        "rows": rows,
        "rule": "ival is row << 2 | has_trade_id << 1 | no_receive_time; with no_receive_time local_ts is exch_ts, which the tape lacked",
    }
    write_json(folder / f"{name}.json", sidecar)
    return {"rows": rows, "events": count, "import": f"--format hftbacktest --venue {part.entry.venue} --symbol {name}"}


def _pack(plain: Path, count: int, target: Path) -> None:
    """Put raw events into an npz as its array `data`."""
    # An entry made by its name alone has the same date on every day: the same tape is the same file.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=DEFLATE_LEVEL) as archive:
        with archive.open(MEMBER, "w", force_zip64=True) as member, plain.open("rb") as file:
            npy.write_array_header_1_0(member, {"descr": npy.dtype_to_descr(EVENT), "fortran_order": False, "shape": (count,)})
            shutil.copyfileobj(file, member, COPY_BYTES)


WRITERS: dict[str, Callable[[Part, Path], dict[str, Any]]] = {
    "hftbacktest": _write_hftbacktest,
    "nautilus": _write_nautilus,
    "csv": _write_csv,
}
