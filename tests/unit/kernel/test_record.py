"""Records: layout, nesting, and what a declaration may not say."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, Record, Vec, as_box, dtype_of, f64, flag, i32, i64, new, rows, u8


class Inner(Record):
    """Nested below."""

    ticks: i64
    is_set: flag


class Outer(Record):
    """Every kind of field."""

    kind: u8
    value: f64
    symbol: i32
    inner: Inner
    counts: Annotated[Vec[i64], 3]
    inners: Annotated[Vec[Inner], 2]


@jit
def _write_everywhere(box: Box) -> None:
    s = box[0]
    s.kind = 7
    s.inner.ticks = -5
    s.inners[1].ticks = 11
    s.inners[1].is_set = True
    s.counts[2] += 4


def test_fields_have_their_units_and_are_aligned() -> None:
    dtype = dtype_of(Outer)
    assert dtype.names == ("kind", "value", "symbol", "inner", "counts", "inners")
    assert dtype.isalignedstruct
    # u8 at 0, f64 at the next multiple of 8, i32 behind it, Inner (8 + 1, padded to 16) at the next multiple of 8,
    # three int64, then two Inners: 0, 8, 16, 24, 40, 64, and 64 + 32 = 96 bytes in all.
    assert [dtype.fields[name][1] for name in dtype.names] == [0, 8, 16, 24, 40, 64]
    assert dtype.itemsize == 96
    assert [dtype[name].base for name in ("kind", "value", "symbol", "counts")] == [np.uint8, np.float64, np.int32, np.int64]
    assert dtype["inner"] == dtype_of(Inner)
    assert dtype["inners"].shape == (2,)
    assert dtype["inners"].base == dtype_of(Inner)


def test_one_class_has_one_dtype() -> None:
    assert dtype_of(Outer) is dtype_of(Outer)


def test_new_is_one_zeroed_row() -> None:
    box = new(Outer)
    assert box.shape == (1,)
    assert not any(box.tobytes())
    assert rows(Outer, 4).shape == (4,)


def test_kernels_write_through_nested_records() -> None:
    box = new(Outer)
    _write_everywhere(box)
    s = box[0]
    assert (s.kind, s.inner.ticks, s.inners[1].ticks, s.inners[1].is_set, list(s.counts)) == (7, -5, 11, True, [0, 0, 4])
    assert s.inners[0].ticks == 0


def test_as_box_is_a_view() -> None:
    plain = np.zeros(2, dtype_of(Inner))
    box = as_box(plain)
    box[1].ticks = 3
    assert plain["ticks"].tolist() == [0, 3]


def test_a_layout_is_not_a_row() -> None:
    with pytest.raises(TypeError, match=r"Inner is a layout: make rows with new\(Inner\)"):
        Inner()


def declared(hints: dict[str, Any]) -> type[Record]:
    return type("Declared", (Record,), {"__annotations__": hints})


@pytest.mark.parametrize("hint", [int, float, "list[int]", Vec[i64], list])
def test_an_annotation_without_a_unit_is_refused(hint: Any) -> None:
    with pytest.raises(TypeError, match=r"Declared\.price: expected a unit, a Record or Annotated\[Vec\[\.\.\.\], n\], found"):
        dtype_of(declared({"price": hint}))


@pytest.mark.parametrize("name", ["mean", "var", "std", "sum", "size", "item", "min", "max", "dtype", "shape", "T"])
def test_a_field_that_numpy_would_hide_is_refused(name: str) -> None:
    # Without compilation `row.size` is NumPy's attribute of every record, whatever the field holds.
    with pytest.raises(TypeError, match=rf"Declared\.{name}: expected a name of its own"):
        dtype_of(declared({"ticks": i64, name: f64}))


@pytest.mark.parametrize("name", ["average", "variance", "total", "size_usd"])
def test_a_field_of_its_own_name_reads_back(name: str) -> None:
    box = new(declared({name: f64}))
    setattr(box[0], name, 2.5)
    assert getattr(box[0], name) == 2.5
