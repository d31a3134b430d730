"""What an import says of steps that do not fit the data, or that few of its values need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slackwater.data.steps import DecimalScale
from slackwater.errors import DataError
from tests.unit.data.tables import TRADES, Quote, make_tape


def quotes(count: int, day: int = 0, step: float = 0.1) -> list[Quote]:
    """Books of one day in steps of a tenth or finer."""
    return [(86_400.0 * day + k / 10, round(99.9 + step * (k % 7), 4), 1.0, 110.1, 2.0) for k in range(count)]


def test_a_tick_that_few_prices_need_is_told(tmp_path: Path) -> None:
    rows = quotes(2000)
    rows[700] = (70.0, 99.901, 1.0, 110.1, 2.0)
    done = make_tape(tmp_path, rows, TRADES, lot="0.01")
    assert done["instrument"]["tick_size"] == "0.001", "nothing is dropped for it"
    told = "1 of 4,003 prices need the tick 0.001, all others lie on 0.1; where those few are wrong, import with --tick 0.1"
    assert done["notes"] == [told]
    assert make_tape(tmp_path / "other", quotes(2000), TRADES, lot="0.01")["notes"] == []
    rows[800:805] = quotes(805, step=0.001)[800:]
    assert make_tape(tmp_path / "third", rows, TRADES, lot="0.01")["notes"] == [], "five in four thousand are more than a few"


def test_rare_values_are_counted_over_batches_of_any_size() -> None:
    values = np.round(np.arange(20_000) % 500 / 4.0, 2)  # 0, 0.25, 0.5, 0.75
    values[[3, 9_000, 19_999]] = 7.0001
    for size in (100, 4_096, 20_000):
        scale = DecimalScale("price")
        for start in range(0, len(values), size):
            scale.see(values[start : start + size])
        found = scale.rare
        assert found is not None and (found[0], found[1], str(found[2])) == (3, 20_000, "0.01")


def test_a_second_day_that_is_finer_is_told_whose_step_it_missed(tmp_path: Path) -> None:
    make_tape(tmp_path, quotes(200), TRADES)
    with pytest.raises(DataError, match=r"that tick is the one of the tape's other days; import all days into another folder$"):
        make_tape(tmp_path, quotes(200, day=1, step=0.01), [(86_401.0, 100.0, 0.75, False)])
    with pytest.raises(DataError, match=r"give the venue's tick size with --tick, or leave it out to have it inferred$"):
        make_tape(tmp_path, quotes(200, day=1, step=0.01), [(86_401.0, 100.0, 0.75, False)], tick="0.1")
