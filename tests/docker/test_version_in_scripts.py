"""The scripts that build and pack images read the version from the one file that states it."""

import re
import subprocess
from pathlib import Path

import pytest

from base import __version__

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("script", ["docker/build.sh", "docker/offline.sh"])
def test_script_reads_the_version_of_the_package(script: str) -> None:
    assignment = re.search(r"^version=.*$", (_ROOT / script).read_text(), re.MULTILINE)
    assert assignment, f"{script} sets no version"
    told = subprocess.run(
        ["sh", "-c", f'{assignment[0]}; printf %s "$version"'], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == __version__
