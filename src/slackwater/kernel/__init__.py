"""Tools of compiled code: no trading, no I/O but the compile cache's folder."""
