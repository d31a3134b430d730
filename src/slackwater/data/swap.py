"""Two folders change places in one step, so that whoever is killed or looks in between finds the one or the other, whole."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

FROM_HERE = -100  # AT_FDCWD: paths as they are
EXCHANGE = 2  # RENAME_EXCHANGE
REPLACED = "replaced-"  # a folder's name while it is out of the way, where the system cannot exchange two


def swap_folders(fresh: Path, present: Path) -> None:
    """Have each under the other's name; both lie on one file system, and `fresh` in a folder of its own.

    Where the system cannot do it in one step it takes two; `restore_replaced` mends what is cut off between them.

    Raises:
        OSError: the disk refuses; nothing has changed.
    """
    if _exchange(fresh, present):
        return
    aside = fresh.with_name(f"{REPLACED}{present.name}")
    present.rename(aside)
    try:
        fresh.rename(present)
    except BaseException:
        aside.rename(present)
        raise


def restore_replaced(building: Path, home: Path) -> None:
    """Give folders that were moved aside their names back, where nothing has taken their place.

    Raises:
        OSError: the disk refuses.
    """
    for aside in building.glob(f"{REPLACED}*"):
        present = home / aside.name.removeprefix(REPLACED)
        if not present.exists():
            aside.rename(present)


def _exchange(one: Path, two: Path) -> bool:
    """Whether the system knew how, and did it."""
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return call is not None and call(FROM_HERE, os.fsencode(one), FROM_HERE, os.fsencode(two), EXCHANGE) == 0
