"""The same kernels with and without compilation, bit for bit, and compiled with bounds checks."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.market_kit import T0, Book, Trade, instrument, signal_params, tape_of

ROOT = Path(__file__).resolve().parents[3]
ROWS = 500


def events() -> list[Book | Trade]:
    """A few hundred rows in which every window fills and empties."""
    rng = random.Random(5)
    now, price = T0, 50_000
    made: list[Book | Trade] = []
    for _ in range(ROWS):
        now += rng.choice([0, 1_000_000, 60_000_000, 400_000_000, 2_100_000_000])
        price += rng.choice([0, 0, 1, -1, 40])
        if rng.random() < 0.6:
            made.append((now, price, rng.randrange(900), price + rng.choice([0, 1, 2, -1]), rng.randrange(900)))
        else:
            made.append((now, price, rng.randrange(90), rng.random() < 0.5))
    return made


def signals_sha256() -> str:
    """A hash over the bytes of all columns, for all kinds of settings."""
    from slackwater.market.batch import signal_chunks

    digest = hashlib.sha256()
    for change in ({}, {"vol_units": 1}, {"z_clock": 1, "md_norm": 1}, {"drift_enabled": False}):
        for chunk in signal_chunks(tape_of(events()), instrument(), signal_params(**change), chunk_rows=128):
            for name in chunk.dtype.names or ():
                digest.update(chunk[name].tobytes())
    return digest.hexdigest()


def elsewhere(**environment: str) -> str:
    """The hash that another process with this environment finds."""
    code = "from tests.unit.market.test_nojit import signals_sha256; print(signals_sha256())"
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_interpreted_is_compiled_bit_for_bit() -> None:
    assert elsewhere(NUMBA_DISABLE_JIT="1") == elsewhere(NUMBA_DISABLE_JIT="0")


@pytest.mark.deep
def test_no_index_is_out_of_bounds() -> None:
    assert elsewhere(NUMBA_BOUNDSCHECK="1") == elsewhere(NUMBA_DISABLE_JIT="0")
