"""The execution part of the page: what is said about fills, markouts, closes and fill models, and what is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pyarrow.parquet as pq
import pytest

from slackwater.data.tape import open_tape
from slackwater.errors import DataError
from slackwater.research.read_run import open_run
from slackwater.research.report import body
from tests.unit.data.tables import TRADES, make_tape
from tests.unit.research.run_kit import SYMBOL, fills, make_run, orders, write_table

DATA = re.compile(r'<script type="application/json" id="([^"]+)-data">(.*?)</script>', re.S)
# The mid is 100 at the entry of 100.0, then 99, and 101.1 when the take-profit at 100.5 fills; quotes end before five minutes are over.
QUOTES = [(0.0, 99.9, 1.0, 100.1, 2.0), (11.0, 98.9, 1.0, 99.1, 1.0), (59.0, 101.0, 1.0, 101.2, 1.0), (200.0, 101.0, 1.0, 101.2, 1.0)]


def with_tape(folder: Path) -> Path:
    make_tape(folder, QUOTES, TRADES)
    sha256 = open_tape(folder / "tape", ["binance/AAAUSDT"]).tape_sha256
    return make_run(folder / "run", tape={"path": str(folder / "tape"), "sha256": sha256, "venues": {SYMBOL: "binance"}})


def page_of(run: Path) -> str:
    return "\n".join(body(open_run(run)))


def text_of(run: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", DATA.sub("", page_of(run))))


def drawn(run: Path) -> list[dict[str, Any]]:
    """The traces of every chart of the page."""
    return [trace for _, data in DATA.findall(page_of(run)) for trace in json.loads(data)["data"]]


def model(equity_usd: float, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"closes": 3, "win_rate": 0.5, "net_usd": 1.0, "equity_usd": equity_usd, "unrealised_usd": 0.0, "fills": 9}
    usual |= {"maker_fills": 8, "open_qty": 0.0, "open_symbols": [], "max_drawdown_usd": 2.0, "orders_sha256": str(equity_usd)}
    return usual | changes


def test_markouts_come_from_the_tape(tmp_path: Path) -> None:
    run = with_tape(tmp_path)
    # Entries sold at 100.0, 102.0, 102.2 and 103.0: one second later the mid is 99, 99, 99 and 101.1.
    mean = ((1.0 / 100 + 3.0 / 102 + 3.2 / 102.2 + 1.9 / 103) / 4) * 1e4
    assert f"After an entry the market stood on average {mean:.2f} bps in our favour after 1 s" in text_of(run)
    charts = {name: json.loads(data) for name, data in DATA.findall(page_of(run))}
    found = charts["markouts-0"]
    assert len(go.Figure(found).data) == len(found["data"]) > 0
    (line,) = [trace for trace in found["data"] if trace.get("name") == "entry"]
    assert (line["x"], line["y"][0]) == (["1 s", "5 s", "30 s"], pytest.approx(mean))
    # A taker that bought at 100.5 under a mid of 101.1.
    assert re.search(r"take profit 1 s 1 \+59\.70 \+59\.70 100%", text_of(run))


def test_without_its_tape_a_run_leaves_markouts_out_and_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    text = text_of(run)
    assert "Markouts are left out, because the tape is not where the run found it." in text
    assert "markouts-0" not in page_of(run)
    assert "For 1 of 4 maker fills the place in the queue was not known when the order arrived." in text
    assert "4 orders placed, none was rejected; 1 amend asked for, 0.2 for each fill." in text
    assert "The strategy sent no close of its own" in text


def test_refusals_are_said_in_words(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    refused = orders(SYMBOL)[0] | {"client_order_id": "e0", "status": "rejected", "reason": "would_cross"}
    write_table(run, "orders", [refused, *orders(SYMBOL)])
    text = text_of(run)
    assert "5 orders placed, 20.0% of them were rejected" in text
    assert "Rejected would have crossed the book 1 0 0 1" in text


def test_refused_amends_are_told(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    rows = orders(SYMBOL)
    rows[1] |= {"amend_count": 3, "amends_refused": 2}
    write_table(run, "orders", rows)
    text = text_of(run)
    assert "4 orders placed, none was rejected; 3 amends asked for, 2 of them refused, 0.6 for each fill." in text
    assert "Expired Amends Amends refused Amends a fill" in text


def test_a_close_has_steps_and_slippage_also_without_its_tape(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    rows = orders(SYMBOL)
    rows[1] |= {"purpose": "close", "tif": "ioc"}
    write_table(run, "orders", rows)
    # Bought at 100.5, where the ask was 100 when it was decided.
    assert "Taking at the ask (IOC) 1 100% 1 1 201.00 +50.00" in text_of(run)


def test_a_fill_that_was_learned_is_told_apart(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert "Learned:" not in text_of(run)
    rows = fills(SYMBOL)
    rows[0] |= {"cause": "learned"}
    write_table(run, "fills", rows)
    text = text_of(run)
    assert "Learned: its own report was overtaken or lost" in text
    assert "entry learned 1 1 100.00" in text
    (pale,) = [trace for trace in drawn(run) if trace.get("name") == "Entry sell, learned"]
    assert pale["marker"]["opacity"] < 1.0


def test_a_table_from_before_a_column_was_written_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    path = run / "fills.parquet"
    pq.write_table(pq.read_table(path).drop_columns("reference_ask"), path)
    with pytest.raises(DataError, match="reference_ask missing; run the back-test again"):
        text_of(run)


def test_time_in_position_has_the_open_one_beside_the_closes(tmp_path: Path) -> None:
    text = text_of(make_run(tmp_path / "run"))
    assert "A position was held for 1 min 8 s, 68.0% of the run; the longest stood 49.0 s." in text
    assert "One has been open for 19.0 s at the end" in text


def test_figures_of_run_json_are_taken_as_they_are(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    document = json.loads((run / "run.json").read_text())
    nothing = {kind: {"placed": 0} for kind in ("all", "entry", "take_profit", "close")}
    for part in (document["summary"]["total"], *document["summary"]["symbols"].values()):
        part["execution"] = {"orders": nothing}
    (run / "run.json").write_text(json.dumps(document))
    assert "No order was placed. There were no fills." in text_of(run)


def test_models_stand_side_by_side(tmp_path: Path) -> None:
    models = {"pessimistic": model(-1.5, open_qty=-2.0), "proportional": model(-0.5), "optimistic": model(-0.25)}
    page = make_run(tmp_path / "run", fill_models=models)
    text = text_of(page)
    assert "The result is a loss under every fill model: equity from −1.5000 to −0.2500 usd." in text
    assert "pessimistic 3 50.0% +1.0000 −1.5000 2.0000 9 8 −2" in text
    assert "proportional (this report) 3" in text
    assert '<li class="bad">' not in page_of(page)


def test_a_sign_that_the_model_decides_is_said_first(tmp_path: Path) -> None:
    models = {"pessimistic": model(-1.5), "proportional": model(0.5), "optimistic": model(0.75)}
    page = page_of(make_run(tmp_path / "run", fill_models=models))
    (first, *_) = re.findall(r'<li class="(\w*)">(.*?)</li>', page)
    assert first[0] == "bad"
    assert "The sign of the result depends on the fill model" in first[1]


def test_one_model_says_how_to_get_three(tmp_path: Path) -> None:
    text = text_of(make_run(tmp_path / "run", fill_models={"proportional": model(1.0)}))
    assert "Only one fill model was run; a back-test without --one-model sets three beside each other." in text


def test_models_that_agree_in_every_order_say_that_the_queue_did_not_matter(tmp_path: Path) -> None:
    models = {name: model(1.0) for name in ("pessimistic", "proportional", "optimistic")}
    assert "on this tape the queue decided nothing" in text_of(make_run(tmp_path / "run", fill_models=models))
