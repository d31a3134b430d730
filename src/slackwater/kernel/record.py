"""Records: one annotated class is the memory layout, the type and the documentation of a piece of state.

A subclass of `Record` lists its fields as annotations with the units below. `dtype_of` gives the aligned NumPy dtype,
`new` a zeroed one-row record array (a box), which is how state is handed to compiled code.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Protocol, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

i64 = Annotated[int, np.int64]
i32 = Annotated[int, np.int32]
i8 = Annotated[int, np.int8]
u8 = Annotated[int, np.uint8]  # an enum; arithmetic on it wraps, so there is none
f64 = Annotated[float, np.float64]
flag = Annotated[bool, np.bool_]

T = TypeVar("T")
Box = np.recarray[Any, Any]


class Vec(Protocol, Generic[T]):
    """A fixed-length array inside a record: `Annotated[Vec[T], length]`, `T` a unit or a Record."""

    def __getitem__(self, index: int) -> T: ...
    def __setitem__(self, index: int, value: T) -> None: ...
    def __len__(self) -> int: ...


class Record:
    """Base of all records. Never instantiated: rows live in NumPy arrays of the class's dtype."""

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__} is a layout: make rows with new({type(self).__name__})")


_dtypes: dict[type[Record], np.dtype[np.void]] = {}


def dtype_of(record: type[Record]) -> np.dtype[np.void]:
    """The aligned structured dtype that a record class declares.

    Raises:
        TypeError: an annotation is not a unit, a Record or an annotated Vec, or a name is an attribute that every NumPy record has:
            without compilation `row.mean` or `row.size` would be that attribute and never the field.
    """
    if record not in _dtypes:
        hints = get_type_hints(record, include_extras=True)
        hidden = [name for name in hints if hasattr(np.record, name)]
        if hidden:
            raise TypeError(f"{record.__name__}.{hidden[0]}: expected a name of its own, found one that every NumPy record has; rename it")
        fields = [(name, *_field_type(record, name, hint)) for name, hint in hints.items()]
        _dtypes[record] = np.dtype(fields, align=True)
    return _dtypes[record]


def _field_type(record: type[Record], name: str, hint: Any) -> tuple[Any, ...]:
    if isinstance(hint, type) and issubclass(hint, Record):
        return (dtype_of(hint),)
    if get_origin(hint) is Annotated:
        base, extra = get_args(hint)[:2]
        if get_origin(base) is Vec:
            (item,) = get_args(base)
            (item_type,) = _field_type(record, name, item)
            return item_type, (int(extra),)
        return (np.dtype(extra),)
    raise TypeError(f"{record.__name__}.{name}: expected a unit, a Record or Annotated[Vec[...], n], found {hint!r}")


def rows(record: type[Record], count: int) -> Box:
    """`count` zeroed rows of a record. Pages are touched only when written."""
    return np.zeros(count, dtype_of(record)).view(np.recarray)


def new(record: type[Record]) -> Box:
    """One zeroed row in an array of length one: a box."""
    return rows(record, 1)


def as_box(array: NDArray[Any]) -> Box:
    """View an existing structured array (a memory map, a slice) as a record array without copying."""
    return array.view(np.recarray)
