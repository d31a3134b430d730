"""`slackwater data sql` and `slackwater data scan`: questions to a tape."""

from __future__ import annotations
