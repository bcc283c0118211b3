"""From a box's report to a promoted release, by the real commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.inventory.status import seal
from fleet.stores.folder import FolderStore
from tests.fixtures.fleets import FleetPlace, digest, make_fleet, release_of, status_of
from trust.private_keys import read_private_key

Type = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fleet(tmp_path: Path) -> FleetPlace:
    return make_fleet(tmp_path)


@pytest.fixture
def typed(tmp_path: Path) -> Type:
    def run(*arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "fleet", *arguments]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
        assert ended.returncode == status, ended.stderr
        return ended

    return run


def test_a_box_is_enrolled_reports_and_is_shown(typed: Type, fleet: FleetPlace, tmp_path: Path) -> None:
    typed("keygen", "north-1.pem")
    typed("enrol", "north-1", "north-1.pem.pub", "--fleet", "office")
    (tmp_path / "fleet.toml").write_text(
        'box = "north-1"\nring = "canary"\ninventory = "inventory"\nstatus_key = "north-1.pem"\nstate = "state"\n'
        'disk = "."\nengine_metrics = ""\ngateway_status = ""\nengine_container = ""\ngateway_container = ""\n'
    )
    silent = typed("status", "inventory", "--fleet", "office", status=1).stdout
    assert "1 boxes (1 unknown), 1 with troubles" in silent
    assert "silent: it has never said anything" in silent
    assert typed("report", "-c", "fleet.toml").stdout == "north-1: told to inventory\n"
    ended = typed(
        "status", "inventory", "--fleet", "office", "--page", "fleet.html", "--metrics", "fleet.prom", "--json"
    )
    (row,) = json.loads(ended.stdout)["boxes"]
    assert (row["box"], row["ring"], row["troubles"]) == ("north-1", "canary", [])
    assert "<td>north-1</td>" in (tmp_path / "fleet.html").read_text()
    written = (tmp_path / "fleet.prom").read_text().splitlines()
    assert 'sidewall_fleet_boxes{ring="canary"} 1.0' in written
    assert 'sidewall_fleet_box_troubles{box="north-1"} 0.0' in written
    values = dict(line.rsplit(" ", 1) for line in written if not line.startswith("#"))
    until = float(values["sidewall_fleet_channel_current_until_timestamp_seconds"])
    assert until == fleet.office.current_until().timestamp()


def test_only_what_a_ring_has_proved_goes_to_the_next(typed: Type, fleet: FleetPlace, tmp_path: Path) -> None:
    fleet.tell(release_of("canary", "1"), "anna")
    typed("keygen", "box.pem")
    key, store = read_private_key(tmp_path / "box.pem"), FolderStore(tmp_path / "inventory")
    now = datetime.now(UTC).replace(microsecond=0)
    for box, days in (("north-1", 3), ("north-2", 1)):
        typed("enrol", box, "box.pem.pub", "--fleet", "office")
        store.write(f"boxes/{box}.json", seal(status_of(box, now, running_for=timedelta(days=days)), key))
    wanted = ("inventory", "--fleet", "office", "--least-boxes", "2", "--key", "keys/anna.pem")
    refused = typed("promote", "early", *wanted, "--least-hours", "48", status=3)
    assert "1 of 2 boxes have run it for 48 h; allowed: at least 2" in refused.stderr
    assert fleet.office.part("release", "early") is None
    said = typed("promote", "early", *wanted, "--least-hours", "12").stdout
    assert said == "release goes from canary to early, proved by 2 boxes; `publish` brings it\n"
    early = fleet.office.part("release", "early")
    assert early is not None
    assert early.images["engine"].digest == digest("1")
    again = typed("promote", "early", *wanted, "--least-hours", "12", status=3)
    assert "ring canary is told nothing that ring early is not" in again.stderr
    for box in ("north-1", "north-2"):
        store.write(f"boxes/{box}.json", seal(status_of(box, now, ring="early"), key))
    (done,) = json.loads(typed("promote", "all", *wanted, "--json").stdout)
    assert done["proved_by"] == ["north-1", "north-2"]
    assert done["waits_for_signature"] is True
    assert fleet.office.part("release", "all") is None
    typed("halt", "--reason", "slow", "--fleet", "office", "--key", "keys/ben.pem")
    assert "rollouts are halted: slow" in typed("promote", "all", *wanted, status=3).stderr


def test_words_that_are_none_are_refused(typed: Type, fleet: FleetPlace) -> None:
    wanted = ("inventory", "--fleet", "office", "--key", "keys/anna.pem")
    assert "setting to is 'canary'; allowed: early, all" in typed("promote", "canary", *wanted, status=2).stderr
    assert "allowed: release or model" in typed("promote", "all", *wanted, "--only", "engine", status=2).stderr
