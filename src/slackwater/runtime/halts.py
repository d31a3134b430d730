"""What ends a symbol's trading for good: liquidations, and the halts that they and drawdowns leave behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slackwater.runtime.tables import VENUES_OWN

FILL_COLUMNS = ["ts_ns", "ts_venue_ns", "symbol", "client_order_id", "price", "qty", "fee_usd"]
REALISATION_COLUMNS = ["ts_ns", "symbol", "net_usd", "reason"]
LIQUIDATION, DRAWDOWN, RECOVERY_ONLY = "liquidation", "drawdown", "recovery_only"
MOST_LISTED = 10  # a run may have hundreds; run.json has them all
Liquidation = dict[str, Any]


def liquidations(fills: pa.Table, realisations: pa.Table) -> list[Liquidation]:
    """Every position that the venue closed by force, in order of time, from the fills that carry its own order number.

    Each has `symbol`, `ts_ns` (when we learned of its last fill), `ts_venue_ns`, `qty`, `avg_price`, `fees_usd` (the taker fee and the
    liquidation's) and `net_usd`, what the quantity brought from entry to liquidation, net of all fees and funding.
    """
    own = fills.filter(pc.ends_with(fills["client_order_id"].cast("string"), VENUES_OWN)).select(FILL_COLUMNS)
    parts = realisations.filter(pc.equal(realisations["reason"].cast("string"), "external")).select(REALISATION_COLUMNS).to_pylist()
    by_moment: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in own.to_pylist():
        by_moment.setdefault((row["ts_venue_ns"], row["symbol"]), []).append(row)
    found: list[Liquidation] = []
    told_ns: list[int] = []
    for (ts_venue_ns, symbol), rows in sorted(by_moment.items()):
        qty = sum(row["qty"] for row in rows)
        found.append(
            {
                "symbol": symbol,
                "ts_ns": max(row["ts_ns"] for row in rows),
                "ts_venue_ns": ts_venue_ns,
                "qty": qty,
                "avg_price": sum(row["price"] * row["qty"] for row in rows) / qty,
                "fees_usd": sum(row["fee_usd"] for row in rows),
                "net_usd": 0.0,
            }
        )
        told_ns.append(min(row["ts_ns"] for row in rows))
    for part in parts:  # entries that were liquidated may be told after that
        own = [k for k, entry in enumerate(found) if entry["symbol"] == part["symbol"] and told_ns[k] <= part["ts_ns"]]
        found[own[-1]]["net_usd"] += part["net_usd"]
    return found


def with_halts(document: dict[str, Any], read: Callable[[str, list[str]], pa.Table]) -> dict[str, Any]:
    """What `run.json` holds, with `liquidated` and `halted`; where it has liquidations and not these, they come from the tables."""
    if "liquidated" in document or not any(document.get("liquidations", {}).values()):
        return {"liquidated": [], "halted": {}, **document}
    found = liquidations(read("fills", FILL_COLUMNS), read("realisations", REALISATION_COLUMNS))
    return {**document, "liquidated": found, "halted": {entry["symbol"]: [LIQUIDATION] for entry in found}}


def halts(state: Any) -> list[str]:
    """Why a symbol's state opens nothing until an operator resumes it: `liquidation`, `drawdown`, both or neither."""
    causes = ((LIQUIDATION, state.risk.is_halted), (DRAWDOWN, state.risk.drawdown_halt_ns > 0))
    return [cause for cause, holds in causes if holds]


def liquidations_said(found: Sequence[Liquidation]) -> list[str]:
    """The liquidations in sentences, of several first what they cost together; none without any."""
    lines = [f"{entry['symbol']} {liquidation_said(entry)}" for entry in found[:MOST_LISTED]]
    if len(found) > 1:
        net, fees = (sum(entry[name] for entry in found) for name in ("net_usd", "fees_usd"))
        lines.insert(0, f"{len(found)} positions were LIQUIDATED by the venue, net {net:+.4f} usd in all with {fees:.4f} of fees")
    if len(found) > MOST_LISTED:
        lines.append(f"and {len(found) - MOST_LISTED} more in run.json")
    return lines


def liquidation_said(entry: Liquidation) -> str:
    """One liquidation in a sentence that begins behind its symbol."""
    amount = f"{entry['qty']:g} bought back at {entry['avg_price']:.10g}"
    cost = f"net {entry['net_usd']:+.4f} usd with {entry['fees_usd']:.4f} of fees"
    return f"was LIQUIDATED by the venue at {_moment(entry['ts_venue_ns'])}: {amount}, {cost}; halted since, neither entries nor adds"


def entries_off(document: dict[str, Any], symbol: str, causes: Sequence[str]) -> str:
    """Why entries of a symbol were switched off, in words; empty when no cause is known."""
    liquidated = next((entry["ts_ns"] for entry in document["liquidated"] if entry["symbol"] == symbol), None)
    drawn_down = document.get("drawdown_halts", {}).get(symbol)
    limit = document["config"]["risk"]["max_drawdown_usd"]
    words = {
        LIQUIDATION: f"halted since the liquidation{_at(liquidated)}",
        DRAWDOWN: f"halted since a drawdown of more than risk.max_drawdown_usd: {limit}{_at(drawn_down)}",
        RECOVERY_ONLY: "orphans.recovery_only: true",
    }
    return ", ".join(words[cause] for cause in causes)


def off_causes(document: dict[str, Any], symbol: str) -> list[str]:
    """What switched entries of a symbol off in a run: its halts, and a setting."""
    config = document["config"]
    return [*document["halted"].get(symbol, []), *([RECOVERY_ONLY] if config["orphans"]["recovery_only"] else [])]


def freed_by(causes: Sequence[str]) -> str:
    """What would switch entries on again."""
    halted = ["an operator's resume, which a back-test does not have"] if set(causes) - {RECOVERY_ONLY} else []
    return " and ".join([*halted, *(["orphans.recovery_only: false"] if RECOVERY_ONLY in causes else [])])


def _at(ns: int | None) -> str:
    return "" if ns is None else f" at {_moment(ns)}"


def _moment(ns: int) -> str:
    return f"{np.datetime_as_string(np.datetime64(ns, 'ns'), 'ms')}Z"
