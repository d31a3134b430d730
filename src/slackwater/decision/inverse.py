"""Inverse mode: a deep position is unwound in zones below its average that mirror the grid.

Armed, the zones follow the market and the take-profit rests at the first; from the first exit fill on, active, everything is
frozen and a clock runs.
"""

from __future__ import annotations

from slackwater.decision.geometry import base_spacing_bps, effective_growth
from slackwater.decision.targets import decay, rest_of_bps
from slackwater.kernel.jit import jit
from slackwater.ledger.layers import layers_held
from slackwater.ledger.pnl import rise_bps
from slackwater.schema.enums import InverseMode
from slackwater.schema.params import Params
from slackwater.schema.state import LAYER_SLOTS, SymbolState
from slackwater.schema.units import BPS


@jit
def follow(s: SymbolState, p: Params, now_ns: int) -> None:
    """Arm, disarm and, while armed, lay the zones anew at the market as it is."""
    inv = s.inverse
    if s.ledger.short_lots == 0 or not p.inverse_enabled:
        inv.mode = InverseMode.NONE
        return
    if inv.mode == InverseMode.ACTIVE or (inv.mode == InverseMode.NONE and s.ledger.layers_opened < p.inverse_min_layers):
        return
    if inv.mode == InverseMode.OFF and s.ledger.layers_opened <= inv.layers_seen:
        return
    if inv.mode != InverseMode.ARMED or inv.has_new_fills:
        inv.layers_held = layers_held(s.ledger)
        inv.has_new_fills = True
    inv.mode = InverseMode.ARMED if inv.layers_held >= p.inverse_min_layers else InverseMode.NONE
    if inv.mode == InverseMode.ARMED:
        _lay_zones(s, p, now_ns)


@jit
def catch_up(s: SymbolState, p: Params) -> None:
    """Lay the zones as of the last book, where that was put off. To be called before anything but a book happens."""
    if s.inverse.due_ns > 0:
        _lay_zones(s, p, s.inverse.due_ns)


@jit
def first_zone_bps(s: SymbolState, p: Params, left: float, rest_bps: float) -> float:
    """How far below the average the first zone lies but for the limit, by the take-profit's distance and what is left by age."""
    return max(rest_bps, base_spacing_bps(s, p) * left)


@jit
def _lay_zones(s: SymbolState, p: Params, now_ns: int) -> None:
    """Zone i lies `first * growth**i` below the average, equal ones are one; shares are dealt again when there is something new to deal."""
    inv = s.inverse
    inv.due_ns = 0
    left = decay(s, p, now_ns)
    first = first_zone_bps(s, p, left, rest_of_bps(s, p, now_ns, left))
    growth = effective_growth(s, p)
    inv.avg_entry = s.ledger.avg_entry
    factor = 1.0
    count = 0
    last_bps = -1.0
    for _ in range(min(inv.layers_held, p.inverse_max_zones)):
        bps = min(first * factor, p.inverse_max_zone_bps)
        factor *= growth
        if bps == last_bps:
            break  # all further ones stand at the limit too
        last_bps = bps
        inv.zones[count].bps = bps
        count += 1
    if inv.has_new_fills or count != inv.zone_count:
        inv.zone_count = count
        inv.has_new_fills = False
        _deal_shares(s)


@jit
def _deal_shares(s: SymbolState) -> None:
    """Each zone's share is the next oldest layers, about equally many; the last zone takes the rest."""
    inv = s.inverse
    led = s.ledger
    unassigned = inv.layers_held
    index = led.first_layer
    for k in range(inv.zone_count):
        share = unassigned if k == inv.zone_count - 1 else max(1, unassigned // (inv.zone_count - k))
        unassigned -= share
        lots = 0
        while share > 0 and index < LAYER_SLOTS:
            if led.layers[index].lots > 0:
                lots += led.layers[index].lots
                share -= 1
            index += 1
        inv.zones[k].lots = lots
        inv.zones[k].filled_lots = 0


@jit
def zone_price(s: SymbolState, k: int) -> float:
    """Where zone k lies."""
    return float(s.inverse.avg_entry * (1.0 - s.inverse.zones[k].bps / BPS))


@jit
def is_unwinding(s: SymbolState) -> bool:
    """Whether exits follow the zones."""
    return s.inverse.mode == InverseMode.ARMED or s.inverse.mode == InverseMode.ACTIVE


@jit
def current_zone(s: SymbolState) -> int:
    """The first zone whose share is not filled; the last one when all are."""
    inv = s.inverse
    for k in range(inv.zone_count):
        if inv.zones[k].filled_lots < inv.zones[k].lots:
            return k
    return inv.zone_count - 1


@jit
def on_exit_fill(s: SymbolState, now_ns: int, lots: int) -> None:
    """An exit filled: armed becomes active; what exceeds a share counts for the next zones in order."""
    inv = s.inverse
    if inv.mode == InverseMode.ARMED:
        inv.mode = InverseMode.ACTIVE
        inv.active_ns = now_ns
    left = lots
    for k in range(inv.zone_count):
        zone = inv.zones[k]
        filled = min(left, zone.lots - zone.filled_lots)
        zone.filled_lots += filled
        left -= filled


@jit
def on_entry_fill(s: SymbolState, lots: int) -> None:
    """What a cancelled entry still fills while the zones are frozen joins the last one."""
    if s.inverse.mode == InverseMode.ACTIVE and s.inverse.zone_count > 0:
        s.inverse.zones[s.inverse.zone_count - 1].lots += lots


@jit
def is_timed_out(s: SymbolState, p: Params, now_ns: int) -> bool:
    """Whether the unwinding has taken its time."""
    return s.inverse.mode == InverseMode.ACTIVE and now_ns - s.inverse.active_ns >= p.inverse_time_cap_ns


@jit
def passed_lots(s: SymbolState) -> int:
    """Lots of the zones that the ask has come through without filling them."""
    inv = s.inverse
    if inv.zone_count == 0 or s.market.ask > zone_price(s, 0):
        return 0  # the others lie lower
    lots = 0
    for k in range(inv.zone_count):
        zone = inv.zones[k]
        if s.market.ask <= zone_price(s, k):
            lots += zone.lots - zone.filled_lots
    return min(lots, s.ledger.short_lots)


@jit
def give_up_if_lost(s: SymbolState, p: Params) -> None:
    """Active and under water again: the mode is off until another layer opens or flat."""
    inv = s.inverse
    if inv.mode == InverseMode.ACTIVE and rise_bps(s.ledger, s.market.ask) > p.inverse_give_up_bps:
        inv.mode = InverseMode.OFF
        inv.layers_seen = s.ledger.layers_opened
