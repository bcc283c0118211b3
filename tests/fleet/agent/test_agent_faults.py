"""An agent on disks that are full or forget, told by one signer where two belong, and with a gateway's real ledger."""

import itertools
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Text, text

from base.errors import DiskFull, SidewallError
from fleet.agent.box import Placed
from fleet.agent.planning import Manner
from fleet.channels.content import Image, Part
from fleet.channels.following import Follower, Look
from fleet.channels.office import Office
from fleet.errors import NotReady, WentBack
from fleet.stores.folder import FolderStore
from gateway.ledger import migrating, schema
from gateway.ledger.history import first_fault
from gateway.ledger.ledger import Ledger
from tests.fixtures.disks import fill, small_disk
from tests.fixtures.dying import ended_at
from tests.fixtures.fleets import EARLIER
from tests.fixtures.folder_boxes import FolderBox, Nature
from tests.fixtures.forgetful_disks import ForgetfulDisk
from tests.fleet.agent.agents import NEW, OLD, Place, make_place
from tests.gateway.ledger.arriving import arrive

BROUGHT = NEW | {"bundle": OLD["bundle"]}


def offered(folder: Path) -> Place:
    place = make_place(folder)
    for component in NEW:
        place.offer(component)
    place.tell("release")
    return place


def copied(place: Place, folder: Path) -> Place:
    for name in ("box", "state"):
        if (place.folder / name).exists():
            shutil.copytree(place.folder / name, folder / name)
    return replace(place, folder=folder, box=FolderBox(folder / "box", place.box.registry))


def looking(place: Place, origin: Place, ring: str = "canary") -> Look:
    """Ask the channel of the first box."""
    return Follower(place.state / "channel", origin.fleet.office.root_file).look(FolderStore(origin.mirror), ring)


def test_what_one_signer_says_where_two_belong_reaches_no_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_place(tmp_path)
    for component in NEW:
        place.offer(component)
    images = {name: Image(NEW[name], "2.0") for name in ("engine", "gateway")}
    told = Part("all", "release", images, "0.0", EARLIER)
    run = partial(
        place.run, look=partial(looking, place, place, "all"), manner=Manner("north-1", "", EARLIER - EARLIER)
    )
    with monkeypatch.context() as taken_over:
        # An office in the wrong hands gives out what its own rules would hold back.
        taken_over.setattr(Office, "_is_enough", lambda *_: True)
        place.fleet.tell(told, "anna")
    place.publish()
    run()
    assert place.box.runs() == OLD
    assert any("release-all" in each for each in place.said if each.startswith("not believed"))
    place.fleet.tell(told, "anna", "ben")
    place.publish()
    assert run() == "now runs engine 2.0, gateway 2.0"


def test_a_disk_that_fills_at_any_write_leaves_a_box_that_goes_on_once_there_is_room(tmp_path: Path) -> None:
    origin = offered(tmp_path / "origin")
    pages = 0
    for pages in itertools.count():
        with small_disk(tmp_path / "disk", 400) as disk:
            place = copied(origin, disk)
            fill(disk, leave_kib=4 * pages)
            run = partial(place.run, look=partial(looking, place, origin))
            try:
                run()
                is_full = False
            except (DiskFull, WentBack):
                is_full = True
            (disk / "others").unlink()
            place.box.boot()
            assert place.box.runs() in (OLD, BROUGHT), f"with {pages} pages left"
            for _ in range(2):
                with suppress(WentBack):
                    run()
            assert place.journal().attempt is None
            assert place.box.runs() == (BROUGHT if not place.journal().bad else OLD), f"with {pages} pages left"
        (tmp_path / "disk").rmdir()
        if not is_full:
            break
    assert pages > 5


