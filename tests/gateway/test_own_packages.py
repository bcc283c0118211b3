"""The gateway runs with the packages of its own lock: `pip install ".[gateway]"`, and its image, have no others."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from docker.licences import locked_packages

REPOSITORY = Path(__file__).parents[2]
OWN = {"sidewall-appliance", "sidewall-client", "pytest", "_pytest"}

IMPORT_ALL = """
import importlib, importlib.abc, pkgutil, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FOREIGN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

FOREIGN = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Absent())
import gateway
names = [each.name for each in pkgutil.walk_packages(gateway.__path__, "gateway.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def test_every_module_is_there_without_the_packages_of_other_programs() -> None:
    locked = set(locked_packages((REPOSITORY / "docker" / "locks" / "gateway.txt").read_text()))
    foreign = {
        module
        for module, distributions in packages_distributions().items()
        if not {each.lower().replace("_", "-") for each in distributions} & (locked | OWN)
    }
    # What this machine has beside them, and the gateway must do without.
    assert {"cc3d", "highdicom", "PIL"} <= foreign
    command = [sys.executable, "-c", IMPORT_ALL, ",".join(sorted(foreign))]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40
