"""Two patients' nodes matched and counted by hand."""

import numpy as np
import pandas as pd

from analytics.accuracy.node_pairs import (
    detected_cases,
    false_positives,
    matched_cases,
    node_units,
    paired_sizes,
    reference_nodes,
    scored_nodes,
)
from analytics.accuracy.regions import region_rows, region_scores

COLUMNS = ["patient", "side", "station", "status", "short_axis_mm", "probability", "x_mm", "y_mm", "z_mm"]
TRUE = pd.DataFrame(
    [
        ("a", "left", "obturator", "positive", 9.0, np.nan, 40.0, 0.0, 0.0),
        ("a", "left", "obturator", "negative", 4.0, np.nan, 40.0, 30.0, 0.0),
        ("a", "right", "internal iliac", "positive", 8.0, np.nan, -40.0, 0.0, 0.0),
        ("b", "left", "external iliac", "negative", 3.0, np.nan, 50.0, 0.0, 0.0),
    ],
    columns=COLUMNS,
)
FOUND = pd.DataFrame(
    [
        # 3 mm from the first node, and 6 mm: the second only repeats it.
        ("a", "left", "obturator", "positive", 9.5, 0.9, 43.0, 0.0, 0.0),
        ("a", "left", "obturator", "positive", 5.0, 0.8, 46.0, 0.0, 0.0),
        # The negative node, called positive; the third true node is missed.
        ("a", "left", "obturator", "positive", 4.5, 0.7, 40.0, 31.0, 0.0),
        # No true node within 10 mm.
        ("b", "right", "obturator", "positive", 7.0, 0.6, -40.0, 0.0, 0.0),
        ("b", "right", "obturator", "negative", 2.0, 0.1, -40.0, 40.0, 0.0),
    ],
    columns=COLUMNS,
)


def test_nodes_are_matched_by_their_centres_and_counted_as_hits_false_and_repeated() -> None:
    cases = matched_cases(["a", "b", "c"], TRUE, FOUND, largest_mm=10, by_centre=True)
    assert [(pair.found, pair.true, pair.value) for pair in cases[0].matching.pairs] == [(2, 1, 1.0), (0, 0, 3.0)]
    a, b, c = detected_cases(cases, [case.scores for case in cases])
    assert (a.hits, a.false, a.repeated, a.missed) == ((0.9,), (0.7,), (0.8,), 1)
    assert (b.hits, b.false, b.missed) == ((), (0.6, 0.1), 0)
    assert (c.hits, c.false, c.missed) == ((), (), 0)
    assert paired_sizes(cases)[["found_mm", "true_mm"]].to_numpy().tolist() == [[4.5, 4.0], [9.5, 9.0]]


def test_every_reference_node_is_a_unit_and_so_is_a_positive_node_that_is_none() -> None:
    units = node_units(matched_cases(["a", "b"], TRUE, FOUND, largest_mm=10, by_centre=True))
    assert units.patients.tolist() == ["a", "a", "a", "b", "b"]
    assert units.truth.tolist() == [True, False, True, False, False]
    assert units.predicted.tolist() == [True, True, False, False, True]


def test_without_centres_nodes_of_the_same_place_are_matched_by_size() -> None:
    true, found = (table.assign(x_mm=np.nan, y_mm=np.nan, z_mm=np.nan) for table in (TRUE, FOUND))
    case = matched_cases(["a"], true, found, largest_mm=10, by_centre=False)[0]
    # The smallest difference of two is 0.5 mm twice: 9.5 with 9, and 4.5 with 4.
    assert sorted((pair.found, pair.true) for pair in case.matching.pairs) == [(0, 0), (2, 1)]
    assert case.matching.missed == (2,)


def test_a_station_without_a_node_is_negative_and_one_that_was_not_assessed_is_no_unit() -> None:
    positive = [table[table["status"] == "positive"] for table in (TRUE, FOUND)]
    rows = region_rows(["a", "b"], ["obturator", "internal iliac"], positive, {("b", "left", "obturator")})
    assert len(rows) == 7
    by_key = {tuple(row[:3]): tuple(row[3:]) for row in rows.to_numpy().tolist()}
    assert by_key["a", "left", "obturator"] == (True, True)
    assert by_key["a", "right", "internal iliac"] == (True, False)
    assert by_key["b", "right", "obturator"] == (False, True)
    assert by_key["b", "left", "internal iliac"] == (False, False)


def test_every_reference_node_has_a_row_with_what_the_test_says_of_it() -> None:
    nodes = reference_nodes(matched_cases(["a", "b", "c"], TRUE, FOUND, largest_mm=10, by_centre=True))
    assert nodes["patient"].tolist() == ["a", "a", "a", "b"]
    assert nodes["truth"].tolist() == [True, False, True, False]
    assert nodes["called"].tolist() == [True, True, False, False]
    assert nodes["short_axis_mm"].tolist() == [9.0, 4.0, 8.0, 3.0]
    assert nodes["station"].tolist() == ["obturator", "obturator", "internal iliac", "external iliac"]
    assert nodes["score"].fillna(-1).tolist() == [0.9, 0.7, -1, -1]
    assert reference_nodes([]).empty


def test_scores_are_those_of_reference_nodes_and_of_found_nodes_that_are_none_but_not_of_repeated_ones() -> None:
    nodes = scored_nodes(matched_cases(["a", "b"], TRUE, FOUND, largest_mm=10, by_centre=True))
    assert nodes["truth"].tolist() == [True, False, True, False, False, False]
    assert nodes["score"].fillna(-1).tolist() == [0.9, 0.7, -1, -1, 0.6, 0.1]


def test_false_positives_are_positive_nodes_that_are_no_positive_reference_node() -> None:
    cases = matched_cases(["a", "b", "c"], TRUE, FOUND, largest_mm=10, by_centre=True)
    # In a the negative node called positive, in b the one that is nowhere; the negative one there does not count.
    assert false_positives(cases).tolist() == [1, 1, 0]


def test_a_station_scores_as_its_most_suspicious_node_and_an_empty_one_0() -> None:
    rows = region_rows(["a"], ["obturator", "internal iliac"], [TRUE, FOUND], ())
    scores = dict(zip(zip(rows["side"], rows["station"], strict=True), region_scores(rows, FOUND), strict=True))
    assert scores[("left", "obturator")] == 0.9
    assert scores[("right", "obturator")] == scores[("left", "internal iliac")] == 0.0
