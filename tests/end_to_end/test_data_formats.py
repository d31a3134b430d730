"""Formats in and out as users call them: exit codes, one JSON object, nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.command import answer, slackwater

T0_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def made(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A symbol of the synthetic tape, exported in both formats that come back."""
    out = tmp_path_factory.mktemp("exported")
    for way in ("hftbacktest", "csv"):
        done = answer("data", "export", "--data", tape, "--symbol", "SYNA", "--format", way, "--out", out)
        assert done["rows"]["quotes"] > 1000
        assert all(Path(path).exists() for path in done["files"])
    return out


@pytest.mark.parametrize("way", ["hftbacktest", "csv"])
def test_an_export_comes_back_by_the_options_it_names(tape: Path, made: Path, way: str, tmp_path: Path) -> None:
    done = answer("data", "export", "--data", tape, "--symbol", "SYNA", "--format", way, "--out", tmp_path / "out")
    files = {Path(path).name: path for path in done["files"]}
    inputs = (
        ["--input", files["SYNA.npz"]]
        if way == "hftbacktest"
        else ["--quotes", files["SYNA_quotes.csv"], "--trades", files["SYNA_trades.csv"]]
    )
    answer("data", "import", *done["import"].split(), *inputs, "--to", tmp_path / "again")
    for path in sorted((tape / "synth" / "SYNA").rglob("*.parquet")):
        if path.name in ("quotes.parquet", "trades.parquet"):
            again = tmp_path / "again" / path.relative_to(tape)
            assert pq.read_table(path).equals(pq.read_table(again)), path.name


def test_other_columns_in_milliseconds(tmp_path: Path) -> None:
    quotes = pa.table({"time": [T0_MS], "b": [99.9], "bs": [1.0], "a": [100.1], "as": [1.0]})
    trades = pa.table({"time": [T0_MS + 1], "price": [100.0], "qty": [1.0], "buyer_maker": [True]})
    pacsv.write_csv(quotes, tmp_path / "q.csv")
    pacsv.write_csv(trades, tmp_path / "t.csv")
    words = ["--venue", "v", "--symbol", "S", "--quotes", tmp_path / "q.csv", "--trades", tmp_path / "t.csv", "--to", tmp_path / "tape"]
    done = answer("data", "import", *words, "--map", "ts_event=time,bid=b,bid_qty=bs", "--map", "ask=a,ask_qty=as", "--time-unit", "ms")
    assert (done["first_ns"], done["last_ns"]) == (T0_MS * 1_000_000, (T0_MS + 1) * 1_000_000)


def test_a_raw_log_of_several_symbols(tmp_path: Path) -> None:
    fields = {"e": "bookTicker", "b": "99.9", "B": "1.5", "a": "100.1", "A": "2", "T": T0_MS}
    lines = [f"{T0_MS}5 nonsense"] + [f"{T0_MS + 7} " + json.dumps({"data": fields | {"s": symbol}}) for symbol in ("AUSDT", "BUSDT")]
    (tmp_path / "log").write_text("\n".join(lines))
    words = ["data", "import", "--venue", "binance", "--format", "binance-raw", "--input", tmp_path / "log", "--to", tmp_path / "tape"]
    done = answer(*words)
    assert [entry["symbol"] for entry in done["symbols"]] == ["AUSDT", "BUSDT"]
    assert done["log"]["quarantined"] == {"malformed_line": 1}
    said = slackwater(*words)
    assert "refused: 1 malformed_line from line 1" in said.stdout
    assert slackwater(*words, "--symbol", "XUSDT").returncode == 4


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["import", "--venue", "v", "--symbol", "S", "--to", "x"], 2, "expected --quotes FILE and --trades FILE"),
        (
            ["import", "--venue", "v", "--symbol", "S", "--to", "x", "--format", "hftbacktest", "--input", "none.npz"],
            4,
            "expected an npz of events",
        ),
        (["export", "--data", "none", "--symbol", "S", "--format", "csv", "--out", "x"], 4, "expected a tape's folder, found nothing"),
        (["export", "--data", "none", "--symbol", "S", "--format", "xls", "--out", "x"], 2, "--format: expected one of"),
    ],
)
def test_what_is_refused_says_why(words: list[str], code: int, text: str) -> None:
    done = slackwater("data", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_tape_with_receive_times_is_verified_in_a_process_of_its_own(tmp_path: Path) -> None:
    lines = [f"{1_700_000_000 + k}.5: " + _book(k) + "\n" for k in range(3)]
    (tmp_path / "log.txt").write_text("".join(lines))
    answer("data", "import", "--format", "binance-raw", "--venue", "binance", "--input", tmp_path / "log.txt", "--to", tmp_path / "tape")
    said = slackwater("data", "verify", "--data", tmp_path / "tape")
    assert (said.returncode, said.stderr) == (0, "")
    assert "binance/AAAUSDT: good; 3 quotes" in said.stdout


def _book(k: int) -> str:
    ms = 1_700_000_000_000 + 1000 * k
    return f'{{"e":"bookTicker","u":{k},"s":"AAAUSDT","b":"1.5","B":"2","a":"1.6","A":"{k + 1}","T":{ms},"E":{ms}}}'
