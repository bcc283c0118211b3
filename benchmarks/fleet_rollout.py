"""`python -m benchmarks.fleet_rollout`: what a rollout to many simulated boxes costs channel and boxes.

Every box has an agent, a key and a memory of its own, and is a folder of files in the place of containers
(`tests/fixtures/folder_boxes.py`); the channel lies in one registry (`--channel oci:HOST:PORT/NAME`) or one folder,
statuses in one inventory folder. Boxes look one after the other, so a time is that of one box on one core.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from benchmarks.machine import describe_machine
from fleet.agent.planning import Manner
from fleet.agent.running import Agent
from fleet.channels.content import Image, Part
from fleet.channels.following import Follower, Look
from fleet.channels.publishing import publish
from fleet.stores.opening import opened_store
from fleet.stores.store import Store
from tests.fixtures.fleets import FleetPlace, digest, make_fleet
from tests.fixtures.folder_boxes import FolderBox, Nature
from trust.registry.access import RegistryAccess

_PLAIN = RegistryAccess(plain_http=True)
_COMPONENTS = ("engine", "gateway")


@dataclass
class CountingStore:
    """A store that counts what is read (a `Store`)."""

    inner: Store
    files: int = 0
    bytes_read: int = 0

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        content = self.inner.read(name)
        self.files += 1
        self.bytes_read += len(content)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file."""
        self.inner.write(name, content)

    def names(self, folder: str) -> list[str]:
        """Return the names of a folder."""
        return self.inner.names(folder)


@contextmanager
def counted(where: str) -> Iterator[CountingStore]:
    """Give the channel's store, counted."""
    with opened_store(where, _PLAIN) as store:
        yield CountingStore(store)


def make_box(folder: Path, registry: Path, number: int) -> FolderBox:
    """Return a box that runs version 1.0."""
    box = FolderBox(folder / f"box-{number:04d}", registry)
    for component, character in zip(_COMPONENTS, "12", strict=True):
        box.place(component, digest(character), Nature("1.0"))
    return box


def tell(fleet: FleetPlace, characters: str, version: str) -> None:
    """Tell the ring to run images."""
    images = {name: Image(digest(each), version) for name, each in zip(_COMPONENTS, characters, strict=True)}
    start = datetime.now(UTC) - timedelta(minutes=1)
    fleet.tell(Part("canary", "release", images, "0.0", start), "anna")


def measure(boxes: int, channel: str | None) -> dict[str, Any]:
    """Return what one look costs a box while nothing is new, and what an update does."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, registry = Path(scratch), Path(scratch) / "registry"
        fleet, where = make_fleet(folder), channel or f"{scratch}/mirror"
        made = [make_box(folder, registry, number) for number in range(boxes)]
        found: dict[str, Any] = {"boxes": boxes}
        for name, characters, version in (
            ("first look", "12", "1.0"),
            ("update", "ab", "2.0"),
            ("nothing new", "", ""),
        ):
            if characters:
                for character in characters:
                    made[0].registry.joinpath(f"{digest(character)}.json").write_text(json.dumps({"version": version}))
                tell(fleet, characters, version)
                with opened_store(where, _PLAIN) as store:
                    publish(fleet.office.folder, store)
            found[name] = _look(made, fleet, where)
        if any(box.runs() != dict(zip(_COMPONENTS, map(digest, "ab"), strict=True)) for box in made):
            raise RuntimeError("not every box runs what it was told")
        return found


def _look(boxes: list[FolderBox], fleet: FleetPlace, where: str) -> dict[str, float]:
    durations_s, files, size = [], 0, 0
    for box in boxes:
        with counted(where) as store:
            follower = Follower(box.folder / "channel", fleet.office.root_file)

            def look(follower: Follower = follower, store: CountingStore = store) -> Look:
                return follower.look(store, "canary")

            manner = Manner(box.folder.name, "", timedelta())
            start_s = time.perf_counter()
            Agent(box.folder / "state", box, look, manner, 0, timedelta(days=1)).run()
            durations_s.append(time.perf_counter() - start_s)
            files, size = files + store.files, size + store.bytes_read
    count = len(boxes)
    return {
        "median_s": round(median(durations_s), 4),
        "files_per_box": round(files / count, 1),
        "bytes_per_box": round(size / count),
        "bytes": size,
    }


def main(
    boxes: Annotated[int, typer.Option(min=1, help="How many boxes.")] = 1000,
    channel: Annotated[str | None, typer.Option(help="oci:HOST:PORT/NAME of a registry of this machine.")] = None,
) -> None:
    """Measure and print JSON."""
    found = measure(boxes, channel)
    typer.echo(json.dumps({"machine": describe_machine(), "channel": channel or "folder", **found}, indent=2))


if __name__ == "__main__":
    typer.run(main)
