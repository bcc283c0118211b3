"""What is too long, or public and silent, is found in this repository and where it is planted."""

import os
import subprocess
import sys
from pathlib import Path

from tools.lengths import FUNCTION_LINES, MODULE_LINES, breaches, files_below

REPOSITORY = Path(__file__).parents[2]
HEAD = '"""A file."""\n'


def function(name: str, lines: int, indent: str = "") -> str:
    """Return a function of so many lines, the first with its name."""
    body = [f'{indent}    """Say."""', *[f"{indent}    value = 1"] * (lines - 2)]
    return "\n".join([f"{indent}def {name}() -> None:", *body]) + "\n"


def found(text: str, path: str = "core/planted.py") -> list[str]:
    return list(breaches(Path(path), text))


def run(folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tools.lengths"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_this_repository_keeps_to_it() -> None:
    ended = run(REPOSITORY)
    assert (ended.returncode, ended.stderr) == (0, "")
    looked_at = {path.as_posix() for path in files_below(REPOSITORY)}
    assert {"core/volume.py", "runtime/analysis/pipeline.py", "tools/lengths.py"} <= looked_at
    assert not [path for path in looked_at if path.startswith("tests/") or path.endswith("_pb2.py")]


def test_a_function_one_line_too_long_is_named_wherever_it_hides() -> None:
    assert found(HEAD + function("fits", FUNCTION_LINES)) == []
    assert found(HEAD + function("_long", FUNCTION_LINES + 1)) == ["core/planted.py:2: _long has 61 lines; allowed: 60"]
    inner = HEAD + 'class Room:\n    """Say."""\n\n' + function("inner", FUNCTION_LINES + 1, "    ")
    assert found(inner) == ["core/planted.py:5: inner has 61 lines; allowed: 60"]


def test_a_file_one_line_too_long_is_named() -> None:
    assert found(HEAD + "VALUE = 1\n" * (MODULE_LINES - 1)) == []
    assert found(HEAD + "VALUE = 1\n" * MODULE_LINES) == ["core/planted.py: 401 lines; allowed: 400"]


def test_what_is_public_has_a_docstring() -> None:
    text = (
        HEAD + "class Room:\n    def enter(self) -> None:\n        pass\n\n    def _in(self) -> None:\n        pass\n"
    )
    assert found(text + "def leave() -> None:\n    pass\n") == [
        "core/planted.py:2: Room is public and has no docstring",
        "core/planted.py:3: enter is public and has no docstring",
        "core/planted.py:8: leave is public and has no docstring",
    ]


def test_the_command_fails_on_a_planted_breach(tmp_path: Path) -> None:
    commands = tmp_path / "runtime" / "cli" / "__init__.py"
    commands.parent.mkdir(parents=True)
    commands.write_text(HEAD + function("short", FUNCTION_LINES))
    assert run(tmp_path).returncode == 0
    commands.write_text(HEAD + function("short", 9) + function("long", FUNCTION_LINES + 1))
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ["runtime/cli/__init__.py:11: long has 61 lines; allowed: 60"]
