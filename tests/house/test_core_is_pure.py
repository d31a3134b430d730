"""The core has no clock, no chance, no I/O and no configuration; what is compiled is compiled in one way."""

from __future__ import annotations

import ast

from slackwater.kernel.jit import KERNEL_FOLDERS
from tests.house.sources import CORE, SRC, core_files, imports, place, source_files, tree

FORBIDDEN = {
    *("asyncio", "time", "datetime", "random", "secrets", "socket", "logging", "threading", "multiprocessing", "subprocess", "os", "sys"),
    *(
        "io",
        "pathlib",
        "structlog",
        "pyarrow",
        "duckdb",
        "msgspec",
        "pydantic",
        "rich",
        "slackwater.config",
        "slackwater.data",
        "slackwater.cli",
    ),
}
# The compile cache is a folder, and its place is the user's choice: the one file of the core that looks outside.
LOOKS_OUTSIDE = SRC / "kernel" / "jit.py"
DECORATORS = {"slackwater.kernel.jit.jit", "slackwater.kernel.jit.jit_inline", "slackwater.kernel.jit.jit_loop"}
LIVE_NAMES = {"live", "is_live", "paper", "is_paper", "is_backtest", "backtest"}


def test_core_imports_no_clock_chance_or_io() -> None:
    found = [
        f"{place(path, line)} imports {name}"
        for path in core_files()
        if path != LOOKS_OUTSIDE
        for line, name in imports(path)
        if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN
    ]
    assert found == []


def test_core_does_not_know_the_mode_it_runs_in() -> None:
    found = [
        f"{place(path, node.lineno)} asks for {part.id}"
        for path in core_files()
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.If, ast.IfExp))
        for part in ast.walk(node.test)
        if isinstance(part, ast.Name) and part.id in LIVE_NAMES
    ]
    assert found == []


def test_numba_is_used_through_one_set_of_options() -> None:
    outside = [
        f"{place(path, line)} imports {name}"
        for path in source_files()
        if SRC / "kernel" not in path.parents
        for line, name in imports(path)
        if name.partition(".")[0] in ("numba", "llvmlite")
    ]
    assert outside == []


def test_every_kernel_is_part_of_the_cache_fingerprint() -> None:
    assert set(KERNEL_FOLDERS) == set(CORE)
    # Numba itself notices an edit in a kernel's own file; a kernel elsewhere may therefore call that and the fingerprinted ones only.
    outside = [
        f"{place(path, line)} imports {name}"
        for path in source_files()
        if path.relative_to(SRC).parts[0] not in KERNEL_FOLDERS and any(name in DECORATORS for _, name in imports(path))
        for line, name in imports(path)
        if name.startswith("slackwater.") and name.split(".")[1] not in KERNEL_FOLDERS
    ]
    assert outside == []


def test_sums_of_floats_are_plain_loops() -> None:
    # NumPy adds pairwise: other bits than a loop, and others again when compiled.
    found = [
        f"{place(path, node.lineno)} {ast.unparse(node)}"
        for path in core_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in ("sum", "mean", "std", "var", "dot", "cumsum")
        and isinstance(node.value, ast.Name)
        if node.value.id == "np"
    ]
    assert found == []
