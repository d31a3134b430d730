"""Opening a tape: which symbols it holds, what their files are, and a hash of their content. Reads no rows.

A symbol is named by itself or as `venue/SYMBOL`, which is needed when two venues of one tape have it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slackwater.data.instrument import InstrumentSpec, read_instrument
from slackwater.data.layout import (
    CANDLE_FRAMES,
    DATE_PATTERN,
    INSTRUMENT,
    MANIFEST,
    data_files,
    date_folders,
    kline_name,
    read_manifest,
    sha256_of,
)
from slackwater.errors import DataError, UsageError


@dataclass(frozen=True)
class SymbolTape:
    """One symbol's part of a tape."""

    venue: str
    symbol: str
    folder: Path
    instrument: InstrumentSpec
    dates: tuple[str, ...]  # UTC, oldest first

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Every data file, by date and name."""
        return tuple(path for date in self.dates for path in data_files(self.folder / date))

    @cached_property
    def candle_frames(self) -> tuple[int, ...]:
        """The time frames (0, 1, 2 for 1m, 5m, 15m) whose candles the tape brings on some day."""
        names = {path.name for path in self.files}
        return tuple(frame for frame, word in enumerate(CANDLE_FRAMES) if kline_name(word) in names)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifests of its days by date; a day without one is left out."""
        paths = {date: self.folder / date / MANIFEST for date in self.dates}
        return {date: read_manifest(path) for date, path in paths.items() if path.exists()}

    @property
    def unlisted_dates(self) -> tuple[str, ...]:
        """Its days without a manifest: of these nobody knows whether their files are the ones that were written."""
        return tuple(date for date in self.dates if date not in self.manifest)

    @cached_property
    def sha256(self) -> str:
        """A hash over the names and bytes of the data files and `instrument.json`; what the manifests say is not trusted."""
        digest = hashlib.sha256()
        for path in (self.folder / INSTRUMENT, *self.files):
            digest.update(f"{path.relative_to(self.folder).as_posix()} {sha256_of(path)}\n".encode())
        return digest.hexdigest()

    def check_files(self) -> None:
        """Say whether every file is there that the manifests list, also those of days of which nothing else is left.

        Raises:
            DataError: one is missing, or a manifest is damaged.
        """
        for day in date_folders(self.folder):
            listed = read_manifest(day / MANIFEST).get("files", {}) if (day / MANIFEST).exists() else {}
            for name in sorted(listed):
                if not (day / name).exists():
                    raise DataError(
                        f"{day / name}: expected the file that the {MANIFEST} beside it lists, found none; import the day again"
                    )

    @property
    def quarantined(self) -> dict[str, int]:
        """Rows of the sources that never became rows of the tape, by kind.

        A manifest tells of the whole import that its day came from, so each import counts once.
        """
        imports = {json.dumps([day.get("source"), day.get("import_days")]): day.get("quarantined", {}) for day in self.manifest.values()}
        return _sum_counts(imports.values())

    @property
    def time_backwards(self) -> dict[str, int]:
        """By file, how often the sources' times stepped back: rows that were put into order, not dropped."""
        days = _sum_counts(day.get("time_backwards", {}) for day in self.manifest.values())
        return {name.removesuffix(".parquet"): count for name, count in days.items() if count}


@dataclass(frozen=True)
class Tape:
    """An opened tape: its folder and its symbols, sorted by name."""

    folder: Path
    symbols: tuple[SymbolTape, ...]

    @cached_property
    def tape_sha256(self) -> str:
        """A hash over the content of the opened symbols; another selection of symbols is another hash."""
        digest = hashlib.sha256()
        for entry in self.symbols:
            digest.update(f"{entry.venue}/{entry.symbol} {entry.sha256}\n".encode())
        return digest.hexdigest()

    @property
    def manifest_hashes(self) -> dict[str, dict[str, str]]:
        """The SHA-256 of every manifest, by `venue/symbol` and date."""
        return {
            f"{entry.venue}/{entry.symbol}": {date: sha256_of(entry.folder / date / MANIFEST) for date in entry.manifest}
            for entry in self.symbols
        }


