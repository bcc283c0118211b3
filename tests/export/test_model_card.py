import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.card_figures import cell, dice_rows, numbers, proportion_rows, table, training_rows
from export.card_text import NOT_REPORTED, PHANTOM_TEXT, CardText, read_card_text
from export.carding import answer_fingerprint, renew_card
from export.errors import ExportFailed
from export.model_card import CardSource, model_card, read_card_source, read_figures
from runtime.bundle.loading import Bundle, load_bundle
from tests.fixtures.bundles import make_tiny_bundle, reseal

REPOSITORY = Path(__file__).parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"
FIGURES = {"Evaluation": RESULTS / "demo_model.json", "Cross-validation": RESULTS / "demo_cross_validation.json"}
KEY = Ed25519PrivateKey.generate()
SECTIONS = [
    "Model details",
    "Intended use",
    "Factors",
    "Training data",
    "Training procedure",
    "Metrics",
    "Evaluation data",
    "Evaluation results",
    "Subgroup results",
    "Failure analysis",
    "Limits",
    "Ethical considerations and safety",
    "Scoring rules",
    "Provenance",
]


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    """Return the tiny bundle, signed with `KEY`, with the keys that trust it beside it."""
    return load_bundle(make_tiny_bundle(tmp_path, key=KEY), tmp_path / "keys")


def _evaluation(digest: str) -> dict[str, Any]:
    share = {"value": 0.75, "successes": 3, "trials": 4, "interval_95": [0.3006, 0.9544]}
    return {
        "model": {"name": "tiny", "version": "1.0.0", "digest": digest, "mode": "exact"},
        "seeds": "0-3",
        "summary": {
            "cases": 4,
            "refused": 1,
            "detection": {"< 5 mm": {"sensitivity": share}, "all": {"sensitivity": share}},
            "by_hospital": {"harbour": {"sensitivity": share}},
            "patients": {"specificity": share},
            "gates": {"midline": [1, 2]},
        },
    }


def _row(card: str, name: str) -> str:
    found = [line for line in card.splitlines() if line.startswith(f"| {name} |")]
    assert len(found) == 1, found
    return found[0]


def test_the_demo_card_holds_the_figures_of_its_files_with_intervals() -> None:
    bundle = load_bundle(REPOSITORY / "models" / "demo")
    card = model_card(bundle.manifest, read_card_source(bundle.path, bundle.manifest, read_figures(FIGURES), None))
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == SECTIONS
    detection = json.loads(FIGURES["Evaluation"].read_text())["summary"]["detection"]
    for group in ("< 5 mm", ">= 5 mm"):
        wanted = detection[group]["sensitivity"]
        low, high = wanted["interval_95"]
        row = f"{wanted['value']:.2f} | {wanted['successes']}/{wanted['trials']} | {low:.2f} to {high:.2f} |"
        assert _row(card, f"{group}, sensitivity").endswith(f"| {row}")
    node = json.loads(FIGURES["Cross-validation"].read_text())["dice"]["node"]
    assert f"| {node['mean']:.2f} |" in _row(card, "node")
    assert "Research use only" in card
    assert "never seen a patient" in card


def test_the_source_of_the_cases_comes_from_nnunets_dataset_file(tiny: Bundle) -> None:
    seeds = [*range(1000, 1130), *range(1150, 1220)]
    card = model_card(tiny.manifest, CardSource(dataset={"numTraining": 200, "source": {"seeds": seeds}}))
    assert _row(card, "source: seeds") == "| source: seeds | 1000-1129, 1150-1219 |"
    assert "## Training data\n\n|  |  |\n| --- | --- |\n| cases | 200 |" in card


def test_a_card_of_which_nothing_is_known_says_not_reported(tmp_path: Path) -> None:
    bundle = load_bundle(make_tiny_bundle(tmp_path, trained_on="clinical"), tmp_path / "keys")
    card = model_card(bundle.manifest, read_card_source(bundle.path, bundle.manifest, {}, None))
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == SECTIONS
    for name in ("intended users", "out-of-scope uses", "cases", "reference standard", "licence", "ethics"):
        rows = [line for line in card.splitlines() if line.startswith(f"| {name} |")]
        assert rows
        assert all(row.endswith("| not reported |") for row in rows)
    assert "## Evaluation results\n\nnot reported" in card


def test_an_evaluation_is_told_by_subgroup_and_by_failure(tiny: Bundle) -> None:
    source = read_card_source(tiny.path, tiny.manifest, {"Test": _evaluation(tiny.digest)}, None)
    card = model_card(tiny.manifest, source)
    results, subgroups = card.partition("## Subgroup results")[::2]
    subgroups, failures = subgroups.partition("## Failure analysis")[::2]
    wanted = "0.75 | 3/4 | 0.30 to 0.95 |"
    assert f"| patients, specificity | {wanted}" in results
    assert f"| nodes, sensitivity | {wanted}" in results
    assert f"| < 5 mm, sensitivity | {wanted}" in subgroups
    assert f"| harbour, sensitivity | {wanted}" in subgroups
    assert "harbour" not in results
    assert "| refused | 1 of 4 |" in failures
    assert "| warned: midline | 2 of 4 |" in failures


def test_the_words_come_from_a_file(tiny: Bundle, tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text('contact = "Dr. A | B"\nlimits = """One\n  centre."""\n')
    card = model_card(tiny.manifest, read_card_source(tiny.path, tiny.manifest, {}, tmp_path / "card.toml"))
    assert r"| contact | Dr. A \| B |" in card
    assert "## Limits\n\nOne centre.\n" in card
    assert "| intended users | not reported |" in card


@pytest.mark.parametrize(
    ("text", "message"),
    [("colour = 'red'", "has colour; allowed: texts for "), ("limits = 3", "has limits; allowed"), ("=", "TOML")],
)
def test_words_that_no_card_has_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "card.toml").write_text(text)
    with pytest.raises(ExportFailed, match=message):
        read_card_text(tmp_path / "card.toml")


