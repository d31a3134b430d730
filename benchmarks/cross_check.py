"""`make cross-check`: one order schedule in slackwater's simulated venue and in hftbacktest, over the same tape, fill by fill.

Runs in slackwater's environment and starts hftbacktest in its own (`--python`). Fails when a difference is left that the rules of
`cross_check_rules` do not explain. Without `--run` or `--tape` it makes a synthetic tape.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import cross_check_events
import cross_check_rules as rules
import cross_check_schedule as schedule
import cross_check_venue as venue
from cross_check_rules import Theirs
from cross_check_text import example, text

from slackwater.data.synth.synth import SynthRequest, synthesise
from slackwater.errors import SlackwaterError
from slackwater.schema.params import QueueModel

HERE = Path(__file__).resolve().parent
# Our queue model, theirs, and whether their exchange fills in parts.
WAYS = {
    "pessimistic / risk-averse": (QueueModel.PESSIMISTIC, "risk_averse", True),
    "proportional / power 1": (QueueModel.PROPORTIONAL, "power_prob", True),
    "proportional / power 1, whole": (QueueModel.PROPORTIONAL, "power_prob", False),
}
SHAVED_LOTS = 0.001  # off every order there, see `cross_check_hftbacktest.play`
SYNTH_ROWS = 40_000


def main() -> int:
    """Compare, print, and return the exit code."""
    options = parse_options()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            document = compare(options, Path(scratch))
    except SlackwaterError as error:
        print(f"cross-check: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(document) if options.json else text(document))
    return 0 if all(way["is_explained"] for way in document["ways"].values()) else 1


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="the Python of hftbacktest's environment")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--run", type=Path, help="a run directory: its orders, on its tape")
    source.add_argument("--tape", type=Path, help="a tape: seeded random passive orders")
    parser.add_argument("--symbol")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=400)
    parser.add_argument("--exact", action="store_true", help="send whole lots to hftbacktest, which may end it with error 14")
    parser.add_argument("--examples", action="store_true", help="a leg of each class with the tape around it")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser.parse_args()


def compare(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """All ways over one tape and one schedule."""
    market, commands = material(options, scratch)
    plain = rules.plain_rows(market.rows)
    cross_check_events.events_of(market.rows).tofile(scratch / "events.bin")
    document: dict[str, Any] = {"symbol": market.symbol, "rows": len(market.rows), "commands": len(commands), "ways": {}}
    for name, (model, queue, has_partial) in WAYS.items():
        legs = venue.play(market.rows, market.order, commands, model, schedule.LATENCY_NS)
        shaved = 0.0 if options.exact else SHAVED_LOTS
        theirs, document["hftbacktest"] = run_hftbacktest(options.python, scratch, legs, (queue, has_partial, shaved))
        way = judge(plain, legs, theirs, model, rules.ALL_THEIRS if has_partial else ~Theirs.NONE)
        if options.run and model == QueueModel.PROPORTIONAL:
            fills = schedule.fills_of_run(options.run, market)
            way["lots_of_the_run"] = sum(fills.values())
            way["fills_not_in_the_run"] = sum(1 for leg in legs for ts_ns in leg.fills if ts_ns not in fills)
        if options.examples:
            way["examples"] = {label: example(plain, legs[n], theirs[n]) for label, n in way["first"].items()}
        document["ways"][name] = way
    return document


def material(options: argparse.Namespace, scratch: Path) -> tuple[schedule.Market, Any]:
    """The tape and the requests."""
    if options.run:
        market = schedule.load_market(schedule.tape_of_run(options.run), options.symbol)
        return market, schedule.of_run(options.run, market)
    tape = options.tape
    if tape is None:
        tape = scratch / "tape"
        synthesise(SynthRequest(tape, events=SYNTH_ROWS, seed=options.seed))
    market = schedule.load_market(tape, options.symbol)
    return market, schedule.at_random(market, options.seed, options.orders)


def run_hftbacktest(python: str, scratch: Path, legs: list[venue.Leg], way: tuple[str, bool, float]) -> tuple[list[dict[int, int]], str]:
    """Their fills of every leg, lots by venue time, from their process, and their version."""
    queue, has_partial, shaved_lots = way
    asked = {"queue": queue, "has_partial": has_partial, "shaved_lots": shaved_lots}
    asked |= {"legs": venue.as_columns(legs), "latency_ns": schedule.LATENCY_NS}
    (scratch / "legs.json").write_text(json.dumps(asked))
    done = subprocess.run([python, str(HERE / "cross_check_hftbacktest.py"), str(scratch)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SlackwaterError(f"hftbacktest: expected fills, found {done.stderr.strip()[-2000:]}")
    answer = json.loads(done.stdout)
    if answer["refused_requests"]:
        raise SlackwaterError(f"hftbacktest: expected all requests to be sent, found {answer['refused_requests']} refused")
    theirs: list[dict[int, int]] = [{} for _ in legs]
    for number, ts_ns, lots in answer["fills"]:
        theirs[number][ts_ns] = theirs[number].get(ts_ns, 0) + lots
    return theirs, answer["version"]


def judge(
    plain: list[tuple[int, ...]], legs: list[venue.Leg], theirs: list[dict[int, int]], model: QueueModel, flags: Theirs
) -> dict[str, Any]:
    """How many legs agree, and why the others do not."""
    ours = venue.result_of(legs)
    pairs = list(zip(ours, theirs, strict=True))
    as_ours = rules.play(plain, legs, model, Theirs.NONE)
    as_theirs = rules.play(plain, legs, model, flags)
    causes = rules.explain(plain, legs, theirs, model, flags)
    first: dict[str, int] = {}
    kinder: dict[str, Counter[str]] = {}
    for number, cause in sorted(causes.items()):
        first.setdefault(cause, number)
        kinder.setdefault(cause, Counter())[kinder_of(*pairs[number])] += 1
    return {
        "legs": len(legs),
        "filled_legs": [sum(map(bool, fills)) for fills in (ours, theirs)],
        "fills": [sum(map(len, fills)) for fills in (ours, theirs)],
        "lots": [sum(sum(found.values()) for found in fills) for fills in (ours, theirs)],
        "same_legs": sum(a == b for a, b in pairs),
        "same_filled_legs": sum(a == b != {} for a, b in pairs),
        "classes": {cause: dict(kinder[cause]) for cause, _ in Counter(causes.values()).most_common()},
        "first": first,
        "unlike_rules": {
            "ours": [n for n, fills in enumerate(as_ours) if fills != ours[n]],
            "theirs": [n for n, fills in enumerate(as_theirs) if fills != theirs[n]],
        },
        "is_explained": as_ours == ours and as_theirs == theirs,
    }


def kinder_of(ours: dict[int, int], theirs: dict[int, int]) -> str:
    """Who gave more, as early or earlier: `there`, `here`, or `mixed` when neither did at every time."""
    times = sorted(ours.keys() | theirs.keys())
    leads = [sum(q for t, q in theirs.items() if t <= now) - sum(q for t, q in ours.items() if t <= now) for now in times]
    if min(leads) >= 0:
        return "there"
    return "here" if max(leads) <= 0 else "mixed"


if __name__ == "__main__":
    sys.exit(main())
