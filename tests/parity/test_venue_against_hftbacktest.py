"""One schedule of passive orders in three venues: the simulated one, a plain Python one, and hftbacktest where it is installed.

The plain one has every rule in which the two others differ as a switch. With all switches at ours it must fill as ours does, with all at
theirs as hftbacktest does: so no difference is left that nobody has named.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.schema.params import QueueModel

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
# `make cross-check` makes the environment in its place; a worktree or CI may name another.
THEIR_PYTHON = Path(os.environ.get("SLACKWATER_BENCH_PYTHON", ROOT / ".bench-venv" / "bin" / "python"))


@pytest.fixture(scope="module")
def parts() -> tuple[ModuleType, ModuleType, ModuleType]:
    """The cross-check's schedule, our venue, and the venue with switches."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        names = ("cross_check_schedule", "cross_check_venue", "cross_check_rules")
        schedule, venue, rules = (importlib.import_module(name) for name in names)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return schedule, venue, rules


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cross") / "tape"
    synthesise(SynthRequest(folder, events=12_000, seed=5))
    return folder


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("model", list(QueueModel))
def test_the_plain_venue_with_our_rules_fills_as_ours(
    parts: tuple[ModuleType, ModuleType, ModuleType], tape: Path, model: QueueModel, seed: int
) -> None:
    schedule, venue, rules = parts
    market = schedule.load_market(tape, None)
    commands = schedule.at_random(market, seed, 200)
    legs = venue.play(market.rows, market.order, commands, model, schedule.LATENCY_NS)
    assert sum(bool(leg.fills) for leg in legs) > 30
    assert rules.play(rules.plain_rows(market.rows), legs, model, rules.Theirs.NONE) == venue.result_of(legs)


@pytest.fixture(scope="module")
def document(tape: Path) -> dict[str, Any]:
    """What the cross-check says of a seeded schedule."""
    if not THEIR_PYTHON.exists():
        pytest.skip(f"needs hftbacktest's environment at {THEIR_PYTHON}: `make cross-check` makes it")
    command = [sys.executable, str(BENCHMARKS / "cross_check.py"), "--python", str(THEIR_PYTHON), "--json"]
    done = subprocess.run([*command, "--tape", str(tape), "--orders", "200"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_difference_is_explained(document: dict[str, Any]) -> None:
    assert len(document["ways"]) == 3
    for way in document["ways"].values():
        assert way["unlike_rules"] == {"ours": [], "theirs": []}
        assert way["same_legs"] + sum(sum(counts.values()) for counts in way["classes"].values()) == way["legs"]


def test_a_pessimistic_queue_never_fills_more_or_earlier_than_their_risk_averse_one(document: dict[str, Any]) -> None:
    way = document["ways"]["pessimistic / risk-averse"]
    assert way["filled_legs"][0] > 30
    assert all(counts.keys() <= {"there"} for counts in way["classes"].values())
