"""The cache of compiled code, looked at before anything is compiled: without it the compiler would write among the sources, or fail."""

from __future__ import annotations

import os

from slackwater.errors import SlackwaterError


def check_cache() -> None:
    """Make the folder of compiled code where it is missing. One that holds all that a run needs is not written to.

    Raises:
        SlackwaterError: it cannot be made, or not be written.
    """
    from slackwater.kernel.jit import CACHE_DIR, IS_COMPILED, IS_READ_ONLY

    if not IS_COMPILED or IS_READ_ONLY:
        return
    reason = "permission denied"
    try:
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        is_there = os.access(CACHE_DIR, os.W_OK)
    except OSError as error:
        is_there, reason = False, (error.strerror or str(error)).lower()
    if not is_there:
        raise SlackwaterError(
            f"{CACHE_DIR}: expected a folder that can be written, for compiled code, found: {reason}; SLACKWATER_CACHE names another"
        )
