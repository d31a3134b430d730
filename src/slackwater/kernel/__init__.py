"""Tools of compiled code: no trading, no I/O but the compile cache's folder."""

import os

# Read by the compiler when it is imported: its third level took an eighth longer to compile and made nothing quicker.
os.environ.setdefault("NUMBA_OPT", "2")
