"""The whole configuration as one frozen object, and the ways it is written out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from slackwater.config.market import Account, Fees, Portfolio, Scanner, Session, Signals, Sim, Volatility
from slackwater.config.section import Section
from slackwater.config.trading import Dynamic, Edge, Execution, Exit, Grid, InverseTp, Orphans, Recovery, Risk, Stealth

if TYPE_CHECKING:
    from slackwater.kernel.record import Box

LINE_LENGTH = 140
PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[0-9]+[smhd]")  # what YAML reads as text without quotes
NOT_TEXT = frozenset({"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL"})
HEAD = """\
# Every setting of slackwater with its default. A file needs only the settings that differ: what it leaves out stays as here.
# Units stand first in each comment: bps are 1e-4 of price, usd the quote currency, s, ms, min and h times, x a factor.
# `slackwater config check FILE` validates a file and prints the grid it implies; `slackwater config show` prints this one.
"""


class Config(Section):
    """Everything that can be set. Frozen; equal configurations are equal objects and give equal parameters."""

    session: Session = Session()
    account: Account = Account()
    scanner: Scanner = Scanner()
    portfolio: Portfolio = Portfolio()
    fees: Fees = Fees()
    grid: Grid = Grid()
    volatility: Volatility = Volatility()
    signals: Signals = Signals()
    exit: Exit = Exit()
    inverse_tp: InverseTp = InverseTp()
    risk: Risk = Risk()
    dynamic: Dynamic = Dynamic()
    edge: Edge = Edge()
    recovery: Recovery = Recovery()
    orphans: Orphans = Orphans()
    stealth: Stealth = Stealth()
    execution: Execution = Execution()
    sim: Sim = Sim()
    _notices: tuple[str, ...] = PrivateAttr(default=())

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told about the file this came from: settings that are accepted and have no effect."""
        return self._notices

    @property
    def seed(self) -> int:
        """The start of all randomness of a run."""
        return self.session.seed

    def to_params(self) -> Box:
        """The configuration as compiled code reads it: one row of `schema.params.Params`."""
        from slackwater.config.lowering import lower

        return lower(self)

    def to_mapping(self) -> dict[str, dict[str, Any]]:
        """Every section and setting, defaults included, as plain values in the file's order and names."""
        return {name: _plain(values) for name, values in self.model_dump(by_alias=True).items()}

    def resolved_yaml(self) -> str:
        """The complete configuration as YAML without comments; loading it gives an equal configuration."""
        lines = []
        for name, values in self.to_mapping().items():
            lines.append(f"{name}:\n")
            lines.extend(f"  {key}: {_inline(value)}\n" for key, value in values.items())
        return "".join(lines)

    def commented_yaml(self) -> str:
        """The complete configuration as YAML with the unit and the reason of every setting."""
        lines = [HEAD]
        for name, values in self.to_mapping().items():
            section = type(getattr(self, name))
            lines.append(f"\n{name}:  # {_first_line(section)}\n")
            for key, field in section.model_fields.items():
                setting = f"  {key}: {_inline(values[key])}"
                comment = f"  # {field.description}"
                joined = setting + comment
                lines.append(f"{joined}\n" if len(joined) <= LINE_LENGTH else f"{comment}\n{setting}\n")
        return "".join(lines)


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _inline(value: Any) -> str:
    """A value as it is written in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, str) and PLAIN_TEXT.fullmatch(value) and value not in NOT_TEXT:
        return value
    return json.dumps(value)  # numbers, true and false as YAML has them, and text in quotes that YAML understands
