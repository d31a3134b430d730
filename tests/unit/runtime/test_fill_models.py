"""The result under three fill models: each entry is what a run with that model says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from slackwater.cli.backtest import summary_text
from slackwater.config import Config
from slackwater.runtime import backtest
from slackwater.runtime.backtest import Request, run_backtest
from slackwater.runtime.fill_models import MODELS, dependence, is_sign_shared, with_model


def test_models_go_from_hard_to_kind() -> None:
    assert MODELS == ("pessimistic", "proportional", "optimistic")


@pytest.mark.parametrize("symbols", [("SYNA",), ()], ids=["one", "both"])
def test_each_model_is_as_its_own_run_says(tape: Path, tmp_path: Path, symbols: tuple[str, ...]) -> None:
    document = run_backtest(Request(tape, tmp_path / "run", Config(), symbols))
    assert list(document["fill_models"]) == list(MODELS)
    hashes = set()
    for model, found in document["fill_models"].items():
        own = run_backtest(Request(tape, tmp_path / model, with_model(Config(), model), symbols, is_one_model=True))
        total = own["summary"]["total"]
        assert own["fill_models"] == {model: found}
        assert found["orders_sha256"] == own["orders_sha256"]
        for name in ("closes", "open_qty", "open_symbols"):
            assert found[name] == total[name], name
        for name in ("win_rate", "net_usd", "equity_usd", "unrealised_usd", "max_drawdown_usd"):
            assert found[name] == pytest.approx(total[name], rel=1e-9, abs=1e-9), name
        fills = total["execution"]["orders"]["all"]
        assert (found["fills"], found["maker_fills"]) == (fills["fills"], fills["maker_fills"])
        hashes.add(found["orders_sha256"])
    assert document["orders_sha256"] == document["fill_models"]["proportional"]["orders_sha256"]
    assert len(hashes) == 3


def test_the_other_models_leave_no_trace_in_the_files(run: Path, tape: Path, tmp_path: Path) -> None:
    run_backtest(Request(tape, tmp_path / "one", Config(), is_one_model=True))
    for path in run.glob("*.parquet"):
        assert (tmp_path / "one" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_bar_moves_through_all_models(tape: Path, tmp_path: Path) -> None:
    told: list[float] = []
    document = run_backtest(Request(tape, tmp_path / "run", Config()), told.append)
    assert sum(told) == 3 * document["events"]


def test_an_interrupted_model_leaves_nothing(tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backtest, "run_dry", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_backtest(Request(tape, tmp_path / "run", Config()))
    assert list(tmp_path.iterdir()) == []


def models(*equities: float) -> dict[str, dict[str, float]]:
    return {model: {"equity_usd": equity} for model, equity in zip(MODELS, equities, strict=False)}


@pytest.mark.parametrize(
    ("equities", "said"),
    [
        ((1.0,), ""),
        ((1.0, 2.0, 3.0), "is a gain under every fill model: equity from +1.0000 to +3.0000 usd"),
        ((-1.0, -2.0, -3.0), "is a loss under every fill model: equity from -3.0000 to -1.0000 usd"),
        ((1.0, 1.0, 1.0), "is the same under every fill model"),
        ((0.0, 0.0, 0.0), "No fill model made or lost anything"),
        ((-1.0, 0.0, 2.0), "depends on the fill model: equity is -1.0000 usd under pessimistic, nothing under proportional, +2.0000"),
    ],
)
def test_what_the_models_say_together(equities: tuple[float, ...], said: str) -> None:
    found = dependence(models(*equities))
    assert said in found
    assert ("depends" in found) == (not is_sign_shared(models(*equities)))


def test_the_printed_summary_has_the_table_unless_one_model_was_asked_for(tape: Path, tmp_path: Path) -> None:
    document = run_backtest(Request(tape, tmp_path / "run", Config(), ("SYNA",)))
    lines = summary_text(tmp_path / "run", document).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("fill model"))
    assert [line.split()[0] for line in lines[start + 1 : start + 4]] == list(MODELS)
    assert [" * " in line for line in lines[start + 1 : start + 4]] == [False, True, False]
    assert lines[-1] == dependence(document["fill_models"])
    own = {"proportional": document["fill_models"]["proportional"]}
    assert "fill model" not in summary_text(tmp_path / "run", document | {"fill_models": own})
