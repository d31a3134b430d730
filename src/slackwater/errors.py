"""Every error a user can meet, with the exit code it ends the program with.

A message says what was expected, what was found and what to do about it, in one sentence.
"""

from __future__ import annotations


class SlackwaterError(Exception):
    """The work failed."""

    exit_code = 1


class UsageError(SlackwaterError):
    """The command was called in a way that makes no sense."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration has an unknown key or a value out of range."""


class SafetyError(SlackwaterError):
    """Refused because going on could cost money or truth."""

    exit_code = 3


class DataError(SlackwaterError):
    """Data is missing, damaged or not what it claims to be."""

    exit_code = 4
