"""A series that does not show the nodes is never answered `negative`: all cuts of a few phantoms, by true labels."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cut_cases import ModelCase, ModelCut, TruthCase, crop, cut_truth, hardest_cuts, slice_cuts
from benchmarks.cut_series import passed, read_model_case, summarise_model, summarise_truth
from core.judging.assessing import profile_stations
from core.volume import canonicalise
from export.references import midline_of_labels
from phantom.case import label_case

SEEDS = (9006, 9127)
"""Positive phantoms with nodes in the highest slices; of each, cuts were once taken for whole."""


@pytest.fixture(scope="module", params=SEEDS)
def answered(request: pytest.FixtureRequest) -> TruthCase:
    return cut_truth(request.param)


def test_no_cut_that_hides_the_positive_nodes_is_answered_negative(answered: TruthCase) -> None:
    assert answered.positive
    assert answered.hiding > 10
    assert answered.false_negatives == ()


def test_a_phantom_whose_stations_end_within_the_slices_shows_enough() -> None:
    whole = cut_truth(9002)
    assert (whole.whole, whole.enough) == (True, True)


def test_cutting_a_label_map_leaves_each_stations_slices_as_they_are() -> None:
    labels = canonicalise(label_case(9006, coarsened=4).labels)[0]
    midline = midline_of_labels(labels)
    part = crop(labels, (slice(0, 25), slice(0, labels.shape[1]), slice(0, labels.shape[2])))
    whole, cut = profile_stations(labels, midline), profile_stations(part, midline)
    # Nodes of the seed lie above slice 27: below, no hole is filled from another slice.
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one.slices_mm3[:25], other.slices_mm3)


def test_every_readable_series_of_the_lowest_and_of_the_highest_slices_is_tried() -> None:
    cuts = dict(slice_cuts(8))
    assert cuts == {
        "5 lowest of 8": slice(0, 5),
        "5 highest of 8": slice(3, 8),
        "6 lowest of 8": slice(0, 6),
        "6 highest of 8": slice(2, 8),
        "7 lowest of 8": slice(0, 7),
        "7 highest of 8": slice(1, 8),
    }


def test_a_false_negative_and_a_loss_above_two_percent_fail_the_benchmark() -> None:
    good = TruthCase(1, True, True, True, False, True, 60, 20, (), False)
    cases = [replace(good, seed=seed) for seed in range(100)]
    report = {"truth": summarise_truth(cases)}
    assert passed(report)
    assert report["truth"]["cuts_that_hide_all_positive_nodes"] == 2000
    lost = [replace(case, enough=case.seed > 2) for case in cases]
    assert not passed({"truth": summarise_truth(lost)})
    assert passed({"truth": summarise_truth([replace(case, enough=case.seed > 1) for case in cases])})
    wrong = [replace(good, seed=7, false_negatives=("25 lowest of 33",)), *cases]
    assert summarise_truth(wrong)["of_these_negative"] == {7: ["25 lowest of 33"]}
    assert not passed({"truth": summarise_truth(wrong)})


def test_a_node_of_the_groin_below_the_lateral_compartments_is_named_and_does_not_fail_the_benchmark() -> None:
    below = TruthCase(7, True, True, True, False, True, 60, 20, ("27 highest of 33",), inguinal_alone=True)
    truth = summarise_truth([below, replace(below, seed=8, false_negatives=())])
    assert truth["of_these_negative"] == truth["of_these_with_inguinal_nodes_alone"] == {7: ["27 highest of 33"]}
    assert passed({"truth": truth})


def test_lateral_nodes_are_not_taken_for_those_of_the_groin(answered: TruthCase) -> None:
    assert not answered.inguinal_alone


def test_a_negative_of_the_model_fails_the_benchmark() -> None:
    seen = ModelCase(4, (ModelCut("25 lowest of 33", "indeterminate", True, ("too little",)),))
    wrong = ModelCase(5, (ModelCut("25 lowest of 33", "negative", False, ()),))
    truth = summarise_truth([TruthCase(1, True, True, True, False, True, 60, 20, (), False)])
    real = {"incompletely_seen": True}
    assert passed({"truth": truth, "model_on_cuts": summarise_model([seen]), "real_series": real})
    assert not passed({"truth": truth, "model_on_cuts": summarise_model([seen, wrong]), "real_series": real})
    assert summarise_model([seen, wrong])["negative"] == ["seed 5: 25 lowest of 33"]


def test_a_record_of_the_model_survives_its_json() -> None:
    line = '{"seed": 4, "cuts": [{"cut": "a", "status": "positive", "incompletely_seen": true, "reasons": ["b"]}]}'
    assert read_model_case(line) == ModelCase(4, (ModelCut("a", "positive", True, ("b",)),))


def test_the_hardest_cuts_show_no_positive_node_whole_and_begin_beside_the_next() -> None:
    case = label_case(9006, coarsened=4)
    cuts = dict(hardest_cuts(case))
    positive = [node.id for node in case.nodes if node.status == "positive"]
    shown = np.flatnonzero(np.isin(canonicalise(case.node_ids)[0].voxels, positive).any(axis=(1, 2)))
    assert list(cuts) == [f"{shown[0]} lowest of 33"]
    (box,) = cuts.values()
    assert (box[0].start, box[0].stop) == (0, shown[0])


def test_a_positive_node_at_the_edge_of_a_whole_series_costs_no_negative() -> None:
    """Its patient has none to lose: seed 9212 has all regional stations within the slices and a node on the highest."""
    case = cut_truth(9212)
    assert case.positive
    assert (case.whole, case.enough) == (True, True)
    assert case.false_negatives == ()


def test_whole_phantoms_alone_are_answered_as_beside_their_cuts() -> None:
    assert cut_truth(9212, with_cuts=False).enough
    assert cut_truth(9212, with_cuts=False).cuts == 0
