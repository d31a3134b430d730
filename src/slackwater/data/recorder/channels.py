"""Which streams a recording subscribes to, and how they are spread over sockets. Opens no connection."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slackwater.errors import UsageError

MOST_STREAMS = 1024  # the venue closes a connection with one more
TABLE = Path(__file__).with_name("channels.toml")


@dataclass(frozen=True, slots=True)
class Socket:
    """One connection to open: its path and the streams it carries, at most `MOST_STREAMS`."""

    path: str
    streams: tuple[str, ...]


def plan_sockets(symbols: Sequence[str], table: Path = TABLE) -> list[Socket]:
    """The sockets that carry every stream of the table for these symbols, by path; a symbol named twice counts once.

    Raises:
        UsageError: there is no symbol, or the table is none.
    """
    names = list(dict.fromkeys(symbol.lower() for symbol in symbols))
    if not names:
        raise UsageError("--symbols: expected at least one symbol such as ETHUSDT, found none")
    by_path: dict[str, list[str]] = {}
    try:
        channels = tomllib.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{table}: expected a table of channels and paths, found: {error}") from error
    for channel, path in channels.items():
        if not isinstance(path, str):
            raise UsageError(f'{table}: expected a path such as "/market" for {channel}, found {path!r}')
        by_path.setdefault(path, []).extend(f"{name}@{channel}" for name in names)
    return [
        Socket(path, tuple(streams[start : start + MOST_STREAMS]))
        for path, streams in sorted(by_path.items())
        for start in range(0, len(streams), MOST_STREAMS)
    ]
