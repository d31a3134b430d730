"""The funnel: it adds up, names the gate that refused most, and finds the hours in which one gate refused everything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.config import Config
from slackwater.errors import DataError, UsageError
from slackwater.runtime.explain import explain_run, long_refusals, tape_median_spread_bps
from slackwater.runtime.gates import FACTS, OF_ADDS, ORDER, POSITION_BELOW_MIN, frees, refused, setting
from slackwater.schema.enums import Context, Gate
from slackwater.schema.units import HOUR, MINUTE


def test_every_evaluation_is_stopped_once_or_becomes_a_shot(run: Path) -> None:
    found = explain_run(run)
    assert [part["symbol"] for part in found["symbols"]] == ["SYNA", "SYNB"]
    shots = 0
    for part in found["symbols"]:
        for context in part["contexts"]:
            assert context["evaluations"] == sum(row["stopped"] for row in context["gates"]) + context["shots"]
            shares = [row["past_frac"] for row in context["gates"]]
            assert shares == sorted(shares, reverse=True)
            assert shares[-1] == context["shots"] / context["evaluations"]
            shots += context["shots"]
    assert shots == pq.read_table(run / "decisions.parquet").filter(pa.compute.field("reason") == "pass").num_rows


def test_orders_and_fills_are_all_accounted_for(run: Path) -> None:
    contexts = [context for part in explain_run(run)["symbols"] for context in part["contexts"]]
    orders = pq.read_table(run / "orders.parquet").to_pylist()
    entries = {row["client_order_id"] for row in orders if row["purpose"] == "entry"}
    fills = [row for row in pq.read_table(run / "fills.parquet").to_pylist() if row["client_order_id"] in entries]
    assert sum(context["orders"] for context in contexts) == len(entries)
    assert sum(context["fills"] for context in contexts) == len(fills) > 0


def test_the_reading_names_the_gate_and_its_setting(run: Path) -> None:
    (part,) = explain_run(run, "SYNB")["symbols"]
    worst = max(part["contexts"][0]["gates"], key=lambda row: row["stopped"])
    assert part["reading"][0].startswith(f"entry: {worst['gate']} refused most")
    key, value = next(iter(worst["settings"].items()))
    assert f"({key}: {value}" in part["reading"][0]


def document(last_ns: int) -> dict[str, Any]:
    return {"last_ns": last_ns, "config": Config().to_mapping()}


def write_decisions(run: Path, rows: list[tuple[int, str, str]]) -> None:
    table = {"ts_ns": [row[0] for row in rows], "symbol": ["S"] * len(rows)}
    pq.write_table(pa.table({**table, "context": [r[1] for r in rows], "reason": [r[2] for r in rows]}), run / "decisions.parquet")


def test_an_hour_of_one_gate_is_told(tmp_path: Path) -> None:
    start = 1_700_000_000_000_000_000
    rows = [
        (start, "entry", "warmup"),
        (start + MINUTE, "entry", "spread_low"),  # 59 minutes: too short
        (start + HOUR, "entry", "pump"),  # exactly an hour
        (start + 2 * HOUR, "entry", "pass"),
        (start + 5 * HOUR, "average", "spacing"),  # to the end
    ]
    write_decisions(tmp_path, rows)
    found = long_refusals(tmp_path, document(start + 7 * HOUR), "S")
    assert [(row["gate"], (row["to_ns"] - row["from_ns"]) / HOUR, row["until_the_end"]) for row in found] == [
        ("spacing", 2.0, True),
        ("pump", 1.0, False),
    ]
    assert "signals.pump_threshold" in found[1]["freed_by"]
    assert long_refusals(tmp_path, document(start + 7 * HOUR), "T") == []


def test_every_gate_has_words_and_settings_that_exist() -> None:
    config = Config().to_mapping()
    assert set(FACTS) == set(Gate) - {Gate.PASS}
    assert {gate for order in ORDER.values() for gate in order} == set(FACTS)
    for fact in (*FACTS.values(), *OF_ADDS.values(), POSITION_BELOW_MIN):
        assert all(setting(config, key) is not None for key in fact.keys), fact
    for context, order in ORDER.items():
        assert not any("{" in words(config, gate, context) for gate in order for words in (refused, frees))
    assert refused(config, Gate.SPREAD_LOW, Context.ENTRY) == "the spread was below 7 bps"


def test_an_adds_minimum_has_two_causes_and_an_entrys_has_one() -> None:
    config = Config().to_mapping()
    assert refused(config, Gate.BELOW_MIN, Context.ENTRY) == "the order was below the venue's minimum"
    assert frees(config, Gate.BELOW_MIN, Context.ENTRY) == "a higher grid.min_notional"
    assert "the order, or with recovery.avg_enabled the position" in refused(config, Gate.BELOW_MIN, Context.AVERAGE)
    freed = frees(config, Gate.BELOW_MIN, Context.AVERAGE)
    assert "where it was the order, a higher grid.min_notional" in freed
    assert "where it was the position, its close, or recovery.avg_enabled: false" in freed


def test_what_frees_a_long_refusal_is_that_of_its_context(tmp_path: Path) -> None:
    start = 1_700_000_000_000_000_000
    write_decisions(tmp_path, [(start, "entry", "below_min"), (start + 2 * HOUR, "average", "below_min")])
    found = {row["context"]: row["freed_by"] for row in long_refusals(tmp_path, document(start + 5 * HOUR), "S")}
    assert "the position" not in found["entry"]
    assert "the position" in found["average"]


def test_gates_are_words_and_counts_that_cannot_be_null(run: Path) -> None:
    table = pq.read_table(run / "gates.parquet")
    kinds = [(field.name, pa.types.is_dictionary(field.type), field.nullable) for field in table.schema]
    assert kinds == [("symbol", True, False), ("context", True, False), ("reason", True, False), ("count", False, False)]
    assert "pass" in table["reason"].to_pylist()


def test_the_median_spread_is_of_the_runs_own_tape(run: Path, tape: Path, tmp_path: Path) -> None:
    from slackwater.runtime.explain import read_document

    known = read_document(run)
    found = tape_median_spread_bps(known, "SYNA")
    assert found is not None and 1.0 < found < 30.0
    changed = {**known, "tape": {**known["tape"], "manifests": {"synth/SYNA": {"2025-01-06": "0"}}}}
    assert tape_median_spread_bps(changed, "SYNA") is None
    gone = {**known, "tape": {**known["tape"], "path": str(tmp_path / "gone")}}
    assert tape_median_spread_bps(gone, "SYNA") is None


def test_what_is_no_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a run directory, found no run\.json"):
        explain_run(tmp_path)
    with pytest.raises(UsageError, match=r"--symbol: expected one of SYNA, SYNB, found 'SYNX'"):
        explain_run(run, "SYNX")
    shutil.copytree(run, tmp_path / "copy")
    (tmp_path / "copy" / "gates.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"gates\.parquet: expected a table of the run"):
        explain_run(tmp_path / "copy")
    (tmp_path / "copy" / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"run\.json: expected a JSON object"):
        explain_run(tmp_path / "copy")
