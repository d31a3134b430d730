"""Tests of what is found in tapes."""
