"""What a gate's reading says: whose value it is that stands against the minimum."""

from __future__ import annotations

import pytest

from slackwater.schema.enums import Gate
from tests.unit.decision.scene import Scene


@pytest.mark.parametrize(
    ("held", "least_usd", "is_guarded", "expected"),
    [
        (500, 5.0, True, (79.93995, 5.0, True, False)),  # the order
        (50, 5.0, True, (4.975, 5.0, False, True)),  # the position, at 99.5
        (50, 5.0, False, (79.93995, 5.0, True, False)),  # without the recovery guard a position may be as small as it likes
        (500, 100.0, True, (79.93995, 100.0, False, False)),  # both: the order is asked first
    ],
)
def test_the_minimum_is_read_of_the_order_or_of_the_position(
    held: int, least_usd: float, is_guarded: bool, expected: tuple[float, float, bool, bool]
) -> None:
    scene = Scene()
    scene.hold(held)
    scene.s.ins.min_notional_usd = least_usd
    scene.p[0].avg_enabled = is_guarded
    row = scene.reading(Gate.BELOW_MIN)
    assert (round(float(row.value), 6), float(row.threshold), bool(row.passes), bool(row.is_of_position)) == expected
    assert (scene.gate() == Gate.BELOW_MIN) is not expected[2]
