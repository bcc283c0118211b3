"""Functions fit a screen, files a few, and what is public says what it is for: `python -m tools.lengths`.

Ends with status 1 and one line for each that does not. Tests and generated files are not looked at. Needs the
repository's root as working directory.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import typer

FUNCTION_LINES: Final = 60
"""Most lines of a function, from `def` to its end, without decorators."""

MODULE_LINES: Final = 400

_ASIDE: Final = ("tests", "build", "out", "work", "shared")
_GENERATED: Final = ("_pb2.py", "_pb2_grpc.py")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def files_below(root: Path) -> Iterator[Path]:
    """Yield the Python files of a repository's packages, relative to its root."""
    for folder in sorted(root.iterdir()):
        if not folder.is_dir() or folder.name in _ASIDE or folder.name.startswith("."):
            continue
        for file in sorted(folder.rglob("*.py")):
            path = file.relative_to(root)
            if not (path.name.endswith(_GENERATED) or {"tests", "build"} & set(path.parts)):
                yield path


def breaches(path: Path, text: str) -> Iterator[str]:
    """Yield a line on everything in a file that is too long or says nothing of itself; `path` is relative."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES:
        yield f"{path}: {lines} lines; allowed: {MODULE_LINES}"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines; allowed: {FUNCTION_LINES}"
    for each in _silent(tree.body):
        yield f"{path}:{each.lineno}: {each.name} is public and has no docstring"


def _silent(body: Iterable[ast.stmt]) -> Iterator[_Function | ast.ClassDef]:
    for node in body:
        if not isinstance(node, _Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _silent(node.body)


def main() -> None:
    """Tell what is too long or without a docstring, and end with status 1 where anything is."""
    root = Path.cwd()
    found = [line for path in files_below(root) for line in breaches(path, (root / path).read_text(encoding="utf-8"))]
    for line in found:
        typer.echo(line, err=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
