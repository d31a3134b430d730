"""A moment as explain shows it: the gate that it marks is the gate at which the strategy stopped."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from slackwater.cli.explain import moment_text
from slackwater.config import Config
from slackwater.errors import DataError, UsageError
from slackwater.runtime.backtest import open_session
from slackwater.runtime.explain import read_document
from slackwater.runtime.gates import ORDER
from slackwater.runtime.moment import explain_at, explain_session, gates_of, last_book, request_of, states_at_book
from slackwater.schema.enums import Context
from slackwater.schema.units import MS, SEC
from tests.scenarios.orders.desk import T0
from tests.scenarios.orders.tape_play import session_of
from tests.scenarios.orders.test_ends_of_tapes import events_of

SAMPLES = 8  # moments of every context and reason


def decisions_of(run: Path, symbol: str) -> list[dict[str, Any]]:
    """The last decision of every moment."""
    rows = [row for row in pq.read_table(run / "decisions.parquet").to_pylist() if row["symbol"] == symbol]
    return list({row["ts_ns"]: row for row in rows}.values())


def sample(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some moments of every context and reason, spread over the run, in order of time."""
    kinds = defaultdict(list)
    for row in rows:
        kinds[row["context"], row["reason"]].append(row)
    chosen = [kind[k] for kind in kinds.values() for k in np.unique(np.linspace(0, len(kind) - 1, SAMPLES).astype(int)).tolist()]
    return sorted(chosen, key=lambda row: row["ts_ns"])


def test_the_first_failing_gate_is_the_one_that_stopped(run: Path) -> None:
    document = read_document(run)
    session, _ = open_session(request_of(run, document))
    moments = sample(decisions_of(run, "SYNB"))
    seen = set()
    for row in moments:
        book = last_book(session, 1, row["ts_ns"])
        assert book is not None
        for out in session.run_to_row(1, book):
            for counter in [name for name in out.dtype.names if name.endswith("_count")]:
                out[0][counter] = 0
            out[0]["is_nearly_full"] = False
        found = gates_of(states_at_book(session, 1, book), 1, session.params, row["ts_ns"], document["config"])
        answer = found["first_failing"] or "pass"
        assert (found["context"], answer) == (row["context"], row["reason"]), row
        seen.add((row["context"], answer))
    assert {("entry", "pass"), ("entry", "pump"), ("entry", "spread_low"), ("average", "spacing")} <= seen
    assert len(moments) > 60


def test_gates_come_in_the_order_of_the_strategy(run: Path) -> None:
    for context in Context:
        row = next(row for row in decisions_of(run, "SYNA") if row["context"] == context.name.lower())
        (part,) = explain_at(run, row["ts_ns"], "SYNA")["symbols"]
        assert [gate["gate"] for gate in part["gates"]] == [gate.name.lower() for gate in ORDER[context]]
        assert part["decided"] == row["reason"]
        assert part["first_failing"] == row["reason"]


def test_the_edge_terms_are_those_the_run_wrote(run: Path) -> None:
    written = next(row for row in pq.read_table(run / "edge.parquet").to_pylist() if row["symbol"] == "SYNA")
    (part,) = explain_at(run, written["ts_ns"], "SYNA")["symbols"]
    assert part["context"] == written["context"]
    assert part["edge"] == {name: written[name] for name in part["edge"]}


def test_the_position_is_that_of_the_fills(run: Path) -> None:
    last = {row["ts_ns"]: row for row in pq.read_table(run / "fills.parquet").to_pylist() if row["symbol"] == "SYNA"}
    fills = list(last.values())  # several slices may fill at one moment: the last of them is what it leaves
    for fill in fills[: len(fills) : max(len(fills) // 3, 1)]:
        (part,) = explain_at(run, fill["ts_ns"], "SYNA")["symbols"]
        assert part["position"]["qty"] == fill["position_qty_after"]
        assert part["context"] == ("average" if fill["position_qty_after"] else "entry")


def test_no_zones_are_shown_of_an_earlier_unwinding(run: Path) -> None:
    deep = [row for row in pq.read_table(run / "closes.parquet").to_pylist() if row["layers"] >= 3]
    before = [explain_at(run, row["close_ns"] - 1, row["symbol"])["symbols"][0] for row in deep]
    unwound = next(k for k, part in enumerate(before) if part["inverse_mode"] == "active")
    assert len(before[unwound]["zones"]) > 1
    (after,) = explain_at(run, deep[unwound]["close_ns"] + SEC, deep[unwound]["symbol"])["symbols"]
    assert (after["inverse_mode"], after["zones"]) == ("none", [])


def test_an_answer_has_a_context_of_its_own() -> None:
    table = """
        0.000 book 99.80x50 100.00x50
        0.500 trade 100.00x60 buy
        0.600 book 99.80x50 100.01x50
    """
    found = {}
    for at_ms in (499, 599):  # before the entry's fill, and after it, with no book between
        session = session_of(events_of(table), {})
        found[at_ms] = explain_session(session, 0, T0 + at_ms * MS, Config().to_mapping())
    answers = [[part[name] for name in ("decided", "decided_context", "gates_as_of", "context")] for part in found.values()]
    assert answers == [["pass", "entry", "book", "entry"], ["pass", "entry", "at", "average"]]
    texts = [moment_text({**part, "liquidated": [], "entries_off": ""}).splitlines() for part in found.values()]
    assert texts[0][0] == texts[1][0]
    assert texts[0][0].endswith("(entry): pass")
    assert [lines[1] for lines in texts] == ["gates of entry as of that book:", "gates of average as of the moment asked for:"]
    assert not any("stops here" in line for line in texts[1])
    assert [line.split()[1] for line in texts[1] if "would stop here" in line] == [found[599]["first_failing"]]


def test_another_tape_is_refused(run: Path, tape: Path, tmp_path: Path) -> None:
    copied, other = tmp_path / "run", tmp_path / "tape"
    shutil.copytree(run, copied)
    shutil.copytree(tape, other)
    moment = read_document(run)["last_ns"]
    (copied / "run.json").write_text((copied / "run.json").read_text().replace(str(tape), str(other)))
    assert explain_at(copied, moment, "SYNA")["symbols"][0]["symbol"] == "SYNA"
    trades = next(other.glob("synth/SYNA/*/trades.parquet"))
    pq.write_table(pq.read_table(trades).slice(1), trades)
    with pytest.raises(DataError, match="expected the tape of the run"):
        explain_at(copied, moment, "SYNA")
    shutil.rmtree(other)
    with pytest.raises(DataError, match="expected a tape's folder"):
        explain_at(copied, moment, "SYNA")


@pytest.mark.parametrize("offset_ns", [-1, 1])
def test_a_moment_outside_the_run_is_refused(run: Path, offset_ns: int) -> None:
    document = read_document(run)
    moment = document["first_ns"] + offset_ns if offset_ns < 0 else document["last_ns"] + offset_ns
    with pytest.raises(UsageError, match=r"expected a moment of the run, 2025-01-06T00:00:00\.\d+ to 2025-01-06T0"):
        explain_at(run, moment)


def test_before_the_first_book_nothing_was_asked(run: Path) -> None:
    document = read_document(run)
    late = [part for part in explain_at(run, document["first_ns"])["symbols"] if "note" in part]
    assert [part["note"] for part in late] == ["no valid book had been seen yet: nothing was asked"]
