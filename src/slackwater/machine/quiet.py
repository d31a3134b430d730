"""Quiet books: most books change nothing that was decided at the one before, and that can be told from a few numbers.

After a book was looked at in full, `note` writes down what its decision rested on; at the next one `is_quiet` tells whether all of it
still holds. Then the gate that stopped us stops us again, what rests stays where it is, and only the gate's count grows. Everything is
judged on the safe side: what is not sure is looked at in full. Whatever else happens to a symbol - a report, a timer, a hand
on its state - must `forget` first. Results are the same, to the bit, as without this.
"""

from __future__ import annotations

import math

from slackwater.decision.adapt import (
    MIN_COOLDOWN_DRIFT,
    cooldown_at_ns,
    last_entry_ns,
    layer_gap_at_bps,
    longest_cooldown_ns,
    min_fast_tp_bps,
    min_tp_profit_bps,
    shortest_cooldown_ns,
)
from slackwater.decision.averaging import hourly_until_ns
from slackwater.decision.exits import forced_exit, resting_lots, resting_price_ticks
from slackwater.decision.geometry import (
    base_spacing_bps,
    growth_at,
    is_below_step,
    least_spacing_bps,
    power,
    spacing_at_bps,
    spacing_for_next_bps,
)
from slackwater.decision.inverse import current_zone, first_zone_bps
from slackwater.decision.targets import decay, rest_above_bps, rest_floor_bps
from slackwater.kernel.hints import rare
from slackwater.kernel.jit import jit, jit_inline
from slackwater.ledger.booking import mark
from slackwater.ledger.pnl import rise_bps
from slackwater.ledger.recovery import next_lapse_ns
from slackwater.market.signals import calm_from_bps, pump_score
from slackwater.market.volatility_regime import SURE, drift_mult
from slackwater.orders import close_ladder, entry_group
from slackwater.orders.asks import note_ask
from slackwater.schema.enums import ExitReason, Gate, InverseMode
from slackwater.schema.instrument import floor_ticks, price_of
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState
from slackwater.schema.units import BPS, NEVER_NS, SEC

UNSURE = 1.0 + 1e-9  # a bound is moved by so much, so that rounding cannot matter
NO_GATE = -1  # no gate was asked at this book
CLEAR_TICKS = 2  # an ask farther above a price than this surely has not come through it, nor holds an order there down
END_TICKS = 1e-3  # of a tick: what is left out at both ends of it
LEEWAYS = (0.7, 0.9, 0.97, 0.99, 1.0)  # shares of now's volatility, or its inverse, that are tried: what is noted is to hold for a while
COOLDOWN_LEEWAY = 0.9  # the same of a cooldown
LEEWAY_TICKS = 30.0  # of the ask, when nothing were left of the volatility
EQUITY_INTERVAL_NS = SEC  # the account is noted at least this often while a position is open


