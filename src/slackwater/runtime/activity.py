"""How orders fared: placed, refused, amended, cancelled, filled and by what, in all and by purpose."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from slackwater.runtime.trade_columns import FILL_PURPOSES, LIQUIDATION, NO_ORDER, FillColumns, Mask, OrderColumns, Words
from slackwater.schema.units import SEC

Figures = dict[str, Any]


def activities(orders: OrderColumns, fills: FillColumns) -> dict[str, Figures]:
    """The figures of all orders and of each purpose, by `all`, `entry`, `take_profit`, `close`, and `liquidation` where there was one."""
    found = {"all": _activity(orders, fills, np.ones(len(orders), np.bool_), np.ones(len(fills), np.bool_))}
    for purpose in FILL_PURPOSES:
        own_fills = _is(fills.purpose, purpose)
        if purpose != LIQUIDATION or own_fills.any():
            found[purpose] = _activity(orders, fills, _is(orders.purpose, purpose), own_fills)
    return found


def _is(words: Words, word: str) -> Mask:
    return np.asarray(words == word, np.bool_)


def _activity(orders: OrderColumns, fills: FillColumns, own_orders: Mask, own_fills: Mask) -> Figures:
    placed, filled = int(own_orders.sum()), int(own_fills.sum())
    refused, gone = (own_orders & _is(orders.status, word) for word in ("rejected", "canceled"))
    amends = int(orders.amend_count[own_orders].sum())
    notional = fills.notional_usd[own_fills]
    is_maker = fills.is_maker[own_fills]
    makers = int(is_maker.sum())
    unknown = int(fills.is_queue_unknown[own_fills].sum())
    return {
        "placed": placed,
        "rejected": int(refused.sum()),
        "reject_rate": ratio(int(refused.sum()), placed),
        "reject_reasons": counts(orders.reason[refused]),
        "canceled": int(gone.sum()),
        "cancel_reasons": counts(orders.reason[gone]),
        "expired": int((own_orders & _is(orders.status, "expired")).sum()),
        "amends": amends,
        "amends_refused": int(orders.amends_refused[own_orders].sum()),
        "amends_per_fill": ratio(amends, filled),
        "first_fill_median_sec": _first_fill_median_sec(orders, fills, own_fills),
        "fills": filled,
        "qty": float(fills.qty[own_fills].sum()),
        "notional_usd": float(notional.sum()),
        "fees_usd": float(fills.fee_usd[own_fills].sum()),
        "maker_fills": makers,
        "maker_share": ratio(float(notional[is_maker].sum()), float(notional.sum())),
        "queue_unknown_fills": unknown,
        "queue_unknown_share": ratio(unknown, makers),
        "by_cause": _by_cause(fills, own_fills),
    }


def _by_cause(fills: FillColumns, own: Mask) -> dict[str, Figures]:
    total = float(fills.notional_usd[own].sum())
    found = {}
    for cause in sorted(set(fills.cause[own].tolist())):
        rows = own & _is(fills.cause, cause)
        worth = float(fills.notional_usd[rows].sum())
        found[cause] = {
            "fills": int(rows.sum()),
            "qty": float(fills.qty[rows].sum()),
            "notional_usd": worth,
            "share": ratio(worth, total),
            "fees_usd": float(fills.fee_usd[rows].sum()),
            "queue_unknown_fills": int(fills.is_queue_unknown[rows].sum()),
        }
    return found


def _first_fill_median_sec(orders: OrderColumns, fills: FillColumns, own: Mask) -> float | None:
    """From sending an order to learning of its first fill, both by our clock; None when nothing filled."""
    rows = np.flatnonzero(own & (fills.order != NO_ORDER))
    if not len(rows):
        return None
    first_ns = np.full(len(orders), np.iinfo(np.int64).max)
    np.minimum.at(first_ns, fills.order[rows], fills.ts_ns[rows])
    filled = np.unique(fills.order[rows])
    return float(np.median(first_ns[filled] - orders.created_ns[filled])) / SEC


def counts(words: Words) -> dict[str, int]:
    """How often each word comes, the most frequent first, of equals by name."""
    return dict(sorted(Counter(words.tolist()).items(), key=lambda item: (-item[1], item[0])))


def ratio(part: float, whole: float) -> float | None:
    """A share, or None of nothing."""
    return part / whole if whole > 0 else None
