"""What the system refuses and what makes no sense: one sentence with the path or option, the right code, and never a traceback."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from slackwater.cli import app
from slackwater.cli.app import main
from slackwater.cli.cache import check_cache
from slackwater.cli.times import parse_time
from slackwater.kernel import jit

SHORT = ("--end", "2025-01-06T00:02:00", "--no-report", "--one-model")


def said_by(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> str:
    """Run a command that must end with a code, and return what it said on stderr."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "unexpected" not in captured.err
    return captured.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file where a folder is wanted."""
    path = tmp_path / "afile"
    path.write_text("mine")
    return path


@pytest.mark.parametrize("moment", ["0001-01-01", "1600-01-01", "3000-01-01T00:00:00", "9999-12-31T23:59:59", str(2**63), "9" * 30])
def test_a_moment_that_nanoseconds_do_not_reach_is_usage(run: Path, capsys: pytest.CaptureFixture[str], moment: str) -> None:
    assert said_by(capsys, 2, "explain", run, "--at", moment) == (
        f"slackwater: --at: expected a moment from 1678 to 2261, found {moment!r}\n"
    )


def test_moments_within_reach_are_exact() -> None:
    assert parse_time("--at", "2021-07-02T10:30:00.5") == 1_625_221_800_500_000_000
    assert parse_time("--at", "2021-07-02T12:30:00.000001+02:00") == 1_625_221_800_000_001_000
    assert parse_time("--at", "1969-12-31T23:59:59.75") == -250_000_000
    assert parse_time("--at", str(2**63 - 1)) == 2**63 - 1


def test_a_start_after_the_end_is_usage(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("backtest", "--data", tape, "--out", tmp_path / "run", "--start", "2025-01-06T01:00:00")
    for end in ("2025-01-06T00:30:00", "2025-01-06T01:00:00"):
        assert f"--end: expected a moment after --start (2025-01-06T01:00:00), found {end}" in said_by(capsys, 2, *words, "--end", end)


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "1e9"])
def test_a_demo_of_no_length_names_its_own_option(tmp_path: Path, capsys: pytest.CaptureFixture[str], hours: str) -> None:
    said = said_by(capsys, 2, "demo", "--to", tmp_path / "demo", "--hours", hours)
    assert said == f"slackwater: --hours: expected more than 0 and at most 87600, found {float(hours):g}\n"
    assert not (tmp_path / "demo").exists()


def test_a_run_below_a_file_is_usage(tape: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = said_by(capsys, 2, "backtest", "--data", tape, "--out", file / "x", *SHORT)
    assert f"{file / 'x'}: expected a place within folders, found the file {file}" in said


def test_an_output_that_is_a_folder_is_usage(tape: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("signals", "--data", tape, "--symbol", "SYNA"), ("compare", run, run)):
        assert f"--out: expected a file to write, found the folder {tmp_path}" in said_by(capsys, 2, *words, "--out", tmp_path)


def test_files_that_cannot_be_written_are_told(tape: Path, run: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = said_by(capsys, 1, "signals", "--data", tape, "--symbol", "SYNA", "--out", file / "s.parquet")
    assert said.startswith(f"slackwater: {file}: expected something that can be read or written here, found: ")
    other = file.parent / "other"
    shutil.copytree(run, other)
    said = said_by(capsys, 1, "compare", run, other, "--out", file / "c.html")
    assert said.startswith(f"slackwater: {file}: expected something that can be read or written here, found: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is locked for root")
def test_locked_folders_are_told(tape: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked, copied = tmp_path / "locked", tmp_path / "copied"
    locked.mkdir()
    shutil.copytree(run, copied)
    locked.chmod(0o555)
    copied.chmod(0o555)
    for words in (("backtest", "--data", tape, "--out", locked / "x", *SHORT), ("report", copied)):
        assert "found: permission denied" in said_by(capsys, 1, *words)
    copied.chmod(0o755)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "a/b"),
            "a/b: expected something that can be read or written here, found: permission",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "expected files and folders that can be read and written, found: no space left"),
        (
            OSError("Error writing bytes to file\nmore"),
            "expected files and folders that can be read and written, found: error writing bytes",
        ),
    ],
)
def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
) -> None:
    def refused(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(app, "_run", refused)
    found = said_by(capsys, 1, "report", "x")
    assert found.startswith(f"slackwater: {said}")
    assert found.count("\n") == 1
    monkeypatch.setenv("SLACKWATER_DEBUG", "1")
    with pytest.raises(OSError, match=str(error.strerror or error)[:10]):
        main(["report", "x"])


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_compiled(
    tape: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit, "IS_COMPILED", True)
    monkeypatch.setattr(jit, "CACHE_DIR", file / "kernels")
    for words in (("backtest", "--out", file.parent / "run", *SHORT), ("signals", "--symbol", "SYNA", "--out", file.parent / "s.parquet")):
        said = said_by(capsys, 1, *words, "--data", tape)
        assert said.startswith(
            f"slackwater: {file / 'kernels'}: expected a folder that can be written, for compiled code, found: not a directory"
        )
        assert said.endswith("SLACKWATER_CACHE names another\n")


def test_a_complete_cache_is_enough_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(jit, "IS_COMPILED", True)
    monkeypatch.setattr(jit, "CACHE_DIR", file / "kernels")
    monkeypatch.setattr(jit, "IS_READ_ONLY", True)
    check_cache()
    assert file.read_text() == "mine"


def test_a_cache_of_rows_that_cannot_be_written_names_its_variable(
    tape: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACKWATER_CACHE", str(file))
    said = said_by(capsys, 1, "backtest", "--data", tape, "--out", file.parent / "run", *SHORT)
    assert said.splitlines()[-1].startswith(f"slackwater: {file}"), "whatever is said before of compiling"
    assert said.endswith("SLACKWATER_CACHE names the cache's folder\n")


def test_an_empty_document_is_damaged_data(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text("{}")
    for words in (
        ("explain", tmp_path / "run"),
        ("explain", tmp_path / "run", "--at", "2025-01-06T01:00:00"),
        ("report", tmp_path / "run"),
    ):
        assert "run.json: expected the keys symbols, " in said_by(capsys, 4, *words)
    known = json.loads((run / "run.json").read_text())
    del known["asked"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(known))
    assert "found no `asked`" in said_by(capsys, 4, "explain", tmp_path / "run", "--at", "2025-01-06T01:00:00")


def test_files_that_no_run_wrote_are_not_taken_away(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    words = ("backtest", "--data", tape, "--symbol", "SYNB", "--out", out, "--end", "2025-01-06T00:02:00", "--one-model")
    assert main([str(word) for word in words]) == 0
    assert (out / "report.html").exists()
    assert main([str(word) for word in words]) == 0, "an earlier run is replaced"
    first = (out / "run.json").read_bytes()
    (out / "notes.txt").write_text("mine")
    (out / "sub").mkdir()
    said = said_by(capsys, 2, *words)
    assert f"{out}: expected nothing but an earlier run, which is replaced, found notes.txt, sub;" in said
    assert ((out / "notes.txt").read_text(), (out / "run.json").read_bytes()) == ("mine", first)
    words = ("backtest", "--data", tmp_path / "no tape", "--out", out)
    assert "notes.txt" in said_by(capsys, 2, *words), "before the tape is opened"


def test_a_demo_leaves_what_is_not_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert "expected an earlier run directory or nothing" in said_by(capsys, 2, "demo", "--to", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run"], "no tape is made"
