"""Units of both kinds and policies, as podman and its manual have them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from base.errors import SettingInvalid
from fleet.agent import units
from fleet.agent.idling import cases_under_way, wait_until_idle
from fleet.agent.policy import require_enforcing
from tests.fixtures.file_server import serving
from tests.fixtures.fleets import digest

REPOSITORY = Path(__file__).parents[3]
NAMES = ("runtime", "sidewall-runtime")
NEW = f"registry.example:5000/sidewall/runtime@{digest('a')}"
GENERATED = """\
[Service]
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStartPre=/bin/rm -f %t/%n.ctr-id
ExecStart=/usr/bin/podman run \\
\t--cidfile=%t/%n.ctr-id \\
\t--volume=/srv/sidewall/bundle:/bundle:ro localhost/sidewall-runtime:0.1.0
ExecStop=/usr/bin/podman stop --ignore -t 45 --cidfile=%t/%n.ctr-id
"""


@pytest.mark.parametrize("kind", ["quadlet", "generated", "generated with a command"])
def test_a_unit_runs_another_image_and_nothing_else_of_it_changes(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ("sidewall.container" if kind == "quadlet" else "sidewall.service")
    before = (REPOSITORY / "docker/quadlet/sidewall.container").read_text() if kind == "quadlet" else GENERATED
    if kind == "generated with a command":
        before = before.replace("sidewall-runtime:0.1.0", "sidewall-runtime:0.1.0 serve --mode fast")
    file.write_text(before)
    file.chmod(0o640)
    old = units.image_of(file, NAMES)
    assert old == "localhost/sidewall-runtime:0.1.0"
    assert units.set_image(file, NAMES, NEW)
    assert not units.set_image(file, NAMES, NEW)
    assert units.image_of(file, NAMES) == NEW
    assert file.read_text() == before.replace(old, NEW)
    assert file.stat().st_mode & 0o777 == 0o640
    assert units.set_image(file, NAMES, old)
    assert file.read_text() == before
    assert units.service_of(file) == "sidewall.service"


@pytest.mark.parametrize("text", ["[Container]\n", GENERATED.replace("sidewall-runtime", "another"), GENERATED * 2])
def test_a_unit_that_names_no_image_or_several_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sidewall.service"
    file.write_text(text)
    with pytest.raises(SettingInvalid, match="one that names one image of runtime or sidewall-runtime"):
        units.set_image(file, NAMES, NEW)
    assert file.read_text() == text


SIGNED = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/sidewall/release.gpg"}]
ANYTHING = [{"type": "insecureAcceptAnything"}]
REJECT = [{"type": "reject"}]


@pytest.mark.parametrize(
    ("policy", "is_enforcing"),
    [
        ({"default": SIGNED}, True),
        ({"default": ANYTHING}, False),
        ({"default": REJECT}, False),
        ({"default": REJECT, "transports": {"docker": {"registry.example:5000/sidewall": SIGNED}}}, True),
        ({"default": ANYTHING, "transports": {"docker": {"registry.example:5000": SIGNED}}}, True),
        ({"default": SIGNED, "transports": {"docker": {"*.example": ANYTHING}}}, False),
        ({"default": SIGNED, "transports": {"docker": {"": ANYTHING}}}, False),
        ({"default": SIGNED, "transports": {"docker": {"registry.example:5000/other": ANYTHING}}}, True),
        ({"default": SIGNED, "transports": {"docker": {"registry.example:5000/sidewall/runtime": ANYTHING}}}, False),
    ],
)
def test_a_policy_has_to_have_the_images_signed(tmp_path: Path, policy: dict[str, Any], is_enforcing: bool) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    repository = "registry.example:5000/sidewall/runtime"
    if is_enforcing:
        require_enforcing(file, repository)
        return
    with pytest.raises(SettingInvalid, match=f"a policy that has {repository} signed"):
        require_enforcing(file, repository)


def test_an_engine_is_waited_for_while_it_has_cases(tmp_path: Path) -> None:
    page = tmp_path / "metrics"
    page.write_text("# TYPE sidewall_cases_running gauge\nsidewall_cases_running 1.0\nsidewall_cases_waiting 2.0\n")
    with serving(tmp_path) as url:
        address = url.removeprefix("http://")
        assert cases_under_way(address) == 3
        assert not wait_until_idle(address, 0.0)
        page.write_text("sidewall_cases_running 0.0\nsidewall_cases_waiting 0.0\n")
        assert wait_until_idle(address, 0.0)
    assert cases_under_way("127.0.0.1:1") == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_no_fault_in_the_units_of_a_fleet(tmp_path: Path) -> None:
    program = tmp_path / "sidewall-fleet"
    program.symlink_to("/bin/true")
    folder = tmp_path / "units"
    folder.mkdir()
    for unit in sorted((REPOSITORY / "docker" / "fleet").glob("*.[st]*")):
        text = unit.read_text().replace("/opt/sidewall/bin/sidewall-fleet", str(program))
        (folder / unit.name).write_text(text)
    files = sorted(map(str, folder.iterdir()))
    assert len(files) == 4
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "sidewall" in line]
    assert ours == []
