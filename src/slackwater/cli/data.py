"""`slackwater data`: everything about tapes. Each import below puts its sub-commands on the command."""

from __future__ import annotations

import slackwater.cli.data_export
import slackwater.cli.data_fetch
import slackwater.cli.data_import
import slackwater.cli.data_query
import slackwater.cli.data_record
import slackwater.cli.data_tape  # noqa: F401
from slackwater.cli.data_app import app

__all__ = ["app"]
