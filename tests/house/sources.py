"""What the house tests look at: the project's files and the syntax trees of its Python sources."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "slackwater"
CORE = ("kernel", "schema", "market", "ledger", "decision", "orders", "machine", "sim")
TEXT = {"", ".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".cfg", ".sh", ".sql", ".html", ".js", ".css"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def project_files() -> tuple[Path, ...]:
    """Text files that are committed or would be, whatever folder the tests run in."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True)
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.suffix in TEXT and path.is_file())


@cache
def python_files() -> tuple[Path, ...]:
    """Python sources and tests."""
    return tuple(path for path in project_files() if path.suffix == ".py")


def source_files() -> tuple[Path, ...]:
    """Python files of the package."""
    return tuple(path for path in python_files() if SRC in path.parents)


def core_files() -> tuple[Path, ...]:
    """Python files of the layers that are compiled and know neither clock nor I/O."""
    return tuple(path for path in source_files() if path.relative_to(SRC).parts[0] in CORE)


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, methods and inner ones included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a file imports, at its top or inside a function."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def place(path: Path, line: int = 0) -> str:
    """A place as an editor opens it."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))
