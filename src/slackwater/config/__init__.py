"""The configuration: the YAML sections that operators know, validated once, lowered to numbers once.

`load` reads a file, `from_mapping` takes the same structure from Python. Both refuse what they do not know and say where.
"""

from slackwater.config.loading import from_mapping, load
from slackwater.config.model import Config

__all__ = ["Config", "from_mapping", "load"]
