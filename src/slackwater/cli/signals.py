"""`slackwater signals`: every signal after every valid book of a tape, as a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]


def signals(
    *,
    data: Annotated[Path, Parameter(help="The tape's folder.")],
    symbol: Annotated[str, Parameter(help="A symbol of the tape, SYMBOL or venue/SYMBOL.")],
    out: Annotated[Path, Parameter(help="The Parquet file to write; one that is there is replaced.")],
    config: Annotated[Path | None, Parameter(help="A configuration file. Left out: the defaults.")] = None,
    json: Json = False,
) -> None:
    """Write one row per valid book with the value of every signal after it."""
    from slackwater.cli.cache import check_cache
    from slackwater.config.loading import load
    from slackwater.config.lowering import lower
    from slackwater.data.cache import load_rows
    from slackwater.data.tape import open_tape
    from slackwater.kernel.record import as_box, new
    from slackwater.market.batch import CHUNK_ROWS, signal_chunks
    from slackwater.schema.instrument import Instrument

    if out.is_dir():
        raise UsageError(f"--out: expected a file to write, found the folder {out}")
    check_cache()
    loaded = load(config)
    for line in loaded.notices:
        note(line)
    params = lower(loaded)
    (tape,) = open_tape(data, [symbol]).symbols
    rows = load_rows(tape, int(params[0].feed_latency_ns)).rows
    instrument = new(Instrument)
    tape.instrument.to_instrument(instrument[0])
    books = 0
    with progress(f"Signals of {tape.symbol}", len(rows)) as advance, parquet_sink(out) as sink:
        for chunk in signal_chunks(rows, instrument, as_box(params["signals"].copy()), tape_frames=tape.candle_frames):
            sink.write_batch(batch_of(chunk, sink.schema))
            books += len(chunk)
            advance(CHUNK_ROWS)
    payload = {"out": out, "venue": tape.venue, "symbol": tape.symbol, "tape_rows": len(rows), "rows": books}
    emit(json, payload, lambda: f"{out}: {books:,} books of {tape.venue}/{tape.symbol}, {len(rows):,} tape rows")


@contextmanager
def parquet_sink(out: Path) -> Iterator[pq.ParquetWriter]:
    """A writer of signal rows under a temporary name, renamed when the block ends well and removed when it does not."""
    import pyarrow.parquet as pq

    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        with pq.ParquetWriter(temporary, signal_schema(), compression="zstd") as writer:
            yield writer
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def signal_schema() -> pa.Schema:
    """The file's columns, in the record's order."""
    import pyarrow as pa

    from slackwater.kernel.record import dtype_of
    from slackwater.market.batch import SignalRow

    dtype = dtype_of(SignalRow)
    return pa.schema([(name, pa.from_numpy_dtype(dtype[name])) for name in dtype.names or ()])


def batch_of(chunk: NDArray[np.void], schema: pa.Schema) -> pa.RecordBatch:
    """A chunk of signal rows column by column."""
    import numpy as np
    import pyarrow as pa

    return pa.record_batch([pa.array(np.ascontiguousarray(chunk[name])) for name in schema.names], schema=schema)
