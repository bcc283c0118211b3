"""What was chosen on out-of-fold cases becomes the bundle's rules, and the bundle says so."""

import json
from pathlib import Path
from typing import Any

import pytest

from base.errors import SettingInvalid
from core.rules import ScoringRules
from export.chosen import with_chosen

RULES = ScoringRules(short_axis_cutoff_mm=8.0)
NOTHING: dict[str, float | None] = {"node_threshold": None, "min_mean_posterior": None}


def _file(folder: Path, **rules: Any) -> Path:
    path = folder / "chosen.json"
    values = {"temperature": 1.4, "node_threshold": 0.4, "min_mean_posterior": 0.8} | rules
    basis = {"criterion": "largest sum", "out_of_fold_cases": 110, "folds": [0, 1, 2, 3, 4]}
    path.write_text(json.dumps({"rules": values, "chosen_on": basis}))
    return path


def test_a_choice_replaces_three_rules_and_the_source_names_it(tmp_path: Path) -> None:
    rules = with_chosen(RULES, _file(tmp_path), NOTHING)
    assert (rules.temperature, rules.node_threshold, rules.min_mean_posterior) == (1.4, 0.4, 0.8)
    assert rules.short_axis_cutoff_mm == 8.0
    assert rules.source.endswith(
        "; temperature, node_threshold, min_mean_posterior: chosen on 110 out-of-fold cases by the largest sum"
    )


def test_without_a_file_the_single_values_count_and_the_rest_keeps_its_default() -> None:
    assert with_chosen(RULES, None, NOTHING) == RULES
    assert with_chosen(RULES, None, NOTHING | {"node_threshold": 0.6}).node_threshold == 0.6


def test_a_file_and_a_single_value_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="either the file or node_threshold by itself"):
        with_chosen(RULES, _file(tmp_path), NOTHING | {"node_threshold": 0.6})


def test_another_file_is_refused_with_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"a chosen\.json of sidewall-train evaluate"):
        with_chosen(RULES, tmp_path / "absent.json", NOTHING)
    (tmp_path / "other.json").write_text('{"rules": []}')
    with pytest.raises(SettingInvalid, match="with temperature, node_threshold, min_mean_posterior"):
        with_chosen(RULES, tmp_path / "other.json", NOTHING)


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", 0.0), ("node_threshold", 1.0), ("min_mean_posterior", -0.1)]
)
def test_a_value_out_of_range_is_refused(tmp_path: Path, name: str, value: float) -> None:
    with pytest.raises(SettingInvalid, match="a temperature above 0 and shares from 0 to below 1"):
        with_chosen(RULES, _file(tmp_path, **{name: value}), NOTHING)
