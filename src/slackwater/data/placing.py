"""Putting finished days and runs in place: one writer of a symbol at a time, what a killed one left cleared away, errors of the disk told.

Locks are held on folders themselves and end with their process, so none is ever left behind.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slackwater.data.layout import date_folders
from slackwater.data.swap import REPLACED, restore_replaced, swap_folders
from slackwater.errors import SlackwaterError

BUILDING = ".incoming-"


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn errors of the disk below a folder into a sentence.

    Raises:
        SlackwaterError: the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = str(error) if error.strerror is None else error.strerror
        raise SlackwaterError(f"{folder}: expected a folder that can be written, found: {reason.partition(chr(10))[0]}") from error


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait for whoever else is putting days into the folder, and keep others out while the block runs."""
    with _opened(folder) as number:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield


@contextmanager
def building_in(home: Path, prefix: str = BUILDING) -> Iterator[Path]:
    """A temporary folder within another, gone when the block ends; those of killed writers, told by the prefix, are cleared away before."""
    with alone_in(home):
        for left in home.glob(f"{glob.escape(prefix)}*/"):
            _clear_away(left)
        building = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
        number = os.open(building, os.O_RDONLY)
        fcntl.flock(number, fcntl.LOCK_EX)
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)
        os.close(number)


def put_in_place(building: Path, home: Path, alone: bool = False) -> None:
    """Move the finished days of a building into the symbol's folder; days that were there are replaced, with `alone` all others go.

    Those others go first: whoever looks in between finds fewer days, not days of two kinds.

    Raises:
        OSError: the disk refuses; days that went are back.
    """
    fresh = date_folders(building)
    names = {folder.name for folder in fresh}
    try:
        for old in [path for path in date_folders(home) if path.name not in names] if alone else ():
            old.rename(building / f"{REPLACED}{old.name}")
        for folder in fresh:
            present = home / folder.name
            if present.exists():
                swap_folders(folder, present)
            else:
                folder.rename(present)
    except BaseException:
        restore_replaced(building, home)
        raise


def _clear_away(building: Path) -> None:
    """Remove what a killed writer left, and give back a day that it had taken away and not replaced."""
    try:
        with _opened(building) as number:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            restore_replaced(building, building.parent)
            shutil.rmtree(building, ignore_errors=True)
    except (BlockingIOError, FileNotFoundError):
        return  # somebody is at work there, or was until now


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    number = os.open(folder, os.O_RDONLY)
    try:
        yield number
    finally:
        os.close(number)
