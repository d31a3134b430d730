"""Where the market stood after our fills: a fill that the price runs away from was a bad one, whatever it cost."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slackwater.runtime.tape_books import TapeBooks
from slackwater.runtime.trade_columns import FILL_PURPOSES, LEARNED, FillColumns, Mask
from slackwater.schema.units import BPS, SEC

HORIZONS_SEC = (1, 5, 30, 300)
Markouts = NDArray[np.float64]


def markouts_bps(fills: FillColumns, books: TapeBooks, tick: Fraction) -> Markouts:
    """Each fill against the mid some time later, in bps of its price: shape (fills, horizons), positive when it was good for us.

    A sell gains when the mid is lower, a buy when it is higher. Both times are the venue's. NaN where the tape ends before, and of a fill
    that was learned, since nobody knows when it happened.
    """
    sign = np.where(fills.is_sell, 1.0, -1.0)
    found = np.full((len(fills), len(HORIZONS_SEC)), np.nan)
    last_ns = books.last_venue_ns
    is_dated = np.asarray(fills.cause != LEARNED, np.bool_)
    for k, horizon_sec in enumerate(HORIZONS_SEC):
        moments_ns = fills.ts_venue_ns + horizon_sec * SEC
        touch = books.at_venue(moments_ns)
        is_known = is_dated & (moments_ns <= last_ns) & (touch.ask_ticks > 0)
        # By the one rounded operation of a price, so that a mid at our price is our price.
        mid = (touch.bid_ticks + touch.ask_ticks) * tick.numerator / (2 * tick.denominator)
        found[is_known, k] = (sign * (fills.price - mid) / fills.price * BPS)[is_known]
    return found


def markout_figures(found: Markouts, purposes: NDArray[np.object_], is_maker: Mask) -> dict[str, dict[str, Any]]:
    """Figures by kind of fill, then by time (`1s`). Kinds without fills are left out, except `all`.

    Kinds are all fills, maker and taker, each purpose, and for a purpose that filled as both each of the two, such as `close_taker`.
    """
    roles = {"maker": is_maker, "taker": ~is_maker}
    kinds: dict[str, Mask] = {"all": np.ones(len(found), np.bool_), **roles}
    for purpose in FILL_PURPOSES:
        own = np.asarray(purposes == purpose, np.bool_)
        kinds[purpose] = own
        if all((own & mask).any() for mask in roles.values()):
            kinds |= {f"{purpose}_{role}": own & mask for role, mask in roles.items()}
    return {
        kind: {f"{horizon}s": _figures(found[rows, k]) for k, horizon in enumerate(HORIZONS_SEC)}
        for kind, rows in kinds.items()
        if kind == "all" or rows.any()
    }


def _figures(values: Markouts) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"fills": 0, "mean_bps": None, "median_bps": None, "positive_share": None, "stderr_bps": None}
    return {
        "fills": len(known),
        "mean_bps": float(known.mean()),
        "median_bps": float(np.median(known)),
        "positive_share": float(np.mean(known > 0.0)),
        "stderr_bps": float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None,
    }
