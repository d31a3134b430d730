"""slackwater: short exhausted pumps for crypto perpetuals and back-test it on ticks."""

__version__ = "0.1.0"
