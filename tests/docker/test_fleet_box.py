"""An agent on a box with real podman, systemd and signatures: what is good comes in, and nothing else does.

Takes minutes and root: runs where TEST_IMAGES=1 is set (`make fleet-test`), needs mmdebstrap. The engine is a stand-in.
The tests go on from each other, in the order in which they stand.
"""

import json
import shutil
from collections.abc import Iterator

import pytest

from fleet.channels.content import Image
from tests.docker.fleet_boxes import REPOSITORY_NAME, FleetBox, install_by_hand, running_fleet_box
from tests.docker.images import REPOSITORY, needs_images

pytestmark = [
    *needs_images,
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="Debian's package mmdebstrap: not installed"),
]


class Told:
    """The box, and the image that it runs and should go on running."""

    def __init__(self, box: FleetBox, good: Image) -> None:
        self.box, self.good = box, good

    def check(self) -> None:
        """See that the box serves with the image that it should, in truth and by its journal."""
        assert self.box.serves()
        assert self.box.engine() == self.good.digest
        assert self.journal()["attempt"] is None
        assert self.good.digest not in self.journal()["bad"]

    def journal(self) -> dict[str, dict[str, object]]:
        """Return what the agent remembers."""
        found: dict[str, dict[str, object]] = json.loads(self.box.do("cat /var/lib/sidewall-fleet/agent.json"))
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with running_fleet_box(tmp_path_factory.mktemp("fleet")) as box:
        first = box.make_image("1.0")
        install_by_hand(box, first)
        yield Told(box, first)


def test_a_good_update_comes_in_by_the_unit_of_the_agent(told: Told) -> None:
    told.box.tell(told.good)
    done = told.box.agent()
    assert done.stdout == "runs what it is told\n", done.stderr
    shutil.copytree(told.box.folder / "mirror", told.box.folder / "earlier")
    newer = told.box.make_image("1.1")
    told.box.tell(newer)
    told.box.do(f"cp {REPOSITORY}/docker/fleet/*.service {REPOSITORY}/docker/fleet/*.timer /etc/systemd/system/")
    told.box.do("systemctl daemon-reload && systemctl start sidewall-fleet-agent.service")
    assert told.box.engine() == newer.digest
    assert f"{REPOSITORY_NAME}@{newer.digest}" in told.box.do("cat /etc/systemd/system/sidewall.service")
    # What ran before stays until the new one has been good for a day.
    told.box.do(f"podman image exists {REPOSITORY_NAME}@{told.good.digest}")
    told.good = newer
    told.check()


@pytest.mark.parametrize(
    ("version", "behaviour", "said"),
    [
        ("1.2", {"STARTS": "no"}, "engine: sidewall.service does not start: timeout"),
        ("1.3", {"LASTS_S": "4"}, "engine: sidewall.service did not stay"),
        ("1.4", {"STUDY": "lost"}, "the whole path: the self-test failed"),
    ],
)
def test_what_does_not_hold_is_gone_back_from_and_not_tried_again(
    told: Told, version: str, behaviour: dict[str, str], said: str
) -> None:
    bad = told.box.make_image(version, **behaviour)
    told.box.tell(bad)
    done = told.box.agent()
    assert (done.returncode, "went_back" in done.stderr) == (3, True), done.stderr
    assert said in str(told.journal()["bad"][bad.digest])
    told.check()
    again = told.box.agent()
    assert f"this box went back from engine {version}" in again.stdout, again.stderr
    assert told.box.run(f"podman image exists {REPOSITORY_NAME}@{bad.digest}").returncode != 0
    told.check()


@pytest.mark.parametrize(("version", "key"), [("1.5", None), ("1.6", "stranger")])
def test_what_nobody_or_a_stranger_has_signed_is_refused_by_podman(told: Told, version: str, key: str | None) -> None:
    told.box.tell(told.box.make_image(version, key=key))
    done = told.box.agent()
    assert done.returncode == 4, done.stderr
    assert "is not signed by whom this box trusts" in done.stderr
    told.check()


def test_an_expired_channel_is_told_and_nothing_is_taken_from_it(told: Told) -> None:
    told.box.tell(told.box.make_image("1.7"), days=0)
    done = told.box.agent()
    assert done.returncode == 0, done.stderr
    assert "release-canary is expired" in done.stderr
    told.check()


