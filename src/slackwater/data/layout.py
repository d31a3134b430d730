"""How a tape lies on disk: the names of its folders and files, their columns, and the manifest of a day.

`D/<venue>/<symbol>/<date>/{quotes,trades}.parquet`, optional `klines_<tf>.parquet` and `funding.parquet`, a `manifest.json` beside
them, and `D/<venue>/<symbol>/instrument.json`. Dates are UTC. Times are int64 nanoseconds, prices ticks, sizes lots.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from slackwater.errors import DataError, UsageError
from slackwater.schema.units import MINUTE

QUOTES = "quotes.parquet"
TRADES = "trades.parquet"
FUNDING = "funding.parquet"
MANIFEST = "manifest.json"
INSTRUMENT = "instrument.json"
GENERATED = "synth"  # the kind of source that a generated day's manifest names
FRAME_NS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE}
CANDLE_FRAMES = tuple(FRAME_NS)  # the position is the time frame's number in a CANDLE row

QUOTE_SCHEMA = pa.schema([(name, pa.int64()) for name in ("ts_event", "ts_recv", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")])
TRADE_SCHEMA = pa.schema(
    [(name, pa.int64()) for name in ("ts_event", "ts_recv", "price_ticks", "lots")]
    + [("buyer_maker", pa.bool_()), ("trade_id", pa.int64())]
)
KLINE_SCHEMA = pa.schema(
    [("ts_open", pa.int64()), ("ts_close", pa.int64())] + [(name, pa.float64()) for name in ("open", "high", "low", "close", "volume")]
)
FUNDING_SCHEMA = pa.schema([("ts_event", pa.int64()), ("ts_recv", pa.int64()), ("rate", pa.float64())])
MAY_BE_NULL = ("ts_recv", "trade_id")  # where the source did not know; every other value is there

DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME_MARKS = "_.:+-"
LONGEST_NAME = 100  # bytes of a folder's name as UTF-8: leaves room for what is put behind it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kline_name(frame: str) -> str:
    """The file name of a time frame's candles."""
    return f"klines_{frame}.parquet"


def date_of(day: int) -> str:
    """The date of a day number since the epoch, as a folder is named."""
    return (EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


def time_text(ts_ns: int) -> str:
    """A time as ISO 8601 in UTC with milliseconds, for people."""
    moment = EPOCH + timedelta(microseconds=ts_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def is_name(name: str) -> bool:
    """Whether this can be a folder's name: letters and digits of any script, composed (NFC), and `NAME_MARKS`; of those only _ is first."""
    fits = all(letter.isalnum() or letter in NAME_MARKS or unicodedata.category(letter).startswith("M") for letter in name)
    starts = name[:1].isalnum() or name[:1] == "_"
    return fits and starts and unicodedata.is_normalized("NFC", name) and len(name.encode()) <= LONGEST_NAME


def check_name(what: str, name: str) -> str:
    """The name itself, if it can be a folder's.

    Raises:
        UsageError: it is empty, hidden or would leave the tape's folder.
    """
    if not is_name(name):
        raise UsageError(
            f"{what}: expected letters and digits of any script (composed, NFC) and _ . : + -, at most {LONGEST_NAME} bytes, found {name!r}"
        )
    return name


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: expected a readable file, found: {error.strerror}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        DataError: the file is missing or holds no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: expected a readable file, found: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, found: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found


def read_manifest(path: Path) -> dict[str, Any]:
    """A day's manifest, whose fields that others rely on are what they should be.

    Raises:
        DataError: the file is missing or none of these.
    """
    found = read_json(path)
    for name, fits, wanted in (
        ("first_ns", _is_time, "a time"),
        ("last_ns", _is_time, "a time"),
        ("files", _is_objects_by_name, "an object for each file"),
        ("gaps", lambda value: isinstance(value, list), "a list"),
        ("source", lambda value: isinstance(value, list) and all(isinstance(part, dict) for part in value), "a list of objects"),
        ("quarantined", _is_counts, "counts by kind"),
        ("time_backwards", _is_counts, "counts by file"),
    ):
        if name in found and not fits(found[name]):
            raise DataError(f"{path}: expected {name} as {wanted}, found {str(found[name])[:40]}")
    return found


def _is_time(value: Any) -> bool:
    return value is None or (type(value) is int and abs(value) < 2**63)


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(type(count) is int for count in value.values())


def _is_objects_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(part, dict) for part in value.values())


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object under a temporary name, then rename it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def link_or_copy(path: Path, to: Path) -> None:
    """A second name for a file, or a copy where the file system knows no links."""
    try:
        os.link(path, to)
    except OSError:
        shutil.copy2(path, to)


def date_folders(symbol_folder: Path) -> list[Path]:
    """A symbol's date folders, oldest first."""
    return sorted(path for path in symbol_folder.iterdir() if path.is_dir() and DATE_PATTERN.fullmatch(path.name))


def data_files(date_folder: Path) -> list[Path]:
    """A day's data files by name; the manifest is not one of them."""
    return sorted(date_folder.glob("*.parquet"))
