"""Training cases of both kinds of bodies, and what no training may see."""

from collections import Counter
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from training.dataset import import_cases, label_path
from training.mixed_cases import INFORMED, held_out, make_cases, options_of
from training.phantoms import EVALUATION_SEEDS, TRAINING_SEEDS
from training.workspace import Workspace

MAPS = Path("maps")


def test_what_is_held_out_is_no_training_seed_and_no_seed_that_was_looked_at_before() -> None:
    kept = held_out()
    assert len(kept.seeds) == 100
    assert len(kept.people_seeds) == 60
    assert not set(kept.seeds) & set(kept.people_seeds)
    assert not (set(kept.seeds) | set(kept.people_seeds)) & (set(TRAINING_SEEDS) | set(EVALUATION_SEEDS))
    assert kept.people == ("pelvic_ref_004", "totalsegmentator_b")


def test_half_of_the_seeds_have_bodies_of_people_and_half_of_those_random_contrast() -> None:
    options = [options_of(seed, MAPS) for seed in range(2000, 2120)]
    assert Counter(each.anatomy is not None for each in options) == {True: 60, False: 60}
    people = [each for each in options if each.anatomy is not None]
    assert Counter(each.contrast for each in people) == {"informed": 30, "random": 30}
    assert Counter(each.coverage for each in people) == {"any": 40, "usual": 20}
    assert all(each.left_out == held_out().people for each in people)
    assert {each.hospital for each in options if each.anatomy is None} == {"north", "east", "west"}


def test_without_maps_all_bodies_are_of_shapes() -> None:
    assert all(options_of(seed, None).anatomy is None for seed in range(2000, 2010))


def test_a_held_out_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="distinct seeds from 1000 to 2999"):
        list(make_cases(tmp_path, [held_out().seeds[0]], None, 1))


def test_cases_go_on_where_they_stopped_and_stay_of_one_making(tmp_path: Path) -> None:
    assert list(make_cases(tmp_path, [2000], None, 1)) == ["phantom_2000"]
    assert label_path(tmp_path, "phantom_2000").is_file()
    assert (tmp_path / INFORMED / "phantom_2000_0000.nii.gz").is_file()
    assert list(make_cases(tmp_path, [2000], None, 1)) == []
    workspace = Workspace(tmp_path / "work", "Dataset501_Sidewall", "demo")
    assert list(import_cases(workspace, tmp_path, "phantom")) == ["phantom_2000"]
    source = workspace.read_json(workspace.raw / "dataset.json")["source"]
    assert (source["cases"], source["seeds"], source["bodies"]) == (1, [2000], "shapes"), (
        "the model card names the seeds"
    )
    with pytest.raises(SettingInvalid, match="or an empty folder"):
        list(make_cases(tmp_path, [2000], MAPS, 1))
