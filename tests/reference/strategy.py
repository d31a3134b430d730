"""The reference's decisions from books, trades and facts of our own orders.

It decides and never sends. What our orders did is told to it as facts at the local time they became known. Two uses: compare a whole run,
feeding the facts that the engine reported, or compare one formula at a time (see `formulas`).
"""

from __future__ import annotations

from tests.reference import exits, gates
from tests.reference import formulas as f
from tests.reference.decisions import CloseUnderWay, Decision, State
from tests.reference.inverse import Inverse
from tests.reference.ledger import Ledger
from tests.reference.settings import Settings
from tests.reference.signals import ReferenceMarket

REMEMBERED_ASKS = 16  # changes of the ask


class ReferenceStrategy:
    """One symbol. Switches and limits that come from outside are in `state`.

    `venue_ns` is when what is told next happened at the venue; where it is None, that is when it is told.
    """

    def __init__(self, settings: Settings, market: ReferenceMarket) -> None:
        self.settings = settings
        self.market = market
        self.state = State(settings, market)
        self.venue_ns: int | None = None
        self.asks: list[tuple[int, float]] = []  # when at the venue the ask became another, and which

    @property
    def ledger(self) -> Ledger:
        """Position, closes, debt, cooldown and breaker."""
        return self.state.ledger

    @property
    def inverse(self) -> Inverse:
        """Zones of a deep position."""
        return self.state.inverse

    # --- the market ---------------------------------------------------------------------------------------------------------

    def on_trade(self, now: int, price_ticks: int, lots: int, buyer_maker: bool) -> None:
        """A trade of the market."""
        self._notice(now)
        self.market.on_trade(now, price_ticks, lots, buyer_maker)

    def on_book(self, now: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int) -> Decision | None:
        """A book. None when it makes no sense."""
        self._notice(now)
        row = self.market.on_book(now, bid_ticks, bid_lots, ask_ticks, ask_lots)
        if row is None:
            return None
        st, ledger = self.state, self.ledger
        st.ask_ticks = ask_ticks
        ledger.bid, ledger.ask = self.market.price(bid_ticks), self.market.price(ask_ticks)
        if not self.asks or self.asks[-1][1] != ledger.ask:
            self.asks = [*self.asks, (now if self.venue_ns is None else self.venue_ns, ledger.ask)][-REMEMBERED_ASKS:]
        ledger.median_spread_bps = row["median_spread_bps"]
        if ledger.position is not None and row["heavy_tail"]:
            ledger.layer_cooldown_until_ns = f.layer_cooldown_until(ledger.layer_cooldown_until_ns, now, row["tail_ratio"], self.settings)
        self._note_peak()
        behaviour = gates.behaviour_of(st, now, row)
        leave = exits.leave(st, now, row, behaviour) if ledger.position is not None else None
        shot, edge = None, None
        if (leave is None or leave.reason == "none") and not st.is_entry_working and not st.is_closing:
            decide = gates.entry if ledger.position is None else gates.average
            shot, edge = decide(st, now, row, behaviour)
        return Decision(now, row, behaviour, leave, shot, edge)

    def _notice(self, now: int) -> None:
        if self.state.first_ns is None:
            self.state.first_ns = now

    # --- facts --------------------------------------------------------------------------------------------------------------

    def on_order_sent(self, now: int, purpose: str, group_id: int) -> None:
        """An order left us. The first one of an entry group is the group's placement."""
        if purpose == "entry":
            self.state.is_entry_working = True
            if group_id not in self.state.entry_groups_sent:
                self.state.entry_groups_sent.add(group_id)
                self.state.entry_last_ns = now

    def on_close_decided(self, reason: str, target_lots: int) -> None:
        """A close began, or the one under way was upgraded. Each is a decision: what follows is judged against the ask at it."""
        st = self.state
        number = st.close.number + 1 if st.close is not None else 1
        st.close = CloseUnderWay(number, reason, target_lots, self.ledger.ask, self.market.books[-1].ns)
        st.is_closing = True
        if reason == "drawdown":
            st.is_entry_disabled = True

    def on_group_done(self, now: int, purpose: str, is_dropped: bool = False) -> None:
        """Every order of the group has ended. `is_dropped`: the close fell to a drop rule."""
        st = self.state
        if purpose == "entry":
            st.is_entry_working = False
        if purpose == "close" and st.is_closing and st.close is not None:
            st.is_closing = False
            if is_dropped:
                st.dropped_ns[st.close.reason] = now

    def on_fill(self, now: int, purpose: str, group_id: int, price_ticks: int, lots: int, fee_usd: float) -> None:
        """A fill of ours became known. `purpose` is entry, take_profit, close, or external."""
        if purpose == "entry":
            self._on_entry_fill(now, group_id, price_ticks, lots, fee_usd)
            self._note_peak()
            return
        if purpose == "external":
            self.inverse.on_exit_fill(now, lots, False)
            self.ledger.on_external_fill(now, self.market.price(price_ticks), lots, fee_usd)
            self.state.is_entry_disabled = True
        else:
            reason, group, ask = self._exit_of(purpose, group_id)
            self.inverse.on_exit_fill(now, lots, reason in ("inverse_tp", "inverse_tp_timeout"))
            self.ledger.on_exit_fill(now, group, self.market.price(price_ticks), lots, fee_usd, reason, ask)
        self._note_peak()
        if self.ledger.position is None:
            self.inverse.clear()

    def _note_peak(self) -> None:
        self.state.peak_equity_usd = max(self.state.peak_equity_usd, self.ledger.equity_usd)

    def _on_entry_fill(self, now: int, group_id: int, price_ticks: int, lots: int, fee_usd: float) -> None:
        st = self.state
        st.entry_last_ns = now
        is_new = self.ledger.on_entry_fill(now, group_id, self.market.price(price_ticks), lots, fee_usd)
        self.ledger.net_early_exit(now)
        if self.ledger.position is None:
            return
        self.inverse.on_entry_fill(lots, is_new)
        if st.is_closing and st.close is not None and st.close.target_lots > 0:
            st.close.target_lots += lots
        exits.follow_zones(st, now)

    def _exit_of(self, purpose: str, group_id: int) -> tuple[str, tuple[str, int], float]:
        """Reason, group and ask of an exit fill."""
        close = self.state.close
        is_inverse = self.inverse.mode in ("armed", "active")
        if purpose == "close" and close is not None:  # also after its group ended: a fill can come late
            is_profit = close.reason in ("tp", "fast_tp")
            return ("inverse_tp" if is_inverse and is_profit else close.reason), ("close", close.number), close.ask
        if purpose == "take_profit":
            return ("inverse_tp" if is_inverse else "tp_rest"), ("take_profit", group_id), self._ask_before()
        raise ValueError(f"fill: expected a purpose, and a close before a fill of one, found {purpose!r}")

    def _ask_before(self) -> float:
        """The ask just before what is told happened at the venue."""
        if self.venue_ns is None:
            return self.ledger.ask
        before = [ask for event_ns, ask in self.asks if event_ns < self.venue_ns]
        return before[-1] if before else self.asks[0][1]

    def on_funding(self, usd: float) -> None:
        """Funding as the venue tells of it, positive when received."""
        self.ledger.on_funding(usd)
        self._note_peak()
