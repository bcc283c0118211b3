"""An agent on a box of files, its fleet's office, and a clock that is set by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fleet.agent.journal import Journal, JournalFile
from fleet.agent.planning import Manner
from fleet.agent.running import Agent
from fleet.channels.content import Image, Part
from fleet.channels.following import Follower, Look
from fleet.channels.publishing import publish
from fleet.stores.folder import FolderStore
from tests.fixtures.fleets import EARLIER, FleetPlace, digest, make_fleet
from tests.fixtures.folder_boxes import FolderBox, Nature, put

OLD = {"engine": digest("1"), "gateway": digest("2"), "bundle": digest("3")}
NEW = {"engine": digest("a"), "gateway": digest("b"), "bundle": digest("c")}
PARTS_OF = {"release": ("engine", "gateway"), "model": ("bundle",)}


@dataclass
class Place:
    """A box that runs `OLD` in version 1.0, and whoever tells it what to run."""

    folder: Path
    fleet: FleetPlace
    box: FolderBox
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    said: list[str] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """What the agent remembers."""
        return self.folder / "state"

    @property
    def mirror(self) -> Path:
        """Where the channel is read."""
        return self.folder / "mirror"

    def offer(self, component: str, digest: str | None = None, **nature: Any) -> None:
        """Have the registry offer the new image of a component, or another."""
        put(self.box.registry, digest or NEW[component], Nature(**{"version": "2.0"} | nature))

    def tell(self, part: str, images: dict[str, str] = NEW, version: str = "2.0", smallest: str = "0.0") -> None:
        """Tell the ring to run images, and publish it."""
        named = {name: Image(images[name], version) for name in PARTS_OF[part] if name in images}
        who = "anna" if part == "release" else "cleo"
        self.fleet.tell(Part("canary", part, named, smallest, EARLIER), who)
        self.publish()

    def publish(self) -> None:
        """Bring the office's word to the mirror."""
        publish(self.fleet.office.folder, FolderStore(self.mirror))

    def look(self) -> Look:
        """Ask the channel."""
        follower = Follower(self.state / "channel", self.fleet.office.root_file)
        return follower.look(FolderStore(self.mirror), "canary", self.now)

    def agent(self, **changes: object) -> Agent:
        """Return the agent, as a process of its own would make it."""
        given = {"state": self.state, "box": self.box, "look": self.look, "reserve_bytes": 1000} | changes
        given = {"manner": Manner("north-1", "", timedelta()), "keep": timedelta(days=1)} | given
        return Agent(**given, clock=lambda: self.now, tell=self.said.append)  # type: ignore[arg-type]

    def run(self, **changes: object) -> str:
        """Let it run once."""
        return self.agent(**changes).run()

    def journal(self) -> Journal:
        """Return what it remembers."""
        return JournalFile(self.state).read()


def make_place(folder: Path) -> Place:
    """Make a box, its registry and its office."""
    box = FolderBox(folder / "box", folder / "registry")
    for component, each in OLD.items():
        box.place(component, each, Nature("1.0"))
    place = Place(folder, make_fleet(folder), box)
    place.publish()
    return place
