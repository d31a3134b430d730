"""Tests of `slackwater.schema`, with numbers worked out by hand."""
