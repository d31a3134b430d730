"""Tapes: import, generate, open, check, and the memory-mapped rows that runs read. No strategy, no venue simulation."""
