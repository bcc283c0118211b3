"""Every `pip install` on the pages names only what is there: our folders, our extras, our pins."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
OWN_FOLDERS = {"sidewall-client": "./proto", "sidewall-appliance": "."}
"""Our packages, which are on no registry, and where they lie."""

_WITH_VALUE = {"--extra-index-url", "--index-url", "--find-links"}


def install_lines() -> Iterator[tuple[str, str]]:
    """Yield page and arguments of every `pip install` on the pages, whether in a block or in a line of text."""
    for page in (REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))):
        for found in re.finditer(r"pip install ([^`#\n]*(?:\\\n[^`#\n]*)*)", page.read_text(encoding="utf-8")):
            yield page.name, found[1].replace("\\\n", " ").partition("&&")[0]


def requirements(arguments: str) -> Iterator[str]:
    """Yield what a line asks for, without its options and their values."""
    words = iter(shlex.split(arguments))
    for word in words:
        if word in _WITH_VALUE:
            next(words)
        elif not word.startswith("-"):
            yield word


def faults(arguments: str) -> list[str]:
    """Return what of a line cannot be installed, in words."""
    asked = list(requirements(arguments))
    pins = {pin for extra in EXTRAS.values() for pin in extra}
    extras = {
        extra.strip() for word in asked for extra in re.findall(r"^\.\[(.*)\]$", word) for extra in extra.split(",")
    }
    foreign = [word for word in asked if not re.fullmatch(r"\.(\[.*\])?|\./proto", word) and word not in pins]
    wanted = needs(extras & set(EXTRAS))
    missing = [name for name in ("sidewall-client",) if name in wanted and OWN_FOLDERS[name] not in asked]
    return [
        *(f"{word} is none of our folders and pins" for word in foreign),
        *(f"{extra} is no extra" for extra in sorted(extras - set(EXTRAS))),
        *(f"{name} is on no registry: {OWN_FOLDERS[name]} is missing" for name in missing),
    ]


def needs(extras: set[str]) -> set[str]:
    """Return the names of all packages that some extras ask for, by way of other extras, too."""
    names: set[str] = set()
    for extra in extras:
        for pin in EXTRAS[extra]:
            name, inner = re.findall(r"^([\w-]+)(?:\[(.*?)\])?", pin)[0]
            names.add(name)
            if name == "sidewall-appliance":
                names |= needs(set(inner.split(",")))
    return names


def test_every_line_on_the_pages_can_be_installed() -> None:
    lines = list(install_lines())
    assert len(lines) > 5
    assert {f"{page}: {line.strip()}": faults(line) for page, line in lines if faults(line)} == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('"sidewall[training]"', "sidewall[training] is none of our folders and pins"),
        ("sidewall-appliance", "sidewall-appliance is none of our folders and pins"),
        ('-e ./proto -e ".[trainings]"', "trainings is no extra"),
        ('".[gateway]"', "sidewall-client is on no registry: ./proto is missing"),
        ('-e ".[ray,export]"', "sidewall-client is on no registry: ./proto is missing"),
        ('"torch==1.0" -e ./proto -e ".[training]"', "torch==1.0 is none of our folders and pins"),
    ],
)
def test_a_planted_line_that_cannot_be_installed_is_found(line: str, fault: str) -> None:
    assert faults(line) == [fault]


def test_the_page_of_training_begins_with_its_install_line() -> None:
    blocks = re.findall(r"```sh[^\n]*\n(.*?)```", (REPOSITORY / "docs" / "training.md").read_text(), re.DOTALL)
    assert "pip install" in blocks[0]
    (line,) = [each for page, each in install_lines() if page == "training.md"]
    assert {".[training,export]", "./proto"} <= set(requirements(line))