def test_a_disk_that_forgets_what_was_not_synced_leaves_a_good_box_wherever_the_power_failed(tmp_path: Path) -> None:
    origin = offered(tmp_path / "origin")
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        place = copied(origin, folder / "before")
        disk = ForgetfulDisk(place.folder, folder / "record")
        run = partial(place.run, look=partial(looking, place, origin))
        was_ended = ended_at(str(number), disk.recording(run))
        disk.after_the_cut(folder / "after")
        left = replace(place, folder=folder / "after", box=FolderBox(folder / "after" / "box", origin.box.registry))
        left.box.boot()
        assert left.box.runs() in (OLD, BROUGHT, OLD | {"engine": NEW["engine"]}), f"after the cut at point {number}"
        left.run(look=partial(looking, left, origin))
        assert left.box.runs() == BROUGHT, f"after the cut at point {number}"
        assert (left.journal().attempt, dict(left.journal().bad)) == (None, {})
        shutil.rmtree(folder)
        if not was_ended:
            break
    assert number > 60


class LedgerBox(FolderBox):
    """A box whose gateways open a real ledger when they start, each as its version does."""

    def check_ready(self, wanted: "dict[str, Placed]") -> None:  # type: ignore[override]
        """Start the gateway on its ledger too."""
        super().check_ready(wanted)
        gateway = self.installed()["gateway"]
        try:
            assert not ended_at("never reached", partial(self.open_ledger, gateway.version))
        except AssertionError:
            raise NotReady("gateway", "its ledger is not taken") from None

    @property
    def url(self) -> str:
        """Return where the ledger lies."""
        return f"sqlite:///{self.folder}/ledger.sqlite"

    def open_ledger(self, version: str) -> None:
        """Open it as a version does; for a process of its own."""
        if version == "2.0":
            schema.studies.append_column(Column("triage", Text, nullable=False, default="none"))
            # No database adds such a column to a table that has rows.
            schema.studies.append_column(Column("number", Integer, server_default=text("(random())")))
        if version == "3.0":
            schema.studies.append_column(Column("weight", Integer, nullable=False, default=7))
            migrating.SCHEMA, migrating.READABLE_FROM = 2, 2  # type: ignore[misc]
        Ledger(self.url, "box").close()


def acknowledge(box: LedgerBox, count: int) -> None:
    ledger = Ledger(box.url, "box")
    for number in range(count):
        arrive(ledger, study_uid=f"1.{number}", sop_uid=f"1.{number}.1", digest=f"{number:064x}")
    ledger.close()


def instances(box: LedgerBox) -> int:
    """Return how many instances the ledger has, in a chain that is whole."""
    ledger = Ledger(box.url, "box")
    try:
        with ledger.read() as connection:
            assert first_fault(connection) is None
            return connection.exec_driver_sql("SELECT count(*) FROM instances").scalar_one()  # type: ignore[no-any-return]
    finally:
        ledger.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = make_place(tmp_path)
    made.box = LedgerBox(tmp_path / "box", tmp_path / "registry")
    acknowledge(made.box, 50)
    return made


def test_a_ledger_whose_migration_fails_is_as_it_was_and_the_gateway_before_goes_on_with_it(place: Place) -> None:
    place.offer("gateway", version="2.0")
    place.tell("release", {"gateway": NEW["gateway"]})
    with pytest.raises(WentBack, match=r"gateway 2.0 -> 1.0"):
        place.run()
    assert place.box.runs() == OLD
    assert place.journal().bad[NEW["gateway"]].reason == "gateway: its ledger is not taken"
    assert instances(place.box) == 50  # type: ignore[arg-type]


def test_a_gateway_older_than_its_data_is_gone_back_from(place: Place) -> None:
    place.offer("gateway", version="3.0")
    place.tell("release", {"gateway": NEW["gateway"]}, "3.0")
    assert place.run() == "now runs gateway 3.0"
    place.box.place("bundle", OLD["bundle"], Nature("1.0"))
    place.tell("release", {"gateway": OLD["gateway"]}, "1.0")
    with pytest.raises(WentBack, match=r"gateway 1.0 -> 3.0"):
        place.run()
    assert place.box.runs() == OLD | {"gateway": NEW["gateway"]}
    with pytest.raises(SidewallError, match="the ledger is of version 2"):
        instances(place.box)  # type: ignore[arg-type]
