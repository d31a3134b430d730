"""Memory stays flat for everything that reads or writes a tape: ten times the rows, each in a process of its own, for the same peak.

`test_streaming` has the imports of Parquet, CSV and events, and the export of events.
"""

from __future__ import annotations

import gzip
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from slackwater.data.archive.files import COLUMNS
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.runtime.bench import measure
from tests.unit.data.tables import T0

SHORT, LONG = 200_000, 2_000_000  # rows of quotes in one day; the long one's are 96 MB as columns
MOST_ADDED_MB = 64
MOST_MB = 600
MOST_WAITING = 100_000  # rows that a sort may hold in these tests: less than the short one has, so that both need the disk
QUOTES = pa.schema(
    [("ts_event", pa.int64()), *((name, pa.float64()) for name in ("bid", "bid_qty", "ask", "ask_qty")), ("ts_recv", pa.int64())]
)

PROGRAM = """
import sys, os
from pathlib import Path
folder = Path(sys.argv[1])
os.environ["SLACKWATER_CACHE"] = str(folder / "cache")
import slackwater.data.sorting as sorting
sorting.WINDOW_ROWS = {waiting}
from slackwater.cli.app import main
sys.stdout = open(os.devnull, "w")
tape, out = str(folder / "tape"), str(folder / "out")
files = ["--venue", "v", "--symbol", "S", "--trades", str(folder / "t.parquet"), "--to", str(folder / "made")]
{work}
"""
WORK = {
    "reversed": 'assert main(["data", "import", *files, "--sort", "--quotes", str(folder / "reversed.parquet")]) == 0',
    "out of place": 'assert main(["data", "import", *files, "--quotes", str(folder / "far.parquet")]) == 0',
    "text columns": 'assert main(["data", "import", *files, "--quotes", str(folder / "text.parquet")]) == 0',
    "tardis": """
files[5] = str(folder / "tardis.trades.csv")
assert main(["data", "import", *files, "--format", "tardis", "--quotes", str(folder / "tardis.csv.gz")]) == 0""",
    "raw log": """
log = str(folder / "raw.gz")
assert main(["data", "import", "--venue", "v", "--format", "binance-raw", "--input", log, "--to", out]) == 0""",
    "csv out": 'assert main(["data", "export", "--data", tape, "--symbol", "S", "--format", "csv", "--out", out]) == 0',
    "nautilus": 'assert main(["data", "export", "--data", tape, "--symbol", "S", "--format", "nautilus", "--out", out]) == 0',
    "verify": 'assert main(["data", "verify", "--data", tape]) == 0',
    "ls": 'assert main(["data", "ls", "--data", tape]) == 0',
    "sql": 'assert main(["data", "sql", "SELECT * FROM quotes WHERE bid_lots % 16 = 0", "--data", tape, "--format", "csv"]) == 0',
    "rows of runs": """
from slackwater.data.cache import load_rows
from slackwater.data.tape import open_tape
assert int(load_rows(open_tape(tape).symbols[0], 0).rows[-1].ts_recv) > 0""",
    "archive": """
from slackwater.data.archive.csv_file import ArchiveCsv, Rejects
from slackwater.data.archive.ordering import ordered, survey
file = ArchiveCsv(folder / "reversed.zip", "bookTicker")
last = -1
for batch in ordered(file, survey(file), Rejects(), folder):
    assert batch.column("key")[0].as_py() > last
    last = batch.column("key")[-1].as_py()""",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is told by Linux only")


def make(folder: Path, rows: int) -> Path:
    """A day of quotes in every form that is read here, and a tape of them."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    bid = (100_000 + np.cumsum(draw.integers(-1, 2, rows))) / 10
    sizes = draw.integers(1, 10_000, (2, rows)) / 1000
    start = T0 // 86_400_000_000_000 * 86_400_000_000_000
    times = start + np.arange(rows) * 43_000_000
    quotes = pa.table([times, bid, sizes[0], np.round(bid + 0.1, 1), sizes[1], times + draw.integers(10**6, 10**7, rows)], schema=QUOTES)
    pq.write_table(quotes, folder / "q.parquet", row_group_size=1 << 17)
    backwards = quotes.take(pa.array(np.arange(rows)[::-1]))
    pq.write_table(backwards, folder / "reversed.parquet", row_group_size=1 << 17)
    far = pa.array(np.r_[np.arange(1, rows // 2), 0, np.arange(rows // 2, rows)])
    pq.write_table(quotes.take(far), folder / "far.parquet", row_group_size=1 << 17)
    text = quotes.set_column(1, "bid", quotes["bid"].cast(pa.large_string())).drop_columns("ts_recv")
    pq.write_table(text, folder / "text.parquet", row_group_size=1 << 17)
    pq.write_table(pa.table({"ts_event": times[:1], "price": [100.0], "qty": [1.0], "buyer_maker": [True]}), folder / "t.parquet")
    import_tape(ImportRequest("v", "S", folder / "q.parquet", folder / "t.parquet", folder / "tape"))
    write_texts(folder, quotes, backwards)
    return folder


def write_texts(folder: Path, quotes: pa.Table, backwards: pa.Table) -> None:
    micros = [pa.array(quotes[name].to_numpy() // 1000) for name in ("ts_event", "ts_recv")]
    symbol = pa.array(["S"]).take(pa.array(np.zeros(len(quotes), np.int64)))
    columns = [symbol, *micros, *(quotes[name] for name in ("ask_qty", "ask", "bid", "bid_qty"))]
    names = ["symbol", "timestamp", "local_timestamp", "ask_amount", "ask_price", "bid_price", "bid_amount"]
    with gzip.open(folder / "tardis.csv.gz", "wb", compresslevel=1) as packed:
        pacsv.write_csv(pa.table(columns, names=names), packed)
    (folder / "tardis.trades.csv").write_text(
        f"symbol,timestamp,local_timestamp,id,side,price,amount\nS,{micros[0][0]},{micros[1][0]},1,buy,100,1\n"
    )
    number, stamps = pa.array(np.arange(len(quotes))[::-1]), pa.array(backwards["ts_event"].to_numpy() // 10**6)
    books = [number, *(backwards[name] for name in ("bid", "bid_qty", "ask", "ask_qty")), stamps, stamps]
    with zipfile.ZipFile(folder / "reversed.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("b.csv", "w", force_zip64=True) as member:
            pacsv.write_csv(pa.table(books, names=list(COLUMNS["bookTicker"])), member)
    tail = b'{"data":{"e":"bookTicker","s":"S","b":"99.9","B":"1","a":"100.1","A":"2","T":'
    with gzip.open(folder / "raw.gz", "wb", compresslevel=1) as packed:
        for stamp in micros[1].to_pylist()[::4]:
            packed.write(b"%d %s%d}}\n" % (stamp, tail, stamp // 1000))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("flat")
    return make(home / "short", SHORT), make(home / "long", LONG)


def peak_mb(folder: Path, work: str) -> float:
    program = PROGRAM.format(work=work, waiting=MOST_WAITING)
    peak = measure([sys.executable, "-c", program, str(folder)]).peak_anon_mb
    assert peak is not None
    return peak


@pytest.mark.parametrize("work", WORK)
def test_ten_times_the_rows_need_no_more_memory(folders: tuple[Path, Path], work: str) -> None:
    short, long = (peak_mb(folder, WORK[work]) for folder in folders)
    for _ in range(2):
        # How far a reader is ahead depends on how busy the machine is; what is held whole is held every time.
        if long - short >= MOST_ADDED_MB:
            long = min(long, peak_mb(folders[1], WORK[work]))
    said = f"{work}: {short:.0f} MB for {SHORT} rows, {long:.0f} MB for {LONG}"
    print(said)
    assert long - short < MOST_ADDED_MB, said
    assert long < MOST_MB, said


def test_a_query_that_sorts_keeps_to_its_memory(folders: tuple[Path, Path]) -> None:
    query = 'assert main(["data", "sql", "SELECT * FROM quotes ORDER BY bid_lots, ask_lots", "--data", tape]) == 0'
    assert peak_mb(folders[1], query) < MOST_MB


def test_a_check_of_many_days_needs_no_more_memory(tmp_path: Path) -> None:
    """A line a minute, so that every minute of every day has a clock to keep."""
    peaks = []
    for days in (10, 100):
        folder = tmp_path / str(days)
        folder.mkdir()
        times = T0 + np.arange(days * 1440) * 60_000_000_000
        columns = {name: np.full(len(times), value) for name, value in (("bid", 99.9), ("bid_qty", 1.0), ("ask", 100.1), ("ask_qty", 1.0))}
        pq.write_table(pa.table({"ts_event": times, **columns, "ts_recv": times + 10**6}), folder / "q.parquet")
        trades = {"ts_event": times, "price": columns["ask"], "qty": columns["bid_qty"], "buyer_maker": columns["bid"] > 0}
        pq.write_table(pa.table({**trades, "ts_recv": times + 10**6}), folder / "t.parquet")
        import_tape(ImportRequest("v", "S", folder / "q.parquet", folder / "t.parquet", folder / "tape"))
        peaks.append(peak_mb(folder, WORK["verify"]))
    said = f"{peaks[0]:.0f} MB for 10 days, {peaks[1]:.0f} MB for 100"
    print(said)
    assert peaks[1] - peaks[0] < MOST_ADDED_MB / 2, said
