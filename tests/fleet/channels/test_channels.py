"""What boxes believe of a channel, and what they do not: forged, replayed, held back, too few signers, revoked."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from fleet.channels.content import Holds
from fleet.channels.following import Follower, Look
from fleet.channels.keys import key_of, make_key_pair, read_public_key
from fleet.channels.publishing import publish
from fleet.errors import ChannelExpired, ChannelRejected, SignaturesMissing
from fleet.stores.folder import FolderStore
from tests.fixtures.fleets import FleetPlace, digest, make_fleet, model_of, release_of
from trust.errors import RegistryFailed


class Box:
    """A box with its memory, and the mirror that it reads."""

    def __init__(self, folder: Path, fleet: FleetPlace) -> None:
        self.fleet, self.mirror = fleet, folder / "mirror"
        root = folder / "root.json"
        root.write_bytes(fleet.office.root_file.read_bytes())
        self.memory = folder / "memory"
        self.follower = Follower(self.memory, root)

    def publish(self) -> int:
        """Bring the office's folder to the mirror."""
        return publish(self.fleet.office.folder, FolderStore(self.mirror))

    def look(self, ring: str = "canary", later: timedelta = timedelta()) -> Look:
        """Ask the channel, now or so much later."""
        return self.follower.look(FolderStore(self.mirror), ring, datetime.now(UTC) + later)

    def engine(self, ring: str = "canary") -> str:
        """Return the digest of the engine's image."""
        (release,) = [each for each in self.look(ring).parts if each.part == "release"]
        return release.images["engine"].digest


@pytest.fixture
def fleet(tmp_path: Path) -> FleetPlace:
    return make_fleet(tmp_path)


@pytest.fixture
def box(tmp_path: Path, fleet: FleetPlace) -> Box:
    made = Box(tmp_path, fleet)
    made.publish()
    return made


def test_a_ring_sees_what_it_is_told_and_no_other_ring_does(box: Box, fleet: FleetPlace) -> None:
    assert box.look() == Look((), Holds(), ())
    assert fleet.tell(release_of("canary"), "anna")
    assert fleet.tell(model_of("canary"), "cleo")
    assert box.look() == Look((), Holds(), ())
    assert box.publish() == 7  # Two files, two roles, two snapshots, the timestamp; root and targets are there.
    release, model = box.look().parts
    assert release.images == release_of("canary").images
    assert model.images["bundle"].digest == digest("a")
    assert (release.sequence, model.sequence) == (1, 1)
    assert box.look("early").parts == ()
    fleet.tell(release_of("canary", "2"), "ben")
    box.publish()
    assert box.engine() == digest("2")
    assert box.publish() == 0


def test_who_signs_models_signs_no_release_and_a_stranger_signs_nothing(fleet: FleetPlace) -> None:
    make_key_pair(fleet.keys / "eve.pem")
    for part, names in ((release_of("canary"), ("cleo", "eve")), (model_of("canary"), ("anna",))):
        with pytest.raises(SignaturesMissing, match=f"may sign {part.part}-canary"):
            fleet.tell(part, *names)


def test_the_ring_of_all_waits_for_a_second_signer(box: Box, fleet: FleetPlace) -> None:
    assert not fleet.tell(release_of("all"), "anna")
    assert fleet.office.waiting() == {"release-all": (1, 2)}
    box.publish()
    assert box.look("all").parts == ()
    with pytest.raises(SignaturesMissing):
        fleet.office.sign("release-all", fleet.signers("cleo"), fleet.own)
    assert not fleet.office.sign("release-all", fleet.signers("anna"), fleet.own)  # The same again is no second one.
    assert fleet.office.sign("release-all", fleet.signers("ben"), fleet.own)
    assert fleet.office.waiting() == {}
    box.publish()
    assert box.engine("all") == digest("1")


