"""Sizes, documentation, names and errors of every file."""

from __future__ import annotations

import ast
import re

from tests.house.sources import Function, functions, place, project_files, python_files, source_files, tree

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
MAX_PARAMETERS = 6
VAGUE = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc)(_|$)")
# Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile("|".join((r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bHA" + r"CK\b", r"\bNotImplemented" + "Error")))
MACHINE_PATH = re.compile(r"(?<![\w.~*$}])/(?:" + "|".join(("work", "farm", "root", "home/[a-z]+", "Users/[A-Za-z]+")) + r")/[\w.]")
INDEX_HOST = re.compile(r"\b(" + "|".join((r"py" + r"pi\.org", "python" + r"hosted\.org", r"ana" + r"conda\.(?:org|com)")) + r")\b")


def test_files_are_one_thing() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{place(path, function.lineno)} {function.name} has {lines} lines"
        for path in python_files()
        for function in functions(path)
        if (lines := (function.end_lineno or function.lineno) - function.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_parameter_lists_are_short() -> None:
    # The options of a command are its user's, and a kernel's arguments are its inputs; everywhere else a record says it better.
    long = [
        f"{place(path, function.lineno)} {function.name} takes {len(names)}"
        for path in source_files()
        if path.parent.name != "cli"
        for function in functions(path)
        if not any(ast.unparse(decorator).startswith("jit") for decorator in function.decorator_list)
        if len(names := parameters(function)) > MAX_PARAMETERS
    ]
    assert long == []


def parameters(function: Function) -> list[str]:
    declared = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    return [argument.arg for argument in declared if argument.arg not in ("self", "cls")]


def test_every_module_says_what_it_owns() -> None:
    silent = [place(path) for path in python_files() if tree(path).body and not ast.get_docstring(tree(path))]
    assert silent == []


def test_public_names_are_documented() -> None:
    silent = [
        f"{place(path, node.lineno)} {node.name}"
        for path in source_files()
        for node in tree(path).body
        if isinstance(node, (Function, ast.ClassDef)) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_module_names_say_something() -> None:
    vague = [place(path) for path in python_files() if VAGUE.search(path.stem)]
    assert vague == []


def test_errors_are_caught_by_name() -> None:
    # Cleaning up and raising on catches nothing.
    broad = [
        place(path, node.lineno)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and ast.unparse(node.body[-1]) != "raise"
    ]
    assert broad == []


def is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(part, ast.Name) and part.id in ("Exception", "BaseException") for part in ast.walk(handler.type))


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{place(path, number)} {match[0]}"
        for path in python_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := UNFINISHED.search(line))
    ]
    assert found == []


def test_no_file_names_a_machine_or_a_package_index() -> None:
    found = [
        f"{place(path, number)} {match[0]}"
        for path in project_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for pattern in (MACHINE_PATH, INDEX_HOST)
        if (match := pattern.search(line))
    ]
    assert found == []


def test_every_test_can_fail() -> None:
    judges = re.compile(r"assert|raises|check|fail|warns")
    idle = [
        f"{place(path, function.lineno)} {function.name}"
        for path in python_files()
        if path.name.startswith("test_")
        for function in functions(path)
        if function.name.startswith("test_")
        if not any(
            isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and judges.search(ast.unparse(node.func)))
            for node in ast.walk(function)
        )
    ]
    assert idle == []
