"""What the images are made of: every version with its hashes, and no licence that we could not pass on."""

import json
import re
import tomllib
from email.message import Message
from pathlib import Path

import pytest

from docker.licences import (
    complete_sbom,
    declared_licence,
    locked_packages,
    may_be_passed_on,
    read_by_hand,
    write_licences,
)
from docker.lock_licences import locked_files, read_table

REPOSITORY = Path(__file__).parents[2]
LOCKS = sorted((REPOSITORY / "docker" / "locks").glob("*.txt"))
TABLE = tomllib.loads((REPOSITORY / "docker" / "licences.toml").read_text())
DECLARED = read_table()
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
IMAGES = {
    "runtime": ("runtime", "openvino"),
    "runtime-gpu": ("runtime", "gpu", "tensorrt-rtx"),
    "training": ("training", "export"),
    "training-cpu": ("training", "export"),
    "analytics": ("analytics",),
    "gateway": ("gateway",),
    "image-build": ("image-build",),
    "uv": ("uv",),
}


def licence_of(package: str, version: str) -> str:
    """Return what was read by hand, else what the table beside the locks has of this version; "" when nobody says."""
    return read_by_hand().get(package) or DECLARED.get(f"{package}=={version.partition('+')[0]}", "")


def test_every_image_has_a_lock() -> None:
    assert {lock.stem for lock in LOCKS} == set(IMAGES)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_locked_package_is_under_a_licence_that_we_could_not_pass_on(lock: Path) -> None:
    packages = locked_packages(lock.read_text())
    assert packages
    licences = {name: licence_of(name, version) for name, version in packages.items()}
    assert [f"{name}: {licence}" for name, licence in licences.items() if not may_be_passed_on(licence)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_hashes_and_neither_where_to_fetch_nor_what_reports_use(lock: Path) -> None:
    text = lock.read_text()
    requirements = re.split(r"\n(?=[a-z])", text.strip())
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", each) for each in requirements)
    assert not re.search(r"://|--(index|extra|find)|telemetry|^-e|@ ", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_every_pin_of_its_extras(lock: Path) -> None:
    locked = locked_packages(lock.read_text())
    for extra in IMAGES[lock.stem]:
        for requirement in EXTRAS[extra]:
            pinned = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", requirement)
            if pinned is not None:
                # torch without CUDA adds a word of its own: 2.13.0+cpu.
                assert locked[pinned[1].lower()].partition("+")[0] == pinned[2]


def test_the_table_has_no_line_without_use() -> None:
    locked = set().union(*(locked_packages(lock.read_text()) for lock in LOCKS))
    assert {*TABLE["files"], *TABLE["nvidia"]["packages"]} - locked == set()


def test_the_table_beside_the_locks_has_every_locked_version_and_no_other() -> None:
    locked = {package for package in locked_files() if package.partition("==")[0] not in read_by_hand()}
    assert set(DECLARED) == locked, "`make locks` renews it"


def names_in(lock: str) -> set[str]:
    """Return the names of a lock's packages."""
    return set(locked_packages((REPOSITORY / "docker" / "locks" / f"{lock}.txt").read_text()))


def test_nvidias_licence_is_in_the_two_locks_for_its_gpus_alone() -> None:
    with_nvidia = {lock for lock in IMAGES if names_in(lock) & set(TABLE["nvidia"]["packages"])}
    assert with_nvidia == {"runtime-gpu", "training"}
    assert {name for name in names_in("runtime-gpu") | names_in("training") if name.startswith("nvidia")} <= {
        *TABLE["nvidia"]["packages"],
        *TABLE["files"],
    }


def test_the_runtime_image_carries_nothing_of_nvidia_and_no_training_library() -> None:
    names = names_in("runtime")
    assert {name for name in names if name.startswith(("nvidia", "cuda", "tensorrt"))} == set()
    assert names & {"torch", "nnunetv2", "scipy", "pandas", "matplotlib", "simpleitk", "onnxruntime"} == set()


def test_the_gateways_image_carries_neither_a_backend_nor_what_decodes_and_measures() -> None:
    refused = {
        "openvino",
        "onnxruntime",
        "torch",
        "scipy",
        "pandas",
        "highdicom",
        "python-gdcm",
        "connected-components-3d",
    }
    assert names_in("gateway") & refused == set()


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("LGPL-3.0-or-later", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("MPL-2.0 AND MIT", True),
        ("GPL-3.0-or-later", False),
        ("GPLv2", False),
        ("AGPL-3.0-only", False),
        ("MIT AND GPL-2.0-only", False),
        ("MIT OR GPL-2.0-only", True),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GNU General Public License v3 (GPLv3)", False),
        ("GNU Affero General Public License v3", False),
        ("", False),
    ],
)
def test_strong_copyleft_is_told_from_the_weak_and_from_a_choice(licence: str, allowed: bool) -> None:
    assert may_be_passed_on(licence) is allowed


def test_the_expression_counts_before_classifiers_and_free_text() -> None:
    fields = Message()
    fields["License"] = "Apache License\nVersion 2.0"
    assert declared_licence(fields) == "Apache License"
    fields["Classifier"] = "License :: OSI Approved :: Apache Software License"
    fields["Classifier"] = "Topic :: Software Development"
    assert declared_licence(fields) == "Apache Software License"
    fields["License-Expression"] = "Apache-2.0"
    assert declared_licence(fields) == "Apache-2.0"


def test_the_list_of_packages_gets_the_licences_that_it_lacks_and_keeps_those_it_has(tmp_path: Path) -> None:
    for name in ("proto_buf", "known"):
        folder = tmp_path / "site" / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nLicense: 3-Clause BSD\n")
    known = {"name": "known", "licenses": [{"license": {"id": "MIT"}}]}
    (tmp_path / "sbom.json").write_text(json.dumps({"components": [{"name": "proto-buf"}, known, {"name": "ours"}]}))
    complete_sbom(tmp_path / "sbom.json", tmp_path / "site")
    assert json.loads((tmp_path / "sbom.json").read_text())["components"] == [
        {"name": "proto-buf", "licenses": [{"license": {"name": "3-Clause BSD"}}]},
        known,
        {"name": "ours"},
    ]


def test_all_texts_are_gathered_and_what_may_not_go_out_is_named(tmp_path: Path) -> None:
    for name, licence in (("good", "MIT"), ("bad", "GPL-3.0-only"), ("mute", None)):
        folder = tmp_path / "site" / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        expression = f"License-Expression: {licence}\n" if licence else ""
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{expression}")
        (folder / "LICENSE").write_text(f"the text of {name}\n")
        (folder / "RECORD").write_text(f"{name}-1.0.dist-info/METADATA,,\n{name}-1.0.dist-info/LICENSE,,\n")
    refused = write_licences(tmp_path / "site", tmp_path / "LICENCES.txt")
    assert refused == ["bad (GPL-3.0-only)", "mute (no licence)"]
    written = (tmp_path / "LICENCES.txt").read_text()
    assert "good 1.0: MIT\n\n--- LICENSE\nthe text of good" in written
    assert written.index("bad 1.0") < written.index("good 1.0")
