"""Tests of made tapes."""
