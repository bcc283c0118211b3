"""What every image holds and does not hold, and what it says of itself; run on those that are built."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from base import __version__
from docker.licences import locked_packages
from tests.docker.containers import run
from tests.docker.images import IMAGES, REPOSITORY, Image, needs_images, require

pytestmark = [*needs_images, pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)]
OURS = {"sidewall-appliance", "sidewall-client"}


@pytest.fixture(autouse=True)
def _built(image: Image) -> None:
    require(image.name)


@cache
def contents(reference: str) -> dict[str, bytes]:
    """Return the paths of all files in an image, with the text of what it says of itself."""
    name = run("podman", "create", reference).stdout.strip()
    try:
        root = Path(run("podman", "mount", name).stdout.strip())
        paths = {
            str(path.relative_to(root)): path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()
        }
        return {
            name: path.read_bytes() if name.startswith("opt/sidewall/share/") else b"" for name, path in paths.items()
        }
    finally:
        run("podman", "rm", "--force", name)


def programs(paths: dict[str, bytes]) -> Iterator[str]:
    """Yield the names of what lies in a folder of programs; a module of Python in one is none."""
    found = (path.rpartition("/")[2] for path in paths if re.search(r"(^|/)s?bin/", path))
    return (name for name in found if not name.endswith((".py", ".pyc")))


def test_it_holds_its_own_commands_and_no_shell_compiler_or_package_manager(image: Image) -> None:
    paths = contents(image.reference)
    # Processes of torch share memory by its own little program.
    allowed = {"python", "python3", "python3.11", *image.commands, "torch_shm_manager"}
    assert set(programs(paths)) - allowed == set()
    assert image.commands <= set(programs(paths))
    names = {path.rpartition("/")[2] for path in paths}
    assert names & {"gcc", "cc", "cc1", "ld", "as", "nvcc", "ptxas", "protoc", "busybox", "sh", "bash"} == set()
    assert [path for path in paths if re.search(r"site-packages/(pip|uv|setuptools|pkg_resources)(/|-)", path)] == []


def test_it_holds_no_library_under_the_gpl_and_none_that_reports_use(image: Image) -> None:
    names = {path.rpartition("/")[2] for path in contents(image.reference)}
    refused = ("libreadline", "libgdbm", "libdb-5", "openvino_telemetry")
    assert [name for name in names if name.startswith(refused)] == []


def test_it_holds_no_model_no_test_data_and_nothing_that_was_only_fetched(image: Image) -> None:
    paths = contents(image.reference)
    assert [path for path in paths if path.endswith((".onnx", ".engine", ".pth", ".whl", ".tar.gz"))] == []
    assert [path for path in paths if re.search(r"(^|/)(tests?|\.cache|sample_data|test_files)/", path)] == []
    # Colour tables of the standard are objects, too.
    assert [path for path in paths if path.endswith(".dcm") and "/pydicom/data/palettes/" not in path] == []
    assert [path for path in paths if re.search(r"site-packages/(docs|google/protobuf/testdata)/", path)] == []
    assert [path for path in paths if path.endswith((".nii", ".nii.gz", ".nrrd", ".xlsx", ".parquet"))] == []
    assert [path for path in paths if path.endswith(".csv") and "/datasets/" in path] == []


def test_its_list_of_packages_is_that_of_its_lock(image: Image) -> None:
    components = json.loads(contents(image.reference)["opt/sidewall/share/sbom.cdx.json"])["components"]
    # Names as the lock has them (PEP 503).
    listed = {
        re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in components if each["name"] not in OURS
    }
    locks = [locked_packages((REPOSITORY / "docker" / "locks" / f"{lock}.txt").read_text()) for lock in image.locks]
    assert any(listed.items() <= lock.items() for lock in locks)
    assert len(listed) > 30


def test_the_licences_of_all_its_packages_are_inside(image: Image) -> None:
    files = contents(image.reference)
    text = files["opt/sidewall/share/LICENCES.txt"].decode()
    components = json.loads(files["opt/sidewall/share/sbom.cdx.json"])["components"]
    assert [each["name"] for each in components if f"\n{each['name']} {each['version']}: " not in text] == []
    assert [each["name"] for each in components if not each.get("licenses") and each["name"] not in OURS] == []
    assert {"usr/share/doc/libc6/copyright", "usr/share/doc/python3.11-minimal/copyright"} <= files.keys()
    # The two run-time libraries of GCC have links to the folder of the package that they come from.
    assert {f"usr/share/doc/{name}" for name in ("libgcc-s1", "libstdc++6", "gcc-12-base/copyright")} <= files.keys()


def test_its_labels_say_version_and_revision_and_its_user_is_not_root(image: Image) -> None:
    configuration = json.loads(run("podman", "inspect", "--format={{json .Config}}", image.reference).stdout)
    labels = configuration["Labels"]
    assert labels["org.opencontainers.image.title"] == f"sidewall-{image.name}"
    assert labels["org.opencontainers.image.version"] == __version__
    assert re.fullmatch(r"[0-9a-f]{40}(-modified)?", labels["org.opencontainers.image.revision"])
    assert configuration["User"] == "10001:10001"
    checked = run("podman", "inspect", "--format={{json .HealthCheck}}", image.reference).stdout
    assert ("sidewall" in checked) is image.serves
