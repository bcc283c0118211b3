"""What the pages that are made from the code have in common: tables, meanings of fields, the check."""

import ast
import inspect
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

Check = Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when the page is not current.")]


def field_meanings(kind: type) -> dict[str, str]:
    """Return the first paragraph of the docstring under every field of a class, on one line."""
    meanings = {}
    statements = [*ast.walk(ast.parse(inspect.getsource(kind)))]
    body = next(each.body for each in statements if isinstance(each, ast.ClassDef))
    for statement, following in pairwise(body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                meanings[name] = " ".join(text.partition("\n\n")[0].split())
    return meanings


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table, with a line's end after each row."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def write_or_check(page: Path, made: str, module: str, *, check: bool) -> None:
    """Write a page, or end with status 1 when the one that lies there is not what the code gives."""
    if not check:
        page.write_text(made, encoding="utf-8")
    elif not page.is_file() or page.read_text(encoding="utf-8") != made:
        typer.echo(f"{page} is not current; python -m {module} makes it", err=True)
        sys.exit(1)
