"""The contract about the contracts: no package, and no library, may be without one.

import-linter checks what its contracts name. What none of them names would pass unseen: a new package at the top of the
repository, a package whose importers or floors nobody listed, a library that came with a change. Here it fails.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.api import read_configuration

_HIDDEN: Final = (".", "_")
"""How the names of folders begin that are no packages: virtual environments, caches."""


class CompleteContract(Contract):
    """Every top-level folder with Python files is a root package with importers and floors; every library has a place.

    `folders_aside` names the folders at the top whose files are no package of that name.
    """

    type_name = "complete"
    folders_aside = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look for what has no contract; raises nothing, the check says it."""
        listed = Listed.of(read_configuration()["contracts_options"])
        roots: list[str] = self.session_options["root_packages"]
        aside: list[str] = self.folders_aside or []  # type: ignore[assignment]
        missing = [
            *_packages_unlisted(Path.cwd(), roots, aside),
            *_packages_without_contracts(graph, roots, listed),
            *_libraries_without_place(graph, roots, listed),
        ]
        return ContractCheck(kept=not missing, metadata={"missing": missing})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what is missing, a line each."""
        for each in check.metadata["missing"]:
            output.print_error(f"- {each}", bold=False)


class Listed:
    """What the contracts of a configuration name."""

    def __init__(self, protected: Iterable[str], floored: Iterable[str]) -> None:
        self.protected = frozenset(protected)
        """Modules whose importers are listed."""
        self.floored = frozenset(floored)
        """Packages whose modules all stand on a floor."""

    @classmethod
    def of(cls, contracts: Iterable[Mapping[str, Any]]) -> Self:
        """Gather it from the options of every contract."""
        every = [*contracts]
        return cls(
            (name for each in every if each["type"] == "protected" for name in each["protected_modules"]),
            (
                name
                for each in every
                if each["type"] == "layers" and str(each.get("exhaustive")) == "True"
                for name in each["containers"]
            ),
        )


def _packages_unlisted(top: Path, roots: Iterable[str], aside: Iterable[str]) -> Iterator[str]:
    known = {*roots, *aside}
    for folder in sorted(top.iterdir()):
        is_candidate = folder.is_dir() and not folder.name.startswith(_HIDDEN) and folder.name not in known
        if is_candidate and any(folder.glob("*.py")):
            yield f"{folder.name}/ has Python files, but is no root package of [tool.importlinter]"


def _packages_without_contracts(graph: ImportGraph, roots: Iterable[str], listed: Listed) -> Iterator[str]:
    for root in roots:
        if root not in listed.protected:
            yield f"{root} is in no contract of the type `protected`: who may import it?"
        if graph.find_children(root) and root not in listed.floored:
            yield f"{root} is the container of no exhaustive contract of the type `layers`: on which floor is what?"


def _libraries_without_place(graph: ImportGraph, roots: Iterable[str], listed: Listed) -> Iterator[str]:
    placed = {*roots, *listed.protected, *sys.stdlib_module_names}
    for library in sorted({module.partition(".")[0] for module in graph.modules} - placed):
        importers = ", ".join(sorted(graph.find_modules_that_directly_import(library))[:3])
        yield f"{library}, imported by {importers}, is in no contract of the type `protected`: who may import it?"