def test_the_template_and_the_phantoms_words_name_every_field_and_no_measured_figure() -> None:
    known = {each.name for each in dataclasses.fields(CardText)}
    template = (REPOSITORY / "docs" / "model_card_template.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", template, re.DOTALL)
    assert set(tomllib.loads(block)) == known
    phantom = read_card_text(PHANTOM_TEXT)
    assert {name for name, value in vars(phantom).items() if value == NOT_REPORTED} == {"funding"}
    spoken = " ".join(value for name, value in vars(phantom).items() if name not in ("cite", "licence"))
    assert not re.search(r"\d", spoken.replace("T2", ""))


LABEL_MAP_TEXT = PHANTOM_TEXT.with_name("label_map_card.toml")


def test_the_words_on_label_maps_of_people_are_the_phantoms_and_cite_both_sources_with_their_licences() -> None:
    words, phantom = read_card_text(LABEL_MAP_TEXT), read_card_text(PHANTOM_TEXT)
    assert {name for name, value in vars(words).items() if value == NOT_REPORTED} == {"funding"}
    for source in ("TotalSegmentator", "e230024", "CC BY 4.0", "Pelvic-Ref", "MIT", "10.7937/TCIA.2019.woskq5oo"):
        assert source in words.data_source
    assert "CC BY 4.0" in words.licence
    assert (words.safety, words.out_of_scope, words.metrics) == (phantom.safety, phantom.out_of_scope, phantom.metrics)


def test_a_card_is_renewed_with_what_was_measured_on_the_bundle(tiny: Bundle, tmp_path: Path) -> None:
    renew_card(tiny.path, {"Test": _evaluation(tiny.digest)}, None, KEY)
    once = load_bundle(tiny.path, tmp_path / "keys")
    assert once.digest != tiny.digest
    assert [each["digest"] for each in once.manifest.provenance["measured_as"]] == [tiny.digest]
    assert answer_fingerprint(once.manifest) == answer_fingerprint(tiny.manifest)
    assert "0.75 | 3/4" in (tiny.path / "MODEL_CARD.md").read_text()
    renew_card(tiny.path, {"Test": _evaluation(tiny.digest)}, None, KEY)
    assert load_bundle(tiny.path, tmp_path / "keys").digest == once.digest


def test_figures_of_another_bundle_do_not_get_into_the_card(tiny: Bundle) -> None:
    other = "sha256:" + "0" * 64
    with pytest.raises(ExportFailed, match=f"Test was measured on bundle {other}; allowed: {tiny.digest}"):
        renew_card(tiny.path, {"Test": _evaluation(other)}, None, KEY)
    assert "0.75" not in (tiny.path / "MODEL_CARD.md").read_text()


def test_figures_from_before_a_change_of_the_rules_do_not_get_into_the_card(tiny: Bundle) -> None:
    renew_card(tiny.path, {"Test": _evaluation(tiny.digest)}, None, KEY)
    scoring = json.loads((tiny.path / "manifest.json").read_text())["scoring"] | {"short_axis_cutoff_mm": 5.0}
    reseal(tiny.path, KEY, scoring=scoring)
    with pytest.raises(ExportFailed, match=f"Test was measured on bundle {tiny.digest}; allowed: sha256:"):
        renew_card(tiny.path, {"Test": _evaluation(tiny.digest)}, None, KEY)


def test_a_figures_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text("[1]")
    with pytest.raises(ExportFailed, match="holds list; allowed: an object"):
        read_figures({"Test": tmp_path / "f.json"})
    with pytest.raises(ExportFailed, match="is not readable JSON"):
        read_figures({"Test": tmp_path / "absent.json"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        ("a|b\nc", r"a\|b c"),
        ([1, 2, 5], "1, 2, 5"),
        ([[1, 3, 3], [2, 2, 2]], "1 x 3 x 3, 2 x 2 x 2"),
        ([0.5, 0.25], "0.5, 0.25"),
        ([True, False], "True, False"),
    ],
)
def test_a_value_becomes_a_cell(value: object, text: str) -> None:
    assert cell(value) == text


def test_many_numbers_are_told_as_ranges() -> None:
    assert numbers([*range(10, 20), 3, *range(30, 33)]) == "3, 10-19, 30-32"


def test_a_proportion_without_interval_says_so() -> None:
    rows = list(proportion_rows({"a": {"b": {"value": 1.0, "successes": 2, "trials": 2}}, "c": 3}))
    assert rows == [("a, b", "1.00", "2/2", "not reported")]


def test_dice_shows_its_interval_where_there_is_one_and_the_spread_of_the_folds() -> None:
    figures = {
        "dice": {"node": {"mean": 0.5, "median": 0.6, "pooled": 0.7, "cases": 9, "interval_95": [0.4, 0.6]}},
        "dice_per_fold": {"0": {"node": 0.45}, "1": {"node": 0.55}, "2": {"node": None}},
    }
    assert list(dice_rows(figures)) == [("node", "0.50", "0.40 to 0.60", "0.60", "0.70", 9, "0.45 to 0.55")]


def test_training_is_told_per_fold() -> None:
    rows = training_rows({"training": {"0": {"epoch": 3}, "1": {"epoch": 4, "loss": 0.5}}})
    assert rows == [["fold", "epoch", "loss"], ["0", 3, "not reported"], ["1", 4, 0.5]]
    assert training_rows({}) == []
    assert table(rows[0], rows[1:2]).splitlines()[0] == "| fold | epoch | loss |"
