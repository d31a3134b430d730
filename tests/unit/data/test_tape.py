"""Opening a tape: which symbols, which refusals, and a hash that follows the content."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from slackwater.cli.app import main
from slackwater.data.cache import load_rows
from slackwater.data.catalog import list_tape
from slackwater.data.instrument import read_instrument, to_instrument
from slackwater.data.tape import open_symbol, open_tape
from slackwater.errors import DataError, UsageError
from slackwater.kernel.record import new
from slackwater.schema.instrument import Instrument
from tests.unit.data.tables import QUOTES, TRADES, make_tape


def test_symbols_are_sorted_by_name(tmp_path: Path) -> None:
    for symbol in ("BBBUSDT", "AAAUSDT"):
        make_tape(tmp_path, QUOTES, TRADES, symbol=symbol)
    tape = open_tape(tmp_path / "tape", None)
    assert [(entry.venue, entry.symbol, entry.dates) for entry in tape.symbols] == [
        ("binance", "AAAUSDT", ("2023-11-14",)),
        ("binance", "BBBUSDT", ("2023-11-14",)),
    ]
    assert [entry.symbol for entry in open_tape(tmp_path / "tape", ["BBBUSDT"]).symbols] == ["BBBUSDT"]
    assert list(tape.manifest_hashes) == ["binance/AAAUSDT", "binance/BBBUSDT"]


def test_an_unknown_symbol_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    with pytest.raises(UsageError, match=r"expected one of AAAUSDT, found 'aaausd'; did you mean AAAUSDT\?"):
        open_tape(tmp_path / "tape", ["aaausd"])


def test_a_symbol_of_two_venues_must_be_named_with_its_venue(tmp_path: Path) -> None:
    for venue in ("binance", "bybit"):
        make_tape(tmp_path, QUOTES, TRADES, venue=venue)
    for symbols in (None, ["AAAUSDT"]):
        with pytest.raises(UsageError, match="binance/AAAUSDT"):
            open_tape(tmp_path / "tape", symbols)
    assert open_tape(tmp_path / "tape", ["bybit/AAAUSDT"]).symbols[0].venue == "bybit"


def test_a_folder_without_a_tape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: expected a tape's folder, found nothing"):
        open_tape(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: expected a tape"):
        open_tape(tmp_path / "empty")


def test_the_hash_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES)
    shutil.copytree(tmp_path / "tape", tmp_path / "copy")
    before = open_tape(tmp_path / "tape").tape_sha256
    assert open_tape(tmp_path / "copy").tape_sha256 == before
    make_tape(tmp_path, QUOTES, TRADES[:2])
    assert open_tape(tmp_path / "tape").tape_sha256 != before


def test_the_instrument_is_lowered_as_reduced_fractions(tmp_path: Path) -> None:
    make_tape(tmp_path, QUOTES, TRADES, tick="0.05", lot="0.25", min_qty="1.5", min_notional="20")
    box = new(Instrument)
    to_instrument(open_tape(tmp_path / "tape").symbols[0].instrument, box)
    assert box[0].tolist() == (1.0, 20.0, 1.0, 4.0, 6, 20.0)


WHOLE = {"tick_size": "1", "lot_size": "1", "min_qty": "1", "min_notional": "5"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "expected the field tick_size, found nothing"),
        ("[]", "expected a JSON object"),
        ("{", "expected JSON"),
        ('{"tick_size": "0", "lot_size": "1"}', "expected a positive decimal"),
        (json.dumps({**WHOLE, "contract": "inverse"}), "expected a linear contract, found contract 'inverse'; others are not simulated"),
        (json.dumps({**WHOLE, "contract": None}), "expected a linear contract, found contract None"),
    ],
)
def test_a_damaged_instrument_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "instrument.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_instrument(path)


def test_what_an_import_left_out_counts_once_for_all_its_days(tmp_path: Path) -> None:
    bad = (float("nan"), 1.0, 100.0, 1.0)
    make_tape(tmp_path, [*QUOTES, (3.0, *bad), (86_400.0, 99.9, 1.0, 100.1, 1.0), (86_401.0, *bad)], TRADES)
    make_tape(tmp_path, [(172_800.0, 99.9, 1.0, 100.1, 1.0), (172_801.0, *bad)], [(172_800.0, 100.0, 1.0, True)])
    assert open_tape(tmp_path / "tape").symbols[0].quarantined == {"not_finite": 3}


@pytest.mark.parametrize("names", [("trades.parquet",), ("quotes.parquet",), ("quotes.parquet", "trades.parquet")])
def test_a_file_that_a_manifest_lists_and_nobody_finds_is_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...]
) -> None:
    make_tape(tmp_path, [*QUOTES, (86_400.0, 99.9, 1.0, 100.1, 1.0)], [*TRADES, (86_401.0, 100.1, 1.0, False)])
    home = tmp_path / "tape/binance/AAAUSDT"
    for name in names:
        (home / "2023-11-15" / name).unlink()
    wanted = rf"2023-11-15/{names[0]}: expected the file that the manifest.json beside it lists, found none"
    with pytest.raises(DataError, match=wanted):
        open_tape(tmp_path / "tape")
    with pytest.raises(DataError, match=wanted):
        load_rows(open_symbol(home), 0)
    assert names[0] in list_tape(tmp_path / "tape")["damaged"][0]["reason"]
    assert main(["backtest", "--data", str(tmp_path / "tape"), "--out", str(tmp_path / "run")]) == DataError.exit_code
    assert names[0] in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
