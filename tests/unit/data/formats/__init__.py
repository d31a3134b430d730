"""Tests of formats: read, checked, written."""
