"""Layers: the grid entries of the position, filled by entries, emptied oldest first by exits."""

from __future__ import annotations

from slackwater.kernel.jit import jit
from slackwater.schema.state import LAYER_SLOTS, Ledger


@jit
def open_layer(led: Ledger, now_ns: int) -> int:
    """Start a layer at the end of the grid and return its index; the last slot is shared once all are taken."""
    index = min(led.layers_opened, LAYER_SLOTS - 1)
    is_shared = led.layers_opened >= LAYER_SLOTS
    led.layers_opened += 1
    if is_shared:
        return index
    layer = led.layers[index]
    layer.lots = 0
    layer.opened_lots = 0
    layer.price = 0.0
    layer.opened_ns = now_ns
    return index


@jit
def grow_layer(led: Ledger, index: int, lots: int, price: float) -> None:
    """Add a fill to a layer: its price is the volume-weighted one."""
    layer = led.layers[index]
    total = layer.opened_lots + lots
    layer.price = (layer.price * layer.opened_lots + price * lots) / total
    layer.opened_lots = total
    layer.lots += lots
    led.first_layer = min(led.first_layer, index)
    led.last_entry_price = led.layers[min(led.layers_opened, LAYER_SLOTS) - 1].price


@jit
def take_from_oldest(led: Ledger, lots: int) -> None:
    """Take an exit's quantity from the oldest layers."""
    left = lots
    last = min(led.layers_opened, LAYER_SLOTS)
    while left > 0 and led.first_layer < last:
        layer = led.layers[led.first_layer]
        taken = min(layer.lots, left)
        layer.lots -= taken
        left -= taken
        if layer.lots == 0:
            led.first_layer += 1


@jit
def layers_held(led: Ledger) -> int:
    """Layers that still hold something."""
    held = 0
    for index in range(led.first_layer, min(led.layers_opened, LAYER_SLOTS)):
        if led.layers[index].lots > 0:
            held += 1
    return held
