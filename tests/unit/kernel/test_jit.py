"""The compile cache's key: any kernel source, its name, and what compiles it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slackwater.kernel import jit


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two kernel folders and one that is none."""
    for name in ("kernel/one.py", "sim/deep/two.py", "cli/three.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name = {name!r}\n", encoding="utf-8")
    monkeypatch.setattr(jit, "PACKAGE", tmp_path)
    return tmp_path


def test_same_sources_same_key(package: Path) -> None:
    assert jit.fingerprint() == jit.fingerprint()
    assert len(jit.fingerprint()) == 16


@pytest.mark.parametrize("name", ["kernel/one.py", "sim/deep/two.py"])
def test_an_edit_of_any_kernel_is_a_new_key(package: Path, name: str) -> None:
    before = jit.fingerprint()
    path = package / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert jit.fingerprint() != before


def test_a_new_name_is_a_new_key(package: Path) -> None:
    before = jit.fingerprint()
    (package / "kernel/one.py").rename(package / "kernel/uno.py")
    assert jit.fingerprint() != before


def test_text_that_moves_between_files_is_a_new_key(package: Path) -> None:
    (package / "kernel/two.py").write_text("ab", encoding="utf-8")
    (package / "kernel/uno.py").write_text("c", encoding="utf-8")
    before = jit.fingerprint()
    (package / "kernel/two.py").write_text("a", encoding="utf-8")
    (package / "kernel/uno.py").write_text("bc", encoding="utf-8")
    assert jit.fingerprint() != before


def test_other_sources_do_not_count(package: Path) -> None:
    before = jit.fingerprint()
    (package / "cli/three.py").write_text("changed = True\n", encoding="utf-8")
    (package / "kernel/notes.md").write_text("changed\n", encoding="utf-8")
    assert jit.fingerprint() == before


def test_bounds_checks_have_code_of_their_own(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    before = jit.fingerprint()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert jit.fingerprint() != before


def test_another_compiler_has_code_of_its_own(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = jit.fingerprint()
    monkeypatch.setattr(jit.numba, "__version__", "0.0.0")
    assert jit.fingerprint() != before


def test_the_cache_is_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACKWATER_CACHE", "some/place")
    assert jit.cache_root() == Path("some/place/kernels")
    monkeypatch.delenv("SLACKWATER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")
    assert jit.cache_root() == Path("elsewhere/slackwater/kernels")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert jit.cache_root() == Path.home() / ".cache/slackwater/kernels"


def test_every_kernel_folder_exists() -> None:
    assert [folder for folder in jit.KERNEL_FOLDERS if not (jit.PACKAGE / folder).is_dir()] == []


def test_a_complete_cache_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    # Whoever runs the tests may write everywhere, so that is forbidden from within.
    forbidden = (
        "import os, tempfile\n"
        "def refused(*args, **kwargs): raise PermissionError(13, 'Permission denied')\n"
        "tempfile.TemporaryFile = refused\n"
        "os.access = lambda path, mode: mode != os.W_OK\n"
    )
    kernel = "from slackwater.kernel import jit, record, rng\nstate = record.new(rng.Rng)[0]\nrng.uniform(state)\n"
    counted = "print(jit.IS_READ_ONLY, sum(rng.uniform.stats.cache_hits.values()), sum(rng.below.stats.cache_misses.values()))\n"

    def done(program: str) -> str:
        env = os.environ | {"SLACKWATER_CACHE": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
        return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True, text=True).stdout

    done(kernel + "jit.note_warm()\n")
    before = sorted(tmp_path.rglob("*"))
    assert done(forbidden + kernel + "rng.below(state, 3)\n" + counted) == "True 1 1\n"
    assert sorted(tmp_path.rglob("*")) == before, "what was not in it is compiled and not kept"
