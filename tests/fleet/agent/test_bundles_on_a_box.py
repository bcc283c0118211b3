"""Bundles on a box by the engine's real command and a real registry, and by a carried folder, without systemd.

In its place a script answers as systemctl does of a unit that runs.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.agent.box import Placed
from fleet.agent.podman_box import PodmanBox
from fleet.channels.content import Image
from fleet.errors import ImageRefused, NotReady
from fleet.offline.carried_box import CarriedBox
from fleet.settings import BoxSettings
from tests.fixtures.pushed import NAME, TwoVersions, make_two_versions
from tests.fixtures.registries import RunningRegistry, find_registry, running_registry
from trust.errors import RegistryFailed


@pytest.fixture
def versions(tmp_path: Path) -> TwoVersions:
    return make_two_versions(tmp_path / "bundles")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry is not installed")
    with running_registry(program, tmp_path / "registry") as running:
        yield running


@pytest.fixture
def settings(
    tmp_path: Path, versions: TwoVersions, registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> BoxSettings:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\necho ActiveState=active\n")
    (tools / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("SIDEWALL_BUNDLE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(versions.keys))
    monkeypatch.setenv("SIDEWALL_REGISTRY_PLAIN_HTTP", "true")
    return BoxSettings(
        bundle_artifact=f"{registry.host}/{NAME}",
        bundle_store=tmp_path / "store",
        bundle_command=f"{Path(sys.executable).parent / 'sidewall'} bundle",
        engine_health="true",
        registry_plain_http=True,
        disk=tmp_path,
    )


def placed(box: PodmanBox, image: Image) -> Placed:
    return Placed(image.digest, image.version, box.reference("bundle", image))


def test_a_bundle_is_pulled_used_and_gone_back_from(
    settings: BoxSettings, versions: TwoVersions, registry: RunningRegistry
) -> None:
    first = Image(versions.push(registry), "1.0.0")
    second = Image(versions.push(registry, second=True), "2.0.0")
    box = PodmanBox(settings)
    assert box.installed() == {"bundle": Placed("", "unknown", "")}
    for image in (first, second):
        assert box.needed_bytes("bundle", image) > 0
        box.pull("bundle", image)
        assert box.needed_bytes("bundle", image) == 0
        box.switch({"bundle": box.reference("bundle", image)})
        box.check_ready({"bundle": placed(box, image)})
    installed = box.installed()["bundle"]
    assert (installed.digest, installed.version) == (second.digest, "2.0.0")
    with pytest.raises(NotReady, match=f"bundle: {second.digest} runs, not {first.digest}"):
        box.check_ready({"bundle": placed(box, first)})
    # What is in use is not removed; what is not, is.
    box.remove("bundle", placed(box, second))
    box.switch({"bundle": first.digest})
    box.remove("bundle", placed(box, second))
    assert box.installed()["bundle"].digest == first.digest
    assert box.needed_bytes("bundle", second) > 0


def test_a_bundle_of_a_stranger_and_one_that_is_not_there_change_nothing(
    settings: BoxSettings, versions: TwoVersions, registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image(versions.push(registry), "1.0.0")
    monkeypatch.delenv("SIDEWALL_TRUSTED_KEYS")
    box = PodmanBox(settings)
    with pytest.raises(ImageRefused, match="is no bundle that this box trusts"):
        box.pull("bundle", image)
    absent = Image("sha256:" + "0" * 64, "9")
    with pytest.raises(RegistryFailed, match="the registry has no"):
        box.needed_bytes("bundle", absent)
    with pytest.raises(RegistryFailed, match="cannot be pulled"):
        box.pull("bundle", absent)
    assert box.installed()["bundle"].digest == ""


def test_a_line_that_falls_silent_ends_a_pull_in_time(settings: BoxSettings, tmp_path: Path) -> None:
    (tmp_path / "tools" / "silent").write_text("#!/bin/sh\nexec sleep 1000\n")
    (tmp_path / "tools" / "silent").chmod(0o755)
    box = PodmanBox(replace(settings, bundle_command="silent", pull_s=1.0))
    with pytest.raises(RegistryFailed, match="did not come within 1 s"):
        box.pull("bundle", Image("sha256:" + "0" * 64, "9"))


def test_a_carried_bundle_needs_no_registry(
    settings: BoxSettings, versions: TwoVersions, registry: RunningRegistry, tmp_path: Path
) -> None:
    image = Image(versions.push(registry), "1.0.0")
    carried = tmp_path / "carried" / "bundle"
    carried.mkdir(parents=True)
    shutil.copy(registry.blob(image.digest.removeprefix("sha256:")), carried / "manifest.json")
    for layer in json.loads((carried / "manifest.json").read_text())["layers"]:
        sha256 = layer["digest"].removeprefix("sha256:")
        shutil.copy(registry.blob(sha256), carried / sha256)
    shutil.rmtree(registry.storage)
    box = CarriedBox(settings, tmp_path / "carried")
    assert box.needed_bytes("bundle", image) > 0
    box.pull("bundle", image)
    box.switch({"bundle": box.reference("bundle", image)})
    assert box.installed()["bundle"].digest == image.digest
    assert {each.name for each in (tmp_path / "store").glob("[a-z]*")} <= {
        image.digest.replace(":", "-"),
        "current",
        "references.json",
    }
    with pytest.raises(ImageRefused, match="the file holds no engine"):
        box.needed_bytes("engine", Image("sha256:" + "0" * 64, "9"))
