"""No file stands on itself: following imports, those inside functions too, never leads back."""

from copy import deepcopy
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Return the imports of this repository's own files."""
    roots = read_configuration(str(REPOSITORY / "pyproject.toml"))["session_options"]["root_packages"]
    return grimp.build_graph(*roots, cache_dir=None)


def find_circle(graph: grimp.ImportGraph) -> list[str]:
    """Return the files of one circle, the first again at its end; empty when there is none."""
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [str(module) for module in error.args[1]]
    return []


def test_no_file_imports_its_way_back_to_itself(graph: grimp.ImportGraph) -> None:
    assert find_circle(graph) == []


def test_a_planted_circle_is_found_and_named(graph: grimp.ImportGraph) -> None:
    planted = deepcopy(graph)
    planted.add_import(
        importer="core.volume", imported="runtime.analysis.pipeline", line_number=1, line_contents="planted"
    )
    circle = find_circle(planted)
    assert circle[0] == circle[-1]
    assert {"core.volume", "runtime.analysis.pipeline"} <= set(circle)


def test_no_package_has_a_third_of_the_lines(graph: grimp.ImportGraph) -> None:
    lines: dict[str, int] = {}
    for module in graph.modules:
        path = REPOSITORY / ("proto/" if module.startswith("sidewall") else "") / module.replace(".", "/")
        file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        package = module.partition(".")[0]
        lines[package] = lines.get(package, 0) + len(file.read_text(encoding="utf-8").splitlines())
    assert max(lines.values()) < 0.3 * sum(lines.values()), lines