@jit_inline
def is_quiet(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether the book just taken in changes nothing."""
    q = s.quiet
    m = s.market
    if rare(now_ns >= q.until_ns or not q.least_ask_ticks <= m.ask_ticks <= q.most_ask_ticks):
        return False
    if rare(m.bid_ticks != q.bid_ticks and q.bid_ticks > 0):
        return False
    if rare(not q.least_blended_bps <= m.blended_bps <= q.most_blended_bps):
        return False
    if s.ledger.short_lots == 0:
        return not q.asks_pump or pump_score(m, p.signals) <= p.pump_threshold
    return _is_held_quietly(s, p, now_ns)


@jit_inline
def _is_held_quietly(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether the add is stopped as before and the take-profit stays; its zones, where it follows some, are laid when they are needed."""
    q = s.quiet
    m = s.market
    if rare(m.median_at != q.median_at and q.median_at > 0):
        return False
    if rare(not q.least_drift * m.baseline_bps <= m.blended_bps <= q.most_drift * m.baseline_bps):
        return False
    if rare(not max(m.live_bps, m.blended_bps) < p.signals.tail_mult * SURE * m.baseline_bps):
        return False
    if m.ask_ticks != q.ask_ticks and rare(_is_forced_out(s, p, now_ns)):
        return False
    if s.inverse.mode == InverseMode.ACTIVE:
        return True
    bps = _distance_bps(s, p, now_ns)
    if rare(not q.nearest_bps <= bps <= q.furthest_bps or bps > q.most_first_bps):
        return False
    if s.inverse.mode == InverseMode.ARMED:
        s.inverse.due_ns = now_ns
    return True


@jit
def _is_forced_out(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Account for another ask; whether it asks for an exit whatever it costs."""
    mark(s)
    note_ask(s)
    s.quiet.ask_ticks = s.market.ask_ticks
    return forced_exit(s, p, now_ns) != ExitReason.NONE


@jit_inline
def _distance_bps(s: SymbolState, p: Params, now_ns: int) -> float:
    """How far below the average the take-profit belongs now."""
    left = decay(s, p, now_ns)
    bps = rest_above_bps(s, p, left, s.quiet.min_tp_bps, s.quiet.floor_bps)
    if s.inverse.mode == InverseMode.ARMED:
        return min(first_zone_bps(s, p, left, bps), p.inverse_max_zone_bps)
    return bps


@jit
def _note_distances(s: SymbolState, bps: float) -> bool:
    """Note the distances that give the price at which the take-profit rests; false when this one does not.

    What lies between two distances that give it gives it too. Those near its ends are left out, where rounding decides.
    """
    q = s.quiet
    ticks = s.take_profit.want_ticks
    if _price_ticks(s, bps) != ticks:
        return False
    avg_entry = s.ledger.avg_entry
    tick_bps = price_of(s.ins, 1) / avg_entry * BPS
    furthest_bps = (1.0 - price_of(s.ins, ticks) / avg_entry) * BPS - END_TICKS * tick_bps
    nearest_bps = furthest_bps - (1.0 - 2.0 * END_TICKS) * tick_bps
    q.nearest_bps = min(nearest_bps, bps) if _price_ticks(s, nearest_bps) == ticks else bps
    q.furthest_bps = max(furthest_bps, bps) if _price_ticks(s, furthest_bps) == ticks else bps
    return True


@jit
def _price_ticks(s: SymbolState, bps: float) -> int:
    """The tick at a distance below the average."""
    return floor_ticks(s.ins, s.ledger.avg_entry * (1.0 - bps / BPS))


@jit_inline
def forget(s: SymbolState) -> None:
    """The next book is looked at in full."""
    s.quiet.until_ns = 0


@jit
def go_on(s: SymbolState) -> None:
    """After a row of equity: what is noted holds until the next."""
    if s.quiet.until_ns > 0:
        s.quiet.until_ns = min(s.quiet.known_until_ns, s.equity_logged_ns + EQUITY_INTERVAL_NS)


@jit
def note(s: SymbolState, p: Params, now_ns: int) -> None:
    """After a book was looked at in full: write down what its decision rested on, if that can be said in a few numbers."""
    q = s.quiet
    q.until_ns = 0
    if s.has_asked or s.answer_due_ns > 0 or s.recancel_ns > 0 or s.risk.is_shutdown:
        return
    if entry_group.is_working(s) or close_ladder.is_closing(s):
        return
    is_flat = s.ledger.short_lots == 0
    if q.gate == NO_GATE or (is_flat and s.live_orders > 0):
        return
    q.ask_ticks = q.least_ask_ticks = q.most_ask_ticks = s.market.ask_ticks
    q.bid_ticks = s.market.bid_ticks
    q.median_at = s.market.median_at
    q.asks_pump = False
    q.least_blended_bps = 0.0
    q.most_blended_bps = math.inf
    q.least_drift = 0.0
    q.most_drift = math.inf
    q.most_first_bps = math.inf
    gate_ns = _entry_until_ns(s, p, now_ns) if is_flat else _add_until_ns(s, p, now_ns)
    if gate_ns == 0 or not (is_flat or _rests_quietly(s, p, now_ns)):
        return
    until_ns = min(gate_ns, s.behaviour.valid_until_ns)
    q.known_until_ns = until_ns if is_flat else min(until_ns, _position_until_ns(s, p))
    q.until_ns = q.known_until_ns
    if not is_flat:
        go_on(s)


@jit
def _pause_until_ns(s: SymbolState, p: Params, gate: int) -> int:
    """Until when a gate that waits for its time or for a hand stops us; 0 for any other.

    Gates before it that have let us pass do so from then on: their times are over, and what else they look at is not changed by a book.
    """
    if gate == Gate.ENTRY_DISABLED or gate == Gate.MAX_LAYERS:
        return NEVER_NS
    if gate == Gate.WARMUP:
        return int(s.market.first_ns + p.warmup_ns)
    if gate == Gate.CLOSE_COOLDOWN:
        return int(s.risk.cooldown_until_ns)
    if gate == Gate.BREAKER:
        return int(s.risk.breaker_until_ns)
    if gate == Gate.LAYER_COOLDOWN:
        return int(s.risk.layer_cooldown_until_ns)
    if gate == Gate.INVERSE_MODE:
        return NEVER_NS
    return 0


@jit
def _entry_until_ns(s: SymbolState, p: Params, now_ns: int) -> int:
    """Until when the gate that stopped an entry at this book surely does so again, as long as what is noted holds; 0 when nobody knows."""
    q = s.quiet
    gate = s.last_reason
    pause_ns = _pause_until_ns(s, p, gate)
    if pause_ns > 0:
        q.bid_ticks = 0
        return pause_ns
    if s.market.has_zero_spread:
        return 0  # the median spread may be 0 at any book
    if gate == Gate.ENTRY_COOLDOWN:
        q.bid_ticks = 0
        return int(last_entry_ns(s) + shortest_cooldown_ns(p))
    if now_ns - last_entry_ns(s) < longest_cooldown_ns(s, p):
        return 0
    q.asks_pump = gate == Gate.PUMP
    if q.asks_pump or gate == Gate.SPREAD_LOW or gate == Gate.SPREAD_HIGH:
        q.least_blended_bps = calm_from_bps(s.market, now_ns, p.waterfall_vol_threshold)
        return NEVER_NS
    return 0


@jit
def _add_until_ns(s: SymbolState, p: Params, now_ns: int) -> int:
    """The same of the gate that stopped an add. While the ask alone decides, any ask from the least on does."""
    q = s.quiet
    gate = s.last_reason
    pause_ns = _pause_until_ns(s, p, gate)
    if gate == Gate.ENTRY_COOLDOWN:
        pause_ns = _note_cooldown(s, p)
    if pause_ns > 0:
        q.bid_ticks = q.median_at = 0
        q.most_ask_ticks = NEVER_NS
        return int(pause_ns)
    if now_ns - last_entry_ns(s) < longest_cooldown_ns(s, p):
        return 0
    if gate == Gate.SPACING:
        q.bid_ticks = q.median_at = 0
        return NEVER_NS if _note_near(s, p) else 0
    if not _note_far(s, p):
        return 0
    if gate == Gate.RECOVERY_COOLDOWN:
        return int(s.ledger.last_add_ns + p.avg_cooldown_ns)
    if gate == Gate.RECOVERY_HOURLY:
        return hourly_until_ns(s, p)
    is_fixed = gate == Gate.SPREAD_LOW or gate == Gate.BURST or gate == Gate.BELOW_MIN or gate == Gate.SYMBOL_CAP
    return NEVER_NS if is_fixed or gate == Gate.RECOVERY_DRAWDOWN or gate == Gate.RECOVERY_HURDLE else 0


@jit
def _note_cooldown(s: SymbolState, p: Params) -> int:
    """Until when an entry cooldown surely lasts, up to a drift multiplier that is noted: in a livelier market it is shorter."""
    most_drift = drift_mult(s.market, p.signals) / COOLDOWN_LEEWAY
    s.quiet.most_drift = most_drift / UNSURE if most_drift < p.signals.drift_max else math.inf
    return int(last_entry_ns(s) + cooldown_at_ns(s, p, max(most_drift, MIN_COOLDOWN_DRIFT)))


@jit
def _note_near(s: SymbolState, p: Params) -> bool:
    """Note an ask, and a volatility if need be, up to which or from which on the ask is too near for the next layer.

    The gap that layers keep may tell, whatever the volatility; else some leeway is given if possible. False when none were found.
    """
    q = s.quiet
    m = s.market
    gap_bps = layer_gap_at_bps(s, p, 0.0)
    q.most_ask_ticks = floor_ticks(s.ins, s.ledger.avg_entry * (1.0 + gap_bps / BPS)) - CLEAR_TICKS
    if m.ask_ticks <= q.most_ask_ticks:
        return True
    drift = drift_mult(m, p.signals)
    for share in LEEWAYS:
        ask_ticks = m.ask_ticks + int((1.0 - share) * LEEWAY_TICKS)
        least_drift = max(share * drift, p.signals.drift_min)
        rise = rise_bps(s.ledger, price_of(s.ins, ask_ticks))
        spacing_bps = least_spacing_bps(p, share * m.blended_bps)
        if share == 1.0:
            spacing_bps = base_spacing_bps(s, p)
            q.median_at = m.median_at
        if is_below_step(spacing_bps, growth_at(p, least_drift), s.ledger.layers_opened, rise):
            q.most_ask_ticks = ask_ticks
            q.least_blended_bps = share * m.blended_bps
            q.least_drift = least_drift * UNSURE if least_drift > p.signals.drift_min else 0.0
            return True
    return False


@jit
def _note_far(s: SymbolState, p: Params) -> bool:
    """Note a volatility above now's up to which the ask is far enough for the next layer; false when there is none."""
    q = s.quiet
    m = s.market
    rise = rise_bps(s.ledger, m.ask)
    drift = drift_mult(m, p.signals)
    for share in LEEWAYS:
        most_drift = min(drift / share, p.signals.drift_max)
        if rise >= spacing_for_next_bps(s, p, rise, spacing_at_bps(s, p, m.blended_bps / share), growth_at(p, most_drift)):
            q.most_blended_bps = m.blended_bps / share
            q.most_drift = most_drift / UNSURE if most_drift < p.signals.drift_max else math.inf
            return True
    return False


@jit
def _rests_quietly(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether the take-profit rests where it belongs, far from the ask, and nothing else is asked of the position."""
    tp = s.take_profit
    m = s.market
    inv = s.inverse
    q = s.quiet
    if tp.seen_changes != s.order_changes or tp.rejected_ns != 0 or s.risk.remembered_exit != ExitReason.NONE:
        return False
    if tp.want_lots != resting_lots(s):
        return False
    if inv.mode == InverseMode.ACTIVE:
        q.most_ask_ticks = m.ask_ticks  # a higher one may be given up at
        return tp.want_ticks == resting_price_ticks(s, p, now_ns) and m.ask_ticks > tp.want_ticks + CLEAR_TICKS
    lowest = tp.want_ticks
    if inv.mode != InverseMode.ARMED:
        # Nearer to the average than both, no active exit fires.
        nearest_exit_bps = max(min_fast_tp_bps(s, p), -min_tp_profit_bps(s, p))
        lowest = max(lowest, floor_ticks(s.ins, s.ledger.avg_entry * (1.0 + nearest_exit_bps / BPS)))
    elif not _note_zones(s, p):
        return False
    if m.ask_ticks <= lowest + CLEAR_TICKS:
        return False
    if q.bid_ticks == 0:
        q.least_ask_ticks = min(q.least_ask_ticks, lowest + CLEAR_TICKS + 1)
    q.min_tp_bps = min_tp_profit_bps(s, p)
    q.floor_bps = rest_floor_bps(s, p, now_ns)
    return _note_distances(s, _distance_bps(s, p, now_ns))


@jit
def _note_zones(s: SymbolState, p: Params) -> bool:
    """Note up to where the armed zones stay as many as they are, which decides what the first one gives back; false when that is near."""
    inv = s.inverse
    q = s.quiet
    most_zones = min(inv.layers_held, p.inverse_max_zones)
    if inv.due_ns > 0 or current_zone(s) != 0 or inv.zone_count != most_zones:
        return False
    if most_zones > 1:
        most_drift = min(drift_mult(s.market, p.signals) / LEEWAYS[0], p.signals.drift_max)
        q.most_drift = min(q.most_drift, most_drift / UNSURE if most_drift < p.signals.drift_max else math.inf)
        q.most_first_bps = p.inverse_max_zone_bps / power(growth_at(p, most_drift), most_zones - 2) / UNSURE
    return True


@jit
def _position_until_ns(s: SymbolState, p: Params) -> int:
    """When time alone next asks something of a position: a throttle, a lapse of debt, its greatest age, the end of its unwinding."""
    until_ns = min(s.take_profit.wake_ns, next_lapse_ns(s.recovery, p))
    if p.max_age_ns > 0:
        until_ns = min(until_ns, s.ledger.opened_ns + p.max_age_ns + 1)
    if s.inverse.mode == InverseMode.ACTIVE:
        until_ns = min(until_ns, s.inverse.active_ns + p.inverse_time_cap_ns)
    return int(until_ns)
