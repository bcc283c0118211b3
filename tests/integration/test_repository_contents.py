"""What must never stand in the repository: a private key, or code that unpickles where hostile files are read."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("runtime", "export", "phantom", "proto", "benchmarks", "demo")
"""Everything but training, which reads what nnU-Net wrote on the same machine."""

_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
_SAFE_BY = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
_NEVER_SAFE = {"torch.jit.load", "pd.read_pickle"}


def _tracked() -> list[Path]:
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [REPOSITORY / name for name in done.stdout.decode().split("\0") if name]


def test_no_private_key_is_in_git() -> None:
    # Written apart, so that this file does not find itself.
    mark = re.compile(b"-----BEGIN [A-Z ]*" + b"PRIVATE KEY-----")
    files = [path for path in _tracked() if path.is_file()]
    assert len(files) > 100
    assert [str(path) for path in files if mark.search(path.read_bytes())] == []
    assert [str(path) for path in files if path.suffix in (".pem", ".key", ".p12", ".pfx")] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_outside_training_unpickles(package: str) -> None:
    files = sorted((REPOSITORY / package).rglob("*.py"))
    assert files
    found = [f"{path.relative_to(REPOSITORY)}: {what}" for path in files for what in _unpickling(path.read_text())]
    # To name the error that torch raises when a checkpoint holds what it does not need.
    assert [each for each in found if each != "export/checkpoints.py: import pickle"] == []


def test_the_exported_checkpoints_only_name_an_error_of_pickle() -> None:
    tree = ast.parse((REPOSITORY / "export" / "checkpoints.py").read_text())
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith("pickle.")} == {"pickle.UnpicklingError"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["import pickle"]),
        ("from joblib import load", ["import joblib"]),
        ("torch.load(path)", ["torch.load(path)"]),
        ("torch.load(path, weights_only=True)", []),
        ("np.load(path, allow_pickle=True)", ["np.load(path, allow_pickle=True)"]),
        ("numpy.load(path)", ["numpy.load(path)"]),
        ("np.load(path, allow_pickle=False)", []),
        ("np.lib.format.read_array(stream, allow_pickle=False)", []),
        ("np.lib.format.read_array(stream)", ["np.lib.format.read_array(stream)"]),
        ("from numpy import load\nload(path)", ["from numpy import load"]),
        ("json.load(stream)", []),
    ],
)
def test_the_search_sees_what_it_must(source: str, found: list[str]) -> None:
    assert list(_unpickling(source)) == found


def _unpickling(source: str) -> Iterator[str]:
    """Return the imports and calls of a module that may unpickle."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (f"import {each.name}" for each in node.names if each.name.split(".")[0] in _MODULES)
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[0]
            if module in _MODULES:
                yield f"import {module}"
            # By its bare name a call could not be told from any other `load`.
            elif module in ("torch", "numpy") and any(each.name == "load" for each in node.names):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and not _is_safe(node):
            yield ast.unparse(node)


def _is_safe(call: ast.Call) -> bool:
    name = ast.unparse(call.func).replace("numpy.", "np.").replace("pandas.", "pd.")
    if name == "np.lib.format.read_array":
        name = "np.load"
    if name in _NEVER_SAFE:
        return False
    wanted = _SAFE_BY.get(name)
    if wanted is None:
        return True
    given = {each.arg: each.value for each in call.keywords}.get(wanted[0])
    return isinstance(given, ast.Constant) and given.value is wanted[1]
