"""Tests of tapes: import, cache, synthesis, checks."""
