"""A run's folder appears as a whole; what killed runs to the same place left goes with the next one, what is at work or others' stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slackwater.runtime.run_directory import new_run_folder

WAITING = (
    "import sys\n"
    "from pathlib import Path\n"
    "from slackwater.runtime.run_directory import new_run_folder\n"
    "with new_run_folder(Path(sys.argv[1])) as folder:\n"
    "    (folder / 'fills.parquet').write_text('half')\n"
    "    print(folder, flush=True)\n"
    "    sys.stdin.read()\n"
)


def begun(target: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process amid its run, and the folder it writes."""
    process = subprocess.Popen([sys.executable, "-c", WAITING, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def write(target: Path) -> None:
    with new_run_folder(target) as folder:
        (folder / "run.json").write_text("{}")


@pytest.mark.parametrize("name", ["run", "a[1]*"])
def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path: Path, name: str) -> None:
    process, left = begun(tmp_path / name)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (left / "fills.parquet").exists()
    write(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in (tmp_path / name).iterdir()] == ["run.json"]


def test_a_run_at_work_and_what_is_not_a_run_s_stay(tmp_path: Path) -> None:
    process, at_work = begun(tmp_path / "run")
    for other in (".run-original", ".run", ".running.incoming-x"):
        (tmp_path / other).mkdir()
    (tmp_path / ".run.incoming-notes").write_text("a file")
    write(tmp_path / "run")
    assert (at_work / "fills.parquet").exists()
    process.communicate("")
    assert process.returncode == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [".run", ".run-original", ".run.incoming-notes", ".running.incoming-x", "run"]
    assert (tmp_path / "run" / "fills.parquet").exists(), "the later one to end is the one that is there"


def test_a_run_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), new_run_folder(tmp_path / "run"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "run.json"]
