"""Many arrays of one record type as one argument: a table of addresses, so that their number is data and not a type.

A tuple of arrays would compile anew for every count, and a typed list costs a second at every start. The caller keeps the arrays
alive while the table is in use.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import carray  # type: ignore[attr-defined]
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from slackwater.kernel.jit import IS_COMPILED
from slackwater.kernel.record import Box

_known: dict[int, NDArray[Any]] = {}  # without compilation addresses are looked up here


def address_of(array: NDArray[Any]) -> int:
    """Where a contiguous array's data lies."""
    if not array.flags.c_contiguous:
        raise ValueError("expected a contiguous array, found one with strides")
    address = int(array.ctypes.data)
    if not IS_COMPILED:
        _known[address] = array
    return address


@intrinsic
def _pointer(typingctx: Any, address: Any) -> Any:
    """An integer as a pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), codegen


as_pointer: Any = _pointer  # called with an address only: the typing context is the compiler's


def view_of(dtype: np.dtype[np.void]) -> Any:
    """A kernel `view(address, length)` that sees the rows of a record type at an address."""
    if not IS_COMPILED:

        def look_up(address: int, length: int) -> Box:
            return _known[int(address)][:length].view(np.recarray)

        return look_up

    @numba.njit(error_model="numpy", forceinline=True)
    def view(address: int, length: int) -> Any:
        return carray(as_pointer(address), (length,), dtype)

    return view
