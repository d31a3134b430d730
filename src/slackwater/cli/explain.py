"""`slackwater explain`: the gate funnel of a run, or every gate's value and threshold at one moment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, progress

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]


def explain(
    run: Annotated[Path, Parameter(help="A run directory.")],
    /,
    *,
    symbol: Annotated[str | None, Parameter(help="Only this symbol of the run.")] = None,
    at: Annotated[
        str | None, Parameter(help="A moment of the run, UTC, such as 2021-07-02T10:30:00: the tape is replayed up to it.")
    ] = None,
    json: Json = False,
) -> None:
    """Say which gates stopped trading and how often; with --at, every gate's value and threshold at that moment."""
    from slackwater.cli.times import parse_time

    moment_ns = parse_time("--at", at)
    if moment_ns is None:
        from slackwater.runtime.explain import explain_run

        found = explain_run(run, symbol)
        emit(json, found, lambda: "\n\n".join(funnel_text(part) for part in found["symbols"]))
        return
    from slackwater.cli.backtest import say_if_compiling

    say_if_compiling()
    from slackwater.runtime.moment import explain_at

    with progress("Replaying") as advance:
        moment = explain_at(run, moment_ns, symbol, advance)
    emit(json, moment, lambda: "\n\n".join(moment_text(part) for part in moment["symbols"]))


def funnel_text(part: dict[str, Any]) -> str:
    """One symbol's funnel: gates in the order they are asked, those that stopped nothing left out."""
    lines = []
    for context in part["contexts"]:
        if not context["evaluations"]:
            lines.append(f"{part['symbol']} {context['context']}: never asked")
            continue
        lines.append(f"{part['symbol']} {context['context']}: asked at {context['evaluations']:,} books")
        lines.append(f"  {'gate':<20} {'stopped':>12} {'got past':>10}")
        lines += [f"  {row['gate']:<20} {row['stopped']:>12,} {row['past_frac']:>10.3%}" for row in context["gates"] if row["stopped"]]
        lines.append(f"  shots {context['shots']:,}, orders {context['orders']:,}, fills {context['fills']:,}")
    return "\n".join([*lines, *headline(part), *part["input_faults"]])


def headline(part: dict[str, Any]) -> list[str]:
    """The funnel in words."""
    return [f"{part['symbol']} {sentence}" for sentence in part["reading"]]


def moment_text(part: dict[str, Any]) -> str:
    """One symbol at one moment."""
    from slackwater.cli.times import show_time
    from slackwater.runtime.halts import liquidations_said

    if "note" in part:
        return f"{part['symbol']}: {part['note']}"
    book = show_time(part["book_ns"])
    answer = (
        f"the answer at the book of {book} ({part['decided_context']}): {part['decided']}"
        if part["decided"]
        else f"not asked at the book of {book}: {part['not_asked']}"
    )
    lines = [f"{part['symbol']}: {answer}", *liquidations_said(part["liquidated"])]
    if part["entries_off"]:
        lines.append(f"entries are off: {part['entries_off']}")
    lines += _gate_lines(part)
    lines.append("edge gate, bps: " + _pairs(part["edge"]))
    lines.append("targets: " + _pairs(part["targets"]))
    lines.append("position: " + _pairs(part["position"]))
    lines.append("pauses left, s: " + _pairs(part["pauses_sec"]))
    lines.append("record: " + _pairs(part["record"]))
    lines.append("market: " + _pairs(part["market"]))
    lines.append(f"inverse mode: {part['inverse_mode']}, closing: {part['closing']}")
    lines += [f"  zone at {zone['price']:g}: {zone['left_qty']:g} left" for zone in part["zones"]]
    lines += [f"  order {order['side']} {order['qty']:g} at {order['price']:g}, {order['status']}" for order in part["orders"]]
    return "\n".join(lines)


def _gate_lines(part: dict[str, Any]) -> list[str]:
    """The gates, those of the answer or those that would be asked at the moment itself, which may be in another context."""
    is_of_answer = part["gates_as_of"] == "book"
    lines = [f"gates of {part['context']} as of {'that book' if is_of_answer else 'the moment asked for'}:"]
    stop = "  <- stops here" if is_of_answer else "  <- would stop here"
    for row in part["gates"]:
        mark = "off " if not row["is_on"] else "pass" if row["passes"] else "FAIL"
        unit = f" {row['unit']}" if row["unit"] else ""
        line = f"  {mark} {row['gate']:<18} {row['is']} {row['value']:.6g}{unit}, {row['asks']} {row['threshold']:.6g}{unit}"
        lines.append(line + (stop if row["gate"] == part["first_failing"] else ""))
    return lines


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
