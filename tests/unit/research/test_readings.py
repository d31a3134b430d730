"""What is read out of the tables: layers, levels, forecasts, the funnel, the account, the market's line, and thinning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackwater.data.tape import open_tape
from slackwater.research.accounts import account
from slackwater.research.forecast import Forecast, forecasts
from slackwater.research.funnel import GATE_ORDER, GateStep, funnel
from slackwater.research.levels import average_entries, layers, take_profit_levels
from slackwater.research.prices import price_line, price_source
from slackwater.research.read_run import Run, open_run
from slackwater.research.thinning import MAX_POINTS, edges_around, even_edges, extremes, thin
from slackwater.research.wording import bps, duration, moment, plain, share, usd
from slackwater.schema.enums import Gate
from tests.unit.data.tables import QUOTES, TRADES, make_tape
from tests.unit.research.run_kit import SYMBOL, at, fills, make_run, write_table


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(make_run(tmp_path / "run"))


def test_layers_last_until_exits_use_them_up(run: Run) -> None:
    found = layers(run, SYMBOL)
    assert found.start.tolist() == [at(11), at(21), at(81)]
    assert found.end.tolist() == [at(60), at(60), at(100)]
    assert found.value.tolist() == pytest.approx([100.0, 102.1, 103.0])


def test_partial_exits_take_the_oldest_layer_first(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    rows = fills(SYMBOL)
    half = rows[3] | {"qty": 1.0, "ts_ns": at(50), "position_qty_after": -1.0, "avg_entry_after": 101.05}
    write_table(folder, "fills", [*rows[:3], half, rows[3] | {"qty": 1.0}])
    found = layers(open_run(folder), SYMBOL)
    assert found.end.tolist() == [at(50), at(60)]


def test_take_profit_rests_where_it_was_answered(run: Run) -> None:
    found = take_profit_levels(run, SYMBOL)
    assert list(zip(found.start.tolist(), found.end.tolist(), found.value.tolist(), strict=True)) == [
        (at(11), at(31), 99.0),
        (at(31), at(60), 100.5),
    ]


def test_average_entry_only_while_something_is_held(run: Run) -> None:
    found = average_entries(run.table("fills"), at(100))
    assert found.start.tolist() == [at(11), at(21), at(22), at(81)]
    assert found.end.tolist() == [at(21), at(22), at(60), at(100)]
    times, values = found.as_line()
    assert times.tolist()[:3] == [at(11), at(21), at(21)]
    assert np.isnan(values[2::3]).all()


def test_forecast_is_the_one_of_the_orders_that_filled(run: Run) -> None:
    assert forecasts(run, SYMBOL) == [Forecast(SYMBOL, at(60), 2, "tp_rest", 49.48, 30.0, 20.0, 40.0, 35.0)]


def test_funnel_counts_down_in_gate_order(run: Run) -> None:
    steps = [step for step in funnel(run, SYMBOL, "entry") if step.stopped]
    assert steps == [GateStep("spread_low", 100, 70), GateStep("pump", 30, 20), GateStep("edge", 10, 8), GateStep("pass", 2, 2)]
    assert [step.reached for step in funnel(run, SYMBOL, "average") if step.stopped] == [10, 1]


def test_every_gate_has_its_place() -> None:
    assert set(GATE_ORDER["entry"]) | set(GATE_ORDER["average"]) == {gate.name.lower() for gate in Gate}
    assert all(len(set(order)) == len(order) and order[-1] == "pass" for order in GATE_ORDER.values())


def test_account_of_all_symbols_is_the_sum(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", symbols=("AAAUSDT", "BBBUSDT")))
    one, both = account(run, "BBBUSDT"), account(run)
    assert both.times.tolist() == one.times.tolist() == [at(0), at(11), at(22), at(60), at(81), at(90), at(100)]
    assert both.equity == pytest.approx(2 * one.equity)
    assert both.debt == pytest.approx(2 * one.debt)
    assert one.drawdown == pytest.approx([0.0, -0.03, -2.0, 0.0, -0.03, -0.53, -0.53])


def tape_run(folder: Path) -> Path:
    make_tape(folder, QUOTES, TRADES)
    sha256 = open_tape(folder / "tape", ["binance/AAAUSDT"]).tape_sha256
    tape = {"path": str(folder / "tape"), "sha256": sha256, "venues": {SYMBOL: "binance"}}
    return make_run(folder / "run", tape=tape)


def test_prices_are_the_tape_s_as_they_were_received(tmp_path: Path) -> None:
    run = open_run(tape_run(tmp_path))
    line = price_line(run, price_source(run), SYMBOL, np.zeros(0, np.int64), MAX_POINTS)
    assert line.bid is not None
    assert line.times.tolist() == [at(0.002), at(1.002), at(2.502)]
    assert (line.bid.tolist(), line.ask.tolist()) == ([99.9, 99.9, 99.8], [100.1, 100.0, 100.0])


@pytest.mark.parametrize(("harm", "why"), [("change", "the tape has changed"), ("remove", "the tape is not where")])
def test_without_its_tape_a_run_shows_what_it_noted(tmp_path: Path, harm: str, why: str) -> None:
    run = open_run(tape_run(tmp_path))
    for path in (tmp_path / "tape").rglob("trades.parquet" if harm == "change" else "*.parquet"):
        path.write_bytes(b"other") if harm == "change" else path.unlink()
    line = price_line(run, price_source(run), SYMBOL, np.zeros(0, np.int64), MAX_POINTS)
    assert line.bid is None
    assert line.ask.tolist() == [100.0 + t / 50 for t in range(0, 100, 5)]
    assert why in line.source


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-5, 5)), min_size=1, max_size=300), st.integers(1, 40))
def test_thinning_keeps_extremes_and_ends(steps: list[tuple[int, int]], bins: int) -> None:
    times = np.cumsum([step for step, _ in steps]).astype(np.int64)
    values = np.array([float(value) for _, value in steps])
    edges = even_edges(int(times[0]), int(times[-1]) + 1, bins)
    chosen = extremes(times, values, edges)
    assert (np.diff(chosen) > 0).all()
    assert {0, len(times) - 1} <= set(chosen.tolist())
    stretch = np.searchsorted(edges, times, side="right")
    for k in np.unique(stretch):
        kept = values[chosen[stretch[chosen] == k]]
        whole = values[stretch == k]
        assert (kept.min(), kept.max(), kept[-1]) == (whole.min(), whole.max(), whole[-1])


def test_long_lines_fit_the_budget() -> None:
    times = np.arange(1_000_000, dtype=np.int64)
    values = np.random.default_rng(1).normal(size=len(times)).cumsum()
    chosen = thin(times, values)
    assert len(chosen) <= MAX_POINTS + 2
    assert (values[chosen].min(), values[chosen].max()) == (values.min(), values.max())


def test_lines_are_finer_near_fills() -> None:
    day, fill = 86_400 * 10**9, 40_000 * 10**9
    edges = edges_around(0, day, np.array([fill, fill + 1], np.int64), 1_000)
    near = (edges >= fill - 30 * 10**9) & (edges <= fill + 30 * 10**9)
    assert 400 < near.sum() < 600
    assert len(edges) <= 1_000


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (usd(-0.00001), "0.0000"),
        (usd(-1.5), "−1.5000"),
        (usd(12345.678), "+12,345.68"),
        (usd(None), "–"),
        (usd(float("nan")), "–"),
        (bps(-3.456), "−3.46"),
        (share(0.0001), "<0.1%"),
        (share(1.0), "100%"),
        (share(0.9996), ">99.9%"),
        (plain(0.07935212766), "0.07935212766"),
        (duration(90 * 10**9), "1 min 30 s"),
        (duration(3600 * 10**9 * 30), "1 d 6 h"),
        (moment(at(0.5)), "2023-11-14 22:13:20.500"),
    ],
)
def test_numbers_read_well(said: str, text: str) -> None:
    assert said == text
