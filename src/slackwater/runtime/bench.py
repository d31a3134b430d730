"""The benchmark: seeded tapes, rounds in processes of their own on one core, and the medians of what they say.

A round's time is its loop: every row through signals, strategy and venue, logs drained and Parquet files written, with the rows
already in the cache and the kernels compiled. The start and the whole `slackwater backtest` command are measured beside it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from slackwater import __version__
from slackwater.data import synth
from slackwater.data.cache import cache_folder
from slackwater.errors import SlackwaterError
from slackwater.runtime.bench_round import Task

PROFILES = ("calm", "alt", "pumps")  # the strategy only watches; it trades as on a usual day; it trades whenever it can
SEED = 1
SYMBOL = "SYNA"
WATCH_SEC = 0.01  # between two looks at a process's memory
MEDIANS = (
    "ns_per_event",
    "events_per_sec",
    "writing_ns_per_event",
    "first_event_sec",
    "peak_anon_mb",
    "command_sec",
    "command_peak_anon_mb",
)

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Plan:
    """What to measure: rows of quotes and trades in each tape, which tapes, how often."""

    events: int = 5_000_000
    profiles: tuple[str, ...] = PROFILES
    rounds: int = 5


@dataclass(frozen=True)
class Measured:
    """A process that has ended well.

    Args:
        printed: its stdout.
        peak_anon_mb: the most anonymous memory it held, in 1e6 bytes; None where the system does not tell.
    """

    printed: str
    wall_sec: float
    peak_anon_mb: float | None


def run_bench(plan: Plan, advance: Progress = lambda rounds: None) -> dict[str, Any]:
    """Measure every profile of the plan, rounds of different profiles in turn.

    Args:
        advance: told the number of rounds done since the last call.

    Raises:
        SlackwaterError: a process of the benchmark failed.
    """
    tapes = {profile: bench_tape(profile, plan.events) for profile in plan.profiles}
    starts = {profile: rehearse(tape) for profile, tape in tapes.items()}
    rounds: dict[str, list[dict[str, Any]]] = {profile: [] for profile in plan.profiles}
    for _ in range(plan.rounds):
        for profile, tape in tapes.items():
            rounds[profile].append(run_round(tape, plan.events) | run_command(tape))
            advance(1)
    return {
        "events": plan.events,
        "machine": machine(),
        "profiles": {
            profile: {"tape": str(tapes[profile]), "rehearsal": starts[profile], "rounds": done, "median": medians(done)}
            for profile, done in rounds.items()
        },
    }


def bench_tape(profile: str, events: int) -> Path:
    """The folder of the seeded tape of some profile and length: made when it is not there or was made by other code."""
    home = cache_folder().parent / "bench" / f"{profile}-{events}"
    recipe, tape = home / "recipe.txt", home / "tape"
    wanted = f"seed {SEED}, symbol {SYMBOL}, generator {_generator_hash()}\n"
    if tape.is_dir() and recipe.exists() and recipe.read_text() == wanted:
        return tape
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=home.parent))
    try:
        options = ["--to", str(making / "tape"), "--profile", profile, "--events", str(events), "--seed", str(SEED), "--symbols", SYMBOL]
        measure([*_python("slackwater"), "data", "synth", *options])
        (making / recipe.name).write_text(wanted)
        making.rename(home)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return tape


def _generator_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(synth.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def rehearse(tape: Path) -> dict[str, Any]:
    """Start once without being measured, which builds the cache of rows and compiles what is not compiled; returns how long it took."""
    return _decoded(measure(_round_command(tape, only_start=True)))


def run_round(tape: Path, events: int) -> dict[str, Any]:
    """One round over a tape of so many quotes and trades."""
    done = measure(_round_command(tape))
    answer = _decoded(done)
    return answer | {
        "ns_per_event": answer["loop_sec"] / events * 1e9,
        "events_per_sec": events / answer["loop_sec"],
        "writing_ns_per_event": answer["writing_sec"] / events * 1e9,
        "peak_anon_mb": done.peak_anon_mb,
    }


def run_command(tape: Path) -> dict[str, Any]:
    """The command a user would type, from its start to its exit; report and other queue models left out."""
    with tempfile.TemporaryDirectory(prefix="slackwater-bench-") as folder:
        options = ["--data", str(tape), "--out", str(Path(folder) / "run"), "--one-model", "--no-report", "--json"]
        done = measure([*_python("slackwater"), "backtest", *options])
    return {"command_sec": done.wall_sec, "command_peak_anon_mb": done.peak_anon_mb}


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _round_command(tape: Path, only_start: bool = False) -> list[str]:
    task = Task(str(tape), time.monotonic(), only_start)
    return [*_python("slackwater.runtime.bench_round"), msgspec.json.encode(task).decode()]


def _decoded(done: Measured) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.json.decode(done.printed)
    return answer


def measure(command: Sequence[str]) -> Measured:
    """Run a command on one core and watch its memory.

    Raises:
        SlackwaterError: it failed; the message is the end of what it said on stderr.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began_sec = time.monotonic()
        with on_one_core():
            process = subprocess.Popen(command, stdout=out, stderr=err, text=True)
        peak: float | None = None
        try:
            while process.poll() is None:
                held = anonymous_mb(process.pid)
                peak = held if peak is None or (held is not None and held > peak) else peak
                time.sleep(WATCH_SEC)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall_sec = time.monotonic() - began_sec
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            said = err.read().strip().splitlines()[-1:] or ["nothing on stderr"]
            raise SlackwaterError(f"{' '.join(command[:4])}: expected exit code 0, found {process.returncode}: {said[0]}")
        return Measured(out.read(), wall_sec, peak)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Processes started in this block run on the last core that this one may use; where cores cannot be chosen, on any."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def anonymous_mb(pid: int) -> float | None:
    """Anonymous resident memory of a process in 1e6 bytes (`RssAnon`), or None when the system does not tell or it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / 1e6
    return None


def medians(rounds: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """The median of every figure over the rounds; None where a figure could not be had."""
    found: dict[str, float | None] = {}
    for name in MEDIANS:
        values = [entry[name] for entry in rounds if entry.get(name) is not None]
        found[name] = statistics.median(values) if values else None
    return found


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    return {
        "slackwater": __version__,
        "python": platform.python_version(),
        "numba": version("numba"),
        "numpy": version("numpy"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
