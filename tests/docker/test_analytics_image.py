"""The image of the statistics, run hardened and without a network: a study's report, byte for byte as made outside."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.docker.containers import HARDENED, run
from tests.docker.images import REPOSITORY, needs_images, require

pytestmark = needs_images
_DEBIAN_PYTHON = Path("/usr/bin/python3.11")
"""The one in the image, where this machine has it: the report says which Python computed it."""


def inside(folder: Path, *arguments: str) -> str:
    """Run the tool in its image on a folder; returns what it printed."""
    options = ("--rm", "--network=none", f"--volume={folder}:/work", *HARDENED)
    return run("podman", "run", *options, require("analytics"), *arguments).stdout


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a simulated study and its report, both made in the container."""
    folder = tmp_path_factory.mktemp("study")
    # For whoever the container runs as.
    folder.chmod(0o777)
    inside(folder, "simulate", "--seed", "1", "--patients", "300", "--out", "data")
    inside(folder, "report", "data/study.yaml", "--out", "report")
    return folder


def test_a_report_is_made_with_everything_in_it(study: Path) -> None:
    names = {path.name for path in (study / "report").iterdir()}
    assert names == {
        "report.html", "report.pdf", "tables.docx", "results.json", "numbers.csv", "analysis.R", "figures"
    }  # fmt: skip
    assert len(list((study / "report" / "figures").iterdir())) > 10
    assert (study / "report" / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_report_is_the_same_bytes_as_one_made_outside(study: Path, tmp_path: Path) -> None:
    inner = json.loads((study / "report" / "results.json").read_text())["software_versions"]["python"]
    version = run(_DEBIAN_PYTHON, "--version").stdout.split()[1] if _DEBIAN_PYTHON.exists() else "none"
    if version != inner:
        pytest.skip(f"the report names its Python: {inner} in the image, {version} here")
    packages = next((REPOSITORY / ".venv" / "lib").glob("python3.11/site-packages"))
    # A machine may choose the kernels of its linear algebra, which differ in last digits; the container is not told.
    usual = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    environment = usual | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'proto'}:{packages}"}
    for arguments in (
        ("simulate", "--seed", "1", "--patients", "300", "--out", "data"),
        ("report", "data/study.yaml", "--out", "report"),
    ):
        command = [str(_DEBIAN_PYTHON), "-m", "analytics.cli", *arguments]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert digests(study) == digests(tmp_path)


def digests(folder: Path) -> dict[str, str]:
    """Return path -> SHA-256 of every file in a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_folder_that_may_not_be_written_is_one_line(study: Path) -> None:
    options = ("--rm", "--network=none", f"--volume={study}:/work:ro", *HARDENED)
    done = run("podman", "run", *options, require("analytics"), "simulate", "--out", "new", check=False)
    assert done.returncode == 8
    words = "the file system is read-only (read-only file system); mount it writable, or name another place"
    assert done.stderr == f"read_only_storage: new: {words}\n"
