"""How every kernel is compiled: one set of options and a cache keyed by all the sources it may inline.

Numba notices an edit in the file of a cached function, but not in the files of the functions it calls. The cache folder's
name therefore carries a fingerprint of every kernel source and of the compiler's versions: an edit anywhere is a new folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
import numpy as np
from numba.core import caching

F = TypeVar("F", bound=Callable[..., object])

PACKAGE = Path(__file__).resolve().parent.parent
KERNEL_FOLDERS = ("kernel", "schema", "market", "ledger", "decision", "orders", "machine", "sim")
IS_COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def fingerprint() -> str:
    """Sixteen hex digits that change when any kernel source or any compiler version does."""
    digest = hashlib.sha256()
    for part in (
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
        os.environ.get("NUMBA_BOUNDSCHECK", ""),
        os.environ.get("NUMBA_OPT", ""),
    ):
        digest.update(part.encode() + b"\0")
    for folder in KERNEL_FOLDERS:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """The folder under which every fingerprint has its own: `SLACKWATER_CACHE`, else the user's cache folder."""
    named = os.environ.get("SLACKWATER_CACHE")
    if named:
        return Path(named) / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slackwater" / "kernels"


CACHE_DIR = cache_root() / fingerprint()
WARM_MARK = "complete"  # an empty file in the cache, made once everything a run needs is there
IS_WARM = (CACHE_DIR / WARM_MARK).exists()  # whether this process can load compiled code instead of compiling it
numba.config.CACHE_DIR = str(CACHE_DIR)  # type: ignore[attr-defined]
IS_READ_ONLY = IS_WARM and not os.access(CACHE_DIR, os.W_OK)
if "NUMBA_OPT" not in os.environ:
    # The compiler's third level took an eighth longer and made nothing quicker.
    numba.config.OPT = type(numba.config.OPT)(2)  # type: ignore[attr-defined]


def _name_of(record_type: Any) -> str:
    return str(record_type.name)


def _leave(*told: object) -> None:
    """Write nothing."""


if IS_READ_ONLY:
    # Numba passes over a cache that it cannot write. A complete one has all that a run needs; what else is compiled is not kept.
    caching._CacheLocator.ensure_cache_path = _leave
    caching.FunctionCache.save_overload = _leave

# Numba spells out every argument's type at every pass over every function, and ours are records of hundreds of fields: a tenth of the time
# that compiling takes. A record type's name tells it from all others as well.
numba.types.Record.__repr__ = _name_of


def note_warm() -> None:
    """Note that everything a run needs is in the cache."""
    if IS_COMPILED and not IS_WARM and CACHE_DIR.is_dir():
        (CACHE_DIR / WARM_MARK).touch()


def make_ready(kernel: Callable[..., object], arguments: Sequence[object]) -> None:
    """Compile a kernel for arguments of these types, or load it from the cache, and run nothing. Costs nothing where that was done."""
    if IS_COMPILED:
        kernel.compile(tuple(numba.typeof(value) for value in arguments))  # type: ignore[attr-defined, no-untyped-call]


# Nothing calls a kernel from C, and each wrapper for that is compiled too.
OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def jit(function: F) -> F:
    """Compile a kernel: cached, NumPy's division, strict floating point (fastmath changed results and gained nothing)."""
    compiled: F = numba.njit(**OPTIONS)(function)
    return compiled


def jit_loop(function: F) -> F:
    """Compile an outer loop: as `jit`, and the GIL is free while it runs."""
    compiled: F = numba.njit(nogil=True, **OPTIONS)(function)
    return compiled


def jit_inline(function: F) -> F:
    """Compile a kernel as `jit` does and copy its code into every compiled caller. For the path that every book takes: calls alone were a
    third of its time."""
    compiled: F = numba.njit(forceinline=True, **OPTIONS)(function)
    return compiled
