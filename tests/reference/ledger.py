"""The reference's accounts: layers, average cost, realised parts, closes, debt, samples of behaviour, cooldown and breaker.

Facts come in, nothing is refused. Sells are entries, buys are exits. Funding is positive when received, fees when paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference import formulas as f
from tests.reference.settings import HOUR, Settings

DAY = 24 * HOUR
LOSS_REASONS = {"stop", "timeout", "inverse_tp_timeout", "drawdown", "shutdown"}
RESETTING_REASONS = {"tp_rest", "tp", "fast_tp", "inverse_tp"}


@dataclass
class Layer:
    """One entry group's fills."""

    group_id: int
    lots: int = 0  # all that was filled
    held_lots: int = 0
    notional_usd: float = 0.0
    qty: float = 0.0

    @property
    def price(self) -> float:
        """Volume-weighted price of its fills."""
        return self.notional_usd / self.qty


@dataclass
class ExitGroup:
    """Fills of one exit group and the ask they are judged against."""

    ask: float
    qty: float = 0.0
    notional_usd: float = 0.0

    @property
    def slippage_bps(self) -> float:
        """How much worse than the ask its average price was."""
        return (self.notional_usd / self.qty - self.ask) / self.ask * 1e4


@dataclass
class Position:
    """Flat to flat."""

    open_ns: int
    debt_before_usd: float
    layers: list[Layer] = field(default_factory=list)
    exit_groups: dict[tuple[str, int], ExitGroup] = field(default_factory=dict)
    held_lots: int = 0
    avg_entry: float = 0.0
    costs_usd: float = 0.0  # entry fees less funding received, not yet realised
    max_cost_usd: float = 0.0
    last_add_ns: int | None = None
    qty_in: float = 0.0
    notional_in: float = 0.0
    qty_out: float = 0.0
    notional_out: float = 0.0
    gross_usd: float = 0.0
    fees_usd: float = 0.0
    funding_usd: float = 0.0
    lapsed_at_open_usd: float = 0.0

    @property
    def held_layers(self) -> list[Layer]:
        """Layers that still hold something, oldest first."""
        return [layer for layer in self.layers if layer.held_lots > 0]


@dataclass(frozen=True)
class Realised:
    """One exit fill's part of the result: a row of `realisations.parquet`."""

    ts_ns: int
    qty: float
    net_usd: float
    debt_after_usd: float
    reason: str


@dataclass(frozen=True)
class Close:
    """One row of `closes.parquet`, and what behaviour is judged by."""

    open_ns: int
    close_ns: int
    layers: int
    qty: float
    notional_usd: float
    avg_entry: float
    avg_exit: float
    gross_usd: float
    fees_usd: float
    funding_usd: float
    net_usd: float
    net_bps: float
    reason: str
    debt_before_usd: float
    debt_lapsed_usd: float
    debt_after_usd: float
    exit_slippage_bps: float
    bid: float


@dataclass(frozen=True)
class EntryGroup:
    """An entry group's first fill."""

    ns: int
    price: float
    is_duplicate: bool


@dataclass
class Debt:
    """Losses still to be earned back, by age. `lapsed_usd` counts what was forgiven, ever."""

    settings: Settings
    parts: list[tuple[int, float]] = field(default_factory=list)
    lapsed_usd: float = 0.0

    def read(self, now: int) -> float:
        """The sum, after parts that are too old have lapsed."""
        look_back = self.settings.debt_lookback_ns
        if look_back > 0:
            self.lapsed_usd += sum(usd for ns, usd in self.parts if now - ns > look_back)
            self.parts = [(ns, usd) for ns, usd in self.parts if now - ns <= look_back]
        return sum(usd for _, usd in self.parts)

    def on_realised(self, now: int, net_usd: float) -> None:
        """A loss adds a part, a profit pays the oldest; beyond the cap the oldest gives way."""
        self.read(now)
        if net_usd < 0.0:
            self.parts.append((now, -net_usd))
            cap = self.settings.debt_cap_usd
            excess = sum(usd for _, usd in self.parts) - cap
            if cap > 0.0 and excess > 0.0:
                self.lapsed_usd += excess
                self._take_from_oldest(excess)
        else:
            self._take_from_oldest(net_usd)

    def _take_from_oldest(self, amount_usd: float) -> None:
        while self.parts and amount_usd > 0.0:
            ns, usd = self.parts.pop(0)
            if usd > amount_usd:
                self.parts.insert(0, (ns, usd - amount_usd))
                return
            amount_usd -= usd


