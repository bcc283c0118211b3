"""How few labelled cases are enough: seeds that nothing else uses, draws, plateaus, margins, and words."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.few_labels import (
    DRAWS,
    LABELLED,
    SIZES,
    TESTED,
    WATCHED,
    CaseCounts,
    at_plateau,
    draw_labelled,
    enough,
    figures_of,
    lay_out,
    options_of,
    watched_score,
    with_interval,
)
from benchmarks.labelled_cases import Curve, app, markdown
from tests.fixtures.toy_training import TINY, write_toy_cases
from training.config import load_config
from training.mixed_cases import held_out
from training.phantoms import EVALUATION_SEEDS, TRAINING_SEEDS
from training.workspace import Workspace


def test_no_seed_is_trained_on_or_measured_elsewhere_and_none_has_two_uses() -> None:
    used = [*TESTED, *WATCHED, *LABELLED]
    assert len(set(used)) == len(used)
    others = {*TRAINING_SEEDS, *EVALUATION_SEEDS, *held_out().seeds, *held_out().people_seeds}
    assert not others & set(used)


def test_a_larger_draw_holds_the_smaller_ones_and_draws_differ() -> None:
    for draw in range(DRAWS):
        of_sizes = [set(draw_labelled(size, draw)) for size in SIZES]
        assert [len(each) for each in of_sizes] == list(SIZES)
        assert all(small < large for small, large in pairwise(of_sizes))
    assert len({draw_labelled(5, draw) for draw in range(DRAWS)}) == DRAWS


def test_people_are_those_that_no_training_sees() -> None:
    kept = held_out().people
    options = options_of("people", Path("maps"), ["somebody", *kept])
    assert options.left_out == ("somebody",)
    assert options_of("south", None, []).hospital == "south"
    with pytest.raises(ValueError, match="needs a folder"):
        options_of("people", None, [])


def test_a_fold_is_at_its_plateau_once_a_doubling_brings_less_than_a_hundredth() -> None:
    assert not at_plateau([0.5])
    assert not at_plateau([0.5, 0.52])
    assert at_plateau([0.5, 0.52, 0.525])
    assert at_plateau([0.5, 0.4])


CASES = (CaseCounts("a", 0.8, 1, 2, 1, 1), CaseCounts("b", 0.6, 2, 2, 2, 4), CaseCounts("c", 0.7, 0, 0, 0, 0))


def test_figures_are_worked_by_hand() -> None:
    assert figures_of(CASES) == pytest.approx({"station_dice": 0.7, "sensitivity": 3 / 4, "precision": 3 / 5})
    assert math.isnan(figures_of(CASES[2:])["sensitivity"])
    assert watched_score(CASES) == pytest.approx(0.5 * (0.7 + 2 * 3 / (4 + 5)))
    assert watched_score(CASES[2:]) == pytest.approx(0.35)


def test_an_interval_holds_its_mean_and_draws_alike_have_that_of_the_phantoms_alone() -> None:
    told = with_interval([CASES, CASES])
    assert told["station_dice"][0] == 0.7
    for mean, low, high in told.values():
        assert low <= mean <= high
    assert told["station_dice"][1:] == [0.6, 0.8]


def _figures(dice: float) -> dict[str, list[float]]:
    return {name: [dice, dice, dice] for name in ("station_dice", "sensitivity", "precision")}


CURVE: Curve = {
    "scratch": {5: _figures(0.4), 40: _figures(0.8)},
    "bundle": {5: _figures(0.76), 10: _figures(0.79), 40: _figures(0.9)},
}


def test_enough_is_the_fewest_within_the_margin_of_most_from_scratch() -> None:
    assert enough(CURVE) == {"station_dice": 10, "sensitivity": 5, "precision": 5}
    assert enough({"scratch": {40: _figures(0.99)}, "bundle": {5: _figures(0.5)}})["station_dice"] is None
    assert enough({"scratch": {}, "bundle": {5: _figures(0.5)}})["station_dice"] is None


def test_every_sentence_of_the_page_says_on_phantoms() -> None:
    run = {"place": "south", "start": "scratch", "cases": 5, "draw": 0, "plateau": False}
    report = {"bundle": "models/demo", "curves": {"south": CURVE}, "enough": {"south": enough(CURVE)}}
    text = markdown({**report, "runs": [run], "command": "python"})
    sentences = [line for line in text.splitlines() if line.endswith(".")]
    assert len(sentences) == 5
    assert all("on phantoms" in line.lower() for line in sentences)
    assert "| 10 | bundle | 0.790 (0.790-0.790)" in text


def test_folds_hold_their_draws_and_are_all_held_against_the_same_cases(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    config = load_config(str(tmp_path / "tiny.toml"))
    workspace = Workspace(tmp_path, "Dataset509_Tiny", config.name)
    names = write_toy_cases(workspace)
    lay_out(workspace, config, [names[:2], names[2:4], names[1:3]], names[5:])
    assert [fold["train"] for fold in workspace.splits()] == [names[:2], names[2:4], names[1:3]]
    assert all(fold["val"] == names[5:] for fold in workspace.splits())
    assert not (workspace.cases / f"{names[4]}.pkl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--place", "north"], "allowed: south, harbour, people"),
        (["--place", "people"], "needs a folder of label maps"),
    ],
)
def test_a_place_that_is_none_and_people_without_maps_are_named(tmp_path: Path, options: list[str], words: str) -> None:
    command = ["--bundle", str(tmp_path), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "few.json")]
    told = CliRunner().invoke(app, [*command, *options], env={"COLUMNS": "200"})
    assert told.exit_code == 2
    assert words in " ".join(told.output.split())
