"""The reference's inverse mode: zones below the average, armed or frozen, and what has been filled of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference import formulas as f
from tests.reference.ledger import Position
from tests.reference.settings import Settings


@dataclass(frozen=True)
class ZoneInputs:
    """What zones are made of at one moment."""

    rest_bps: float
    base_spacing_bps: float
    decay: float
    effective_growth: float


@dataclass
class Inverse:
    """`mode` is none, armed, active, or off (given up until another layer opens or flat)."""

    settings: Settings
    mode: str = "none"
    zones_bps: list[float] = field(default_factory=list)
    price_ticks: list[int] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    avg_entry: float = 0.0
    since_ns: int = 0
    filled_lots: int = 0

    def follow(self, position: Position | None, inputs: ZoneInputs) -> None:
        """Arm, disarm or move the zones. Nothing moves while active or off."""
        if self.mode in ("active", "off"):
            return
        is_deep = position is not None and len(position.held_layers) >= self.settings.inverse_min_layers
        if position is None or not self.settings.inverse_enabled or not is_deep:
            self.clear()
            return
        self.mode = "armed"
        first = max(inputs.rest_bps, inputs.base_spacing_bps * inputs.decay)
        held = position.held_layers
        self.avg_entry = position.avg_entry
        self.zones_bps = f.zones_bps(first, inputs.effective_growth, len(held), self.settings)
        self.price_ticks = [f.price_ticks_below(position.avg_entry, zone, self.settings) for zone in self.zones_bps]
        self.shares = f.zone_shares([layer.held_lots for layer in held], len(self.zones_bps))

    def clear(self) -> None:
        """Flat, or not deep."""
        self.mode = "none"
        self.zones_bps, self.price_ticks, self.shares = [], [], []
        self.filled_lots = 0

    def on_exit_fill(self, now: int, lots: int, is_zone_fill: bool) -> None:
        """Count an exit. The first one of a zone freezes average, prices and shares."""
        if self.mode == "armed" and is_zone_fill:
            self.mode = "active"
            self.since_ns = now
            self.filled_lots = 0
        if self.mode == "active":
            self.filled_lots += lots

    def on_entry_fill(self, lots: int, is_new_layer: bool) -> None:
        """While active what is still filled joins the last zone; a new layer ends giving up."""
        if self.mode == "active":
            self.shares[-1] += lots
        elif self.mode == "off" and is_new_layer:
            self.mode = "none"

    def give_up(self) -> None:
        """Off until another layer opens or flat."""
        self.clear()
        self.mode = "off"

    def rest_of(self, zone: int) -> int:
        """Lots of a zone that are not filled; fills count for the zones in order."""
        before = sum(self.shares[:zone])
        return self.shares[zone] - min(max(self.filled_lots - before, 0), self.shares[zone])

    @property
    def current(self) -> int:
        """The first zone whose share is not filled."""
        return next((i for i in range(len(self.shares)) if self.rest_of(i) > 0), len(self.shares) - 1)

    def passed_lots(self, ask_ticks: int) -> int:
        """Unfilled lots of the zones that the ask has reached."""
        return sum(self.rest_of(i) for i, ticks in enumerate(self.price_ticks) if ask_ticks <= ticks)
