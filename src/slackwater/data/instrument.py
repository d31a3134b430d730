"""A symbol's steps and minimums as decimals, exactly: the content of `instrument.json` and its lowering to the compiled record."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from slackwater.data.layout import read_json
from slackwater.errors import DataError, UsageError
from slackwater.kernel.record import Box

MAX_EXACT = 2**53  # beyond this a float64 no longer holds every whole number
LINEAR = "linear"  # the only kind of contract: sized in the base currency, settled in the quote currency
DEFAULT_MIN_NOTIONAL = "5"  # what Binance USD-M asks of most symbols


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """What `instrument.json` says. Sizes are in base units, `min_notional` in the quote currency."""

    tick_size: Decimal
    lot_size: Decimal
    min_qty: Decimal
    min_notional: Decimal
    contract: str = LINEAR
    history: tuple[dict[str, str], ...] = ()  # from which day on the venue traded in which steps, where they changed

    @property
    def tick(self) -> Fraction:
        """The price step as a reduced fraction."""
        return Fraction(self.tick_size)

    @property
    def lot(self) -> Fraction:
        """The size step as a reduced fraction."""
        return Fraction(self.lot_size)

    def as_json(self) -> dict[str, Any]:
        """The object written to `instrument.json`: decimals as strings, so that nothing is rounded."""
        found: dict[str, Any] = {
            "tick_size": plain(self.tick_size),
            "lot_size": plain(self.lot_size),
            "min_qty": plain(self.min_qty),
            "min_notional": plain(self.min_notional),
            "contract": self.contract,
        }
        return found | ({"history": list(self.history)} if self.history else {})

    def to_instrument(self, box_row: Any) -> None:
        """Fill a row of `schema.instrument.Instrument`, the fractions reduced."""
        tick, lot = self.tick, self.lot
        box_row.tick_num, box_row.tick_den = float(tick.numerator), float(tick.denominator)
        box_row.lot_num, box_row.lot_den = float(lot.numerator), float(lot.denominator)
        box_row.min_lots = ceil(Fraction(self.min_qty) / lot)
        box_row.min_notional_usd = float(self.min_notional)


def plain(value: Decimal) -> str:
    """A decimal without exponent or trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_step(name: str, text: str) -> Decimal:
    """A positive decimal whose fraction compiled code can hold exactly.

    Raises:
        UsageError: it is no number, not positive, or too fine or too large.
    """
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(f"{name}: expected a decimal such as 0.01, found {text!r}") from None
    if not value.is_finite() or value <= 0:
        raise UsageError(f"{name}: expected a positive decimal such as 0.01, found {text!r}")
    fraction = Fraction(value)
    if max(fraction.numerator, fraction.denominator) > MAX_EXACT:
        raise UsageError(f"{name}: expected at most 15 digits, found {text!r}")
    return value


def read_instrument(path: Path) -> InstrumentSpec:
    """The specification in an `instrument.json`.

    Raises:
        DataError: the file is missing, a field is missing or no positive decimal, or the contract is not linear.
    """
    return parse_instrument(str(path), read_json(path))


def parse_instrument(place: str, found: dict[str, Any]) -> InstrumentSpec:
    """The specification in the content of an `instrument.json`; `place` says where it stood, for messages.

    Raises:
        DataError: a field is missing or no positive decimal, or the contract is not linear.
    """
    values: dict[str, Decimal] = {}
    for name in ("tick_size", "lot_size", "min_qty", "min_notional"):
        if name not in found:
            raise DataError(f"{place}: expected the field {name}, found {', '.join(sorted(found)) or 'nothing'}")
        text = str(found[name])
        try:
            values[name] = Decimal(0) if name == "min_notional" and not float(text) else parse_step(name, text)
        except (UsageError, ValueError) as error:
            raise DataError(f"{place}: {error}") from error
    history = found.get("history", [])
    if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
        raise DataError(f"{place}: expected history as a list of objects, found {history!r}")
    check_contract(place, found)
    return InstrumentSpec(contract=LINEAR, history=tuple(history), **values)


def check_contract(place: str, found: dict[str, Any]) -> None:
    """Refuse the content of an `instrument.json` whose contract is not linear: sizes would not be in base units, nor profits in the quote
    currency. `place` says where it stood.

    Raises:
        DataError: it is another kind.
    """
    contract = found.get("contract", LINEAR)
    if contract != LINEAR:
        raise DataError(f"{place}: expected a linear contract, found contract {contract!r}; others are not simulated")


def to_instrument(spec: InstrumentSpec, box: Box) -> None:
    """Fill a one-row box of `schema.instrument.Instrument`."""
    spec.to_instrument(box[0])
