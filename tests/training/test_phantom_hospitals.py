"""Phantoms of several hospitals become a dataset whose folds hold every hospital, and external ones stay out."""

from pathlib import Path

import pytest

from base.errors import SettingInvalid
from phantom.hospitals import EXTERNAL_HOSPITALS
from training.phantoms import case_name, parse_hospitals, write_phantoms
from training.preparation import known_cases
from training.workspace import Workspace

SEEDS = [2000, 2001]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("study"), "Dataset511_Hospitals", "demo")
    assert sorted(write_phantoms(made, SEEDS, 1, ("north", "east"))) == [case_name(seed) for seed in SEEDS]
    return made


def test_the_seeds_are_dealt_to_the_hospitals_in_turn_and_the_dataset_says_so(workspace: Workspace) -> None:
    assert [(case.name, case.hospital) for case in known_cases(workspace)] == [
        ("phantom_2000", "north"),
        ("phantom_2001", "east"),
    ]
    assert all(case.node_status in ("positive", "negative", "no_nodes") for case in known_cases(workspace))
    assert workspace.read_json(workspace.raw / "dataset.json")["source"]["hospitals"] == ["north", "east"]


def test_a_second_run_makes_nothing_again(workspace: Workspace) -> None:
    assert list(write_phantoms(workspace, SEEDS, 1, ("north", "east"))) == []


@pytest.mark.parametrize("hospitals", [(), ("east", "north")])
def test_cases_that_lie_there_from_other_hospitals_are_not_mixed_in(
    workspace: Workspace, hospitals: tuple[str, ...]
) -> None:
    with pytest.raises(SettingInvalid, match="phantom_2000, which lies there from north"):
        list(write_phantoms(workspace, SEEDS, 1, parse_hospitals(",".join(hospitals)) if hospitals else ()))


@pytest.mark.parametrize("text", [*EXTERNAL_HOSPITALS, "north,south", "north,north", "", "nowhere"])
def test_a_hospital_that_does_not_train_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match="north, east, west"):
        parse_hospitals(text)


def test_hospitals_are_named_in_the_order_they_are_given() -> None:
    assert parse_hospitals("west, north") == ("west", "north")


def test_the_workspace_holds_a_label_map_for_every_case(workspace: Workspace) -> None:
    assert sorted(path.name for path in Path(workspace.raw / "labelsTr").iterdir()) == [
        "phantom_2000.nii.gz",
        "phantom_2001.nii.gz",
    ]
