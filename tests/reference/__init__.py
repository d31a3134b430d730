"""A slow reading of the strategy in plain Python, written from its definition alone, to compare the compiled engine with."""
