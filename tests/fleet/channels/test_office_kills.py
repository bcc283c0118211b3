"""Office and box are ended at every failpoint: boxes see the state before or after, and repeating helps."""

import itertools
import shutil
from functools import partial
from pathlib import Path

from fleet.channels.following import Follower
from fleet.channels.office import Office
from fleet.channels.publishing import publish
from fleet.stores.folder import FolderStore
from tests.fixtures.dying import ended_at
from tests.fixtures.fleets import FleetPlace, digest, make_fleet, release_of


def engine(mirror: Path, memory: Path, root: Path) -> str:
    (part,) = Follower(memory, root).look(FolderStore(mirror), "canary").parts
    return part.images["engine"].digest


def test_a_change_that_is_cut_off_is_there_or_not_and_goes_through_again(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet")
    fleet.tell(release_of("canary", "1"), "anna")
    root = fleet.office.root_file
    for number in itertools.count(1):
        folder, mirror = tmp_path / f"office{number}", tmp_path / f"mirror{number}"
        shutil.copytree(fleet.office.folder, folder)
        place = FleetPlace(Office(folder), fleet.own, fleet.keys)

        def change(place: FleetPlace = place, mirror: Path = mirror) -> None:
            place.tell(release_of("canary", "2"), "anna")
            publish(place.office.folder, FolderStore(mirror))

        publish(folder, FolderStore(mirror))
        was_ended = ended_at(str(number), change)
        assert engine(mirror, tmp_path / f"memory{number}", root) in (digest("1"), digest("2"))
        place.tell(release_of("canary", "3"), "ben")
        publish(folder, FolderStore(mirror))
        assert engine(mirror, tmp_path / f"memory{number}", root) == digest("3")
        if not was_ended:
            break
    assert number > 30  # Writing, syncing, renaming and syncing the folder, of four files here and of four there.


def test_a_change_of_keys_that_is_cut_off_can_be_repeated_or_refreshed(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet")
    fleet.tell(release_of("canary", "1"), "anna")
    root = fleet.office.root_file
    other = make_fleet(tmp_path / "other")
    added = other.signer("root").public_key
    for number in itertools.count(1):
        folder, mirror = tmp_path / f"office{number}", tmp_path / f"mirror{number}"
        shutil.copytree(fleet.office.folder, folder)
        office = Office(folder)

        def change(office: Office = office) -> None:
            office.change_keys("release", fleet.signers("root"), fleet.own, add=[added])

        was_ended = ended_at(str(number), change)
        office.refresh(fleet.own)
        publish(folder, FolderStore(mirror))
        assert engine(mirror, tmp_path / f"memory{number}", root) == digest("1")
        change()
        assert office.tell(release_of("canary", "2"), 30, [other.signer("root")], fleet.own)
        publish(folder, FolderStore(mirror))
        assert engine(mirror, tmp_path / f"memory{number}", root) == digest("2")
        if not was_ended:
            break


def test_a_box_that_is_cut_off_while_it_looks_looks_again(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet")
    fleet.tell(release_of("canary", "1"), "anna")
    mirror, root = tmp_path / "mirror", fleet.office.root_file
    publish(fleet.office.folder, FolderStore(mirror))
    for number in itertools.count(1):
        memory = tmp_path / f"memory{number}"
        was_ended = ended_at(str(number), partial(engine, mirror, memory, root))
        assert engine(mirror, memory, root) == digest("1")
        if not was_ended:
            break
    assert number > 10
