"""The project's frame: the command line's budget and exit codes, the documented defaults, the pinned requirements, the make targets."""

from __future__ import annotations

import enum
import importlib
import json
import re
import resource
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from slackwater import __version__
from slackwater.cli.app import VERBS, main
from slackwater.config import Config
from slackwater.config.complaints import known_keys
from tests.house.sources import ROOT, SRC

HELP_BUDGET_SEC = 0.3
HEAVY = ("numba", "numpy", "pyarrow", "duckdb", "pydantic", "plotly")
PRESENT = [verb for verb in VERBS if find_spec(f"slackwater.cli.{verb.target.partition(':')[0]}") is not None]


def cpu_seconds_of_help() -> float:
    """Processor time of one `slackwater --help`: unlike the time on the wall, it does not depend on who else is at work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "slackwater", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_is_quick() -> None:
    assert min(cpu_seconds_of_help() for _ in range(5)) < HELP_BUDGET_SEC


@pytest.mark.parametrize("tokens", [["--help"], ["--version"], *([verb.name, "--help"] for verb in PRESENT)], ids=" ".join)
def test_help_loads_nothing_heavy(tokens: list[str]) -> None:
    program = (
        "import json, sys\n"
        "from slackwater.cli.app import main\n"
        f"code = main({tokens!r})\n"
        f"print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["nonsense"], 'Unknown command "nonsense"'),
        (["config", "check", "--nonsense"], "--nonsense"),
        (["config", "check", "none.yaml"], "none.yaml: expected a configuration file, found no such file"),
        (["config", "check", "--price", "-1"], "--price: expected"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str], tokens: list[str], message: str) -> None:
    assert main(tokens) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_unexpected_errors_are_one_line_unless_asked_for() -> None:
    program = "import slackwater.cli.app as app\napp.build = lambda: {}['gone']\napp.main(['bench'])\n"
    plain = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True, env={"SLACKWATER_DEBUG": ""})
    traced = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True, env={"SLACKWATER_DEBUG": "1"})
    assert (plain.returncode, traced.returncode) == (1, 1)
    assert plain.stderr == "slackwater: unexpected KeyError: 'gone' (SLACKWATER_DEBUG=1 shows where)\n"
    assert "Traceback" in traced.stderr


def test_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(tokens: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("slackwater.cli.app.build", lambda: interrupted)
    assert main(["bench"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_config_yaml_is_what_the_models_say() -> None:
    assert (ROOT / "config.yaml").read_text(encoding="utf-8") == Config().commented_yaml(), "run: slackwater config show > config.yaml"


def test_every_setting_has_a_reason() -> None:
    for section in Config.model_fields.values():
        assert section.annotation is not None
        for key, field in section.annotation.model_fields.items():
            assert field.description is not None, key
            assert len(field.description) > 10, key
    assert len(list(known_keys())) > 120


def test_every_enum_of_the_vocabulary_is_documented() -> None:
    for path in sorted((SRC / "schema").glob("[a-z]*.py")):
        module = importlib.import_module(f"slackwater.schema.{path.stem}")
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, enum.Enum) and kind.__module__ == module.__name__:
                assert kind.__doc__, name
                assert len({member.value for member in kind}) == len(kind.__members__), f"{name} has two names for one value"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_by_hash_and_name_no_place(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text
    packages = [block for block in re.split(r"\n(?=[a-z0-9])", text) if not block.startswith("#")]
    assert len(packages) > 10
    assert [block.partition(" ")[0] for block in packages if "==" not in block or "--hash=sha256:" not in block] == []


def test_runtime_pins_are_part_of_the_development_pins() -> None:
    pins = [set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / name).read_text(), re.M)) for name in ("requirements.txt", "requirements-dev.txt")]
    assert pins[0] <= pins[1]


def test_every_make_target_is_listed_by_help() -> None:
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, check=True, text=True).stdout
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert declared is not None
    assert set(re.findall(r"^  make (\S+)", listed, re.M)) == set(declared[1].split())


@pytest.mark.parametrize("target", [".venv/bin/python", ".bench-venv/.stamp"])
def test_a_half_made_environment_is_taken_away_and_told(tmp_path: Path, target: str) -> None:
    for name in ("Makefile", "benchmarks/requirements.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"  # as Debian's without python3-venv: `-m venv` breaks off, `-c 'import ensurepip'` fails
    python.write_text('#!/bin/sh\n[ "$1" = -m ] && mkdir -p "$3/bin" && touch "$3/bin/python"\nexit 1\n')
    python.chmod(0o755)
    done = subprocess.run(["make", "-C", tmp_path, target, f"PYTHON={python}"], capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert f"{python} has none; on Debian and Ubuntu install python3-venv" in done.stderr
    assert not (tmp_path / target.partition("/")[0]).exists()
