"""Runs that leave quiet books alone beside runs that look at every book in full: the same to the bit, whatever the strategy is set to."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from slackwater.kernel.record import Box, rows
from slackwater.schema.enums import Gate
from slackwater.schema.events import RowKind, TapeRow
from slackwater.schema.units import MS
from slackwater.sim import loop
from tests.parity.configurations import CONFIGURATIONS, Configuration
from tests.parity.engine import LOGS, EngineRun, Stop
from tests.parity.market_tapes import CALM, SHAPES, make_tape

ROWS = 350
DEEP_ROWS = 2_000
LONGEST_STAY = 12  # books
# Gates that stop one book after the other, so that a run is quiet at them.
LASTING = {"SPACING", "SPREAD_LOW", "SPREAD_HIGH", "PUMP", "BURST", "BELOW_MIN", "SYMBOL_CAP", "RECOVERY_DRAWDOWN", "RECOVERY_HURDLE"}
LASTING |= {"CLOSE_COOLDOWN", "ENTRY_COOLDOWN", "LAYER_COOLDOWN", "MAX_LAYERS", "WARMUP", "BREAKER", "ENTRY_DISABLED", "INVERSE_MODE"}


def make_lingering_tape(seed: int, length: int, number: int) -> Box:
    """A tape whose books stay for a while: most bring the prices of the one before and other sizes, as on a real market."""
    tape = make_tape(seed, length, SHAPES[number % len(SHAPES)])
    rng = np.random.default_rng(seed)
    picked, delays_ns = [], []
    for k in range(length):
        stays = int(rng.integers(LONGEST_STAY)) if tape.kind[k] == RowKind.BOOK else 0
        room_ns = int(tape.ts_recv[k + 1] - tape.ts_recv[k]) if k + 1 < length else 100 * MS
        picked += [k] * (1 + stays)
        delays_ns += [room_ns * j // (stays + 1) // MS * MS for j in range(stays + 1)]
    found = rows(TapeRow, len(picked))
    found[:] = tape[picked]
    for name in ("ts_recv", "ts_event"):
        found[name] += np.array(delays_ns)
    is_repeated = np.diff(picked, prepend=-1) == 0
    for name in ("lots", "ask_lots"):
        found[name][is_repeated] = rng.integers(1, 5_000, int(is_repeated.sum()))
    return found


def tapes_of(configuration: Configuration, seed: int, length: int) -> dict[str, Box]:
    each = length // configuration.symbols
    return {f"S{k}": make_lingering_tape(100 * seed + k, each, seed) for k in range(configuration.symbols)}


def results_of(run: EngineRun, logs: dict[str, list[SimpleNamespace]]) -> dict[str, object]:
    """All that a run wrote, and how often each gate decided."""
    return {
        **{name: [tuple(vars(row).values()) for row in logs[name]] for name in LOGS},
        "gates": run.states["gate_counts"].tolist(),
        "accounts": [run.states["ledger"][name].tolist() for name in ("equity_usd", "equity_peak_usd", "max_drawdown_usd")],
        "behaviour": run.states["behaviour"]["dup"].tolist(),
        "slippage": run.states["behaviour"]["closes"]["slippage_bps"].tolist(),
        "asks": run.states["asks"].tolist(),
        "cooldowns": run.states["risk"]["layer_cooldown_until_ns"].tolist(),
        "lapsed": run.states["recovery"]["lapsed_usd"].tolist(),
    }


def run_through(configuration: Configuration, seed: int, length: int) -> dict[str, object]:
    """A run as it is."""
    run = EngineRun(tapes_of(configuration, seed, length), configuration.settings, configuration.changes)
    return results_of(run, run._gather(run.session.run()))


def run_in_full(configuration: Configuration, seed: int, length: int, quiet_at: Counter[str]) -> dict[str, object]:
    """A run that forgets before every row what the last book's decision rested on."""
    run = EngineRun(tapes_of(configuration, seed, length), configuration.settings, configuration.changes)
    logs: dict[str, list[SimpleNamespace]] = {name: [] for name in LOGS}
    for step in run.steps():
        for name, found in step.logs.items():
            logs[name] += found
        if step.stop is Stop.BEFORE_ROW:
            state = run.states[step.symbol]
            if step.row.kind == RowKind.BOOK and state.quiet.until_ns > step.row.ts_recv:
                quiet_at[Gate(state.last_reason).name] += 1
            run.states["quiet"]["until_ns"] = 0
    loop.expire(run.session.loop)
    for name, found in run._gather(run.session._until_done(run.session._arguments())).items():
        logs[name] += found
    return results_of(run, logs)


def differences(name: str, seed: int, length: int, quiet_at: Counter[str]) -> list[str]:
    """What the two runs do not have in common."""
    found = run_through(CONFIGURATIONS[name], seed, length)
    expected = run_in_full(CONFIGURATIONS[name], seed, length, quiet_at)
    return [f"{name}, seed {seed}: {key}" for key in expected if found[key] != expected[key]]


@pytest.mark.parametrize("group", range(4))
def test_quiet_books_change_nothing(group: int) -> None:
    quiet_at: Counter[str] = Counter()
    for number, name in enumerate(CONFIGURATIONS):
        if number % 4 == group:
            assert differences(name, number, ROWS, quiet_at) == []
    assert sum(quiet_at.values()) > ROWS


# Each was wrong once: the number of armed zones changed at a book that was left alone.
@pytest.mark.parametrize(("name", "seed", "length"), [("inverse_limits", 67, 1_200)])
def test_tapes_that_once_told_runs_apart(name: str, seed: int, length: int) -> None:
    assert differences(name, seed, length, Counter()) == []


def test_books_that_linger_do_so_at_one_price() -> None:
    tape = make_lingering_tape(3, ROWS, SHAPES.index(CALM))
    books = tape[tape.kind == RowKind.BOOK]
    same = (np.diff(books.price_ticks) == 0) & (np.diff(books.ask_ticks) == 0)
    assert same.mean() > 0.5
    assert np.all(np.diff(tape.ts_recv) >= 0)


@pytest.mark.deep
def test_quiet_books_change_nothing_for_long() -> None:
    quiet_at: Counter[str] = Counter()
    for number, name in enumerate(CONFIGURATIONS):
        for seed in range(6):
            assert differences(name, 31 * seed + number, DEEP_ROWS, quiet_at) == []
    assert LASTING - set(quiet_at) == set()
