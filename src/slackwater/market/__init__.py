"""What the market is doing: signals and the volatility regime, from books, trades and candles alone."""
