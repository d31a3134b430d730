"""Text that is not whole: what came before the fault is imported, the fault is counted with its place, and nothing stops."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.data.formats.importer import ImportRequest, import_tape
from slackwater.data.formats.imports import FormatRequest, open_format
from slackwater.data.formats.text_input import CHUNK_BYTES, LONGEST_LINE_BYTES, TextInput
from tests.unit.data.tables import SEC, T0

HEAD = "ts_event,bid,bid_qty,ask,ask_qty"
ROWS = 40_000
DRAW = random.Random(1)
LINES = [HEAD, *(f"{T0 + k * SEC // 100},{99 + DRAW.randrange(10) / 10},{DRAW.randrange(1, 1000)},100.1,2" for k in range(ROWS))]
TEXT = ("\n".join(LINES) + "\n").encode()
PACKED = gzip.compress(TEXT)
TRADES = f"ts_event,price,qty,buyer_maker\n{T0},100.0,1,true\n"


def imported(folder: Path, quotes: bytes, name: str = "q.csv.gz", sort: bool = False) -> dict[str, Any]:
    (folder / name).write_bytes(quotes)
    (folder / "t.csv").write_text(TRADES)
    return import_tape(ImportRequest("v", "S", folder / name, folder / "t.csv", folder / "tape", sort=sort))


def flipped(place: int) -> bytes:
    found = bytearray(PACKED)
    found[place] ^= 0xFF
    return bytes(found)


def times(folder: Path) -> list[int]:
    found: list[int] = pq.read_table(folder / "tape/v/S/2023-11-14/quotes.parquet").column("ts_event").to_pylist()
    return found


def test_a_gzip_cut_in_the_middle_gives_the_lines_before_and_no_part_of_one(tmp_path: Path) -> None:
    done = imported(tmp_path, PACKED[: len(PACKED) // 2])
    before = zlib.decompressobj(31).decompress(PACKED[: len(PACKED) // 2])
    count = before.count(b"\n") - 1
    assert ROWS // 4 < count < ROWS
    assert times(tmp_path) == [T0 + k * SEC // 100 for k in range(count)]
    assert done["quarantined"] == {"cut_off": 1}
    assert done["places"] == {"q.csv.gz": {"cut_off": [count + 2]}}
    assert done["notes"] == [
        f"q.csv.gz: the file is cut off or goes on with something else at line {count + 2}; what is before that was imported"
    ]


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (PACKED + b"garbage after it", {"cut_off": 1}),
        (PACKED[:-4], {"cut_off": 1}),
        (PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:], {"bad_checksum": 1}),
        (PACKED + b"\0" * 100_000, {}),
        (gzip.compress(TEXT[: len(TEXT) // 3]) + gzip.compress(TEXT[len(TEXT) // 3 :]), {}),
        (gzip.compress(TEXT.rstrip(b"\n")), {}),
        (TEXT, {}),
    ],
    ids=["garbage", "no_end", "checksum", "padding", "two_members", "no_last_newline", "not_packed"],
)
def test_no_line_before_the_fault_is_lost(tmp_path: Path, content: bytes, kinds: dict[str, int]) -> None:
    done = imported(tmp_path, content)
    assert done["quarantined"] == kinds
    assert list(done["places"].get("q.csv.gz", {}).values()) == [[ROWS + 2]] * len(kinds)
    assert len(times(tmp_path)) == ROWS


def test_a_gzip_that_is_called_csv_is_read(tmp_path: Path) -> None:
    assert imported(tmp_path, PACKED, "q.csv")["rows"]["quotes.parquet"] == ROWS


@pytest.mark.parametrize("place", range(20_000, len(PACKED) - 8, len(PACKED) // 5))
def test_a_flipped_byte_anywhere_stops_nothing(tmp_path: Path, place: int) -> None:
    done = imported(tmp_path, flipped(place))
    assert {"cut_off", "bad_checksum"} & set(done["quarantined"])
    good = [T0 + k * SEC // 100 for k in range(ROWS * place // len(PACKED) * 9 // 10)]
    assert set(good) <= set(times(tmp_path)), "what lies before the fault is all there"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_run_of_zeros_longer_than_a_block_costs_one_line(tmp_path: Path, pack: Any) -> None:
    done = imported(tmp_path, pack(TEXT + b"\0" * 3_000_000 + b"\n" + TEXT.partition(b"\n")[2] + b"x" * 2_000_000), sort=True)
    assert done["rows"]["quotes.parquet"] == 2 * ROWS
    assert done["places"]["q.csv.gz"] == {"malformed_line": [ROWS + 2, 2 * ROWS + 3]}


def test_a_line_keeps_its_first_bytes_only(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\n" + b"b" * (3 * LONGEST_LINE_BYTES) + b"\nc\n")
    assert TextInput(tmp_path / "x").read() == b"a\n" + b"b" * LONGEST_LINE_BYTES + b"\nc\n"


@pytest.mark.parametrize("broken", [b"\xff\xfe,1", b"\xac\xac\xac", "1,2,3,4,5,6,\u2603".encode(), b"\xe2\x98"])
@pytest.mark.parametrize("is_typed", [True, False])
def test_lines_with_bytes_that_are_no_text_are_counted_in_their_place(tmp_path: Path, broken: bytes, is_typed: bool) -> None:
    lines = TEXT.splitlines(keepends=True)[:5000]
    lines[100], lines[4000] = broken + b"\n", broken + b"\n"
    if not is_typed:
        lines[3000] = lines[3000].replace(b",", b",\xff", 1)
    done = imported(tmp_path, b"".join(lines), "q.csv")
    assert done["places"]["q.csv"] == {"malformed_line": [101, 4001]} | ({} if is_typed else {"wrong_type": [3001]})
    assert len(times(tmp_path)) == 4999 - 2 - (not is_typed)


def test_a_character_across_two_reads_is_whole(tmp_path: Path) -> None:
    text = "a" * (CHUNK_BYTES - 1) + "\u2603\n"
    (tmp_path / "x").write_bytes(text.encode() + b"\xe2\x98")
    assert TextInput(tmp_path / "x").read() == text.encode() + "\ufffd".encode()


def test_a_tardis_file_that_is_cut_is_imported_up_to_there(tmp_path: Path) -> None:
    head = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
    start = T0 // 1000
    lines = [head, *(f"x,AUSDT,{start + k * 1000},{start + k * 1000 + 7},2.5,{100 + k % 9}.1,99.9,1.5" for k in range(20_000))]
    packed = gzip.compress("\n".join(lines).encode())
    (tmp_path / "q.csv.gz").write_bytes(packed[: len(packed) * 3 // 4])
    (tmp_path / "t.csv").write_text(
        f"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nx,AUSDT,{start},{start},1,buy,100,1\n"
    )
    base = ImportRequest("tardis", "", Path(), Path(), tmp_path / "tape")
    completed, sources = open_format(FormatRequest("tardis", base, ("AUSDT",), tmp_path / "q.csv.gz", tmp_path / "t.csv"))
    done = import_tape(completed, sources=sources)
    assert done["quarantined"] == {"cut_off": 1}
    assert 10_000 < done["rows"]["quotes.parquet"] < 19_000
    assert done["places"]["q.csv.gz"]["cut_off"] == [done["rows"]["quotes.parquet"] + 2]


def test_the_command_says_where_and_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "q.csv.gz").write_bytes(PACKED[: len(PACKED) // 2])
    (tmp_path / "t.csv").write_text(TRADES)
    words = ["data", "import", "--venue", "v", "--symbol", "S", "--quotes", str(tmp_path / "q.csv.gz"), "--trades", str(tmp_path / "t.csv")]
    assert main([*words, "--to", str(tmp_path / "tape")]) == 0
    shown = capsys.readouterr()
    assert "dropped: 1 cut_off (q.csv.gz line " in shown.out
    assert "q.csv.gz: the file is cut off" in shown.err
