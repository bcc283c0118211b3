"""The manifests for Kubernetes: settings that there are, containers hardened as on a box, nothing open by default.

What its own schemas say of them is asked by `make kubernetes-check`; here they are read.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from base import __version__
from base.environment import check_variables
from gateway.settings import SOURCES as GATEWAY
from gateway.site.file import read_site
from runtime.settings import SOURCES as ENGINE
from tests.docker.images import REPOSITORY

FOLDER = REPOSITORY / "docker" / "kubernetes"
BASE = FOLDER / "base"


def documents(name: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((BASE / name).read_text()) if each]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for file in sorted(BASE.glob("[e-n]*.yaml")) for each in documents(file.name) if each["kind"] == kind]


def pods() -> dict[str, dict[str, Any]]:
    """Return what the pods of engine and gateway are, by name."""
    found = of_kind("Deployment") + of_kind("StatefulSet")
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in found}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_every_variable_is_a_setting() -> None:
    for pod in pods().values():
        for container in containers(pod):
            names = {each["name"]: str(each.get("value", "")) for each in container.get("env", [])}
            check_variables(names, ENGINE.kinds)
            check_variables(names, GATEWAY.kinds, prefix=GATEWAY.prefix, others=())
        assert pod["enableServiceLinks"] is False


def test_containers_are_as_hardened_as_on_a_box() -> None:
    assert set(pods()) == {"sidewall-engine", "sidewall-gateway"}
    for pod in pods().values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["automountServiceAccountToken"] is False
        # As --stop-timeout of the units, and longer.
        assert pod["terminationGracePeriodSeconds"] >= 45
        for container in containers(pod):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_an_engine_is_ready_by_the_health_that_holds_the_golden_case_and_a_bundle_is_pinned_by_digest() -> None:
    (engine,) = pods()["sidewall-engine"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert engine[probe]["grpc"] == {"port": 50051}
    (bundle,) = of_kind("ConfigMap")
    assert "@sha256:" in bundle["data"]["reference"]


def test_nothing_is_open_that_no_policy_names() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind("NetworkPolicy")}
    assert policies["nothing-by-default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in ("engine", "gateway"):
        assert policies[name]["podSelector"]["matchLabels"] == {"app": f"sidewall-{name}"}
        for way, peers in (("ingress", "from"), ("egress", "to")):
            assert all(rule[peers] and rule["ports"] for rule in policies[name][way])


def test_the_site_file_is_the_sample_with_the_name_of_the_engines_here() -> None:
    sample = (REPOSITORY / "docker" / "gateway" / "site.toml").read_text()
    assert (BASE / "site.toml").read_text() == sample.replace('"sidewall:50051"', '"sidewall-engine:50051"')
    assert read_site(BASE / "site.toml").engines[0].address == "sidewall-engine:50051"


@pytest.mark.parametrize("folder", ["base", "gpu"])
def test_images_are_those_of_this_version(folder: str) -> None:
    kustomization = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())
    assert {each["newTag"] for each in kustomization["images"]} == {__version__}
    named = {container["image"] for pod in pods().values() for container in containers(pod)}
    assert {each["name"] for each in kustomization["images"]} <= named


def test_every_file_is_part_of_the_whole() -> None:
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    parts = {*kustomization["resources"], *kustomization["configMapGenerator"][0]["files"], "kustomization.yaml"}
    assert parts == {each.name for each in Path(BASE).iterdir()}
