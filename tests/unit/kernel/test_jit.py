"""The compile cache's key: any kernel source, its name, and what compiles it."""

from __future__ import annotations

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
