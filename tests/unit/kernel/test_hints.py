"""Hints: they tell the compiler something and change nothing."""

from __future__ import annotations

import pytest

from slackwater.kernel.hints import rare, usual
from slackwater.kernel.jit import jit


@jit
def _by_hint(a, b):
    taken = 0
    if rare(a > 1 or b > 1):
        taken += 1
    if usual(not a == b):
        taken += 2
    return taken


@pytest.mark.parametrize(("a", "b", "taken"), [(0, 0, 0), (2, 2, 1), (0, 1, 2), (0, 2, 3), (2, 0, 3)])
def test_a_hint_is_the_condition_it_is_given(a: int, b: int, taken: int) -> None:
    assert _by_hint(a, b) == taken