@dataclass
class EarlyExit:
    """What the venue bought back before we knew that it was sold."""

    lots: int = 0
    price_lots: float = 0.0
    fee_usd: float = 0.0
    ask: float = 0.0

    def take(self, lots: int) -> tuple[float, float]:
        """Take lots out of it; returns their price and fees, which are everybody's mean."""
        part = lots / self.lots
        price, fee_usd = self.price_lots / self.lots, self.fee_usd * part
        self.lots, self.price_lots, self.fee_usd = self.lots - lots, self.price_lots * (1 - part), self.fee_usd * (1 - part)
        return price, fee_usd


class Ledger:
    """Everything that fills and funding leave behind. `bid`, `ask` and `median_spread_bps` are those of the last valid book."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.debt = Debt(settings)
        self.position: Position | None = None
        self.realised: list[Realised] = []
        self.closes: list[Close] = []
        self.entry_groups: dict[int, EntryGroup] = {}
        self.add_times: list[int] = []
        self.realised_usd = 0.0
        self.early_funding_usd = 0.0  # told of while flat: of a position whose fill is not known yet
        self.early_exit = EarlyExit()
        self.losses_in_a_row = 0
        self.cooldown_until_ns = 0
        self.net_bps_sum = 0.0
        self.is_tripped = False
        self.pause_ns = settings.circuit_pause_ns
        self.breaker_until_ns = 0
        self.layer_cooldown_until_ns = 0
        self.bid = 0.0
        self.ask = 0.0
        self.median_spread_bps = 0.0

    def quantity(self, lots: int) -> float:
        """Lots as a quantity."""
        return lots * self.settings.lot_num / self.settings.lot_den

    @property
    def cost_usd(self) -> float:
        """The position at its average cost."""
        if self.position is None:
            return 0.0
        return self.position.avg_entry * self.quantity(self.position.held_lots)

    @property
    def equity_usd(self) -> float:
        """Result so far: realised, unrealised at the ask, and what fees and funding the position carries."""
        if self.position is None:
            return self.realised_usd + self.early_funding_usd - self.early_exit.fee_usd
        qty = self.quantity(self.position.held_lots)
        return self.realised_usd + (self.position.avg_entry - self.ask) * qty - self.position.costs_usd

    def on_entry_fill(self, now: int, group_id: int, price: float, lots: int, fee_usd: float) -> bool:
        """A sell of ours filled. Returns whether it opened a layer."""
        if self.position is None:
            early_usd, self.early_funding_usd = self.early_funding_usd, 0.0
            self.position = Position(now, self.debt.read(now), costs_usd=-early_usd, funding_usd=early_usd)
            self.position.lapsed_at_open_usd = self.debt.lapsed_usd
        p = self.position
        layer = next((one for one in p.layers if one.group_id == group_id), None)
        is_new = layer is None
        if layer is None:
            layer = Layer(group_id)
            p.layers.append(layer)
            if len(p.layers) > 1:
                p.last_add_ns = now
                self.add_times.append(now)
        qty = self.quantity(lots)
        layer.lots += lots
        layer.held_lots += lots
        layer.qty += qty
        layer.notional_usd += price * qty
        p.avg_entry = (p.avg_entry * p.held_lots + price * lots) / (p.held_lots + lots)
        p.held_lots += lots
        p.qty_in += qty
        p.notional_in += price * qty
        p.costs_usd += fee_usd
        p.fees_usd += fee_usd
        p.max_cost_usd = max(p.max_cost_usd, self.cost_usd)
        self._remember_group(now, group_id, price)
        return is_new

    def _remember_group(self, now: int, group_id: int, price: float) -> None:
        if group_id in self.entry_groups:
            return
        is_duplicate = False
        if self.entry_groups:
            before = list(self.entry_groups.values())[-1]
            is_duplicate = f.is_duplicate(now - before.ns, price, before.price, self.median_spread_bps, self.settings)
        self.entry_groups[group_id] = EntryGroup(now, price, is_duplicate)

    def on_exit_fill(self, now: int, group: tuple[str, int], price: float, lots: int, fee_usd: float, reason: str, ask: float) -> None:
        """A buy of ours filled. `ask` is what its group is judged against, used at the group's first fill."""
        p = self.position
        if p is None or lots > p.held_lots:
            raise ValueError(f"exit of {lots} lots: expected at most the position, found {p.held_lots if p else 0}")
        qty = self.quantity(lots)
        part = lots / p.held_lots
        gross = (p.avg_entry - price) * qty
        net = gross - fee_usd - p.costs_usd * part
        p.costs_usd -= p.costs_usd * part
        p.held_lots -= lots
        self._take_from_oldest_layers(p, lots)
        p.qty_out += qty
        p.notional_out += price * qty
        p.gross_usd += gross
        p.fees_usd += fee_usd
        exit_group = p.exit_groups.setdefault(group, ExitGroup(ask))
        exit_group.qty += qty
        exit_group.notional_usd += price * qty
        self.realised_usd += net
        self.debt.on_realised(now, net)
        self.realised.append(Realised(now, qty, net, self.debt.read(now), reason))
        if p.held_lots == 0:
            self._book_close(now, p, reason)

    def on_external_fill(self, now: int, price: float, lots: int, fee_usd: float) -> None:
        """The venue bought of its own accord, perhaps more than we know of: the rest waits for the entry fills that are missing."""
        known = min(lots, self.position.held_lots if self.position is not None else 0)
        if known > 0:
            self.on_exit_fill(now, ("external", 0), price, known, fee_usd * known / lots, "external", self.ask)
        if known < lots:
            early = self.early_exit
            early.lots += lots - known
            early.price_lots += price * (lots - known)
            early.fee_usd += fee_usd * (lots - known) / lots
            early.ask = self.ask

    def net_early_exit(self, now: int) -> None:
        """After an entry fill: what of it the venue bought back before is closed with that."""
        lots = min(self.early_exit.lots, self.position.held_lots if self.position is not None else 0)
        if lots > 0:
            price, fee_usd = self.early_exit.take(lots)
            self.on_exit_fill(now, ("external", 0), price, lots, fee_usd, "external", self.early_exit.ask)

    @staticmethod
    def _take_from_oldest_layers(p: Position, lots: int) -> None:
        for layer in p.layers:
            taken = min(layer.held_lots, lots)
            layer.held_lots -= taken
            lots -= taken

    def on_funding(self, usd: float) -> None:
        """Funding as the venue tells of it, positive when received."""
        if self.position is None:
            self.early_funding_usd += usd
            return
        self.position.costs_usd -= usd
        self.position.funding_usd += usd

    def _book_close(self, now: int, p: Position, reason: str) -> None:
        net_usd = p.gross_usd - p.fees_usd + p.funding_usd
        close = Close(
            open_ns=p.open_ns,
            close_ns=now,
            layers=len(p.layers),
            qty=p.qty_in,
            notional_usd=p.notional_in,
            avg_entry=p.notional_in / p.qty_in,
            avg_exit=p.notional_out / p.qty_out,
            gross_usd=p.gross_usd,
            fees_usd=p.fees_usd,
            funding_usd=p.funding_usd,
            net_usd=net_usd,
            net_bps=net_usd / p.notional_in * 1e4,
            reason=reason,
            debt_before_usd=p.debt_before_usd,
            debt_lapsed_usd=self.debt.lapsed_usd - p.lapsed_at_open_usd,
            debt_after_usd=self.debt.read(now),
            exit_slippage_bps=sum(g.slippage_bps * g.qty for g in p.exit_groups.values()) / p.qty_out,
            bid=self.bid,
        )
        self.position = None
        self.layer_cooldown_until_ns = 0
        self.closes.append(close)
        self._on_close(close)

    def _on_close(self, close: Close) -> None:
        is_profit = close.net_usd > 0.0
        if not is_profit:
            self.losses_in_a_row += 1
        elif close.reason in RESETTING_REASONS:
            self.losses_in_a_row = 0
        is_harsh = not is_profit and close.reason in ("stop", "drawdown")
        pause = f.close_cooldown_ns(self.losses_in_a_row, is_harsh, self.settings)
        self.cooldown_until_ns = max(self.cooldown_until_ns, close.close_ns + pause)
        self.net_bps_sum += close.net_bps
        if is_profit and self.is_tripped:
            self.is_tripped = False
            self.net_bps_sum = 0.0
            self.pause_ns = self.settings.circuit_pause_ns
            self.breaker_until_ns = 0
        elif not is_profit and self.net_bps_sum < -self.settings.max_loss_bps:
            self.is_tripped = True
            self.breaker_until_ns = close.close_ns + self.pause_ns
            self.pause_ns = min(2 * self.pause_ns, DAY)

    def samples(self, now: int) -> list[Close]:
        """The closes that behaviour is judged by."""
        return [c for c in self.closes[-self.settings.behavior_lookback :] if self._is_recent(now, c.close_ns)]

    def sample_groups(self, now: int) -> list[EntryGroup]:
        """The entry groups that behaviour is judged by."""
        return [g for g in list(self.entry_groups.values())[-self.settings.behavior_lookback :] if self._is_recent(now, g.ns)]

    def _is_recent(self, now: int, ns: int) -> bool:
        return self.settings.behavior_max_age_ns == 0 or now - ns <= self.settings.behavior_max_age_ns
