"""Every import contract of the repository is broken by the breach it is there for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.contract import Contract

from tools.import_contracts import CompleteContract

REPOSITORY = Path(__file__).parents[2]
CONFIGURATION = read_configuration(str(REPOSITORY / "pyproject.toml"))
SESSION = CONFIGURATION["session_options"]
KINDS: dict[str, type[Contract]] = {
    "protected": ProtectedContract,
    "layers": LayersContract,
    "complete": CompleteContract,
}
STRANGERS = ("demo.pictures", "training.boxes", "base.wording", "docker.canonical", "analytics.version")
"""Modules of which one at least may not import what a contract protects."""


@pytest.fixture(scope="module")
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*SESSION["root_packages"], include_external_packages=True, cache_dir=None)


@pytest.fixture
def graph(_graph: grimp.ImportGraph, monkeypatch: pytest.MonkeyPatch) -> grimp.ImportGraph:
    """Return the imports of this repository, to be changed at will."""
    monkeypatch.chdir(REPOSITORY)
    return deepcopy(_graph)


def _of_type(kind: str) -> list[Any]:
    return [pytest.param(each, id=each["name"]) for each in CONFIGURATION["contracts_options"] if each["type"] == kind]


def _is_kept(options: dict[str, Any], graph: grimp.ImportGraph) -> bool:
    contract = KINDS[options["type"]](options["name"], SESSION, options)
    return contract.check(deepcopy(graph), verbose=False).kept


def _outsider(options: dict[str, Any]) -> str:
    """Return a module that may not import what the contract protects."""
    inside = {*options["allowed_importers"], *options["protected_modules"]}
    return next(each for each in STRANGERS if inside.isdisjoint((each, each.partition(".")[0])))


def _plant(graph: grimp.ImportGraph, importer: str, imported: str) -> grimp.ImportGraph:
    planted = deepcopy(graph)
    planted.add_import(importer=importer, imported=imported, line_number=1, line_contents=f"import {imported}")
    return planted


@pytest.mark.parametrize("options", _of_type("protected"))
def test_an_importer_that_is_not_listed_breaks_the_contract(options: dict[str, Any], graph: grimp.ImportGraph) -> None:
    assert _is_kept(options, graph)
    for protected in options["protected_modules"]:
        assert not _is_kept(options, _plant(graph, _outsider(options), protected)), protected


def _floors(options: dict[str, Any]) -> list[list[str]]:
    return [[name.strip() for name in layer.replace("|", ":").split(":")] for layer in options["layers"]]


@pytest.mark.parametrize("options", _of_type("layers"))
def test_an_import_that_runs_up_breaks_the_floors(options: dict[str, Any], graph: grimp.ImportGraph) -> None:
    assert _is_kept(options, graph)
    (container,) = options["containers"]
    floors = _floors(options)
    for upper, lower in pairwise(floors):
        importer, imported = f"{container}.{lower[0]}", f"{container}.{upper[0]}"
        assert not _is_kept(options, _plant(graph, importer, imported)), f"{importer} -> {imported}"


@pytest.mark.parametrize("options", _of_type("layers"))
def test_a_file_on_no_floor_breaks_the_floors(options: dict[str, Any], graph: grimp.ImportGraph) -> None:
    graph.add_module(f"{options['containers'][0]}.new_room")
    assert not _is_kept(options, graph)


@pytest.mark.parametrize("options", _of_type("complete"))
def test_a_library_without_a_place_breaks_the_contract(options: dict[str, Any], graph: grimp.ImportGraph) -> None:
    assert _is_kept(options, graph)
    graph.add_module("new_library", is_squashed=True)
    assert not _is_kept(options, _plant(graph, STRANGERS[0], "new_library"))


LINT = (
    "import sys; sys.path[:0] = ['', 'proto'];"
    "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo', '--no-cache'])"
)


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages of a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "200"}
    command = [sys.executable, "-c", LINT]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a copy of the repository's packages, without what is no Python."""
    folder = tmp_path_factory.mktemp("house")
    for name in {*SESSION["root_packages"], "proto"} - {"sidewall"}:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=_other_than_python)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    yield folder
    shutil.rmtree(folder)


def _other_than_python(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()}


@pytest.fixture
def wing(copied: Path) -> Iterator[Path]:
    """Plant a new package at the top that imports what it should not."""
    folder = copied / "new_wing"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A wing."""\n', encoding="utf-8")
    (folder / "room.py").write_text('"""A room."""\n\nimport runtime.serving.server\n', encoding="utf-8")
    yield folder
    shutil.rmtree(folder)


def test_the_house_as_it_stands_keeps_every_contract(copied: Path) -> None:
    done = _lint(copied)
    assert done.returncode == 0, done.stdout
    assert f"Contracts: {len(CONFIGURATION['contracts_options'])} kept, 0 broken." in done.stdout


def test_a_new_package_without_a_contract_fails_the_check_and_is_named(copied: Path, wing: Path) -> None:
    done = _lint(copied)
    assert done.returncode == 1
    assert f"{wing.name}/ has Python files, but is no root package" in done.stdout


def test_a_root_package_without_importers_and_floors_fails_the_check(copied: Path, wing: Path) -> None:
    project = copied / "pyproject.toml"
    before = project.read_text(encoding="utf-8")
    project.write_text(before.replace("root_packages = [", f'root_packages = ["{wing.name}",', 1), encoding="utf-8")
    done = _lint(copied)
    project.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    for said in (
        "new_wing is in no contract of the type `protected`: who may import it?",
        "new_wing is the container of no exhaustive contract of the type `layers`",
        "new_wing.room -> runtime.serving.server (l.3)",
    ):
        assert said in done.stdout
