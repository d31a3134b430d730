"""Rows by address: a kernel sees and changes the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slackwater.kernel.gather import address_of, row_of
from slackwater.kernel.jit import jit
from slackwater.kernel.record import Record, f64, i64, rows


class Point(Record):
    """Two numbers."""

    ticks: i64
    value: f64


_point_at: Any = row_of(Point)


@jit
def _sum_and_double(addresses, lengths):
    total = 0
    for k in range(len(addresses)):
        for j in range(lengths[k]):
            point = _point_at(addresses[k], j)
            total += point.ticks
            point.value *= 2.0
    return total


def test_a_table_of_addresses_reaches_every_row() -> None:
    arrays = [rows(Point, count) for count in (1, 3, 2)]
    for k, array in enumerate(arrays):
        array.ticks = np.arange(len(array)) + 10 * k
        array.value = k + 0.5
    addresses = np.array([address_of(array) for array in arrays])
    lengths = np.array([1, 2, 2])  # the last row of the second array is left out
    # 0, 10 + 11, 20 + 21
    assert _sum_and_double(addresses, lengths) == 62
    assert [array.value.tolist() for array in arrays] == [[1.0], [3.0, 3.0, 1.5], [5.0, 5.0]]


def test_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a contiguous array, found one with strides"):
        address_of(rows(Point, 4)[::2])
