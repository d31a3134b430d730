"""How the cross-check shows what it found: a table a way, and examples with the tape around them."""

from __future__ import annotations

from typing import Any

from cross_check_venue import Leg

from slackwater.schema.events import RowKind
from slackwater.schema.units import MINUTE, SEC

ROWS_AROUND = 3
FILLS_SHOWN = 4


def text(document: dict[str, Any]) -> str:
    """A table a way: classes of differences, and who is kinder to the order in how many legs."""
    lines = [f"{document['symbol']}: {document['rows']:,} rows, {document['commands']:,} requests, hftbacktest {document['hftbacktest']}"]
    for name, way in document["ways"].items():
        ours, theirs = zip(way["filled_legs"], way["fills"], way["lots"], strict=True)
        lines += [
            "",
            f"{name}: {way['legs']} legs, {way['same_legs']} alike, {way['same_filled_legs']} of these filled",
            "  here   {} legs filled by {} fills, {:,} lots".format(*ours),
            "  there  {} legs filled by {} fills, {:,} lots".format(*theirs),
        ]
        if "lots_of_the_run" in way:
            lines.append(
                f"  run    {way['lots_of_the_run']:,} lots; {way['fills_not_in_the_run']} fills here at times without one in the run"
            )
        lines.append("  every difference explained" if way["is_explained"] else f"  NOT EXPLAINED, legs {way['unlike_rules']}")
        lines += [f"  {'kinder there':>14}{'here':>6}{'mixed':>7}  rule that is theirs"] if way["classes"] else []
        for cause, counts in way["classes"].items():
            there, here, mixed = (counts.get(side, 0) for side in ("there", "here", "mixed"))
            lines.append(f"  {there:14}{here:6}{mixed:7}  {cause}")
        for label, shown in way.get("examples", {}).items():
            lines += ["", f"  {label}:", *(f"    {line}" for line in shown)]
    return "\n".join(lines)


def example(plain: list[tuple[int, ...]], leg: Leg, theirs: dict[int, int]) -> list[str]:
    """A leg, both results, and the tape around the first difference; times are seconds from it, prices ticks and sizes lots."""
    times = sorted(leg.fills.keys() | theirs.keys())
    base = next(t for t in times if leg.fills.get(t) != theirs.get(t))
    at = next(k for k, row in enumerate(plain) if row[0] >= base)

    def when(ts_ns: int) -> str:
        return f"{(ts_ns - base) / SEC:+.3f}" if ts_ns - base < 60 * MINUTE else "the end"

    side = "buy" if leg.side > 0 else "sell"
    lines = [f"{side} {leg.price_ticks}x{leg.lots}, rests from {when(leg.arrival_ns)} to {when(leg.end_ns)}"]
    for row in plain[max(at - ROWS_AROUND, 0) : at + ROWS_AROUND]:
        is_book = row[1] == RowKind.BOOK
        what = f"book  {row[2]}x{row[3]} {row[4]}x{row[5]}" if is_book else f"trade {row[2]}x{row[3]} {'sell' if row[6] else 'buy'}"
        lines.append(f"{when(row[0]):>9} {what}")
    for name, fills in (("here", leg.fills), ("there", theirs)):
        shown = [f"{when(t)} {lots}" for t, lots in sorted(fills.items())]
        tail = [f"and {len(shown) - FILLS_SHOWN} more"] if len(shown) > FILLS_SHOWN else []
        lines.append(f"{name:>9} {', '.join(shown[:FILLS_SHOWN] + tail) or 'nothing'}")
    return lines
