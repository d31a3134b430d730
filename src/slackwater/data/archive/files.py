"""The public archive's layout: which file holds what, its name and path, and the columns of each kind of file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from slackwater.errors import UsageError

BASE_URL = "https://data.binance.vision"
ROOTS = {"binance-um": "data/futures/um"}  # venue to folder
TYPES = ("bookTicker", "aggTrades", "klines", "fundingRate")
BOOK_TICKER_END = date(2024, 3, 30)  # the venue stopped publishing it after this day
LOOK_BACK_DAYS = {"1m": 1, "5m": 2, "15m": 7}  # the volatility regime looks back 6 h, 2 d and 7 d; files are whole days

COLUMNS = {
    "bookTicker": ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time", "event_time"),
    "aggTrades": ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker"),
    "klines": ("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count")
    + ("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
    "fundingRate": ("calc_time", "funding_interval_hours", "last_funding_rate"),
}
# Archive column to the name that imports use. The first is the key that orders rows and names repeats.
TAKEN = {
    "bookTicker": {
        "update_id": "key",
        "best_bid_price": "bid",
        "best_bid_qty": "bid_qty",
        "best_ask_price": "ask",
        "best_ask_qty": "ask_qty",
        "transaction_time": "ts_event",
    },
    "aggTrades": {
        "agg_trade_id": "key",
        "price": "price",
        "quantity": "qty",
        "transact_time": "ts_event",
        "is_buyer_maker": "buyer_maker",
    },
    "klines": {"open_time": "key", "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"},
    "fundingRate": {"calc_time": "key", "last_funding_rate": "rate"},
}


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One zip of the archive. `period` is a date, or a month for funding; `frame` is a candle's time frame."""

    root: str
    kind: str
    symbol: str
    period: str
    frame: str | None = None
    is_look_back: bool = False  # candles from before the first day asked for

    @property
    def name(self) -> str:
        """The file's own name."""
        return f"{self.symbol}-{self.frame or self.kind}-{self.period}.zip"

    @property
    def path(self) -> str:
        """Where it lies below the base URL, and below the download cache."""
        span = "monthly" if self.kind == "fundingRate" else "daily"
        middle = f"{self.symbol}/{self.frame}" if self.frame else self.symbol
        return f"{self.root}/{span}/{self.kind}/{middle}/{self.name}"


def parse_date(name: str, text: str) -> date:
    """A UTC date.

    Raises:
        UsageError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a date such as 2024-03-29, found {text!r}") from None


def parse_types(text: str) -> tuple[str, ...]:
    """The kinds of file named in a comma-separated list.

    Raises:
        UsageError: one is unknown, or there is none.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in TYPES]
    if unknown or not names:
        raise UsageError(f"--types: expected some of {', '.join(TYPES)}, found {', '.join(unknown) or 'none'}")
    return names


def days_between(first: date, last: date) -> list[date]:
    """All days from the first to the last, both included.

    Raises:
        UsageError: the last lies before the first.
    """
    if last < first:
        raise UsageError(f"--to: expected a day not before --from {first}, found {last}")
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def plan_files(venue: str, symbol: str, days: Sequence[date], types: Sequence[str]) -> list[ArchiveFile]:
    """The files that hold the given days, oldest first within a kind, candles with their look-back.

    Raises:
        UsageError: the venue has no archive here.
    """
    if venue not in ROOTS:
        raise UsageError(f"--venue: expected {' or '.join(ROOTS)}, found {venue!r}")
    files: list[ArchiveFile] = []
    for kind in types:
        blank = ArchiveFile(ROOTS[venue], kind, symbol, "")
        if kind == "fundingRate":
            files += [replace(blank, period=month) for month in dict.fromkeys(f"{day:%Y-%m}" for day in days)]
        elif kind == "klines":
            for frame, count in LOOK_BACK_DAYS.items():
                before = [days[0] - timedelta(days=back) for back in range(count, 0, -1)]
                files += [replace(blank, period=str(day), frame=frame, is_look_back=True) for day in before]
                files += [replace(blank, period=str(day), frame=frame) for day in days]
        else:
            files += [replace(blank, period=str(day)) for day in days]
    return files
