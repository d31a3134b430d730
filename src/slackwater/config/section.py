"""What every section of the configuration is made of: a strict frozen model, a documented knob, a rule between knobs."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

TEN_YEARS_SEC = 315_360_000  # long enough for any wait, and as nanoseconds it fits into an int64 beside today's date
DURATION = re.compile(r"[0-9]{1,9}[smhd]")
DURATION_UNITS_SEC = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Section(BaseModel):
    """A part of the configuration. Values do not change after loading, and what is not declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)


def knob(default: Any, unit: str, why: str, **limits: Any) -> Any:
    """One setting: its default, its unit, what it does and why, and the limits (`ge gt le lt min_length max_length`)."""
    return Field(default, description=f"{unit}; {why}" if unit else why, **limits)


def seconds(default: float, why: str, **limits: Any) -> Any:
    """A setting in seconds: 0 or more unless the limits say otherwise, and at most ten years."""
    return knob(default, "s", why, **{"le": TEN_YEARS_SEC, **({} if "gt" in limits else {"ge": 0}), **limits})


def require(holds: bool, key: str, expected: str, found: object) -> None:
    """Refuse a section whose knobs contradict each other; `key` is the knob to blame, relative to the section."""
    if not holds:
        raise PydanticCustomError("rule", "expected {expected}, found {found}", {"key": key, "expected": expected, "found": found})


def duration_sec(text: str) -> int:
    """The seconds of a length of time as people write it: `30s`, `90m`, `6h`, `2d`."""
    return int(text[:-1]) * DURATION_UNITS_SEC[text[-1]]


def _duration(value: object) -> str:
    if isinstance(value, str) and DURATION.fullmatch(value):
        return value
    raise PydanticCustomError("duration", "a whole number and s, m, h or d, like 30s, 6h or 2d")


Duration = Annotated[str, PlainValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^{DURATION.pattern}$"})]
