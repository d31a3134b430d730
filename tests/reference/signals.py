"""Signals and the volatility regime by recomputing every window from kept events at every book.

Nothing is incremental except what is defined as a recursion (the z trackers and the live average). Kept events are dropped once no
window can reach them. Time must not run backwards.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

from tests.reference.settings import MS, SEC, Settings

Row = dict[str, float | bool]
KEEP_NS = 120 * SEC  # twice the longest window


def clamp(x: float, lo: float, hi: float) -> float:
    """`x` brought into `[lo, hi]`."""
    return max(lo, min(x, hi))


@dataclass(frozen=True)
class Book:
    """One valid book."""

    ns: int
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float
    mid: float
    spread_bps: float


@dataclass(frozen=True)
class Trade:
    """One trade of the market."""

    ns: int
    price: float
    lots: int
    buyer_maker: bool


def imbalance(trades: list[Trade], now: int, window_ns: int) -> tuple[float, float]:
    """`((B-S)/(B+S), B/(B+S))` over the closed window; `(0, 0.5)` when it is empty."""
    bought = sum(t.lots for t in trades if t.ns >= now - window_ns and not t.buyer_maker)
    sold = sum(t.lots for t in trades if t.ns >= now - window_ns and t.buyer_maker)
    if bought + sold == 0:
        return 0.0, 0.5
    return (bought - sold) / (bought + sold), bought / (bought + sold)


def window_return_bps(books: list[Book], now: int, window_ns: int) -> float:
    """The newest mid against the mid of the oldest book in the window."""
    oldest = next(b.mid for b in books if b.ns >= now - window_ns)
    return (books[-1].mid - oldest) / oldest * 1e4


def trade_volatility_bps(trades: list[Trade], now: int) -> float:
    """Population deviation of the log steps between the trades of the last second."""
    prices = [t.price for t in trades if t.ns >= now - SEC]
    if len(prices) < 3:
        return 0.0
    value = deviation([math.log(b / a) for a, b in zip(prices, prices[1:], strict=False)]) * 1e4
    return 0.0 if value < 1e-6 else value


def mid_volatility_bps(books: list[Book], now: int) -> float:
    """Root of the summed squared log steps of the mid at the books of the last second; the step's own start may be older."""
    squares = 0.0
    for before, book in zip(books, books[1:], strict=False):
        if book.ns >= now - SEC and book.mid != before.mid:
            squares += math.log(book.mid / before.mid) ** 2
    return math.sqrt(squares) * 1e4


