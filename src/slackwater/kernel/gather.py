"""Rows by address: many arrays of one record type as one argument, so that their number is data and not a type.

A tuple of arrays would compile anew for every count, and a typed list costs a second at every start. A row found by its address also
carries no reference count, which passing arrays about in a hot loop does: a fifth of its time. The caller keeps the arrays alive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

from slackwater.kernel.jit import IS_COMPILED
from slackwater.kernel.record import Record, dtype_of

R = TypeVar("R", bound=Record)

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
def _record(typingctx: Any, address: Any, dtype: Any) -> Any:
    """An integer as a reference to a record."""
    record = dtype.dtype

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(record))

    return record(numba.types.int64, dtype), codegen


as_record: Any = _record  # called with an address and a dtype only: the typing context is the compiler's


def row_of(record: type[R]) -> Callable[[int, int], R]:
    """A kernel `row(address, index)` that gives the index-th row of an array of this record type."""
    dtype = dtype_of(record)
    size = dtype.itemsize
    if not IS_COMPILED:

        def look_up(address: int, index: int) -> Any:
            return _known[int(address)].view(dtype).view(np.recarray)[index]  # plain numbers are records of one field

        return look_up

    @numba.njit(error_model="numpy", forceinline=True)
    def row(address: int, index: int) -> Any:
        return as_record(address + index * size, dtype)

    found: Callable[[int, int], R] = row
    return found
