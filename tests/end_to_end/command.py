"""The installed program as its users call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("slackwater")
LIMIT_SEC = 300  # the first call may compile


def slackwater(*words: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program and return what it said and its exit code."""
    called = [str(PROGRAM), *(str(word) for word in words)]
    known = {**os.environ, **(environment or {})}
    return subprocess.run(called, capture_output=True, text=True, timeout=LIMIT_SEC, check=False, env=known)


def answer(*words: object, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Run the program with `--json`, expect it to succeed, and return its object."""
    done = slackwater(*words, "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