def open_tape(folder: Path | str, symbols: Sequence[str] | None = None) -> Tape:
    """Open the tape in `folder`, all its symbols or those named.

    Raises:
        DataError: the folder is missing or holds no tape, a symbol's `instrument.json` is missing or damaged, or a file that a manifest
            lists is missing.
        UsageError: a named symbol is not on the tape, or one name stands for two venues.
    """
    folder = Path(folder)
    found = find_symbol_folders(folder)
    wanted = list(found) if not symbols else [select_folder(folder, name, found) for name in symbols]
    entries = [open_symbol(path) for path in dict.fromkeys(wanted)]
    entries.sort(key=lambda entry: entry.symbol)
    for one, two in zip(entries, entries[1:], strict=False):
        if one.symbol == two.symbol:
            raise UsageError(
                f"{folder}: {one.symbol} is there for {one.venue} and {two.venue}; name the one you mean, such as {one.venue}/{one.symbol}"
            )
    for entry in entries:
        entry.check_files()
    return Tape(folder, tuple(entries))


def find_symbol_folders(folder: Path) -> list[Path]:
    """The folders of all symbols on a tape, by venue and name.

    Raises:
        DataError: the folder is missing or holds no symbol.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a tape's folder, found {'a file' if folder.exists() else 'nothing'}")
    found = _with_days(folder)
    if not found and any(folder.glob(".recording/*/*.log")):
        raise DataError(f"{folder}: expected a tape, found only what a recording left; `slackwater data record --recover` makes it one")
    if not found:
        raise DataError(
            f"{folder}: expected a tape (venue/symbol/date/quotes.parquet), found none; "
            "make one with `slackwater data import` or `slackwater data synth`"
        )
    return found


def _is_day(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts[-3:])
    return not hidden and DATE_PATTERN.fullmatch(path.name) is not None and bool(data_files(path))


def find_remains(folder: Path) -> list[Path]:
    """The folders of all symbols that are or were on a tape: with days, or with an `instrument.json` or a manifest that tell of some, and
    those that nobody may look into.

    Raises:
        DataError: the folder is missing or holds no symbol.
    """
    told = {path.parent for path in folder.glob(f"*/*/{INSTRUMENT}")}
    told |= {path.parents[1] for path in folder.glob(f"*/*/*/{MANIFEST}") if DATE_PATTERN.fullmatch(path.parent.name)}
    told |= {path for path in folder.glob("*/*") if path.is_dir() and not os.access(path, os.R_OK | os.X_OK)}
    remains = {path for path in told if not path.name.startswith(".") and not path.parent.name.startswith(".")}
    return sorted(remains | set(find_symbol_folders(folder) if not remains else _with_days(folder)))


def _with_days(folder: Path) -> list[Path]:
    return list(dict.fromkeys(sorted(path.parent for path in folder.glob("*/*/*") if path.is_dir() and _is_day(path))))


def select_folder(folder: Path, name: str, found: list[Path]) -> Path:
    """The one of the folders found that a name stands for, SYMBOL or venue/SYMBOL.

    Raises:
        UsageError: none does, or several.
    """
    name = unicodedata.normalize("NFC", name)
    matches = [path for path in found if name in (path.name, f"{path.parent.name}/{path.name}")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        choices = " or ".join(f"{path.parent.name}/{path.name}" for path in matches)
        raise UsageError(f"{folder}: {name} is there for several venues; name the one you mean: {choices}")
    known = sorted({path.name for path in found})
    near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{folder}: expected one of {', '.join(known)}, found {name!r}{hint}")


def open_symbol(folder: Path) -> SymbolTape:
    """The symbol in a folder.

    Raises:
        DataError: its `instrument.json` is missing or damaged.
    """
    dates = tuple(path.name for path in date_folders(folder) if data_files(path))
    return SymbolTape(folder.parent.name, folder.name, folder, read_instrument(folder / INSTRUMENT), dates)


def _sum_counts(parts: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for kind, count in part.items():
            total[kind] = total.get(kind, 0) + int(count)
    return dict(sorted(total.items()))
