"""Tests of `slackwater.kernel`, with numbers worked out by hand."""
