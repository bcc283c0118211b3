"""Paired tests of units that share patients, against R, a published example, and by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.clustered_pairs import clustered_difference, compare_clustered_predictions, sign_p_value
from analytics.accuracy.paired import PairedComparison, mcnemar, mcnemar_exact
from tests.fixtures.drawing import examples

ROWS = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.booleans()), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Return what clustered_pairs.R wrote."""
    folder = Path(__file__).resolve().parents[2] / "reference"
    numbers: dict[str, Any] = json.loads((folder / "clustered_pairs.json").read_text())
    return numbers


def numbers(found: PairedComparison) -> list[float | None]:
    return [found.difference.value, found.difference.low, found.difference.high]


def reach(found: PairedComparison) -> float:
    """Return how far the interval reaches; not a number where it has none or ends at 1."""
    low, high = found.difference.low, found.difference.high
    return np.nan if low is None or high is None or low == -1 or high == 1 else high - found.difference.value


def test_differences_and_tests_by_patient_agree_with_r(nodes: pd.DataFrame, expected: dict[str, Any]) -> None:
    truth, first, second = nodes["truth"], nodes["predicted"], nodes["coarse_score"] > 0
    compared = compare_clustered_predictions(truth, first, second, nodes["patient"])
    for name, found in compared.items():
        row = expected[name]
        assert numbers(found) == pytest.approx(row["difference"], rel=1e-9), name
        assert [found.test.statistic, found.test.p_value] == pytest.approx(row["test"], rel=1e-9), name
        assert (found.test.n, found.test.degrees_of_freedom) == (row["units"], 1.0)
        assert found.test.details == {"patients": row["patients"], "patients_that_differ": row["differing"]}


def test_the_exact_test_of_few_patients_agrees_with_all_signs_written_out_in_r(
    nodes: pd.DataFrame, expected: dict[str, Any]
) -> None:
    few = nodes[nodes["patient"].isin(nodes["patient"].unique()[:30])]
    right = few["predicted"] == few["truth"]
    found = clustered_difference(right, (few["coarse_score"] > 0) == few["truth"], few["patient"])
    assert found.test.method == "exact test of paired units by patient (signs)"
    assert found.test.p_value == pytest.approx(expected["few"]["p"], rel=1e-12)


# Parathyroid glands of 21 patients without disease: found negative by both of PET and SPECT, by one alone, by neither
# (Obuchowski 1998, as given by the R package clust.bin.pair 0.1.2, which finds 2.8571 and 0.09097).
BOTH = [0, 2, 3, 1, 2, 4, 3, 2, 1, 1, 2, 2, 3, 2, 0, 2, 2, 2, 2, 1, 2]
ONLY_PET = [0] * 8 + [1] + [0] * 12
ONLY_SPECT = [2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0]
NEITHER = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]


def glands(copies: int = 1) -> tuple[list[bool], list[bool], list[str]]:
    """Return what PET and SPECT say of every gland and whose it is, of so many copies of the patients."""
    pet, spect, patients = [], [], []
    for copy in range(copies):
        for patient, counts in enumerate(zip(BOTH, ONLY_PET, ONLY_SPECT, NEITHER, strict=True)):
            for (one, two), count in zip(
                ((True, True), (True, False), (False, True), (False, False)), counts, strict=True
            ):
                pet += [one] * count
                spect += [two] * count
                patients += [f"{copy}-{patient}"] * count
    return pet, spect, patients


def test_obuchowskis_glands_are_judged_exactly_since_six_patients_differ() -> None:
    found = clustered_difference(*glands())
    # 41 negative by PET and 46 by SPECT of 51; sums 1, -2, -1, -1, -2, -1: at most 1 of 8 has the other sign in
    # 1 + 4 of 64 choices of signs, twice.
    assert found.difference.value == pytest.approx(-6 / len(glands()[0]))
    assert found.test.p_value == pytest.approx(10 / 64)