def test_an_older_state_is_refused_even_where_the_cache_is_lost(box: Box, fleet: FleetPlace, tmp_path: Path) -> None:
    fleet.tell(release_of("canary", "1"), "anna")
    box.publish()
    shutil.copytree(box.mirror, tmp_path / "older")
    fleet.tell(release_of("canary", "2"), "anna")
    box.publish()
    assert box.engine() == digest("2")
    shutil.rmtree(box.mirror)
    shutil.copytree(tmp_path / "older", box.mirror)
    with pytest.raises(ChannelRejected):
        box.look()
    shutil.rmtree(box.memory / "metadata")
    with pytest.raises(ChannelRejected, match="this box has seen"):
        box.look()


def test_what_is_not_renewed_expires_also_for_a_clock_that_is_set_back(box: Box, fleet: FleetPlace) -> None:
    fleet.tell(release_of("canary"), "anna")
    box.publish()
    assert len(box.look(later=timedelta(days=6)).parts) == 1
    for later in (timedelta(days=8), timedelta()):
        with pytest.raises(ChannelExpired, match=r"timestamp is expired: it counted until .*, the newest time seen"):
            box.look(later=later)
    box.follower.forget_time()
    assert len(box.look().parts) == 1
    with pytest.raises(ChannelExpired):
        box.look(later=timedelta(days=8))
    box.follower.forget_time()
    fleet.office.refresh(fleet.own)
    box.publish()
    assert len(box.look().parts) == 1


def test_one_part_that_expired_is_told_and_the_other_counts(box: Box, fleet: FleetPlace) -> None:
    fleet.tell(release_of("canary"), "anna", days=2)
    fleet.tell(model_of("canary"), "cleo")
    box.publish()
    found = box.look(later=timedelta(days=3))
    assert [each.part for each in found.parts] == ["model"]
    assert len(found.faults) == 1
    assert "release-canary is expired" in found.faults[0]


def test_a_release_that_counts_for_no_time_is_expired_at_once(box: Box, fleet: FleetPlace) -> None:
    fleet.tell(release_of("canary"), "anna", days=0)
    box.publish()
    found = box.look()
    assert found.parts == ()
    assert "release-canary is expired" in found.faults[0]


def test_a_file_that_was_changed_on_the_mirror_is_refused(box: Box, fleet: FleetPlace) -> None:
    fleet.tell(release_of("canary"), "anna")
    box.publish()
    (file,) = (box.mirror / "targets" / "canary").iterdir()
    file.write_bytes(file.read_bytes().replace(b"1" * 64, b"6" * 64))
    found = box.look()
    assert found.parts == ()
    assert "release-canary is not to be believed" in found.faults[0]
    metadata = box.mirror / "metadata" / "1.release-canary.json"
    metadata.write_bytes(metadata.read_bytes().replace(b"canary/", b"early/"))
    shutil.rmtree(box.memory)
    assert box.look().parts == ()


def test_a_mirror_that_is_gone_is_no_forgery(box: Box) -> None:
    shutil.rmtree(box.mirror)
    with pytest.raises(RegistryFailed):
        box.look()


def test_a_key_that_is_taken_away_counts_no_more_until_others_sign(box: Box, fleet: FleetPlace) -> None:
    fleet.tell(release_of("canary"), "anna")
    box.publish()
    assert box.engine() == digest("1")
    make_key_pair(fleet.keys / "eve.pem")
    eve = key_of(read_public_key(fleet.keys / "eve.pem.pub"))
    anna = fleet.signer("anna").public_key.keyid
    with pytest.raises(SignaturesMissing, match="release-all needs 2 signers and has 1"):
        fleet.office.change_keys("release", fleet.signers("root"), fleet.own, revoke=[anna])
    with pytest.raises(SignaturesMissing, match="targets needs 1 of the keys"):
        fleet.office.change_keys("release", fleet.signers("ben"), fleet.own, add=[eve])
    fleet.office.change_keys("release", fleet.signers("root"), fleet.own, add=[eve], revoke=[anna])
    assert fleet.office.unsigned() == ["release-canary"]
    box.publish()
    found = box.look()
    assert found.parts == ()
    assert "release-canary is not to be believed" in found.faults[0]
    with pytest.raises(SignaturesMissing):
        fleet.office.sign("release-canary", fleet.signers("anna"), fleet.own)
    assert fleet.office.sign("release-canary", fleet.signers("eve"), fleet.own)
    box.publish()
    (release,) = box.look().parts
    assert (release.sequence, release.images) == (2, release_of("canary").images)
    with pytest.raises(SettingInvalid, match="a key of release-canary"):
        fleet.office.change_keys("release", fleet.signers("root"), fleet.own, revoke=[anna])


