"""The first words of a report: what came of the run, what is still open, and what the reader should know before believing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slackwater.research.read_run import Run
from slackwater.research.wording import bps, count, duration, moment, plain, plural, share, spoken, usd
from slackwater.runtime.fill_models import dependence, is_sign_shared
from slackwater.runtime.halts import liquidations_said
from slackwater.runtime.input_faults import left_out_said, sorted_said

QUEUE_MODELS = {
    "pessimistic": "cancellations never shorten the queue in front of an order",
    "proportional": "cancellations shorten the queue in front of an order in proportion",
    "optimistic": "cancellations always come from the queue in front of an order",
}
GRAVITY = ("bad", "warn", "")
MUCH_CLAMPED = 0.25  # of the time; beyond it the volatility regime is mostly its own limit


@dataclass(frozen=True)
class Note:
    """A sentence and how grave it is: `""`, `warn` (mind it) or `bad` (a liquidation; figures that are not exact or the model's)."""

    text: str
    kind: str = ""


def title(run: Run) -> str:
    """The symbols, or how many there are."""
    names = run.symbols
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def span(run: Run) -> str:
    """Venue, first and last moment, length."""
    document = run.document
    first_ns, last_ns = int(document["first_ns"]), int(document["last_ns"])
    venues = ", ".join(sorted(set(document["tape"].get("venues", {}).values()))) or "unknown venue"
    return f"{venues}, {moment(first_ns, False)} to {moment(last_ns, False)} UTC ({duration(last_ns - first_ns)})"


def result(run: Run) -> str:
    """Closes, and what is open beside them."""
    total = run.total
    fills = run.table("fills").num_rows
    if total["closes"]:
        funding = f" and {usd(total['funding_usd'])} of funding" if total["funding_usd"] else ""
        closed = (
            f"{plural(total['closes'], 'close')}, {_won(total)}: net {usd(total['net_usd'])} usd "
            f"({usd(total['gross_usd'])} before {usd(total['fees_usd'], False)} of fees{funding}), "
            f"{bps(total['net_bps_mean'])} bps a close on average."
        )
    elif fills:
        closed = f"No position was closed; there were {plural(fills, 'fill')}."
    else:
        closed = "The run made no trade."
    return " ".join((closed, *_liquidation_text(run), _open_text(run)))


def _liquidation_text(run: Run) -> list[str]:
    found = run.document["liquidated"]
    if not found:
        return []
    halted = ", ".join(dict.fromkeys(entry["symbol"] for entry in found))
    net = usd(sum(entry["net_usd"] for entry in found))
    return [f"{plural(len(found), 'liquidation')} by the venue brought {net} usd, and {halted} opened nothing after it."]


def _won(total: dict[str, Any]) -> str:
    wins = round(total["win_rate"] * total["closes"])
    return "won" if wins == total["closes"] == 1 else "all won" if wins == total["closes"] else f"{wins:,} won"


def _open_text(run: Run) -> str:
    still = [(symbol, figures) for symbol in run.symbols if (figures := run.figures(symbol)).get("open_qty")]
    equity = f"equity {usd(run.total['equity_usd'])} usd, largest drawdown {usd(run.total['max_drawdown_usd'], False)} usd."
    if not still:
        return f"Nothing is open at the end: {equity}"
    parts = [
        f"{symbol} {plain(f['open_qty'])} from {plain(f['open_avg_entry'])}, {usd(f['unrealised_usd'])} usd at the ask"
        for symbol, f in still[:6]
    ]
    if len(still) > 6:
        parts.append(f"and {len(still) - 6} more")
    return f"Still open: {'; '.join(parts)}. With that, {equity}"


def notes(run: Run) -> list[Note]:
    """What to know, the gravest first."""
    found = [*_liquidated(run), *_inexact(run), *_unprotected(run), *_input(run), *_assumptions(run), *_late(run)]
    return sorted(found, key=lambda note: GRAVITY.index(note.kind))


def _liquidated(run: Run) -> list[Note]:
    said = liquidations_said(run.document["liquidated"])
    return [Note(f"{'. '.join(said)}.", "bad")] if said else []


def _inexact(run: Run) -> list[Note]:
    found = []
    for symbol, kinds in run.document.get("overflows", {}).items():
        parts = ", ".join(f"{spoken(kind)} {count(number)}" for kind, number in kinds.items())
        found.append(Note(f"{symbol}: something did not fit and the figures are not exact ({parts}).", "bad"))
    return found


def _late(run: Run) -> list[Note]:
    late = {symbol: number for symbol, number in run.document.get("late_reports", {}).items() if number}
    parts = ", ".join(f"{symbol} {number:,}" for symbol, number in late.items())
    return [Note(f"Reports that came after their order had ended, and changed nothing: {parts}.")] if late else []


def _unprotected(run: Run) -> list[Note]:
    exit_, risk = run.document["config"].get("exit", {}), run.document["config"].get("risk", {})
    has_drawdown = float(risk.get("max_drawdown_usd", 0)) > 0
    if run.document.get("has_stop"):
        parts = []
        if float(exit_.get("stop_loss_bps", 0)) > 0:
            parts.append(f"a stop at {plain(exit_['stop_loss_bps'])} bps")
        if float(exit_.get("max_age_sec", 0)) > 0:
            parts.append(f"an age limit of {duration(int(exit_['max_age_sec'] * 1e9))}")
        return [Note(f"Positions have {' and '.join(parts)}.")]
    text = "Neither a stop nor an age limit is set: losing positions are held until they come back, and closes alone flatter the run."
    if has_drawdown:
        text += f" Only a drawdown of {usd(risk['max_drawdown_usd'], False)} usd closes it."
    return [Note(text, "warn")]


def _input(run: Run) -> list[Note]:
    document, found = run.document, []
    clamped = {symbol: part for symbol, part in document.get("drift_clamped_frac", {}).items() if part is not None}
    if clamped:
        worst = max(clamped.values())
        parts = share(worst) if len(clamped) == 1 else f"{share(min(clamped.values()))} to {share(worst)} (by symbol)"
        more = " That much means that the volatility regime often said no more than its limit." if worst > MUCH_CLAMPED else ""
        found.append(Note(f"`drift_mult` stood at one of its limits for {parts} of the time.{more}", "warn" if more else ""))
    left_out = [said for symbol in run.symbols if (said := left_out_said(document, symbol))]
    found += [Note(f"{said}.", "warn") for said in left_out] or [Note("No input was left out as senseless.")]
    found += [Note(f"{said}.") for symbol in run.symbols if (said := sorted_said(document, symbol))]
    return found


def _assumptions(run: Run) -> list[Note]:
    document, found = run.document, []
    model = document.get("fill_model")
    if model:
        found.append(Note(_fill_model(model)))
        models = document.get("fill_models", {})
        if not is_sign_shared(models):
            found.append(Note(dependence(models), "bad"))
    if document.get("slicing"):
        found.append(Note(f"Slicing: {document['slicing']}."))
    found.append(Note(_funding(document.get("has_funding", {}))))
    return found


def _fill_model(model: dict[str, Any]) -> str:
    name = str(model["queue_model"])
    means = f" ({QUEUE_MODELS[name]})" if name in QUEUE_MODELS else ""
    entry, response, feed = (plain(model[f"{part}_latency_ms"]) for part in ("entry", "response", "feed"))
    return (
        f"Fills are simulated: queue model {name}{means}; orders reach the venue after {entry} ms, answers come back after {response} ms, "
        f"and the feed is {feed} ms late where the tape has no receive time. The table of fill models "
        "shows how much of the result rests on that."
    )


def _funding(present: dict[str, Any]) -> str:
    without = [symbol for symbol, has in present.items() if not has]
    if not without:
        return "The tape has funding rates, and they were paid and received."
    which = "" if len(without) == len(present) else f" for {', '.join(without)}"
    return f"The tape has no funding rates{which}, so none was paid or received."
