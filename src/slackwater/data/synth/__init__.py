"""Tapes made from a seed: markets with bursts, spread regimes and pumps."""
