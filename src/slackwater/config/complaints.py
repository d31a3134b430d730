"""What a validation error says to a person: `grid.max_layers: expected 1..64, found 0`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from slackwater.config.model import Config

TYPES = {
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a section of settings",
    "model_attributes_type": "a section of settings",
}
LIMITS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
LENGTHS = ("too_short", "too_long")
LIKE = 0.8  # of the letters of two names: nearly the same one
BESIDE = 0.2  # more for one of the same section, where a slip of the pen is likelier than a wrong place


class Complaint(NamedTuple):
    """One problem: where, and the sentence about it."""

    path: tuple[str, ...]
    text: str


def complain(error: ValidationError) -> list[Complaint]:
    """One complaint for every problem that was found, in the order of the file's sections."""
    details = error.errors(include_url=False)
    # A list with an item that is wrong counts as too short as well, whatever its length: the item's own complaint says it.
    blamed = {detail["loc"][:depth] for detail in details for depth in range(1, len(detail["loc"]))}
    return [_complaint(detail) for detail in details if detail["type"] != "too_short" or detail["loc"] not in blamed]


def _complaint(detail: ErrorDetails) -> Complaint:
    path = tuple(str(part) for part in detail["loc"])
    context = detail.get("ctx", {})
    if detail["type"] == "extra_forbidden":
        return Complaint(path, f"{'.'.join(path)}: {_unknown(path)}")
    if detail["type"] == "rule":
        path = (*path, context["key"])
        return Complaint(path, f"{'.'.join(path)}: {detail['msg']}")
    return Complaint(path, f"{'.'.join(path)}: expected {_expected(detail, path)}, found {_shown(detail['input'])}")


def _unknown(path: tuple[str, ...]) -> str:
    section, dot, key = path[-1].partition(".")
    if dot and len(path) == 1:
        return f"expected the setting below its section, `{section}:` and in it `{key}:`"
    near = nearest(path)
    return "unknown, and no known one is like it" if near is None else f"unknown, the nearest known one is {near}"


def _expected(detail: ErrorDetails, path: tuple[str, ...]) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    field = _field(path)
    if kind in TYPES:
        return TYPES[kind]
    if kind == "literal_error" and field is not None:
        return " or ".join(get_args(field.annotation))
    if kind in LENGTHS and field is not None:
        return f"{_range(field, 'min_length', 'max_length')} values"
    if kind in LIMITS:
        return _range(field, "ge", "le", "gt", "lt") if field is not None else _bound(kind, context)
    return detail["msg"]


def _bound(kind: str, context: dict[str, Any]) -> str:
    # The limit of an item in a list is not the list's own: only the one that was broken is known.
    words = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than", "less_than_equal": "at most"}
    (value,) = (context[name] for name in ("gt", "ge", "lt", "le") if name in context)
    return f"{words[kind]} {_number(value)}"


def _range(field: FieldInfo, *names: str) -> str:
    found = {name: getattr(item, name) for item in field.metadata for name in names if hasattr(item, name)}
    low, high = found.get("ge", found.get("min_length")), found.get("le", found.get("max_length"))
    if low is not None and high is not None:
        return f"{_number(low)}..{_number(high)}"
    parts = []
    if "gt" in found:
        parts.append(f"more than {_number(found['gt'])}")
    if low is not None:
        parts.append(f"{_number(low)} or more")
    if "lt" in found:
        parts.append(f"less than {_number(found['lt'])}")
    if high is not None:
        parts.append(f"at most {_number(high)}")
    return " and ".join(parts)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, BaseModel)):
        return "a section"
    return f"a list of {len(value)}" if isinstance(value, tuple) else repr(value)


def _field(path: tuple[str, ...]) -> FieldInfo | None:
    """The declaration at a path of names as they stand in the file; nothing for an item of a list."""
    model: Any = Config
    field: FieldInfo | None = None
    for name in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
        field = next((item for key, item in model.model_fields.items() if name in (key, item.alias)), None)
        if field is None:
            return None
        model = field.annotation
    return field


def known_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """Every section and setting by its full dotted name."""
    for key, field in model.model_fields.items():
        name = f"{prefix}{field.alias or key}"
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{name}.")


def nearest(path: tuple[str, ...]) -> str | None:
    """The known key most like an unknown one: of its own section, or one of nearly its name in another; None where none is like it."""
    section, _, own = ".".join(path).rpartition(".")
    likeness = {}
    for key in known_keys():
        home, _, name = key.rpartition(".")
        if home or not section:
            likeness[key] = difflib.SequenceMatcher(None, own.lower(), name.lower()).ratio() + (BESIDE if home == section else 0.0)
    found = max(likeness, key=likeness.__getitem__)
    return found if likeness[found] >= LIKE else None
