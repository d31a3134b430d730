"""The result under every fill model, side by side: how much of it is the market's and how much the model's."""

from __future__ import annotations

from slackwater.research.headline import QUEUE_MODELS
from slackwater.research.page import Cell, Column, caption, heading, table
from slackwater.research.read_run import Run
from slackwater.research.wording import count, plain, share, signed, usd
from slackwater.runtime.fill_models import dependence

COLUMNS = ("Closes", "Won", "Net of closes, usd", "Equity, usd", "Drawdown, usd", "Fills", "As maker", "Open at the end")


def section(run: Run) -> list[str]:
    """The heading, a sentence and the table."""
    models = run.document.get("fill_models", {})
    own = run.document.get("fill_model", {}).get("queue_model", "")
    parts = [heading("Result by fill model")]
    if len(models) < 2:
        return [*parts, caption("Only one fill model was run; a back-test without `--one-model` sets three beside each other.")]
    rows: list[list[str | Cell]] = []
    for model, found in models.items():
        still = plain(found["open_qty"]) if found["open_qty"] else ", ".join(found["open_symbols"]) or "nothing"
        rows.append(
            [
                f"{model} (this report)" if model == own else model,
                count(found["closes"]),
                share(found["win_rate"]),
                signed(found["net_usd"], usd(found["net_usd"])),
                signed(found["equity_usd"], usd(found["equity_usd"])),
                usd(found["max_drawdown_usd"], False),
                count(found["fills"]),
                count(found["maker_fills"]),
                still,
            ]
        )
    columns = [Column("Model", False), *(Column(text) for text in COLUMNS)]
    marked = {k: "changed" for k, model in enumerate(models) if model == own}
    meanings = " ".join(f"{model.capitalize()}: {QUEUE_MODELS[model]}." for model in models if model in QUEUE_MODELS)
    result = dependence(models).replace(" -", " \N{MINUS SIGN}")
    text = f"{result} {_orders_said(run)} {meanings}"
    return [*parts, caption(text), f'<div class="wide">{table(columns, rows, marked)}</div>']


def _orders_said(run: Run) -> str:
    hashes = {found["orders_sha256"] for found in run.document["fill_models"].values()}
    if len(hashes) == 1:
        return "All models sent the same orders and got the same fills: on this tape the queue decided nothing."
    return "The tape cannot say who in the queue cancelled; the models are the hardest, the middle and the kindest guess."
