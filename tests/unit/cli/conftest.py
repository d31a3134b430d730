"""The shared tape and run."""

from tests.runs import run, tape

__all__ = ["run", "tape"]
