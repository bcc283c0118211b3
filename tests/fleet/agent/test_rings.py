"""A release goes through the rings, box by box, by agents, statuses and `promote`; a bad one ends at the first box."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.agent.journal import went_back_from
from fleet.agent.planning import Manner
from fleet.agent.running import Agent
from fleet.channels.content import Image, Part
from fleet.channels.following import Follower, Look
from fleet.channels.keys import make_key_pair
from fleet.channels.publishing import publish
from fleet.channels.roles import RINGS
from fleet.errors import WentBack
from fleet.inventory.overview import enrol
from fleet.inventory.status import Running, seal
from fleet.stores.folder import FolderStore
from tests.fixtures.fleets import EARLIER, FleetPlace, digest, make_fleet, status_of
from tests.fixtures.folder_boxes import FolderBox, Nature, put
from trust.private_keys import read_private_key

OLD, NEW = digest("1"), digest("a")


@dataclass
class Rings:
    """A box in every ring, and their office."""

    folder: Path
    fleet: FleetPlace
    boxes: dict[str, FolderBox]

    def command(self, *words: str, status: int = 0) -> str:
        """Run a command of the office in the folder and return what it says."""
        command = [sys.executable, "-m", "fleet", *words, "--fleet", "office"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    def promote(self, ring: str, status: int = 0) -> str:
        """Have a ring told what the one before it has proved."""
        return self.command(
            "promote", ring, "inventory", "--key", "keys/anna.pem", "--least-hours", "24", status=status
        )

    def look(self) -> dict[str, str]:
        """Have every agent look, and every box leave its status; return what each engine is."""
        publish(self.fleet.office.folder, FolderStore(self.folder / "mirror"))
        for ring in self.boxes:
            self._visit(ring)
        return {ring: box.runs()["engine"] for ring, box in self.boxes.items()}

    def _visit(self, ring: str) -> None:
        box, state = self.boxes[ring], self.folder / ring / "state"
        follower = Follower(state / "channel", self.fleet.office.root_file)

        def look() -> Look:
            return follower.look(FolderStore(self.folder / "mirror"), ring)

        with suppress(WentBack):
            Agent(state, box, look, Manner(f"{ring}-1", "", timedelta()), 0, timedelta(days=1)).run()
        now = datetime.now(UTC).replace(microsecond=0)
        running = {name: Running(each, "1.0", now - timedelta(days=2)) for name, each in box.runs().items()}
        status = status_of(f"{ring}-1", now, ring, running=running, failed=went_back_from(state))
        content = seal(status, read_private_key(self.folder / f"{ring}.pem"))
        FolderStore(self.folder / "inventory").write(f"boxes/{ring}-1.json", content)


@pytest.fixture
def rings(tmp_path: Path) -> Rings:
    fleet, boxes = make_fleet(tmp_path), {}
    for ring in RINGS:
        boxes[ring] = FolderBox(tmp_path / ring, tmp_path / "registry")
        boxes[ring].place("engine", OLD, Nature("1.0"))
        enrol(fleet.office.folder, f"{ring}-1", make_key_pair(tmp_path / f"{ring}.pem"))
    return Rings(tmp_path, fleet, boxes)


def release(rings: Rings, nature: Nature) -> None:
    put(rings.folder / "registry", NEW, nature)
    rings.fleet.tell(Part("canary", "release", {"engine": Image(NEW, "2.0")}, "0.0", EARLIER), "anna")


def test_what_holds_goes_from_ring_to_ring_and_to_all_with_two_signers(rings: Rings) -> None:
    release(rings, Nature("2.0"))
    assert rings.look() == {"canary": NEW, "early": OLD, "all": OLD}
    rings.promote("early")
    assert rings.look() == {"canary": NEW, "early": NEW, "all": OLD}
    assert "waits" in rings.promote("all")
    assert rings.look() == {"canary": NEW, "early": NEW, "all": OLD}
    rings.command("sign", "release-all", "--key", "keys/ben.pem")
    assert rings.look() == {"canary": NEW, "early": NEW, "all": NEW}


def test_what_the_first_box_went_back_from_reaches_no_other(rings: Rings) -> None:
    release(rings, Nature("2.0", passes_study=False))
    assert rings.look() == {"canary": OLD, "early": OLD, "all": OLD}
    assert "canary-1 went back from it" in rings.promote("early", status=3)
    assert "engine: went back from 2.0; runs 1.0" in rings.command("status", "inventory", status=1)
