"""How the findings of a check are printed for people: the verdict, a line for each day, the clocks, and what every finding means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slackwater.cli.data_tables import few, text_table

MOST_DAYS = 40  # a longer list of days shows those with something to say
MOST_DAMAGE = 20  # sentences; --json has them all

# The columns of a day and the kinds of findings that each one counts; what is left counts as other.
COLUMNS = {
    "TWICE": ("repeated_quote", "repeated_trade", "repeated_trade_id", "repeated_funding"),
    "CROSSED\nLOCKED": ("crossed_book", "locked_book"),
    "TIME\nBACK": ("venue_time_back",),
    "OUT-\nLIERS": ("mid_spike", "trade_off_book"),
    "NEW\nSTEP": ("step_change",),
}


def verify_text(entry: dict[str, Any]) -> str:
    """One symbol's findings: the verdict, a line for each day, then every kind of oddity with its meaning and first places."""
    from slackwater.data.checks.findings import ODD_KINDS

    rows = ", ".join(f"{count:,} {name}" for name, count in entry["rows"].items()) or "no rows"
    odd = {kind: entry["counts"][kind] for kind in ODD_KINDS if entry["counts"].get(kind)}
    verdict = "damaged" if entry["damage"] else "odd but usable" if odd else "good"
    lines = [
        f"{entry['venue']}/{entry['symbol']}: {verdict}; {rows}; {len(entry['gaps'])} gap(s), coverage {entry['coverage']:.2%} of its span"
    ]
    lines += [f"  {sentence}" for sentence in entry["damage"][:MOST_DAMAGE]]
    hidden = len(entry["damage"]) - MOST_DAMAGE
    lines += [f"  and {hidden:,} more; --json has them all"] if hidden > 0 else []
    lines += ["", *_days_text(entry["days"])]
    if entry["missing_days"]:
        lines.append(f"no data on {few(entry['missing_days'], 5)}")
    lines += [f"from {change['from']}: tick {change['tick_size']}, lot {change['lot_size']}" for change in entry["step_history"]]
    if odd:
        cells = [(kind, f"{count:,}", f"{ODD_KINDS[kind]}\nfirst: {entry['places'][kind][0]}") for kind, count in odd.items()]
        lines += ["", text_table(("ODD BUT USABLE", "COUNT", "MEANING"), cells, folded="MEANING")]
    return "\n".join([*lines, ""])


def _days_text(days: Sequence[dict[str, Any]]) -> list[str]:
    shown = [
        day for day in days if day["damage"] or day["counts"] or {"quotes", "trades"} & set(day["files"])
    ]  # not those of candles alone
    if len(shown) > MOST_DAYS:
        shown = [day for day in shown if day["damage"] or day["counts"] or day["gaps"]]
    head = ("DAY", "QUOTES", "TRADES", "\nCOVERED", "GAPS", *COLUMNS, "OTHER", "STATE")
    lines = [text_table(head, [_day_cells(day) for day in shown])]
    hidden = len(days) - len(shown)
    lines += [f"{hidden} more day(s) of candles alone, or without gaps or oddities"] if hidden else []
    lines.append("covered: the share of 24 hours with quotes; gaps: no quote for more than 60 s")
    lines.append("twice: repeated; out-liers: prices that nobody else saw; new step: tick or lot changed")
    return [*lines, "", *_clocks_text(shown)]


def _day_cells(day: dict[str, Any]) -> tuple[str, ...]:
    counts = day["counts"]
    sums = [sum(counts.get(kind, 0) for kind in kinds) for kinds in COLUMNS.values()]
    other = sum(counts.values()) - sum(sums)
    rows = [day["files"].get(stem, {}).get("rows", 0) for stem in ("quotes", "trades")]
    return (
        day["date"],
        *(f"{count:,}" for count in rows),
        f"{day['coverage']:.1%}",
        f"{day['gaps']:,}",
        *(f"{count:,}" for count in (*sums, other)),
        "DAMAGED" if day["damage"] else "odd" if counts else "good",
    )


def _clocks_text(days: Sequence[dict[str, Any]]) -> list[str]:
    """First and last row of each file and how long rows took from the venue's clock to the recorder's."""
    rows = []
    for day in days:
        files = [(stem, file) for stem, file in day["files"].items() if stem in ("quotes", "trades")]
        for k, (stem, file) in enumerate(files):
            span = (_clock(file["first"]), _clock(file["last"]), f"{file['hours']}/24")
            rows.append((day["date"] if k == 0 else "", stem, *span, *_latency(file["latency"])))
    if not rows:
        return []
    head = ("DAY", "FILE", "FIRST", "LAST", "HOURS", "DELAY:\n1 % BELOW", "\nHALF BELOW", "\n99 % BELOW", "\nDRIFT AN HOUR")
    known = any(file["latency"] for day in days for file in day["files"].values())
    told = "from the venue's clock (ts_event) to the recorder's (ts_recv)" if known else "not known, the tape has no ts_recv"
    return [text_table(head, rows, left=(0, 1)), f"delay: {told}"]


def _latency(found: dict[str, Any] | None) -> tuple[str, ...]:
    if found is None:
        return "-", "-", "-", "-"
    slope = found["slope_ms_per_hour"]
    shares = (_short(found[name]) for name in ("p1_ms", "median_ms", "p99_ms"))
    return *shares, "-" if slope is None else f"{slope:+.3g} ms"


def _short(value_ms: float) -> str:
    return f"{value_ms:,.0f} ms" if abs(value_ms) >= 100 else f"{value_ms:.3g} ms"


def _clock(moment: str | None) -> str:
    return moment[11:19] if moment else "-"
