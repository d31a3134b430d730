"""Files of events that are not whole: what came before the fault is imported and the fault is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slackwater.data.formats import hftbacktest as hft
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.imports import FormatRequest, open_format
from slackwater.data.formats.touch import BUY, SELL
from slackwater.errors import DataError
from tests.unit.data.tables import SEC, T0

COUNT = 30_000


def events() -> Any:
    """A level of each side in turn, ever at another price, and a trade after each pair."""
    found = np.zeros(COUNT, hft.EVENT)
    number = np.arange(COUNT)
    kind = number % 3
    found["ev"] = np.choose(kind, [hft.DEPTH | BUY, hft.DEPTH | SELL, hft.TRADE | BUY]) | hft.LOCAL | hft.EXCHANGE
    found["exch_ts"] = T0 + number * SEC // 1000
    found["local_ts"] = found["exch_ts"] + 1000
    found["px"] = np.choose(kind, [100.0 - number % 7, 110.0 + number % 7, 105.0])
    found["qty"] = 1.0 + np.random.default_rng(1).integers(0, 1000, COUNT)
    return found


def imported(folder: Path, path: Path) -> dict[str, Any]:
    request = FormatRequest("hftbacktest", ImportRequest("v", "", Path(), Path(), folder / "tape"), ("S",), inputs=(path,))
    base, sources = open_format(request)
    return import_tape(base, sources=sources)


def test_an_npy_that_is_cut_gives_the_events_before(tmp_path: Path) -> None:
    path = tmp_path / "e.npy"
    np.save(path, events())
    content = path.read_bytes()
    header = len(content) - COUNT * hft.EVENT.itemsize
    path.write_bytes(content[: header + 20_000 * hft.EVENT.itemsize + 17])
    done = imported(tmp_path, path)
    assert done["rows"]["trades.parquet"] == 20_000 // 3
    assert done["quarantined"] == {"cut_off": 2}, "once for quotes, once for trades"
    assert done["places"]["e.npy"]["cut_off"] == [20_001]
    assert "cut off" in done["notes"][0] and "event 20001" in done["notes"][0]


def test_an_npz_whose_checksum_does_not_fit_is_imported_and_told_of(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    np.savez(path, data=events())
    content = bytearray(path.read_bytes())
    place = len(content) // 2 // hft.EVENT.itemsize * hft.EVENT.itemsize
    content[place] ^= 0x01
    path.write_bytes(bytes(content))
    done = imported(tmp_path, path)
    assert done["quarantined"]["bad_checksum"] == 2
    assert done["rows"]["trades.parquet"] >= COUNT // 3 - 1
    assert "its checksum does not fit" in " ".join(done["notes"])


@pytest.mark.parametrize("seed", range(40))
def test_no_flipped_byte_makes_another_error(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "e.npz"
    np.savez_compressed(path, data=events()[:300])
    content = bytearray(path.read_bytes())
    draw = np.random.default_rng(seed)
    for place in draw.integers(0, len(content), 2):
        content[place] ^= 1 << draw.integers(0, 8)
    path.write_bytes(bytes(content))
    try:
        assert imported(tmp_path, path)["rows"]
    except DataError as error:
        assert "expected" in str(error)


@pytest.mark.parametrize(
    "header", [b"{'descr': [('ev', '<u8'", b"{'descr': ", b"\xff\xff", b"import os", b"{'shape': (1,), 'fortran_order': False}"]
)
def test_a_header_that_is_none_is_told(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "e.npy"
    text = header.ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    with pytest.raises(DataError, match=r"e.npy: expected an array of events, found"):
        imported(tmp_path, path)
