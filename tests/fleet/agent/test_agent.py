"""What an agent does with its channel, on a box of files: brings in, proves, goes back, waits, obeys."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from base.errors import DiskFull
from fleet.agent.journal import JOURNAL
from fleet.agent.planning import Manner
from fleet.agent.running import retry
from fleet.channels.content import Holds
from fleet.channels.following import Look
from fleet.errors import AgentTaken, ChannelExpired, ImageRefused, JournalRejected, NotReady, WentBack
from tests.fixtures.folder_boxes import Nature
from tests.fleet.agent.agents import NEW, OLD, Place, make_place
from trust.errors import RegistryFailed


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = make_place(tmp_path)
    for component in NEW:
        made.offer(component)
    return made


def test_a_box_brings_in_what_its_ring_is_told_and_proves_it(place: Place) -> None:
    assert place.run() == "runs what it is told"
    place.tell("release")
    assert place.run() == "now runs engine 2.0, gateway 2.0"
    assert place.box.runs() == {"engine": NEW["engine"], "gateway": NEW["gateway"], "bundle": OLD["bundle"]}
    place.tell("model")
    assert place.run() == "now runs bundle 2.0"
    assert place.box.runs() == NEW
    assert place.run() == "runs what it is told"
    journal = place.journal()
    assert (journal.attempt, dict(journal.bad)) == (None, {})
    assert {name: good.placed.digest for name, good in journal.good.items()} == NEW


def test_what_ran_before_is_kept_until_the_new_has_been_good_for_a_day(place: Place) -> None:
    place.tell("release")
    place.run()
    place.now += timedelta(hours=23)
    place.run()
    assert place.box.has(OLD["engine"])
    place.now += timedelta(hours=1)
    place.run()
    assert not place.box.has(OLD["engine"])
    assert place.box.has(OLD["bundle"])
    assert "engine 2.0 has held; 1.0 is removed" in [event.what for event in place.journal().events]


@pytest.mark.parametrize(
    ("nature", "said"),
    [
        ({"starts": False}, "engine: it does not start"),
        ({"passes_golden_case": False}, "engine: it does not serve: the golden case has not passed"),
        ({"passes_study": False}, "the whole path: the phantom study did not come through engine"),
        ({"stays": False}, "engine: it ended after a minute"),
    ],
)
def test_what_does_not_hold_is_left_for_good_until_somebody_says_retry(
    place: Place, nature: dict[str, Any], said: str
) -> None:
    place.offer("engine", **nature)
    place.tell("release")
    with pytest.raises(WentBack, match=r"engine 2.0 -> 1.0, gateway 2.0 -> 1.0"):
        place.run()
    assert place.box.runs() == OLD
    assert place.journal().bad[NEW["engine"]].reason == said
    assert not place.box.has(NEW["engine"])
    assert f"this box went back from engine 2.0 ({said})" in place.run()
    place.offer("engine")
    assert place.box.runs() == OLD
    assert retry(place.state, NEW["engine"])
    assert not retry(place.state, NEW["engine"])
    retry(place.state, NEW["gateway"])
    assert place.run() == "now runs engine 2.0, gateway 2.0"


def test_only_what_the_fault_can_lie_in_is_blamed(place: Place) -> None:
    place.offer("bundle", starts=False)
    place.tell("release")
    place.tell("model")
    with pytest.raises(WentBack):
        place.run()
    # Where a bundle does not start the engine does not: which of the two it is cannot be told, the gateway it is not.
    assert set(place.journal().bad) == {NEW["engine"], NEW["bundle"]}


def test_a_newer_image_is_tried_after_a_bad_one(place: Place) -> None:
    place.offer("engine", starts=False)
    place.tell("release")
    with pytest.raises(WentBack):
        place.run()
    newer = NEW | {"engine": "sha256:" + "e" * 64}
    place.offer("engine", newer["engine"], version="2.1")
    place.tell("release", newer, "2.1")
    assert place.run() == "now runs engine 2.1, gateway 2.1"


def test_room_is_looked_at_before_anything_is_pulled(place: Place) -> None:
    place.offer("gateway", size_bytes=2_000_000)
    place.tell("release")
    with pytest.raises(DiskFull, match=r"engine 2\.0, gateway 2.0 takes 2 MB"):
        place.run()
    assert not place.box.has(NEW["engine"])
    assert place.box.runs() == OLD
    assert place.journal().attempt is None


def test_an_unsigned_image_and_a_registry_that_is_gone_change_nothing(place: Place) -> None:
    place.offer("gateway", signed=False)
    place.tell("release")
    with pytest.raises(ImageRefused):
        place.run()
    (place.box.registry / f"{NEW['gateway']}.json").unlink()
    with pytest.raises(RegistryFailed):
        place.run()
    assert place.box.runs() == OLD
    assert dict(place.journal().bad) == {}
    place.offer("gateway")
    assert place.run() == "now runs engine 2.0, gateway 2.0"


def test_a_halt_and_a_pin_are_obeyed_and_what_was_begun_is_ended(place: Place) -> None:
    place.tell("release")
    for holds, said in (
        (Holds(halted="engine 2.0 is slow"), "rollouts are halted: engine 2.0 is slow"),
        (Holds(pins={"north-1": "study until May"}), "this box is pinned: study until May"),
    ):
        place.fleet.office.hold(holds, 30, place.fleet.signers("ben"), place.fleet.own)
        place.publish()
        assert place.run() == f"release: {said}"
        assert place.box.runs() == OLD
    place.fleet.office.hold(Holds(pins={"north-2": "another"}), 30, place.fleet.signers("ben"), place.fleet.own)
    place.publish()
    assert place.run() == "now runs engine 2.0, gateway 2.0"


def test_an_expired_channel_is_told_and_what_runs_goes_on(place: Place) -> None:
    place.tell("release")
    place.now += timedelta(days=8)
    with pytest.raises(ChannelExpired):
        place.run()
    assert place.box.runs() == OLD


def test_a_box_waits_for_its_window(place: Place) -> None:
    place.tell("release")
    place.now = place.now.replace(hour=12, minute=0, second=0, microsecond=0)
    manner = Manner("north-1", "22:00-05:00", timedelta())
    assert "begins after" in place.run(manner=manner)
    place.now = place.now.replace(hour=23)
    assert place.run(manner=manner) == "now runs engine 2.0, gateway 2.0"


def test_a_component_that_is_too_old_takes_the_step_in_between_first(place: Place) -> None:
    place.tell("release", smallest="1.5")
    assert place.run() == "release: engine 1.0 has to become 1.5 or newer before it becomes 2.0"
    assert place.box.runs() == OLD


def test_what_fails_on_its_first_day_is_gone_back_from_as_well(place: Place) -> None:
    place.tell("release")
    place.run()
    place.now += timedelta(hours=5)
    (place.box.folder / "runs" / "engine").unlink()
    with pytest.raises(WentBack, match=r"engine 2.0 -> 1.0"):
        place.run()
    assert place.box.runs() == OLD | {"gateway": NEW["gateway"]}
    assert set(place.journal().bad) == {NEW["engine"]}
    assert place.journal().good["engine"].placed.digest == OLD["engine"]


def test_where_neither_new_nor_old_serves_something_newer_of_the_channel_helps(place: Place) -> None:
    place.offer("engine", starts=False)
    place.tell("release")
    damaged = place.box.folder / "images" / f"{OLD['engine']}.json"
    whole = damaged.read_text()
    damaged.write_text(whole.replace('"starts": true', '"starts": false'))
    for _ in range(2):
        with pytest.raises(NotReady, match="engine: it does not start"):
            place.run()
    newer = NEW | {"engine": "sha256:" + "e" * 64, "gateway": "sha256:" + "f" * 64}
    for component in ("engine", "gateway"):
        place.offer(component, newer[component], version="2.1")
    place.tell("release", newer, "2.1")
    assert place.run() == "now runs engine 2.1, gateway 2.1"
    assert place.journal().attempt is None


def test_a_study_that_does_not_pass_with_the_old_image_either_is_told(place: Place) -> None:
    place.offer("engine", passes_study=False)
    place.box.place("bundle", OLD["bundle"], Nature("1.0", passes_study=False))
    place.tell("release")
    with pytest.raises(WentBack, match=r"with it too the whole path: .*: the image may not be to blame"):
        place.run()
    assert place.box.runs() == OLD


def test_two_agents_at_once_and_a_damaged_journal_are_told(place: Place) -> None:
    place.tell("release")

    def second() -> Look:
        with pytest.raises(AgentTaken):
            place.run()
        return place.look()

    agent = replace(place.agent(), look=second)
    assert agent.run() == "now runs engine 2.0, gateway 2.0"
    (place.state / JOURNAL).write_text('{"schema_version": "1"}')
    with pytest.raises(JournalRejected, match="move it away to begin anew"):
        place.run()
