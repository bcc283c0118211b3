"""Whoever adds a backend, a statistic or a command finds every place that CONTRIBUTING.md lists.

A planted one is missed in each. Stations are held by `tests/proto/test_vocabulary.py`, settings by
`tests/tools/test_settings_page.py`, libraries and files without a contract by `tools/import_contracts.py`.
"""

import re
from collections.abc import Collection, Iterator
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import grimp
import pytest
import typer
from importlinter.api import read_configuration

from runtime.inference.backends.registry import BACKEND_NAMES, BACKENDS
from tests.runtime.inference.test_model import BACKENDS as UNDER_CONTRACT
from tests.tools.test_option_spelling import PROGRAMS

REPOSITORY = Path(__file__).parents[2]
ROOMS_OF_STATISTICS: Final = ("accuracy", "agreement", "segmentation", "survival", "table_one")
REPORT: Final = "analytics.report.build"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Return the imports of this repository's own files."""
    roots = read_configuration(str(REPOSITORY / "pyproject.toml"))["session_options"]["root_packages"]
    return grimp.build_graph(*roots, cache_dir=None)


def pages() -> str:
    """Return all that is written for those who use the programs."""
    files = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def places_without(backend: str) -> set[str]:
    """Return the places of CONTRIBUTING.md's list that do not know a backend."""
    engines = (REPOSITORY / "docs" / "engines.md").read_text(encoding="utf-8")
    places: dict[str, Collection[object]] = {
        "registry.py": BACKENDS,
        "the setting `backend`": BACKEND_NAMES,
        "the contract suite": [each.values[0] for each in UNDER_CONTRACT],
        "docs/engines.md": re.findall(r"^\| `([\w-]+)` \|", engines, re.MULTILINE),
    }
    return {place for place, known in places.items() if backend not in known}


def test_every_backend_is_in_all_places_and_a_planted_one_in_none() -> None:
    assert {name: places_without(name) for name in BACKENDS if places_without(name)} == {}
    assert len(places_without("planted")) == 4


def unreached(graph: grimp.ImportGraph, rooms: Collection[str], start: str) -> set[str]:
    """Return the files of some rooms that nothing which starts at a file imports, packages themselves aside."""
    files = {module for room in rooms for module in graph.find_descendants(room) if not graph.find_children(module)}
    return files - graph.find_upstream_modules(start) - {start}


def test_every_file_of_the_backends_is_reached_from_their_registry(graph: grimp.ImportGraph) -> None:
    room, registry = "runtime.inference.backends", "runtime.inference.backends.registry"
    assert unreached(graph, [room], registry) == set()
    planted = deepcopy(graph)
    planted.add_module(f"{room}.planted")
    assert unreached(planted, [room], registry) == {f"{room}.planted"}


def test_every_statistic_and_every_section_is_in_the_report(graph: grimp.ImportGraph) -> None:
    rooms = ["analytics.report.sections", *(f"analytics.{room}" for room in ROOMS_OF_STATISTICS)]
    assert unreached(graph, rooms, REPORT) == set()
    planted = deepcopy(graph)
    news = {"analytics.survival.planted", "analytics.report.sections.planted"}
    for each in news:
        planted.add_module(each)
    assert unreached(planted, rooms, REPORT) == news


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and command of everything that a command line does."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for each, its in inner.items():
        yield from commands(f"{name} {each}", its)


def is_written_of(name: str, text: str) -> bool:
    """Tell whether a page names a command: whole, of a group without its program, or by its last word as code."""
    _, _, inside = name.partition(" ")
    whole = [re.escape(each) for each in (name, inside) if " " in each]
    ways = [*(rf"(?<![\w-]){each}(?![\w-])" for each in whole), rf"`{re.escape(inside.split()[-1])}\b"]
    return any(re.search(way, text) for way in ways)


@pytest.mark.parametrize("program", sorted(PROGRAMS.keys() - {"phantom"}))
def test_every_command_says_what_it_does_and_stands_on_a_page(program: str) -> None:
    text, found = pages(), dict(commands(program, typer.main.get_command(import_module(PROGRAMS[program]).app)))
    assert len(found) > 3
    assert [name for name, command in found.items() if not command.help] == []
    assert [name for name in found if not is_written_of(name, text)] == []
    assert not is_written_of(f"{program} planted", text)


def test_every_program_ends_by_the_table_of_exit_statuses(graph: grimp.ImportGraph) -> None:
    for program, module in PROGRAMS.items():
        if program not in ("sidewall-analytics", "phantom"):
            assert "base.exit_status" in graph.find_upstream_modules(module, as_package=True), program