def deviation(values: list[float]) -> float:
    """Population standard deviation."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


def smallest_positive(sizes: list[float]) -> float:
    """The smallest positive size, 0 when there is none."""
    return min((size for size in sizes if size > 0), default=0.0)


def waterfall(books: list[Book], now: int, blended: float, decay_sec: float) -> float:
    """Fall from the high of the last 30 s in units of volatility, fading with the age of that high."""
    start = now - 30 * SEC
    high = max(b.mid for b in books if b.ns >= start)
    first = next(i for i, b in enumerate(books) if b.ns >= start and b.mid == high)
    while first > 0 and books[first - 1].mid == high:  # the run may have begun before the window
        first -= 1
    t_high = max(books[first].ns, start)
    return (high - books[-1].mid) / high * 1e4 / max(blended, 1.0) * math.pow(2.0, -((now - t_high) / 1e9) / decay_sec)


@dataclass
class Tracker:
    """One z score: an average and a variance that forget, started at 0 and 1."""

    half_life_sec: float
    mean: float = 0.0
    var: float = 1.0
    n: int = 0
    last_ns: int = 0  # of the last update; 0 before the first
    previous: float = 0.0  # the sample before, for differences
    z: float = 0.0

    def update(self, x: float, now: int, settings: Settings) -> None:
        """Take `x` in."""
        by_time = settings.z_clock == 1 and self.n > 0
        dt = (now - self.last_ns) / 1e9 if by_time else 0.1
        a = 1.0 - math.exp(-dt * math.log(2.0) / self.half_life_sec)
        self.n += 1
        self.mean += a * (x - self.mean)
        d = x - self.mean
        self.var += a * (d * d - self.var)
        self.last_ns = now
        self.z = 0.0 if self.n <= 5 else clamp(d / math.sqrt(max(self.var, 1e-20)), -settings.z_clamp, settings.z_clamp)

    def sample_change(self, x: float, now: int, settings: Settings) -> None:
        """Take in how far `x` fell since the last sample, unless that is too recent."""
        if now - self.last_ns > settings.delta_spacing_ns:
            self.update(-(x - self.previous), now, settings)
            self.previous = x


@dataclass
class Frame:
    """The candles of one time frame: ends and closes of the usable ones, and the one being built."""

    tf_ns: int
    from_file: bool
    ends: list[int] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)
    open_index: int | None = None
    last_mid: float = 0.0

    def on_mid(self, now: int, mid: float) -> None:
        """Close what ended at or before `now`; a period without a book repeats the close before it."""
        if self.from_file:
            return
        index = now // self.tf_ns
        if self.open_index is not None:
            for k in range(self.open_index, index):
                self.ends.append((k + 1) * self.tf_ns)
                self.closes.append(self.last_mid)
        self.open_index = index
        self.last_mid = mid

    def volatility_bps(self, now: int, look_back_ns: int) -> float:
        """Deviation of the log steps of the usable closes within the look-back; 0 when there are fewer than two steps."""
        closes = [c for end, c in zip(self.ends, self.closes, strict=True) if now - look_back_ns < end <= now]
        if len(closes) < 3:
            return 0.0
        return deviation([math.log(b / a) for a, b in zip(closes, closes[1:], strict=False)]) * 1e4


class ReferenceMarket:
    """Signals, spread context and regime of one symbol."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.books: list[Book] = []
        self.trades: list[Trade] = []
        self.spreads: list[float] = []
        self.book_count = 0
        self.trade_count = 0
        self.rejected_count = 0
        self.z_ret, self.z_ti, self.z_md = (Tracker(settings.half_life_sec) for _ in range(3))
        self.z_dti, self.z_dqi = (Tracker(settings.delta_half_life_sec) for _ in range(2))
        self.median_spread_bps = 0.0
        self.median_ns = 0
        self.frames = [Frame(tf, known) for tf, known in zip(settings.tf_ns, settings.klines, strict=True)]
        self.baseline = 0.0
        self.refresh_ns: int | None = None
        self.live_ema = 0.0
        self.row: Row = {}

    def price(self, ticks: int) -> float:
        """Ticks as a price."""
        return ticks * self.settings.tick_num / self.settings.tick_den

    def quantity(self, lots: int) -> float:
        """Lots as a quantity."""
        return lots * self.settings.lot_num / self.settings.lot_den

    def on_candle(self, tf_index: int, close: float, end_ns: int) -> None:
        """A candle of a file. Its frame builds none of its own."""
        frame = self.frames[tf_index]
        if not frame.from_file:
            raise ValueError(f"frame {tf_index}: expected klines[{tf_index}] to be set, found a candle without it")
        frame.ends.append(end_ns)
        frame.closes.append(close)

    def on_trade(self, now_ns: int, price_ticks: int, lots: int, buyer_maker: bool) -> None:
        """A trade of the market."""
        self.trade_count += 1
        self.trades.append(Trade(now_ns, self.price(price_ticks), lots, buyer_maker))
        while self.trades[0].ns < now_ns - KEEP_NS:
            self.trades.pop(0)
        self.z_dti.sample_change(imbalance(self.trades, now_ns, 300 * MS)[0], now_ns, self.settings)

    def on_book(self, now_ns: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int) -> Row | None:
        """A book. Returns the signals after it, or None when it makes no sense and changed nothing."""
        if bid_ticks <= 0 or ask_ticks <= 0 or ask_ticks < bid_ticks:
            self.rejected_count += 1
            return None
        bid, ask = self.price(bid_ticks), self.price(ask_ticks)
        mid = (bid + ask) / 2.0
        previous_ns = self.books[-1].ns if self.books else now_ns
        book = Book(now_ns, bid, self.quantity(bid_lots), ask, self.quantity(ask_lots), mid, (ask - bid) / mid * 1e4)
        self._remember(book)
        row = self._features(book)
        self._score(row, now_ns, bid_lots < ask_lots and ask_ticks > bid_ticks)
        self._spread_context(row, now_ns)
        row["warm"] = self.trade_count > 20 and self.book_count > 50
        self._regime(row, now_ns, mid, (now_ns - previous_ns) / 1e9)
        self.row = row
        return row

    def _remember(self, book: Book) -> None:
        self.book_count += 1
        self.books.append(book)
        # One older book stays: the first mid change of a window starts from it, and a run may reach back.
        while len(self.books) > 2 and self.books[1].ns < book.ns - KEEP_NS:
            self.books.pop(0)
        self.spreads = [*self.spreads[-499:], book.spread_bps]

    def _features(self, book: Book) -> Row:
        now = book.ns
        size = book.bid_qty + book.ask_qty
        micro = (book.ask * book.bid_qty + book.bid * book.ask_qty) / size if size > 0 else book.mid
        if self.settings.md_norm == 1:
            md = (micro - book.mid) / book.mid * 1e4
        else:
            md = (micro - book.mid) / (book.ask - book.bid) if book.ask > book.bid else 0.0
        ti_2s, buy_ratio_2s = imbalance(self.trades, now, 2 * SEC)
        minute = [b for b in self.books if b.ns >= now - 60 * SEC]
        return {
            "spread_bps": book.spread_bps,
            "qi": (book.bid_qty - book.ask_qty) / size if size > 0 else 0.0,
            "micro_price": micro,
            "md": md,
            "ret_2s_bps": window_return_bps(self.books, now, 2 * SEC),
            "ret_30s_bps": window_return_bps(self.books, now, 30 * SEC),
            "ti_2s": ti_2s,
            "ti_500ms": imbalance(self.trades, now, 500 * MS)[0],
            "ti_300ms": imbalance(self.trades, now, 300 * MS)[0],
            "buy_ratio_2s": buy_ratio_2s,
            "rv_1s_bps": trade_volatility_bps(self.trades, now),
            "rv_mid_1s_bps": mid_volatility_bps(self.books, now),
            "depth_min_bid_60s": smallest_positive([b.bid_qty for b in minute]),
            "depth_min_ask_60s": smallest_positive([b.ask_qty for b in minute]),
        }

    def _score(self, row: Row, now: int, is_md_negative: bool) -> None:
        s = self.settings
        self.z_ret.update(row["ret_2s_bps"], now, s)
        self.z_ti.update(row["ti_2s"], now, s)
        self.z_md.update(row["md"], now, s)
        self.z_dti.sample_change(row["ti_300ms"], now, s)
        self.z_dqi.sample_change(row["qi"], now, s)
        row["z_ret_2s"], row["z_ti_2s"], row["z_md"] = self.z_ret.z, self.z_ti.z, self.z_md.z
        row["z_neg_dti"], row["z_neg_dqi"] = self.z_dti.z, self.z_dqi.z
        row["pump_score"] = s.weight_ret * self.z_ret.z + s.weight_ti * self.z_ti.z + s.weight_md * self.z_md.z
        row["exhaust_score"] = self.z_dti.z + self.z_dqi.z + (1.0 if is_md_negative else 0.0)
        row["signal_strength"] = 0.5 * row["pump_score"] + 0.5 * row["exhaust_score"]

    def _spread_context(self, row: Row, now: int) -> None:
        if now - self.median_ns > 2 * SEC and len(self.spreads) > 10:
            self.median_spread_bps = statistics.median(self.spreads)
            self.median_ns = now
        row["median_spread_bps"] = self.median_spread_bps

    def _refresh_baseline(self, now: int) -> None:
        if self.refresh_ns is not None and now - self.refresh_ns < self.settings.refresh_ns:
            return
        self.refresh_ns = now
        weighted, weights = 0.0, 0.0
        for frame, weight, look_back in zip(self.frames, self.settings.tf_weight, self.settings.tf_look_back_ns, strict=True):
            vol = frame.volatility_bps(now, look_back)
            if vol <= 0.0:
                continue
            if self.settings.vol_units == 0:
                vol /= math.sqrt(frame.tf_ns / (60 * SEC))
            weighted += weight * vol
            weights += weight
        if weights > 0.0:
            self.baseline = weighted / weights

    def _live(self, row: Row, dt_sec: float) -> None:
        s = self.settings
        if s.vol_units == 1:
            if row["rv_1s_bps"] > 0.0:
                self.live_ema = row["rv_1s_bps"] if self.live_ema == 0.0 else self.live_ema + 0.25 * (row["rv_1s_bps"] - self.live_ema)
            return
        live_in = row["rv_mid_1s_bps"] * math.sqrt(60.0)
        if self.live_ema == 0.0:
            self.live_ema = live_in
        else:
            self.live_ema += (1.0 - math.pow(2.0, -dt_sec / s.live_half_life_sec)) * (live_in - self.live_ema)

    def _regime(self, row: Row, now: int, mid: float, dt_sec: float) -> None:
        s = self.settings
        if s.drift_enabled:
            for frame in self.frames:
                frame.on_mid(now, mid)
            self._refresh_baseline(now)
        self._live(row, dt_sec)
        base = self.baseline if self.baseline > 0.0 else max(self.live_ema, 8.0)
        live = self.live_ema if self.live_ema > 0.0 else base
        blended = (1.0 - s.live_weight) * base + s.live_weight * live
        row["baseline_bps"], row["live_bps"], row["blended_bps"] = base, live, blended
        row["drift_mult"] = clamp(blended / base, s.drift_min, s.drift_max)
        row["tail_ratio"] = max(live, blended) / base
        row["heavy_tail"] = row["tail_ratio"] >= s.tail_mult
        row["waterfall"] = waterfall(self.books, now, blended, s.waterfall_decay_sec)
