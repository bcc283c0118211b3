"""What the office and a box type, by the real commands, over a real registry."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.fleets import digest
from tests.fixtures.registries import RunningRegistry, find_registry, running_registry

Type = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry is not installed")
    with running_registry(program, tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def typed(tmp_path: Path) -> Type:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "fleet", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )

    return run


def found(typed: Type, *arguments: str) -> str:
    ended = typed(*arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_release_goes_from_the_office_to_a_box(typed: Type, registry: RunningRegistry, tmp_path: Path) -> None:
    people = [
        each for name in ("anna", "ben") for each in ("--release", f"{name}.pem.pub", "--model", f"{name}.pem.pub")
    ]
    for name in ("root", "anna", "ben"):
        found(typed, "keygen", f"{name}.pem")
        assert stat.S_IMODE((tmp_path / f"{name}.pem").stat().st_mode) == 0o600
    assert "give fleet/metadata/1.root.json" in found(typed, "init", "fleet", "--root-key", "root.pem", *people)
    images = (
        "--engine",
        f"{digest('1')}=1.4.0",
        "--bundle-artifact",
        f"{digest('a')}=2.0.0",
        "--smallest-version",
        "1.2",
    )
    said = found(typed, "release", "all", *images, "--key", "anna.pem")
    assert "release of ring all: it waits: `sidewall-fleet sign release-all`" in said
    found(typed, "sign", "release-all", "--key", "ben.pem")
    found(typed, "pin", "north-1", "--reason", "study", "--key", "ben.pem")
    where = f"oci:{registry.host}/site/fleet"
    found(typed, "publish", where, "--registry-plain-http")
    look = ("look", where, "--ring", "all", "--root", "fleet/metadata/1.root.json", "--state", "state")
    told = json.loads(found(typed, *look, "--registry-plain-http", "--json"))
    (part,) = told["parts"]
    assert part["images"] == {"engine": {"digest": digest("1"), "version": "1.4.0"}}
    assert (part["sequence"], part["smallest_version"]) == (1, "1.2")
    assert told["holds"] == {"schema_version": "1", "halted": None, "pins": {"north-1": "study"}}
    shown = found(typed, "waiting")
    assert "model-all waits: signed by 1 of 2" in shown
    assert "pinned: north-1: study" in shown
    assert json.loads(found(typed, "waiting", "--json"))["waiting"] == {"model-all": {"signed": 1, "needed": 2}}


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("release", "canary", "--key", "no.pem"), 2, "setting fleet is 'fleet'; allowed: a folder that"),
        (
            ("look", "mirror", "--ring", "beta", "--root", "r", "--state", "s"),
            2,
            "setting ring is 'beta'; allowed: can",
        ),
        (("look", "mirror", "--ring", "all", "--root", "r", "--state", "s"), 2, "allowed: a readable root.json"),
        (("publish", "mirror"), 2, "a folder that `sidewall-fleet init` made"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(
    typed: Type, arguments: tuple[str, ...], status: int, said: str
) -> None:
    ended = typed(*arguments)
    assert (ended.returncode, ended.stdout) == (status, "")
    assert said in ended.stderr
