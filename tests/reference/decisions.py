"""What the reference answers at a book, and what it must know to answer: plain records."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.inverse import Inverse
from tests.reference.ledger import Ledger
from tests.reference.settings import Settings
from tests.reference.signals import ReferenceMarket, Row

Edge = dict[str, float | bool]  # under the names of `edge.parquet`


@dataclass(frozen=True)
class Shot:
    """What was decided about an entry or an add; `reason` is a gate's name, or `pass`."""

    context: str
    reason: str
    layers: int
    required_spacing_bps: float = 0.0
    rise_bps: float = 0.0
    base_spacing_bps: float = 0.0
    effective_growth: float = 0.0
    notional_usd: float = 0.0
    price: float = 0.0
    price_ticks: int = 0
    lots: int = 0
    drift_mult: float = 0.0
    unrealised_bps: float = 0.0


@dataclass(frozen=True)
class Behaviour:
    """Values that follow from past closes and entries."""

    dup: float
    near: float
    loss: float
    entry_cooldown_sec: float
    layer_gap_bps: float
    max_layers: int
    min_tp_profit_bps: float
    min_fast_tp_bps: float
    spread_relief_bps: float


@dataclass(frozen=True)
class Exit:
    """What was decided about the position. `reason` is none when nothing is to be closed; `target_lots` is what a close leaves."""

    reason: str
    target_lots: int
    ret_bps: float
    net_bps: float
    exit_hurdle_bps: float
    fresh_target_bps: float
    decay: float
    rest_bps: float
    rest_price_ticks: int
    rest_lots: int
    inverse_mode: str
    zones_bps: tuple[float, ...]
    zone_price_ticks: tuple[int, ...]
    zone_shares: tuple[int, ...]


@dataclass(frozen=True)
class Decision:
    """Everything decided at one valid book. `shot` is None when neither list of gates was asked, `edge` when its gate was not reached."""

    now_ns: int
    signals: Row
    behaviour: Behaviour
    exit: Exit | None
    shot: Shot | None
    edge: Edge | None


@dataclass
class CloseUnderWay:
    """A close: why, how far down, and the ask when it was decided."""

    number: int
    reason: str
    target_lots: int
    ask: float
    decided_ns: int = 0


@dataclass
class State:
    """One symbol. `other_exposure_usd` is what the other symbols take of the portfolio cap."""

    settings: Settings
    market: ReferenceMarket
    other_exposure_usd: float = 0.0
    is_shutdown: bool = False
    is_entry_disabled: bool = False
    restored_ns: int | None = None
    ledger: Ledger = field(init=False)
    inverse: Inverse = field(init=False)
    close: CloseUnderWay | None = None  # the last one
    is_closing: bool = False  # and whether its group still works
    first_ns: int | None = None
    is_entry_working: bool = False
    entry_groups_sent: set[int] = field(default_factory=set)
    entry_last_ns: int | None = None  # the later of the last placement and the last entry fill
    dropped_ns: dict[str, int] = field(default_factory=dict)
    peak_equity_usd: float = 0.0
    ask_ticks: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.settings)
        self.inverse = Inverse(self.settings)