def test_root_keys_change_under_the_old_and_the_new_ones(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path, ("root", "spare"), root_threshold=2)
    box = Box(tmp_path, fleet)
    fleet.tell(release_of("canary"), "anna")
    box.publish()
    assert box.engine() == digest("1")
    make_key_pair(fleet.keys / "fresh.pem")
    fresh = key_of(read_public_key(fleet.keys / "fresh.pem.pub"))
    old = fleet.signer("spare").public_key.keyid
    with pytest.raises(SignaturesMissing, match="root needs 2 of the keys"):
        fleet.office.change_keys("root", fleet.signers("root", "fresh"), fleet.own, add=[fresh], revoke=[old])
    signing = fleet.signers("root", "spare", "fresh")
    fleet.office.change_keys("root", signing, fleet.own, add=[fresh], revoke=[old])
    box.publish()
    assert box.engine() == digest("1")  # A box that was given the first root follows to the second.
    with pytest.raises(SignaturesMissing):
        fleet.office.change_keys("release", fleet.signers("root", "spare"), fleet.own, add=[fresh])


def test_the_office_gets_another_key(box: Box, fleet: FleetPlace) -> None:
    make_key_pair(fleet.keys / "own.pem")
    new = fleet.signer("own")
    fleet.office.change_keys(
        "office", fleet.signers("root"), new, add=[new.public_key], revoke=[fleet.own.public_key.keyid]
    )
    with pytest.raises(SignaturesMissing, match=r"snapshot needs 1"):
        fleet.tell(release_of("canary"), "anna")
    assert replace(fleet, own=new).tell(release_of("canary"), "anna")
    box.publish()
    assert box.engine() == digest("1")


def test_a_halt_and_a_pin_reach_every_ring_by_one_signer(box: Box, fleet: FleetPlace) -> None:
    held = Holds("gateway 1.4.0 is slow", {"north-1": "study until May"})
    fleet.office.hold(held, 30, fleet.signers("dan"), fleet.own)
    box.publish()
    for ring in ("canary", "all"):
        assert box.look(ring).holds == held
    assert fleet.office.holds() == held


def test_a_hold_that_is_not_believed_holds(box: Box, fleet: FleetPlace) -> None:
    fleet.office.hold(Holds(), 30, fleet.signers("anna"), fleet.own)
    box.publish()
    (file,) = (box.mirror / "targets").glob("*.hold.json")
    file.write_bytes(b"{}")
    found = box.look()
    assert found.holds.halted == "the file of holds is not to be believed"
    assert len(found.faults) == 1


def test_a_root_of_another_fleet_believes_nothing(box: Box, tmp_path: Path) -> None:
    other = make_fleet(tmp_path / "other")
    follower = Follower(tmp_path / "other" / "memory", other.office.root_file)
    with pytest.raises(ChannelRejected, match="the channel is not to be believed"):
        follower.look(FolderStore(box.mirror), "canary")


def test_what_no_box_would_read_is_not_told(fleet: FleetPlace) -> None:
    bad = replace(release_of("canary"), smallest_version="newest")
    with pytest.raises(ChannelRejected, match="smallest_version of the release of ring canary is 'newest'"):
        fleet.tell(bad, "anna")
    with pytest.raises(ChannelRejected, match="there is no 'release' of ring 'beta'"):
        fleet.tell(release_of("beta"), "anna")
    with pytest.raises(ChannelRejected, match="a reason of the file of holds"):
        fleet.office.hold(Holds(""), 30, fleet.signers("anna"), fleet.own)
