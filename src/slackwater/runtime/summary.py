"""The summary of a run: what was closed, what is still open, and what it cost, per symbol and in total."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from slackwater.data.parquet import read_columns
from slackwater.kernel.record import Box

CLOSE_SUMS = ("net_usd", "gross_usd", "fees_usd", "funding_usd")


def summarise(folder: Path, symbols: list[str], states: Box) -> dict[str, Any]:
    """`total` and `symbols.<S>` of `run.json`, from the written tables and the final state.

    `net_usd`, `gross_usd`, `fees_usd` and `funding_usd` are sums over the closes; what is open is in the `open_*`, `unrealised_usd` and
    `equity_usd` fields, and `equity_usd` holds everything.
    """
    closes = read_columns(folder / "closes.parquet", ["symbol", "net_bps", *CLOSE_SUMS])
    fills = read_columns(folder / "fills.parquet", ["symbol", "price", "qty", "maker"])
    per_symbol = {}
    for k, symbol in enumerate(symbols):
        own = closes.filter(pc.equal(closes["symbol"].cast("string"), symbol))
        filled = fills.filter(pc.equal(fills["symbol"].cast("string"), symbol))
        per_symbol[symbol] = {**_closed(own), **state_figures(states[k]), "maker_share": _maker_share(filled)}
    total: dict[str, Any] = _closed(closes)
    parts = list(per_symbol.values())
    total["maker_share"] = _maker_share(fills)
    for name in ("post_only_rejects", "unrealised_usd", "equity_usd"):
        total[name] = sum(part[name] for part in parts)
    single = len(parts) == 1
    total["max_notional_usd"] = parts[0]["max_notional_usd"] if single else _peak_notional(folder, symbols)
    total["max_drawdown_usd"] = parts[0]["max_drawdown_usd"] if single else _drawdown(folder, symbols)
    total["debt_peak_usd"] = parts[0]["debt_peak_usd"] if single else _peak_debt(folder, symbols)
    total["open_qty"] = parts[0]["open_qty"] if single else None
    total["open_avg_entry"] = parts[0]["open_avg_entry"] if single else None
    total["open_symbols"] = [symbol for symbol, part in per_symbol.items() if part["open_qty"] != 0.0]
    return {"total": total, "symbols": per_symbol}


def _maker_share(fills: Any) -> float | None:
    """By notional, counted from the same rows as the execution's, so that both say the same."""
    notional = fills["price"].to_numpy() * fills["qty"].to_numpy()
    total = float(notional.sum())
    return float(notional[fills["maker"].to_numpy()].sum()) / total if total > 0.0 else None


def _closed(closes: Any) -> dict[str, Any]:
    net = closes["net_usd"].to_numpy()
    bps = closes["net_bps"].to_numpy()
    return {
        "closes": len(net),
        "win_rate": float(np.mean(net > 0.0)) if len(net) else None,
        **{name: float(closes[name].to_numpy().sum()) for name in CLOSE_SUMS},
        "net_bps_mean": float(bps.mean()) if len(bps) else None,
    }


def state_figures(s: Any) -> dict[str, Any]:
    """What a symbol's state says of its result: what is open, the equity with it, and the largest figures of the run."""
    led = s.ledger
    ins = s.ins
    qty = float(led.short_lots * ins.lot_num / ins.lot_den)
    unrealised = float((led.avg_entry - s.market.ask) * qty) if qty > 0.0 else 0.0
    return {
        "max_drawdown_usd": float(led.max_drawdown_usd),
        "max_notional_usd": float(led.max_notional_usd),
        "post_only_rejects": int(led.post_only_rejects),
        "debt_peak_usd": float(s.recovery.peak_usd),
        "open_qty": -qty if qty > 0.0 else 0.0,
        "open_avg_entry": float(led.avg_entry) if qty > 0.0 else None,
        "unrealised_usd": unrealised,
        "equity_usd": float(led.realised_usd) + unrealised - float(led.fees_usd) + float(led.funding_usd),
    }


def _summed(names: Any, values: NDArray[np.float64], symbols: list[str]) -> NDArray[np.float64]:
    """The sum over symbols of a figure that holds between its rows, at each row."""
    coded = names.unify_dictionaries().combine_chunks()
    owners, words = coded.indices.to_numpy(), coded.dictionary.to_pylist()
    total = np.zeros(len(values))
    for symbol in symbols:
        own = owners == words.index(symbol) if symbol in words else np.zeros(len(values), np.bool_)
        moves = np.zeros(len(values))
        moves[own] = np.diff(values[own], prepend=0.0)
        total += np.cumsum(moves)
    return total


def _steps(folder: Path, stem: str, column: str, symbols: list[str]) -> NDArray[np.float64]:
    table = read_columns(folder / f"{stem}.parquet", ["symbol", column])
    return _summed(table["symbol"], table[column].to_numpy(), symbols)


def _drawdown(folder: Path, symbols: list[str]) -> float:
    """Largest fall of the summed equity from its peak, at the rows of equity."""
    equity = _steps(folder, "equity", "equity_usd", symbols)
    if len(equity) == 0:
        return 0.0
    peak = np.maximum(np.maximum.accumulate(equity), 0.0)
    return float((peak - equity).max())


def _peak_debt(folder: Path, symbols: list[str]) -> float:
    debt = _steps(folder, "equity", "debt_usd", symbols)
    return float(debt.max()) if len(debt) else 0.0


def _peak_notional(folder: Path, symbols: list[str]) -> float:
    """Largest summed cost; it changes at fills only."""
    table = read_columns(folder / "fills.parquet", ["symbol", "position_qty_after", "avg_entry_after"])
    cost = -table["position_qty_after"].to_numpy() * table["avg_entry_after"].to_numpy()
    total = _summed(table["symbol"], cost, symbols)
    return float(total.max()) if len(total) else 0.0
