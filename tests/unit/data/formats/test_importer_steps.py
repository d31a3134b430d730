"""What an import says of steps that do not fit the data, or that few of its values need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def lots_of(folder: Path, sizes: list[float], lot: str | None = None) -> dict[str, Any]:
    """An import of trades of some sizes, and of quotes of 1."""
    trades = [(k / 10, 100.0, size, False) for k, size in enumerate(sizes)]
    return make_tape(folder, quotes(len(sizes)), trades, tick="0.1", lot=lot)


def test_sizes_that_no_one_step_holds_are_told_by_their_digits(tmp_path: Path) -> None:
    fine = [round(1 + k / 1000, 3) for k in range(1, 200)]
    told = (
        r"^size: expected one step of at most 15 digits .*, found 1\.00\d beside 980000000000000\.0, 18 digits; give the step with --tick"
    )
    with pytest.raises(DataError, match=told):
        lots_of(tmp_path, fine + [1e13 + k for k in range(199)] + [9.8e14])
    assert lots_of(tmp_path / "b", [float(f"{k}00.125") * 1e7 for k in range(1, 200)])["inferred"] == ["lot_size"], "13 digits fit"
    assert lots_of(tmp_path / "c", [9e14 + k for k in range(200)])["instrument"]["lot_size"] == "1", "and so do 15"
    with pytest.raises(DataError, match=r"at most 15 digits .*, found 9\d+\.0, 16 digits; give"):
        lots_of(tmp_path / "d", [8e15 + 10 * k for k in range(200)] + [9e15])


def test_sizes_out_of_range_are_told_the_range(tmp_path: Path) -> None:
    told = r"only 200 out_of_range; prices must be below 9\.00719925e\+14 and sizes below 9\.00719925e\+15, 2\*\*53 steps$"
    with pytest.raises(DataError, match=told):
        lots_of(tmp_path, [1e17] * 200, lot="1")