def test_an_older_channel_that_is_played_again_is_refused(told: Told) -> None:
    earlier = told.box.folder / "mirror" / "earlier"
    shutil.copytree(told.box.folder / "earlier", earlier)
    done = told.box.agent("SIDEWALL_FLEET_CHANNEL=/srv/mirror/earlier")
    assert done.returncode == 4, done.stderr
    assert "channel_rejected" in done.stderr
    shutil.rmtree(earlier)
    told.check()


def test_a_disk_without_the_room_is_told_before_anything_is_pulled(told: Told) -> None:
    image = told.box.make_image("1.8")
    told.box.tell(image)
    done = told.box.agent("SIDEWALL_FLEET_DISK_RESERVE_MB=1000000")
    assert (done.returncode, "disk_full" in done.stderr) == (8, True), done.stderr
    assert told.box.run(f"podman image exists {REPOSITORY_NAME}@{image.digest}").returncode != 0
    told.check()


def test_a_registry_that_goes_away_in_the_middle_changes_nothing(told: Told) -> None:
    rule = "OUTPUT --protocol tcp --sport 5005"
    told.box.do(
        f"iptables -A {rule} -m quota --quota 400000 -j ACCEPT && iptables -A {rule} -j REJECT --reject-with tcp-reset"
    )
    done = told.box.agent()
    assert (done.returncode, "registry_failed" in done.stderr) == (5, True), done.stderr
    told.check()
    told.box.do("iptables -F OUTPUT")
    told.box.stop_registry()
    assert told.box.agent().returncode == 5
    told.check()
    told.box.start_registry()


@pytest.mark.parametrize(
    ("version", "point"),
    [("2.1", "agent.pulled"), ("2.2", "agent.drain"), ("2.3", "agent.switch"), ("2.4", "agent.prove")],
)
def test_an_agent_that_was_ended_goes_on(told: Told, version: str, point: str) -> None:
    image = told.box.make_image(version)
    told.box.tell(image)
    assert told.box.agent(f"FAILPOINT={point}").returncode == 86
    # As after a power cut: whatever the unit says now is what is started.
    told.box.run("systemctl kill --signal=KILL sidewall; systemctl daemon-reload; systemctl restart sidewall")
    done = told.box.agent()
    assert done.returncode == 0, done.stderr
    told.good = image
    told.check()


def test_an_agent_that_was_ended_on_its_way_back_goes_back(told: Told) -> None:
    told.box.tell(told.box.make_image("3.0", STUDY="lost"))
    assert told.box.agent("FAILPOINT=agent.back").returncode == 86
    assert told.box.agent().returncode == 3
    told.check()


def pack(told: Told, image: Image) -> None:
    """Tell the ring to run an image and pack that into a file on the box."""
    told.box.tell(image)
    told.box.do(
        f"sidewall-fleet pack canary /root/update.tar --fleet /srv/office --engine-image {REPOSITORY_NAME} "
        "--registry-plain-http"
    )


def test_a_file_brings_what_registry_and_channel_do_without_either(told: Told) -> None:
    image = told.box.make_image("4.0")
    pack(told, image)
    told.box.stop_registry()
    done = told.box.fleet_command("apply", "/root/update.tar")
    assert (done.returncode, done.stdout) == (0, "now runs engine 4.0\n"), done.stderr
    told.box.start_registry()
    told.good = image
    told.check()


def test_a_file_with_an_image_that_nobody_signed_or_that_was_altered_is_refused(told: Told) -> None:
    pack(told, told.box.make_image("4.1", key=None))
    done = told.box.fleet_command("apply", "/root/update.tar")
    assert (done.returncode, "image_refused" in done.stderr) == (4, True), done.stderr
    pack(told, told.box.make_image("4.2"))
    told.box.do(
        "rm -rf /root/opened && mkdir /root/opened && tar -xf /root/update.tar -C /root/opened && cd /root/opened\n"
        "sed -i 's/sha256:[0-9a-f]/sha256:0/' engine/manifest.json && find -- * -type f | tar -cf /root/update.tar -T -"
    )
    done = told.box.fleet_command("apply", "/root/update.tar")
    assert (done.returncode, "image_refused" in done.stderr) == (4, True), done.stderr
    told.check()


def test_the_office_sees_what_the_box_went_back_from(told: Told) -> None:
    told.box.do("sidewall-fleet keygen /etc/sidewall/box.pem")
    done = told.box.fleet_command("report", "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["running"]["engine"]["digest"] == told.good.digest
    assert set(status["failed"]) == set(told.journal()["bad"])
    assert len(status["failed"]) == 4
