"""What each part of the execution and of the simulated venue costs: the loop over one tape with one part changed at a time.

    .venv/bin/python benchmarks/cost_of_parts.py [--profile pumps] [--events 5000000] [--rounds 5]

Rounds of all variants are interleaved in one process; logs are emptied but not written, so that only the loop is measured. Prints medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from slackwater.config.loading import from_mapping
from slackwater.runtime import bench
from slackwater.runtime.backtest import Request, open_session
from slackwater.runtime.tables import TABLES

Sections = dict[str, dict[str, Any]]
VARIANTS: dict[str, Sections] = {
    "everything on": {},
    "one slice a group": {"stealth": {"always_split": False, "min_slices": 1, "max_slices": 1}},
    "optimistic queue": {"sim": {"queue_model": "optimistic"}},
    "log-normal latencies": {"sim": {"latency_model": "lognormal"}},
    "faults": {
        "sim": {"reject_prob": 0.01, "late_answer_prob": 0.01, "late_answer_ms": 300.0, "duplicate_prob": 0.01, "lost_answer_prob": 0.01}
    },
    "feed stalls": {"sim": {"stall_every_sec": 60.0, "stall_sec": 0.5}},
    "no entries at all": {"orphans": {"recovery_only": True}},
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=bench.PROFILES, default="pumps")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    tape = bench.bench_tape(options.profile, options.events)
    taken: dict[str, list[float]] = {name: [] for name in VARIANTS}
    fills: dict[str, int] = {}
    one_round(tape, {})  # compiles, and loads the tape
    for _ in range(options.rounds):
        for name, sections in VARIANTS.items():
            ns, fills[name] = one_round(tape, sections)
            taken[name].append(ns)
    base = statistics.median(taken["everything on"])
    print(f"{options.profile}, {options.events:,} rows, {options.rounds} rounds, ns a row (medians, loop alone)")
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:22}{median:8.1f}{median - base:+8.1f}{fills[name]:8} fills")
    return 0


def one_round(tape: Path, sections: Sections) -> tuple[float, int]:
    """Run the tape once; returns ns a row and the number of fills."""
    session, _ = open_session(Request(tape, Path("unused"), from_mapping(sections)))
    begin_ns = time.perf_counter_ns()
    fills = 0
    for out in session.run():
        fills += int(out["fill_count"][0])
        for _, counter, _ in TABLES.values():
            out[counter][0] = 0
        out["is_nearly_full"][0] = False
    return (time.perf_counter_ns() - begin_ns) / session.rows_done, fills


if __name__ == "__main__":
    sys.exit(main())
