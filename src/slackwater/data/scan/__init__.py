"""Symbols ranked by what the strategy needs, from a tape or a snapshot of tickers."""
