"""From YAML text to a validated configuration, or to a message that names the key, the line and what was expected."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from slackwater.config.complaints import complain
from slackwater.config.legacy import drop_unused
from slackwater.config.model import Config
from slackwater.errors import ConfigError, UsageError

Lines = dict[tuple[str, ...], int]  # path of a key -> its line, counted from 1


def load(path: str | Path | None = None) -> Config:
    """The configuration of a YAML file, or all defaults without one. Paths in it begin at the file's folder, and come out absolute.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, or a value is out of range. Every problem is one line.
    """
    if path is None:
        return Config()
    source = Path(path)
    lines: Lines = {}
    try:
        document = _read(source)
        _find_lines(document, (), lines)
        values = _plain(document)
    except RecursionError as error:
        raise ConfigError(f"{source}: expected sections and settings, found values nested without end") from error
    return anchored(_validated(values, lines, str(source)), source.parent)


def anchored(config: Config, folder: Path) -> Config:
    """The configuration with its paths absolute, those that are not taken from a folder."""
    named = config.sim.latency_file
    if not named or Path(named).is_absolute():
        return config
    return config.model_copy(update={"sim": config.sim.model_copy(update={"latency_file": os.path.abspath(folder / named)})})


def from_mapping(values: Mapping[str, Any]) -> Config:
    """The configuration of nested mappings, as a file would hold them; what is left out keeps its default.

    Raises:
        ConfigError: a key is unknown or a value is out of range.
    """
    return _validated(_plain(values), {}, "")


def with_seed(config: Config, seed: int) -> Config:
    """The configuration with another start of all randomness, as a command's `--seed` asks for.

    Raises:
        UsageError: `session.seed` does not allow it.
    """
    try:
        asked = Config.model_validate({"session": {"seed": seed}}).seed
    except ValidationError as error:
        raise UsageError(complain(error)[0].text.replace("session.seed", "--seed", 1)) from None
    return config.model_copy(update={"session": config.session.model_copy(update={"seed": asked})})


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: expected a configuration file, found {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x} at {error.start}") from error
    try:
        document = YAML().load(text)
    except DuplicateKeyError as error:
        raise ConfigError(f"{path}{_line(error)}: expected every key once, {_problem(error)}") from error
    except MarkedYAMLError as error:
        raise ConfigError(f"{path}{_line(error)}: expected YAML; its reader says: {_problem(error)}") from error
    except YAMLError as error:
        raise ConfigError(f"{path}: expected YAML; its reader says: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected sections like `grid:` with settings below them, found {_kind(document)}")
    return document


def _kind(document: Any) -> str:
    return f"a list of {len(document)}" if isinstance(document, list) else repr(document)


def _line(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" line {mark.line + 1}" if mark is not None else ""


def _problem(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())
    return f"{error.context}, {problem}" if problem.startswith("but ") else problem


def _validated(values: dict[str, Any], lines: Lines, source: str) -> Config:
    known, notices = drop_unused({name: {} if section is None else section for name, section in values.items()})
    try:
        config = Config.model_validate(known)
    except ValidationError as error:
        problems = [f"{complaint.text}{_place(complaint.path, lines, source)}" for complaint in complain(error)]
        raise ConfigError("\n".join(problems)) from None
    config._notices = tuple(notices)
    return config


def _place(path: tuple[str, ...], lines: Lines, source: str) -> str:
    while path and path not in lines:
        path = path[:-1]
    return f" ({source} line {lines[path]})" if path else ""


def _find_lines(node: Any, path: tuple[str, ...], lines: Lines) -> None:
    if not isinstance(node, CommentedMap):
        return
    for key, value in node.items():
        here = (*path, str(key))
        # A key that a merge (`<<`) brought in has no position of its own.
        if key in (node.lc.data or {}):
            lines[here] = node.lc.key(key)[0] + 1
        _find_lines(value, here, lines)


def _plain(value: Any) -> Any:
    """Plain Python values of what the YAML reader gives, so that strict types mean what they say."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
