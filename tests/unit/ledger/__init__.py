"""Tests of `slackwater.ledger`, with numbers worked out by hand."""