def test_ten_copies_of_obuchowskis_patients_have_the_published_statistic_but_for_the_number_of_patients() -> None:
    # (m - 1) / m (sum d)^2 / sum d^2 is 20 / 21 x 36 / 12 = 2.8571 with 21 patients.
    found = clustered_difference(*glands(10))
    assert found.test.statistic * 210 / 209 / 10 * 20 / 21 == pytest.approx(2.8571, abs=5e-5)
    assert found.difference.value == pytest.approx(clustered_difference(*glands()).difference.value)


def test_one_unit_per_patient_is_mcnemars_test() -> None:
    first, second = (np.repeat(kinds, [36, 12, 2, 5]).astype(bool) for kinds in ([1, 1, 0, 0], [1, 0, 1, 0]))
    few = clustered_difference(first, second, np.arange(55))
    assert few.test.p_value == pytest.approx(mcnemar_exact(12, 2, 55).p_value)
    first, second = np.tile(first, 3), np.tile(second, 3)
    many = clustered_difference(first, second, np.arange(165))
    assert many.test.statistic == pytest.approx(164 / 165 * mcnemar(36, 6, 165, corrected=False).statistic)


@examples(40)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_and_the_names_of_the_patients_do_not_matter(
    rows: list[tuple[int, bool, bool]], random: Any
) -> None:
    shuffled = random.sample(rows, len(rows))
    here, there = (
        clustered_difference([a for _, a, _ in part], [b for _, _, b in part], [f"{name}{who}" for who, _, _ in part])
        for part, name in ((rows, ""), (shuffled, "P"))
    )
    assert numbers(here) == pytest.approx(numbers(there))
    assert here.test.p_value == pytest.approx(there.test.p_value)


@examples(40)
@given(ROWS)
def test_every_patient_twice_keeps_the_difference_and_narrows_the_interval_and_once_more_in_one_changes_nothing(
    rows: list[tuple[int, bool, bool]],
) -> None:
    first, second = ([row[place] for row in rows] for place in (1, 2))
    patients = np.array([row[0] for row in rows])
    once = clustered_difference(first, second, patients)
    twice = clustered_difference(first * 2, second * 2, [*patients, *patients + 100])
    assert twice.difference.value == pytest.approx(once.difference.value)
    if not np.isnan(reach(once)):
        m = len(np.unique(patients))
        # The spread by patient is the same; its sum falls by half, and m / (m - 1) becomes 2 m / (2 m - 1).
        assert reach(twice) == pytest.approx(reach(once) * np.sqrt((m - 1) / (2 * m - 1)))
    # Nothing is learned from units that are only written down again within their patient.
    again = clustered_difference(first * 2, second * 2, [*patients, *patients])
    assert numbers(again) == pytest.approx(numbers(once))
    assert again.test.p_value == pytest.approx(once.test.p_value)


def test_signs_are_counted_as_by_hand() -> None:
    # 3 and -1: sums 4, 2, -2, -4; all are at least 2 from 0. 3 and 1: two of the four are.
    assert sign_p_value(np.array([3.0, -1.0])) == 1.0
    assert sign_p_value(np.array([3.0, 1.0])) == 0.5
    assert sign_p_value(np.array([])) == 1.0


def test_equal_tests_one_patient_and_no_units_are_told() -> None:
    equal = clustered_difference([True, False], [True, False], ["a", "b"])
    assert (equal.difference.value, equal.test.p_value) == (0.0, 1.0)
    assert equal.difference.note == "no interval: the difference is that of every patient"
    assert equal.test.note == "no patient differs"
    assert clustered_difference([True], [False], ["a"]).difference.note == "no interval: 1 patients"
    assert clustered_difference([], [], []).difference.note == "not defined: no units"
    with pytest.raises(ValueError, match="columns must be of one length"):
        clustered_difference([True], [False], ["a", "b"])
