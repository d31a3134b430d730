"""What an import costs: rows a second on one core from Parquet and from csv.gz, and bytes a row of the tape it makes.

    .venv/bin/python benchmarks/data_throughput.py --quotes Q.parquet --trades T.parquet [--rows 2000000] [--rounds 3]

The files are of the generic format. Their rows are repeated with shifted times until there are enough; the process is held to one core.
Bytes a row are those of the files as given, not repeated. Steps are given to the import unless --infer, which adds a pass. Prints one
JSON object: the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from slackwater.data.formats.importer import ImportRequest, import_tape

PAUSE_NS = 1_000_000_000  # between one repetition and the next


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quotes", type=Path, required=True)
    parser.add_argument("--trades", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of quotes and trades together, at least")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--infer", action="store_true", help="let the import find the steps")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    tables = {"quotes": pq.read_table(options.quotes), "trades": pq.read_table(options.trades)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = imported(folder / "small", options.quotes, options.trades, {})
        steps = {} if options.infer else {"tick": small["instrument"]["tick_size"], "lot": small["instrument"]["lot_size"]}
        figures: dict[str, Any] = {"bytes_a_row": bytes_a_row(folder / "small"), "inferred": options.infer}
        paths = repeated(folder, tables, options.rows)
        for suffix in ("parquet", "csv.gz"):
            quotes, trades = (paths[kind, suffix] for kind in ("quotes", "trades"))
            figures[f"rows_per_second_{suffix}"] = max(
                rate(folder / f"tape-{suffix}-{number}", quotes, trades, steps) for number in range(options.rounds)
            )
    print(json.dumps(figures, indent=1))
    return 0


def imported(to: Path, quotes: Path, trades: Path, steps: dict[str, str]) -> dict[str, Any]:
    """Import into a fresh folder."""
    return import_tape(ImportRequest("bench", "BENCH", quotes, trades, to, **steps))


def rate(to: Path, quotes: Path, trades: Path, steps: dict[str, str]) -> int:
    """Rows a second of one import."""
    started = time.perf_counter()
    done = imported(to, quotes, trades, steps)
    return round(sum(done["rows"].values()) / (time.perf_counter() - started))


def bytes_a_row(tape: Path) -> dict[str, float]:
    """Size of each kind of file over its rows."""
    found: dict[str, float] = {}
    for kind in ("quotes", "trades"):
        files = sorted(tape.rglob(f"{kind}.parquet"))
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        found[kind] = round(sum(path.stat().st_size for path in files) / rows, 3)
    return found


def repeated(folder: Path, tables: dict[str, pa.Table], rows: int) -> dict[tuple[str, str], Path]:
    """Both files with their rows repeated, as Parquet and as csv.gz."""
    times = [tables[kind].column("ts_event") for kind in tables]
    span = max(pc.max(column).as_py() for column in times) - min(pc.min(column).as_py() for column in times) + PAUSE_NS
    count = -(-rows // sum(table.num_rows for table in tables.values()))
    paths: dict[tuple[str, str], Path] = {}
    for kind, table in tables.items():
        paths[kind, "parquet"], paths[kind, "csv.gz"] = folder / f"{kind}.parquet", folder / f"{kind}.csv.gz"
        with (
            pq.ParquetWriter(paths[kind, "parquet"], table.schema) as parquet,
            pa.CompressedOutputStream(str(paths[kind, "csv.gz"]), "gzip") as stream,
            pacsv.CSVWriter(stream, table.schema) as text,
        ):
            for number in range(count):
                place = table.schema.get_field_index("ts_event")
                shifted = table.set_column(place, "ts_event", pc.add(table.column("ts_event"), number * span))
                parquet.write_table(shifted)
                text.write_table(shifted)
    return paths


if __name__ == "__main__":
    sys.exit(main())
