"""`slackwater backtest`: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from slackwater.cli.console import emit, note, progress
from slackwater.errors import UsageError

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]


def backtest(
    *,
    data: Annotated[Path, Parameter(help="The tape's folder.")],
    out: Annotated[Path, Parameter(help="The run directory to write; an earlier run there is replaced.")],
    symbol: Annotated[list[str] | None, Parameter(negative="", help="A symbol of the tape; may be repeated. Left out: all.")] = None,
    config: Annotated[Path | None, Parameter(help="A configuration file. Left out: the defaults.")] = None,
    start: Annotated[str | None, Parameter(help="First moment, UTC, such as 2021-07-02T10:30:00.")] = None,
    end: Annotated[str | None, Parameter(help="The moment after the last.")] = None,
    seed: Annotated[int | None, Parameter(help="Start of all randomness. Left out: the configuration's.")] = None,
    report: Annotated[bool, Parameter(help="Write report.html too.")] = True,
    one_model: Annotated[bool, Parameter(negative="", help="Run the configured queue model only, not the other two beside it.")] = False,
    json: Json = False,
) -> None:
    """Run the strategy over a tape and write a run directory."""
    from slackwater.cli.times import parse_time
    from slackwater.config.loading import load

    loaded = load(config)
    for line in loaded.notices:
        note(line)
    start_ns, end_ns = parse_time("--start", start), parse_time("--end", end)
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise UsageError(f"--end: expected a moment after --start ({start}), found {end}")
    say_if_compiling()
    from slackwater.runtime.backtest import Request, run_backtest

    request = Request(data, out, loaded, tuple(symbol or ()), start_ns, end_ns, seed, one_model)
    with progress("Back-testing", is_shown=False) as advance:
        document = run_backtest(request, advance)
    for line in unlisted_said(data, document):
        note(line)
    if report:
        write_report_of(out)
    emit(json, {"run": out, **document}, lambda: summary_text(out, document))


def say_if_compiling() -> None:
    """The first run ever compiles the core, which takes a while: say so rather than look stuck.

    Raises:
        SlackwaterError: compiled code could not be kept.
    """
    from slackwater.cli.cache import check_cache
    from slackwater.kernel.jit import IS_COMPILED, IS_WARM

    check_cache()
    if IS_COMPILED and not IS_WARM:
        note("first run of this version: compiling the core, about a minute; later runs start at once")


def unlisted_said(data: Path, document: dict[str, Any]) -> list[str]:
    """A sentence for each symbol of a run with days that have no manifest."""
    from slackwater.data.tape import open_tape

    names = [f"{venue}/{symbol}" for symbol, venue in document["tape"]["venues"].items()]
    return [
        f"{entry.venue}/{entry.symbol}: {len(entry.unlisted_dates)} day(s) without manifest.json, {entry.unlisted_dates[0]} the first, "
        "were used as they are; `slackwater data verify` calls that damage"
        for entry in open_tape(data, names).symbols
        if entry.unlisted_dates
    ]


def write_report_of(run: Path) -> Path:
    """Write the report of a finished run."""
    from slackwater.research.report import write_report

    return write_report(run)


def summary_text(out: Path, document: dict[str, Any]) -> str:
    """What a person wants to know first, closes never without what is still open."""
    from slackwater.runtime.halts import liquidations_said
    from slackwater.runtime.input_faults import faults_said

    total = document["summary"]["total"]
    lines = [f"{out}: {document['events']:,} events in {document['wall_sec']:.2f} s ({document['events_per_sec']:,.0f} a second)"]
    if total["closes"]:
        lines.append(
            f"{total['closes']} closes, {total['win_rate']:.0%} won, net {total['net_usd']:+.4f} usd "
            f"(gross {total['gross_usd']:+.4f}, fees {total['fees_usd']:.4f}, funding {total['funding_usd']:+.4f}), "
            f"mean {total['net_bps_mean']:+.2f} bps, {total['maker_share']:.0%} maker"
        )
    else:
        lines.append("no closes: `slackwater explain` says which gates stopped it")
    lines.append(_open_text(document))
    lines += liquidations_said(document["liquidated"])
    if not document["has_stop"]:
        lines.append("neither a stop nor an age limit is set: a losing position is held until it comes back")
    lines += [said for symbol in document["symbols"] for said in faults_said(document, symbol)]
    if document["overflows"]:
        lines.append(f"not exact: {document['overflows']}")
    return "\n".join([*lines, *_model_lines(document)])


def _model_lines(document: dict[str, Any]) -> list[str]:
    """The result under every queue model that was run, the configured one marked; nothing when that is the only one."""
    from slackwater.runtime.fill_models import dependence

    models = document["fill_models"]
    if len(models) < 2:
        return []
    rows = [("fill model", "closes", "won", "net usd", "equity usd", "drawdown", "maker fills", "open at the end")]
    for model, found in models.items():
        name = f"{model} *" if model == document["fill_model"]["queue_model"] else model
        won = "-" if found["win_rate"] is None else f"{found['win_rate']:.0%}"
        money = (f"{found['net_usd']:+.4f}", f"{found['equity_usd']:+.4f}", f"{found['max_drawdown_usd']:.4f}")
        still = ", ".join(found["open_symbols"]) or "nothing"
        rows.append((name, f"{found['closes']}", won, *money, f"{found['maker_fills']}", still))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [_columns(row, widths) for row in rows]
    return [*lines, dependence(models)]


def _columns(row: Sequence[str], widths: Sequence[int]) -> str:
    middle = (text.rjust(width) for text, width in zip(row[1:-1], widths[1:-1], strict=True))
    return "  ".join((row[0].ljust(widths[0]), *middle, row[-1]))


def _open_text(document: dict[str, Any]) -> str:
    parts = [
        f"{name} {figures['open_qty']:g} from {figures['open_avg_entry']:g}, {figures['unrealised_usd']:+.4f} usd at the ask"
        for name, figures in document["summary"]["symbols"].items()
        if figures["open_qty"] != 0.0
    ]
    total = document["summary"]["total"]
    still = "; ".join(parts) if parts else "nothing"
    return f"still open: {still}; equity {total['equity_usd']:+.4f} usd, largest drawdown {total['max_drawdown_usd']:.4f}"
