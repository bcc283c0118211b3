"""Folds hold whole patients, balanced by hospital and node status, and phantoms are dealt as nnU-Net deals."""

from collections import Counter

import numpy as np
import pytest
from nnunetv2.utilities.crossval_split import generate_crossval_split

from base.errors import SettingInvalid
from training.splits import FOLDS, NodeStatus, SplitCase, balance, balance_table, split_cases

STATUSES: tuple[NodeStatus, ...] = ("positive", "negative", "no_nodes")


def phantoms(count: int) -> list[SplitCase]:
    return [SplitCase(f"case_{index}", f"case_{index}", "phantom", "not_told") for index in range(count)]


def cohort(count: int, seed: int = 0) -> list[SplitCase]:
    """Return cases of three hospitals, every tenth the second one of its patient."""
    random = np.random.default_rng(seed)
    cases: list[SplitCase] = []
    for index in range(count):
        patient = cases[-1].patient if index % 10 == 9 else f"patient_{index:03d}"
        hospital = cases[-1].hospital if index % 10 == 9 else "ABC"[int(random.integers(3))]
        status = STATUSES[int(random.choice(3, p=[0.15, 0.5, 0.35]))]
        cases.append(SplitCase(f"case_{index:03d}", patient, hospital, status))
    return cases


@pytest.mark.parametrize(("cases", "shared"), [(5, 0), (23, 0), (40, 13), (130, 50)])
def test_each_case_outside_the_shared_run_is_held_out_exactly_once(cases: int, shared: int) -> None:
    known = phantoms(cases)
    names = {case.name for case in known}
    folds, warm_start = split_cases(known, shared)
    assert len(folds) == FOLDS
    held_out = [name for fold in folds for name in fold["val"]]
    seen_before = {*warm_start["train"], *warm_start["val"]}
    assert len(seen_before) == shared
    assert len(held_out) == len(set(held_out)) == cases - shared
    assert set(held_out) == names - seen_before
    for fold in folds:
        assert not set(fold["train"]) & set(fold["val"])
        assert {*fold["train"], *fold["val"]} == names
    sizes = [len(fold["val"]) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


def test_phantoms_are_dealt_as_nnunet_deals() -> None:
    known = phantoms(23)
    folds, _ = split_cases(known, 0)
    assert folds == generate_crossval_split(sorted(case.name for case in known))


@pytest.mark.parametrize("shared", [0, 20])
def test_a_patient_stands_in_one_fold_alone(shared: int) -> None:
    cases = cohort(120)
    folds, warm_start = split_cases(cases, shared)
    patient_of = {case.name: case.patient for case in cases}
    for fold in folds:
        validated = {patient_of[name] for name in fold["val"]}
        assert not validated & {patient_of[name] for name in fold["train"]}
        assert not validated & {patient_of[name] for part in warm_start.values() for name in part}


@pytest.mark.parametrize("seed", range(5))
def test_every_fold_gets_its_share_of_each_hospital_and_status(seed: int) -> None:
    cases = [case for case in cohort(222, seed) if case.name[-1] != "9"]
    folds, _ = split_cases(cases, 0)
    for hospital, status, counts in balance(cases, folds):
        assert max(counts) - min(counts) <= 1, (hospital, status, counts)


@pytest.mark.parametrize("seed", range(20))
def test_no_fold_of_a_small_cohort_is_empty(seed: int) -> None:
    cases = cohort(5 + seed, seed)
    if len({case.patient for case in cases}) >= FOLDS:
        assert all(fold["val"] for fold in split_cases(cases, 0)[0])


def test_hospitals_with_fewer_patients_than_folds_are_dealt_all_the_same() -> None:
    cases = [SplitCase(f"case_{index}", f"p{index}", f"hospital {index}", "positive") for index in range(7)]
    assert sorted(len(fold["val"]) for fold in split_cases(cases, 0)[0]) == [1, 1, 1, 2, 2]


@pytest.mark.parametrize("make", [phantoms, cohort])
def test_the_split_does_not_depend_on_the_order_of_the_cases(make: object) -> None:
    cases = phantoms(20) if make is phantoms else cohort(60)
    assert split_cases(cases, 5) == split_cases(cases[::-1], 5)


def test_the_table_counts_validation_cases_and_patients() -> None:
    cases = [
        SplitCase("a", "p", "A", "negative"),
        SplitCase("b", "p", "A", "positive"),
        SplitCase("c", "q", "B", "no_nodes"),
    ]
    folds = [{"train": ["c"], "val": ["a", "b"]}, {"train": ["a", "b"], "val": ["c"]}]
    assert balance_table(cases, folds).splitlines() == [
        "| hospital | node status | fold 0 | fold 1 |",
        "| --- | --- | --: | --: |",
        "| A | positive | 1 | 0 |",
        "| A | negative | 1 | 0 |",
        "| B | no nodes | 0 | 1 |",
        "| all | cases | 2 | 1 |",
        "| all | patients | 1 | 1 |",
    ]


def test_too_many_shared_cases_for_the_folds_are_refused() -> None:
    with pytest.raises(SettingInvalid, match=r"number of cases \(10\) less 5"):
        split_cases(phantoms(10), 6)


def test_many_cases_of_too_few_patients_are_refused_with_the_likely_cause() -> None:
    cases = [SplitCase(f"case_{index}", "anonymous", "A", "negative") for index in range(30)]
    with pytest.raises(SettingInvalid, match=r"30 cases of 1 patients.*at least 5 patients.*PatientID"):
        split_cases(cases, 0)


def test_the_shared_run_takes_whole_patients() -> None:
    cases = cohort(60)
    _, warm_start = split_cases(cases, 11)
    taken = Counter(case.patient for case in cases if case.name in {*warm_start["train"], *warm_start["val"]})
    everywhere = Counter(case.patient for case in cases)
    assert 11 <= taken.total() <= 12
    assert all(count == everywhere[patient] for patient, count in taken.items())
