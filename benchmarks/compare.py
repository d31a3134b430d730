"""`make bench`: slackwater's whole back-test beside hftbacktest keeping one order, over the same tapes, in interleaved rounds on one core.

Runs in slackwater's environment and starts hftbacktest in its own (`--python`). Prints a table and what is compared with what.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import tape_for_hftbacktest

from slackwater.errors import SlackwaterError
from slackwater.runtime import bench

HERE = Path(__file__).resolve().parent
WAYS = ("both", "changed")

EXPLANATION = """What is compared: the time of the loop alone, per row of the tape (one quote or one trade), medians of the rounds,
each in a process of its own on the same core.
slackwater: signals, strategy, simulated venue, logs and Parquet files, over all rows, from a memory-mapped cache.
hftbacktest: its compiled loop with wait_next_feed and one resting order that never fills, ROIVectorMarketDepth, constant
latency, risk-averse queue, no partial fills, events in memory. It computes no signals, decides nothing and writes nothing.
both: each quote row is an event for the bid and one for the ask. changed: only for the sides that differ from the row before.
What is not compared: starting, compiling, loading and converting; slackwater's start and whole command are in the second table.
hftbacktest can follow full depth, queues at every level and several venues; slackwater's venue knows the top of the book."""


def main() -> int:
    """Measure, print, and return the exit code."""
    options = parse_options()
    try:
        document = compare(options)
    except SlackwaterError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(document) if options.json else text(document))
    return 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="the Python of hftbacktest's environment")
    parser.add_argument("--events", type=int, default=5_000_000, help="quotes and trades of each tape")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", choices=[*bench.PROFILES, "all"], default="all")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser.parse_args()


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Every round of every profile: ours, theirs in both ways, ours, and so on."""
    names = bench.PROFILES if options.profile == "all" else (options.profile,)
    profiles = {name: compare_profile(name, options) for name in names}
    return {"events": options.events, "machine": bench.machine(), "profiles": profiles}


def compare_profile(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """All rounds over one tape."""
    say(f"{name}: tape of {options.events:,} events, its conversions, a first start")
    tape = bench.bench_tape(name, options.events)
    files = {way: tape.parent / f"hftbacktest-{way}.bin" for way in WAYS}
    facts = {way: tape_for_hftbacktest.convert(tape, file, way) for way, file in files.items()}
    bench.rehearse(tape)
    ours: list[dict[str, Any]] = []
    theirs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for number in range(1, options.rounds + 1):
        say(f"{name}: round {number} of {options.rounds}")
        ours.append(bench.run_round(tape, options.events) | bench.run_command(tape))
        for way, file in files.items():
            theirs[way].append(run_hftbacktest(options.python, file, options.events))
    for file in files.values():
        file.unlink()
    median = bench.medians(ours)
    return {
        "slackwater": {"rounds": ours, "median": median},
        "hftbacktest": {
            way: {"converted_events": facts[way]["events"], "rounds": rounds, "median_ns_per_event": median_ns(rounds)}
            for way, rounds in theirs.items()
        },
        "ratio": {way: median_ns(ours) / median_ns(rounds) for way, rounds in theirs.items()},
    }


def run_hftbacktest(python: str, file: Path, events: int) -> dict[str, Any]:
    """One of their rounds, per row of the tape and not per converted event."""
    done = bench.measure([python, str(HERE / "keep_one_order.py"), str(file)])
    answer: dict[str, Any] = json.loads(done.printed)
    return answer | {"ns_per_event": answer["loop_sec"] / events * 1e9, "peak_anon_mb": done.peak_anon_mb}


def median_ns(rounds: list[dict[str, Any]]) -> float:
    """Median nanoseconds per row of the tape."""
    return statistics.median(entry["ns_per_event"] for entry in rounds)


def text(document: dict[str, Any]) -> str:
    """Two tables and what they mean."""
    machine = document["machine"]
    lines = [
        f"{document['events']:,} rows a tape, {machine['processor']}, one core, Python {machine['python']}, Numba {machine['numba']}",
        "",
        "ns per row of the tape      rounds                                          median   ratio",
    ]
    for name, found in document["profiles"].items():
        ours = found["slackwater"]
        lines.append(row(f"{name}  slackwater", ours["rounds"], ours["median"]["ns_per_event"], ""))
        for way, theirs in found["hftbacktest"].items():
            ratio = f"{found['ratio'][way]:.2f}"
            lines.append(row(f"{name}  hftbacktest {way}", theirs["rounds"], theirs["median_ns_per_event"], ratio))
    lines += ["", "slackwater, medians   start to first event   whole command   anonymous memory: loop, command"]
    for name, found in document["profiles"].items():
        median = found["slackwater"]["median"]
        memory = " ".join("-" if median[key] is None else f"{median[key]:.0f} MB" for key in ("peak_anon_mb", "command_peak_anon_mb"))
        lines.append(f"{name:22}{median['first_event_sec']:.2f} s{median['command_sec']:21.2f} s            {memory}")
    return "\n".join([*lines, "", "ratio: slackwater's median by hftbacktest's.", EXPLANATION])


def row(label: str, rounds: list[dict[str, Any]], median: float, ratio: str) -> str:
    """One line of the first table."""
    each = " ".join(f"{entry['ns_per_event']:8.1f}" for entry in rounds)
    return f"{label:28}{each:46}{median:9.1f} {ratio:>7}"


def say(message: str) -> None:
    """Tell how far it is."""
    print(f"bench: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
