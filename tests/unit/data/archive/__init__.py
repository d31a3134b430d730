"""Tests of fetching the public archive."""
