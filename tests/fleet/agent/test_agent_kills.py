"""The agent is ended at every failpoint, the box starts again, and the next agent finds its way: on or back."""

import itertools
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet.agent.updating import MOST_INTERRUPTIONS
from fleet.errors import WentBack
from tests.fixtures.dying import ended_at
from tests.fixtures.folder_boxes import FolderBox
from tests.fleet.agent.agents import NEW, OLD, Place, make_place


def run(place: Place) -> None:
    with suppress(WentBack):
        place.run()


def copied(place: Place, folder: Path) -> Place:
    """Return the same box once more, in a folder of its own."""
    for name in ("box", "registry", "mirror", "state"):
        if (place.folder / name).exists():
            shutil.copytree(place.folder / name, folder / name)
    return Place(folder, place.fleet, FolderBox(folder / "box", folder / "registry"), place.now)


def check_journal(place: Place) -> None:
    """Hold what the journal says against what the box is."""
    journal = place.journal()
    assert journal.attempt is None
    for component, good in journal.good.items():
        assert place.box.runs()[component] == good.placed.digest
        assert all(place.box.has(before.digest) for before in good.before)
    assert not set(journal.bad) & set(place.box.runs().values())


@pytest.mark.parametrize("kind", ["good", "never starts", "lets no study pass", "does not stay"])
def test_a_box_ends_on_a_good_version_wherever_its_agent_was_ended(tmp_path: Path, kind: str) -> None:
    natures = {"never starts": "starts", "lets no study pass": "passes_study", "does not stay": "stays"}
    nature: dict[str, Any] = {natures[kind]: False} if kind in natures else {}
    origin = make_place(tmp_path / "origin")
    for component in NEW:
        origin.offer(component, **(nature if component == "engine" else {}))
    origin.tell("release")
    expected = NEW | {"bundle": OLD["bundle"]} if kind == "good" else OLD
    for number in itertools.count(1):
        place = copied(origin, tmp_path / str(number))
        was_ended = ended_at(str(number), partial(run, place))
        place.box.boot()
        # Whatever the cut left, a start runs only images that are whole.
        assert set(place.box.runs().values()) <= {*OLD.values(), *NEW.values()}
        for _ in range(2):
            run(place)
        assert place.box.runs() == expected, f"after the end at point {number}"
        check_journal(place)
        bad = {NEW["engine"]} if kind != "good" else set()
        assert set(place.journal().bad) & {NEW["engine"]} == bad
        shutil.rmtree(place.folder)
        if not was_ended:
            break
    assert number > 60


def test_an_image_that_takes_the_whole_box_down_is_given_up(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    for component in NEW:
        place.offer(component)
    place.tell("release")
    assert ended_at("box.asked", lambda: run(place))
    for _ in range(MOST_INTERRUPTIONS - 1):
        place.box.boot()
        assert place.box.runs()["engine"] == NEW["engine"]
        assert ended_at("box.asked", lambda: run(place))
    place.box.boot()
    with pytest.raises(WentBack):
        place.run()
    assert place.box.runs() == OLD
    assert "ended 3 times" in place.journal().bad[NEW["engine"]].reason
    check_journal(place)
