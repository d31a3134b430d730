"""`slackwater explain` as a command: what it prints of a moment, in words and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slackwater.cli.app import main
from slackwater.cli.times import parse_time
from slackwater.decision.inverse import zone_price
from slackwater.runtime.backtest import open_session
from slackwater.runtime.explain import read_document
from slackwater.runtime.fill_models import empty
from slackwater.runtime.moment import explain_at, last_book, request_of, states_at_book

MOMENT = "2025-01-06T03:00:00"


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is three layers deep, with its zones laid, at MOMENT."""
    folder = tmp_path_factory.mktemp("deep")
    assert main(["data", "synth", "--to", str(folder / "tape"), "--symbols", "CCC", "--hours", "6", "--seed", "3"]) == 0
    words = ["backtest", "--data", str(folder / "tape"), "--out", str(folder / "run"), "--seed", "5", "--end", "2025-01-06T03:10:00"]
    assert main([*words, "--no-report", "--one-model"]) == 0
    return folder / "run"


def test_zones_are_quantities_of_the_asset(deep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["explain", str(deep), "--at", MOMENT, "--json"]) == 0
    (part,) = json.loads(capsys.readouterr().out)["symbols"]
    zones = part["zones"]
    assert [set(zone) for zone in zones] == [{"price", "left_qty"}] * 3
    assert sum(zone["left_qty"] for zone in zones) == pytest.approx(-part["position"]["qty"])
    assert [zone["price"] for zone in zones] == sorted((zone["price"] for zone in zones), reverse=True)
    # The take-profit rests at the first of them.
    (resting,) = part["orders"]
    assert (resting["side"], resting["qty"]) == ("buy", zones[0]["left_qty"])
    assert resting["price"] == pytest.approx(zones[0]["price"], rel=1e-4)
    assert main(["explain", str(deep), "--at", MOMENT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "zone at" in line] == [f"  zone at {zone['price']:g}: {zone['left_qty']:g} left" for zone in zones]


def test_zones_are_those_of_the_last_book(deep: Path) -> None:
    moment_ns = parse_time("--at", MOMENT)
    assert moment_ns is not None
    session, _ = open_session(request_of(deep, read_document(deep)))
    book = last_book(session, 0, moment_ns)
    assert book is not None
    for out in session.run_to_row(0, book):
        empty(out)
    state = states_at_book(session, 0, book)[0]  # here they are laid at every book; the loop may put that off
    expected = [float(zone_price(state, k)) for k in range(int(state.inverse.zone_count))]
    (part,) = explain_at(deep, moment_ns)["symbols"]
    assert [zone["price"] for zone in part["zones"]] == expected
