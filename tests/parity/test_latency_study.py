"""Latency must not pay: over tapes without signal the mean result does not rise with the delay of orders and answers.

Every tape is run once a latency, so that differences are of pairs. For each two latencies, `d` is the result with the longer one less the
result with the shorter one on the same tape. The test fails when the mean of `d` is above zero at 99 %: when

    mean(d) - t * std(d) / sqrt(n) > 0

with `t` the one-sided 99 % point of Student's distribution with n - 1 degrees of freedom. Fees are zero: were trading to cost more than it
earns, a delay would pay by preventing it. `pytest -m deep tests/parity/test_latency_study.py -rP` prints the tables of docs/latency.md.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from slackwater.config import Config
from slackwater.kernel.jit import IS_COMPILED
from slackwater.kernel.record import Box
from slackwater.runtime.session import Session, SymbolInput
from slackwater.schema.params import QueueModel
from slackwater.schema.units import MS, SEC
from tests.market_kit import instrument
from tests.parity.no_signal import no_signal_tape

ROWS = 20_000
LATENCIES_MS = (0, 5, 20, 100)
ONE_SIDED_99 = {10: 2.821, 200: 2.345}  # Student's t for so many tapes
LOT_DEN = 10
# Every gate that a market without signal would not open is open, positions turn over, and what was earned before changes nothing.
LOOSE = {
    "min_spread_bps": 2.0,
    "max_spread_bps": 80.0,
    "pump_threshold": -9.0,
    "exhaust_threshold": -9.0,
    "max_trend_bps": 1e6,
    "max_trend_30s_bps": 0.0,
    "waterfall_vol_threshold": 1e9,
    "min_edge_bps": -1e6,
    "warmup_ns": 5 * SEC,
    "maker_fee": 0.0,
    "taker_fee": 0.0,
    "cooldown_sec": 0.5,
    "cooldown_steps": 0,
    "max_loss_bps": 1e9,
    "spacing_growth": 1.1,
    "base_spacing_bps": 6.0,
    "avg_min_unrealized_bps": 4.0,
    "avg_cooldown_ns": 0,
    "avg_max_adds_per_hour": 0,
    "max_total_notional_usd": 20_000.0,
    "max_age_ns": 60 * SEC,
    # Slices away from the ask are amended at every change of it, and an amend waits for the answer to the one before: with slow answers
    # there are fewer, and the places in the queue are kept. That is the schedule's doing; this study is about the venue's.
    "always_split": False,
    "min_slices": 1,
    "max_slices": 1,
    "recovery_enabled": False,
    "dynamic_enabled": False,
}

Results = NDArray[np.float64]


def loose_params(model: QueueModel, latency_ms: int) -> Box:
    """The defaults with the gates open, and one latency each way."""
    box = Config().to_params()
    for name, value in LOOSE.items():
        box[0][name] = value
    box[0].queue_model = model
    box[0].entry_latency_ns = box[0].response_latency_ns = latency_ms * MS
    return box


def run(tape: Box, params: Box) -> tuple[float, int]:
    """The account at the end of a tape, what is open valued at the ask, in usd; and the number of fills."""
    session = Session([SymbolInput("FLAT", tape, None, instrument(100, LOT_DEN))], params, 1)
    fills = 0
    for out in session.run():
        fills += int(out[0].fill_count)
        for name in out.dtype.names or ():
            if name.endswith("_count"):
                out[0][name] = 0
        out[0]["is_nearly_full"] = False
    state = session.states[0]
    held = float(state.ledger.short_lots) / LOT_DEN
    unrealised = (float(state.ledger.avg_entry) - float(state.market.ask)) * held if held else 0.0
    return float(state.ledger.realised_usd) + unrealised - float(state.ledger.fees_usd), fills


def study(model: QueueModel, tapes: int) -> tuple[Results, Results]:
    """Results and fills, a row a tape and a column a latency."""
    found = np.zeros((2, tapes, len(LATENCIES_MS)))
    for seed in range(tapes):
        tape = no_signal_tape(seed, ROWS)
        for k, latency_ms in enumerate(LATENCIES_MS):
            found[:, seed, k] = run(tape, loose_params(model, latency_ms))
    return found[0], found[1]


def half_width(values: Results) -> float:
    """Half of the interval about a mean whose lower end is the one-sided 99 % bound."""
    return ONE_SIDED_99[len(values)] * float(values.std(ddof=1)) / len(values) ** 0.5


def rises(results: Results) -> list[str]:
    """The pairs of latencies between which the mean result rises, at 99 %."""
    found = []
    for short, long in combinations(range(results.shape[1]), 2):
        difference = results[:, long] - results[:, short]
        if difference.mean() - half_width(difference) > 0.0:
            found.append(f"{LATENCIES_MS[short]} to {LATENCIES_MS[long]} ms: {difference.mean():+.4f} usd")
    return found


def table(model: QueueModel, results: Results, fills: Results) -> str:
    """Means with their intervals, and the differences of pairs, as docs/latency.md has them."""
    lines = [f"{model.name.lower()}, {len(results)} tapes", "", "| latency each way | usd a tape | fills a tape |", "|---|---|---|"]
    for k, latency_ms in enumerate(LATENCIES_MS):
        lines.append(f"| {latency_ms} ms | {results[:, k].mean():.3f} ± {half_width(results[:, k]):.3f} | {fills[:, k].mean():.1f} |")
    lines += ["", "| from | to | difference, usd a tape |", "|---|---|---|"]
    for short, long in combinations(range(len(LATENCIES_MS)), 2):
        difference = results[:, long] - results[:, short]
        between = f"{LATENCIES_MS[short]} ms | {LATENCIES_MS[long]} ms"
        lines.append(f"| {between} | {difference.mean():+.3f} ± {half_width(difference):.3f} |")
    return "\n".join([*lines, ""])


def check_study(model: QueueModel, tapes: int) -> None:
    """Run a study, print it, and fail when latency pays."""
    results, fills = study(model, tapes)
    print(table(model, results, fills))
    # A strategy that does not trade would pass anything, and one that no delay reaches as well.
    assert fills.mean() > 50
    assert (results[:, 0] != results[:, -1]).mean() > 0.9
    assert rises(results) == []


@pytest.mark.deep
@pytest.mark.parametrize("model", list(QueueModel), ids=lambda model: model.name.lower())
def test_two_hundred_tapes(model: QueueModel) -> None:
    check_study(model, 200)


@pytest.mark.skipif(not IS_COMPILED, reason="takes minutes without compilation")
def test_ten_tapes() -> None:
    check_study(QueueModel.PROPORTIONAL, 10)


def test_the_tapes_have_no_drift() -> None:
    """The mean move of 200 mids is within three standard errors of nothing."""
    moves = []
    for seed in range(200):
        tape = no_signal_tape(seed, 2_000)
        books = tape[tape["ask_ticks"] > 0]
        moves.append(float(books["price_ticks"][-1] + books["ask_ticks"][-1] - books["price_ticks"][0] - books["ask_ticks"][0]) / 2.0)
    assert np.std(moves) > 5.0
    assert abs(np.mean(moves)) < 3.0 * np.std(moves, ddof=1) / len(moves) ** 0.5


def test_a_rise_would_be_seen() -> None:
    noise = np.random.default_rng(1).normal(0.0, 1.0, (200, 1))
    paired = np.random.default_rng(2).normal(0.0, 0.3, (200, len(LATENCIES_MS)))
    worse = np.array([0.0, -0.05, -0.1, -0.2])
    assert rises(noise + paired + worse) == []
    assert len(rises(noise + paired - 2.0 * worse)) >= 3
