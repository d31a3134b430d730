"""`slackwater signals` over a small imported tape."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slackwater.cli.app import main
from slackwater.cli.signals import signals
from slackwater.market import batch
from tests.market_kit import T0
from tests.unit.market.watch import watch

QUOTES = [(0, 99.99, 3.0, 100.01, 1.0), (5, 99.98, 2.0, 100.01, 1.0), (9, 100.02, 2.0, 100.01, 1.0), (12, 99.98, 2.5, 100.0, 4.0)]
TRADES = [(5, 100.01, 0.25, False), (11, 99.98, 0.5, True)]


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tape of a few rows, and a cache of its own."""
    monkeypatch.setenv("SLACKWATER_CACHE", str(tmp_path / "cache"))
    for name, rows, columns in (
        ("q", QUOTES, ("bid", "bid_qty", "ask", "ask_qty")),
        ("t", TRADES, ("price", "qty", "buyer_maker")),
    ):
        times, *values = zip(*rows, strict=True)
        table = {"ts_event": pa.array([T0 + ms * 1_000_000 for ms in times], pa.int64())}
        pq.write_table(pa.table(table | dict(zip(columns, map(pa.array, values), strict=True))), tmp_path / f"{name}.parquet")
    words = f"data import --venue v --symbol S --tick 0.01 --lot 0.001 --quotes {tmp_path}/q.parquet --trades {tmp_path}/t.parquet"
    assert main([*words.split(), "--to", str(tmp_path / "D")]) == 0
    return tmp_path / "D"


def test_the_file_holds_every_column_of_every_valid_book(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "F.parquet"
    capsys.readouterr()
    assert main(["signals", "--data", str(tape), "--symbol", "S", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    written = pq.read_table(out)
    assert (said["rows"], said["symbol"], written.num_rows) == (3, "S", 3)
    feed_ns = 2_000_000
    events = sorted(
        [(T0 + ms * 1_000_000 + feed_ns, round(p * 100), round(q * 1000), side) for ms, p, q, side in TRADES]
        + [(T0 + ms * 1_000_000 + feed_ns, round(b * 100), round(n * 1000), round(a * 100), round(k * 1000)) for ms, b, n, a, k in QUOTES],
        key=lambda item: (item[0], len(item)),
    )
    expected, _ = watch(events)
    assert written.column_names == list(expected.dtype.names)
    for name in written.column_names:
        assert written[name].to_pylist() == expected[name].tolist(), name
    assert [path.name for path in out.parent.iterdir()] == ["F.parquet"]


def test_an_interrupted_write_leaves_what_was_there(tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "F.parquet"
    out.write_text("before")

    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "signal_chunks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        signals(data=tape, symbol="S", out=out)
    assert out.read_text() == "before"
    assert not list(tmp_path.glob(".*.tmp"))


def test_an_unknown_symbol_is_a_usage_error(tape: Path, tmp_path: Path) -> None:
    assert main(["signals", "--data", str(tape), "--symbol", "X", "--out", str(tmp_path / "F.parquet")]) == 2
    assert main(["signals", "--data", str(tmp_path / "none"), "--symbol", "X", "--out", str(tmp_path / "F.parquet")]) == 4
