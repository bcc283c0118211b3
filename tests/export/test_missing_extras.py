"""`sidewall-export` where only the appliance is installed: it does what it can, and names the extra for the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.processes import TinyBundle, make_bundle

# What the extra `export` brings beside those of the appliance.
WITHOUT = ("SimpleITK", "oras", "torch", "nnunetv2", "onnx")
PROGRAM = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WITHOUT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from export.cli import main
main()
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    """Return the tiny bundle."""
    return make_bundle(tmp_path_factory.mktemp("extras"))


def export(bundle: TinyBundle, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run one command without what the extra brings."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, env=bundle.environment, capture_output=True, text=True, timeout=600, check=False)


def test_verify_needs_nothing_but_the_appliance(bundle: TinyBundle) -> None:
    done = export(bundle, "verify", bundle.path, "--no-golden")
    assert done.returncode == 0, done.stderr


def test_push_names_the_extra_that_it_lacks(bundle: TinyBundle) -> None:
    done = export(bundle, "push", bundle.path, "registry.invalid/a/b:1")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert (
        'oras is not installed, which this command needs: pip install -e ./proto -e ".[export]" in a checkout'
        in done.stderr
    )
