"""The program: `slackwater` and `python -m slackwater`."""

from __future__ import annotations

import sys

from slackwater.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
