"""Tests of `slackwater.decision`, with numbers worked out by hand."""
